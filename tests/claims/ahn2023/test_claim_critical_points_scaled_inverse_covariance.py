"""Ahn et al. (2023), Theorem 3: on 𝒮 the gradient in all matrix directions comes arbitrarily near 0."""

from collections.abc import Callable

import pytest
from flint import fmpq, fmpq_mat
from hypothesis import given

from icl_claims.claims.evidence import Evidence
from icl_claims.theory.algebra import exact
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.words import letter
from icl_claims.theory.many_layers.matrix_layers import layered_gradient
from icl_claims.theory.many_layers.step_sizes import gradient, optimal_steps
from icl_claims.theory.task import RegressionTask, isotropic
from icl_claims.theory.transformer.attention import MASK, NO_MASK
from icl_claims.theory.transformer.parametrizations import sparse
from icl_claims.theory.transformer.query_label import prove_slot_only_shifts
from icl_claims.theory.transformer.rotations import prove_rotation
from tests.shared import scaled_set
from tests.shared.strategies import rationals, tasks_of

Directions = Callable[[RegressionTask], fmpq_mat]
"""What A_l is claimed to be a multiple of."""

TASKS = (
    RegressionTask.whitened(exact.diagonal([1, 4]), 2),
    RegressionTask.whitened([[2, 1], [1, 1]], 3),
    RegressionTask.whitened([[2, 1, 0], [1, 3, 1], [0, 1, 1]], 2),
)
STEPS = ((fmpq(2, 5),), (fmpq(1, 2), fmpq(1, 3)), (fmpq(1, 3), fmpq(-1, 2), fmpq(1, 5)))


def check_gradient_is_that_of_the_steps(direction: Directions) -> None:
    """∇_{A_l} f = (1/d) ∂f/∂a_l · Σ at A_l = a_l Σ⁻¹, exactly, from derivatives in all d² entries.

    So Σ_l ‖∇_{A_l} f‖² = (‖Σ‖_F²/d²) ‖∂f/∂a‖², whose infimum is that of a gradient on ℝᴸ.
    """
    for task in TASKS:
        for steps in STEPS:
            slopes = gradient(task, steps)
            found = layered_gradient(task, [direction(task) * a for a in steps])
            for slope, matrix in zip(slopes, found, strict=True):
                if matrix != task.covariance * (slope / task.dim):
                    raise Refuted(f"the gradient at steps {steps} is not that of the steps, times Σ/d")


@pytest.mark.claim(
    slug="critical_points_scaled_inverse_covariance",
    grade="exact",
    range="d ≤ 3, n ≤ 3, L ≤ 3, three Σ",
    complete=False,
)
def test_claim_critical_points_scaled_inverse_covariance_gradient(evidence: Evidence) -> None:
    """The exact gradient in all entries of all A_l, at rational points of 𝒮, is a multiple of Σ in each
    layer, by the derivative in that layer's step: no direction but that of the steps is left."""
    mutants: dict[str, Directions] = {
        "A_l = a_l I": lambda task: exact.identity(task.dim),
        "A_l = a_l Σ": lambda task: task.covariance,
        "A_l = 2 a_l Σ⁻¹": lambda task: task.covariance.inv() * 2,
    }
    evidence.check(check_gradient_is_that_of_the_steps, lambda task: task.covariance.inv(), mutants)


@pytest.mark.claim(
    slug="critical_points_scaled_inverse_covariance",
    grade="proof",
    range="all d, n, L ≥ 1, all Σ ≻ 0",
)
def test_claim_critical_points_scaled_inverse_covariance() -> None:
    """In whitened variables f(U A_0 Uᵀ, …) = f(A_0, …), so the gradient at multiples of I commutes with every
    orthogonal U: a multiple of I, of trace ∂f/∂a_l. That vanishes at the minimizer of f on 𝒮, which exists for
    all sizes (orthogonal polynomials), so the infimum is 0. The invariance is an identity in symbolic blocks."""
    prove_rotation(MASK)
    for d, n, L in ((1, 1, 2), (2, 5, 1), (3, 2, 3), (5, 20, 4)):
        residual = optimal_steps(isotropic(d, n), L).residual
        if residual.degree() != L:
            raise Refuted("the minimizer on 𝒮 does not exist")

    @given(tasks_of("critical_points_scaled_inverse_covariance"), rationals, rationals)
    def whitens(task: RegressionTask, a: fmpq, b: fmpq) -> None:
        found = layered_gradient(task, [task.covariance.inv() * x for x in (a, b)])
        slopes = gradient(task, [a, b])
        assert found == [task.covariance * (slope / task.dim) for slope in slopes]

    whitens()


@pytest.mark.claim(
    slug="critical_points_scaled_inverse_covariance",
    grade="exact",
    range="L = 1, one instance each",
    parts=(),
)
def test_claim_critical_points_scaled_inverse_covariance_necessity(evidence: Evidence) -> None:
    """Each assumption dropped by itself: an instance in which the infimum is positive, or why it stays 0."""
    scaled_set.record_necessity(evidence)
    with pytest.raises(ValueError, match="covariance must be positive definite"):
        RegressionTask.whitened(exact.diagonal([1, 0]), 2)
    evidence.necessary("positive_definite_covariance", "For singular Σ neither Σ⁻¹ nor the set 𝒮 exists.")
    noisy = RegressionTask.whitened([[2, 1], [1, 1]], 3, noise_variance=2)
    found = layered_gradient(noisy, [noisy.covariance.inv() * a for a in (fmpq(1, 2), fmpq(1, 3))])
    if any(m != noisy.covariance * (m[0, 0] / noisy.covariance[0, 0]) for m in found):
        raise Refuted("with label noise the gradient leaves the multiples of Σ")
    nonnegative = (
        "f ≥ 0 is smooth on ℝᴸ, so by Ekeland's principle its gradient there comes arbitrarily near 0."
    )
    evidence.dispensable(
        "noiseless_labels", f"The invariance holds with noise, so the gradient stays in 𝒮; {nonnegative}"
    )
    prove_rotation(NO_MASK)
    evidence.dispensable(
        "masked_query", f"The invariance holds without the mask, so the gradient stays in 𝒮; {nonnegative}"
    )
    prove_slot_only_shifts([sparse(letter(name, "d", "d")) for name in "AB"])
    evidence.dispensable(
        "zero_query_label",
        "A value c in the slot shifts the error by c at every layer; the error is odd in w, so f grows by c² "
        "and its gradient stays.",
    )
