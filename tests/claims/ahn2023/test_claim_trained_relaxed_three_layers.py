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
from icl_claims.theory.loops.descent import is_above
from icl_claims.theory.many_layers import gdpp
from icl_claims.theory.task import isotropic
from tests.shared import trained_runs
from tests.shared.criteria import RELAXED_NEAR
from tests.shared.decimals import decimal
from tests.shared.experiment import D
from tests.shared.relaxed_points import BESIDE_PRINTED, LEAST_KNOWN, PRINTED, along_printed

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


class Factor(NamedTuple):
    """A claim on the loss at c · a and b: above ``least`` for every c; or below ``most`` at c = ``factor``."""

    n: int
    least: fmpq | None = None
    most: fmpq | None = None
    factor: fmpq = fmpq(1)
    attained: fmpq = fmpq(0)
    """What the minimum next to the numbers is below, or is above."""


def check_ten(claimed: Factor) -> None:
    """Above ``least`` for every factor (no real root), while ``attained`` is attained on 𝒮′."""
    best = gdpp.loss(isotropic(D, 10), *LEAST_KNOWN[D, 10, 3])
    if claimed.least is None:
        raise ValueError("least must be a number")
    if not is_above(along_printed(claimed.n), claimed.least):
        raise Refuted(f"n = {claimed.n}: some factor brings the loss to {claimed.least} or below")
    if not best < claimed.attained < claimed.least:
        raise Refuted(f"{claimed.attained} is not attained at n = 10, or not below the bound")


def check_twenty(claimed: Factor) -> None:
    """Below ``most`` at the factor, and the certified minimum next to it to six decimals."""
    point = BESIDE_PRINTED.certified(D, 20)
    if claimed.most is None:
        raise ValueError("most must be a number")
    if not along_printed(claimed.n)(claimed.factor) < claimed.most:
        raise Refuted(f"n = {claimed.n}: the loss at the factor {claimed.factor} is not below {claimed.most}")
    if not (point.minimum and abs(point.loss.upper - claimed.attained) < fmpq(1, 2 * 10**6)):
        raise Refuted(f"the minimum is not {claimed.attained}")


@pytest.mark.claim(
    slug="trained_relaxed_three_layers_at_twenty",
    grade="exact",
    range="d = 5, n = 10, all c",
    parts=("ten",),
    complete=True,
)
def test_claim_trained_relaxed_three_layers_at_twenty_not_ten(evidence: Evidence) -> None:
    """At n = 10 the loss, a polynomial of degree 26 in c, minus 0.11 has no real root, while 0.0393 is attained."""
    stated = Factor(10, least=fmpq(11, 100), attained=fmpq(393, 10**4))
    mutants = [
        changed(stated, "some factor brings the loss to 3/25", least=fmpq(12, 100)),
        changed(stated, "n = 12: some factor", n=12),
        changed(stated, "n = 20: some factor", n=20),
        changed(stated, "49/1250 is not attained", attained=fmpq(392, 10**4)),
    ]
    evidence.check(check_ten, stated, mutants)


@pytest.mark.claim(
    slug="trained_relaxed_three_layers_at_twenty",
    grade="certified",
    range="d = 5, n = 20",
    parts=("twenty",),
    complete=True,
)
def test_claim_trained_relaxed_three_layers_at_twenty(evidence: Evidence) -> None:
    """At n = 20 the factor 0.876 brings the figure's numbers to within 3 % of the certified minimum next to them."""
    stated = Factor(20, most=fmpq(99, 10**5), factor=fmpq(876, 1000), attained=fmpq(961, 10**6))
    mutants = [
        changed(stated, "n = 19: the loss at the factor", n=19),
        changed(stated, "the loss at the factor 1 is not", factor=fmpq(1)),
        changed(stated, "is not below 49/50000", most=fmpq(98, 10**5)),
        changed(stated, "the minimum is not", attained=fmpq(960, 10**6)),
    ]
    evidence.check(check_twenty, stated, mutants)
    evidence.chart(factor_chart())


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


@pytest.mark.claim(
    slug="trained_relaxed_three_layers",
    grade="trained",
    range="n = 10, one run",
    parts=(),
    scale="small",
    refutes=True,
    reading="population_loss",
)
@pytest.mark.claim(
    slug="trained_relaxed_three_layers_at_twenty",
    grade="trained",
    range="n = 10, one run",
    parts=("run",),
    scale="small",
)
def test_claim_trained_relaxed_three_layers_population_loss(evidence: Evidence) -> None:
    """At the end of the run at n = 10 batches lose 0.139, and the population more than 60 000."""
    evidence.check(
        check_run,
        Losses(),
        [
            changed(Losses(), "the population loses less", population=70_000),
            changed(Losses(), "batches lose another amount", batch="0.13"),
            changed(Losses(), "batches lose another amount", batch="0.15"),
        ],
    )


class Losses(NamedTuple):
    """More than the population loss at the nearest point of 𝒮′, and the median batch loss rounded."""

    population: int = 60_000
    batch: str = "0.14"


def check_run(stated: Losses) -> None:
    """Of the run at n = 10."""
    run = RUNS["n = 10, seed 0"]
    if trained_runs.compared(run).projected_loss <= stated.population:
        raise Refuted("the population loses less")
    if f"{trained_runs.median_batch_loss(run):.2f}" != stated.batch:
        raise Refuted("batches lose another amount")


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


def factor_chart() -> Chart:
    """The loss at the figure's numbers against a common factor of the A_l."""
    grid = [fmpq(k, 100) for k in range(30, 106)]
    x = tuple(map(nearest, grid))
    return Chart(
        title="The figure's numbers in the population loss",
        caption="Exact population loss at the figure's numbers, the A_l multiplied by c. At n = 20 a factor of 0.876 "
        "leads to within 3 % of the minimum next to them (dashed); at n = 10 no factor leads near to what is attained.",
        x_label="$c$",
        y_label="population loss",
        y_scale="log",
        series=(
            *(
                Series(
                    label=f"$n={n}$",
                    x=x,
                    y=tuple(min(nearest(along_printed(n)(c)), 10.0) for c in grid),
                    group=str(n),
                )
                for n in (10, 20)
            ),
            Series(label="attained at $n=10$", x=(0.3, 1.05), y=(0.0393, 0.0393), style="dashed", group="10"),
            Series(
                label="minimum at $n=20$", x=(0.3, 1.05), y=(0.000961, 0.000961), style="dashed", group="20"
            ),
        ),
    )
