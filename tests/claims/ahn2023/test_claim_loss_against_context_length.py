"""Ahn et al. (2023), App. D, Fig. 6: three layers against three steps, for contexts of 2 to 20 examples.

The figure shows losses on test batches. The population loss of trained weights is another matter: at short contexts it
is dominated by prompts so rare that no training run draws them. It is bounded from below by importance
sampling of a truncated, hence bounded, part of the loss, with Hoeffding's inequality: the error probability of the
bound does not depend on the tail.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import pytest

from icl_claims.claims.edits import changed
from icl_claims.claims.evidence import Evidence
from icl_claims.claims.results import Chart, Series
from icl_claims.criteria.ahn2023 import CONTEXT_LENGTH as CRITERION
from icl_claims.models.weights import Weights
from icl_claims.numerics.gdpp import propose
from icl_claims.numerics.rounding import nearest
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.loops.step import optimal_looped_step
from icl_claims.theory.many_layers.step_sizes import loss_of_steps, optimal_steps
from icl_claims.theory.task import isotropic
from tests.shared import trained_runs
from tests.shared.batches import fresh
from tests.shared.experiment import D, least_descent_loss, least_looped_loss, least_loss
from tests.shared.truncated_loss import ERROR_PROBABILITY, Tilt, equal_layers, lower_bound

L = 3
CONTEXTS = tuple(range(2, 23))
ARTEFACTS = ("artefacts/ahn2023/context_length",)
RUNS = {n: trained_runs.names(f"context_length/context_{n}_") for n in (2, 6, 10, 14, 20)}
"""The five runs of each context length."""


class Best(NamedTuple):
    """The method that is claimed to have this place by its loss, 0 for the least, on more than half of the batches."""

    method: str = "transformer"
    place: int = 0


def check_best(stated: Best) -> None:
    """Counted on fresh batches, the same for the three methods, at each context length."""
    for n, runs in RUNS.items():
        batches = [losses._asdict() for losses in fresh(CRITERION, runs, L)]
        wins = sum(
            sorted(losses, key=losses.__getitem__)[stated.place] == stated.method for losses in batches
        )
        if not 2 * wins > len(batches):
            raise Refuted(f"n = {n}: at this place on {wins} of {len(batches)} batches")


@pytest.mark.claim(
    slug="loss_against_context_length",
    grade="trained",
    scale="small",
    range="n = 2, 6, 10, 14, 20: five runs each, on fresh batches",
)
def test_claim_loss_against_context_length_on_batches(evidence: Evidence) -> None:
    """At five of the ten context lengths the trained relaxed transformer has the least loss on more than half of fresh
    batches. Each mutant names another method as the best, or another place: at most one of them can be true of a
    batch."""
    reason = "n = 2: at this place on"
    mutants = [changed(Best(), reason, method=method) for method in ("preconditioned", "descent")]
    mutants += [changed(Best(), reason, place=place) for place in (1, 2)]
    evidence.check(check_best, Best(), mutants)
    for n, runs in RUNS.items():
        batches = fresh(CRITERION, runs, L)
        wins = sum(losses.is_best("transformer") for losses in batches)
        medians = ", ".join(
            f"{sorted(column)[len(column) // 2]:.3g}" for column in zip(*batches, strict=True)
        )
        evidence.figure(
            f"n = {n}: batches on which the transformer is best", f"{wins} of {len(batches)}", False
        )
        evidence.figure(f"n = {n}: median log losses of transformer, preconditioned GD, GD", medians, False)
    evidence.chart(context_chart())


class Runs(NamedTuple):
    """The runs at these context lengths; at those of ``optimal`` the optimal steps stand in their place."""

    contexts: tuple[int, ...] = (2, 6)
    optimal: tuple[int, ...] = ()

    def weights(self, n: int) -> list[Weights]:
        """Of three layers, in whitened coordinates."""
        if n in self.optimal:
            return [equal_layers([step.lower for step in optimal_steps(isotropic(D, n), L).steps])]
        return [trained_runs.whitened(run) for run in RUNS[n]]


def check_loses_to_nothing(stated: Runs) -> None:
    """The population losses are above d = 5, the loss of predicting 0, which no best step of GD exceeds."""
    for n in stated.contexts:
        if not all(lower_bound(weights, Tilt(n)) > D for weights in stated.weights(n)):
            raise Refuted(f"n = {n}: some bound from below does not exceed the loss of predicting 0")


@pytest.mark.claim(
    slug="loss_against_context_length",
    grade="statistical",
    range="n = 2, 6: five runs each; error probability ≤ 1e-7",
    error_probability=1e-7,
    complete=True,
    refutes=True,
    reading="population",
)
def test_claim_loss_against_context_length_of_the_population(evidence: Evidence) -> None:
    """Relaxed transformers trained on 4 million sampled contexts at n = 2 and 6 lose more than 5 in expectation, more
    than predicting 0 and than GD or preconditioned GD with the best step. A mutant is refused unless its bound, too, is
    wrong, since its exact loss is below 5."""
    mutants = []
    for n in Runs().contexts:
        best = [step.lower for step in optimal_steps(isotropic(D, n), L).steps]
        assert loss_of_steps(isotropic(D, n), best) < D
        mutants += [changed(Runs(), f"n = {n}: some bound", optimal=(n,), power=1 - ERROR_PROBABILITY)]
    mutants += [changed(Runs(), "n = 2: some bound", optimal=(2, 6), power=1 - ERROR_PROBABILITY)]
    evidence.check(check_loses_to_nothing, Runs(), mutants)
    for n, runs in RUNS.items():
        p = optimal_looped_step(isotropic(D, n), L).loss.upper
        projected = ", ".join(f"{nearest(trained_runs.compared(run).projected_loss):.3g}" for run in runs)
        evidence.figure(
            f"n = {n}: population losses at the nearest points of $\\mathcal S'$; preconditioned GD",
            f"{projected}; {nearest(p):.4g}",
            exact=False,
        )
        if n in Runs().contexts:
            bounds = ", ".join(f"{lower_bound(trained_runs.whitened(run), Tilt(n)):.3g}" for run in runs)
            evidence.figure(f"n = {n}: bounds from below on the population losses", bounds, exact=False)


@pytest.mark.claim(
    slug="loss_against_context_length",
    grade="trained",
    scale="small",
    range="25 runs, their first and last stretch again",
    parts=(),
)
def test_claim_loss_against_context_length_replayed() -> None:
    """The seeds are those of the criteria, every digest is right, and the first and the last stretch of each run give
    the stored numbers again."""
    for runs in RUNS.values():
        trained_runs.check_replay(runs)


@pytest.mark.claim(
    slug="loss_against_context_length",
    grade="trained",
    scale="small",
    range="25 runs, trained anew",
    parts=(),
    level="full",
)
def test_claim_loss_against_context_length_anew() -> None:
    """Trained anew, every run gives every stored number again."""
    for runs in RUNS.values():
        trained_runs.check_anew(runs)


def relaxed_curve() -> list[float]:
    """The lowest local minimum on 𝒮′ that a few starts and continuation in n find, in float64: for a picture."""
    starts = [[-0.1, -1.0, -6.0, 0.3, 0.9], [-0.3, -2.0, -8.5, 0.9, 0.6], [-0.5, -1.5, -11.0, 0.3, 0.9]]
    curve = []
    for n in reversed(CONTEXTS):
        found = [propose(isotropic(D, n), start[:L], start[L:]) for start in starts]
        starts = [
            list(point) if value < D else start for (point, value), start in zip(found, starts, strict=True)
        ]
        curve.append(min(value for _, value in found))
    return curve[::-1]


def context_chart() -> Chart:
    """Exact curves, trained points on top."""
    x = tuple(map(float, CONTEXTS))
    batches = {
        n: sorted(losses.transformer for losses in fresh(CRITERION, runs, L)) for n, runs in RUNS.items()
    }
    return Chart(
        title="Loss against context length",
        caption="d = 5, three layers or steps, Σ with the eigenvalues 1, 1, 1/4, 1/16, 1. Lines: minima of the "
        "population loss; for the relaxed transformer the lowest that is known. Least squares: in whitened "
        "coordinates, least norm, d − n for n < d and 0 from n = d on. Points: relaxed transformers trained on sampled "
        "prompts, the median over fresh batches of the geometric mean over five runs.",
        x_label="context length $n$",
        y_label="loss",
        y_scale="log",
        series=(
            Series(label="GD", x=x, y=tuple(least_descent_loss(L, n) for n in CONTEXTS)),
            Series(
                label="preconditioned GD",
                x=x,
                y=tuple(least_looped_loss(L, n) for n in CONTEXTS),
            ),
            Series(label="optimal steps", x=x, y=tuple(least_loss(L, n) for n in CONTEXTS)),
            Series(label="relaxed, lowest known", x=x, y=tuple(relaxed_curve()), group="relaxed"),
            Series(label="least squares", x=(2.0, 3.0, 4.0), y=(3.0, 2.0, 1.0), style="dashed"),
            Series(
                label="trained, on batches",
                x=tuple(map(float, batches)),
                y=tuple(math.exp(values[len(values) // 2]) for values in batches.values()),
                style="points",
                group="relaxed",
            ),
        ),
    )
