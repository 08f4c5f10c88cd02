"""More loops at test time than a step was made for: what the loss does, and what a prompt does."""

from dataclasses import dataclass
from itertools import pairwise

import pytest
import sympy
from flint import arb, fmpq, fmpq_mat
from hypothesis import strategies as st

from icl_claims.claims.edits import changed
from icl_claims.claims.evidence import Evidence
from icl_claims.claims.results import Chart, Series
from icl_claims.claims.statement import ANYWHERE, Corner, Statement
from icl_claims.theory.algebra import definiteness, exact
from icl_claims.theory.derivations.looped_minimizer_test_time_loops import DERIVATION, STATED, MoreLoops
from icl_claims.theory.loops.more_loops import (
    LOOPS,
    P,
    R,
    best_loops,
    escape_bound,
    losses_by_loops,
)
from icl_claims.theory.loops.step import optimal_looped_step
from icl_claims.theory.many_layers.matrix_layers import layered_loss
from icl_claims.theory.many_layers.step_sizes import loss_of_steps
from icl_claims.theory.task import RegressionTask, isotropic
from tests.shared import scaled_set
from tests.shared.scaled_set import NO_INVERSE
from tests.shared.settings import Setting, conditions, settings_of
from tests.shared.strategies import matrices, rationals

SLUG = "looped_minimizer_test_time_loops"
LATE = 256


@dataclass(frozen=True)
class Run:
    """A setting, the step a ≠ 0, the number of loops T ≥ 1, and the context X of one prompt."""

    setting: Setting
    step: fmpq
    loops: int
    X: fmpq_mat

    def __str__(self) -> str:
        return f"{self.setting}; a = {self.step}, T = {self.loops}, one prompt with X = {self.X.tolist()}"

    def loss(self, loops: int) -> fmpq:
        """F, the layers multiplied out."""
        return scaled_set.loss(self.setting, [self.setting.task.covariance.inv() * self.step] * loops)

    def of_prompt(self, loops: int) -> fmpq:
        """tr(Σ Gᵀ Ω G) for G = (I − SA)^T on the prompt."""
        task = self.setting.task
        factor = exact.identity(task.dim) - self.empirical * task.covariance.inv() * self.step
        G = factor**loops
        return exact.trace(task.covariance * G.transpose() * task.task_covariance * G)

    @property
    def empirical(self) -> fmpq_mat:
        return self.X * self.X.transpose() / self.X.ncols()


def log_convex_margin(stated: MoreLoops, at: Run) -> fmpq:
    """F(T−1)F(T+1) − F(T)²; minus the square of its difference from the stated integral where there is one."""
    integrand = sympy.expand(stated.weight * (P * R) ** stated.exponent.subs(LOOPS, at.loops))
    terms = sympy.Poly(integrand, P, R).terms()
    losses = [at.loss(k) for k in range(1 + max(at.loops + 1, *(k for powers, _ in terms for k in powers)))]
    integral = sum((fmpq(int(c.p), int(c.q)) * losses[i] * losses[j] for (i, j), c in terms), fmpq(0))
    found = losses[at.loops - 1] * losses[at.loops + 1] - losses[at.loops] ** 2
    return found if found == integral else -((found - integral) ** 2)


def unbounded_margin(stated: MoreLoops, at: Run) -> fmpq | arb:
    """(1 − m)² − base² at m = beyond, and the loss less its stated bound: the first that is negative."""
    m, base = int(stated.beyond), int(stated.base)
    n = at.setting.task.context_length
    tail = (arb(m * n / (2 * abs(at.step)))).sqrt().erfc()
    above = at.loss(at.loops) - base ** (2 * at.loops) * tail
    return above if above < 0 else fmpq((1 - m) ** 2 - base**2)


def prompt_margin(stated: MoreLoops, at: Run) -> fmpq:
    """The least fall of the prompt's error over nine loops where all aμ are in [0, threshold], else its late rise."""
    scaled, most = at.empirical * at.step, at.setting.task.covariance * int(stated.threshold)
    if all(map(definiteness.is_positive_semidefinite, (scaled, most - scaled))):
        return min(before - after for before, after in pairwise(map(at.of_prompt, range(10))))
    return at.of_prompt(LATE + 1) - at.of_prompt(LATE)


@st.composite
def runs(draw: st.DrawFn, corner: Corner = ANYWHERE, without: str | None = None) -> Run:
    setting = draw(settings_of(SLUG, corner, without=without))
    d, n = setting.task.dim, setting.task.context_length
    return Run(
        setting,
        draw(rationals.filter(bool)),
        corner.layers or draw(st.integers(1, 2)),
        draw(matrices(d, n)),
    )


STATEMENT = Statement(
    slug=SLUG,
    stated=STATED,
    margins={"log_convex": log_convex_margin, "unbounded": unbounded_margin, "prompt": prompt_margin},
    conditions=conditions(SLUG),
    instances=runs,
    without=lambda key: runs(without=key),
    undefined_without={"positive_definite_covariance": NO_INVERSE},
)

UNIT = fmpq_mat([[1]])
ONE = Run(Setting(isotropic(1, 1)), fmpq(1), 1, UNIT)
LONGER = Run(Setting(isotropic(1, 1)), fmpq(1), 2, UNIT)
STEPS = {step: Run(Setting(isotropic(1, 1)), step, 1, UNIT) for step in (fmpq(3, 2), fmpq(3))}
"""Prompts with aμ = 3/2, whose error falls, and aμ = 3."""
GRID = [(2, 20, 2), (10, 5, 2), (10, 20, 2), (10, 20, 5), (10, 40, 2), (10, 100, 2), (10, 100, 5)]
"""(d, n, L)."""


@pytest.mark.claim(
    slug="looped_minimizer_test_time_loops",
    grade="argument",
    range="all d, n, T ≥ 1, a ≠ 0, Σ ≻ 0, every prompt",
)
def test_claim_looped_minimizer_test_time_loops(evidence: Evidence) -> None:
    """F(T−1)F(T+1) − F(T)² is an integral of squares, and eigenvalues of every size have positive probability; on a
    prompt the error is a sum of powers."""
    weight, power, beyond = "Lemma 4: the excess", "Lemma 4: the power of pr", "Lemma 6: |m| − 1"
    convex = [
        changed(STATED, weight, weight=(P - R) ** 2),
        changed(STATED, weight, weight=(P + R) ** 2 / 2),
        changed(STATED, weight, weight=-((P - R) ** 2) / 2),
        changed(STATED, weight, exponent=LOOPS),
        changed(STATED, power, exponent=LOOPS - 2, at=LONGER),
    ]
    evidence.prove(DERIVATION, STATEMENT, convex, part="log_convex", at=ONE)
    grows = [
        changed(STATED, beyond, base=sympy.Integer(3)),
        changed(STATED, beyond, beyond=sympy.Integer(2)),
    ]
    evidence.mutants(DERIVATION, STATEMENT, grows, part="unbounded", at=ONE)
    of_prompts = [
        changed(STATED, "Lemma 9: 1 −", threshold=sympy.Integer(x), at=STEPS[step])
        for x, step in ((1, fmpq(3, 2)), (3, fmpq(3)), (4, fmpq(3)))
    ]
    evidence.mutants(DERIVATION, STATEMENT, of_prompts, part="prompt")
    evidence.tightness(
        "1, of F(T−1)F(T+1)/F(T)²: it tends to (2T + 1)/(2T − 1) for d = a = 1, n → ∞; the bound 4^T P is far from F"
    )
    evidence.chart(bound_chart())


@pytest.mark.claim(
    slug="looped_minimizer_test_time_loops",
    grade="certified",
    range="d ≤ 10, n ≤ 100, L ∈ {2, 5}, T ≤ 40, at the best step for L loops",
    parts=(),
)
def test_claim_looped_minimizer_test_time_loops_in_numbers(evidence: Evidence) -> None:
    """The loss of the minimizer for L loops after T ≤ 40: it falls to T*, rises from there, and in the end exceeds
    d, the loss of the prediction 0. A typical prompt has no eigenvalue beyond 2/a*."""
    for d, n, L in GRID:
        best = optimal_looped_step(isotropic(d, n), L)
        losses, least = losses_by_loops(best, 40), best_loops(best)
        assert all((after < before) == (least > T) for T, (before, after) in enumerate(pairwise(losses)))
        assert all(x * z > y * y for x, y, z in zip(losses, losses[1:], losses[2:], strict=False))
        worse = next((T for T, x in enumerate(losses) if x > d), None)
        name = f"d = {d}, n = {n}, L = {L}"
        evidence.figure(f"{name}: best T", least)
        evidence.figure(f"{name}: first T with a loss above d", worse)
        evidence.figure(f"{name}: loss at T = 40", losses[40].str(4, radius=True))
        bound = (escape_bound(best) * 10**7).ceil()
        evidence.figure(f"{name}: prompts whose error grows, per ten million, at most", bound)
    evidence.chart(loss_chart())


@pytest.mark.claim(
    slug="looped_minimizer_test_time_loops", grade="exact", range="one instance, and three tasks", parts=()
)
def test_claim_looped_minimizer_test_time_loops_necessity(evidence: Evidence) -> None:
    """With x = ±1 one step is exact, and stays so. Label noise is what the first loops take in: the loss rises and then
    flattens, so that it is not log-convex."""
    signs = Run(Setting(isotropic(1, 1), covariates="signs"), fmpq(1), 1, UNIT)
    evidence.necessary(STATEMENT, "gaussian_covariates", signs, part="unbounded")
    noisy = Run(Setting(isotropic(1, 1, noise_variance=100)), fmpq(1, 3), 1, UNIT)
    evidence.necessary(STATEMENT, "noiseless_labels", noisy, part="log_convex")
    evidence.dispensable("whitened_task", other_tasks)


def other_tasks() -> None:
    """For any Ω the loss on A = aΣ⁻¹ is tr(ΣΩ)/d times that on the whitened task, which is log-convex and unbounded."""
    for omega in ([[1, 0], [0, 1]], [[2, 1], [1, 3]], [[1, 0], [0, 0]]):
        task = RegressionTask([[2, 1], [1, 1]], 3, omega)
        for T in (1, 2, 3):
            found = layered_loss(task, [task.covariance.inv() / 2] * T)
            assert found == loss_of_steps(isotropic(2, 3), [fmpq(1, 2)] * T) * task.signal / 2


def bound_chart() -> Chart:
    """F and the bound by one coordinate, by T."""
    n = 5
    best = optimal_looped_step(isotropic(2, n), 2)
    tail = arb(3 * n / (2 * best.step.upper)).sqrt().erfc()
    loops = range(1, 31)
    x = tuple(float(T) for T in loops)
    losses = losses_by_loops(best, 30)
    return Chart(
        title="The loss grows without bound",
        caption="d = 2, n = 5, the best step for two loops: F(T) and its bound 4^T P(z² ≥ 3n/a).",
        x_label="loops $T$",
        y_label="loss",
        y_scale="log",
        series=(
            Series(label="$F(T)$", x=x, y=tuple(float(losses[T]) for T in loops)),
            Series(label="bound", x=x, y=tuple(float(4**T * tail) for T in loops), style="dashed"),
        ),
    )


def loss_chart() -> Chart:
    """The loss of the minimizer for two loops after T of them."""
    rows = []
    for n in (20, 40, 100):
        best = optimal_looped_step(isotropic(10, n), 2)
        values = [(T, float(x)) for T, x in enumerate(losses_by_loops(best, 40))]
        kept = [(T, x) for T, x in values if x < 1e4]
        rows.append(Series(label=f"$n={n}$", x=tuple(float(T) for T, _ in kept), y=tuple(x for _, x in kept)))
    rows.append(Series(label="the prediction 0", x=(0.0, 40.0), y=(10.0, 10.0), style="dashed"))
    return Chart(
        title="More loops than the step was made for",
        caption="d = 10. The exact population loss F(T) of A = a*Σ⁻¹, a* the best step for two loops, after T "
        "loops: it "
        "falls, is log-convex, and grows without bound, whatever the context length.",
        x_label="loops $T$",
        y_label="loss $F(T)$",
        y_scale="log",
        series=tuple(rows),
    )
