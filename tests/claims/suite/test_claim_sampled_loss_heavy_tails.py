"""How many prompts an estimate of the loss takes: exact variances, not sample variances."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cache
from typing import NamedTuple

import numpy as np
import pytest
from flint import fmpq, fmpq_mat, fmpq_poly
from hypothesis import strategies as st

from icl_claims.claims.edits import changed, inside, item
from icl_claims.claims.evidence import Evidence
from icl_claims.claims.results import Chart, Series
from icl_claims.claims.statement import ANYWHERE, Corner, Statement
from icl_claims.numerics.monte_carlo import Estimate, estimate, plan
from icl_claims.numerics.rounding import nearest
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.gaussian import expectation
from icl_claims.theory.algebra.validation import rational
from icl_claims.theory.algebra.words import eye, letter
from icl_claims.theory.evaluation import at_task
from icl_claims.theory.loops.step import optimal_looped_step
from icl_claims.theory.many_layers.loss_variance import loss_variance, variance_by_parts
from icl_claims.theory.many_layers.step_sizes import loss_of_steps, optimal_steps, residual
from icl_claims.theory.task import isotropic
from icl_claims.theory.transformer.prompts import S
from tests.shared import by_words, coordinates
from tests.shared.decimals import decimal, half_a_unit, rounds_to
from tests.shared.experiment import D, N

SLUG = "sampled_loss_heavy_tails"


class Table(NamedTuple):
    """Relative variances at d and n for L = 1, …, 6, and prompts for one per cent at L = 6, in millions."""

    dim: int
    context: int
    relative: tuple[Decimal, ...]
    millions: int


STATED = Table(D, N, tuple(map(Decimal, ("0.084", "0.37", "1.6", "9.3", "70", "619"))), 6)


@dataclass(frozen=True)
class Loops:
    """L, whether the covariates are normal or ±1, and whether the task is whitened or Ω = e_1e_1ᵀ, at Σ = I."""

    loops: int
    normal: bool = True
    whitened: bool = True

    def __str__(self) -> str:
        law = "" if self.normal else ", x = ±1"
        return f"L = {self.loops}{law}" + ("" if self.whitened else ", Σ = I, Ω = diag(1, 0, …, 0)")


def relative_variance(dim: int, context: int, steps: Sequence[fmpq]) -> fmpq:
    """Var v / (E v)² at rational steps."""
    task = isotropic(dim, context)
    return loss_variance(task, steps) / loss_of_steps(task, steps) ** 2


def looped_steps(dim: int, context: int, loops: int) -> list[fmpq]:
    """The optimal looped step, as a rational within 2⁻⁶⁴ of it, relatively."""
    return [optimal_looped_step(isotropic(dim, context), loops).step.upper] * loops


def of_signs(d: int, n: int, a: fmpq | None = None) -> tuple[fmpq, fmpq]:
    """E v and Var v for x = ±1 and one step a, by default the best one.

    S has 1 on its diagonal, and the S_ij, i < j, are means of n signs, independent in pairs: v is d(1 − a)² +
    2a² Σ_{i<j} S_ij² with E S_ij² = 1/n and Var S_ij² = 2(n − 1)/n³.
    """
    step = fmpq(n, n + d - 1) if a is None else a
    mean = d * (1 - step) ** 2 + step**2 * fmpq(d * (d - 1), n)
    return mean, 4 * step**4 * fmpq(d * (d - 1), 2) * fmpq(2 * (n - 1), n**3)


@cache
def of_one_direction(d: int, n: int) -> tuple[fmpq, fmpq]:
    """E and Var of e_1ᵀ(I − aS)²e_1, the estimator for Ω = e_1e_1ᵀ, at the best step, in words of matrices.

    Its mean is 1/d of that for Ω = I, so that the best step is the same.
    """
    a = fmpq(n, n + d + 1)
    e, X = letter("e", "d", "1"), letter("X", "d", "n")
    R = eye("d") - S * Fraction(int(a.p), int(a.q))
    v = e.T @ R @ R @ e
    unit = {"e": fmpq_mat([[int(i == 0)] for i in range(d)])}
    mean, second = (at_task(expectation(x, X, eye("d")), isotropic(d, n), unit)[0, 0] for x in (v, v * v))
    return mean, second - mean**2


@cache
def variance_otherwise(dim: int, context: int, at: Loops) -> fmpq:
    """The relative variance by another route than Pfaffians: words at L = 1, joint moments of traces beyond."""
    if not (at.normal and at.whitened):
        if at.loops > 1:
            raise ValueError(f"other laws are for L = 1, got {at}")
        mean, variance = (of_one_direction if at.normal else of_signs)(dim, context)
        return variance / mean**2
    steps = looped_steps(dim, context, at.loops)
    mean = loss_of_steps(isotropic(dim, context), steps)
    if at.loops == 1:
        return by_words.context_variance(steps, dim, context) / mean**2
    square = residual(steps) ** 2
    return variance_by_parts(square(fmpq_poly([0, fmpq(1, context)])), dim, context) / mean**2


def margin(table: Table, at: Loops) -> fmpq:
    """Half a unit in the last place, less the distance of the relative variance; at L = 6 of the prompts too."""
    relative, stated = variance_otherwise(table.dim, table.context, at), str(table.relative[at.loops - 1])
    found = half_a_unit(stated) - abs(relative - decimal(stated))
    if at.loops < len(table.relative):
        return found
    return min(found, fmpq(1, 2) - abs(relative / 100 - table.millions))


@st.composite
def loops(draw: st.DrawFn, corner: Corner = ANYWHERE, without: str | None = None) -> Loops:
    one = without or corner.layers == 1
    depth = 1 if one else draw(st.integers(1, len(STATED.relative)))
    return Loops(depth, normal=without != "gaussian_covariates", whitened=without != "whitened_task")


SIZES = dict.fromkeys(("d = 1", "n = 1", "n < d", "n = d"), "the claim names d = 5 and n = 20")
WHITENED = dict.fromkeys(("Σ = cI", "repeated eigenvalues"), "Σ does not stand in whitened coordinates")
STATEMENT = Statement(
    slug=SLUG,
    stated=STATED,
    margins={"statement": margin},
    conditions={
        "gaussian_covariates": lambda at: at.normal,
        "whitened_task": lambda at: at.whitened,
    },
    instances=loops,
    without=lambda key: loops(without=key),
    excluded=SIZES | WHITENED,
)


def check_table(table: Table) -> None:
    """The exact relative variance at each depth, against the decimals; 10⁴ of it are the prompts for 1 %."""
    sizes = table.dim, table.context
    found = [relative_variance(*sizes, looped_steps(*sizes, L + 1)) for L in range(len(table.relative))]
    for L, (value, stated) in enumerate(zip(found, table.relative, strict=True), 1):
        if not rounds_to(value, str(stated)):
            raise Refuted(f"L = {L}: the relative variance does not round to {stated}")
    if not rounds_to(found[-1] / 100, str(table.millions)):
        raise Refuted(f"one per cent does not take {table.millions} million prompts")


@pytest.mark.claim(
    slug="sampled_loss_heavy_tails",
    grade="exact",
    range="d = 5, n = 20, L = 1..6: the instance that the claim names",
    complete=True,
)
def test_claim_sampled_loss_heavy_tails(evidence: Evidence) -> None:
    """The variance at a rational step within 2⁻⁶⁴ of the optimum, relatively: exact, by Pfaffians."""
    mutants = [
        inside(
            STATED,
            "relative",
            item(STATED.relative, L - 1, Decimal(other), f"L = {L}: the relative", at=Loops(L)),
        )
        for L, other in ((1, "0.085"), (4, "9.2"), (6, "620"))
    ]
    mutants.append(changed(STATED, "one per cent", millions=5, at=Loops(6)))
    evidence.check(check_table, STATEMENT, mutants)
    evidence.chart(variance_chart())


def variance_chart() -> Chart:
    """Prompts for one per cent against depth, looped and untied."""
    depths = range(1, 9)
    looped = [10**4 * nearest(relative_variance(D, N, looped_steps(D, N, L))) for L in depths]
    untied = [
        10**4
        * nearest(relative_variance(D, N, [step.upper for step in optimal_steps(isotropic(D, N), L).steps]))
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
    task, steps = isotropic(D, N), looped_steps(D, N, 3)
    made = plan(task, steps, "1/25", "1e-9")
    return estimate(task, steps, made, np.random.default_rng(20231101))


def check_mean(table: Table) -> None:
    """The prompts that were drawn have the mean loss of the table's d and n."""
    found = sampled_mean()
    exact = loss_of_steps(isotropic(table.dim, table.context), looped_steps(D, N, 3))
    # Rounding is some 1e-15 of the value: far inside the share 2⁻⁴⁰ that is granted to it.
    granted = rational("half_width", found.half_width) * (1 + fmpq(1, 2**40))
    if abs(rational("value", found.value) - exact) > granted:
        raise Refuted(f"the sampled mean is not the loss at d = {table.dim}, n = {table.context}")


@pytest.mark.claim(
    slug="sampled_loss_heavy_tails",
    grade="statistical",
    range="d = 5, n = 20, L = 3, one sample; false alarm ≤ 1e-9",
    parts=(),
    error_probability=1e-9,
)
def test_claim_sampled_loss_heavy_tails_by_sampling(evidence: Evidence) -> None:
    """As many prompts as the exact variance asks for give the exact mean: medians of means within 4 per cent.

    The bound holds for every law of this variance, so a false alarm has probability at most 1e-9. Each mutant's
    loss is more than 8 per cent away, twice the half-width, so the sample refuses it but for the same probability.
    """
    steps = looped_steps(D, N, 3)
    stated = loss_of_steps(isotropic(D, N), steps)
    edits = ({"context": N - 1}, {"context": N + 1}, {"dim": D - 1})
    mutants = [
        changed(STATED, "the sampled mean", power=1 - 1e-9, **edit)  # type: ignore[arg-type]
        for edit in edits
    ]
    for edit in mutants:
        loss = loss_of_steps(isotropic(edit.mutant.dim, edit.mutant.context), steps)
        if abs(loss - stated) <= fmpq(2, 25) * stated:
            raise Refuted(f"{edit.label}: too near for this sample to tell apart")
    evidence.check(check_mean, STATEMENT, mutants, at=Loops(5))
    evidence.figure("prompts for 4 per cent at L = 3, error probability 1e-9", sampled_mean().samples)


@pytest.mark.claim(slug="sampled_loss_heavy_tails", grade="exact", range="one instance each, L = 1", parts=())
def test_claim_sampled_loss_heavy_tails_necessity(evidence: Evidence) -> None:
    """Signs have a lighter tail, one direction a heavier one: at L = 1 the relative variance is another number."""
    evidence.necessary(STATEMENT, "gaussian_covariates", Loops(1, normal=False))
    evidence.necessary(STATEMENT, "whitened_task", Loops(1, whitened=False))
    names = [[f"x{i}{k}" for k in range(2)] for i in range(3)]
    v = coordinates.Variables(**{name: coordinates.rademacher for row in names for name in row})
    half = v.ring.domain(1, 2)
    gram = [[sum(v.of[a] * v.of[b] for a, b in zip(r, s, strict=True)) * half for s in names] for r in names]
    rows = [[int(i == j) - half * gram[i][j] for j in range(3)] for i in range(3)]
    estimator = sum(x**2 for row in rows for x in row)
    mean = v.mean(estimator)
    assert of_signs(3, 2, fmpq(1, 2)) == (mean, v.mean(estimator**2) - mean**2)
