"""Ahn et al. (2023), Theorem 1: the global minimizer of one linear attention layer."""

import pytest
import sympy
from flint import fmpq, fmpq_mat
from hypothesis import given

from icl_claims.claims.edits import changed, inside, substituted, times
from icl_claims.claims.evidence import Evidence
from icl_claims.claims.statement import Statement
from icl_claims.theory.algebra import exact
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.derivations.global_minimizer import DERIVATION, STATED, Theorem
from icl_claims.theory.one_layer.large_context import CONTEXT, EIGENVALUE, TRACE
from icl_claims.theory.one_layer.linear_attention import gradient_from_layer
from icl_claims.theory.one_layer.single_layer import GAMMA, loss, minimizer, minimum
from icl_claims.theory.task import RegressionTask, isotropic
from icl_claims.theory.transformer.attention import NO_MASK
from tests.shared.one_layer import Weights, of_covariance, predictor, weights
from tests.shared.settings import Setting, conditions

SLUG = "global_minimizer"


def minimizer_margin(theorem: Theorem, at: Weights) -> fmpq:
    """By how much the weights lose more than the stated ones; each loss multiplied out in coordinates."""
    stated = Weights(at.setting, *predictor(of_covariance(theorem.eigenvalue, at.setting.task)))
    return at.loss() - stated.loss()


def rescaling_margin(theorem: Theorem, at: Weights) -> fmpq:
    """Minus the square of what rescaling changes in the loss of the weights."""
    scaled = Weights(
        at.setting,
        tuple(x * at.scale**theorem.b_power for x in at.b),
        at.A * at.scale**theorem.A_power,
    )
    return -((scaled.loss() - at.loss()) ** 2)


STATEMENT = Statement(
    slug=SLUG,
    stated=STATED,
    margins={"minimizer": minimizer_margin, "rescaling": rescaling_margin},
    conditions=conditions(SLUG),
    instances=lambda corner: weights(SLUG, corner),
    without=lambda key: weights(SLUG, without=key),
    excluded={"L = 1": "the statement is about one layer"},
)


def at_minimum(setting: Setting, **task: object) -> Weights:
    """The setting with the weights that minimize the loss at its task."""
    return Weights(setting, *predictor(minimizer(setting.task)))


SKEW = at_minimum(Setting(RegressionTask(exact.diagonal([1, 4]), 2)))


@pytest.mark.claim(
    slug="global_minimizer", grade="proof", range="all d, n ≥ 1, Σ ⪰ 0 with tr Σ > 0, all P, Q, γ ≠ 0"
)
def test_claim_global_minimizer(evidence: Evidence) -> None:
    """At the stated products the derivative of the loss vanishes in every direction, and the excess over it is an
    expected square; rescaling leaves the layer as it is."""

    def edited(old: sympy.Expr, new: sympy.Expr):
        return inside(
            STATED, "eigenvalue", substituted(STATED.eigenvalue, old, new, "Lemma 4: Ω − ΓN is not 0")
        )

    mutants = [
        edited(CONTEXT + 1, CONTEXT),
        edited(CONTEXT + 1, CONTEXT - 1),
        edited(TRACE / CONTEXT, sympy.Integer(0)),
        edited(TRACE / CONTEXT, TRACE),
        edited(TRACE, TRACE - EIGENVALUE),
        inside(STATED, "eigenvalue", times(STATED.eigenvalue, -1, "Lemma 4: Ω − ΓN is not 0")),
    ]
    evidence.prove(DERIVATION, STATEMENT, mutants, part="minimizer", at=SKEW)
    scales = [
        changed(STATED, "Lemma 5: the factors", A_power=1),
        changed(STATED, "Lemma 5: the factors", b_power=2),
    ]
    evidence.mutants(DERIVATION, STATEMENT, scales, part="rescaling", at=SKEW)
    evidence.figure("eigenvalue of the minimizer", f"${sympy.latex(sympy.factor(STATED.eigenvalue))}$")


@pytest.mark.claim(
    slug="global_minimizer", grade="exact", range="d ≤ 2, n ≤ 2, random rational Σ and weights", parts=()
)
def test_claim_global_minimizer_by_coordinates(evidence: Evidence) -> None:
    """A second route, the layer multiplied out in coordinates: the same losses, and none below the minimum."""

    @given(weights(SLUG))
    def agree(at: Weights) -> None:
        assert at.loss() == loss(at.setting.task, list(at.b), at.A) >= minimum(at.setting.task)

    agree()
    evidence.figure("minimum at Σ = diag(1, 4), n = 2", minimum(SKEW.setting.task))


def mask_is_dispensable() -> None:
    """With the query as a key (its label slot 0) the loss is still an expected square of an affine map of the
    products, and its derivative at the stated point is the same polynomial."""
    if gradient_from_layer(GAMMA, NO_MASK) != gradient_from_layer(GAMMA):
        raise Refuted("without the mask the gradient changes")


@pytest.mark.claim(slug="global_minimizer", grade="exact", range="one instance per assumption", parts=())
def test_claim_global_minimizer_necessity(evidence: Evidence) -> None:
    """Each assumption dropped by itself: an exact instance where other weights win, or a proof."""
    one, line = isotropic(1, 1), RegressionTask(exact.identity(2), 1, exact.diagonal([1, 0]))
    instances = {
        "gaussian_covariates": Weights(
            Setting(isotropic(1, 2), covariates="signs"), *predictor(fmpq_mat([[1]]))
        ),
        "independent_task": Weights(Setting(one, weights="first_example"), *predictor(fmpq_mat([["1/5"]]))),
        "identity_task": at_minimum(Setting(line)),
        "noiseless_labels": at_minimum(Setting(isotropic(1, 1, noise_variance=1))),
        "zero_query_label": Weights(
            Setting(one, slot=fmpq(1)), *predictor(minimizer(one)), corner=fmpq(-1, 9)
        ),
    }
    for key, instance in instances.items():
        evidence.necessary(STATEMENT, key, instance, part="minimizer")
    evidence.dispensable("masked_query", mask_is_dispensable)
