"""What is written of a number: its minimal polynomial, and an interval without other roots."""

from __future__ import annotations

import re
from fractions import Fraction

import pytest
from flint import fmpq, fmpq_poly, fmpz_poly
from hypothesis import given
from hypothesis import strategies as st
from sympy import Poly, Rational, Symbol, factor_list, real_roots, sympify

from icl_claims.theory.algebra import algebraic
from icl_claims.theory.algebra.algebraic import (
    is_irreducible_by_degrees,
    minimal,
    number,
    polynomial_text,
    square_root,
    written,
    written_minimum,
)
from icl_claims.theory.algebra.real_roots import RealRoot, isolate
from icl_claims.theory.loops.step import looped_step_loss, optimal_looped_step
from icl_claims.theory.many_layers.step_sizes import optimal_steps
from icl_claims.theory.task import isotropic

a = Symbol("a")
ratios = st.builds(fmpq, st.integers(-(10**12), 10**12), st.integers(1, 10**6))


def polynomial(text: str) -> Poly:
    return Poly(sympify(text), a)


@given(st.lists(ratios, min_size=1, max_size=6).filter(lambda c: any(c)))
def test_polynomials_are_read_back(coefficients: list[fmpq]) -> None:
    p = fmpq_poly(coefficients)
    exact = [Rational(int(c.p), int(c.q)) for c in reversed(p.coeffs())]
    assert polynomial(polynomial_text(p)) == Poly(exact, a)
    assert "^" not in polynomial_text(p)


@given(st.sets(st.integers(1, 12), min_size=1, max_size=3), st.sets(st.integers(2, 40), max_size=2))
def test_written_roots(rational_roots: set[int], squares: set[int]) -> None:
    """Roots r/7 and 10 ± √q, told apart, in the order of size, each by its irreducible polynomial."""
    p = fmpq_poly([1])
    for r in rational_roots:
        p *= fmpq_poly([-r, 7])
    for q in squares:
        p *= fmpq_poly([100 - q, -20, 1])
    if p.gcd(p.derivative()).degree():
        return
    roots = isolate(p)
    texts = written(roots)
    assert texts == written([root.refined(300) for root in roots])
    for root, text in zip(real_roots(polynomial(polynomial_text(p))), texts, strict=True):
        match = re.fullmatch(r"root of (.*) in \[(\S+), (\S+)\]", text)
        if match is None:
            assert root == sympify(text)
            continue
        least, low, high = polynomial(match[1]), Rational(match[2]), Rational(match[3])
        ((factor, multiplicity),) = factor_list(least)[1]
        assert (factor, multiplicity) == (least, 1)
        assert low < root < high <= low * Rational(5, 4)
        assert least.count_roots(low, high) == 1


integers = (
    st.lists(st.integers(-20, 20), min_size=2, max_size=6).map(fmpz_poly).filter(lambda p: p.degree() > 0)
)


@given(integers, integers)
def test_products_are_not_irreducible_by_degrees(p: fmpz_poly, q: fmpz_poly) -> None:
    assert not is_irreducible_by_degrees(p * q)
    assert not is_irreducible_by_degrees(p * p)
    if is_irreducible_by_degrees(p):
        assert [k for _, k in p.factor()[1]] == [1]


@pytest.mark.parametrize("prime", [10007, 10133])
def test_degrees_modulo_a_divisor_of_the_leading_coefficient_do_not_count(prime: int) -> None:
    """(prime x − 1)(x² + 1) is of degree 2 modulo the prime, and x² + 1 has no factor modulo 10007."""
    assert not is_irreducible_by_degrees(fmpz_poly([-1, prime]) * fmpz_poly([1, 0, 1]))
    assert is_irreducible_by_degrees(fmpz_poly([-2, 0, 0, prime]))


def test_what_degrees_do_not_decide_is_factored() -> None:
    """x⁴ − 10x² + 1, of √2 + √3, has factors modulo every prime."""
    p = fmpz_poly([1, 0, -10, 0, 1])
    assert not is_irreducible_by_degrees(p)
    assert not is_irreducible_by_degrees(fmpz_poly([3]))
    assert minimal(isolate(fmpq_poly(p * 2))[3]).polynomial == p
    irreducible = fmpz_poly([2, 0, 0, -1])
    assert is_irreducible_by_degrees(irreducible * 6)
    root = RealRoot(irreducible * 6, fmpq(1), fmpq(2), rising=False)
    assert (minimal(root).polynomial, minimal(root).rising) == (-irreducible, True)
    root = RealRoot(irreducible * -6, fmpq(1), fmpq(2), rising=True)
    assert (minimal(root).polynomial, minimal(root).rising) == (-irreducible, True)
    assert is_irreducible_by_degrees(fmpz_poly([-1, 2]))


def test_texts_that_would_be_too_long_are_left_out() -> None:
    """Rational numbers are written, and polynomials where they may be short enough."""
    roots = isolate(fmpq_poly([2, -1]) * fmpq_poly([-(10**50 + 1), 0, 1]))
    assert written(roots, 8) == [None, "2", None]
    assert written(roots, 100) == written(roots)


def test_rational_roots_of_factors() -> None:
    """With a sign change inside, at a point of its interval, and as an end."""
    p = fmpz_poly([-2, 1, -2, 1])
    for lower, upper in ((1, 3), (fmpq(1, 3), 7), (2, 2)):
        root = minimal(RealRoot(p, fmpq(lower), fmpq(upper), rising=True))
        assert (root.lower, root.upper, root.polynomial.degree()) == (2, 2, 1)
    with pytest.raises(ValueError, match="root must be one of its polynomial"):
        minimal(RealRoot(p, fmpq(3), fmpq(4), rising=True))


@pytest.mark.parametrize(
    ("d", "n", "layers"), [(5, 20, 3), (1, 21, 3), (1, 1, 6), (10**9, 1, 4), (1, 10**9, 4)]
)
def test_written_steps(d: int, n: int, layers: int) -> None:
    best = optimal_steps(isotropic(d, n), layers)
    texts = written(best.steps)
    assert len(set(texts)) == layers
    assert texts == written(best.refined(500).steps)
    for step, text in zip(best.steps, texts, strict=True):
        ends = re.findall(r"[\d/]+(?=[,\]])", text) or [text, text]
        low, high = (fmpq(Fraction(end).numerator, Fraction(end).denominator) for end in ends)
        assert step.compare(low) >= 0 >= step.compare(high)


@pytest.mark.parametrize(("d", "n", "layers"), [(5, 20, 3), (1, 1, 2), (10**12, 3, 2), (3, 10**12, 30)])
def test_written_minimum(d: int, n: int, layers: int) -> None:
    best = optimal_looped_step(isotropic(d, n), layers).loss
    text = written_minimum(best)
    assert text == written_minimum(best.refined(400))
    match = re.fullmatch(r"minimum of (.*) in \[(\S+), (\S+)\]", text)
    assert match is not None
    assert match[1] == polynomial_text(looped_step_loss(isotropic(d, n), layers))
    low, high = (fmpq(Fraction(end).numerator, Fraction(end).denominator) for end in match.groups()[1:])
    assert best.compare(low) >= 0 >= best.compare(high)
    assert (high - low) * (1 << 52) <= low < (high - low) * (1 << 53), "as short as that precision allows"


@pytest.mark.parametrize(("d", "n", "step"), [(4, 12, "2/3"), (6, 6, "3/7"), (12, 4, "2/9")])
def test_rational_loops(d: int, n: int, step: str) -> None:
    best = optimal_looped_step(isotropic(d, n), 2)
    assert written([best.step]) == [step]
    at = fmpq(*map(int, step.split("/")))
    assert written_minimum(best.loss) == str(looped_step_loss(isotropic(d, n), 2)(at))


@given(ratios.map(abs))
def test_square_roots(value: fmpq) -> None:
    root = square_root(value)
    assert root.lower**2 <= value <= root.upper**2
    assert (root.upper - root.lower) * (1 << 64) <= root.lower
    assert root.compare(root.lower) >= 0 >= root.compare(root.upper)
    exact = square_root(value**2)
    assert exact.lower == exact.upper == value == number(value).lower


def test_square_roots_of_negative_numbers() -> None:
    with pytest.raises(ValueError, match="value must be ≥ 0"):
        square_root(fmpq(-1, 3))


@pytest.mark.parametrize(("sign", "cell"), [(-1, (fmpq(-7, 2), fmpq(-3))), (1, (fmpq(3), fmpq(7, 2)))])
def test_both_ends_of_a_cell_are_large_enough(sign: int, cell: tuple[fmpq, fmpq]) -> None:
    """±√12: between −4 and −3 the second is too small for 4, between 3 and 4 the first."""
    root = isolate(fmpq_poly([-12, 0, 1]))[0 if sign < 0 else 1]
    assert algebraic._cell(root, 4, []) == cell
