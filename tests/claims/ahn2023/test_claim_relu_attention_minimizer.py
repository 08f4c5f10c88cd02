"""Ahn et al. (2023), Theorem 5: the global minimizer of one layer of ReLU attention."""

import pytest
import sympy
from flint import fmpq, fmpq_mat
from hypothesis import given

from icl_claims.claims.edits import changed
from icl_claims.claims.evidence import Evidence
from icl_claims.claims.results import Chart, Series
from icl_claims.claims.statement import Statement
from icl_claims.numerics.rounding import nearest
from icl_claims.theory.algebra import exact
from icl_claims.theory.derivations.relu_attention_minimizer import DERIVATION, STATED, Theorem, residual
from icl_claims.theory.derivations.relu_attention_minimizer_general_task import excess, gradient
from icl_claims.theory.one_layer.products import prove_own_key_is_even
from icl_claims.theory.one_layer.single_layer import (
    LINEAR,
    RELU,
    isotropic_minimum,
    loss,
    minimizer,
    minimum,
)
from icl_claims.theory.task import RegressionTask, isotropic
from tests.shared.relu_layer import ReluWeights, predicting, relu_weights
from tests.shared.relu_signs import literal_loss
from tests.shared.settings import Setting, conditions

SLUG = "relu_attention_minimizer"


def margin(theorem: Theorem, at: ReluWeights) -> fmpq:
    """By how much the weights lose more than the stated ones; each loss averaged in coordinates."""
    n, d = at.setting.task.context_length, at.setting.task.dim
    stated = predicting(at.setting, exact.identity(d) * theorem.scalar(fmpq(n), fmpq(d)))
    return at.loss() - stated.loss()


STATEMENT = Statement(
    slug=SLUG,
    stated=STATED,
    margins={"statement": margin},
    conditions=conditions(SLUG, zero_query_row=lambda at: at.last_row_is_zero),
    instances=lambda corner: relu_weights(SLUG, corner),
    without=lambda key: relu_weights(SLUG, without=key),
    excluded={
        "L = 1": "the statement is about one layer",
        "repeated eigenvalues": "Σ = I is an assumption",
    },
)

PLANE = Setting(isotropic(2, 1))


@pytest.mark.claim(slug="relu_attention_minimizer", grade="proof", range="all d, n ≥ 1, all P, Q")
def test_claim_relu_attention_minimizer(evidence: Evidence) -> None:
    """The loss, averaged exactly over the ReLU, is an expected square of an affine map of the products b a_jᵀ, and at
    the stated point its derivative vanishes in the direction of every product."""
    edits = ({"of_context": 0}, {"of_context": 1}, {"of_dim": 1}, {"weight": 1}, {"numerator": 1})
    mutants = [
        changed(STATED, "Lemma 5: Ω − ΓN is not 0", **edit)  # type: ignore[arg-type]
        for edit in (*edits, {"numerator": -2})
    ]
    evidence.prove(DERIVATION, STATEMENT, mutants, at=predicting(PLANE, minimizer(PLANE.task, RELU)))
    for name, keep in (("minimum", RELU), ("minimum of linear attention", LINEAR)):
        evidence.figure(name, f"${sympy.latex(sympy.factor(isotropic_minimum(keep).as_expr()))}$")
    evidence.chart(chart())


def chart() -> Chart:
    """Minimal losses of ReLU and linear attention against n."""
    lengths = [2**k for k in range(12)]
    tasks = [isotropic(5, length) for length in lengths]
    x = tuple(map(float, lengths))
    return Chart(
        title="What the ReLU costs: exact minimal loss of one layer",
        caption="d = 5, Σ = Ω = I. A ReLU on the scores lets each example through with probability 1/2. At its best "
        "the layer loses what linear attention loses with (d + 1)/(2d + 3) of the examples, 6/13 of them here.",
        x_label="examples $n$",
        y_label="minimal loss",
        x_scale="log",
        y_scale="log",
        series=(
            Series(label="ReLU attention", x=x, y=tuple(nearest(minimum(task, RELU)) for task in tasks)),
            Series(label="linear attention", x=x, y=tuple(nearest(minimum(task, LINEAR)) for task in tasks)),
        ),
    )


@pytest.mark.claim(
    slug="relu_attention_minimizer", grade="exact", range="d ≤ 2, n ≤ 2, random rational weights", parts=()
)
def test_claim_relu_attention_minimizer_by_coordinates(evidence: Evidence) -> None:
    """A second route, the layer multiplied out in coordinates: the same losses, and none below the minimum. At d = 1 a
    third one that knows no coins: the layer multiplied out on each pattern of signs, where the ReLU is known."""

    @given(relu_weights(SLUG))
    def agree(at: ReluWeights) -> None:
        d = at.setting.task.dim
        columns = [row[:d] for row in at.Q.tolist()]
        least = minimum(at.setting.task, RELU)
        assert at.loss() == loss(at.setting.task, list(at.b), columns, RELU) >= least

    agree()
    for u, beta, a in ((1, 2, 3), (-2, 1, 1), (1, 0, -1), (0, -1, 2)):
        one = ReluWeights(Setting(isotropic(1, 2)), (fmpq(u), fmpq(beta)), fmpq_mat([[a, 0], [0, 0]]))
        assert literal_loss(2, [[0, 0], [u, beta]], [[a, 0], [0, 0]]) == one.loss()
    evidence.figure("minimum at d = 2, n = 1", minimum(PLANE.task, RELU))


def row_is_dispensable() -> None:
    """The derivative vanishes in the products with the last row of Q too, and the excess is an expected square over all
    weights: the point is a global minimizer with the last row of Q free."""
    excess()
    gradient()
    residual(STATED)


def mask_is_dispensable() -> None:
    """Without the mask the query adds u·x_q σ(x_qᵀA_x x_q)/n. Under (w, ε) ↦ (−w, −ε) the error splits into an odd and
    an even part, uncorrelated; this adds to the even one, which is 0 at the stated point. The odd one is affine in the
    products, with derivative 0 there, so its square is at its least."""
    prove_own_key_is_even()
    gradient()
    residual(STATED)


@pytest.mark.claim(
    slug="relu_attention_minimizer", grade="exact", range="one instance per assumption", parts=()
)
def test_claim_relu_attention_minimizer_necessity(evidence: Evidence) -> None:
    """Each assumption dropped by itself: an exact instance where other weights win, or a check that none do."""
    one, line = isotropic(1, 1), RegressionTask(exact.identity(2), 1, exact.diagonal([1, 0]))
    skew = RegressionTask(exact.diagonal([1, "1/4"]), 1, exact.identity(2))
    noisy = isotropic(1, 1, noise_variance=1)
    zero = fmpq(0)
    instances = {
        "gaussian_covariates": predicting(Setting(isotropic(1, 2), covariates="signs"), fmpq_mat([["4/3"]])),
        "independent_task": predicting(Setting(one, weights="first_example"), fmpq_mat([["1/5"]])),
        "zero_query_label": ReluWeights(
            Setting(one, slot=fmpq(2)), (fmpq(-1), zero), fmpq_mat([[0, "1/3"], [0, 0]])
        ),
        "isotropic_covariates": predicting(Setting(skew), minimizer(skew, RELU)),
        "identity_task": predicting(Setting(line), minimizer(line, RELU)),
        "noiseless_labels": predicting(Setting(noisy), minimizer(noisy, RELU)),
    }
    for key, instance in instances.items():
        evidence.necessary(STATEMENT, key, instance)
    evidence.dispensable("masked_query", mask_is_dispensable)
    evidence.dispensable("zero_query_row", row_is_dispensable)
