r"""One trained layer beside the closed form: exact loss, exact distance, and what the loss alone says of it.

The effective preconditioner −(β A_x + u aᵀ)ᵀ is that of the blocks b = (u, β) of P's last row and (A_x; aᵀ)
of Q's first d columns: to first order in the labels the layer predicts x_qᵀ (·) g. No gauge P ← γP, Q ← Q/γ
changes it. E is its difference from the closed form Γ.

**Bound.** With 𝒢 = E[g gᵀ], tr(Σ E 𝒢 Eᵀ) ≤ f − min f
(:func:`icl_claims.theory.one_layer.single_layer.preconditioner_excess`).
As tr(Σ E 𝒢 Eᵀ) ≥ λ_min(Σ) tr(E 𝒢 Eᵀ) ≥ λ_min(Σ) λ_min(𝒢) ‖E‖_F² for Σ, 𝒢 ⪰ 0,

    ‖E‖_F² ≤ (f − min f) / (λ_min(Σ) λ_min(𝒢)).

Where Σ and 𝒢 are diagonal, the trace is Σ_ij Σ_ii 𝒢_jj E_ij², so that each entry has its own bound
E_ij² ≤ (f − min f) / (Σ_ii 𝒢_jj). Both say how far weights of that loss can be at all.

Source: Ahn et al. (2023), Theorem 1, for the closed form; the bounds are derived here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flint import fmpq, fmpq_mat

from icl_claims.theory.algebra import exact, validation
from icl_claims.theory.evaluation import at_task
from icl_claims.theory.one_layer import single_layer
from icl_claims.theory.task import RegressionTask


@dataclass(frozen=True)
class Distance:
    """One layer's weights beside the closed form. Every number is exact for the weights as given.

    Attributes:
        loss, minimum: f at the weights and min f.
        preconditioner, closed_form: −(β A_x + u aᵀ)ᵀ and Γ, d × d.
        squared_bound: an upper bound on ‖E‖_F²; None where Σ or 𝒢 is singular, or too close to it.
        squared_entry_bounds: upper bounds on E_ij², row by row; None where Σ or 𝒢 is not diagonal or singular.
    """

    loss: fmpq
    minimum: fmpq
    preconditioner: fmpq_mat
    closed_form: fmpq_mat
    squared_bound: fmpq | None
    squared_entry_bounds: tuple[tuple[fmpq, ...], ...] | None

    @property
    def excess(self) -> fmpq:
        """f − min f ≥ 0."""
        return self.loss - self.minimum

    @property
    def squared_distance(self) -> fmpq:
        """‖E‖_F²."""
        error = self.preconditioner - self.closed_form
        return exact.inner(error, error)


def distance(
    task: RegressionTask, b: object, A: object, least_eigenvalue: Callable[[fmpq_mat], fmpq]
) -> Distance:
    """Where one layer's weights sit.

    Args:
        task: the distribution of prompts.
        b: last row of P, d + 1 numbers.
        A: first d columns of Q, (d+1) × d.
        least_eigenvalue: a positive semidefinite matrix ↦ a rational lower bound on its least eigenvalue that is
            proved (:func:`proved_least_eigenvalue`).

    Raises:
        TypeError, ValueError: an argument has the wrong shape, an entry is no finite number, or every label of
            the task is 0.

    >>> found = distance(RegressionTask.isotropic(1, 1), [0, 1], [["-1/4"], [0]], lambda m: m[0, 0])
    >>> found.preconditioner[0, 0], found.closed_form[0, 0], found.excess, found.squared_bound
    (1/4, 1/3, 1/48, 1/144)
    """
    d = task.dim
    preconditioner = single_layer.effective_preconditioner(single_layer.weight_blocks(task, b, A))
    moment = at_task(single_layer.cross_second_moment(), task, {})
    least = least_eigenvalue(task.covariance) * least_eigenvalue(moment)
    loss, minimum = single_layer.loss(task, b, A), single_layer.minimum(task)
    excess = loss - minimum
    entries = None
    if least > 0 and exact.is_diagonal(task.covariance) and exact.is_diagonal(moment):
        entries = tuple(
            tuple(excess / (task.covariance[i, i] * moment[j, j]) for j in range(d)) for i in range(d)
        )
    return Distance(
        loss=loss,
        minimum=minimum,
        preconditioner=preconditioner,
        closed_form=single_layer.minimizer(task),
        squared_bound=excess / least if least > 0 else None,
        squared_entry_bounds=entries,
    )


def proved_least_eigenvalue(matrix: fmpq_mat, proposed: fmpq) -> fmpq:
    """``proposed`` if it is a lower bound on λ_min of a positive semidefinite matrix, else 0, which always is.

    M − cI ⪰ 0 is decided exactly (:func:`icl_claims.theory.algebra.validation.semidefinite`), so that no proposal, from
    float64 or from anywhere, can make the bound too large. Of a diagonal matrix the least entry is returned.

    >>> proved_least_eigenvalue(fmpq_mat([[2, 1], [1, 2]]), fmpq(1))
    1
    >>> proved_least_eigenvalue(fmpq_mat([[2, 1], [1, 2]]), fmpq(1001, 1000))
    0
    """
    if exact.is_diagonal(matrix):
        return min(matrix[i, i] for i in range(matrix.nrows()))
    if proposed <= 0:
        return fmpq(0)
    try:
        validation.semidefinite("shifted", matrix - exact.identity(matrix.nrows()) * proposed)
    except ValueError:
        return fmpq(0)
    return proposed
