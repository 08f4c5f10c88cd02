"""Ahn et al. (2023), Theorem 1: the global minimizer of one linear attention layer."""

import pytest
import sympy
from flint import fmpq, fmpq_mat
from hypothesis import given
from hypothesis import strategies as st

from icl_claims.claims.evidence import Evidence
from icl_claims.theory.algebra import exact
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.words import letter
from icl_claims.theory.one_layer.large_context import CONTEXT, EIGENVALUE, TRACE
from icl_claims.theory.one_layer.linear_attention import gradient_from_layer, query_entry
from icl_claims.theory.one_layer.products import prove_bilinear, prove_gradient, prove_residual_vanishes
from icl_claims.theory.one_layer.single_layer import (
    A_LABEL,
    A_X,
    BETA,
    GAMMA,
    U,
    loss,
    minimizer,
    minimum,
    normal_matrix,
)
from icl_claims.theory.task import RegressionTask
from tests.shared import coordinates
from tests.shared.coordinates import gaussian_prompt, layer_with
from tests.shared.instances import record_necessity
from tests.shared.strategies import matrices, positive_rationals, rationals, tasks_of
from tests.shared.theorem_one import MUTANTS, Eigenvalue, stated


def check_stationary(eigenvalue: Eigenvalue) -> None:
    """The gradient vanishes in every product direction b a_jᵀ, for all n, d and eigenvalues.

    It is tr((βA_x + u aᵀ) Σ (Ω − Γ N) Σ), an identity in all letters: the covariate and label blocks are
    zero by themselves. In an eigenbasis the remaining factor is 1 − γ(λ)(…) for each eigenvalue λ.
    """
    prove_bilinear(query_entry())
    prove_gradient(gradient_from_layer(GAMMA), normal_matrix())
    lam, trace, n = EIGENVALUE, TRACE, CONTEXT
    prove_residual_vanishes(
        normal_matrix(),
        covariance=lam,
        preconditioner=eigenvalue(lam, trace, n),
        trace=trace,
        context_length=n,
    )


@pytest.mark.claim(
    slug="global_minimizer",
    grade="proof",
    range="all d, n ≥ 1, Σ ⪰ 0 with tr Σ > 0, all P, Q",
    parts=("minimizer",),
)
def test_claim_global_minimizer_gradient_vanishes(evidence: Evidence) -> None:
    """f is convex in the products b a_jᵀ, an expected square of an affine map of them; at the stated point
    its gradient in every block of the products vanishes identically, and the stated weights attain it."""
    evidence.check(check_stationary, stated, MUTANTS)
    lam, trace, n = EIGENVALUE, TRACE, CONTEXT
    evidence.figure("eigenvalue of the minimizer", f"${sympy.latex(sympy.factor(stated(lam, trace, n)))}$")


@pytest.mark.claim(
    slug="global_minimizer", grade="proof", range="all d, n ≥ 1, γ ≠ 0, all P, Q", parts=("rescaling",)
)
def test_claim_global_minimizer_rescaling() -> None:
    """The query entry, hence the loss, is bilinear in (P, Q): γP and Q/γ give the same layer."""
    scale, inverse = letter("s", "1", "1"), letter("s_inverse", "1", "1")
    scaled = query_entry().substitute(
        {"u": U @ scale, "beta": BETA @ scale, "A_x": A_X * inverse, "a": A_LABEL @ inverse}
    )
    if scaled != query_entry() * (scale * inverse):
        raise Refuted("the layer is not bilinear in (b, A)")


@pytest.mark.claim(slug="global_minimizer", grade="exact", range="one instance per assumption", parts=())
def test_claim_global_minimizer_necessity(evidence: Evidence) -> None:
    """Each assumption dropped by itself: an exact instance where other weights win, or a proof."""
    record_necessity(evidence)


@pytest.mark.claim(
    slug="global_minimizer",
    grade="exact",
    range="d ≤ 3, n ≤ 7, random rational Σ and weights",
    parts=("minimizer", "rescaling"),
)
def test_claim_global_minimizer_no_weights_do_better() -> None:
    """For random Σ (singular ones too), n and weights, in exact arithmetic: no loss is below the minimum,
    the stated weights attain it, and rescaling does not change it."""

    @given(st.data())
    def at_least_the_minimum(data: st.DataObject) -> None:
        task = data.draw(tasks_of("global_minimizer"))
        d = task.dim
        A = data.draw(matrices(d + 1, d))
        b = data.draw(st.lists(rationals, min_size=d + 1, max_size=d + 1))
        scale = data.draw(positive_rationals)
        best = minimum(task)
        assert loss(task, b, A) >= best
        e_last = [fmpq(0)] * d + [fmpq(1)]
        stated_columns = [[-x for x in row] for row in minimizer(task).tolist()] + [[fmpq(0)] * d]
        assert loss(task, e_last, stated_columns) == best
        assert loss(task, e_last, fmpq_mat(stated_columns) + A / 97) >= best
        rescaled = [[x / scale for x in row] for row in stated_columns]
        assert loss(task, [scale * x for x in e_last], rescaled) == best

    at_least_the_minimum()


@pytest.mark.claim(slug="global_minimizer", grade="exact", range="d = 2, n ≤ 2", parts=("minimizer",))
def test_claim_global_minimizer_in_coordinates(evidence: Evidence) -> None:
    """A second route: the layer multiplied out in coordinates. Along every coordinate of (P, Q) the loss
    at the stated weights grows in both directions."""
    v, prompt = gaussian_prompt(2, [[1, 0], [0, 2]], [[1, 0], [0, 1]])
    task = RegressionTask(exact.diagonal([1, 4]), 2)

    def check_coordinates(gamma: fmpq_mat) -> None:
        P, Q = layer_with(gamma)
        centre = coordinates.loss(v, prompt, P, Q)
        for weights in (P, Q):
            for i in range(3):
                for j in range(3):
                    kept = weights[i][j]
                    for step in (fmpq(1, 50), fmpq(-1, 50)):
                        weights[i][j] = kept + step
                        if coordinates.loss(v, prompt, P, Q) < centre:
                            raise Refuted(f"entry ({i}, {j}) moved by {step} lowers the loss")
                    weights[i][j] = kept

    def at_eigenvalues(eigenvalue: Eigenvalue) -> fmpq_mat:
        return exact.diagonal(eigenvalue(*map(sympy.Integer, (lam, 5, 2))) for lam in (1, 4))

    mutants = {name: at_eigenvalues(eigenvalue) for name, eigenvalue in MUTANTS.items()}
    evidence.check(check_coordinates, minimizer(task), mutants)
    evidence.figure("minimum at Σ = diag(1, 4), n = 2", minimum(task))
