"""Ahn et al. (2023), §5.1, Figs. 3–5: three relaxed layers, trained; the figure's numbers in the population loss."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from flint import fmpq

from icl_claims.claims.edits import changed
from icl_claims.claims.evidence import Evidence
from icl_claims.claims.results import Chart, Series
from icl_claims.numerics.rounding import nearest, nearest_root
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.many_layers import gdpp
from icl_claims.theory.task import isotropic
from tests.shared import trained_runs
from tests.shared.criteria import RELAXED_NEAR
from tests.shared.decimals import decimal
from tests.shared.experiment import D
from tests.shared.relaxed_points import PRINTED

ARTEFACTS = (
    "artefacts/ahn2023/relaxed_three_layers/context_10_seed_0/log.json",
    "artefacts/ahn2023/relaxed_three_layers/context_10_seed_0/weights.safetensors",
    "artefacts/ahn2023/relaxed_three_layers/context_10_seed_0/trajectory.safetensors",
    "artefacts/ahn2023/relaxed_three_layers/context_20_seed_0/log.json",
    "artefacts/ahn2023/relaxed_three_layers/context_20_seed_0/weights.safetensors",
    "artefacts/ahn2023/relaxed_three_layers/context_20_seed_0/trajectory.safetensors",
    "artefacts/ahn2023/relaxed_three_layers/context_20_seed_1/log.json",
    "artefacts/ahn2023/relaxed_three_layers/context_20_seed_1/weights.safetensors",
    "artefacts/ahn2023/relaxed_three_layers/context_20_seed_1/trajectory.safetensors",
)

A, B = PRINTED


RUNS = {
    f"n = {n}, seed {seed}": f"relaxed_three_layers/context_{n}_seed_{seed}"
    for n, seed in ((10, 0), (20, 0), (20, 1))
}


class Trained(NamedTuple):
    """What is read off runs at their end: greatest Dist and batch loss, the layers by norm; the unit of print."""

    distance: fmpq = RELAXED_NEAR
    loss: float = 0.15
    order: tuple[int, ...] = (0, 1, 2)
    unit: fmpq = fmpq(1, 100)


def check_distances(stated: Trained) -> None:
    """Dist of every A_l and of B_0, B_1, exactly for the stored weights."""
    for run in map(trained_runs.compared, RUNS.values()):
        squares = [layer.distance for layer in run.layers] + [x.factor_distance for x in run.layers[:-1]]
        if not all(square is not None and square <= stated.distance**2 for square in squares):
            raise Refuted("some matrix is no multiple of I")


def check_norms(stated: Trained) -> None:
    """The norms of A_l, in this order of the layers."""
    for run in map(trained_runs.compared, RUNS.values()):
        norms = [sum((x**2 for x in run.layers[place].A.entries()), fmpq(0)) for place in stated.order]
        if norms != sorted(norms):
            raise Refuted("the norms have another order")


def check_loss(stated: Trained) -> None:
    """The median batch loss over the last three tenths of each run."""
    for name, run in RUNS.items():
        if trained_runs.median_batch_loss(run) > stated.loss:
            raise Refuted(f"{name}: the loss of batches is larger")


@pytest.mark.claim(
    slug="trained_relaxed_three_layers",
    grade="trained",
    range="n = 10, 20, three runs",
    parts=("distances", "norms", "loss"),
    scale="small",
)
def test_claim_trained_relaxed_three_layers_trained(evidence: Evidence) -> None:
    """Three runs in whitened coordinates: matrices end close to multiples of I, the norms of A_l increase, and the loss
    of batches is small. The thresholds were chosen with the weights at hand."""
    stated, apart = Trained(), "some matrix is no multiple of I"
    distances = [changed(stated, apart, distance=fmpq(1, k)) for k in (100, 50, 40)]
    norms = [changed(stated, "the norms have another order", order=order) for order in ((1, 0, 2), (0, 2, 1))]
    losses = [changed(stated, "the loss of batches is larger", loss=loss) for loss in (0.1, 0.01)]
    evidence.check(check_distances, stated, distances)
    evidence.check(check_norms, stated, norms)
    evidence.check(check_loss, stated, losses)
    for name, stored in RUNS.items():
        run = trained_runs.compared(stored)
        steps = ", ".join(f"{-nearest(layer.step):.3f}" for layer in run.layers)
        factors = ", ".join(f"{nearest(layer.factor):.3f}" for layer in run.layers[:-1])
        evidence.figure(f"{name}: a; b", f"{steps}; {factors}", exact=False)
        losses_there = f"{nearest(run.projected_loss):.4g}; {trained_runs.median_batch_loss(stored):.4g}"
        evidence.figure(
            f"{name}: population loss at the nearest point of $\\mathcal S'$; batch loss", losses_there, False
        )
    for n in (10, 20):
        run = trained_runs.compared(RUNS[f"n = {n}, seed 0"])
        a = [fmpq((-layer.step * 1000).floor(), 1000) for layer in run.layers]
        b = [fmpq((layer.factor * 1000).floor(), 1000) for layer in run.layers[:-1]]
        prompts = (
            10**4 * gdpp.one_prompt_variance(isotropic(D, n), a, b) / gdpp.loss(isotropic(D, n), a, b) ** 2
        )
        evidence.figure(
            f"n = {n}, seed 0: prompts for a standard error of 1 % there (three decimals), $w$ and $x_q$ averaged out",
            f"{nearest(prompts):.2g}",
            exact=False,
        )
    evidence.chart(distance_chart())


def check_not_printed(stated: Trained) -> None:
    """The run at n = 10 ends at numbers that, to so many units, are not those of the figure."""
    run = trained_runs.compared(RUNS["n = 10, seed 0"])
    found = [*(-layer.step for layer in run.layers), *(layer.factor for layer in run.layers[:-1])]
    if all(abs(x - decimal(text)) <= stated.unit / 2 for x, text in zip(found, [*A, *B], strict=True)):
        raise Refuted("the run ends at the figure's numbers")


@pytest.mark.claim(
    slug="trained_relaxed_three_layers",
    grade="trained",
    range="n = 10, one run",
    parts=("figure",),
    scale="small",
    refutes=True,
)
def test_claim_trained_relaxed_three_layers_figure(evidence: Evidence) -> None:
    """The one run at the stated n = 10 ends at other numbers than the figure's. So do the two at n = 20, at another
    minimum: this says little, and a criterion on the loss of batches is still to come."""
    evidence.check(
        check_not_printed, Trained(), [changed(Trained(), "the run ends at the figure's", unit=fmpq(10))]
    )


def distance_chart() -> Chart:
    """Figure 3: distances of B_0, B_1 and the A_l against steps, n = 20, seed 0."""
    runs = trained_runs.trajectory(RUNS["n = 20, seed 0"])
    series = []
    for name, layer, attribute in (
        ("$A_0$", 0, "distance"),
        ("$A_1$", 1, "distance"),
        ("$A_2$", 2, "distance"),
        ("$B_0$", 0, "factor_distance"),
        ("$B_1$", 1, "factor_distance"),
    ):
        values = [(step, getattr(run.layers[layer], attribute)) for step, run in runs]
        series.append(
            Series(
                label=name,
                x=tuple(float(step) for step, _ in values),
                y=tuple(nearest_root(value) for _, value in values),
                style="line" if name.startswith("$A") else "dashed",
            )
        )
    return Chart(
        title="Distances from multiples of the identity, with covariate updates",
        caption="n = 20, seed 0, in whitened coordinates. Each point is exact for the weights after that many steps.",
        x_label="steps",
        y_label=r"$\operatorname{Dist}(\cdot,I)$",
        series=tuple(series),
    )
