"""The single-layer minimizer for any Σ, Ω and σ², commuting or not: Theorem 1 of Ahn et al. extended."""

import pytest
from flint import fmpq, fmpq_mat
from hypothesis import given

from icl_claims.claims.edits import changed, inside, plus
from icl_claims.claims.evidence import Evidence
from icl_claims.claims.statement import Statement
from icl_claims.theory.algebra.words import Words, eye, n, one, sigma2
from icl_claims.theory.derivations.global_minimizer_general_task import (
    DERIVATION,
    LABEL_VARIANCE,
    STATED,
    Minimizer,
)
from icl_claims.theory.evaluation import at_task
from icl_claims.theory.one_layer.single_layer import GAMMA, minimizer, minimum
from icl_claims.theory.task import RegressionTask
from icl_claims.theory.transformer.prompts import OMEGA, SIGMA
from tests.shared.one_layer import Weights, predictor, weights
from tests.shared.settings import Setting, conditions
from tests.shared.strategies import tasks
from tests.shared.theorem_one import SKEWED_TASK, WITHOUT, at_minimum, mask_is_dispensable

SLUG = "global_minimizer_general_task"


def stated_preconditioner(normal: Words, task: RegressionTask) -> fmpq_mat:
    """Γ = ΩN⁻¹ at a task."""
    return task.task_covariance * at_task(normal, task, {}).inv()


def minimizer_margin(stated: Minimizer, at: Weights) -> fmpq:
    """By how much the weights lose more than the stated ones; each loss multiplied out in coordinates."""
    best = Weights(at.setting, *predictor(stated_preconditioner(stated.normal, at.setting.task)))
    return at.loss() - best.loss()


def value_margin(stated: Minimizer, at: Weights) -> fmpq:
    """Minus the square of stated minimum minus loss of the stated weights, multiplied out in coordinates."""
    task = at.setting.task
    gamma = stated_preconditioner(stated.normal, task)
    value = at_task(stated.minimum, task, {"Gamma": gamma})[0, 0]
    return -((Weights(at.setting, *predictor(gamma)).loss() - value) ** 2)


def labels_vary(at: Weights) -> bool:
    """tr ΣΩ + σ² > 0, as the statement demands."""
    return at.setting.task.signal + at.setting.task.noise_variance > 0


STATEMENT = Statement(
    slug=SLUG,
    stated=STATED,
    margins={"minimizer": minimizer_margin, "value": value_margin},
    conditions=conditions(SLUG),
    instances=lambda corner: weights(SLUG, corner).filter(labels_vary),
    without=lambda key: weights(SLUG, without=key).filter(labels_vary),
    excluded={"L = 1": "the statement is about one layer"},
)

POINT = at_minimum(Setting(RegressionTask([[1, 1], [1, 5]], 2, [[2, 1], [1, 1]], 3)))
"""Σ and Ω do not commute, and labels are noisy."""


@pytest.mark.claim(
    slug="global_minimizer_general_task",
    grade="proof",
    range="all d, n ≥ 1, Σ, Ω ⪰ 0, σ² ≥ 0 with tr ΣΩ + σ² > 0, all P, Q",
    parts=("minimizer", "value"),
)
def test_claim_global_minimizer_general_task(evidence: Evidence) -> None:
    """The derivative at the stated products vanishes in every direction, the excess over them is an expected square,
    and the loss there is the stated one: identities in non-commuting Σ, Ω and Γ."""
    reason = "Lemma 3: the gradient is not"
    signal, identity = (SIGMA @ OMEGA).trace(), eye("d")
    terms = [
        SIGMA @ OMEGA / n * -1,
        (OMEGA @ SIGMA - SIGMA @ OMEGA) * ((n + 1) / n),
        identity * (sigma2 / n) * -1,
        identity * (sigma2 / n) * -2,
        identity * ((SIGMA.trace() - signal) / n),
        identity * (LABEL_VARIANCE / n) * -1,
    ]
    normals = [inside(STATED, "normal", plus(STATED.normal, term, reason)) for term in terms]
    evidence.prove(DERIVATION, STATEMENT, normals, part="minimizer", at=POINT)
    reason = "Lemma 5: the loss at the minimizer is not"
    gain = (SIGMA @ GAMMA @ SIGMA @ OMEGA).trace()
    values = [
        inside(STATED, "minimum", plus(STATED.minimum, gain * 2, reason)),
        inside(STATED, "minimum", plus(STATED.minimum, gain * -1, reason)),
        inside(STATED, "minimum", plus(STATED.minimum, one() * sigma2, reason)),
        changed(STATED, reason, minimum=signal - (GAMMA @ SIGMA @ OMEGA).trace()),
    ]
    evidence.mutants(DERIVATION, STATEMENT, values, part="value", at=POINT)


@pytest.mark.claim(
    slug="global_minimizer_general_task",
    grade="exact",
    range="d ≤ 3, n ≤ 7, random rational Σ, Ω, σ²",
    parts=(),
)
def test_claim_global_minimizer_general_task_is_calculated(evidence: Evidence) -> None:
    """The stated matrix and value are those of the calculator, which refuses a task whose labels are all 0."""

    @given(tasks())
    def agrees(task: RegressionTask) -> None:
        if task.signal + task.noise_variance == 0:
            with pytest.raises(ValueError, match="task must have tr ΣΩ"):
                minimizer(task)
            return
        gamma = stated_preconditioner(STATED.normal, task)
        assert minimizer(task) == gamma == gamma.transpose()
        assert minimum(task) == at_task(STATED.minimum, task, {"Gamma": gamma})[0, 0]

    agrees()
    evidence.figure("minimum at Σ = (1 1; 1 5), Ω = (2 1; 1 1), σ² = 3, n = 2", minimum(POINT.setting.task))


@pytest.mark.claim(
    slug="global_minimizer_general_task", grade="exact", range="one instance per assumption", parts=()
)
def test_claim_global_minimizer_general_task_necessity(evidence: Evidence) -> None:
    """Each assumption dropped by itself: an exact instance where other weights win, or a proof."""
    for key in ("gaussian_covariates", "independent_task", "zero_query_label"):
        evidence.necessary(STATEMENT, key, WITHOUT[key], part="minimizer")
    evidence.necessary(STATEMENT, "gaussian_task", SKEWED_TASK, part="minimizer")
    evidence.dispensable("masked_query", mask_is_dispensable)
