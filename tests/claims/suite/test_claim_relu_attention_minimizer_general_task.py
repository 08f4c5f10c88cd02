"""One layer of ReLU attention for any Σ, Ω and σ²: its global minimizer, beyond Ahn et al. (2023), Theorem 5."""

import pytest
import sympy
from flint import fmpq, fmpq_mat
from hypothesis import given, settings

from icl_claims.claims.edits import changed, inside, substituted
from icl_claims.claims.evidence import Evidence
from icl_claims.claims.statement import Statement
from icl_claims.theory.algebra import exact
from icl_claims.theory.derivations.relu_attention_minimizer_general_task import (
    CONTEXT,
    DERIVATION,
    DIM,
    STATED,
    Theorem,
    gradient,
    normal,
)
from icl_claims.theory.one_layer.products import prove_own_key_is_even
from icl_claims.theory.one_layer.single_layer import LINEAR, RELU, loss, minimizer, minimum
from icl_claims.theory.task import RegressionTask, isotropic
from tests.shared import one_layer
from tests.shared.relu_layer import ReluWeights, predicting, relu_weights
from tests.shared.settings import Setting, conditions

SLUG = "relu_attention_minimizer_general_task"


def number(expression: sympy.Expr, task: RegressionTask) -> fmpq:
    """An expression in n and d at a task."""
    value = sympy.Rational(expression.subs({CONTEXT: task.context_length, DIM: task.dim}))
    return fmpq(int(value.p), int(value.q))


def gamma(theorem: Theorem, task: RegressionTask) -> fmpq_mat:
    """Γ."""
    signal, trace = number(theorem.signal, task), number(theorem.trace, task)
    product = task.covariance * task.task_covariance
    label = exact.trace(product) + task.noise_variance
    return task.task_covariance * (product * signal + exact.identity(task.dim) * (label * trace)).inv()


def stated_weights(theorem: Theorem, setting: Setting) -> ReluWeights:
    return predicting(setting, gamma(theorem, setting.task) * number(theorem.factor, setting.task))


def minimizer_margin(theorem: Theorem, at: ReluWeights) -> fmpq:
    """By how much the weights lose more than the stated ones; each loss averaged in coordinates."""
    return at.loss() - stated_weights(theorem, at.setting).loss()


def value_margin(theorem: Theorem, at: ReluWeights) -> fmpq:
    """Minus the squares of what is missing in the value; for Σ = Ω = I and σ² = 0 in the three values.

    Where the stated number of examples is an integer, linear attention with so many is multiplied out in coordinates.
    """
    task = at.setting.task
    found = stated_weights(theorem, at.setting).loss()
    product = task.covariance * task.task_covariance
    signal = exact.trace(task.covariance * gamma(theorem, task) * product)
    defects = [found - exact.trace(product) + number(theorem.share, task) * signal]
    if task == isotropic(task.dim, task.context_length):
        defects.append(found - number(theorem.isotropic, task))
        examples = number(theorem.examples, task) * task.context_length
        if examples.q == 1:
            fewer = Setting(isotropic(task.dim, int(examples.p)))
            weights = one_layer.predictor(minimizer(fewer.task, LINEAR))
            defects.append(found - one_layer.Weights(fewer, *weights).loss())
    return -sum((x * x for x in defects), fmpq(0))


STATEMENT = Statement(
    slug=SLUG,
    stated=STATED,
    margins={"minimizer": minimizer_margin, "value": value_margin},
    conditions=conditions(SLUG),
    instances=lambda corner: relu_weights(SLUG, corner),
    without=lambda key: relu_weights(SLUG, without=key),
    excluded={"L = 1": "the statement is about one layer"},
)


def at_minimum(task: RegressionTask) -> ReluWeights:
    return predicting(Setting(task), minimizer(task, RELU))


SKEW = at_minimum(RegressionTask([[2, 1], [1, 1]], 2, exact.diagonal([1, 3]), 1))
FIVE = at_minimum(isotropic(1, 5))


@pytest.mark.claim(
    slug="relu_attention_minimizer_general_task",
    grade="proof",
    range="all d, n ≥ 1, Σ, Ω ⪰ 0, σ² ≥ 0, all P, Q",
)
def test_claim_relu_attention_minimizer_general_task(evidence: Evidence) -> None:
    """The derivative vanishes in the direction of every product where ΓN = Ω; the value there is an identity in all
    letters, and for Σ = Ω = I that of linear attention with (d + 1)n/(2d + 3) examples."""

    def edited(name: str, old: sympy.Expr, new: sympy.Expr, reason: str):
        return inside(STATED, name, substituted(getattr(STATED, name), old, new, reason))

    matrix = "Lemma 5: the stated matrix"
    mutants = [
        edited("signal", CONTEXT + 3, CONTEXT + 2, matrix),
        edited("signal", CONTEXT + 3, CONTEXT + 1, matrix),
        edited("trace", 1 / CONTEXT, sympy.Integer(1), matrix),
        changed(STATED, matrix, trace=1 / CONTEXT),
        changed(STATED, matrix, factor=sympy.Integer(1)),
    ]
    evidence.prove(DERIVATION, STATEMENT, mutants, part="minimizer", at=SKEW)
    other, linear = "Lemma 7: the isotropic minimum", "Lemma 7: linear attention"
    values = [
        changed(STATED, "Lemma 6: the value", share=sympy.Integer(2)),
        changed(STATED, "Lemma 6: the value", share=sympy.Rational(1, 2)),
        edited("isotropic", CONTEXT + 2 * DIM + 3, CONTEXT + 2 * DIM + 2, other),
        edited("examples", 2 * DIM + 3, 2 * DIM, linear),
        changed(STATED, linear, examples=sympy.Integer(1)),
    ]
    evidence.mutants(
        DERIVATION, STATEMENT, values, part="value", at=[SKEW, FIVE, at_minimum(isotropic(1, 1))]
    )
    evidence.figure("share of the examples that linear attention needs", f"${sympy.latex(STATED.examples)}$")


@pytest.mark.claim(
    slug="relu_attention_minimizer_general_task",
    grade="exact",
    range="d ≤ 2, n ≤ 2, random rational Σ, Ω, σ², weights",
    parts=(),
)
def test_claim_relu_attention_minimizer_general_task_by_coordinates() -> None:
    """The layer multiplied out in coordinates, singular Σ and Ω among the tasks: the same losses, and none below the
    minimum."""

    @settings(max_examples=15)
    @given(relu_weights(SLUG))
    def agree(at: ReluWeights) -> None:
        d = at.setting.task.dim
        columns = [row[:d] for row in at.Q.tolist()]
        least = minimum(at.setting.task, RELU)
        assert at.loss() == loss(at.setting.task, list(at.b), columns, RELU) >= least

    agree()


def mask_is_dispensable() -> None:
    """Without the mask the query adds u·x_q σ(x_qᵀA_x x_q)/n. Under (w, ε) ↦ (−w, −ε) the error splits into an odd and
    an even part, uncorrelated; this adds to the even one, which is 0 at the stated point. The odd one is affine in the
    products, with derivative 0 there, so its square is at its least."""
    prove_own_key_is_even()
    gradient()
    normal(STATED)


@pytest.mark.claim(
    slug="relu_attention_minimizer_general_task", grade="exact", range="one instance per assumption", parts=()
)
def test_claim_relu_attention_minimizer_general_task_necessity(evidence: Evidence) -> None:
    """Each assumption dropped by itself: an exact instance where other weights win, or a check that none do."""
    one, zero = isotropic(1, 1), fmpq(0)
    skewed = predicting(Setting(isotropic(2, 1), weights="skewed"), minimizer(isotropic(2, 1), RELU))
    of_row = fmpq_mat([*skewed.Q.tolist()[:2], [fmpq(-1, 100), fmpq(-1, 100), zero]])
    instances = {
        "gaussian_covariates": predicting(Setting(isotropic(1, 2), covariates="signs"), fmpq_mat([["4/3"]])),
        "independent_task": predicting(Setting(one, weights="first_example"), fmpq_mat([["1/5"]])),
        "gaussian_task": ReluWeights(skewed.setting, skewed.b, of_row),
        "zero_query_label": ReluWeights(
            Setting(one, slot=fmpq(2)), (fmpq(-1), zero), fmpq_mat([[0, "1/3"], [0, 0]])
        ),
    }
    for key, instance in instances.items():
        evidence.necessary(STATEMENT, key, instance, part="minimizer")
    evidence.dispensable("masked_query", mask_is_dispensable)
