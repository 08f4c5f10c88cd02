"""Theorem 1 of Ahn et al. against a trained layer: free P and Q, trained on sampled prompts.

The tolerance is the theorem's own: the loss is strongly convex on the quotient by the gauge, so weights of
exact loss f satisfy tr(Σ E E[ggᵀ] Eᵀ) ≤ f − min f (claim ``global_minimizer_uniqueness``), E the error of
their effective preconditioner. A wrong minimizer Γ' fails at once: the trained weights lie further from it
than their loss allows, or beat its loss outright. All of this is exact: float64 weights are rationals.
"""

from collections.abc import Iterable

import pytest
from flint import fmpq, fmpq_mat

from icl_claims.claims.evidence import Evidence
from icl_claims.claims.results import Chart, Series
from icl_claims.models.comparison import compare
from icl_claims.numerics.rounding import nearest, nearest_root
from icl_claims.theory.algebra import exact
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.derivations.global_minimizer import STATED, Theorem
from icl_claims.theory.evaluation import at_task
from icl_claims.theory.one_layer.distance import Distance
from icl_claims.theory.one_layer.single_layer import cross_second_moment, loss_at_preconditioner
from icl_claims.theory.task import RegressionTask
from tests.shared import trained_runs
from tests.shared.one_layer import of_covariance
from tests.shared.theorem_one import SKEW, STATEMENT, false_eigenvalues

ARTEFACTS = ("artefacts/ahn2023/single_layer",)
RUNS = trained_runs.names("single_layer/")

EIGENVALUES = (fmpq(1), fmpq(1, 4), fmpq(1, 16))
CONTEXTS = (2, 4, 8, 16, 32, 64)

REASON = "the trained weights contradict this minimizer"

Trained = list[tuple[RegressionTask, Distance]]


@pytest.fixture(scope="module")
def trained() -> Trained:
    return [
        (trained_runs.task_of(run), compare(trained_runs.task_of(run), trained_runs.weights_of(run)))
        for run in RUNS
    ]


def check_trained(runs: Trained, theorem: Theorem) -> None:
    """Were the stated γ the minimizer's eigenvalues, no trained weights could beat its loss, or lie further from it
    than (f − f(γ))^{1/2} in the norm tr(Σ E E[ggᵀ] Eᵀ)^{1/2}."""
    for task, run in runs:
        gamma = of_covariance(theorem.eigenvalue, task)
        claimed_minimum = at_task(loss_at_preconditioner(), task, {"Gamma": gamma})[0, 0]
        error = run.preconditioner - gamma
        moment = at_task(cross_second_moment(), task, {})
        distance = exact.trace(task.covariance * error * moment * error.transpose())
        if not distance <= run.loss - claimed_minimum:
            raise Refuted(f"n = {task.context_length}: the trained weights contradict this minimizer")


def closed_form(n: int) -> fmpq_mat:
    """The stated preconditioner at n."""
    return of_covariance(STATED.eigenvalue, RegressionTask(exact.diagonal(EIGENVALUES), n))


def chart(runs: Trained) -> Chart:
    """Closed form, trained layers and Σ⁻¹, eigenvalue by eigenvalue, against n."""
    series: list[Series] = []
    grid = range(1, 2 * CONTEXTS[-1] + 1)

    def curve(name: str, x: Iterable[int], y: Iterable[fmpq], style: str) -> Series:
        return Series(
            label=rf"$\lambda={lam}$: {name}",
            x=tuple(map(float, x)),
            y=tuple(map(nearest, y)),
            style=style,  # type: ignore[arg-type]
            group=str(lam),
        )

    for i, lam in enumerate(EIGENVALUES):
        closed = [closed_form(n)[i, i] for n in grid]
        series += [
            curve("closed form", grid, closed, "line"),
            curve("trained", CONTEXTS, [run.preconditioner[i, i] for _, run in runs], "points"),
            curve(r"$\Sigma^{-1}$", (grid[0], grid[-1]), [1 / lam, 1 / lam], "dashed"),
        ]
    return Chart(
        title="The optimal preconditioner for an ill-conditioned covariance",
        caption="Eigenvalues of the optimal preconditioner against context length, Σ = diag(1, 1/4, 1/16). "
        "Short contexts regularize: the direction of least variance keeps far from Σ⁻¹ until n exceeds "
        "tr(Σ)/λ. Points: layers with free P and Q, trained on sampled prompts.",
        x_label="context length $n$",
        y_label="eigenvalue of the preconditioner",
        x_scale="log",
        y_scale="log",
        series=tuple(series),
    )


@pytest.mark.claim(
    slug="global_minimizer",
    grade="trained",
    range="d = 3, Σ = diag(1, 1/4, 1/16), n ∈ {2, 4, 8, 16, 32, 64}",
    parts=("minimizer",),
    scale="small",
)
def test_claim_global_minimizer_trained(evidence: Evidence, trained: Trained) -> None:
    """Layers with free P and Q, trained by Adam on sampled prompts: their exact population loss bounds
    their distance from the closed form, and every false variant of it is further away than that allows."""

    mutants = false_eigenvalues(STATED, REASON)

    def check(theorem: Theorem) -> None:
        check_trained(trained, theorem)

    evidence.check(check, STATEMENT, mutants, part="minimizer", at=SKEW)
    for task, run in trained:
        n = task.context_length
        distance, bound = nearest_root(run.squared_distance), nearest_root(run.squared_bound or fmpq(0))
        evidence.figure(
            f"relative excess loss, n = {n}", f"{nearest(run.excess / run.minimum):.1e}", exact=False
        )
        evidence.figure(f"distance / bound, n = {n}", f"{distance:.4f} / {bound:.4f}", exact=False)
    evidence.chart(chart(trained))


@pytest.mark.claim(
    slug="global_minimizer",
    grade="trained",
    range="six runs, their first and last stretch again",
    parts=(),
    scale="small",
)
def test_claim_global_minimizer_trained_replayed() -> None:
    """The seeds are those of the criterion, every digest is right, and the first and the last stretch of each run give
    the stored numbers again."""
    trained_runs.check_replay(RUNS)


@pytest.mark.claim(
    slug="global_minimizer",
    grade="trained",
    range="six runs, trained anew",
    parts=(),
    scale="small",
    level="full",
)
def test_claim_global_minimizer_trained_anew() -> None:
    """Trained anew, every run gives every stored number again."""
    trained_runs.check_anew(RUNS)
