r"""The looped loss of infinitely long contexts, for any matrix A, exactly, with its gradient.

As n → ∞ the matrix S = XXᵀ/n tends to Σ. The loss of a layer with matrix A, looped L times, is a polynomial in A whose
coefficients are polynomials in 1/n, and tends to

    g(A) = tr(Σ G Ω Gᵀ),   G = K^L,   K = I − AᵀΣ,

coefficient by coefficient, its gradient to

    ∇g(A) = −2 Σ_{k<L} Σ K^{L−1−k} Ω Gᵀ Σ K^k.

On the task Ω = Σ⁻¹ and with A' = Σ^{1/2} A Σ^{1/2} the loss is ‖(I − A')^L‖_F², whatever the transposition.

Source: Gatmiry et al. (2024) for loops; derived here.
"""

from __future__ import annotations

from typing import Any

from flint import fmpq, fmpq_mat

from icl_claims.theory.algebra import exact, validation
from icl_claims.theory.algebra.validation import natural
from icl_claims.theory.task import RegressionTask

MOST_LOOPS = 100
"""The largest L."""


def limit_loss(task: RegressionTask, matrix: Any, loops: int) -> fmpq:
    """g(A), exactly: the loss of an infinitely long context. n and σ² of the task play no part.

    Args:
        task: Σ and Ω.
        matrix: A, any d × d matrix.
        loops: L, up to :data:`MOST_LOOPS`.

    Raises:
        TypeError, ValueError: ``matrix`` is no d × d matrix, or ``loops`` no integer in the range.

    >>> limit_loss(RegressionTask.isotropic(2, 1), [["1/2", 0], [0, "1/2"]], loops=2)
    1/8
    """
    powers = _powers(task, matrix, loops)
    return exact.inner(task.covariance * powers[-1] * task.task_covariance, powers[-1])


def limit_gradient(task: RegressionTask, matrix: Any, loops: int) -> fmpq_mat:
    """(∂g/∂A[i, j]), d × d, exactly. Arguments and errors as :func:`limit_loss`.

    >>> limit_gradient(RegressionTask.isotropic(1, 1), [["1/2"]], loops=2)
    [-1/2]
    """
    sigma, omega = task.covariance, task.task_covariance
    powers = _powers(task, matrix, loops)
    inner = omega * powers[-1].transpose() * sigma
    total = fmpq_mat(task.dim, task.dim)
    for k in range(len(powers) - 1):
        total += sigma * powers[len(powers) - 2 - k] * inner * powers[k]
    return total * -2


def _powers(task: RegressionTask, matrix: Any, loops: int) -> list[fmpq_mat]:
    """I, K, …, K^L."""
    a = validation.matrix("matrix", matrix, (task.dim, task.dim))
    identity = exact.identity(task.dim)
    K = identity - a.transpose() * task.covariance
    powers = [identity]
    for _ in range(natural("loops", loops, MOST_LOOPS)):
        powers.append(powers[-1] * K)
    return powers
