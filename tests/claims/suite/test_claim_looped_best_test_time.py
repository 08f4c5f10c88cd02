"""How many loops lose least where they run longer than they were made for: about n/8."""

from dataclasses import dataclass
from math import comb

import pytest
import sympy
from flint import arb, fmpq
from hypothesis import strategies as st

from icl_claims.claims.edits import changed, inside, times
from icl_claims.claims.evidence import Evidence
from icl_claims.claims.results import Chart, Series
from icl_claims.claims.statement import ANYWHERE, Corner, Statement
from icl_claims.theory.derivations.looped_best_test_time import DERIVATION, STATED, BestTime
from icl_claims.theory.loops import more_loops, one_direction
from icl_claims.theory.loops.one_direction import (
    CONTEXT,
    INDEX,
    LOOPS,
    STEP,
    best_loops,
    break_even,
    central_moments,
)
from icl_claims.theory.loops.step import optimal_looped_step
from icl_claims.theory.many_layers.matrix_layers import layered_loss
from icl_claims.theory.task import RegressionTask, isotropic
from tests.shared import scaled_set
from tests.shared.scaled_set import NO_INVERSE, is_plain, whitened_moments
from tests.shared.settings import Setting, conditions, settings_of

SLUG = "looped_best_test_time"
ONE = fmpq(1)


@dataclass(frozen=True)
class Run:
    """A setting of one dimension, the number of loops T ≥ 1 and the step, 1 ≤ a < 2."""

    setting: Setting
    loops: int
    step: fmpq = ONE

    def __str__(self) -> str:
        return f"{self.setting}, a = {self.step}, T = {self.loops}"

    def loss(self, loops: int) -> fmpq:
        """F: from moments of the spectrum where the task is whitened and without noise, else multiplied out."""
        task = self.setting.task
        if is_plain(self.setting) and task.is_whitened:
            n = task.context_length
            moments = whitened_moments(self.setting, 2 * loops)
            return sum(
                ((-self.step) ** k * fmpq(comb(2 * loops, k) * m, n**k) for k, m in enumerate(moments)),
                fmpq(0),
            )
        return scaled_set.loss(self.setting, [task.covariance.inv() * self.step] * loops)

    def value(self, expression: sympy.Expr, **at: int) -> fmpq:
        """An expression in n, T, a and j."""
        a = sympy.Rational(int(self.step.p), int(self.step.q))
        numbers = {CONTEXT: self.setting.task.context_length, LOOPS: self.loops, STEP: a}
        found = expression.subs(numbers | {INDEX: at.get("j", 0)})
        return fmpq(int(found.p), int(found.q))


def recurrence_margin(stated: BestTime, at: Run) -> fmpq:
    """Minus the squared differences of the losses up to T loops from what the stated recurrence gives."""
    q = [fmpq(1), at.step - 1]
    for j in range(1, 2 * at.loops):
        q.append(at.value(stated.own, j=j) * q[j] + at.value(stated.before, j=j) * q[j - 1])
    return -sum(((q[2 * T] - at.loss(T)) ** 2 for T in range(at.loops + 1)), fmpq(0))


def best_margin(stated: BestTime, at: Run) -> fmpq:
    """By how much F(T + 1)/F(T) keeps from the nearer of its stated bounds."""
    ratio = at.loss(at.loops + 1) / at.loss(at.loops)
    return min(ratio - at.value(stated.rises), at.value(stated.falls) - ratio)


def limit_margin(stated: BestTime, at: Run) -> fmpq | arb:
    """Room of the stated limits of T*/n and of log F(T*)/n between what the bounds of F(T + 1)/F(T) allow for large n.

    With β = 4aT/n and c = a − 1 + β these bounds tend to c² + β and c² + 2β. At the limit of T*/n the first is at
    most 1 and the second at least; and the sums of their logarithms up to there enclose the limit of log F(T*)/n.
    """
    end = 4 * at.step * at.value(stated.limit)
    c = at.step - 1 + end
    limit = min(1 - c**2 - end, c**2 + 2 * end - 1)
    rate = ball(stated.rate, at) * 4 * at.step
    rooms = (rate - summed(at.step, end, 1), summed(at.step, end, 2) - rate)
    return limit if limit < 0 else next((room for room in rooms if room < 0), rooms[0] * 0)


def summed(step: fmpq, end: fmpq, times: int, cells: int = 400) -> arb:
    """A bound of ∫ log(c² + ``times`` β) dβ up to ``end``, c = a − 1 + β: lower for ``times`` = 1, upper for 2.

    The integrand increases. In the first cell, where it may start at −∞, it is at least log β.
    """
    width = end / cells
    total = arb(width) * (arb(width).log() - 1) if times == 1 else arb(0)
    for k in range(1, cells) if times == 1 else range(1, cells + 1):
        beta = width * k
        total += arb((step - 1 + beta) ** 2 + times * beta).log() * width
    return total


def ball(expression: sympy.Expr, at: Run) -> arb:
    """The value of x + y log(2/a), x and y rational in a."""
    log = sympy.Symbol("log")
    x, y = (sympy.Poly(expression.subs(sympy.log(2 / STEP), log), log).coeff_monomial(log**k) for k in (0, 1))
    return arb(at.value(x)) + at.value(y) * arb(2 / at.step).log()


@st.composite
def runs(draw: st.DrawFn, corner: Corner = ANYWHERE, without: str | None = None) -> Run:
    setting = draw(settings_of(SLUG, corner, max_dim=1, without=without))
    step = fmpq(1) + draw(st.builds(fmpq, st.integers(0, 5), st.just(6)))
    return Run(setting, corner.layers or draw(st.integers(1, 2)), step)


STATEMENT = Statement(
    slug=SLUG,
    stated=STATED,
    margins={"recurrence": recurrence_margin, "best": best_margin, "limit": limit_margin},
    conditions=conditions(SLUG),
    instances=runs,
    without=lambda key: runs(without=key),
    excluded=dict.fromkeys(("n < d", "repeated eigenvalues"), "the statement is about d = 1"),
    undefined_without={"positive_definite_covariance": NO_INVERSE},
)

HUNDRED = Run(Setting(isotropic(1, 100)), 12)
SHIFTED = Run(Setting(isotropic(1, 100)), 3, fmpq(3, 2))
SIZES = (50, 100, 200, 400, 800)


@pytest.mark.claim(
    slug="looped_best_test_time",
    grade="argument",
    range="d = 1, a ≥ 1, all n, T ≥ 1; the limit for all d, L and 1 ≤ κ < 2",
)
def test_claim_looped_best_test_time(evidence: Evidence) -> None:
    """Integration by parts gives a recurrence of positive terms; its ratios are enclosed and tend to a fixed point."""
    other, upper, lower = "Lemma 3: integration", "Lemma 5: the upper", "Lemma 5: the lower"
    b = STATED.before
    moments = [
        changed(STATED, other, own=b),
        changed(STATED, other, own=STEP - 1 + b / 2),
        changed(STATED, other, before=2 * STEP * (INDEX + 1) / CONTEXT),
    ]
    evidence.prove(DERIVATION, STATEMENT, moments, part="recurrence", at=SHIFTED)
    bounds = [
        inside(STATED, "rises", times(STATED.rises, 2, lower)),
        inside(STATED, "falls", times(STATED.falls, sympy.Rational(1, 2), upper)),
    ]
    evidence.mutants(DERIVATION, STATEMENT, bounds, part="best", at=HUNDRED)
    limit, rate = "Lemma 6: the ratio of neighbours", "Lemma 7: the integral"
    limits = [
        *(inside(STATED, "limit", times(STATED.limit, x, limit)) for x in (2, sympy.Rational(1, 2))),
        changed(STATED, limit, limit=sympy.Rational(1, 8)),
        *(inside(STATED, "rate", times(STATED.rate, x, rate)) for x in (2, sympy.Rational(1, 2))),
    ]
    evidence.mutants(DERIVATION, STATEMENT, limits, part="limit", at=SHIFTED)
    for n in SIZES:
        losses = central_moments(n, n)[::2]
        evidence.figure(f"best T at n = {n}", best_loops(n))
        evidence.figure(f"best T at n = {n} on prompts of 5/4 of the covariance", best_loops(n, fmpq(5, 4)))
        evidence.figure(
            f"first T ≥ 1 at n = {n} with a loss above 1", next(T for T, x in enumerate(losses) if x > 1)
        )
    lower, upper = (fmpq(end * 10**6) for end in break_even())
    evidence.figure(
        "limit of the first T with a loss above 1, over n, in millionths",
        f"[{lower.floor()}, {upper.ceil()}]",
    )
    evidence.tightness("1: the lower bound as n → ∞ for a fixed T, the upper one as T/n → ∞")
    evidence.chart(ratio_chart())


@pytest.mark.claim(
    slug="looped_best_test_time", grade="certified", range="d ≤ 10, L ∈ {2, 5}, n ∈ {100, 200, 400}", parts=()
)
def test_claim_looped_best_test_time_in_more_dimensions(evidence: Evidence) -> None:
    """The best step for L loops in up to ten dimensions: its best T is between n/10 and 3n/20."""
    for d in (2, 10):
        for L in (2, 5):
            for n in (100, 200, 400):
                best = more_loops.best_loops(optimal_looped_step(isotropic(d, n), L))
                evidence.figure(f"best T at d = {d}, L = {L}, n = {n}", best)
                assert fmpq(1, 10) < fmpq(best, n) < fmpq(3, 20)


@pytest.mark.claim(
    slug="looped_best_test_time", grade="exact", range="one instance each, and three tasks", parts=()
)
def test_claim_looped_best_test_time_necessity(evidence: Evidence) -> None:
    """With x = ±1 one loop is exact; with w = x_1 one loop loses 10 and not 2/n; noise adds to every loss."""
    one = isotropic(1, 1)
    for key, setting in {
        "gaussian_covariates": Setting(one, covariates="signs"),
        "independent_task": Setting(one, weights="first_example"),
        "whitened_task": Setting(RegressionTask([[1]], 1, [[2]])),
        "noiseless_labels": Setting(isotropic(1, 1, noise_variance=1)),
    }.items():
        evidence.necessary(STATEMENT, key, Run(setting, 1), part="recurrence")
    assert layered_loss(one, [[[1]]]) == one_direction.central_moments(1, 2)[2] == 2


def ratio_chart() -> Chart:
    """F(T + 1)/F(T) and its two bounds at n = 200."""
    n, most = 200, 60
    losses = central_moments(n, 2 * most + 4)[::2]
    loops = range(1, most + 1)
    x = tuple(float(T) for T in loops)

    def values(expression: sympy.Expr) -> tuple[float, ...]:
        return tuple(float(expression.subs({CONTEXT: n, LOOPS: T, STEP: 1})) for T in loops)

    return Chart(
        title="What one more loop does to the loss",
        caption="d = 1, A = Σ⁻¹, n = 200. F(T + 1)/F(T) between its two bounds. Below 1 a loop helps, above it "
        "harms: from "
        "T = n/8 on.",
        x_label="loops $T$",
        y_label="$F(T+1)/F(T)$",
        series=(
            Series(label="upper bound", x=x, y=values(STATED.falls), style="dashed"),
            Series(
                label="exact",
                x=x,
                y=tuple(
                    float(sympy.Rational(int(r.p), int(r.q)))
                    for r in (losses[T + 1] / losses[T] for T in loops)
                ),
            ),
            Series(label="lower bound", x=x, y=values(STATED.rises), style="dashed"),
        ),
    )
