"""Ahn et al. (2023), Lemma 3: Σ = diag(λ), each f_j by itself, and the loss as their weighted sum."""

import pytest
from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st

from icl_claims.claims.evidence import Evidence
from icl_claims.theory.algebra import exact
from icl_claims.theory.algebra.blocks import Blocks
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.words import Words, eye
from icl_claims.theory.one_layer.large_context import CONTEXT, EIGENVALUE, TRACE
from icl_claims.theory.one_layer.products import factors, prove_component_gradients, prove_residual_vanishes
from icl_claims.theory.one_layer.single_layer import loss_polynomial, minimizer, normal_matrix
from icl_claims.theory.task import RegressionTask
from icl_claims.theory.transformer.attention import W
from icl_claims.theory.transformer.prompts import CROSS, LABEL_SQUARE, SIGMA, S, over_prompts
from tests.shared.instances import loses_to_the_minimum, record_necessity
from tests.shared.strategies import tasks_of
from tests.shared.theorem_one import MUTANTS, Eigenvalue
from tests.shared.theorem_one import stated as stated_eigenvalue


def check_components(eigenvalue: Eigenvalue) -> None:
    """The gradient of f_j in every block, E[(w_j − γ_j g_j)⟨G, Δ⟩] = 2 ((Ω − ΓN) Σ m)_j, vanishes."""
    prove_component_gradients(normal_matrix())
    prove_residual_vanishes(
        normal_matrix(),
        covariance=EIGENVALUE,
        preconditioner=eigenvalue(EIGENVALUE, TRACE, CONTEXT),
        trace=TRACE,
        context_length=CONTEXT,
    )


def check_decomposition(weight: Words) -> None:
    """f(b, A) = E[ρ weight ρᵀ], ρ_j = ⟨G, b a_jᵀ⟩ + w_j: for diagonal weight a weighted sum of the f_j."""
    b, A = factors()
    gram = Blocks([[S, CROSS], [CROSS.T, LABEL_SQUARE]])
    rho = (b @ gram @ A)[0, 0] + W.T
    if loss_polynomial() != over_prompts(rho @ weight @ rho.T):
        raise Refuted("the loss is not the weighted sum of the f_j")


@pytest.mark.claim(
    slug="global_minimizer_component_diagonal",
    grade="proof",
    range="all d, n ≥ 1, λ ≥ 0, all X",
    parts=("components",),
)
def test_claim_global_minimizer_component_diagonal(evidence: Evidence) -> None:
    """Each f_j is convex, an expected square of an affine map of X, and its gradient at X_j vanishes in
    every block, symbolically in n, λ_j and Σ_k λ_k."""
    evidence.check(check_components, stated_eigenvalue, MUTANTS)


@pytest.mark.claim(
    slug="global_minimizer_component_diagonal",
    grade="proof",
    range="all d, n ≥ 1, all b, A",
    parts=("decomposition",),
)
def test_claim_global_minimizer_component_diagonal_decomposition(evidence: Evidence) -> None:
    """f(b, A) = E[ρ Σ ρᵀ] identically in b, A, Σ, Ω, σ²; for Σ = diag(λ) that is Σ_j λ_j f_j(b a_jᵀ)."""
    mutants = {"unweighted sum": eye("d"), "weights λ²": SIGMA @ SIGMA, "weights 2λ": SIGMA * 2}
    evidence.check(check_decomposition, SIGMA, mutants)


@pytest.mark.claim(
    slug="global_minimizer_component_diagonal", grade="exact", range="d ≤ 3, n ≤ 7", parts=("components",)
)
def test_claim_global_minimizer_component_diagonal_in_numbers() -> None:
    """The calculator's minimizer is diagonal with the stated scalars, in exact arithmetic."""

    @given(st.data())
    def agrees(data: st.DataObject) -> None:
        task = data.draw(tasks_of("global_minimizer_component_diagonal"))
        n = fmpq(task.context_length)
        eigenvalues = [task.covariance[j, j] for j in range(task.dim)]
        scalars = [stated_eigenvalue(lam, sum(eigenvalues, fmpq(0)), n) for lam in eigenvalues]
        assert minimizer(task) == exact.diagonal(scalars)

    agrees()


@pytest.mark.claim(
    slug="global_minimizer_component_diagonal", grade="exact", range="one instance per assumption", parts=()
)
def test_claim_global_minimizer_component_diagonal_necessity(evidence: Evidence) -> None:
    """Each assumption dropped by itself: an exact instance where other weights win, or a proof."""
    record_necessity(evidence)
    task = RegressionTask([[2, 1], [1, 2]], 2)
    coordinatewise = minimizer(RegressionTask(exact.diagonal([2, 2]), 2))
    evidence.necessary(
        "diagonal_covariance",
        f"Σ = [[2, 1], [1, 2]] with λ_j read as Σ_jj, n = 2: {loses_to_the_minimum(task, coordinatewise)}",
    )
