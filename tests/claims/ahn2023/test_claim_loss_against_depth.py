"""Ahn et al. (2023), App. D, Fig. 7: transformer, preconditioned GD and GD of equal depth, on batches."""

from __future__ import annotations

import math
from typing import NamedTuple

import pytest

from icl_claims.claims.edits import changed
from icl_claims.claims.evidence import Evidence
from icl_claims.claims.results import Chart, Series
from icl_claims.criteria.ahn2023 import DEPTH as CRITERION
from icl_claims.numerics.rounding import nearest
from icl_claims.theory.algebra import validation
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.loops.step import optimal_looped_step
from icl_claims.theory.many_layers.step_sizes import loss_of_steps, optimal_steps
from icl_claims.theory.one_layer import single_layer
from icl_claims.theory.task import isotropic
from tests.shared import trained_runs
from tests.shared.batches import Losses, best_steps, fresh
from tests.shared.experiment import (
    D,
    N,
    least_descent_loss,
    least_looped_loss,
    least_loss,
    whitened_task,
)

ARTEFACTS = (
    "artefacts/ahn2023/depth",
    "artefacts/ahn2023/context_length/context_20_seed_0",
    "artefacts/ahn2023/context_length/context_20_seed_1",
    "artefacts/ahn2023/context_length/context_20_seed_2",
    "artefacts/ahn2023/context_length/context_20_seed_3",
    "artefacts/ahn2023/context_length/context_20_seed_4",
)
RUNS = {
    1: trained_runs.names("depth/layers_1_"),
    2: trained_runs.names("depth/layers_2_"),
    3: trained_runs.names("context_length/context_20_"),
    4: trained_runs.names("depth/layers_4_"),
}
"""The five runs of each depth."""


class OneLayer(NamedTuple):
    """That no weights of these layers lose less than so many steps of preconditioned GD."""

    layers: int = 1


def check_none_is_below(one: OneLayer) -> None:
    """min f over the weights, all P and Q for one layer, is not below p: an exact rational against a root."""
    L = one.layers
    least = single_layer.minimum(whitened_task()) if L == 1 else optimal_steps(isotropic(D, N), L).loss
    if optimal_looped_step(isotropic(D, N), L).loss.compare(least) > 0:
        raise Refuted(f"L = {L}: some weights lose less than preconditioned GD")


@pytest.mark.claim(
    slug="loss_against_depth",
    grade="exact",
    range="L = 1, d = 5, n = 20, the experiment's Σ",
    complete=True,
    refutes=True,
    reading="population",
)
def test_claim_loss_against_depth_of_the_population(evidence: Evidence) -> None:
    """At L = 1 the transformer cannot be below preconditioned GD: 15/13 is the minimum over all P and Q, and one
    step of preconditioned GD with the best step attains it. For L = 2, 3, 4 some weights are below."""
    mutants = [changed(OneLayer(), f"L = {L}: some weights lose less", layers=L) for L in (2, 3, 4)]
    evidence.check(check_none_is_below, OneLayer(), mutants)
    evidence.figure("minimum over all $P$, $Q$", single_layer.minimum(whitened_task()))
    evidence.figure("preconditioned GD, one best step", optimal_steps(isotropic(D, N), 1).loss)
    for L, runs in RUNS.items():
        losses = ", ".join(f"{nearest(trained_runs.compared(run).projected_loss):.3g}" for run in runs)
        p = nearest(optimal_looped_step(isotropic(D, N), L).loss.upper)
        evidence.figure(
            f"L = {L}: population losses at the points of $\\mathcal S'$ nearest to the runs; preconditioned GD",
            f"{losses}; {p:.4g}",
            exact=False,
        )


class Order(NamedTuple):
    """The methods from the least loss to the greatest, at these depths, on more than half of the batches."""

    depths: tuple[int, ...]
    methods: tuple[str, ...] = Losses._fields


def check_order(stated: Order) -> None:
    """Counted on fresh batches, the same for the three methods."""
    for L in stated.depths:
        batches = fresh(CRITERION, RUNS[L], L)
        count = sum(
            sorted(stated.methods, key=losses._asdict().__getitem__) == list(stated.methods)
            for losses in batches
        )
        if not 2 * count > len(batches):
            raise Refuted(f"L = {L}: in this order on {count} of {len(batches)} batches")


@pytest.mark.claim(
    slug="loss_against_depth",
    grade="trained",
    scale="small",
    range="L = 2, 3, 4: five runs each, on fresh batches",
    parts=("deeper",),
)
def test_claim_loss_against_depth_on_batches(evidence: Evidence) -> None:
    """Trained layers with every P_l and A_l free lose less than preconditioned GD on fresh batches, and that less than
    GD. Each mutant is another order, which contradicts this one on every batch that shows it."""
    stated, reason = Order((2, 3, 4)), "L = 2: in this order on"
    p, u, g = "preconditioned", "transformer", "descent"
    mutants = [changed(stated, reason, methods=order) for order in ((p, u, g), (u, g, p), (g, p, u))]
    evidence.check(check_order, stated, mutants)
    for L, runs in RUNS.items():
        batches = fresh(CRITERION, runs, L)
        count = sum(losses.in_order for losses in batches)
        medians = ", ".join(
            f"{sorted(column)[len(column) // 2]:.3g}" for column in zip(*batches, strict=True)
        )
        evidence.figure(f"L = {L}: batches in the stated order", f"{count} of {len(batches)}", exact=False)
        evidence.figure(
            f"L = {L}: median log losses of transformer, preconditioned GD, GD", medians, exact=False
        )
    evidence.chart(depth_chart())


@pytest.mark.claim(
    slug="loss_against_depth",
    grade="trained",
    scale="small",
    range="L = 1: five runs, on fresh batches",
    parts=("one_layer",),
)
def test_claim_loss_against_depth_one_layer_on_batches(evidence: Evidence) -> None:
    """With one layer the transformer is below preconditioned GD, by a hair: the two have one minimum, which training
    comes nearer to than the grid does. The figure says how much of the distance is the grid's."""
    stated, reason = Order((1,)), "L = 1: in this order on"
    p, u, g = "preconditioned", "transformer", "descent"
    mutants = [changed(stated, reason, methods=order) for order in ((p, u, g), (u, g, p), (g, p, u))]
    evidence.check(check_order, stated, mutants)
    batches = fresh(CRITERION, RUNS[1], 1)
    gaps = sorted(losses.preconditioned - losses.transformer for losses in batches)
    evidence.figure("L = 1: by how much in the log, median", f"{gaps[len(gaps) // 2]:.2g}", exact=False)
    best, (grid, _) = optimal_looped_step(isotropic(D, N), 1), best_steps(CRITERION, RUNS[1][0], 1)
    worse = loss_of_steps(isotropic(D, N), [validation.rational("step", grid)])
    evidence.figure(
        "L = 1: step of the grid, the best step", f"{grid}, {nearest(best.step.upper):.4f}", exact=False
    )
    shown = f"{math.log(nearest(worse)) - math.log(nearest(best.loss.upper)):.2g}"
    evidence.figure(
        "L = 1: by how much the grid's step is worse, in the log of the population loss", shown, exact=False
    )


@pytest.mark.claim(
    slug="loss_against_depth",
    grade="trained",
    scale="small",
    range="L = 1, 2, 4: five runs each, their first and last stretch again",
    parts=(),
)
def test_claim_loss_against_depth_replayed() -> None:
    """The seeds are those of the criteria, every digest is right, and the first and the last stretch of each run give
    the stored numbers again. (L = 3 stands with the context lengths.)"""
    for L in (1, 2, 4):
        trained_runs.check_replay(RUNS[L])


@pytest.mark.claim(
    slug="loss_against_depth",
    grade="trained",
    scale="small",
    range="L = 1, 2, 4: five runs each, trained anew",
    level="full",
    parts=(),
)
def test_claim_loss_against_depth_anew() -> None:
    """Trained anew, every run gives every stored number again. (L = 3 stands with the context lengths.)"""
    for L in (1, 2, 4):
        trained_runs.check_anew(RUNS[L])


def depth_chart() -> Chart:
    """Exact curves of the population loss, and the batch losses of trained layers."""
    depths = (1, 2, 3, 4)
    x = tuple(map(float, depths))
    batches = [fresh(CRITERION, RUNS[L], L) for L in depths]
    trained = [sorted(losses.transformer for losses in found)[len(found) // 2] for found in batches]
    return Chart(
        title="Loss against depth",
        caption="d = 5, n = 20, Σ with the eigenvalues 1, 1, 1/4, 1/16, 1. Curves: minima of the population loss, GD "
        "and preconditioned GD with the best constant step. Points: trained layers with every P free, the median over "
        "fresh batches of the geometric mean over five runs. At one layer the transformer and preconditioned GD are "
        "the same thing.",
        x_label="layers or steps $L$",
        y_label="loss",
        y_scale="log",
        series=(
            Series(label="GD", x=x, y=tuple(map(least_descent_loss, depths))),
            Series(label="preconditioned GD", x=x, y=tuple(map(least_looped_loss, depths))),
            Series(label="optimal steps", x=x, y=tuple(map(least_loss, depths))),
            Series(
                label="trained, on batches",
                x=x,
                y=tuple(math.exp(value) for value in trained),
                style="points",
            ),
        ),
    )
