"""Gatmiry et al. (2024), §1 and §3: what the exponent (2L − 1)/L guarantees, in a landscape that is not convex."""

from __future__ import annotations

from dataclasses import replace

import pytest
import sympy
from flint import arb, fmpq
from hypothesis import given
from hypothesis import strategies as st

from icl_claims.claims.edits import changed
from icl_claims.claims.evidence import Evidence
from icl_claims.claims.results import Chart, Series
from icl_claims.claims.statement import ANYWHERE, Corner, Statement
from icl_claims.numerics.looped_flow import power, time_along
from icl_claims.theory.algebra import exact
from icl_claims.theory.algebra.real_roots import root_of_increasing
from icl_claims.theory.derivations.faster_than_polyak_lojasiewicz import DERIVATION, STATED
from icl_claims.theory.loops.limit import limit_loss
from icl_claims.theory.loops.nilpotent import Guarantee, segment
from icl_claims.theory.loops.step import optimal_looped_step
from icl_claims.theory.many_layers.step_certificate import LAYERS
from icl_claims.theory.task import RegressionTask, isotropic
from tests.shared.looped_flow import Loop, interpolated, loops, loss
from tests.shared.settings import Setting, conditions
from tests.shared.strategies import matrices

SLUG = "faster_than_polyak_lojasiewicz"


def guarantee_margin(stated: Guarantee, at: Loop) -> arb:
    """The implied time to ξ = ``at.step`` less that of the flow from A = 0, where this runs through multiples of I: for
    Σ a multiple of I. 0 for other Σ. −1 where the flow never has this loss.

    The constant is that of the multiples of Σ⁻¹ above the level.
    """
    d, L, level = at.setting.task.dim, at.loops, at.step
    scale = at.setting.task.covariance_scalar
    if scale is None:
        return arb(0)
    f = interpolated([loss(at.setting, exact.identity(d) * a, L) for a in range(2 * L + 1)])
    least = f(root_of_increasing(f.derivative()).refined(192).lower)
    if least >= level:
        return arb(-1)
    kappa = power(least / level, fmpq(1, 2 * L))
    p = number(stated.exponent, L)
    constant = arb(4 * L * L * scale**2) / power(fmpq(d), fmpq(L - 1, L)) * ((1 - kappa) / (1 + kappa)) ** 2
    return implied_time(stated, constant, L, fmpq(d), level, p) - time_along(f, d, level)


def implied_time(stated: Guarantee, constant: arb, count: int, start: fmpq, level: fmpq, p: fmpq) -> arb:
    """coefficient/c (ξ^{1−p} − f(0)^{1−p}); log(f(0)/ξ)/c for L = 1."""
    if count == 1:
        return arb(start / level).log() / constant
    fall = power(1 / level, p - 1) - power(1 / start, p - 1)
    return arb(number(stated.coefficient, count)) / constant * fall


def number(expression: sympy.Expr, count: int) -> fmpq:
    """An exponent or a factor at L."""
    value = expression.subs(LAYERS, count)
    return fmpq(int(value.p), int(value.q))


def convexity_margin(stated: Guarantee, at: Loop) -> fmpq:
    """By how much the loss in the middle of the segment is above the mean at its ends; 0 where L is too small for the
    claim to say anything."""
    if at.loops < stated.first_loops:
        return fmpq(0)
    left, right, middle = segment(at.setting.task.covariance)
    ends = loss(at.setting, left, at.loops) + loss(at.setting, right, at.loops)
    return loss(at.setting, middle, at.loops) - ends / 2


def is_long(at: Loop) -> bool:
    """The context is long, and the level a hundred times the least loss on the multiples of Σ⁻¹, or more."""
    task = isotropic(at.setting.task.dim, at.setting.task.context_length)
    least = optimal_looped_step(task, at.loops).loss.upper
    return at.setting.task.context_length >= 10**6 and bool(at.step >= 100 * least)


@st.composite
def levels(draw: st.DrawFn, corner: Corner = ANYWHERE, without: str | None = None) -> Loop:
    """A level above what a long context allows, at d ≥ 2."""
    kept = None if without == "large_context" else without
    at = draw(loops(SLUG, replace(corner, dim=2), kept))
    task = at.setting.task
    n = 1 if without == "large_context" else 10**9
    longer = RegressionTask(task.covariance, n, task.task_covariance, task.noise_variance)
    share = draw(st.builds(fmpq, st.integers(1, 10), st.just(10)))
    return Loop(replace(at.setting, task=longer), at.loops, share * task.dim)


SHORT = "a long context is assumed, of more examples than dimensions"
STATEMENT = Statement(
    slug=SLUG,
    stated=STATED,
    margins={"guarantee": guarantee_margin, "not_convex": convexity_margin},
    conditions=conditions(SLUG, large_context=is_long),
    instances=levels,
    without=lambda key: levels(without=key),
    excluded={
        "d = 1": "the landscape is read as that of d ≥ 2; for d = 1 it is convex",
        "n = 1": SHORT,
        "n < d": SHORT,
        "n = d": SHORT,
    },
    undefined_without={"positive_definite_covariance": r"without it there is no $\Sigma^{-1}$, and no task"},
)

LOW = Loop(Setting(isotropic(2, 10**9)), 2, fmpq(1, 1000))
ONE_LOOP = Loop(Setting(isotropic(2, 10**9)), 1, fmpq(1, 1000))


@pytest.mark.claim(
    slug="faster_than_polyak_lojasiewicz",
    grade="argument",
    range="all L ≥ 1, every gradient flow on which the inequality holds; not convex for d, L ≥ 2, n ≥ n_0(d, L, Σ)",
    parts=("guarantee", "not_convex"),
)
def test_claim_faster_than_polyak_lojasiewicz(evidence: Evidence) -> None:
    """A differential inequality for the loss; and two matrices of almost no loss, with a loss in their middle."""
    L, other, speed = LAYERS, "Lemma 1: the exponent is not", "Lemma 1: the speed is not 1"
    times = [
        changed(STATED, other, exponent=2 * L / (2 * L - 1)),
        changed(STATED, other, exponent=(3 * L - 1) / (2 * L)),
        changed(STATED, speed, coefficient=1 / (L - 1)),
        changed(STATED, speed, coefficient=L / (2 * L - 1)),
        changed(STATED, speed, coefficient=(L - 1) / L),
    ]
    evidence.prove(DERIVATION, STATEMENT, times, part="guarantee", at=LOW)
    first = [changed(STATED, "Lemma 4: the loss is not 0 at the ends for L = 1", first_loops=1)]
    evidence.mutants(DERIVATION, STATEMENT, first, part="not_convex", at=ONE_LOOP)
    evidence.figure(
        "loss in the middle less the mean at the ends, d = L = 2, n = 10⁹", convexity_margin(STATED, LOW)
    )
    smallest = next(
        n for n in range(1, 10**4) if convexity_margin(STATED, Loop(Setting(isotropic(2, n)), 2, fmpq(1))) > 0
    )
    evidence.figure("least n at which this segment shows it, Σ = I, d = L = 2", smallest)
    evidence.tightness(
        "1 in the limit n → ∞ for the flow from A = 0 at Σ = I, with the constant of the limit"
    )


@pytest.mark.claim(
    slug="faster_than_polyak_lojasiewicz",
    grade="exact",
    range="Σ = I, d ≤ 3, L ≤ 4, random symmetric segments, n → ∞",
    parts=(),
    refutes=True,
    reading="symmetric_matrices",
)
def test_claim_faster_than_polyak_lojasiewicz_symmetric() -> None:
    """tr(I − A)^{2L} is a convex function of the eigenvalues: no symmetric segment lies above its ends."""

    @given(st.integers(1, 3), st.integers(1, 4), st.data())
    def convex(d: int, L: int, data: st.DataObject) -> None:
        left, right = (data.draw(matrices(d, d)) for _ in range(2))
        ends = left + left.transpose(), right + right.transpose()
        task = isotropic(d, 1)
        middle = limit_loss(task, (ends[0] + ends[1]) * fmpq(1, 2), L)
        assert middle <= (limit_loss(task, ends[0], L) + limit_loss(task, ends[1], L)) / 2

    convex()


@pytest.mark.claim(
    slug="faster_than_polyak_lojasiewicz", grade="certified", range="one instance per assumption", parts=()
)
def test_claim_faster_than_polyak_lojasiewicz_necessity(evidence: Evidence) -> None:
    """Labels with much noise, and contexts too short for the level, keep the flow above it."""
    noisy = Loop(Setting(isotropic(2, 10**9, noise_variance=10**9)), 1, fmpq(1, 1000))
    evidence.necessary(STATEMENT, "noiseless_labels", noisy, part="guarantee")
    short = Loop(Setting(isotropic(2, 3)), 2, fmpq(1, 1000))
    evidence.necessary(STATEMENT, "large_context", short, part="guarantee")


@pytest.mark.claim(
    slug="faster_than_polyak_lojasiewicz", grade="exact", range="Σ = I, d = 2, L = 2, four n", parts=()
)
def test_claim_faster_than_polyak_lojasiewicz_chart(evidence: Evidence) -> None:
    """The loss along the segment: a hill between two ends of small loss, for long contexts."""
    left, right, _ = segment(exact.identity(2))
    shares = [fmpq(k, 20) for k in range(-4, 25)]
    curves = {}
    for n in (10, 30, 100, 10**6):
        curves[n] = [loss(Setting(isotropic(2, n)), left * (1 - s) + right * s, 2) for s in shares]
    assert curves[10**6][14] > curves[10**6][4] + fmpq(1, 10)
    evidence.chart(
        Chart(
            title="The looped loss along a segment of matrices",
            caption="d = 2, L = 2, Σ = I: from A = I − e_1e_2ᵀ to A = I − e_2e_1ᵀ. In long contexts both ends have "
            "almost no loss, for two loops cancel a nilpotent error; their middle has a loss of 1/8.",
            x_label="share of the way",
            y_label="loss",
            series=tuple(
                Series(
                    label=f"$n={n}$",
                    x=tuple(float(arb(s)) for s in shares),
                    y=tuple(float(arb(v)) for v in values),
                )
                for n, values in curves.items()
            ),
        )
    )
