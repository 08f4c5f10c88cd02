"""Ahn et al. (2023), §4.3: three sparse layers trained on sampled prompts, read in exact arithmetic.

The weights of five runs (:mod:`icl_claims.models.reproduce`) are stored; float64 weights are rationals, so that
population losses, distances and the distance to the stationary point are exact numbers.
"""

from __future__ import annotations

from typing import NamedTuple

import pytest
from flint import fmpq, fmpq_mat

from icl_claims.claims.edits import changed
from icl_claims.claims.evidence import Evidence
from icl_claims.claims.results import Chart, Series
from icl_claims.criteria.ahn2023 import SPARSE_THREE_LAYERS as CRITERION
from icl_claims.models.runs import ahn2023
from icl_claims.numerics.rounding import nearest, nearest_root
from icl_claims.theory.algebra import exact, validation
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.loops.step import optimal_looped_step
from icl_claims.theory.many_layers.distance import squared_dist
from icl_claims.theory.many_layers.equivariant_bound import equivariant_minimum
from icl_claims.theory.many_layers.loss_variance import prompts_needed
from icl_claims.theory.many_layers.matrix_layers import layered_loss
from icl_claims.theory.many_layers.step_sizes import optimal_steps
from icl_claims.theory.task import isotropic
from tests.shared import trained_runs
from tests.shared.criteria import exactly
from tests.shared.experiment import D, N

L = 3
RUNS = trained_runs.names("sparse_three_layers/")
ARTEFACTS = ("artefacts/ahn2023/sparse_three_layers",)
NEAR, STEADY, LITTLE = (exactly(CRITERION, name) for name in ("near", "steady", "little"))


class Point(NamedTuple):
    """A stationary point that training is said to reach: its steps, ascending, and its loss."""

    steps: tuple[fmpq, ...]
    loss: fmpq


def optimum(dim: int = D, n: int = N, layers: int = L) -> Point:
    best = optimal_steps(isotropic(dim, n), layers)
    return Point(tuple(step.lower for step in best.steps) + (fmpq(0),) * (L - layers), best.loss)


def looped() -> Point:
    best = optimal_looped_step(isotropic(D, N), L)
    return Point((best.step.lower,) * L, best.loss.upper)


class Optimum(NamedTuple):
    """The stationary point of these sizes with so many optimal steps, the others 0; or that of ``equal`` steps.

    Its steps are multiplied by ``stretch``, and its loss is not.
    """

    dim: int = D
    n: int = N
    layers: int = L
    equal: bool = False
    stretch: fmpq = fmpq(1)


def check_optimum(stated: Optimum) -> None:
    """Every run ends at it."""
    steps, loss = looped() if stated.equal else optimum(stated.dim, stated.n, stated.layers)
    check_point(Point(tuple(step * stated.stretch for step in steps), loss))


def check_point(point: Point) -> None:
    """Every run: loss at least the point's and at most 1/1000 above it, relatively; and within 1/50 of the point."""
    for run in RUNS:
        found = trained_runs.compared(run)
        if found.loss is None or not point.loss <= found.loss <= point.loss * (1 + LITTLE):
            raise Refuted(f"{run}: the loss is below that of the point, or more than 1/1000 above it")
        pairs = list(zip(sorted(found.layers, key=lambda x: x.step), sorted(point.steps), strict=True))
        task = trained_runs.task_of(run)
        square = sum(
            (whitened_square(task.covariance, x.A - task.task_covariance * a) for x, a in pairs), fmpq(0)
        )
        if square > NEAR**2 * D * sum((a * a for a in point.steps), fmpq(0)):
            raise Refuted(f"{run}: the weights are further than 1/50 from the point")


def whitened_square(sigma: fmpq_mat, A: fmpq_mat) -> fmpq:
    """‖Σ^{1/2} A Σ^{1/2}‖_F²."""
    return exact.trace(sigma * A * sigma * A.transpose())


@pytest.mark.claim(
    slug="trained_sparse_three_layers",
    grade="trained",
    scale="small",
    range="five runs, each with its own Σ",
    parts=("stationary_point", "globally_optimal"),
)
def test_claim_trained_sparse_three_layers_point(evidence: Evidence) -> None:
    """Five runs end within 1/50 of the optimal steps on 𝒮, up to the order of the layers, with losses above the
    minimum on 𝒮 by less than 1/1000 of it. No weights whatever lose less than 0.1263, 5.4 % below that."""
    far = "the loss is below that of the point"
    stated = Optimum()
    mutants = [
        changed(stated, far, n=19),
        changed(stated, far, n=21),
        changed(stated, far, dim=4),
        changed(stated, far, layers=2),
        changed(stated, far, equal=True),
        changed(stated, "the weights are further than 1/50", stretch=fmpq(21, 20)),
    ]
    evidence.check(check_optimum, stated, mutants)
    best, bound = (
        optimal_steps(isotropic(D, N), L),
        equivariant_minimum(isotropic(D, N), L),
    )
    for run in RUNS:
        found = trained_runs.compared(run)
        assert found.excess is not None
        assert bound <= found.minimum <= found.minimum + found.excess
        evidence.figure(
            f"{run}: relative excess of the loss over the minimum on $\\mathcal S$",
            f"{nearest(found.excess / found.minimum):.2e}",
            exact=False,
        )
    evidence.figure("minimum on $\\mathcal S$", str(best.loss))
    evidence.figure("no $A_0,A_1,A_2$ lose less than", str(bound))
    evidence.figure("as decimals", f"{nearest(best.loss):.5f} and {nearest(bound):.5f}", exact=False)
    evidence.figure(
        "prompts for a standard error of 1 % at the optimum, with $w$ and $x_q$ averaged out",
        prompts_needed(isotropic(D, N), [step.lower for step in best.steps]),
    )


class Whitening(NamedTuple):
    """What Dist is taken of: Σ^{k/2} A Σ^{k/2}, k the exponent."""

    exponent: int


def transformed_dist(run: str, A: fmpq_mat, power: int) -> fmpq:
    """Dist(Σ^{p/2} A Σ^{p/2}, I)², rational: the trace is tr(Σ^p A), the squared norm tr(Σ^p A Σ^p Aᵀ)."""
    sigma = trained_runs.task_of(run).covariance
    factor = {-1: sigma.inv(), 0: exact.identity(D), 1: sigma, 2: sigma * sigma}[power]
    square = squared_dist(A, exact.trace(factor * A * factor * A.transpose()), exact.trace(factor * A))
    assert square is not None
    return square


def check_whitened(whitening: Whitening) -> None:
    """Dist is at most 1/50 at the end, in every layer of every run."""
    for run in RUNS:
        end = trained_runs.compared(run)
        for layer in range(L):
            if not transformed_dist(run, end.layers[layer].A, whitening.exponent) <= NEAR**2:
                raise Refuted(f"{run}, layer {layer}: Dist does not tend to 0")


@pytest.mark.claim(
    slug="trained_sparse_three_layers",
    grade="trained",
    scale="small",
    range="five runs, each with its own Σ",
    parts=("whitened_distance",),
)
def test_claim_trained_sparse_three_layers_whitened(evidence: Evidence) -> None:
    """Dist(Σ^{1/2}A_lΣ^{1/2}, I), whose square is rational, is below 1/50 at the end in every layer."""
    mutants = [changed(Whitening(1), "Dist does not tend to 0", exponent=k) for k in (0, 2, -1)]
    evidence.check(check_whitened, Whitening(1), mutants)
    worst = max(layer.distance or fmpq(1) for run in RUNS for layer in trained_runs.compared(run).layers)
    evidence.figure("largest distance at the end", f"{nearest_root(worst):.4f}", exact=False)
    evidence.chart(distances())


class Constant(NamedTuple):
    """The square of what Dist(A_l, I) is near to."""

    squared: fmpq


def check_raw(stated: Constant) -> None:
    """After a third of the steps Dist(A_l, I) stays within 1/20 of a constant, given by its square."""
    for run in RUNS:
        for step, found in trained_runs.trajectory(run):
            for layer in found.layers if 3 * step >= ahn2023.SPARSE.steps else ():
                assert layer.raw_distance is not None
                value, constant = (
                    validation.rational("root", nearest_root(x)) for x in (layer.raw_distance, stated.squared)
                )
                if abs(value - constant) > STEADY:
                    raise Refuted(f"{run}, step {step}: Dist(A, I) is elsewhere")


@pytest.mark.claim(
    slug="trained_sparse_three_layers",
    grade="trained",
    scale="small",
    range="five runs, the last two thirds of the steps",
    parts=("raw_distance",),
)
def test_claim_trained_sparse_three_layers_raw(evidence: Evidence) -> None:
    """Dist(A_l, I) starts near 1, as a random matrix does, and from a third of the run on stays within 1/20 of
    Dist(Σ⁻¹, I) = (846/1375)^{1/2}: constant, but for its first steps."""
    inverse = exact.diagonal(1 / x for x in ahn2023.SPECTRUM)
    limit = squared_dist(inverse)
    assert limit is not None
    stated, reason = Constant(limit), "Dist(A, I) is elsewhere"
    of_sigma = squared_dist(exact.diagonal(ahn2023.SPECTRUM))
    mutants = [changed(stated, reason, squared=x) for x in (fmpq(0), of_sigma, fmpq(1))]
    evidence.check(check_raw, stated, mutants)
    evidence.figure(r"$\operatorname{Dist}(\Sigma^{-1},I)^2$", limit)


class Share(NamedTuple):
    """Of d, the loss of predicting 0."""

    share: fmpq


def check_loss(stated: Share) -> None:
    """At the end the loss is at most this share of d, the loss of predicting 0, in every run."""
    for run in RUNS:
        loss = trained_runs.compared(run).loss
        if loss is None or not loss <= stated.share * D:
            raise Refuted(f"{run}: the loss is above {stated.share} of the loss of predicting 0")


@pytest.mark.claim(
    slug="trained_sparse_three_layers",
    grade="trained",
    scale="small",
    range="five runs",
    parts=("loss",),
)
def test_claim_trained_sparse_three_layers_loss(evidence: Evidence) -> None:
    """The loss falls from 5 to 0.134, under 3 % of the start. It cannot tend to 0: for all matrices A_0, A_1, A_2 it
    is at least 0.1263, by an exact bound."""
    bound = equivariant_minimum(isotropic(D, N), L)
    stated = Share(exactly(CRITERION, "share"))
    # The last share is just below the bound for all matrices.
    shares = (fmpq(1, 100), fmpq(2, 100), fmpq(63, 2500))
    assert shares[2] * D < bound < (shares[2] + fmpq(1, 2500)) * D
    mutants = [changed(stated, "of the loss of predicting 0", share=share) for share in shares]
    evidence.check(check_loss, stated, mutants)
    evidence.figure(
        "share of the loss of predicting 0, at the minimum", f"{nearest(optimum().loss / D):.4f}", False
    )
    evidence.chart(losses())


@pytest.mark.claim(
    slug="trained_sparse_three_layers",
    grade="trained",
    scale="small",
    range="five runs, their first and last stretch again",
    parts=(),
)
def test_claim_trained_sparse_three_layers_replayed() -> None:
    """The seeds are those of the criterion, every digest is right, and the first and the last stretch of each run give
    the stored numbers again."""
    trained_runs.check_replay(RUNS)


@pytest.mark.claim(
    slug="trained_sparse_three_layers",
    grade="trained",
    scale="small",
    range="five runs, trained anew",
    level="full",
    parts=(),
)
def test_claim_trained_sparse_three_layers_anew() -> None:
    """Trained anew, every run gives every stored number again."""
    trained_runs.check_anew(RUNS)


def test_the_loss_by_an_independent_route() -> None:
    """Exact losses of trained weights against the same in whitened coordinates: A ↦ T⁻ᵀAT⁻¹ for a rational T."""
    task, weights = trained_runs.task_of(RUNS[3]), trained_runs.weights_of(RUNS[3])
    T = validation.matrix("T", [[int(i == j) + int(i == j + 1) for j in range(D)] for i in range(D)])
    inverse = T.inv()
    A = [validation.matrix("A", -q[:D, :D]) for q in weights.Q]
    moved = [inverse.transpose() * a * inverse for a in A]
    assert layered_loss(task.change_of_variables(T), moved) == trained_runs.compared(RUNS[3]).loss


def distances() -> Chart:
    """Figure 2: whitened and raw distances against steps, seed 0."""
    series = []
    for layer in range(L):
        for name, style in (("distance", "line"), ("raw_distance", "dashed")):
            points = [
                (step, getattr(found.layers[layer], name)) for step, found in trained_runs.trajectory(RUNS[0])
            ]
            text = r"\Sigma^{1/2}A_%d\Sigma^{1/2}" if name == "distance" else "A_%d"
            series.append(
                Series(
                    label=f"${text % layer}$",
                    x=tuple(float(step) for step, _ in points),
                    y=tuple(nearest_root(value) for _, value in points),
                    style=style,  # type: ignore[arg-type]
                    group=str(layer),
                )
            )
    return Chart(
        title="The trained matrices become multiples of the inverse covariance",
        caption="Seed 0: distance of the whitened matrices from multiples of the identity (lines), and of the matrices "
        "as they are (dashed). Each point is exact for the weights after that many steps of Adam, not yet averaged.",
        x_label="steps",
        y_label=r"$\operatorname{Dist}(\cdot,I)$",
        series=tuple(series),
    )


def losses() -> Chart:
    """Exact population losses along the runs."""
    series = [
        Series(
            label=run.rpartition("/")[2].replace("_", " "),
            x=tuple(float(step) for step, _ in trained_runs.trajectory(run)[1:]),
            y=tuple(nearest(found.loss or fmpq(0)) for _, found in trained_runs.trajectory(run)[1:]),
        )
        for run in RUNS
    ]
    ends = (1.0, 1500.0)
    for name, value in (
        (r"minimum on $\mathcal S$", optimum().loss),
        ("no weights below", equivariant_minimum(isotropic(D, N), L)),
    ):
        series.append(Series(label=name, x=ends, y=(nearest(value),) * 2, style="dashed"))
    return Chart(
        title="Exact loss of three trained layers",
        caption="Population loss of the weights along five runs, each with its own covariance, in exact arithmetic "
        "rounded for the plot. The lower dashed line bounds the loss of all three-layer sparse weights.",
        x_label="steps",
        y_label="loss",
        x_scale="log",
        y_scale="log",
        series=tuple(series),
    )
