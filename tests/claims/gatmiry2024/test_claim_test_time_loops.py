"""Gatmiry et al. (2024), experiments: trained loops with more loops at test time, in expectation and on batches."""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from typing import NamedTuple

import pytest
from flint import fmpq
from torch import Tensor

from icl_claims.claims.edits import changed
from icl_claims.claims.evidence import Evidence
from icl_claims.claims.results import Chart, Series
from icl_claims.criteria.gatmiry2024 import TEST_TIME as CRITERION
from icl_claims.models.prompts import to_tensor
from icl_claims.numerics.rounding import nearest
from icl_claims.theory.algebra import exact
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.loops.step import looped_step_loss
from icl_claims.theory.task import isotropic
from tests.shared.batches import median
from tests.shared.criteria import exactly
from tests.shared.looped_runs import LONG, D, by_loops, contexts, matrix, names, step

ARTEFACTS = ("artefacts/gatmiry2024/looped",)
TRAINED_WITH = (2, 5)
MOST, COUNT = CRITERION.count("loops"), CRITERION.count("batches")
SHIFTED = tuple(exactly(CRITERION, name) for name in ("small", "large") for _ in range(D // 2))
"""The eigenvalues of Σ out of distribution."""


class Escape(NamedTuple):
    """A context with S = s I, and Σ of these least eigenvalues in the two laws."""

    s: fmpq
    context: int = LONG
    least: tuple[fmpq, fmpq] = (fmpq(1), min(SHIFTED))


def check_escape(stated: Escape) -> None:
    """The spectral radius of I − sAᵀ, at least |1 − s tr A/d|, is above 1 for every run; and the contexts near this one
    have positive probability in both laws."""
    if stated.context < D:
        raise Refuted(f"n = {stated.context}: S has a kernel")
    if min(stated.least) <= 0:
        raise Refuted("the contexts do not span all directions")
    for loops in TRAINED_WITH:
        for run in names(stated.context, loops):
            if not abs(1 - stated.s * step(run)) > 1:
                raise Refuted(f"{run}: the trace does not show that the error grows")


@pytest.mark.claim(
    slug="test_time_loops",
    grade="exact",
    range="L = 2, 5, n = 40: the A of three runs each; all numbers of loops",
    complete=True,
    refutes=True,
    parts=("in_distribution", "out_of_distribution"),
)
def test_claim_test_time_loops_of_the_population(evidence: Evidence) -> None:
    r"""The population loss of T loops tends to infinity with T, for every stored A.

    On one context the error is ‖(I − AᵀS)^T‖_F² ≥ ρ^{2T}, ρ the spectral radius of I − AᵀS. At S = sI it is at least
    the modulus of the mean of the eigenvalues, ρ ≥ |1 − s tr A/d|, here above 1; ρ is continuous in S, and for n ≥ d
    and Σ ≻ 0 every neighbourhood of this S has positive probability p. So F(T) ≥ p r^{2T} with some r > 1. Out of
    distribution the error has H A H in the place of A, Σ = H², up to the factors of Σ and Σ⁻¹; or S = sI of the context
    as it is."""
    stated, slow = Escape(fmpq(4)), "the trace does not show that the error grows"
    mutants = [
        *(changed(stated, slow, s=s) for s in (fmpq(0), fmpq(1), fmpq(2))),
        changed(stated, "S has a kernel", context=5),
        changed(stated, "do not span all directions", least=(fmpq(1), fmpq(0))),
    ]
    evidence.check(check_escape, stated, mutants)
    for loops in TRAINED_WITH:
        run = names(LONG, loops)[0]
        for T in (loops, 10, 20, MOST):
            value = nearest(looped_step_loss(isotropic(D, LONG), T)(step(run)))
            evidence.figure(
                f"L = {loops}: population loss at $(\\operatorname{{tr}}A/d)I$ of the first run after {T} loops",
                f"{value:.3g}",
                exact=False,
            )


@cache
def curves(run: str, eigenvalues: tuple[fmpq, ...]) -> tuple[tuple[float, ...], ...]:
    """The losses of each batch after 0, 1, … loops, for Σ with these eigenvalues."""
    root: Tensor = to_tensor(exact.diagonal(eigenvalues)).sqrt()
    A = root @ to_tensor(matrix(run)) @ root
    return tuple(tuple(by_loops([A] * MOST, contexts(CRITERION, LONG, k))) for k in range(COUNT))


def first_rise(curve: tuple[float, ...], start: int) -> int | None:
    """The first number of loops beyond the start that loses at least as much as one less."""
    pairs = enumerate(pairwise(curve), start=1)
    return next((T for T, (before, after) in pairs if start < T and after >= before), None)


class Rises(NamedTuple):
    """That on half of the batches or more the loss rises with some loop, from so many in training up to the most."""

    loops: tuple[int, ...]
    eigenvalues: tuple[fmpq, ...]
    most: int = MOST


def check_rises(stated: Rises) -> None:
    """For at least one run of each number of loops."""
    for loops in stated.loops:
        counts = []
        for run in names(LONG, loops):
            rises = [first_rise(curve, loops) for curve in curves(run, stated.eigenvalues)]
            counts.append(sum(T is not None and stated.most >= T for T in rises))
        if not 2 * max(counts) >= COUNT:
            raise Refuted(f"L = {loops}: the loss falls on most batches")


def rise_figures(evidence: Evidence, eigenvalues: tuple[fmpq, ...]) -> None:
    for loops in TRAINED_WITH:
        for run in names(LONG, loops):
            found = [first_rise(curve, loops) for curve in curves(run, eigenvalues)]
            shown = ", ".join("none" if T is None else str(T) for T in found)
            evidence.figure(f"{run}: first loop that raises the loss, by batch", shown, exact=False)


ISOTROPIC = (fmpq(1),) * D


def rises_evidence(evidence: Evidence, eigenvalues: tuple[fmpq, ...]) -> None:
    stated, falls = Rises(TRAINED_WITH, eigenvalues), "the loss falls on most batches"
    mutants = [changed(stated, falls, most=most) for most in (3, 4, 5)]
    evidence.check(check_rises, stated, mutants)
    rise_figures(evidence, eigenvalues)


@pytest.mark.claim(
    slug="test_time_loops",
    grade="trained",
    scale="small",
    range="L = 2, 5, n = 40: three runs each, on fresh batches, up to 40 loops",
    parts=(),
    refutes=True,
    reading="batches",
)
def test_claim_test_time_loops_on_batches(evidence: Evidence) -> None:
    """In distribution the loss rises with some loop up to 40: of runs with two loops on every batch of 1000 contexts;
    of runs with five on 7 of 11 batches, twice, and on 5, so that the criterion fails for two of the three runs."""
    rises_evidence(evidence, ISOTROPIC)
    evidence.chart(loops_chart())


@pytest.mark.claim(
    slug="test_time_loops",
    grade="trained",
    scale="small",
    range="L = 2, 5, n = 40, eigenvalues 1/2 and 3/2: three runs each, on fresh batches, up to 40 loops",
    parts=(),
    refutes=True,
    reading="batches",
)
def test_claim_test_time_loops_on_shifted_batches(evidence: Evidence) -> None:
    """Out of distribution, with eigenvalues up to 3/2, the loss of every batch rises: with the fourth loop for two
    loops in training, with the sixth for five."""
    rises_evidence(evidence, SHIFTED)


def loops_chart() -> Chart:
    """Median losses of batches, and the population loss at the nearest multiples of I."""
    series = []
    for loops in TRAINED_WITH:
        run = names(LONG, loops)[0]
        x = tuple(float(T) for T in range(1, MOST + 1))
        population = [nearest(looped_step_loss(isotropic(D, LONG), T)(step(run))) for T in range(1, 21)]
        series.append(
            Series(
                label=f"L = {loops}, population at $(\\operatorname{{tr}}A/d)I$",
                x=x[:20],
                y=tuple(population),
                style="dashed",
                group=str(loops),
            )
        )
        for name, eigenvalues in (("in distribution", ISOTROPIC), ("out of distribution", SHIFTED)):
            found = curves(run, eigenvalues)
            middle = tuple(median([curve[T] for curve in found]) for T in range(1, MOST + 1))
            cut = next((k for k, value in enumerate(middle) if value > 1000), MOST)
            series.append(
                Series(label=f"L = {loops}, {name}", x=x[:cut], y=middle[:cut], group=f"{loops} {name}")
            )
    return Chart(
        title="More loops at test time",
        caption="d = 10, n = 40, the first run of each number of loops in training. Lines: the median over fresh "
        "batches, up to 1000. Dashed: the population loss at the multiple of I nearest to the run, exactly.",
        x_label="loops at test time",
        y_label="loss",
        y_scale="log",
        series=tuple(series),
    )
