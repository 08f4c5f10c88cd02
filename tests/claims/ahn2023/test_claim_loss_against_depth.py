"""Ahn et al. (2023), App. D, Fig. 7: transformer, preconditioned GD and GD of equal depth, by exact minima."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from flint import fmpq

from icl_claims.claims.edits import changed
from icl_claims.claims.evidence import Evidence
from icl_claims.claims.results import Chart, Series
from icl_claims.numerics.rounding import nearest
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.loops.step import optimal_looped_step
from icl_claims.theory.many_layers.step_sizes import optimal_steps
from icl_claims.theory.one_layer import single_layer
from icl_claims.theory.task import isotropic
from tests.shared import trained_runs
from tests.shared.batches import fresh
from tests.shared.experiment import (
    D,
    N,
    least_descent_loss,
    least_looped_loss,
    least_loss,
    whitened_task,
)

ARTEFACTS = (
    "artefacts/ahn2023/depth/layers_1/weights.safetensors",
    "artefacts/ahn2023/depth/layers_2/weights.safetensors",
    "artefacts/ahn2023/sparse_three_layers/seed_0/weights.safetensors",
    "artefacts/ahn2023/depth/layers_4/weights.safetensors",
)
RUNS = {1: "depth/layers_1", 2: "depth/layers_2", 3: "sparse_three_layers/seed_0", 4: "depth/layers_4"}
"""The run of each depth."""
BATCHES = 10


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
    evidence.chart(depth_chart())
    evidence.figure("minimum over all $P$, $Q$", single_layer.minimum(whitened_task()))
    evidence.figure("preconditioned GD, one best step", optimal_steps(isotropic(D, N), 1).loss)


class InOrder(NamedTuple):
    """That at each of these depths the losses are in the stated order on more than this share of fresh batches."""

    depths: tuple[int, ...] = (2, 3, 4)
    share: fmpq = fmpq(1, 2)


def check_in_order(stated: InOrder) -> None:
    """Counted on fresh batches, the same for the three methods."""
    for L in stated.depths:
        count = sum(losses.in_order for losses in fresh(RUNS[L], BATCHES))
        if not count > stated.share * BATCHES:
            raise Refuted(f"L = {L}: in order on {count} of {BATCHES} batches")


@pytest.mark.claim(
    slug="loss_against_depth",
    grade="trained",
    scale="small",
    range="L = 2, 3, 4: one run each, 10 fresh batches of 4000 contexts with five queries each",
    parts=("deeper",),
)
def test_claim_loss_against_depth_on_batches(evidence: Evidence) -> None:
    """Trained sparse layers of two, three and four lose less than preconditioned GD on fresh batches, and that less
    than GD. Their exact population losses are in this order too."""
    mutants = [
        changed(InOrder(), "L = 1: in order on", depths=(1, 2, 3, 4)),
        changed(InOrder(), "L = 1: in order on", depths=(1,)),
        changed(InOrder(), "L = 2: in order on", share=fmpq(1)),
    ]
    evidence.check(check_in_order, InOrder(), mutants)
    for L in InOrder().depths:
        run, looped = trained_runs.compared(RUNS[L]), optimal_looped_step(isotropic(D, N), L).loss
        assert run.loss is not None
        assert looped.compare(run.loss) > 0
        excess = nearest(run.loss / run.minimum - 1)
        evidence.figure(f"L = {L}: relative excess over the minimum", f"{excess:.1e}", exact=False)


class Above(NamedTuple):
    """That the transformer of one layer is above preconditioned GD on more than this share of fresh batches."""

    share: fmpq = fmpq(1, 2)


def check_above(stated: Above) -> None:
    """Counted on fresh batches, the same for both."""
    above = sum(losses.transformer > losses.preconditioned for losses in fresh(RUNS[1], BATCHES))
    if not above > stated.share * BATCHES:
        raise Refuted(f"with one layer the transformer is above on {above} of {BATCHES} batches only")


@pytest.mark.claim(
    slug="loss_against_depth",
    grade="trained",
    scale="small",
    range="L = 1: one run, 10 fresh batches of 4000 contexts with five queries each",
    parts=("one_layer",),
    refutes=True,
)
def test_claim_loss_against_depth_one_layer_on_batches(evidence: Evidence) -> None:
    """With one layer the trained transformer is above preconditioned GD on more than half of these batches: the two
    have the same minimum, and which is below is an accident of the batch."""
    mutants = [changed(Above(), "batches only", share=share) for share in (fmpq(9, 10), fmpq(1))]
    evidence.check(check_above, Above(), mutants)
    above = sum(losses.transformer > losses.preconditioned for losses in fresh(RUNS[1], BATCHES))
    evidence.figure("L = 1: batches with the transformer above", f"{above} of {BATCHES}", exact=False)


def depth_chart() -> Chart:
    """Exact curves, trained points on top."""
    depths = (1, 2, 3, 4)
    x = tuple(map(float, depths))
    trained = tuple(nearest(trained_runs.compared(RUNS[L]).loss or fmpq(0)) for L in depths)
    return Chart(
        title="Loss against depth",
        caption="d = 5, n = 20, Σ with the eigenvalues 1, 1, 1/4, 1/16, 1. Curves: exact minima, GD and preconditioned "
        "GD with the best constant step. Points: trained sparse layers, population loss at the weights, exact. At "
        "one layer the transformer and preconditioned GD are the same thing.",
        x_label="layers or steps $L$",
        y_label="population loss",
        y_scale="log",
        series=(
            Series(label="GD", x=x, y=tuple(map(least_descent_loss, depths))),
            Series(label="preconditioned GD", x=x, y=tuple(map(least_looped_loss, depths))),
            Series(label="optimal steps", x=x, y=tuple(map(least_loss, depths)), group="u"),
            Series(label="trained transformer", x=x, y=trained, style="points", group="u"),
        ),
    )
