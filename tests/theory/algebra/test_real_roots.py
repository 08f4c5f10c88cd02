"""Certified roots and minima, and orthogonal polynomials, against what is known in closed form."""

from __future__ import annotations

import math
from fractions import Fraction
from math import factorial, prod

import pytest
from flint import fmpq, fmpq_poly, fmpz, fmpz_poly
from hypothesis import given
from hypothesis import strategies as st

from icl_claims.numerics.rounding import nearest_real, nearest_root
from icl_claims.theory.algebra import real_roots
from icl_claims.theory.algebra.orthogonal_polynomials import (
    kernel_polynomial,
    least_square_polynomial,
    monic,
    recurrence,
)
from icl_claims.theory.algebra.real_roots import (
    ConvexMinimum,
    RealRoot,
    _certified,
    count_real_roots,
    isolate,
    primitive,
    root_of_increasing,
    sign_at,
    sign_in_balls,
)
from tests.shared.strategies import positive_rationals, rationals

x = fmpq_poly([0, 1])
distinct = st.lists(rationals, min_size=1, max_size=7, unique_by=str)


def with_roots(roots: list[fmpq]) -> fmpq_poly:
    return prod((x - r for r in roots), start=fmpq_poly([1]))


@given(distinct, st.integers(1, 300), rationals)
def test_rational_roots(roots: list[fmpq], bits: int, other: fmpq) -> None:
    found = isolate(-3 * with_roots(roots))
    for root, true in zip(found, sorted(roots), strict=True):
        finer = root.refined(bits)
        assert root.lower <= finer.lower <= true <= finer.upper <= root.upper
        assert (finer.upper - finer.lower) * 2**bits <= abs(true)
        assert root.compare(true) == finer.compare(true) == 0
        assert root.compare(other) == (true > other) - (true < other)


@given(st.lists(st.integers(1, 60), min_size=1, max_size=5, unique=True))
def test_square_roots(squares: list[int]) -> None:
    """Roots of ∏ (x² − c): ±√c, told from any rational number by its square."""
    found = isolate(prod((x**2 - c for c in squares), start=fmpq_poly([1])))
    assert len(found) == 2 * len(squares)
    for root, c in zip(found[len(squares) :], sorted(squares), strict=True):
        finer = root.refined(150)
        assert 0 < finer.lower <= finer.upper
        assert finer.lower**2 <= c <= finer.upper**2
        assert nearest_real(root) == nearest_root(fmpq(c))
        assert nearest_real(root.refined(1)) == nearest_root(fmpq(c))


def test_close_roots() -> None:
    """Roots 2⁻⁴⁰⁰ apart, and 400 orders of magnitude from others, are told apart."""
    roots = [fmpq(1, 3), fmpq(1, 3) + fmpq(1, 2**400), fmpq(10) ** 400, fmpq(0)]
    found = isolate(with_roots(roots))
    assert [root.compare(r) for root, r in zip(found, sorted(roots), strict=True)] == [0] * 4


@pytest.mark.parametrize(
    "polynomial",
    [fmpq_poly([1, 0, 1]), (x - 1) ** 2, x**2 * (x - 1), (x - 1) * (x**2 + x + 1), fmpq_poly([3])],
)
def test_what_is_no_set_of_simple_real_roots(polynomial: fmpq_poly) -> None:
    if polynomial.degree() == 0:
        assert isolate(polynomial) == ()
        return
    with pytest.raises(ValueError, match="real and simple roots only"):
        isolate(polynomial)


LONG = 7 + fmpq(1, 3**4000)
"""A root that makes coefficients long enough for signs in balls."""


@given(distinct, rationals)
def test_signs_in_balls(roots: list[fmpq], value: fmpq) -> None:
    """With long coefficients too; and never a sign at a root."""
    for polynomial in (with_roots(roots), with_roots(roots) * (x - LONG)):
        p = primitive(polynomial)
        sign = (polynomial(value) > 0) - (polynomial(value) < 0)
        assert sign_at(p, value) == sign
        assert sign_in_balls(p, value, 64) in (0, sign)
        assert sign_in_balls(p, roots[0], 64) == sign_at(p, roots[0]) == 0


def test_signs_beside_a_root_of_a_long_polynomial() -> None:
    """Nearer than any precision in use resolves, on either side: decided exactly."""
    p, near = primitive((x - LONG) * (x - 1)), fmpq(1, 1 << 9000)
    for value, sign in [(LONG + near, 1), (LONG, 0), (LONG - near, -1)]:
        assert sign_in_balls(p, value, 4096) == 0
        assert sign_at(p, value) == sign
    assert sign_in_balls(p, LONG + 1, 256) == 1


@pytest.mark.parametrize("factor", [x - LONG, x - 3])
def test_an_interval_without_opposite_signs_at_its_ends_is_refused(factor: fmpq_poly) -> None:
    """A root at an end, a double root inside, no root, two roots; long polynomials and short ones."""
    simple, double = primitive(factor * (x - 1)), primitive(factor * (x - 1) ** 2)
    far = fmpq(2), fmpq(8)
    assert _certified(simple, [(fmpq(1, 2), fmpq(3, 2)), far]) is not None
    for first in [(fmpq(1, 2), fmpq(1)), (fmpq(1), fmpq(3, 2)), (fmpq(1, 4), fmpq(1, 2))]:
        assert _certified(simple, [first, far]) is None
    assert _certified(simple, [(fmpq(1, 2), far[1]), (far[1] + 1, far[1] + 2)]) is None
    assert _certified(double, [(fmpq(1, 4), fmpq(1, 2)), (fmpq(5, 8), fmpq(3, 2)), far]) is None
    # One root named twice: each interval by itself is a root, and they are not apart.
    assert _certified(double, [(fmpq(1), fmpq(1)), (fmpq(1), fmpq(1)), far]) is None
    assert _certified(simple, [(fmpq(1), fmpq(1))]) is None
    assert _certified(simple, [(fmpq(1), fmpq(1)), far, (fmpq(9), fmpq(10))]) is None


def test_zero_has_no_isolated_roots() -> None:
    with pytest.raises(ValueError, match="must not be 0"):
        isolate(fmpq_poly([]))


@given(st.lists(rationals, max_size=3), positive_rationals)
def test_root_of_an_increasing_polynomial(coefficients: list[fmpq], root: fmpq) -> None:
    """∫ (p² + 1), shifted to vanish at the root."""
    rises = (fmpq_poly(coefficients) ** 2 + 1).integral()
    found = root_of_increasing(rises - rises(root))
    assert found.compare(root) == 0
    finer = found.refined(80)
    assert finer.lower <= root <= finer.upper
    assert (finer.upper - finer.lower) * 2**80 <= root


@pytest.mark.parametrize(
    "polynomial",
    [
        x + 1,  # positive at 0
        x**3 + x,  # 0 there
        x**2 - 1,  # of even degree
        fmpq_poly([-1]),
        -x - 1,  # falls, from below 0
        -(x**3) - x - 1,
    ],
)
def test_what_does_not_increase_from_below_zero(polynomial: fmpq_poly) -> None:
    with pytest.raises(ValueError, match="must increase"):
        root_of_increasing(polynomial)


def test_a_value_at_complex_critical_points_is_not_the_minimum() -> None:
    """F = x⁴/4 + x²/2 has the value −1/4 at ±i, where F′ = x³ + x vanishes too; its minimum is 0."""
    F = x**4 / 4 + x**2 / 2
    least = ConvexMinimum(F, RealRoot(primitive(F.derivative()), fmpq(-1), fmpq(2), rising=True))
    assert [least.compare(fmpq(value, 4)) for value in (-2, -1, 0, 1)] == [1, 1, 0, -1]


def test_the_enclosure_of_a_minimum_takes_the_better_end() -> None:
    """(x − 1)² on [1 − h, 1 + 2h]: the tangents give −5h² and −8h², the values h² and 4h²; and mirrored."""
    h = fmpq(1, 10)
    for sign in (1, -1):
        ends = sorted((1 - sign * h, 1 + 2 * sign * h))
        found = ConvexMinimum((x - 1) ** 2, RealRoot(primitive(x - 1), *ends, rising=True))
        assert (found.lower, found.upper) == (-5 * h**2, h**2)


@given(st.lists(rationals, min_size=1, max_size=3), positive_rationals, rationals, rationals)
def test_minimum_of_a_convex_polynomial(c: list[fmpq], at: fmpq, least: fmpq, other: fmpq) -> None:
    """F with F″ = p² + 1, F′(at) = 0 and F(at) = least: a rational minimum, which comparison must decide."""
    slope = (fmpq_poly(c) ** 2 + 1).integral()
    F = (slope - slope(at)).integral()
    F = F - F(at) + least
    minimum = ConvexMinimum(F, root_of_increasing(F.derivative()))
    assert minimum.compare(least) == 0
    assert minimum.compare(other) == (least > other) - (least < other)
    finer = minimum.refined(100)
    assert minimum.lower <= finer.lower <= least <= finer.upper <= minimum.upper
    assert nearest_real(minimum) == int(least.p) / int(least.q)


def test_rounding_of_roots_halfway_between_floats() -> None:
    """Ties go to the even neighbour; a root that is only nearly halfway goes to its side."""
    halfway, tiny = fmpq(2**53 + 1, 2**53), fmpq(1, 2**300)
    far = x - 7
    for root, rounded in [(halfway, 1.0), (halfway + tiny, math.nextafter(1, 2)), (halfway - tiny, 1.0)]:
        found = isolate((x - root) * far)[0]
        assert nearest_real(found) == rounded
    even = fmpq(2**53 + 3, 2**53)
    assert nearest_real(isolate((x - even) * far)[0]) == 1 + 2.0**-51


def test_text_of_a_root() -> None:
    assert str(isolate(2 * x - 1)[0]) == "1/2"
    irrational = RealRoot(primitive(x**2 - 2), fmpq(1), fmpq(3, 2), rising=True)
    assert str(irrational) == "root of x^2 + (-2) in [1, 3/2]"


@pytest.mark.parametrize("alpha", [0, 1, 4])
def test_laguerre_recurrence(alpha: int) -> None:
    """Weight s^α e^{−s}: α_k = 2k + α + 1, β_k = k(k + α), Σ_k L_k(0)²/h_k = C(N + α, N − 1)/α!."""
    size = 12
    moments = [fmpz(factorial(k + alpha)) for k in range(2 * size)]
    alphas, betas = recurrence(moments, size)
    assert alphas == [2 * k + alpha + 1 for k in range(size)]
    assert betas == [factorial(alpha), *(k * (k + alpha) for k in range(1, size))]
    assert kernel_polynomial(alphas, betas)[1] == fmpq(factorial(alpha), math.comb(size + alpha, size - 1))
    assert kernel_polynomial(alphas, betas) == least_square_polynomial(moments, size - 1)


@given(st.dictionaries(st.integers(1, 40), st.integers(1, 9), min_size=1, max_size=7))
def test_orthogonality(weights: dict[int, int]) -> None:
    """Finitely many atoms: π_k orthogonal, h_k = β_0 ⋯ β_k; and an error once there are no more atoms."""
    atoms, size = weights.items(), len(weights)
    moments = [fmpz(sum(w * a**k for a, w in atoms)) for k in range(2 * size + 3)]
    alphas, betas = recurrence(moments, size)
    polynomials = monic(alphas, betas)
    norm = fmpq(1)
    for i, (p, beta) in enumerate(zip(polynomials, betas, strict=False)):
        norm *= beta
        for j, q in enumerate(polynomials[: i + 1]):
            assert sum((w * p(a) * q(a) for a, w in atoms), fmpq(0)) == (norm if i == j else 0)
    assert all(polynomials[size](a) == 0 for a, _ in atoms)
    with pytest.raises(ZeroDivisionError, match=f"at least {size + 1} points"):
        recurrence(moments, size + 1)
    with pytest.raises(ZeroDivisionError):
        least_square_polynomial(moments, size + 1)


def test_degree_zero() -> None:
    assert least_square_polynomial([fmpz(7)], 0) == (fmpq_poly([1]), fmpq(7))


def test_rounding_agrees_with_fractions() -> None:
    """The root of 10 x³ − 1, bracketed by its neighbours' cubes."""
    value = nearest_real(root_of_increasing(10 * x**3 - 1))
    below, above = (
        (Fraction(value) + Fraction(math.nextafter(value, end))) / 2 for end in (-math.inf, math.inf)
    )
    assert 10 * below**3 < 1 < 10 * above**3


def test_real_roots_are_counted_once_each() -> None:
    """Double roots, none, non-real ones, and constants."""
    assert count_real_roots((x - 1) * (x - 1) * (x + 2)) == 2
    assert count_real_roots((x**2 + 1) * (x - 3)) == 1
    assert count_real_roots(fmpq_poly([5])) == 0
    with pytest.raises(ValueError, match="must not be 0"):
        count_real_roots(fmpq_poly([]))


def test_roots_at_the_ends_are_counted() -> None:
    p = (x - fmpq(1, 2)) * (x - 2) * (x - 2) * (x - 3)
    assert count_real_roots(p, fmpq(1, 2), fmpq(2)) == 2
    assert count_real_roots(p, fmpq(2), fmpq(2)) == 1
    assert count_real_roots(p, fmpq(51, 100), fmpq(199, 100)) == 0
    assert count_real_roots(p, lower=fmpq(3)) == 1
    assert count_real_roots(p, upper=fmpq(1, 3)) == 0


@pytest.mark.parametrize("rising", [1, -1])
def test_a_cut_at_the_root_leaves_the_root_alone(rising: int) -> None:
    root = RealRoot(fmpz_poly([-rising, rising]), fmpq(0), fmpq(3), rising > 0)
    assert [(cut.lower, cut.upper) for cut in map(root._cut, (fmpq(1), fmpq(1, 2), fmpq(2), fmpq(3)))] == [
        (1, 1),
        (fmpq(1, 2), 3),
        (0, 2),
        (0, 3),
    ]


@pytest.mark.parametrize("middle", [fmpq(1), fmpq(-1, 3), fmpq(10**30)])
@pytest.mark.parametrize("relative", [fmpq(1, 2), fmpq(1, 2**200)])
def test_ends_on_a_grid_enclose_the_ball_and_are_short(middle: fmpq, relative: fmpq) -> None:
    radius = abs(middle) * relative
    lower, upper = real_roots._on_a_grid(middle, radius)
    assert lower < middle - radius < middle + radius < upper
    assert max(lower.p.bit_length(), lower.q.bit_length()) <= 200
    assert upper - lower <= max(32 * radius, abs(middle) / 2**66)
