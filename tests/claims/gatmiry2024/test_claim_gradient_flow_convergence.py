"""Gatmiry et al. (2024), Theorem 3.3: how long the gradient flow takes, as recorded and with two-sided bounds.

From A = 0 the flow at Σ = I is the scalar equation da/dt = −f'(a)/d: times are integrals of rational functions.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import pytest
import sympy
from flint import arb, fmpq, fmpq_poly
from hypothesis import strategies as st

from icl_claims.claims.edits import changed
from icl_claims.claims.evidence import Evidence
from icl_claims.claims.results import Chart, Series
from icl_claims.claims.statement import ANYWHERE, Corner, Statement
from icl_claims.numerics.looped_flow import (
    arb_of,
    flow_time,
    limit_time,
    point_of_level,
    power,
    time_along,
)
from icl_claims.theory.algebra import exact
from icl_claims.theory.algebra.real_roots import root_of_increasing
from icl_claims.theory.derivations.gradient_flow_time import DERIVATION, STATED
from icl_claims.theory.loops.dominance import RATIO
from icl_claims.theory.loops.flow import FlowTime
from icl_claims.theory.loops.step import looped_step_loss, optimal_looped_step
from icl_claims.theory.many_layers.step_certificate import LAYERS
from icl_claims.theory.task import RegressionTask, isotropic
from tests.shared.looped_flow import Loop, gradient, interpolated, loops, loss, squared_norm
from tests.shared.settings import Setting, conditions

RECORDED, SHARP = "gradient_flow_convergence", "gradient_flow_time"


def number(expression: sympy.Expr, count: int) -> fmpq:
    """An exponent or a factor at L."""
    value = expression.subs(LAYERS, count)
    return fmpq(int(value.p), int(value.q))


# ---------------------------------------------------------------------- as recorded


class Time(NamedTuple):
    """ξ^{−level} base^outer."""

    level: sympy.Expr
    base: sympy.Expr
    outer: sympy.Expr

    def at(self, count: int, level: fmpq) -> arb:
        """The number, L ≥ 2."""
        of_level = power(1 / level, number(self.level, count))
        return of_level * power(number(self.base, count), number(self.outer, count))


AS_WRITTEN = Time((LAYERS - 1) / (2 * LAYERS - 1), 16 * LAYERS / (LAYERS - 1), (LAYERS - 1) / LAYERS)
IMPLIED = Time((LAYERS - 1) / LAYERS, 16 * LAYERS / (LAYERS - 1), sympy.Integer(1))


def recorded_margin(stated: Time, at: Loop) -> arb:
    """The stated time less that of the flow, to the level ``at.step``."""
    d, n = at.setting.task.dim, at.setting.task.context_length
    return stated.at(at.loops, at.step) - flow_time(d, n, at.loops, at.step)


def is_above(at: Loop) -> bool:
    """The level is a hundred times the least loss on the multiples of I, or more."""
    task = isotropic(at.setting.task.dim, at.setting.task.context_length)
    return bool(at.step >= 100 * optimal_looped_step(task, at.loops).loss.upper)


@st.composite
def levels(draw: st.DrawFn, corner: Corner = ANYWHERE, without: str | None = None) -> Loop:
    """A level above what a long context allows, or, unless this is kept, one that no context of the size allows."""
    kept = None if without == "large_context" else without
    at = draw(loops(RECORDED, corner, kept))
    task = at.setting.task
    n = 1 if without == "large_context" else 10**6
    setting = replace(
        at.setting, task=RegressionTask(task.covariance, n, task.task_covariance, task.noise_variance)
    )
    share = draw(st.builds(fmpq, st.integers(1, 10), st.just(10)))
    return Loop(setting, max(2, at.loops), share * task.dim)


AS_RECORDED = Statement(
    slug=RECORDED,
    stated=AS_WRITTEN,
    margins={"statement": recorded_margin},
    conditions=conditions(
        RECORDED,
        large_context=is_above,
        # A large identity is not written out.
        isotropic_covariates=lambda at: at.setting.task.covariance_scalar == 1,
        whitened_task=lambda at: at.setting.task.inverse_covariances,
    ),
    instances=levels,
    without=lambda key: levels(without=key),
    excluded={"L = 1": "16L/(L − 1) has no value there"},
)

SMALL_LEVEL = Loop(Setting(isotropic(1, 10**9)), 2, fmpq(1, 10**12))
"""d = 1 and a small level."""
MANY_DIMENSIONS = Loop(Setting(isotropic(10**5, 10**12)), 2, fmpq(10**5, 16))
"""A sixteenth of the first loss, in many dimensions."""


@pytest.mark.claim(
    slug="gradient_flow_convergence",
    grade="certified",
    range="L = 2: d = 1 and ξ = 10⁻¹², d = 10⁵ and ξ = d/16; the limit for L ≤ 6",
    parts=("statement",),
    refutes=True,
)
def test_claim_gradient_flow_convergence_counterexamples(evidence: Evidence) -> None:
    """The exact scalar flow takes longer than stated: its time grows as ξ^{−(L−1)/L}, and as d^{(L−1)/L}."""
    for at in (SMALL_LEVEL, MANY_DIMENSIONS):
        evidence.refute(AS_RECORDED, "statement", at)
        d = at.setting.task.dim
        assert limit_time(d, 2, at.step) > AS_WRITTEN.at(2, at.step)
        for n in (10**8, 10**20):
            assert recorded_margin(AS_WRITTEN, replace(at, setting=Setting(isotropic(d, n)))) < 0
        evidence.figure(f"stated time, d = {d}", AS_WRITTEN.at(2, at.step).str(8, radius=False))
        time = flow_time(d, at.setting.task.context_length, 2, at.step)
        evidence.figure(f"time of the flow, d = {d}", time.str(8, radius=False))
    for d, L in [(1, 2), (10, 2), (10, 3), (10, 5), (1000, 2)]:
        power_of_ten = next(k for k in range(-3, 40) if is_too_short(d, L, k))
        evidence.figure(f"stated time is too short at d = {d}, L = {L} from ξ = 10^−k on, k", power_of_ten)


def is_too_short(d: int, count: int, k: int) -> bool:
    """Whether the recorded time to 10^{−k} is below that of the limit."""
    level = fmpq(10) ** (-k)
    return bool(level < d and limit_time(d, count, level) > AS_WRITTEN.at(count, level))


@pytest.mark.claim(
    slug="gradient_flow_convergence",
    grade="certified",
    range="d ∈ {1, 2, 10, 1000}, L ∈ {2, 3, 5}, ξ = d·10^{−k}, k ≤ 12, n → ∞; n = 10⁶ to ξ = d/100",
    parts=(),
    reading="implied_time",
)
def test_claim_gradient_flow_convergence_implied_time() -> None:
    """With the exponent (L − 1)/L and without the outer power the time suffices in small dimensions."""
    for d in (1, 2, 10, 1000):
        for L in (2, 3, 5):
            for k in range(13):
                level = d * fmpq(10) ** (-k)
                assert limit_time(d, L, level) < IMPLIED.at(L, level)
            assert flow_time(d, 10**6, L, fmpq(d, 100)) < IMPLIED.at(L, fmpq(d, 100))


# ---------------------------------------------------------------------- two-sided bounds


def along_identity(at: Loop) -> fmpq_poly:
    """The loss at aI as a polynomial in a, from its values."""
    identity = exact.identity(at.setting.task.dim)
    return interpolated([loss(at.setting, identity * a, at.loops) for a in range(2 * at.loops + 1)])


def level_of(at: Loop, f: fmpq_poly) -> fmpq:
    """The loss at the share ``at.step`` of the way to the best step."""
    return f(root_of_increasing(f.derivative()).refined(64).lower * at.step)


def multiples_margin(stated: FlowTime, at: Loop) -> fmpq:
    """Minus the squared distance of the gradient at aI, a = ``at.step``, from the multiples of I."""
    identity, d = exact.identity(at.setting.task.dim), at.setting.task.dim
    found = gradient(at.setting, identity * at.step, at.loops)
    return -squared_norm(found - identity * (exact.trace(found) / d))


def ratio(f: fmpq_poly, level: fmpq, count: int) -> arb:
    """κ = (f*/ξ)^{1/(2L)}."""
    least = f(root_of_increasing(f.derivative()).refined(192).lower)
    return power(least / level, fmpq(1, 2 * count))


def stated_tau(stated: FlowTime, d: int, count: int, level: fmpq) -> arb:
    """τ(ξ); where the divisor vanishes, the limit in L."""
    if count == 1:
        rate = sympy.limit(stated.exponent / stated.divisor, LAYERS, 1)
        return arb(fmpq(d) / level).log() * arb(fmpq(int(rate.p), int(rate.q)))
    top = power(fmpq(d) / level, number(stated.exponent, count)) - 1
    return top / arb(number(stated.divisor, count))


def time_margin(stated: FlowTime, at: Loop) -> arb:
    """The lesser of t − τ and slack τ − t."""
    f, d = along_identity(at), at.setting.task.dim
    level = level_of(at, f)
    time, tau = time_along(f, d, level), stated_tau(stated, d, at.loops, level)
    slack = sympy.lambdify(RATIO, stated.slack, modules=[{}])(ratio(f, level, at.loops))
    return (time - tau).min(slack * tau - time)


def closeness_margin(stated: FlowTime, at: Loop) -> arb:
    """The radius less the distance of the step at the level from the best one."""
    f, d = along_identity(at), at.setting.task.dim
    level = level_of(at, f)
    radius = sympy.lambdify(RATIO, stated.radius, modules=[{}])(ratio(f, level, at.loops))
    best = arb_of(root_of_increasing(f.derivative()).refined(128))
    return radius * power(level / d, fmpq(1, 2 * at.loops)) - abs(best - arb_of(point_of_level(f, level)))


shares = st.builds(fmpq, st.integers(0, 19), st.just(20))
STATEMENT = Statement(
    slug=SHARP,
    stated=STATED,
    margins={"multiples": multiples_margin, "time": time_margin, "closeness": closeness_margin},
    conditions=conditions(SHARP),
    instances=lambda corner: loops(SHARP, corner, steps=shares),
    without=lambda key: loops(SHARP, without=key, steps=shares),
)

LONG = Loop(Setting(isotropic(2, 10**9)), 2, fmpq(9, 10))
"""A long context, where the two bounds are close."""
SHORT = Loop(Setting(isotropic(1, 1)), 2, fmpq(9, 10))
"""The best step is below 1/4 here, far from 1."""


@pytest.mark.claim(slug="gradient_flow_time", grade="argument", range="all d, n, L ≥ 1, ξ in (f*, d]")
def test_claim_gradient_flow_time(evidence: Evidence) -> None:
    """The root φ of the loss is convex with slope −1 at the start: the flow is never faster than its limit, and slower
    by the square of how much the slope has fallen."""
    L, depends, unit = LAYERS, "Lemma 5: dτ/dt depends on φ", "Lemma 5: dτ/dt is not 1"
    times = [
        changed(STATED, depends, exponent=(L - 1) / (2 * L - 1)),
        changed(STATED, depends, exponent=(L - 1) / (L + 1)),
        changed(STATED, depends, exponent=(2 * L - 1) / L),
        changed(STATED, unit, divisor=2 * L * (L - 1)),
        changed(STATED, unit, divisor=4 * L**2 * (L - 1)),
        changed(STATED, unit, divisor=4 * (L - 1), at=LONG),
        changed(STATED, "Lemma 6: the slack", slack=((1 - RATIO) / (1 + RATIO)) ** 2),
        changed(STATED, "Lemma 6: the slack", slack=1 - RATIO),
    ]
    evidence.prove(DERIVATION, STATEMENT, times, part="time", at=LONG)
    radii = [
        changed(STATED, "Lemma 6: the radius", radius=1 - RATIO),
        changed(STATED, "Lemma 6: the radius", radius=(1 - RATIO) ** 2),
    ]
    evidence.mutants(DERIVATION, STATEMENT, radii, part="closeness", at=[LONG, SHORT])
    f = along_identity(LONG)
    quotient = time_along(f, 2, level_of(LONG, f)) / stated_tau(STATED, 2, 2, level_of(LONG, f))
    evidence.figure("t/τ at d = 2, n = 10⁹, L = 2, nine tenths of the way", quotient.str(12, radius=False))
    evidence.tightness("1 in the limit n → ∞, for both bounds of the time")


@pytest.mark.claim(
    slug="gradient_flow_time",
    grade="certified",
    range="d ≤ 50, n ∈ {1, d, 100d}, L ≤ 6, levels from d to 5/4 of the least loss",
    parts=(),
)
def test_claim_gradient_flow_time_at_sizes(evidence: Evidence) -> None:
    """Both bounds at sizes beyond those of the instances, from the spectral moments."""
    largest = arb(1)
    for d in (1, 2, 10, 50):
        for n in (1, d, 100 * d):
            for L in (1, 2, 3, 6):
                f = looped_step_loss(isotropic(d, n), L)
                least = optimal_looped_step(isotropic(d, n), L).loss.upper
                for share in (fmpq(1, 4), fmpq(1, 64)):
                    level = least + (d - least) * share
                    time, tau, kappa = time_along(f, d, level), limit_time(d, L, level), ratio(f, level, L)
                    assert tau < time < ((1 + kappa) / (1 - kappa)) ** 2 * tau
                    largest = largest.max(time / tau)
    evidence.figure("largest t/τ among them", largest.str(6, radius=False))


@pytest.mark.claim(slug="gradient_flow_time", grade="exact", range="one instance per assumption", parts=())
def test_claim_gradient_flow_time_necessity(evidence: Evidence) -> None:
    """Other laws leave the multiples of I; another Σ changes the speed by its square."""
    two = isotropic(2, 1)
    half, third = fmpq(1, 2), fmpq(1, 3)
    instances = {
        "gaussian_covariates": Loop(Setting(two, covariates="half_signs"), 2, half),
        "independent_task": Loop(Setting(two, weights="first_coordinate"), 1, half),
        "whitened_task": Loop(Setting(RegressionTask(exact.identity(2), 1, [[1, 0], [0, 2]])), 1, third),
    }
    for key, instance in instances.items():
        evidence.necessary(STATEMENT, key, instance, part="multiples")
    quick = Loop(Setting(RegressionTask.whitened([[4]], 10)), 2, half)
    evidence.necessary(STATEMENT, "isotropic_covariates", quick, part="time")


@pytest.mark.claim(
    slug="gradient_flow_time", grade="certified", range="d = 10, n = 10⁷, L = 2, 30 levels", parts=()
)
def test_claim_gradient_flow_time_chart(evidence: Evidence) -> None:
    """The time of the flow between its bounds, and the recorded time, which crosses it."""
    d, L = 10, 2
    f = looped_step_loss(isotropic(d, 10**7), L)
    found = [fmpq(d) / fmpq(2) ** k for k in range(1, 34)]
    times = [time_along(f, d, level) for level in found]
    kappas = [ratio(f, level, L) for level in found]
    taus = [limit_time(d, L, level) for level in found]
    upper = [tau * ((1 + kappa) / (1 - kappa)) ** 2 for tau, kappa in zip(taus, kappas, strict=True)]
    recorded = [AS_WRITTEN.at(L, level) for level in found]
    assert all(tau < time < bound for tau, time, bound in zip(taus, times, upper, strict=True))
    assert recorded[0] > times[0]
    assert recorded[-1] < times[-1]
    evidence.chart(time_chart([float(arb(level)) for level in found], times, taus, upper, recorded))


def time_chart(x: list[float], *curves: list[arb]) -> Chart:
    """Times against levels."""
    labels = ("flow", "limit", "upper bound", "as recorded")
    return Chart(
        title="How long the gradient flow takes to a loss",
        caption="d = 10, n = 10⁷, L = 2, Σ = I, from A = 0. The time of the limit bounds it from below at every n; the "
        "upper bound comes close to it while the loss is far above the least one. The recorded time has another "
        "exponent and is too short for small losses.",
        x_label=r"loss $\xi$",
        y_label="time",
        x_scale="log",
        y_scale="log",
        series=tuple(
            Series(
                label=label,
                x=tuple(x),
                y=tuple(float(value) for value in curve),
                style="line" if label == "flow" else "dashed",
            )
            for label, curve in zip(labels, curves, strict=True)
        ),
    )
