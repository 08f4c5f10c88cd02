"""Which weights minimize the loss of one layer: strict convexity in the products, and their factors."""

import pytest
from flint import fmpq, fmpq_mat
from hypothesis import given
from hypothesis import strategies as st

from icl_claims.claims.evidence import Evidence
from icl_claims.theory.algebra import definiteness, exact
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.words import Words, letter, zero
from icl_claims.theory.evaluation import at_task
from icl_claims.theory.one_layer.convexity import hessian_form, squares
from icl_claims.theory.one_layer.single_layer import loss, minimizer, minimum, preconditioner_excess
from icl_claims.theory.task import RegressionTask, isotropic
from tests.shared.strategies import matrices, positive_rationals, rationals, tasks


def total(parts: dict[str, Words]) -> Words:
    return sum(parts.values(), zero("1", "1"))


def check_sum_of_squares(claimed: Words) -> None:
    """E⟨G, Δ⟩² is the claimed sum, identically in Δ, Σ, Ω, σ², n and d."""
    if hessian_form() != claimed:
        raise Refuted("the Hessian form is not the claimed sum of squares")


@pytest.mark.claim(
    slug="global_minimizer_uniqueness",
    grade="proof",
    range="all d, n ≥ 1, Σ ≻ 0, Ω ⪰ 0, tr ΣΩ + σ² > 0",
    parts=("strict_convexity",),
)
def test_claim_global_minimizer_uniqueness_strict_convexity(evidence: Evidence) -> None:
    """The Hessian form in a symmetric direction is a sum of squares as an identity: it vanishes only where
    δ = 0 (label_variance), then D = 0 (shifted, Σ ≻ 0), then m = 0 (cross, E[ggᵀ] ≻ 0)."""
    parts = squares()
    mutants = {f"without {name}": total(parts) - parts[name] for name in parts}
    mutants["2/n → 1/n in shifted"] = total(parts) - parts["shifted"] / 2
    evidence.check(check_sum_of_squares, total(parts), mutants)


def hessian_matrix(task: RegressionTask) -> fmpq_mat:
    """The matrix of Δ ↦ E⟨G, Δ⟩² in the standard basis of symmetric (d+1) × (d+1) matrices."""
    d = task.dim
    basis = [(i, j) for i in range(d + 1) for j in range(i + 1)]

    def form(*chosen: tuple[int, int]) -> fmpq:
        delta = fmpq_mat(d + 1, d + 1)
        for i, j in chosen:
            delta[i, j] += 1
            if i != j:
                delta[j, i] += 1
        rows = delta.tolist()
        values = {
            "D": fmpq_mat([row[:d] for row in rows[:d]]),
            "m": fmpq_mat([[row[d]] for row in rows[:d]]),
            "delta": fmpq_mat([[rows[d][d]]]),
        }
        return at_task(hessian_form(), task, values)[0, 0]

    alone = [form(x) for x in basis]
    return fmpq_mat(
        [
            [(form(x, y) - alone[i] - alone[j]) / 2 if i != j else alone[i] for j, y in enumerate(basis)]
            for i, x in enumerate(basis)
        ]
    )


@pytest.mark.claim(
    slug="global_minimizer_uniqueness", grade="exact", range="d ≤ 2, n ≤ 3", parts=("strict_convexity",)
)
def test_claim_global_minimizer_uniqueness_positive_definite_hessian() -> None:
    """The Hessian's matrix at random Σ ≻ 0 is positive definite by its characteristic polynomial."""

    @given(tasks({"positive_definite_covariance"}, max_dim=2, max_context=3))
    def definite(task: RegressionTask) -> None:
        if task.signal + task.noise_variance > 0:
            assert definiteness.is_positive_definite(hessian_matrix(task))

    definite()


def exchanged(task: RegressionTask) -> tuple[list[fmpq], list[list[fmpq]]]:
    """Weights in which b and the columns of A change roles: b = (γ; 0), A = (0; −c) with γ_j = c_j γ."""
    gamma = minimizer(task).tolist()
    lead = next(j for j in range(task.dim) if gamma[j][j] != 0)
    column = [row[lead] for row in gamma]
    multiples = [gamma[lead][j] / gamma[lead][lead] for j in range(task.dim)]
    return [*column, fmpq(0)], [[fmpq(0)] * task.dim for _ in range(task.dim)] + [[-c for c in multiples]]


RANKS = {
    1: [RegressionTask([[2]], 3), RegressionTask(exact.identity(2), 1, [[1, 2], [2, 4]])],
    2: [isotropic(2, 3), RegressionTask([[2, 1], [1, 2]], 2, [[1, 0], [0, 3]])],
    3: [isotropic(3, 2)],
}
"""Tasks by the rank of Ω."""


def check_orbits(single_from_rank: int) -> None:
    """The factors of the optimal products, in blocks, and the exchanged weights at tasks of each rank.

    b a_jᵀ + a_j bᵀ with b = (u; β), a_j = (v; α) has the blocks uvᵀ + vuᵀ = 0, αu + βv = −γ_j, 2αβ = 0. By
    the identity tr((uvᵀ + vuᵀ)²) = 2(uᵀv)² + 2‖u‖²‖v‖² the first says u = 0 or v = 0; then the others leave
    (u, α) = 0, βv = −γ_j, or the exchange (v, β) = 0, αu = −γ_j, in which u is parallel to every γ_j ≠ 0.
    """
    u, v = letter("u", "d", "1"), letter("v", "d", "1")
    symmetric = u @ v.T + v @ u.T
    squared = (u.T @ v) * (u.T @ v) * 2 + (u.T @ u) * (v.T @ v) * 2
    if (symmetric @ symmetric).trace() != squared:
        raise Refuted("tr((uvᵀ + vuᵀ)²) is not 2(uᵀv)² + 2‖u‖²‖v‖²")
    for rank, instances in RANKS.items():
        for task in instances:
            single = loss(task, *exchanged(task)) > minimum(task)
            if single != (rank >= single_from_rank):
                raise Refuted(f"at rank Ω = {rank} the orbit is {'single' if single else 'not single'}")


@pytest.mark.claim(
    slug="global_minimizer_uniqueness",
    grade="proof",
    range="all d, n ≥ 1, Σ ≻ 0, Ω ⪰ 0, tr ΣΩ + σ² > 0",
    parts=("orbits",),
)
def test_claim_global_minimizer_uniqueness_orbits(evidence: Evidence) -> None:
    """The symmetric parts of the products are unique, and their factors are fixed up to scale and exchange;
    the exchange attains the minimum exactly when rank Ω = 1, so for d = 1 always."""
    evidence.check(check_orbits, 2, {"one orbit also at rank 1": 1, "two orbits also at rank 2": 3})
    task = RegressionTask([[1]], 2)
    b, A = exchanged(task)
    evidence.figure("a second minimizer, d = 1, n = 2", f"b = ({b[0]}, {b[1]}), A = ({A[0][0]}; {A[1][0]})")


@pytest.mark.claim(
    slug="global_minimizer_uniqueness", grade="exact", range="one instance per assumption", parts=()
)
def test_claim_global_minimizer_uniqueness_necessity(evidence: Evidence) -> None:
    """Each assumption dropped by itself, in exact arithmetic."""
    singular = RegressionTask(exact.diagonal([1, 0]), 2)
    gamma = minimizer(singular)
    columns = [[-gamma[0, 0], 0], [0, 5], [0, 0]]
    if loss(singular, [0, 0, 1], columns) != minimum(singular):
        raise Refuted("moving A on the kernel of Σ changes the loss")
    evidence.necessary(
        "positive_definite_covariance", "Σ = diag(1, 0), n = 2: the entry of A on the kernel of Σ is free."
    )
    rank_one = RegressionTask(exact.identity(2), 1, [[1, 2], [2, 4]])
    if loss(rank_one, *exchanged(rank_one)) != minimum(rank_one):
        raise Refuted("at rank one the exchanged weights do not attain the minimum")
    evidence.necessary(
        "rank_two_task",
        "Ω = (1, 2)ᵀ(1, 2), Σ = I, n = 1: b = (γ; 0), A = (0; −cᵀ) attains the minimum as well.",
    )


@pytest.mark.claim(
    slug="global_minimizer_uniqueness", grade="exact", range="d ≤ 3, n ≤ 7", parts=("strict_convexity",)
)
def test_claim_global_minimizer_uniqueness_excess_bounds_distance() -> None:
    """f − min f ≥ tr(Σ E E[ggᵀ] Eᵀ) at random weights, with equality where only the preconditioner deviates:
    the bound by which trained weights are judged."""

    @given(st.data())
    def bounds(data: st.DataObject) -> None:
        task = data.draw(tasks({"positive_definite_covariance"}))
        if task.signal + task.noise_variance == 0:
            return
        d = task.dim
        A = data.draw(matrices(d + 1, d))
        b = data.draw(st.lists(rationals, min_size=d + 1, max_size=d + 1))
        assert loss(task, b, A) - minimum(task) >= preconditioner_excess(task, b, A) >= 0
        scale = data.draw(positive_rationals)
        only = [*A.tolist()[:d], [fmpq(0)] * d]
        e_last = [fmpq(0)] * d + [scale]
        assert loss(task, e_last, only) - minimum(task) == preconditioner_excess(task, e_last, only)

    bounds()
