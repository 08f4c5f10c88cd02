"""How many prompts an estimate of the loss takes: exact variances, not sample variances."""

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
import pytest
from flint import fmpq

from icl_claims.claims.evidence import Evidence
from icl_claims.claims.results import Chart, Series
from icl_claims.numerics.monte_carlo import Estimate, estimate, plan
from icl_claims.numerics.rounding import nearest
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.validation import rational
from icl_claims.theory.loops.step import optimal_looped_step
from icl_claims.theory.many_layers.loss_variance import loss_variance
from icl_claims.theory.many_layers.step_sizes import loss_of_steps, optimal_steps
from icl_claims.theory.task import isotropic
from tests.shared import coordinates
from tests.shared.decimals import rounds_to
from tests.shared.experiment import D, N


class Table(NamedTuple):
    """Relative variances for L = 1, …, 6, as decimals, and prompts for one per cent at L = 6, in millions."""

    relative: Sequence[str]
    millions: int


STATED = Table(("0.084", "0.37", "1.6", "9.3", "70", "619"), 6)


def relative_variance(steps: Sequence[fmpq]) -> fmpq:
    """Var v / (E v)² at rational steps."""
    return loss_variance(isotropic(D, N), steps) / loss_of_steps(isotropic(D, N), steps) ** 2


def looped_steps(loops: int) -> list[fmpq]:
    """The optimal looped step, as a rational within 2⁻⁶⁴ of it, relatively."""
    return [optimal_looped_step(isotropic(D, N), loops).step.upper] * loops


def check_table(table: Table) -> None:
    """The exact relative variance at each depth, against the decimals; 10⁴ of it are the prompts for 1 %."""
    for loops, decimal in enumerate(table.relative, 1):
        if not rounds_to(relative_variance(looped_steps(loops)), decimal):
            raise Refuted(f"L = {loops}: the relative variance does not round to {decimal}")
    if not rounds_to(relative_variance(looped_steps(6)) / 100, str(table.millions)):
        raise Refuted(f"one per cent does not take {table.millions} million prompts")


@pytest.mark.claim(
    slug="sampled_loss_heavy_tails",
    grade="exact",
    range="d = 5, n = 20, L = 1..6: the instance that the claim names",
    complete=True,
)
def test_claim_sampled_loss_heavy_tails(evidence: Evidence) -> None:
    """The variance at a rational step within 2⁻⁶⁴ of the optimum, relatively: exact, by Pfaffians."""
    mutants = {
        "0.084 → 0.085": STATED._replace(relative=("0.085", *STATED.relative[1:])),
        "9.3 → 9.2": STATED._replace(relative=(*STATED.relative[:3], "9.2", *STATED.relative[4:])),
        "619 → 620": STATED._replace(relative=(*STATED.relative[:5], "620")),
        "five million": STATED._replace(millions=5),
    }
    evidence.check(check_table, STATED, mutants)
    evidence.chart(variance_chart())


def variance_chart() -> Chart:
    """Prompts for one per cent against depth, looped and untied."""
    depths = range(1, 9)
    looped = [10**4 * nearest(relative_variance(looped_steps(L))) for L in depths]
    untied = [
        10**4 * nearest(relative_variance([step.upper for step in optimal_steps(isotropic(D, N), L).steps]))
        for L in depths
    ]
    x = tuple(map(float, depths))
    return Chart(
        title="Sampling is hopeless early",
        caption="d = 5, n = 20: prompts until the relative standard error of the mean loss is one per cent, with w "
        "and x_q averaged out, at the optimal steps. A standard error computed from such a sample is itself "
        "unreliable long before: these are exact variances.",
        x_label="layers or loops $L$",
        y_label="prompts for 1 %",
        y_scale="log",
        series=(
            Series(label="one step, looped", x=x, y=tuple(looped)),
            Series(label="untied steps", x=x, y=tuple(untied)),
        ),
    )


@cache
def sampled_mean() -> Estimate:
    """The mean of v over fresh prompts at L = 3, to 4 per cent but for an error probability of 1e-9."""
    task, steps = isotropic(D, N), looped_steps(3)
    made = plan(task, steps, "1/25", "1e-9")
    return estimate(task, steps, made, np.random.default_rng(20231101))


def check_mean(sizes: tuple[int, int]) -> None:
    """The prompts that were drawn have the mean loss of these d and n."""
    found, exact = sampled_mean(), loss_of_steps(isotropic(*sizes), looped_steps(3))
    # Rounding is some 1e-15 of the value: far inside the share 2⁻⁴⁰ that is granted to it.
    granted = rational("half_width", found.half_width) * (1 + fmpq(1, 2**40))
    if abs(rational("value", found.value) - exact) > granted:
        raise Refuted(f"the sampled mean is not the loss at d, n = {sizes}")


@pytest.mark.claim(
    slug="sampled_loss_heavy_tails",
    grade="statistical",
    range="d = 5, n = 20, L = 3, one sample; false alarm ≤ 1e-9",
    parts=(),
)
def test_claim_sampled_loss_heavy_tails_by_sampling(evidence: Evidence) -> None:
    """As many prompts as the exact variance asks for give the exact mean: medians of means within 4 per cent.

    The bound holds for every law of this variance, so a false alarm has probability at most 1e-9. Each mutant's
    loss is more than 8 per cent away, twice the half-width, so the sample refuses it but for the same probability.
    """
    stated = loss_of_steps(isotropic(D, N), looped_steps(3))
    mutants = {"n = 19": (D, N - 1), "n = 21": (D, N + 1), "d = 4": (D - 1, N)}
    for name, sizes in mutants.items():
        if abs(loss_of_steps(isotropic(*sizes), looped_steps(3)) - stated) <= fmpq(2, 25) * stated:
            raise Refuted(f"{name}: too near for this sample to tell apart")
    evidence.check(check_mean, (D, N), mutants)
    evidence.figure("prompts for 4 per cent at L = 3, error probability 1e-9", sampled_mean().samples)


@pytest.mark.claim(slug="sampled_loss_heavy_tails", grade="exact", range="one instance each", parts=())
def test_claim_sampled_loss_heavy_tails_necessity(evidence: Evidence) -> None:
    """Bounded covariates have no heavy tail; off the whitened task the estimator has another variance."""
    v = coordinates.Variables(x0=coordinates.rademacher, x1=coordinates.rademacher)
    gram = (v.of["x0"] ** 2 + v.of["x1"] ** 2) * v.ring.domain(1, 2)
    estimate = (1 - v.ring.domain(1, 2) * gram) ** 2
    if v.mean(estimate**2) != v.mean(estimate) ** 2:
        raise Refuted("for x = ±1 the estimator has variance")
    evidence.necessary(
        "gaussian_covariates", "x = ±1, d = 1: S = 1 always, and the estimator has variance 0."
    )
    v = coordinates.Variables(x0=coordinates.gaussian, x1=coordinates.gaussian)
    square, size = v.of["x0"] ** 2, v.of["x0"] ** 2 + v.of["x1"] ** 2
    a = v.ring.domain(1, 4)
    isotropic = 2 - 2 * a * size + a**2 * size**2
    one_direction = 1 - 2 * a * square + a**2 * size * square
    relative = [v.mean(x**2) / v.mean(x) ** 2 - 1 for x in (isotropic, one_direction)]
    if relative[0] == relative[1]:
        raise Refuted("for Ω = diag(1, 0) the relative variance is the same")
    evidence.necessary(
        "whitened_task",
        f"d = 2, n = 1, Σ = I, a = 1/4: relative variance {relative[0]} for Ω = I, {relative[1]} for Ω = diag(1, 0).",
    )
