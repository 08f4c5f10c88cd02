r"""The loss of layers with scalar weights as the integral of a squared residual, in any ring, with its derivatives.

On the task Ω = Σ⁻¹, σ² = 0, with weights A_l = a_l Σ⁻¹ and B_l = b_l I, what L layers leave of the task vector is
r_L(S), a polynomial in S = XXᵀ/n (:mod:`icl_claims.theory.transformer.recursion`). So

    f(a, b) = E tr r_L(S)² = ∫ r² dμ,     ∂_i f = 2 ∫ r ∂_i r dμ,     ∂_i∂_j f = 2 ∫ (∂_i r ∂_j r + r ∂_i∂_j r) dμ,

μ the expected spectral measure of S, of total mass d and moments ∫ sᵏ dμ = E tr Sᵏ. An :class:`Integral` says in which
ring r is computed and how a square of it is integrated: :class:`Moments` does so exactly, for polynomials over ℚ; balls
of moments and Gauss rules with error bounds are in ``numerics``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from flint import fmpq, fmpq_poly, fmpz

from icl_claims.theory.algebra.validation import positive_integer
from icl_claims.theory.transformer.recursion import recursion, residual_jet
from icl_claims.theory.wishart import trace_moments


class Integral(Protocol):
    """p ↦ ∫ p dμ, for elements p of a commutative ring that stand for polynomials in s."""

    @property
    def variable(self) -> Any:
        """The element s."""

    @property
    def unit(self) -> Any:
        """The element 1."""

    def __call__(self, element: Any, /) -> Any:
        """∫ p dμ."""

    def weighted(self, element: Any, /) -> Callable[[Any], Any]:
        """q ↦ ∫ p q dμ for a given p that meets many q."""


class Moments:
    """∫ p dμ = Σ_k c_k E tr Sᵏ for polynomials p = Σ_k c_k sᵏ over ℚ, exactly.

    Args:
        dim, context_length: d, n ≥ 1.
        degree: the largest degree of a polynomial that will be integrated.

    Raises:
        TypeError, ValueError: a size is no integer ≥ 1, or a polynomial is of a higher degree.

    >>> Moments(dim=2, context_length=5, degree=2)(fmpq_poly([0, 0, 1]))
    16/5
    """

    variable = fmpq_poly([0, 1])
    unit = fmpq_poly([1])

    def __init__(self, dim: int, context_length: int, degree: int) -> None:
        d, n = positive_integer("dim", dim), positive_integer("context_length", context_length)
        # E tr Wᵏ n^{K−k}, over the one denominator n^K: sums of integers need no common divisors.
        self._numerators, power = [], fmpz(1)
        for moment in reversed(trace_moments(degree, d, n)):
            self._numerators.append(moment * power)
            power *= n
        self._numerators.reverse()
        self._denominator = fmpz(n) ** degree

    def __call__(self, polynomial: fmpq_poly) -> fmpq:
        """∫ p dμ."""
        if polynomial.degree() >= len(self._numerators):
            raise ValueError(
                f"polynomial must be of degree at most {len(self._numerators) - 1}, got {polynomial.degree()}"
            )
        coefficients = polynomial.numer().coeffs()
        return fmpq(_inner(coefficients, self._numerators), polynomial.denom() * self._denominator)

    def weighted(self, polynomial: fmpq_poly) -> Moments:
        """The moments ∫ sᵏ p dμ: integers again, where a product p q would bring fractions to one denominator."""
        coefficients, degree = polynomial.numer().coeffs(), max(polynomial.degree(), 0)
        if degree >= len(self._numerators):
            raise ValueError(
                f"polynomial must be of degree at most {len(self._numerators) - 1}, got {degree}"
            )
        shifted = (self._numerators[k:] for k in range(len(self._numerators) - degree))
        found = object.__new__(Moments)
        found._numerators = [_inner(coefficients, moments) for moments in shifted]
        found._denominator = self._denominator * polynomial.denom()
        return found


def integral(polynomial: fmpq_poly, dim: int, context_length: int) -> fmpq:
    """∫ p dμ = E tr p(S), exactly, for a polynomial p over ℚ.

    >>> integral(fmpq_poly([0, 0, 1]), dim=2, context_length=5)
    16/5
    """
    return Moments(dim, context_length, max(polynomial.degree(), 0))(polynomial)


def loss(over: Integral, a: Sequence[Any], b: Sequence[Any]) -> Any:
    """f(a, b) = ∫ r² dμ.

    Args:
        over: the integral, for squares of the residual: degree 3ᴸ − 1, or 2L where b is empty.
        a, b: L and at most L − 1 elements that multiply the ring's; a_l with its own sign (descent has a_l < 0).
    """
    r = recursion(a, b, over.variable, over.unit)[1]
    return over(r * r)


def gradient(over: Integral, a: Sequence[Any], b: Sequence[Any]) -> list[Any]:
    """∂f in (a_0, …, a_{L−1}, b_0, b_1, …). Arguments as for :func:`loss`."""
    r = residual_jet(a, b, over.variable, over.unit, second=False)
    against_residual = over.weighted(r.value + r.value)
    return [against_residual(slope) for slope in r.slopes]


def hessian(over: Integral, a: Sequence[Any], b: Sequence[Any]) -> list[list[Any]]:
    """The second derivatives of f, a symmetric table in the order of :func:`gradient`."""
    r = residual_jet(a, b, over.variable, over.unit)
    size, against_residual = len(r.slopes), over.weighted(r.value + r.value)
    table: list[list[Any]] = [[None] * size for _ in range(size)]
    for i, slope in enumerate(r.slopes):
        against_slope = over.weighted(slope + slope)
        for j in range(i + 1):
            entry, curvature = against_slope(r.slopes[j]), r.curvature(i, j)
            table[i][j] = table[j][i] = entry if curvature is None else entry + against_residual(curvature)
    return table


def _inner(coefficients: Sequence[fmpz], moments: Sequence[fmpz]) -> fmpz:
    return sum((c * m for c, m in zip(coefficients, moments, strict=False)), fmpz(0))
