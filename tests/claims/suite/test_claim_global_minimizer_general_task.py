"""The single-layer minimizer for any Σ, Ω and σ², commuting or not: Theorem 1 of Ahn et al. extended."""

from typing import NamedTuple

import pytest
from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st

from icl_claims.claims.evidence import Evidence
from icl_claims.theory.algebra import exact
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.words import Words, eye, n, one, sigma2
from icl_claims.theory.evaluation import at_task
from icl_claims.theory.one_layer.linear_attention import gradient_from_layer, query_entry
from icl_claims.theory.one_layer.products import prove_bilinear, prove_gradient
from icl_claims.theory.one_layer.single_layer import (
    GAMMA,
    loss,
    loss_at_preconditioner,
    minimizer,
    minimum,
)
from icl_claims.theory.task import RegressionTask
from icl_claims.theory.transformer.prompts import OMEGA, SIGMA
from tests.shared import coordinates, instances
from tests.shared.coordinates import gaussian_prompt, layer_with
from tests.shared.strategies import matrices, rationals, tasks_of


def normal(signal_factor: Words, label_variance: Words) -> Words:
    """((n+1)/n) · signal_factor + (label_variance/n) I: the matrix that Γ = Ω N⁻¹ inverts."""
    return signal_factor * ((n + 1) / n) + eye("d") * (label_variance / n)


LABEL_VARIANCE = (SIGMA @ OMEGA).trace() + one() * sigma2
STATED = normal(SIGMA @ OMEGA, LABEL_VARIANCE)

MUTANTS = {
    "n + 1 → n": STATED - SIGMA @ OMEGA / n,
    "ΣΩ → ΩΣ": normal(OMEGA @ SIGMA, LABEL_VARIANCE),
    "σ² dropped": normal(SIGMA @ OMEGA, (SIGMA @ OMEGA).trace()),
    "tr ΣΩ → tr Σ": normal(SIGMA @ OMEGA, SIGMA.trace() + one() * sigma2),
    "sign of σ²": normal(SIGMA @ OMEGA, (SIGMA @ OMEGA).trace() - one() * sigma2),
    "Γ = Ω(ΣΩ)⁻¹ = Σ⁻¹": SIGMA @ OMEGA,
}


def check_normal(candidate: Words) -> None:
    """The gradient in every product direction is tr((βA_x + u aᵀ) Σ (Ω − ΓN) Σ): zero where ΓN = Ω."""
    prove_bilinear(query_entry())
    prove_gradient(gradient_from_layer(GAMMA), candidate)


class Value(NamedTuple):
    """A claimed minimum and the multiplier of ΓN − Ω by which the loss at Γ exceeds it."""

    minimum: Words


def check_value(claimed: Value) -> None:
    """loss(Γ) − minimum = tr(Σ (ΓN − Ω) Σ Γ), so they agree where ΓN = Ω."""
    rest = (SIGMA @ (GAMMA @ STATED - OMEGA) @ SIGMA @ GAMMA).trace()
    if loss_at_preconditioner() - claimed.minimum != rest:
        raise Refuted("the loss at the minimizer is not the claimed minimum")


@pytest.mark.claim(
    slug="global_minimizer_general_task",
    grade="proof",
    range="all d, n ≥ 1, Σ, Ω ⪰ 0, σ² ≥ 0, all P, Q",
    parts=("minimizer",),
)
def test_claim_global_minimizer_general_task(evidence: Evidence) -> None:
    """Convexity in the products and a gradient that vanishes in all their blocks, as one identity in
    non-commuting Σ, Ω, Γ and in the direction."""
    evidence.check(check_normal, STATED, MUTANTS)


@pytest.mark.claim(
    slug="global_minimizer_general_task",
    grade="proof",
    range="all d, n ≥ 1, Σ, Ω ⪰ 0, σ² ≥ 0",
    parts=("value",),
)
def test_claim_global_minimizer_general_task_value(evidence: Evidence) -> None:
    """The loss at Γ differs from the stated value by a multiple of ΓN − Ω, identically."""
    signal, gain = (SIGMA @ OMEGA).trace(), (SIGMA @ GAMMA @ SIGMA @ OMEGA).trace()
    mutants = {
        "sign of the gain": Value(signal + gain),
        "gain doubled": Value(signal - gain * 2),
        "σ² added": Value(signal - gain + one() * sigma2),
        "tr(ΓΣΩ)": Value(signal - (GAMMA @ SIGMA @ OMEGA).trace()),
    }
    evidence.check(check_value, Value(signal - gain), mutants)


@pytest.mark.claim(
    slug="global_minimizer_general_task", grade="exact", range="d ≤ 3, n ≤ 7, random rational Σ, Ω, σ²"
)
def test_claim_global_minimizer_general_task_no_weights_do_better() -> None:
    """For random tasks and weights, in exact arithmetic, no loss is below the minimum; the stated normal
    matrix gives the calculator's Γ."""

    @given(st.data())
    def at_least_the_minimum(data: st.DataObject) -> None:
        task = data.draw(tasks_of("global_minimizer_general_task"))
        if task.signal + task.noise_variance == 0:
            with pytest.raises(ValueError, match="task must have tr ΣΩ"):
                minimizer(task)
            return
        gamma = minimizer(task)
        assert gamma == gamma.transpose()
        assert gamma * at_task(STATED, task, {}) == task.task_covariance
        A = data.draw(matrices(task.dim + 1, task.dim))
        b = data.draw(st.lists(rationals, min_size=task.dim + 1, max_size=task.dim + 1))
        assert loss(task, b, A) >= minimum(task)

    at_least_the_minimum()


@pytest.mark.claim(slug="global_minimizer_general_task", grade="exact", range="d = 2, n ≤ 3, σ ≤ 2")
def test_claim_global_minimizer_general_task_in_coordinates() -> None:
    """A second route: the layer multiplied out in coordinates for non-commuting Σ and Ω, with noise."""
    sigma, omega = [[1, 0], [1, 2]], [[1, 1], [0, 1]]
    for size in (1, 2, 3):
        for noise in (0, 1, 2):
            v, prompt = gaussian_prompt(size, sigma, omega, noise)
            task = RegressionTask([[1, 1], [1, 5]], size, [[2, 1], [1, 1]], noise**2)
            assert coordinates.loss(v, prompt, *layer_with(minimizer(task))) == minimum(task)
            moved = minimizer(task) + exact.diagonal([fmpq(1, 9), fmpq(-1, 7)])
            assert coordinates.loss(v, prompt, *layer_with(moved)) > minimum(task)


@pytest.mark.claim(
    slug="global_minimizer_general_task", grade="exact", range="one instance per assumption", parts=()
)
def test_claim_global_minimizer_general_task_necessity(evidence: Evidence) -> None:
    """Each assumption dropped by itself: an exact instance where other weights win, or a proof."""
    shared = ("gaussian_covariates", "independent_task", "zero_query_label")
    dropped = {key: instances.INSTANCES[key] for key in shared}
    instances.record_necessity(evidence, {**dropped, "gaussian_task": instances.without_gaussian_task})
