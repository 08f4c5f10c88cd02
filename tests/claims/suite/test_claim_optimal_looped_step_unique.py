"""One step size applied L times: the loss on 𝒮 is convex, with one positive critical point."""

from collections.abc import Callable

import pytest
import sympy
from flint import fmpq, fmpq_poly
from hypothesis import given
from hypothesis import strategies as st

from icl_claims.claims.evidence import Evidence
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.loops.step import looped_step_loss, optimal_looped_step
from icl_claims.theory.many_layers.step_sizes import loss_of_steps, optimal_steps
from icl_claims.theory.one_layer import single_layer
from icl_claims.theory.task import isotropic
from icl_claims.theory.wishart import spectral_moments, trace_moments
from icl_claims.theory.wishart.sizes import in_ring

GRID = [(d, n, L) for d in (1, 2, 5) for n in (1, 3, 20) for L in (1, 2, 3, 6)]

Prefactor = Callable[[int], int]
"""L ↦ the factor of ∫ s² (1 − as)^{2L−2} dμ in f″."""


def check_second_derivative(prefactor: Prefactor) -> None:
    """f″ = factor · E tr S²(I − aS)^{2L−2} as a polynomial in a, d and n, for L ≤ 5 symbolically; the
    right-hand side is the expected trace of a square, S(I − aS)^{L−1} times its transpose, and S ≠ 0."""
    d, n, a = sympy.symbols("d n a")
    moments = [in_ring(m, d, n) / n**k for k, m in enumerate(trace_moments(10))]
    for L in range(1, 6):
        f = sum(sympy.binomial(2 * L, k) * (-a) ** k * moments[k] for k in range(2 * L + 1))
        square = sum(sympy.binomial(2 * L - 2, k) * (-a) ** k * moments[k + 2] for k in range(2 * L - 1))
        defect = sympy.Poly(sympy.expand((sympy.diff(f, a, 2) - prefactor(L) * square) * n**10), a, d, n)
        if not defect.is_zero:
            raise Refuted(f"L = {L}: f″ is not the factor times the integral")


@pytest.mark.claim(
    slug="optimal_looped_step_unique",
    grade="proof",
    range="all d, n, L ≥ 1 by the argument; f″ symbolically in a, d, n for L ≤ 5",
    parts=("convexity",),
)
def test_claim_optimal_looped_step_unique_convexity(evidence: Evidence) -> None:
    """Differentiating (1 − as)^{2L} twice under the integral gives a factor times the integral of a square with
    infinitely many points of support; as polynomials in a, d and n it is checked for L ≤ 5."""
    mutants: dict[str, Prefactor] = {
        "2L(2L − 1) → 2L(2L + 1)": lambda L: 2 * L * (2 * L + 1),
        "2L(2L − 1) → L(2L − 1)": lambda L: L * (2 * L - 1),
        "sign": lambda L: -2 * L * (2 * L - 1),
    }
    evidence.check(check_second_derivative, lambda L: 2 * L * (2 * L - 1), mutants)


def real_roots(polynomial: fmpq_poly) -> int:
    """The number of distinct real roots, by Sturm's theorem: a route of its own."""
    coefficients = [sympy.Rational(int(c.p), int(c.q)) for c in polynomial.coeffs()[::-1]]
    return int(sympy.Poly(coefficients, sympy.Symbol("a"), domain=sympy.QQ).count_roots())


def check_critical_point(claimed_sign: int) -> None:
    """f′ has exactly one real root (Sturm), it has the claimed sign, and the calculator encloses it."""
    for d, n, L in GRID:
        derivative = looped_step_loss(isotropic(d, n), L).derivative()
        best = optimal_looped_step(isotropic(d, n), L)
        if real_roots(derivative) != 1:
            raise Refuted(f"{(d, n, L)}: the derivative has several real roots, or none")
        at_ends = derivative(best.step.lower), derivative(best.step.upper)
        if not at_ends[0] <= 0 <= at_ends[1] or best.step.compare(fmpq(0)) != claimed_sign:
            raise Refuted(f"{(d, n, L)}: the critical point is not where it is claimed")


@pytest.mark.claim(
    slug="optimal_looped_step_unique",
    grade="proof",
    range="all d, n, L ≥ 1 by the argument; roots counted for d ≤ 5, n ≤ 20, L ≤ 6",
    parts=("minimizer",),
)
def test_claim_optimal_looped_step_unique_critical_point(evidence: Evidence) -> None:
    """A strictly convex polynomial of even degree has one critical point; f′(0) = −2Ld < 0 puts it right of 0.
    Sturm's theorem counts the real roots of f′ at 36 sizes, n < d and n = 1 among them."""
    if any(looped_step_loss(isotropic(d, n), L).derivative()[0] != -2 * L * d for d, n, L in GRID):
        raise Refuted("f′(0) is not −2Ld")
    evidence.check(check_critical_point, 1, {"negative": -1, "at 0": 0})
    best = optimal_looped_step(isotropic(5, 20), 3)
    evidence.figure(
        "f′ at d = 5, n = 20, L = 3 vanishes only in", f"[{best.step.lower}, {best.step.upper}]"[:60]
    )


@pytest.mark.claim(
    slug="optimal_looped_step_unique", grade="exact", range="d ≤ 4, n ≤ 6, L ≤ 4", parts=("minimizer",)
)
def test_claim_optimal_looped_step_unique_in_numbers() -> None:
    """Looping is a case of untied steps: the same loss at equal steps, never below the untied minimum, and equal
    to it, and to the minimum over all weights, at L = 1."""

    @given(st.integers(1, 4), st.integers(1, 6), st.integers(1, 4), st.fractions(-2, 2, max_denominator=9))
    def agrees(d: int, n: int, L: int, step: object) -> None:
        a = fmpq(step.numerator, step.denominator)  # type: ignore[attr-defined]
        value = looped_step_loss(isotropic(d, n), L)(a)
        assert value == loss_of_steps(isotropic(d, n), [a] * L)
        best = optimal_looped_step(isotropic(d, n), L)
        assert (
            value
            >= best.loss.lower
            >= optimal_steps(isotropic(d, n), L).loss - (best.loss.upper - best.loss.lower)
        )
        if L == 1:
            minimum = single_layer.minimum(isotropic(d, n))
            assert best.loss.lower <= minimum <= best.loss.upper
        assert value == sum(
            (
                fmpq(sympy.binomial(2 * L, k).p) * (-a) ** k * m
                for k, m in enumerate(spectral_moments(2 * L, d, n))
            ),
            fmpq(0),
        )

    agrees()
