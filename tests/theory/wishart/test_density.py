"""The proof of the five-term recurrence: what it verifies, what it refuses, and what it cites."""

from __future__ import annotations

from fractions import Fraction
from math import comb
from typing import Any

import pytest
from flint import fmpq, fmpq_poly

from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.wishart import density, trace_moments
from icl_claims.theory.wishart.density import (
    ALGEBRA,
    DENSITY,
    laguerre,
    prove_density,
    prove_equation,
    prove_skew_orthogonal,
    prove_start,
    residual,
    theta,
    trace_moment_density,
)
from icl_claims.theory.wishart.recurrence import recurrence, start

D, N, X, W, P, Q, PSI, K = ALGEBRA.gens()
COEFFICIENTS = recurrence(D + N, D * N)(K)

EVEN_D_ODD_A = [(2, 3), (2, 5), (2, 9), (4, 5), (4, 11), (6, 7), (6, 9), (8, 11)]


def plus(position: int, term: Any) -> tuple[Any, ...]:
    """The recurrence with a term added to one coefficient."""
    return tuple(c + term * (i == position) for i, c in enumerate(COEFFICIENTS))


MUTANTS = {
    "k + 1 → k": plus(0, ALGEBRA.constant(-1)),
    "4k − 1 → 4k + 1": plus(1, -2 * (D + N - 1)),
    "s − 1 → s": plus(1, 1 - 4 * K),
    "+1 dropped": plus(2, ALGEBRA.constant(-1)),
    "6k − 9 → 6k − 8": plus(2, (D + N) ** 2),
    "−107 → −105": plus(3, 2 * (D + N - 1)),
    "sign of the fourth coefficient": plus(3, -2 * COEFFICIENTS[3]),
    "k − 4 → k − 3": plus(4, COEFFICIENTS[4] / (K - 4)),
    "last term dropped": plus(4, -COEFFICIENTS[4]),
    "n → n − 1": recurrence(D + N - 1, D * (N - 1))(K),
    "S in place of W": recurrence(D + N, D * N, 2)(K),
}

DENSITY_MUTANTS = {
    "without the correction": DENSITY - W * P * PSI / 4,
    "twice the correction": DENSITY + W * P * PSI / 4,
    "the other sign of the correction": DENSITY - W * P * PSI / 2,
    "n − 1 → n": DENSITY + W**2 * Q**2,
    "d − 1 → d": DENSITY + W**2 * P**2,
    "P and Q exchanged": DENSITY + W * (Q - P) * PSI / 4,
}


def test_the_equation_is_proved() -> None:
    prove_equation(COEFFICIENTS)


@pytest.mark.parametrize("name", MUTANTS)
def test_false_recurrences_are_refused(name: str) -> None:
    with pytest.raises(Refuted, match="does not satisfy"):
        prove_equation(MUTANTS[name])


@pytest.mark.parametrize("name", DENSITY_MUTANTS)
def test_other_densities_are_refused(name: str) -> None:
    with pytest.raises(Refuted, match="does not satisfy"):
        prove_equation(COEFFICIENTS, DENSITY_MUTANTS[name])
    with pytest.raises(Refuted, match="does not integrate"):
        prove_density([(4, 7)], 3, DENSITY_MUTANTS[name])


def test_the_density_is_tried_at_every_size_and_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """One moment is replaced by another."""
    honest = density.trace_moment_zonal
    monkeypatch.setattr(density, "trace_moment_zonal", lambda k, d, n: honest(k, d, n) + ((k, d) == (3, 4)))
    prove_density([(2, 3), (4, 7)], 2)
    with pytest.raises(Refuted, match="at d = 4, n = 7, k = 3"):
        prove_density([(2, 3), (4, 7)], 3)


def test_skew_orthogonality() -> None:
    prove_skew_orthogonal([0, 4], [1, 5])
    with pytest.raises(Refuted, match="no higher degree"):
        prove_skew_orthogonal([2], [3], lambda j, a: laguerre(j, a) + 1)
    with pytest.raises(Refuted, match="is not 4h_j"):
        prove_skew_orthogonal([2], [3], lambda j, a: laguerre(j, a) * 2)


def test_skew_orthogonality_reaches_the_degree_itself() -> None:
    """L_0 + L_1 in the place of L_0 has the right product with L_1, and a product with 1 that is not 0."""
    with pytest.raises(Refuted, match="no higher degree, at j = 0"):
        prove_skew_orthogonal([0], [1], lambda j, a: laguerre(j, a) + (j == 0) * laguerre(1, a))


def test_the_start() -> None:
    moments = start(D * N, D + N, D * N)
    prove_start(moments)
    for position in range(3):
        with pytest.raises(Refuted, match="the recurrence starts with"):
            prove_start([m + D * (i == position) for i, m in enumerate(moments)])


def test_the_equation_is_that_of_a_longer_recurrence_too() -> None:
    """Multiplying a recurrence by k and shifting it gives another true one: the operators compose rightly."""
    shifted = [0 * K, *(K * c for c in recurrence(D + N, D * N)(K - 1))]
    assert residual(shifted) == 0


@pytest.mark.parametrize(("d", "n"), EVEN_D_ODD_A)
def test_the_density_integrates_to_the_moments(d: int, n: int) -> None:
    """What the proof cites (the joint density, the Pfaffian) and what it derives, checked in one number."""
    assert [trace_moment_density(k, d, n) for k in range(13)] == trace_moments(12, d, n)


@pytest.mark.parametrize(("d", "n"), [*EVEN_D_ODD_A, (3, 3), (5, 8)])
def test_laguerre_polynomials_satisfy_what_is_cited(d: int, n: int) -> None:
    """θP, θQ, the three-term relation, orthogonality, norms and the Christoffel–Darboux sum."""
    a, x = n - d, fmpq_poly([0, 1])
    at = [laguerre(j, a) for j in range(d + 1)]
    p, q = at[d - 1], at[d - 2]
    assert x * p.derivative() == (d - 1) * p - (n - 1) * q
    assert x * q.derivative() == (d - 1) * p - (n - 1 - x) * q
    assert d * at[d] == (2 * d - 1 + a - x) * p - (n - 1) * q

    def inner(f: fmpq_poly, g: fmpq_poly) -> fmpq:
        """∫ f g x^a e^{−x} dx/a!, by the moments (a + 1)(a + 2)⋯(a + i)."""
        total, moment = fmpq(0), 1
        for i, c in enumerate((f * g).coeffs()):
            total += c * moment
            moment *= a + 1 + i
        return total

    norms = [fmpq(comb(j + a, j)) for j in range(d)]
    assert [[inner(f, g) for f in at[:d]] for g in at[:d]] == [
        [norms[i] if i == j else 0 for i in range(d)] for j in range(d)
    ]
    kernel = sum((f * f / h for f, h in zip(at[: d - 1], norms, strict=False)), start=fmpq_poly([0]))
    darboux = (q.derivative() * p - p.derivative() * q) * (d - 1) / norms[d - 2]
    assert kernel == darboux
    bracket = DENSITY.subs({"d": d, "n": n, "Psi": 0, "w": 1})
    assert x * (q.derivative() * p - p.derivative() * q) == sum(
        (c * x**i * p**i_p * q**i_q for (_, _, i, _, i_p, i_q, _, _), c in bracket.terms()),
        start=fmpq_poly([0]),
    )


def test_the_largest_sizes_are_covered() -> None:
    """d up to 100 beside an n of at most 99, of the other parity, and n up to 99; powers to 100."""
    assert trace_moment_density(1, 98, 99) == 98 * 99
    assert trace_moment_density(100, 2, 3) == trace_moments(100, 2, 3)[100]


def test_theta_is_a_derivation() -> None:
    f, g = X**2 * W * P - D * Q, N * PSI + W * Q**2
    assert theta(f * g) == f * theta(g) + theta(f) * g
    assert theta(ALGEBRA.constant(3) * D * N) == 0


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((2, 3, 4), ValueError, "dim must be even"),
        ((2, 102, 103), ValueError, "dim must be even and at most 100"),
        ((2, 4, 6), ValueError, "context_length must exceed dim by an odd number"),
        ((2, 4, 3), ValueError, "context_length must exceed dim by an odd number"),
        ((2, 4, 4), ValueError, "context_length must exceed dim by an odd number"),
        ((2, 4, 101), ValueError, "and be at most 100, got 101 beside 4"),
        ((101, 2, 3), ValueError, "k must be an integer from 0 to 100"),
        ((2.0, 2, 3), TypeError, "k must be an integer"),
        ((2, Fraction(2), 3), TypeError, "dim must be an integer ≥ 1"),
        ((2, 2, None), TypeError, "context_length must be an integer ≥ 1"),
    ],
)
def test_what_the_density_does_not_cover_is_refused(
    arguments: tuple[Any, ...], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        trace_moment_density(*arguments)
