"""One layer of ReLU attention for any Σ, Ω and σ²: its global minimizer, beyond Ahn et al. (2023), Theorem 5."""

from typing import Any

import pytest
import sympy
from hypothesis import assume, given
from hypothesis import strategies as st

from icl_claims.claims.evidence import Evidence
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.words import Words, d, eye, n, one, sigma2, zero
from icl_claims.theory.evaluation import vanishes
from icl_claims.theory.one_layer.products import prove_bilinear, prove_gradient
from icl_claims.theory.one_layer.single_layer import (
    GAMMA,
    LINEAR,
    RELU,
    isotropic_minimum,
    loss,
    loss_polynomial,
    minimum,
    normal_matrix,
    product_gradient,
    score,
    value,
)
from icl_claims.theory.task import RegressionTask
from icl_claims.theory.transformer.prompts import OMEGA, SIGMA
from tests.shared import relu_coins
from tests.shared.coordinates import gaussian_prompt
from tests.shared.strategies import matrices, rationals, tasks_of

NormalMatrix = tuple[Any, Any]
"""(p, q) in ℚ(n, d) for the matrix p ΣΩ + q (tr ΣΩ + σ²) I whose inverse Γ = Ω(⋯)⁻¹ has, with Q_0 = −2 diag(Γ, 0)."""


def check_general(coefficients: NormalMatrix) -> None:
    """With ΓN = Ω the weights −2Γ make the gradient vanish; the value is an identity in Γ."""
    prove_bilinear(value() * score())
    prove_gradient(product_gradient(keep=RELU) * 2, normal_matrix(RELU))
    label_variance = (SIGMA @ OMEGA).trace() + one() * sigma2
    claimed = SIGMA @ OMEGA * coefficients[0] + eye("d") * label_variance * coefficients[1]
    if normal_matrix(RELU) * 2 != claimed:
        raise Refuted("the stated matrix is not that of the gradient at 2Γ")


def value_at(share: Any) -> None:
    """f(e_{d+1}, (−Γ; 0)) = tr ΣΩ − share · tr(ΣΓΣΩ) − ½ tr((Ω − ΓN)ΣΓΣ) as polynomials in Γ; the last vanishes."""
    at_point: dict[str, Words] = {"u": zero("d", "1"), "beta": one(), "A_x": -GAMMA, "a": zero("d", "1")}
    residual = OMEGA - GAMMA @ normal_matrix(RELU)
    rest = (residual @ SIGMA @ GAMMA @ SIGMA).trace() / 2
    signal = (SIGMA @ OMEGA).trace() - (SIGMA @ GAMMA @ SIGMA @ OMEGA).trace() * share
    if loss_polynomial(RELU).substitute(at_point) != signal - rest:
        raise Refuted("the value is not tr ΣΩ − share · tr(ΣΓΣΩ)")


@pytest.mark.claim(
    slug="relu_attention_minimizer_general_task",
    grade="proof",
    range="all d, n ≥ 1, Σ, Ω ⪰ 0, σ² ≥ 0, all P, Q",
)
def test_claim_relu_attention_minimizer_general_task(evidence: Evidence) -> None:
    """The gradient in all product directions vanishes where ΓN = Ω; the value there is an identity in all letters,
    and for Σ = Ω = I that of linear attention with (d + 1)n/(2d + 3) examples."""
    evidence.check(
        check_general,
        ((n + 3) / n, 2 / n),
        {
            "n + 3 → n + 2": ((n + 2) / n, 2 / n),
            "n + 3 → n + 1": ((n + 1) / n, 2 / n),
            "trace term of linear attention": ((n + 3) / n, 1 / n),
            "1/n dropped": ((n + 3) / n, 2 * n / n),
        },
    )
    # The statement's Γ is half of the one here.
    evidence.check(
        value_at, n / (2 * n), {"share 1, as for linear attention": n / n, "share 1/4": n / (4 * n)}
    )
    share = (d + 1) / (2 * d + 3)
    if isotropic_minimum(RELU) != d * (2 * d + 3) / (n + 2 * d + 3):
        raise Refuted("the isotropic minimum is not d(2d + 3)/(n + 2d + 3)")
    linear = isotropic_minimum(LINEAR).as_expr().subs({"n": (n * share).as_expr()})
    if not vanishes(isotropic_minimum(RELU).as_expr() - linear):
        raise Refuted("the isotropic minimum is not that of (d + 1)n/(2d + 3) examples")
    evidence.figure("share of the examples that linear attention needs", f"${sympy.latex(share.as_expr())}$")


@pytest.mark.claim(
    slug="relu_attention_minimizer_general_task",
    grade="exact",
    range="d ≤ 3, n ≤ 7, random rational Σ, Ω, σ², weights",
)
def test_claim_relu_attention_minimizer_general_task_no_weights_do_better() -> None:
    """No rational weights lose less, for any rational Σ, Ω, σ², singular ones too; coordinates agree at d = 2."""

    @given(st.data())
    def at_least_the_minimum(data: st.DataObject) -> None:
        task = data.draw(tasks_of("relu_attention_minimizer_general_task"))
        assume(task.signal + task.noise_variance > 0)
        size = task.dim
        A, b = (
            data.draw(matrices(size + 1, size)),
            data.draw(st.lists(rationals, min_size=size + 1, max_size=size + 1)),
        )
        assert minimum(task, RELU) <= loss(task, b, A, RELU)

    at_least_the_minimum()
    v, prompt = gaussian_prompt(2, [[1, 1], [0, 2]], [[1, 0], [1, 1]], noise=1)
    task = RegressionTask([[2, 2], [2, 4]], 2, [[1, 1], [1, 2]], 1)
    P, Q = [[0, 0, 0], [0, 0, 0], [1, -2, 3]], [[1, 2, 0], [0, -1, 0], [1, 1, 0]]
    if relu_coins.loss(v, prompt, P, Q) != loss(task, P[2], [row[:2] for row in Q], RELU):
        raise Refuted("the loss in coordinates is another one")
