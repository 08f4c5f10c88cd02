"""How many prompts an estimate of the loss takes: exact variances, not sample variances."""

from collections.abc import Sequence
from decimal import Decimal
from functools import cache
from typing import NamedTuple

import numpy as np
import pytest
from flint import fmpq
from hypothesis import strategies as st

from icl_claims.claims.edits import changed, inside, item
from icl_claims.claims.evidence import Evidence
from icl_claims.claims.results import Chart, Series
from icl_claims.claims.statement import ANYWHERE, Corner, Statement
from icl_claims.numerics.monte_carlo import Estimate, estimate, plan
from icl_claims.numerics.rounding import nearest
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.validation import rational
from icl_claims.theory.many_layers.loss_variance import loss_variance
from icl_claims.theory.many_layers.step_sizes import loss_of_steps, optimal_steps
from icl_claims.theory.task import isotropic
from tests.shared import coordinates
from tests.shared.decimals import decimal, half_a_unit, rounds_to
from tests.shared.experiment import D, N
from tests.shared.loss_estimators import Loops, looped_steps, of_signs, variance_otherwise

SLUG = "sampled_loss_heavy_tails"


class Table(NamedTuple):
    """Relative variances at d and n for L = 1, …, 6, and prompts for one per cent at L = 6, in millions."""

    dim: int
    context: int
    relative: tuple[Decimal, ...]
    millions: int


STATED = Table(D, N, tuple(map(Decimal, ("0.084", "0.37", "1.6", "9.3", "70", "619"))), 6)


def relative_variance(dim: int, context: int, steps: Sequence[fmpq]) -> fmpq:
    """Var v / (E v)² at rational steps."""
    task = isotropic(dim, context)
    return loss_variance(task, steps) / loss_of_steps(task, steps) ** 2


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
        assert abs(loss - stated) > fmpq(2, 25) * stated, (
            f"{edit.label}: too near for this sample to tell apart"
        )
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
