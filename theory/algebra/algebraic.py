"""Real algebraic numbers in writing: of least degree, between rationals with few digits.

A number comes as the only root of a polynomial in an interval (:mod:`icl_claims.theory.algebra.real_roots`). What is
written depends on the number alone, never on how narrowly it happened to be enclosed.

>>> from icl_claims.theory.algebra.real_roots import isolate
>>> written(isolate(fmpq_poly([-2, 7, -5, 1])))
['root of a**2 - 3*a + 1 in [3/8, 7/16]', '2', 'root of a**2 - 3*a + 1 in [5/2, 3]']
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import isqrt

from flint import Ordering, fmpq, fmpq_mpoly_ctx, fmpq_poly, fmpz_poly, nmod_poly

from icl_claims.theory.algebra.real_roots import ConvexMinimum, RealRoot, sign_at

_WRITTEN = fmpq_mpoly_ctx.get(("a",), Ordering.lex)

_LEAST = 4

_PRIMES = (10007, 10009, 10037, 10039, 10061, 10067, 10069, 10079, 10091, 10093, 10099, 10103, 10111, 10133)
"""What irreducibility is tried with; steps of optimal transformers have needed at most seven."""


def number(value: fmpq) -> RealRoot:
    """A rational number as the root of a polynomial of degree 1."""
    return RealRoot(fmpz_poly([-value.p, value.q]), value, value, rising=True)


def square_root(value: fmpq) -> RealRoot:
    """√value for a rational value ≥ 0; rational where the value is a square.

    With value = p/q and r = ⌊√(4⁶⁴ pq)⌋ it lies in [r, r + 1]/(2⁶⁴ q).

    Raises:
        ValueError: value < 0.

    >>> square_root(fmpq(9, 4)).lower, square_root(fmpq(2)).compare(fmpq(7, 5))
    (3/2, 1)
    """
    if value < 0:
        raise ValueError(f"value must be ≥ 0 to have a real root, got {value}")
    p, q = int(value.p), int(value.q)
    shifted, scale = p * q << 128, q << 64
    r = isqrt(shifted)
    if r * r == shifted:
        return number(fmpq(r, scale))
    return RealRoot(fmpz_poly([-p, 0, q]), fmpq(r, scale), fmpq(r + 1, scale), rising=True)


def minimal(root: RealRoot) -> RealRoot:
    """The same number as the root of an irreducible polynomial; of degree 1 where it is rational.

    >>> minimal(RealRoot(fmpz_poly([-2, 1, -2, 1]), fmpq(1), fmpq(3), rising=True)).lower
    2
    """
    return _in(root, _irreducible(root))


def written(roots: Sequence[RealRoot], longest: int | None = None) -> list[str | None]:
    """Each ``p/q``, or ``root of <minimal polynomial in a> in [p/q, r/s]``.

    The ends are m/2ᵏ and (m + 1)/2ᵏ with k least such that both numerators are at least 4 in
    magnitude (so the ends differ by at most a quarter) and no other root lies between them.

    Args:
        roots: all real roots of one polynomial, ascending and not 0.
        longest: the most characters of a polynomial that is of use; None in place of a text that would certainly
            have more. (At L = 100 and sizes of 17 digits a polynomial has 16 million, for each of 100 roots.)

    >>> written([RealRoot(fmpz_poly([-2, 0, 0, 1]), fmpq(1), fmpq(2), rising=True)])
    ['root of a**3 - 2 in [5/4, 3/2]']
    """
    factors = _irreducible(roots[0])
    polynomials = [None if _exceeds(p, longest) else polynomial_text(fmpq_poly(p)) for p in factors]
    texts: list[str | None] = []
    for i, root in enumerate(roots):
        exact = _in(root, factors)
        if exact.lower == exact.upper:
            texts.append(str(exact.lower))
            continue
        polynomial = polynomials[factors.index(exact.polynomial)]
        if polynomial is None:
            texts.append(None)
            continue
        lower, upper = _cell(exact, _LEAST, [*roots[max(i - 1, 0) : i], *roots[i + 1 : i + 2]])
        texts.append(f"root of {polynomial} in [{lower}, {upper}]")
    return texts


def _exceeds(polynomial: fmpz_poly, longest: int | None) -> bool:
    """Whether the text of a polynomial is longer for certain: 2^{10/3} > 10, so b bits have over (b − 1)/4 digits."""
    return longest is not None and (polynomial.height_bits() - 1) // 4 > longest


def written_minimum(minimum: ConvexMinimum) -> str:
    """``p/q`` where the minimizer is rational, or ``minimum of <polynomial in a> in [p/q, r/s]``.

    The minimum is not 0. The ends differ by at most 2⁻⁵² of it, the precision of float64.

    >>> from icl_claims.theory.loops.step import optimal_looped_step
    >>> from icl_claims.theory.task import isotropic
    >>> written_minimum(optimal_looped_step(isotropic(6, 6), 2).loss)
    '879/343'
    >>> written_minimum(optimal_looped_step(isotropic(1, 1), 2).loss).partition(" in ")[0]
    'minimum of 105*a**4 - 60*a**3 + 18*a**2 - 4*a + 1'
    """
    minimizer = minimal(minimum.minimizer)
    if minimizer.lower == minimizer.upper:
        return str(minimum.polynomial(minimizer.lower))
    lower, upper = _cell(minimum, 1 << 52, [])
    return f"minimum of {polynomial_text(minimum.polynomial)} in [{lower}, {upper}]"


def polynomial_text(polynomial: fmpq_poly) -> str:
    """As Python and SymPy read it, in the variable a.

    >>> polynomial_text(fmpq_poly([1, fmpq(-2, 3), 1]))
    'a**2 - 2/3*a + 1'
    """
    terms: dict[tuple[int, ...], fmpq] = {(k,): c for k, c in enumerate(polynomial.coeffs()) if c}
    return str(_WRITTEN.from_dict(terms)).replace("^", "**")


def _irreducible(root: RealRoot) -> list[fmpz_poly]:
    """The irreducible factors of its polynomial."""
    polynomial = root.polynomial
    if is_irreducible_by_degrees(polynomial):
        content = polynomial.content()
        return [polynomial // fmpz_poly([content if polynomial[polynomial.degree()] > 0 else -content])]
    return [factor for factor, _ in polynomial.factor()[1]]


def is_irreducible_by_degrees(polynomial: fmpz_poly) -> bool:
    """Whether factorizations modulo a few primes prove the polynomial irreducible over ℚ; False decides nothing.

    Modulo a prime that does not divide its leading coefficient, a factor keeps its degree and is a product of
    factors modulo the prime: so its degree is a sum of some of their degrees [1]. If over several primes only 0
    and the whole degree are such sums each time, there is no proper factor. (Multiple factors modulo a prime
    count with their multiplicity.) Polynomials with the symmetric group as Galois group need some four primes;
    x⁴ + 1 is irreducible, but not for this test.

    [1] D. R. Musser (1978), On the efficiency of a polynomial irreducibility test, J. ACM 25, 271–282.

    >>> is_irreducible_by_degrees(fmpz_poly([-2, 0, 0, 1])), is_irreducible_by_degrees(fmpz_poly([-8, 0, 0, 1]))
    (True, False)
    """
    degree = polynomial.degree()
    if degree < 1:
        return False
    sums = (1 << degree + 1) - 1
    for prime in _PRIMES:
        if polynomial[degree] % prime == 0:
            continue
        reachable = 1
        for factor, multiplicity in nmod_poly(polynomial, prime).factor()[1]:
            for _ in range(multiplicity):
                reachable |= reachable << factor.degree()
        sums &= reachable
        if sums == 1 | 1 << degree:
            return True
    return False


def _in(root: RealRoot, factors: Sequence[fmpz_poly]) -> RealRoot:
    """The root as one of the factor that vanishes there.

    Their product has no other root in the interval and this one is simple, so exactly one of them
    vanishes there, and changes sign between the ends.
    """
    if root.lower == root.upper:
        return number(root.lower)
    for factor in factors:
        below, above = sign_at(factor, root.lower), sign_at(factor, root.upper)
        if below != above:
            if factor.degree() == 1:
                return number(fmpq(-factor[0], factor[1]))
            return replace(root, polynomial=factor, rising=above > 0)
    raise ValueError(f"root must be one of its polynomial, got none in [{root.lower}, {root.upper}]")


def _cell(number: RealRoot | ConvexMinimum, least: int, others: Sequence[RealRoot]) -> tuple[fmpq, fmpq]:
    """[m, m + 1]/2ᵏ around a number that is not 0: the first with |m|, |m + 1| ≥ least and no other root."""
    magnitude = max(number.upper, -number.lower)
    # |number| < 2ᵉ with e = 1 + the difference of lengths, so no smaller k will do.
    k = max(0, least.bit_length() - 2 - (magnitude.p.bit_length() - magnitude.q.bit_length()))
    while True:
        m = _floor(number, k)
        if min(abs(m), abs(m + 1)) >= least and all(_floor(other, k) != m for other in others):
            return fmpq(m, 1 << k), fmpq(m + 1, 1 << k)
        k += 1


def _floor(number: RealRoot | ConvexMinimum, k: int) -> int:
    """⌊2ᵏ number⌋."""
    scale, bits = 1 << k, 64
    while (number.upper - number.lower) * scale > 1:
        number, bits = number.refined(bits), 2 * bits
    m = int((number.lower * scale).floor())
    return m + (number.compare(fmpq(m + 1, scale)) >= 0)
