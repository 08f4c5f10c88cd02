"""Ahn et al. (2023), Theorem 3: on 𝒮 the gradient in all matrix directions comes arbitrarily near 0."""

import pytest
from flint import fmpq

from icl_claims.claims.edits import changed
from icl_claims.claims.evidence import Evidence
from icl_claims.claims.statement import Statement
from icl_claims.theory.algebra import exact
from icl_claims.theory.algebra.words import eye, letter
from icl_claims.theory.derivations.critical_points_scaled_inverse_covariance import (
    DERIVATION,
    STATED,
    Infimum,
)
from icl_claims.theory.evaluation import at_task
from icl_claims.theory.many_layers.directions import prove_gradient_along_covariance
from icl_claims.theory.task import RegressionTask, isotropic
from icl_claims.theory.transformer.attention import NO_MASK
from icl_claims.theory.transformer.parametrizations import sparse
from icl_claims.theory.transformer.prompts import SIGMA
from icl_claims.theory.transformer.query_label import prove_slot_adds_its_square
from icl_claims.theory.transformer.rotations import prove_rotation
from tests.shared.scaled_set import (
    NO_INVERSE,
    OnScaledSet,
    critical_points,
    infimum_of_one_layer,
    on_scaled_set,
)
from tests.shared.settings import Setting, conditions

SLUG = "critical_points_scaled_inverse_covariance"


def margin(stated: Infimum, at: OnScaledSet) -> fmpq:
    """Minus the distance of the stated infimum from the true one: 0 where a point is critical, else that of one layer.

    Critical points are those of the loss found from its values; for one layer the gradient is affine in the step.
    """
    task = at.setting.task
    direction = at_task(stated.matrix, task, {"Sigma_inverse": task.covariance.inv()})
    found = fmpq(0)
    if not critical_points(at, direction):
        if at.layers > 1:
            raise ArithmeticError("the infimum of several layers is known only where it is attained")
        found = infimum_of_one_layer(at.setting, direction)
    return -abs(found - stated.value)


STATEMENT = Statement(
    slug=SLUG,
    stated=STATED,
    margins={"infimum": margin},
    conditions=conditions(SLUG),
    instances=lambda corner: on_scaled_set(SLUG, corner, most_layers=3),
    without=lambda key: on_scaled_set(SLUG, without=key),
    undefined_without={"positive_definite_covariance": NO_INVERSE},
)


@pytest.mark.claim(
    slug="critical_points_scaled_inverse_covariance", grade="argument", range="all d, n, L ≥ 1, Σ ≻ 0"
)
def test_claim_critical_points_scaled_inverse_covariance(evidence: Evidence) -> None:
    """The gradient at a point of 𝒮 is that of the steps, times Σ/d, and a function that is bounded below has points
    with a gradient as small as one likes."""
    at = OnScaledSet(Setting(RegressionTask.whitened(exact.diagonal([1, 4]), 2)), 1)
    gradients = "Lemma 1: the gradient at 1 steps"
    mutants = [
        changed(STATED, gradients, matrix=eye("d")),
        changed(STATED, gradients, matrix=SIGMA),
        changed(STATED, gradients, matrix=STATED.matrix @ STATED.matrix),
        changed(STATED, "Lemma 2: a point of the set", value=fmpq(1, 1000)),
        changed(STATED, "Lemma 2: a sum of squares", value=fmpq(-1)),
    ]
    evidence.prove(DERIVATION, STATEMENT, mutants, at=at)


def noise_is_dispensable() -> None:
    """With noise the gradient on 𝒮 is still a multiple of Σ in each layer, and f is still bounded below."""
    noisy = RegressionTask.whitened([[2, 1], [1, 1]], 3, noise_variance=2)
    prove_gradient_along_covariance(noisy, [noisy.covariance.inv() * a for a in (fmpq(1, 2), fmpq(1, 3))])


def mask_is_dispensable() -> None:
    """Without the mask f is invariant under rotations and bounded below, too: its gradient on 𝒮 is a multiple of Σ."""
    prove_rotation(NO_MASK)


def slot_is_dispensable() -> None:
    """A number c in the slot adds the constant c² to f, and changes no gradient."""
    prove_slot_adds_its_square([sparse(letter(name, "d", "d")) for name in "AB"])


@pytest.mark.claim(
    slug="critical_points_scaled_inverse_covariance",
    grade="exact",
    range="L = 1, one instance each",
    parts=(),
)
def test_claim_critical_points_scaled_inverse_covariance_necessity(evidence: Evidence) -> None:
    """Where the two diagonal entries of A ask for different steps the infimum is positive; noise, mask and a number in
    the slot change nothing in the argument."""
    plain = isotropic(2, 1)
    other = RegressionTask(exact.identity(2), 1, exact.diagonal([1, 4]))
    instances = {
        "gaussian_covariates": Setting(plain, covariates="half_signs"),
        "independent_task": Setting(plain, weights="first_coordinate"),
        "whitened_task": Setting(other),
    }
    for key, setting in instances.items():
        evidence.necessary(STATEMENT, key, OnScaledSet(setting, 1))
    evidence.dispensable("noiseless_labels", noise_is_dispensable)
    evidence.dispensable("masked_query", mask_is_dispensable)
    evidence.dispensable("zero_query_label", slot_is_dispensable)
