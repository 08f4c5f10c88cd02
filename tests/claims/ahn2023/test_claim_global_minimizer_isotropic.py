"""Ahn et al. (2023), Eq. (7) and Lemma 2: the minimizer for Σ = I, coordinate by coordinate."""

from collections.abc import Callable

import pytest
import sympy
from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st

from icl_claims.claims.evidence import Evidence
from icl_claims.theory.algebra import exact, validation
from icl_claims.theory.one_layer.products import prove_component_gradients, prove_residual_vanishes
from icl_claims.theory.one_layer.single_layer import loss, minimizer, minimum, normal_matrix
from icl_claims.theory.task import RegressionTask, isotropic
from tests.shared.instances import loses_to_the_minimum, record_necessity
from tests.shared.strategies import rationals, tasks_of

n, d = sympy.symbols("n d", positive=True)

Scalar = Callable[[sympy.Expr, sympy.Expr], sympy.Expr]
"""(n, d) ↦ the scalar of −Q_0's block."""


def stated(n: sympy.Expr, d: sympy.Expr) -> sympy.Expr:
    """Eq. (7) as the paper writes it."""
    return 1 / ((n - 1) / n + (d + 2) / n)


MUTANTS: dict[str, Scalar] = {
    "d + 2 → d + 1": lambda n, d: 1 / ((n - 1) / n + (d + 1) / n),
    "n − 1 → n": lambda n, d: 1 / (1 + (d + 2) / n),
    "(d + 2)/n dropped": lambda n, d: n / (n - 1),
    "sign": lambda n, d: -stated(n, d),
    "Σ⁻¹ instead": lambda n, d: sympy.Integer(1),
}


def check_components(scalar: Scalar) -> None:
    """Every f_j is stationary in all blocks: E[(w − Γg)⟨G, Δ⟩] = 2 (Ω − ΓN) Σ m, zero at Γ = scalar · I."""
    prove_component_gradients(normal_matrix())
    prove_residual_vanishes(
        normal_matrix(), covariance=1, preconditioner=scalar(n, d), trace=d, context_length=n
    )


@pytest.mark.claim(slug="global_minimizer_isotropic", grade="proof", range="all d, n ≥ 1, Σ = I, all P, Q")
def test_claim_global_minimizer_isotropic(evidence: Evidence) -> None:
    """Each f_j is convex, an expected square of an affine map of X; its gradient at X_j vanishes in every
    block, symbolically in n and d. The X_j are the products of the stated P_0 and Q_0."""
    evidence.check(check_components, stated, MUTANTS)
    evidence.figure("scalar", f"${sympy.latex(sympy.cancel(stated(n, d)))}$")


@pytest.mark.claim(
    slug="global_minimizer_isotropic", grade="exact", range="d ≤ 3, n ≤ 7, random rational weights"
)
def test_claim_global_minimizer_isotropic_in_numbers() -> None:
    """The calculator's minimizer is the stated scalar times I; moving one product lowers no loss."""

    @given(st.data())
    def agrees(data: st.DataObject) -> None:
        task = data.draw(tasks_of("global_minimizer_isotropic"))
        scalar = validation.rational(
            "scalar", stated(sympy.Integer(task.context_length), sympy.Integer(task.dim))
        )
        assert minimizer(task) == scalar * exact.identity(task.dim)
        a = data.draw(st.lists(rationals, min_size=task.dim, max_size=task.dim))
        columns = [[-scalar * (i == j) for j in range(task.dim)] for i in range(task.dim)]
        columns[0] = [x + y for x, y in zip(columns[0], a, strict=True)]
        e_last = [fmpq(0)] * task.dim + [fmpq(1)]
        moved = loss(task, e_last, [*columns, [0] * task.dim])
        assert moved > minimum(task) or not any(a)

    agrees()


@pytest.mark.claim(
    slug="global_minimizer_isotropic", grade="exact", range="one instance per assumption", parts=()
)
def test_claim_global_minimizer_isotropic_necessity(evidence: Evidence) -> None:
    """Each assumption dropped by itself: an exact instance where other weights win, or a proof."""
    record_necessity(evidence)
    task = RegressionTask(exact.diagonal([1, 4]), 2)
    best = minimizer(isotropic(2, 2))
    evidence.necessary("isotropic_covariates", f"Σ = diag(1, 4), n = 2: {loses_to_the_minimum(task, best)}")
