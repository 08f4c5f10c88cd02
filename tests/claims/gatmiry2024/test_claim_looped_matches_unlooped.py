"""Gatmiry et al. (2024), experiments: trained loops beside as many layers with steps of their own."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import pytest
from flint import fmpq
from torch import Tensor

from icl_claims.claims.edits import changed
from icl_claims.claims.evidence import Evidence
from icl_claims.claims.results import Chart, Series
from icl_claims.criteria.gatmiry2024 import MATCHES as CRITERION
from icl_claims.models.prompts import to_tensor
from icl_claims.numerics.rounding import nearest
from icl_claims.theory.algebra import exact
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.loops.step import optimal_looped_step
from icl_claims.theory.many_layers.step_sizes import optimal_steps
from icl_claims.theory.task import isotropic
from tests.shared.batches import median
from tests.shared.criteria import exactly
from tests.shared.looped_runs import LONG, LOOPS, SHORT, D, batch_losses, losses_of_layers, names

ARTEFACTS = ("artefacts/gatmiry2024/looped",)


@cache
def untied(n: int, loops: int) -> tuple[float, ...]:
    """What the layers a_l I with the steps of least population loss lose on the batches."""
    layers: list[Tensor] = [
        to_tensor(exact.identity(D) * root.lower) for root in optimal_steps(isotropic(D, n), loops).steps
    ]
    return losses_of_layers(CRITERION, n, layers)


def ratios(run: str, n: int, loops: int) -> list[float]:
    """The losses of a run on the batches, over those of untied layers."""
    pairs = zip(batch_losses(CRITERION, run, loops), untied(n, loops), strict=True)
    return [tied / free for tied, free in pairs]


def matching(run: str, n: int, loops: int, factor: fmpq) -> bool:
    """Whether the loss is at most so many times that of untied layers, on more than half of the batches."""
    found = ratios(run, n, loops)
    return 2 * sum(ratio <= nearest(factor) for ratio in found) > len(found)


class Ratio(NamedTuple):
    """A number of loops, a context length, and a factor between the losses."""

    factor: fmpq
    loops: tuple[int, ...]
    context: int


def check_minima(stated: Ratio) -> None:
    """The exact minima have at most this ratio."""
    n = stated.context
    for loops in stated.loops:
        least = optimal_looped_step(isotropic(D, n), loops).loss
        if least.compare(optimal_steps(isotropic(D, n), loops).loss * stated.factor) > 0:
            raise Refuted(f"n = {n}, L = {loops}: the ratio of the minima is greater")


def check_at_most(stated: Ratio) -> None:
    """Every run loses at most this factor times what untied layers lose, on most batches."""
    n = stated.context
    for loops in stated.loops:
        for run in names(n, loops):
            if not matching(run, n, loops, stated.factor):
                raise Refuted(f"{run}: loses more than the factor allows")


def check_more(stated: Ratio) -> None:
    """Every run loses more than this factor times what untied layers lose, on half of the batches or more."""
    n = stated.context
    for loops in stated.loops:
        for run in names(n, loops):
            if matching(run, n, loops, stated.factor):
                raise Refuted(f"{run}: is within the factor")


def figures(evidence: Evidence, n: int) -> None:
    for loops in LOOPS[1:]:
        shown = ", ".join(f"{median(ratios(run, n, loops)):.3g}" for run in names(n, loops))
        evidence.figure(f"n = {n}, L = {loops}: median ratio of the losses on batches", shown, exact=False)
        least, free = (
            optimal_looped_step(isotropic(D, n), loops).loss.upper,
            optimal_steps(isotropic(D, n), loops).loss,
        )
        evidence.figure(
            f"n = {n}, L = {loops}: ratio of the least population losses at multiples of $I$",
            f"{nearest(least / free):.3f}",
            exact=False,
        )


@pytest.mark.claim(
    slug="looped_matches_unlooped",
    grade="trained",
    scale="small",
    range="n = 5, L = 2, 3, 5: three runs each, on fresh batches",
    parts=("shorter",),
)
def test_claim_looped_matches_unlooped_shorter(evidence: Evidence) -> None:
    """With fewer examples than coordinates most of the loss, d − n, is lost by every model, and the loops lose at most
    twice what untied layers lose: by far less, even."""
    stated = Ratio(exactly(CRITERION, "factor"), LOOPS[1:], SHORT)
    of_minima, of_runs = "the ratio of the minima is greater", "loses more than the factor allows"
    minima = [changed(stated, of_minima, factor=factor) for factor in (fmpq(21, 20), fmpq(1))]
    runs = [changed(stated, of_runs, context=LONG), changed(stated, of_runs, factor=fmpq(1, 2))]
    evidence.check(check_minima, stated, minima)
    evidence.check(check_at_most, stated, runs)
    figures(evidence, SHORT)


@pytest.mark.claim(
    slug="looped_matches_unlooped",
    grade="trained",
    scale="small",
    range="n = 40, L = 3, 5: three runs each, on fresh batches",
    parts=("longer",),
    refutes=True,
)
def test_claim_looped_matches_unlooped_longer(evidence: Evidence) -> None:
    """With four times as many examples as coordinates loops of three or more fall behind: they lose more than twice
    what the untied layers with the best steps lose. Two loops do not."""
    stated = Ratio(exactly(CRITERION, "factor"), (3, 5), LONG)
    mutants = [
        changed(stated, "is within the factor", loops=(2,)),
        changed(stated, "is within the factor", context=SHORT),
        changed(stated, "is within the factor", factor=fmpq(10)),
    ]
    evidence.check(check_more, stated, mutants)
    figures(evidence, LONG)
    evidence.chart(ratio_chart())


def ratio_chart() -> Chart:
    """Ratios of trained runs, and of minima."""
    x = tuple(map(float, LOOPS[1:]))
    series = []
    for n in (SHORT, LONG):
        minima = [
            optimal_looped_step(isotropic(D, n), k).loss.upper / optimal_steps(isotropic(D, n), k).loss
            for k in LOOPS[1:]
        ]
        points = [(float(k), median(ratios(run, n, k))) for k in LOOPS[1:] for run in names(n, k)]
        series += [
            Series(label=f"n = {n}, minima", x=x, y=tuple(map(nearest, minima)), group=str(n)),
            Series(
                label=f"n = {n}, trained, on batches",
                x=tuple(k for k, _ in points),
                y=tuple(value for _, value in points),
                style="points",
                group=str(n),
            ),
        ]
    return Chart(
        title="Loss of loops over that of untied layers",
        caption="d = 10, Σ = I. Lines: the least population loss of one common step over that of steps of their own. "
        "Points: trained loops over the layers with the best steps, medians over fresh batches.",
        x_label="loops or layers $L$",
        y_label="ratio of the losses",
        y_scale="log",
        series=tuple(series),
    )
