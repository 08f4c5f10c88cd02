"""Ahn et al. (2023), §5.1, Figs. 3–5: three relaxed layers, trained on one batch; the figure's numbers on batches."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import pytest
from flint import fmpq

from icl_claims.claims.edits import changed
from icl_claims.claims.evidence import Evidence
from icl_claims.claims.results import Chart, Series
from icl_claims.criteria.ahn2023 import BATCH_MINIMIZER
from icl_claims.criteria.ahn2023 import RELAXED_THREE_LAYERS as CRITERION
from icl_claims.models.attention import LinearTransformer
from icl_claims.models.weights import Weights
from icl_claims.numerics.rounding import nearest, nearest_root
from icl_claims.theory.algebra.exact import Refuted
from tests.shared import batches, printed_numbers, trained_runs
from tests.shared.criteria import exactly
from tests.shared.decimals import decimal
from tests.shared.experiment import D
from tests.shared.relaxed_points import BESIDE_PRINTED, LEAST_KNOWN, PRINTED, Point
from tests.shared.truncated_loss import ERROR_PROBABILITY as LOSS_ERROR
from tests.shared.truncated_loss import Tilt, lower_bound, on_scaled_set

ARTEFACTS = ("artefacts/ahn2023/relaxed_three_layers",)
RUNS = {n: trained_runs.names(f"relaxed_three_layers/context_{n}_") for n in (10, 20)}
"""The five runs of each context length."""
SHARE, MANY = exactly(CRITERION, "share"), CRITERION.count("many")
ERROR_PROBABILITY = 1e-7


class Trained(NamedTuple):
    """What is read off the runs at one context length: greatest Dist and batch loss, and the layers by norm."""

    n: int
    distance: fmpq = exactly(CRITERION, "near")
    share: fmpq = SHARE
    order: tuple[int, ...] = (0, 1, 2)


def squared_distances(run: str) -> list[fmpq]:
    """Of the A_l in whitened coordinates and of B_0, B_1, exactly; a matrix 0 is a multiple of I."""
    layers = trained_runs.compared(run).layers
    return [x or fmpq(0) for x in (*(y.distance for y in layers), *(y.factor_distance for y in layers[:-1]))]


def check_distances(stated: Trained) -> None:
    """Dist of every A_l and of B_0, B_1."""
    for run in RUNS[stated.n]:
        if any(square > stated.distance**2 for square in squared_distances(run)):
            raise Refuted(f"{run}: some matrix is no multiple of I")


def check_norms(stated: Trained) -> None:
    """In this order of the layers."""
    trained_runs.norms_in_order(RUNS[stated.n], stated.order)


@cache
def median_loss(run: str) -> float:
    """On fresh batches."""
    task, weights = trained_runs.task_of(run), trained_runs.weights_of(run)
    model = LinearTransformer.from_matrices(weights.P, weights.Q)
    names = [f"test {run} {index}" for index in range(CRITERION.count("batches"))]
    return batches.median([batches.loss(model, batches.drawn(CRITERION, task, name)) for name in names])


def check_loss(stated: Trained) -> None:
    """The median loss on fresh batches of each run, as a share of the loss of predicting 0."""
    for run in RUNS[stated.n]:
        if median_loss(run) > nearest(stated.share * D):
            raise Refuted(f"{run}: the loss of batches is larger")


def check_some_loss(stated: Trained) -> None:
    """Some run has a greater median loss."""
    if all(median_loss(run) <= nearest(stated.share * D) for run in RUNS[stated.n]):
        raise Refuted(f"n = {stated.n}: no run has a greater loss")


def check_some_order(stated: Trained) -> None:
    """Some run has its norms in another order."""
    for run in RUNS[stated.n]:
        try:
            trained_runs.norms_in_order([run], stated.order)
        except Refuted:
            return
    raise Refuted(f"n = {stated.n}: every run has its norms in this order")


def check_some_ends_there(stated: Trained) -> None:
    """The nearest point of 𝒮′ of some run is within the box of the batches' critical points around the figure's."""
    widths = [exactly(BATCH_MINIMIZER, name) for name in ("a0", "a1", "a2", "b", "b")]
    printed = [decimal(x) for x in (*PRINTED.a, *PRINTED.b)]
    for run in RUNS[stated.n]:
        layers = trained_runs.compared(run).layers
        found = [*(-layer.step for layer in layers), *(layer.factor for layer in layers[:-1])]
        if all(abs(x - y) <= width for x, y, width in zip(found, printed, widths, strict=True)):
            return
    raise Refuted(f"n = {stated.n}: no run ends at the numbers of the figure")


class Numbers(NamedTuple):
    """That numbers, at any values that round to them, lose more than the share on more than half of all batches."""

    numbers: Point = PRINTED
    n: int = 10
    share: fmpq = SHARE


def check_lose_more(stated: Numbers) -> None:
    """Were it half of the batches or fewer, so many of these would have a chance of at most 1e-7."""
    bounds = [printed_numbers.bound_from_below(CRITERION, stated.n, k, stated.numbers) for k in range(MANY)]
    hits = sum(bool(bound > stated.share * D) for bound in bounds)
    if printed_numbers.chance(hits, MANY) > ERROR_PROBABILITY:
        raise Refuted(f"n = {stated.n}: only {hits} of {MANY} batches show a loss above the share")


def check_lose_less(stated: Numbers) -> None:
    """The opposite for the numbers themselves: at most the share, by the same count."""
    losses = [printed_numbers.loss(CRITERION, stated.n, k, stated.numbers) for k in range(MANY)]
    hits = sum(loss <= nearest(stated.share * D) for loss in losses)
    if printed_numbers.chance(hits, MANY) > ERROR_PROBABILITY:
        raise Refuted(f"n = {stated.n}: only {hits} of {MANY} batches have a loss below the share")


@pytest.mark.claim(
    slug="trained_relaxed_three_layers",
    grade="trained",
    scale="small",
    range="n = 10, five runs",
    parts=("distances",),
)
def test_claim_trained_relaxed_three_layers_distances(evidence: Evidence) -> None:
    """At the stated n = 10 all matrices end close to multiples of I, exactly for the stored weights."""
    apart = "some matrix is no multiple of I"
    mutants = [changed(Trained(10), apart, distance=fmpq(1, k)) for k in (20, 50, 100)]
    evidence.check(check_distances, Trained(10), mutants)
    describe(evidence, 10)
    evidence.chart(distance_chart())


@pytest.mark.claim(
    slug="trained_relaxed_three_layers",
    grade="trained",
    scale="small",
    range="n = 10, five runs",
    parts=("loss",),
    refutes=True,
)
def test_claim_trained_relaxed_three_layers_loss(evidence: Evidence) -> None:
    """At the stated n = 10 most runs, trained on one batch, lose more than the share on most fresh batches. At n = 20
    none does."""
    mutants = [changed(Trained(10), "n = 20: no run has a greater loss", n=20)]
    evidence.check(check_some_loss, Trained(10), mutants)


@pytest.mark.claim(
    slug="trained_relaxed_three_layers",
    grade="trained",
    scale="small",
    range="n = 10, five runs",
    parts=("norms",),
    refutes=True,
)
def test_claim_trained_relaxed_three_layers_norms(evidence: Evidence) -> None:
    """At the stated n = 10 some run ends with the norms of A_1 and A_2 in the other order. At n = 20 none does."""
    mutants = [changed(Trained(10), "n = 20: every run has its norms in this order", n=20)]
    evidence.check(check_some_order, Trained(10), mutants)


@pytest.mark.claim(
    slug="trained_relaxed_three_layers",
    grade="trained",
    scale="small",
    range="n = 20, five runs",
    parts=(),
    reading="notebook_context",
)
def test_claim_trained_relaxed_three_layers_at_twenty_trained(evidence: Evidence) -> None:
    """At n = 20 all matrices end close to multiples of I, their norms increase, and the loss of batches is small."""
    stated, apart = Trained(20), "some matrix is no multiple of I"
    distances = [changed(stated, apart, distance=fmpq(1, k)) for k in (20, 50, 100)]
    norms = [changed(stated, "the norms have another order", order=order) for order in ((1, 0, 2), (0, 2, 1))]
    losses = [changed(stated, "the loss of batches is larger", n=10)]
    evidence.check(check_distances, stated, distances)
    evidence.check(check_norms, stated, norms)
    evidence.check(check_loss, stated, losses)
    describe(evidence, 20)


@pytest.mark.claim(
    slug="trained_relaxed_three_layers",
    grade="trained",
    scale="small",
    range="n = 20, five runs",
    parts=(),
    reading="notebook_context",
)
def test_claim_trained_relaxed_three_layers_ends_at_the_figure(evidence: Evidence) -> None:
    """One run of five at n = 20 ends at the numbers of the figure, as near as critical points of batches are to them.
    At n = 10 none does."""
    nowhere = [changed(Trained(20), "n = 10: no run ends at the numbers", n=10)]
    evidence.check(check_some_ends_there, Trained(20), nowhere)


def describe(evidence: Evidence, context_length: int) -> None:
    """Where each run ended: the nearest point of 𝒮′ in the signs of the paper, and the loss on fresh batches."""
    for run in RUNS[context_length]:
        layers = trained_runs.compared(run).layers
        steps = ", ".join(f"{-nearest(layer.step):.2f}" for layer in layers)
        factors = ", ".join(f"{nearest(layer.factor):.2f}" for layer in layers[:-1])
        worst = nearest_root(max(squared_distances(run)))
        evidence.figure(f"{run}: a; b; greatest Dist", f"{steps}; {factors}; {worst:.3f}", exact=False)
        evidence.figure(f"{run}: median loss of fresh batches", f"{median_loss(run):.3g}", exact=False)


@pytest.mark.claim(
    slug="trained_relaxed_three_layers",
    grade="statistical",
    range="n = 10, 24 batches of 20 000 contexts; error probability ≤ 1e-7",
    parts=("figure",),
    error_probability=1e-7,
    refutes=True,
)
@pytest.mark.claim(
    slug="trained_relaxed_three_layers_at_twenty",
    grade="statistical",
    range="n = 10, 24 batches of 20 000 contexts; error probability ≤ 1e-7",
    parts=("not_ten",),
    error_probability=1e-7,
)
def test_claim_trained_relaxed_three_layers_figure(evidence: Evidence) -> None:
    """At n = 10 no values that round to the figure's numbers have a small loss on batches: on each of 24 they lose more
    than the share. Each mutant is refused unless 24 batches of 24 deceive: a statement that holds on half of the
    batches or fewer is accepted with probability 2⁻²⁴."""
    few, power = "batches show a loss above the share", 1 - ERROR_PROBABILITY
    mutants = [
        changed(Numbers(), few, n=20, power=power),
        changed(Numbers(), few, n=15, power=power),
        changed(Numbers(), few, share=fmpq(10**6), power=power),
    ]
    evidence.check(check_lose_more, Numbers(), mutants)
    for n in (10, 15, 20):
        losses = sorted(printed_numbers.loss(CRITERION, n, k) for k in range(MANY))
        text = ", ".join(f"{losses[place]:.3g}" for place in (0, MANY // 2, -1))
        evidence.figure(
            f"n = {n}: loss at the printed numbers, least, median, greatest of {MANY}", text, False
        )
    bounds = [printed_numbers.bound_from_below(CRITERION, 10, k) for k in range(MANY)]
    least = min(float(bound.lower()) for bound in bounds)
    evidence.figure("n = 10: least bound from below for all values that round to them", f"{least:.3g}", False)


@pytest.mark.claim(
    slug="trained_relaxed_three_layers",
    grade="statistical",
    range="n = 20, 24 batches of 20 000 contexts; error probability ≤ 1e-7",
    parts=(),
    reading="notebook_context",
    error_probability=1e-7,
)
@pytest.mark.claim(
    slug="trained_relaxed_three_layers_at_twenty",
    grade="statistical",
    range="n = 20, 24 batches of 20 000 contexts; error probability ≤ 1e-7",
    parts=("batches",),
    error_probability=1e-7,
)
def test_claim_trained_relaxed_three_layers_at_the_context_of_the_notebook(evidence: Evidence) -> None:
    """At n = 20 the figure's numbers lose less than the share on each of 24 batches."""
    stated = Numbers(n=20)
    few, power = "batches have a loss below the share", 1 - ERROR_PROBABILITY
    mutants = [
        changed(stated, few, n=10, power=power),
        changed(stated, few, share=fmpq(1, 10**5), power=power),
        changed(stated, few, n=12, power=power),
    ]
    evidence.check(check_lose_less, stated, mutants)
    beside = [printed_numbers.loss(CRITERION, 20, k, BESIDE_PRINTED) for k in range(MANY)]
    evidence.figure(
        "the same at the minimum of the population loss beside them, median",
        f"{batches.median(beside):.3g}",
        False,
    )


class Population(NamedTuple):
    """That all runs at n = 10, or a point of 𝒮′ in their place, have a population loss above the share."""

    point: Point | None = None
    share: fmpq = SHARE

    def weights(self) -> list[Weights]:
        """In whitened coordinates."""
        if self.point is None:
            return [trained_runs.whitened(run) for run in RUNS[10]]
        return [on_scaled_set(self.point)]


def check_population(stated: Population) -> None:
    """By bounds from below, each with an error probability of 1e-8."""
    for weights in stated.weights():
        if not lower_bound(weights, Tilt(10)) > nearest(stated.share * D):
            raise Refuted("the bound from below does not exceed the share")


@pytest.mark.claim(
    slug="trained_relaxed_three_layers",
    grade="statistical",
    range="n = 10, five runs; error probability ≤ 5e-8",
    parts=(),
    error_probability=5e-8,
    refutes=True,
    reading="population_loss",
)
def test_claim_trained_relaxed_three_layers_population_loss(evidence: Evidence) -> None:
    """At the end of each run at n = 10 the population loss is above the share. The mutant, the least loss that is known
    there, has an exact loss of 0.0393: it is refused unless its bound is wrong."""
    mutants = [
        changed(Population(), "the bound from below", point=LEAST_KNOWN[D, 10, 3], power=1 - LOSS_ERROR)
    ]
    evidence.check(check_population, Population(), mutants)
    for run in RUNS[10]:
        bound = lower_bound(trained_runs.whitened(run), Tilt(10))
        evidence.figure(f"{run}: bound from below on the population loss", f"{bound:.3g}", exact=False)


@pytest.mark.claim(
    slug="trained_relaxed_three_layers",
    grade="trained",
    scale="small",
    range="ten runs, their first and last stretch again",
    parts=(),
)
def test_claim_trained_relaxed_three_layers_replayed() -> None:
    """The seeds are those of the criterion, every digest is right, and the first and the last stretch of each run give
    the stored numbers again."""
    for runs in RUNS.values():
        trained_runs.check_replay(runs)


@pytest.mark.claim(
    slug="trained_relaxed_three_layers",
    grade="trained",
    scale="small",
    range="ten runs, trained anew",
    level="full",
    parts=(),
)
def test_claim_trained_relaxed_three_layers_anew() -> None:
    """Trained anew, every run gives every stored number again."""
    for runs in RUNS.values():
        trained_runs.check_anew(runs)


def distance_chart() -> Chart:
    """Beside Figure 3: the greatest distance of each run at its end, for both context lengths."""
    return Chart(
        title="How far the trained matrices are from multiples of the identity",
        caption="Five runs of L-BFGS on one batch for each context length, each with its own Σ: the greatest of "
        "the distances of B_0, B_1 and of the three A_l in whitened coordinates, exact for the stored weights, at the "
        "start (above) and at the end (below).",
        x_label="run",
        y_label=r"$\operatorname{Dist}(\cdot,I)$",
        y_scale="log",
        series=tuple(
            Series(
                label=f"$n={n}$, {name}",
                x=tuple(float(place) for place in range(1, 6)),
                y=tuple(greatest(run, when) for run in RUNS[n]),
                style="points",
                group=str(n),
            )
            for n in RUNS
            for name, when in (("start", 0), ("end", -1))
        ),
    )


def greatest(run: str, when: int) -> float:
    """Of the distances at a kept state."""
    _, found = trained_runs.trajectory(run)[when]
    squares = [*(x.distance for x in found.layers), *(x.factor_distance for x in found.layers[:-1])]
    return nearest_root(max(square or fmpq(0) for square in squares))
