"""Ahn et al. (2023), §5.1: what the covariate update does to the conditioning, and the norms at the optimum."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import sympy
from flint import fmpq
from hypothesis import strategies as st

from icl_claims.claims.edits import changed, inside, substituted, times
from icl_claims.claims.evidence import Evidence
from icl_claims.claims.results import Chart, Series
from icl_claims.claims.statement import Corner, Statement
from icl_claims.numerics.gdpp import CriticalPoint
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.words import letter
from icl_claims.theory.derivations.covariate_update_conditioning import DERIVATION, STATED, Update
from icl_claims.theory.transformer.parametrizations import relaxed as relaxed_weights
from icl_claims.theory.transformer.relaxed_layers import a, b, p, prove_covariates_see_no_labels
from tests.shared import trained_runs
from tests.shared.condition_numbers import chance, counts, numbers
from tests.shared.decimals import decimal
from tests.shared.relaxed import Relaxed, covariates_margin, plain, relaxed
from tests.shared.relaxed_points import least_known
from tests.shared.settings import conditions

SLUG = "covariate_update_conditioning"
PROMPTS, ERROR_PROBABILITY = 100_000, 1e-8
ARTEFACTS = ("artefacts/ahn2023/relaxed_three_layers",)
RUNS = {n: trained_runs.names(f"relaxed_three_layers/context_{n}_") for n in (10, 20)}


@dataclass(frozen=True)
class Sampled:
    """A relaxed layer on one prompt, and a sample of 4000 prompts by its seed."""

    relaxed: Relaxed
    seed: int = 1

    def __str__(self) -> str:
        return f"{self.relaxed}; a sample of 4000 prompts, seed {self.seed}"

    @property
    def setting(self) -> Any:
        """Of the layer and the sample."""
        return self.relaxed.setting


def polynomial_margin(stated: Update, at: Sampled) -> fmpq:
    """Of the prompt in numbers."""
    return covariates_margin(stated.move, at.relaxed)


def conditioning_margin(stated: Update, at: Sampled) -> fmpq:
    """The least count of prompts, in the sample of the instance, above the stated share."""
    found = counts(
        numbers(stated.a),
        numbers(stated.b),
        stated.context_length,
        4000,
        at.seed,
        at.setting.covariates != "gaussian",
    )
    return min(layer.lowered for layer in found) - fmpq(round(10**6 * stated.share), 10**6) * 4000


def norms_margin(stated: Update, at: Sampled) -> fmpq:
    """The least increase of the norms that the figure prints, in the stated order."""
    norms = [abs(decimal(stated.a[place])) for place in stated.order]
    return min(right - left for left, right in pairwise(norms))


@st.composite
def sampled(draw: st.DrawFn, corner: Corner | None = None, without: str | None = None) -> Sampled:
    """A sample of few seeds, so that it is drawn once."""
    at = draw(relaxed(SLUG, corner, without=without) if corner else relaxed(SLUG, without=without))
    return Sampled(at, draw(st.integers(1, 2)))


STATEMENT = Statement(
    slug=SLUG,
    stated=STATED,
    margins={"polynomial": polynomial_margin, "conditioning": conditioning_margin, "norms": norms_margin},
    conditions=conditions(SLUG),
    instances=lambda corner: sampled(corner),
    without=lambda key: sampled(without=key),
    undefined_without={"positive_definite_covariance": "for singular Σ there is no Σ⁻¹, so no set 𝒮′"},
)
DEEP = Sampled(plain(2, 2, 2))


@pytest.mark.claim(
    slug="covariate_update_conditioning",
    grade="argument",
    range="all d, n, l, a, b, Σ ≻ 0, every prompt",
    parts=("polynomial",),
)
def test_claim_covariate_update_conditioning_polynomial(evidence: Evidence) -> None:
    """The covariates after a layer, in symbolic blocks, from any state."""
    refused = "Lemma 2: the covariates after the layer are others"
    mutants = [
        inside(STATED, "move", substituted(STATED.move, b, sympy.Integer(1), refused)),
        inside(STATED, "move", substituted(STATED.move, a, sympy.Integer(1), refused)),
        inside(STATED, "move", times(STATED.move, -1, refused)),
        inside(STATED, "move", substituted(STATED.move, p**2, p, refused)),
    ]
    evidence.prove(DERIVATION, STATEMENT, mutants, part="polynomial", at=DEEP)


def check_lowers(stated: Update) -> None:
    """Were the share of some layer at most the stated one, so many prompts would have a chance of at most 1e-8."""
    found = counts(numbers(stated.a), numbers(stated.b), stated.context_length, PROMPTS, 20230601)
    for place, layer_counts in enumerate(found):
        if chance(layer_counts.lowered, PROMPTS, stated.share) > ERROR_PROBABILITY:
            raise Refuted(f"the update of layer {place} is not shown to lower the condition number as often")


@pytest.mark.claim(
    slug="covariate_update_conditioning",
    grade="statistical",
    range="the figure's numbers, d = 5, n = 20, L = 3; 100 000 prompts",
    parts=("conditioning",),
    error_probability=1e-8,
)
def test_claim_covariate_update_conditioning(evidence: Evidence) -> None:
    """Each prompt is a Bernoulli variable: Hoeffding's inequality. What is false is accepted with probability 1e-8."""
    of = "the update of layer {} is not shown".format
    power = 1 - ERROR_PROBABILITY
    mutants = [
        changed(STATED, of(0), share=0.96, power=power),
        changed(STATED, of(1), share=0.94, power=power),
        changed(STATED, of(0), context_length=10, power=power),
        changed(STATED, of(0), b=("-0.90", "-0.56"), power=power),
    ]
    evidence.check(check_lowers, STATEMENT, mutants, part="conditioning", at=DEEP)
    for n in (20, 10):
        found = counts(numbers(STATED.a), numbers(STATED.b), n, PROMPTS, 20230601)
        shares = ", ".join(f"{layer_counts.lowered / PROMPTS:.3f}" for layer_counts in found)
        evidence.figure(f"shares of prompts improved by layer 0, 1; n = {n}", shares, exact=False)
    evidence.chart(map_chart(least_known(5, 20, 3), least_known(5, 20, 2)))


def check_norms(stated: Update) -> None:
    """Of the runs' last weights, in whitened coordinates, exactly."""
    trained_runs.norms_in_order(RUNS[20], stated.order)


@pytest.mark.claim(
    slug="covariate_update_conditioning",
    grade="trained",
    range="five runs, n = 20",
    parts=("norms",),
    scale="small",
)
def test_claim_covariate_update_conditioning_norms(evidence: Evidence) -> None:
    """Five trained models end with norms in this order, and so does the figure."""
    mutants = [
        changed(STATED, "the norms have another order", order=o) for o in ((1, 0, 2), (0, 2, 1), (2, 1, 0))
    ]
    evidence.check(check_norms, STATEMENT, mutants, part="norms", at=DEEP)


@pytest.mark.claim(
    slug="covariate_update_conditioning",
    grade="trained",
    range="five runs, n = 10",
    parts=(),
    scale="small",
    refutes=True,
    reading="stated_context",
)
def test_claim_covariate_update_conditioning_norms_at_ten() -> None:
    """At the n = 10 of the text some trained model ends with ‖A_1‖ above ‖A_2‖: which minimum of the batch is reached
    depends on the start."""
    with pytest.raises(Refuted, match="the norms have another order"):
        trained_runs.norms_in_order(RUNS[10], STATED.order)


def labels_do_not_enter() -> None:
    """No label enters the covariates: their block after a layer holds the letters X, x_q, A, B only, whatever w, the
    noise and the slot are; the condition numbers and the norms are at given numbers."""
    prove_covariates_see_no_labels(*relaxed_weights(letter("A", "d", "d"), letter("B", "d", "d")))


@pytest.mark.claim(
    slug="covariate_update_conditioning", grade="exact", range="one instance per assumption", parts=()
)
def test_claim_covariate_update_conditioning_necessity(evidence: Evidence) -> None:
    """The covariates never meet labels; without the mask they meet the query; another law has another share."""
    unmasked = replace(DEEP.relaxed, setting=replace(DEEP.setting, masked=False))
    evidence.necessary(STATEMENT, "masked_query", Sampled(unmasked), part="polynomial")
    signs = replace(DEEP.relaxed, setting=replace(DEEP.setting, covariates="signs"))
    evidence.necessary(STATEMENT, "gaussian_covariates", Sampled(signs), part="conditioning")
    for key in ("independent_task", "whitened_task", "noiseless_labels", "zero_query_label"):
        evidence.dispensable(key, labels_do_not_enter)


# ---------------------------------------------------------------------- other readings


@pytest.mark.claim(
    slug="covariate_update_conditioning",
    grade="statistical",
    range="the figure's numbers, d = 5, n = 10, L = 3; 100 000 prompts",
    parts=(),
    reading="stated_context",
    error_probability=1e-8,
)
def test_claim_covariate_update_conditioning_at_ten() -> None:
    """At n = 10 each update improves more than 0.8 of all prompts."""
    check_lowers(STATED._replace(context_length=10, share=0.8))


def condition_numbers(eigenvalues: list[fmpq], product: fmpq) -> tuple[fmpq, fmpq]:
    """Of S = diag(eigenvalues), and after a layer with a_0b_0 = product on X = √n S^{1/2}, in numbers s(1 + ab s)²."""
    after = [x * (1 + product * x) ** 2 for x in eigenvalues]
    return max(eigenvalues) / min(eigenvalues), max(after) / min(after)


@pytest.mark.claim(
    slug="covariate_update_conditioning",
    grade="exact",
    range="one prompt at the figure's numbers, d = 5",
    parts=(),
    refutes=True,
    reading="every_prompt",
)
def test_claim_covariate_update_conditioning_every_prompt(evidence: Evidence) -> None:
    """The first layer's 1 + a_0b_0 s nearly vanishes at s = 29/10: S = diag(1/2, …, 1/2, 29/10) gets worse."""
    before, after = condition_numbers([fmpq(1, 2)] * 4 + [fmpq(29, 10)], decimal("-0.38") * decimal("0.90"))
    assert before == fmpq(29, 5)
    assert after > 200
    evidence.figure("condition numbers before and after", f"{before}, {after}")


@pytest.mark.claim(
    slug="covariate_update_conditioning",
    grade="exact",
    range="a_0b_0 = 1, one prompt at d = 2",
    parts=(),
    refutes=True,
    reading="every_point",
)
def test_claim_covariate_update_conditioning_every_point(evidence: Evidence) -> None:
    """At a_0b_0 = 1 the prompt S = diag(1, 2) gets worse."""
    before, after = condition_numbers([fmpq(1), fmpq(2)], fmpq(1))
    assert (before, after) == (2, fmpq(9, 2))
    evidence.figure("condition numbers before and after", f"{before}, {after}")


@pytest.mark.claim(
    slug="covariate_update_conditioning",
    grade="statistical",
    range="the least known minimum, d = 5, n = 10, L = 3; 100 000 prompts",
    parts=(),
    refutes=True,
    reading="population_minimum",
    error_probability=1e-8,
)
def test_claim_covariate_update_conditioning_population_minimum() -> None:
    """The second update raises the condition number on more than 3/4 of all prompts."""
    point = least_known(5, 10, 3)
    found = counts(tuple(x.middle for x in point.a), tuple(x.middle for x in point.b), 10, PROMPTS, 20230601)
    assert chance(found[1].raised, PROMPTS, 0.75) <= ERROR_PROBABILITY


def map_chart(three: CriticalPoint, two: CriticalPoint) -> Chart:
    """Eigenvalues of the Gram matrix before and after the first layer."""
    points = np.linspace(0.01, 4.2, 200)
    x = tuple(points.tolist())

    def image(point: CriticalPoint) -> tuple[float, ...]:
        return tuple((points * (1 + point.a[0].middle * point.b[0].middle * points) ** 2).tolist())

    return Chart(
        title="The covariate update folds the spectrum",
        caption="d = 5, n = 20, first layer at the optimum on 𝒮′: an eigenvalue s of the Gram matrix becomes "
        "s(1 + a_0b_0 s)². Up to the top of the arch large eigenvalues come closer to small ones; beyond it they fall "
        "below them, and where 1 + a_0b_0 s vanishes a direction of the covariates is lost.",
        x_label="eigenvalue of $S_0$",
        y_label="eigenvalue of $S_1$",
        series=(
            Series(label="no update", x=x, y=x, style="dashed"),
            Series(label="$L=3$", x=x, y=image(three)),
            Series(label="$L=2$", x=x, y=image(two)),
        ),
    )
