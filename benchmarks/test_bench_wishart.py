"""The speed of Wishart trace moments at identity covariance, against what one would write first."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import cache
from typing import Any

from sympy import Poly, symbols

from icl_claims.theory.derivations import wishart_trace_recurrence
from icl_claims.theory.wishart import spectral_moments, trace_moment, trace_moment_list, trace_moments
from icl_claims.theory.wishart.recurrence import recurrence, start
from icl_claims.theory.wishart.zonal import trace_moment_zonal

DIM, CONTEXT = 5, 20


def plain_recursion(order: int, d: int, n: int) -> list[Fraction]:
    """E tr S^0, …, E tr S^order by integration by parts as it stands: joint traces, memoized, in Fractions.

    E tr S^k R = (1/n) [(d + n + k − 1) E tr S^{k−1} R + Σ_{j=1}^{k−2} E tr S^j tr S^{k−1−j} R
                        + Σ_i 2 r_i E tr S^{k+r_i−1} R/tr S^{r_i}], the largest power first.
    """

    @cache
    def moment(ks: tuple[int, ...]) -> Fraction:
        if not ks:
            return Fraction(1)
        k, *others = ks
        if k == 0:
            return d * moment(tuple(others))
        total = (n + k - 1) * of(k - 1, *others)
        for j in range(1, k):
            total += of(j, k - 1 - j, *others)
        for i, r in enumerate(others):
            total += 2 * r * of(k + r - 1, *others[:i], *others[i + 1 :]) if r else 0
        return total / n

    def of(*ks: int) -> Fraction:
        return moment(tuple(sorted(ks, reverse=True)))

    return [of(k) for k in range(order + 1)]


def recurrence_in_sympy(order: int) -> list[Poly]:
    """E tr S^0, …, E tr S^order by the same recurrence on ``sympy.Poly``."""
    d, u = symbols("d u")
    unit, s, p, m1 = Poly(u, d, u), Poly(d * u + 1, d, u), Poly(d * u, d, u), Poly(d, d, u)
    coefficients = recurrence(s, p, unit)
    moments = [m1, *start(m1, s, p, unit)]
    for k in range(4, order + 1):
        c0, c1, c2, c3, c4 = coefficients(k)
        lag4, lag3, lag2, lag1 = moments[-4:]
        moments.append(-(c1 * lag1 + c2 * lag2 + c3 * lag3 + c4 * lag4).exquo_ground(c0))
    return moments


def test_all_moments_to_30_at_given_sizes(gate: Callable[..., Any]) -> None:
    moments = gate(
        lambda: spectral_moments(30, DIM, CONTEXT),
        baseline=lambda: plain_recursion(30, DIM, CONTEXT),
        at_least=5000,
    )
    assert [Fraction(int(m.p), int(m.q)) for m in moments] == plain_recursion(30, DIM, CONTEXT)


def test_all_moments_to_40_with_symbols(gate: Callable[..., Any]) -> None:
    moments = gate(
        lambda: spectral_moments(40),
        at_most=0.030,
        baseline=lambda: recurrence_in_sympy(40),
        at_least=8,
        baseline_rounds=3,
    )
    assert [{powers: int(c) for powers, c in m.to_dict().items()} for m in moments] == [
        {powers: int(c) for powers, c in m.terms() if c} for m in recurrence_in_sympy(40)
    ]


def test_all_moments_to_60_at_given_sizes(gate: Callable[..., Any]) -> None:
    gate(lambda: trace_moments(60, DIM, CONTEXT))


def test_all_moments_to_60_with_symbols(gate: Callable[..., Any]) -> None:
    gate(lambda: trace_moments(60))


def test_zonal_sum_at_60_with_symbols(gate: Callable[..., Any]) -> None:
    assert gate(lambda: trace_moment_zonal(60)) == trace_moment([60])


def test_joint_moment_of_degree_40_at_given_sizes(gate: Callable[..., Any]) -> None:
    gate(lambda: trace_moment([20, 20], DIM, CONTEXT))


def test_joint_moment_of_degree_40_with_symbols(gate: Callable[..., Any]) -> None:
    gate(lambda: trace_moment([20, 20]))


def test_all_pairs_of_traces_to_10_at_given_sizes(gate: Callable[..., Any]) -> None:
    pairs = [[i, j] for i in range(1, 11) for j in range(1, i + 1)]
    gate(
        lambda: trace_moment_list(pairs, DIM, CONTEXT),
        baseline=lambda: [trace_moment(pair, DIM, CONTEXT) for pair in pairs],
    )


def test_proof_of_the_recurrence(gate: Callable[..., Any]) -> None:
    gate(lambda: wishart_trace_recurrence.DERIVATION.run(wishart_trace_recurrence.STATED))
