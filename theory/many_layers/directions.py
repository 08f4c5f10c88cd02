r"""Directional derivatives of the loss at points of 𝒮 = {A_l = a_l Σ⁻¹}: only a multiple of Σ⁻¹ counts.

**Derivatives at a point of 𝒮.** In whitened coordinates A_l = a_l I, which UᵀA_lU leaves alone: the
derivative of f in directions (R_l) is that in directions (UᵀR_lU). Average over the signed permutations U:
signs cancel what is off the diagonal, permutations level the diagonal, and UᵀRU averages to (tr R/d) I. So

    Df(R_0, …, R_{L−1}) = Df(r_0 I, …, r_{L−1} I),   r_l = tr R_l/d,

that is, without whitening, R_l may be replaced by r_l Σ⁻¹ with r_l = tr(Σ^{1/2}R_lΣ^{1/2})/d = tr(ΣR_l)/d. As f is
Gaussian only by its invariance, the same holds for every law of Σ^{-1/2}x and Σ^{1/2}w that signed permutations
of the axes leave alone.

Source: Ahn et al. (2023), App. B.2, Eqs. (27)–(30), which average over random orthogonal U.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flint import fmpq, fmpq_mat

from icl_claims.theory.algebra import exact, validation
from icl_claims.theory.many_layers.matrix_layers import layered_gradient
from icl_claims.theory.task import RegressionTask


def reduced_direction(task: RegressionTask, R: Any) -> fmpq_mat:
    """R̃ = r Σ⁻¹ with r = tr(Σ^{1/2}RΣ^{1/2})/d = tr(ΣR)/d, exactly.

    Args:
        task: Σ must be positive definite.
        R: any d × d matrix.

    Raises:
        TypeError, ValueError: R is no d × d matrix, or Σ is singular.

    >>> task = RegressionTask([[2, 0], [0, 1]], context_length=3)
    >>> reduced_direction(task, [[1, 7], [0, 0]]).tolist()
    [[1/2, 0], [0, 1]]
    """
    direction = validation.matrix("R", R, (task.dim, task.dim))
    if not task.has_definite_covariance:
        raise ValueError(f"task must have a positive definite Σ, got {task.covariance.tolist()}")
    return task.covariance.inv() * (exact.trace(task.covariance * direction) / task.dim)


def directional_derivatives(
    task: RegressionTask, matrices: Sequence[Any], directions: Sequence[fmpq_mat]
) -> list[fmpq]:
    """⟨∇_{A_l} f, R_l⟩ at A_0, …, A_{L−1}, layer by layer, exactly; matrices as for ``layered_gradient``."""
    gradients = layered_gradient(task, matrices)
    return [exact.trace(g.transpose() * R) for g, R in zip(gradients, directions, strict=True)]
