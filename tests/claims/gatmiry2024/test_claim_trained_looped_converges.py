"""Gatmiry et al. (2024), experiments: the losses of trained loops, on fresh batches."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import pytest
import torch
from flint import fmpq

from icl_claims.claims.edits import changed
from icl_claims.claims.evidence import Evidence
from icl_claims.claims.results import Chart, Series
from icl_claims.criteria.gatmiry2024 import CONVERGES as CRITERION
from icl_claims.models.attention import LinearTransformer
from icl_claims.models.prompts import sample_axis_prompts, to_tensor
from icl_claims.numerics.rounding import nearest
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.loops.step import looped_step_loss, optimal_looped_step
from icl_claims.theory.task import isotropic
from tests.shared import trained_runs
from tests.shared.batches import median
from tests.shared.criteria import exactly
from tests.shared.looped_runs import LONG, LOOPS, SHORT, D, batch_losses, by_loops, matrix, names, step

ARTEFACTS = ("artefacts/gatmiry2024/looped",)
ALL = [run for n in (SHORT, LONG) for loops in LOOPS for run in names(n, loops)]


def medians(n: int, loops: int) -> list[float]:
    """The median loss of each run."""
    return [median(batch_losses(CRITERION, run, loops)) for run in names(n, loops)]


class Small(NamedTuple):
    """That runs of this context length and so many loops lose at most a share of d."""

    share: fmpq
    loops: int = 5
    context: int = LONG


def check_small(stated: Small) -> None:
    """The median over batches, of every run."""
    if max(medians(stated.context, stated.loops)) > nearest(stated.share * D):
        raise Refuted(f"n = {stated.context}, L = {stated.loops}: a run loses more than the share")


@pytest.mark.claim(
    slug="trained_looped_converges",
    grade="trained",
    scale="small",
    range="n = 40, L = 5: three runs, on fresh batches",
    parts=("near_zero",),
)
def test_claim_trained_looped_converges_near_zero(evidence: Evidence) -> None:
    """Five loops lose at most 1/50 of what the prediction 0 loses, in every run; fewer loops lose more, and with n < d
    no weights come near to 0: what the context does not show of w, of the dimension d − n, is lost."""
    stated, more = Small(exactly(CRITERION, "share")), "a run loses more than the share"
    mutants = [
        *(changed(stated, more, loops=loops) for loops in (1, 2, 3)),
        changed(stated, more, context=SHORT),
        changed(stated, more, share=fmpq(1, 500)),
    ]
    evidence.check(check_small, stated, mutants)
    for run in names(LONG, 5):
        shown = f"{median(batch_losses(CRITERION, run, 5)):.4g}"
        evidence.figure(f"{run}: median loss on batches", shown, exact=False)
    least = optimal_looped_step(isotropic(D, LONG), 5).loss.upper
    evidence.figure(
        "$n=40$, $L=5$: least population loss at multiples of $I$", f"{nearest(least):.4f}", False
    )


class Falls(NamedTuple):
    """Numbers of loops from the greatest loss to the least."""

    order: tuple[int, ...]


def check_falls(stated: Falls) -> None:
    """For each n every run of the one loses less than every run of the one before."""
    for n in (SHORT, LONG):
        for before, after in pairwise(stated.order):
            if not max(medians(n, after)) < min(medians(n, before)):
                raise Refuted(f"n = {n}: runs of {after} loops do not lose less than those of {before}")


@pytest.mark.claim(
    slug="trained_looped_converges",
    grade="trained",
    scale="small",
    range="n = 5, 40 and L = 1, 2, 3, 5: three runs each, on fresh batches",
    parts=("more_loops",),
)
def test_claim_trained_looped_converges_more_loops(evidence: Evidence) -> None:
    """Every run loses less than every run with fewer loops, for both context lengths. So do the exact minima at
    multiples of I, and the exact losses at the multiples of I nearest to the runs."""
    stated = Falls(LOOPS)
    mutants = [
        changed(stated, "runs of 1 loops do not lose less than those of 2", order=(2, 1, 3, 5)),
        changed(stated, "runs of 2 loops do not lose less than those of 3", order=(1, 3, 2, 5)),
        changed(stated, "runs of 3 loops do not lose less than those of 5", order=(1, 2, 5, 3)),
        changed(stated, "runs of 2 loops do not lose less than those of 5", order=(5, 2, 1)),
    ]
    evidence.check(check_falls, stated, mutants)
    for n in (SHORT, LONG):
        for loops in LOOPS:
            polynomial = looped_step_loss(isotropic(D, n), loops)
            least = optimal_looped_step(isotropic(D, n), loops).loss.upper
            excess = max(polynomial(step(run)) / least - 1 for run in names(n, loops))
            shown = ", ".join(f"{value:.3g}" for value in medians(n, loops))
            evidence.figure(f"n = {n}, L = {loops}: median losses", shown, exact=False)
            evidence.figure(
                f"n = {n}, L = {loops}: population loss at $(\\operatorname{{tr}}A/d)I$ above the least at multiples "
                "of $I$, relatively, at most",
                f"{nearest(excess):.2g}",
                exact=False,
            )
    evidence.chart(loss_chart())


@pytest.mark.claim(
    slug="trained_looped_converges",
    grade="trained",
    scale="small",
    range="24 runs, their first and last stretch again",
    parts=(),
)
def test_claim_trained_looped_converges_replayed() -> None:
    """The seeds are those of the criteria, every digest is right, and the first and the last stretch of each run give
    the stored numbers again."""
    trained_runs.check_replay(ALL)


@pytest.mark.claim(
    slug="trained_looped_converges",
    grade="trained",
    scale="small",
    range="24 runs, trained anew",
    level="full",
    parts=(),
)
def test_claim_trained_looped_converges_anew() -> None:
    """Trained anew, every run gives every stored number again."""
    trained_runs.check_anew(ALL)


@pytest.mark.parametrize("run", [names(n, loops)[0] for n in (SHORT, LONG) for loops in LOOPS])
def test_the_losses_by_the_forward_pass(run: str) -> None:
    """The model on prompts with w = √d e_i, i = 1, …, d, and all queries: to 10 digits."""
    weights, n = trained_runs.weights_of(run), trained_runs.task_of(run).context_length
    model = LinearTransformer.from_matrices(weights.P, weights.Q)
    prompts, _ = sample_axis_prompts(isotropic(D, n), 1, torch.Generator().manual_seed(2410_08292))
    prompts = prompts.repeat(D, 1, 1)
    X = prompts[0, :D, :n]
    prompts[:, D, :n] = X
    with torch.no_grad():
        errors = model.predict(prompts, D) - torch.eye(D, dtype=torch.float64)
    A = to_tensor(matrix(run))
    found = by_loops([A] * len(weights.Q), (X @ X.T / n)[None])[-1]
    assert abs(float(errors.square().sum()) - found) < 1e-10 * found


def loss_chart() -> Chart:
    """Trained runs beside exact minima."""
    x = tuple(map(float, LOOPS))
    series = []
    for n in (SHORT, LONG):
        least = tuple(nearest(optimal_looped_step(isotropic(D, n), k).loss.upper) for k in LOOPS)
        series.append(Series(label=f"n = {n}, least at multiples of $I$", x=x, y=least, group=str(n)))
        points = [(float(k), value) for k in LOOPS for value in medians(n, k)]
        series.append(
            Series(
                label=f"n = {n}, trained",
                x=tuple(k for k, _ in points),
                y=tuple(value for _, value in points),
                style="points",
                group=str(n),
            )
        )
    return Chart(
        title="Loss of trained loops",
        caption="d = 10, Σ = I. Points: three runs for each number of loops, the median over fresh batches. Lines: the "
        "least population loss at multiples of the identity. The mean over all prompts is above that of most batches, "
        "as rare prompts lose much; and trained matrices are no multiples of I where that loses more.",
        x_label="loops $L$",
        y_label="loss",
        y_scale="log",
        series=tuple(series),
    )
