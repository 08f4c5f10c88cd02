"""Where a finite batch of prompts has a critical point: near the published numbers, not at the population's."""

from __future__ import annotations

from functools import cache
from math import comb
from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from icl_claims.claims.edits import changed
from icl_claims.claims.evidence import Evidence
from icl_claims.claims.results import Chart, Series
from icl_claims.criteria import seed
from icl_claims.criteria.ahn2023 import BATCH_MINIMIZER as CRITERION
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.transformer.recursion import residual_jet
from tests.shared.relaxed_points import BESIDE_PRINTED, PRINTED

D, LAYERS = 5, 3
BATCHES, PROMPTS = CRITERION.count("batches"), CRITERION.count("prompts")
HALF_WIDTHS = tuple(float(CRITERION[name]) for name in ("a0", "a1", "a2", "b", "b"))
PUBLISHED = np.array([float(x) for x in (*PRINTED.a, *PRINTED.b)])
ERROR_PROBABILITY = 1e-7

Floats = NDArray[np.float64]


@cache
def batch_minimizer(context_length: int, index: int) -> tuple[float, ...]:
    """The critical point at which Newton's method, from the published numbers, ends on the batch loss.

    The batch loss is (1/N) Σ tr r(S)², w and x_q averaged out: the N d residuals are r at the eigenvalues, with exact
    first and second derivatives. The step that is left is below 1e-6.

    Raises:
        Refuted: it does not end within 20 steps, or at distance 10 from them.
    """
    generator = np.random.default_rng(seed([CRITERION], f"batch {context_length} {index}"))
    X = generator.standard_normal((PROMPTS, D, context_length))
    s = np.linalg.eigvalsh(X @ X.swapaxes(1, 2) / context_length).ravel()
    point, unit = PUBLISHED.copy(), np.ones_like(s)
    for _ in range(20):
        r = residual_jet(list(point[:LAYERS]), list(point[LAYERS:]), s, unit)
        slopes = np.stack(r.slopes)
        hessian = slopes @ slopes.T
        for (i, j), curvature in r.curvatures.items():
            hessian[i, j] += r.value @ curvature
            hessian[j, i] = hessian[i, j]
        step = np.linalg.solve(hessian, slopes @ r.value)
        point = point - step
        if np.abs(point - PUBLISHED).max() > 10:
            break
        if np.abs(step).max() < 1e-6:
            return tuple(point.tolist())
    raise Refuted(f"no critical point was reached at n = {context_length}")


class Box(NamedTuple):
    """Half-widths around a centre that the batch's critical point is claimed to lie within, more often than not."""

    context_length: int = 20
    centre: tuple[float, ...] = tuple(PUBLISHED.tolist())
    half_widths: tuple[float, ...] = HALF_WIDTHS
    share: float = 0.5

    def holds(self, point: Floats) -> bool:
        return bool(np.all(np.abs(point - np.array(self.centre)) < np.array(self.half_widths)))


def check_box(box: Box) -> None:
    """Were the share at most p, so many hits in N would have probability ≤ Σ_{k ≥ hits} C(N,k) pᵏ(1−p)ᴺ⁻ᵏ."""
    hits = sum(box.holds(np.array(batch_minimizer(box.context_length, index))) for index in range(BATCHES))
    chance = sum(
        comb(BATCHES, k) * box.share**k * (1 - box.share) ** (BATCHES - k) for k in range(hits, BATCHES + 1)
    )
    if chance > ERROR_PROBABILITY:
        raise Refuted(f"{hits} of {BATCHES} batches only")


def check_population(box: Box) -> None:
    """The minimizer of the population loss next to the published numbers, certified, lies outside the box."""
    try:
        point = BESIDE_PRINTED.certified(D, box.context_length)
    except ArithmeticError as error:
        raise Refuted(f"the population has no critical point there: {error}") from error
    if not point.minimum or box.holds(np.array([x.middle for x in (*point.a, *point.b)])):
        raise Refuted("the population's minimizer is in the box")


@pytest.mark.claim(
    slug="trained_relaxed_batch_minimizer",
    grade="statistical",
    range="24 independent batches at d = 5, n = 20",
    parts=("batches",),
    error_probability=1e-7,
)
@pytest.mark.claim(
    slug="trained_relaxed_three_layers",
    grade="statistical",
    range="24 independent batches at d = 5, n = 20",
    parts=(),
    reading="notebook_context",
    error_probability=1e-7,
)
def test_claim_trained_relaxed_batch_minimizer(evidence: Evidence) -> None:
    """Each batch is one Bernoulli variable, in the box or not; the binomial tail is exact, and 24 of 24 are needed. A
    box that holds half of all batches or fewer is refused with probability 1 − 2⁻²⁴; none of those tried here held more
    than one of 24."""
    few, power = f"of {BATCHES} batches only", 1 - ERROR_PROBABILITY
    population = tuple(float(x) for x in (*BESIDE_PRINTED.a, *BESIDE_PRINTED.b))
    mutants = [
        changed(Box(), few, centre=population, power=power),
        changed(Box(), few, half_widths=(0.0025, 0.0125, 0.075, 0.00375, 0.00375), power=power),
        changed(Box(), few, centre=(-0.38, -2.40, -9.55, 0.56, 0.90), power=power),
        changed(Box(), "no critical point was reached at n = 10", context_length=10, power=power),
    ]
    evidence.check(check_box, Box(), mutants)
    points = np.array([batch_minimizer(20, index) for index in range(BATCHES)])
    printed = (np.abs(points - PUBLISHED) < 0.005).sum(axis=0)
    for name, column, hits in zip(("a_0", "a_1", "a_2", "b_0", "b_1"), points.T, printed, strict=True):
        evidence.figure(
            f"{name} over {BATCHES} batches: mean, least, greatest; how many round to the published digits",
            f"{column.mean():.4f}, {column.min():.4f}, {column.max():.4f}; {hits}",
            exact=False,
        )
    everywhere = int((np.abs(points - PUBLISHED) < 0.005).all(axis=1).sum())
    evidence.figure(
        "batches with all five published numbers to their digits", f"{everywhere} of {BATCHES}", exact=False
    )
    evidence.chart(batch_chart(points))


@pytest.mark.claim(
    slug="trained_relaxed_batch_minimizer",
    grade="certified",
    range="the minimum next to the published numbers, d = 5, n = 20",
    parts=("population",),
)
def test_claim_trained_relaxed_batch_minimizer_population(evidence: Evidence) -> None:
    """The minimizer of the population loss next to the published numbers is certified, and lies outside the box."""
    inside = "the population's minimizer is in the box"
    mutants = [
        changed(Box(), inside, half_widths=(0.1, 0.5, 3.0, 0.15, 0.15)),
        changed(Box(), inside, centre=tuple(float(x) for x in (*BESIDE_PRINTED.a, *BESIDE_PRINTED.b))),
        changed(Box(), "the population has no critical point there", context_length=10),
    ]
    evidence.check(check_population, Box(), mutants)


def batch_chart(points: Floats) -> Chart:
    """The last step and the first covariate update of each batch, beside the published and the population's."""
    return Chart(
        title="Near the published numbers: critical points of finite batches",
        caption="d = 5, n = 20, L = 3. Each point is the critical point of the loss of one batch of 20 000 prompts, "
        "with w and the query averaged out. Prompts with large eigenvalues, which rule the population loss, are too "
        "rare to be in the batch, so its minimum takes larger steps.",
        x_label="$a_1$",
        y_label="$a_2$",
        series=(
            Series(label="batches", x=tuple(points[:, 1]), y=tuple(points[:, 2]), style="points"),
            Series(label="published", x=(float(PUBLISHED[1]),), y=(float(PUBLISHED[2]),), style="points"),
            Series(
                label="population",
                x=(float(BESIDE_PRINTED.a[1]),),
                y=(float(BESIDE_PRINTED.a[2]),),
                style="points",
            ),
        ),
    )
