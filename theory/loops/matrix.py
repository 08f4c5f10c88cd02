r"""The loss of one layer with any matrix A, looped L times, exactly, with its derivatives.

It is f(A, …, A), f the loss of L layers with matrices A_0, …, A_{L−1}
(:mod:`icl_claims.theory.many_layers.matrix_layers`).

For symmetric A there is a second route, and a faster one: with Σ' = A^{1/2} Σ A^{1/2} and S' of that covariance,
(I − AS)^L = A^{1/2} (I − S')^L A^{−1/2}, so two-sided moments suffice (:mod:`icl_claims.theory.wishart.covariance`).
Roots of A cancel in the result, which is a polynomial in A: what holds for positive definite A holds for every
symmetric A, singular or indefinite.

Source: Gatmiry et al. (2024) for loops; the routes are derived here.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import comb
from typing import Any

from flint import fmpq, fmpq_mat, fmpq_poly, fmpz

from icl_claims.theory.algebra import exact, validation
from icl_claims.theory.algebra.exact import integer_trace
from icl_claims.theory.algebra.polynomials import inner_product
from icl_claims.theory.algebra.validation import natural
from icl_claims.theory.many_layers.matrix_layers import Evaluation, pattern_hessian
from icl_claims.theory.task import RegressionTask
from icl_claims.theory.wishart import near_hooks, two_sided

MOST_LOOPS = 7
"""The most loops of one general matrix: 7 take two seconds, and their layout 100 MB."""

MOST_SYMMETRIC_LOOPS = two_sided.LARGEST_TWO_SIDED_ORDER
"""The most loops of one symmetric matrix."""


def looped_loss(task: RegressionTask, matrix: Any, loops: int) -> fmpq:
    """f(A, …, A) of one layer looped L times, exactly.

    Args:
        task: the distribution of prompts, any Σ, Ω and σ².
        matrix: A, any d × d matrix. A symmetric one takes the faster route by two-sided moments.
        loops: L, up to :data:`MOST_LOOPS`, or :data:`MOST_SYMMETRIC_LOOPS` for symmetric A.

    Raises:
        TypeError, ValueError: ``matrix`` is no d × d matrix, or ``loops`` no integer in the range.

    >>> looped_loss(RegressionTask.isotropic(dim=1, context_length=1), [["1/2"]], loops=2)
    41/16
    """
    a = validation.matrix("matrix", matrix, (task.dim, task.dim))
    if a == a.transpose():
        return symmetric_looped_loss(task, a, loops)
    return _looped(task, a, loops).loss()


def looped_gradient(task: RegressionTask, matrix: Any, loops: int) -> fmpq_mat:
    """(∂f/∂A[i, j]), d × d, of the looped loss, exactly. Arguments and errors as :func:`looped_loss`."""
    a = validation.matrix("matrix", matrix, (task.dim, task.dim))
    gradients = _looped(task, a, loops).gradient()
    return gradients[0] if gradients else fmpq_mat(task.dim, task.dim)


def looped_hessian(task: RegressionTask, matrix: Any, loops: int) -> fmpq_mat:
    """The second derivatives of the looped loss, d² × d², exactly: row i d + j is A[i, j]."""
    a = validation.matrix("matrix", matrix, (task.dim, task.dim))
    if not natural("loops", loops, MOST_LOOPS):
        return fmpq_mat(task.dim**2, task.dim**2)
    return pattern_hessian(task, [a], (0,) * loops)


def symmetric_looped_loss(task: RegressionTask, matrix: Any, loops: int) -> fmpq:
    """The looped loss at a symmetric A by two-sided moments, exactly. Arguments as :func:`looped_loss`.

    With K = AΣ: f = Σ_{i,j} (−1/n)^{i+j} C(L, i) C(L, j) tr(Σ A^{1/2} E[W'^i A^{−1/2} Ω A^{−1/2} W'^j] A^{1/2})
    + (σ²/n) Σ_k c_k tr(Σ A^{1/2} E[S'^k] A^{1/2}), c_k the coefficients of (1 − (1 − s)^L)²/s, in which

        A^{1/2} Σ'^a A^{−1/2} Ω A^{−1/2} Σ'^b A^{1/2} = K^a Ω (Kᵀ)^b,   A^{1/2} Σ'^b A^{1/2} = K^b A,
        tr Σ'^r = tr K^r,   tr(A^{−1/2} Ω A^{−1/2} Σ'^r) = tr(ΩΣ K^{r−1}).

    Raises:
        ValueError: A is not symmetric; and as :func:`looped_loss`.

    >>> symmetric_looped_loss(RegressionTask.isotropic(dim=2, context_length=5), [["5/8", 0], [0, "5/8"]], 1)
    3/4
    """
    a = validation.matrix("matrix", matrix, (task.dim, task.dim))
    if a != a.transpose():
        raise ValueError(f"matrix must be symmetric, got {a.tolist()}")
    loops = natural("loops", loops, MOST_SYMMETRIC_LOOPS)
    n = task.context_length
    (sigma, sigma_unit), (omega, omega_unit) = (
        task.covariance.numer_denom(),
        task.task_covariance.numer_denom(),
    )
    scaled, unit = a.numer_denom()
    left = [exact.identity(task.dim).numer_denom()[0]]
    for _ in range(2 * loops):
        left.append(left[-1] * scaled * sigma)
    right = [omega * m.transpose() for m in left]
    plain = [m * scaled for m in left]
    sums = [integer_trace(m) for m in left[1:]] or [fmpz(0)]
    tau = [integer_trace(omega * sigma * m) for m in left[:-1]] or [fmpz(0)]
    table = two_sided.two_sided_table(loops, n, True)
    base = n * unit * sigma_unit
    total = fmpq(0)
    for (i, j), entry in table.items():
        count = comb(loops, i) * comb(loops, j) * (1 if i == j else 2)
        value = integer_trace(sigma * entry.at([*sums, *tau], left, right, right, plain))
        total += fmpq((-1) ** (i + j) * count * value, base ** (i + j))
    return total / (omega_unit * sigma_unit) + task.noise_variance * _symmetric_noise(
        loops, n, base, sums, [integer_trace(sigma * m) for m in plain]
    )


def _symmetric_noise(loops: int, n: int, base: fmpz, sums: Sequence[fmpz], traces: Sequence[fmpz]) -> fmpq:
    """(1/n) Σ_k c_k E tr(Σ A^{1/2} S'^k A^{1/2}), from tr K^r and tr(Σ K^r A), scaled to integers."""
    if loops == 0:
        return fmpq(0)
    top = 2 * loops - 1
    total = fmpq(0)
    _, rows, denominators = near_hooks.at_power_sums(top, n, sums[:top])
    shrink = fmpq_poly([1, -1]) ** loops
    square = (1 - shrink) * (1 - shrink)
    for k in range(1, top + 1):
        moment = inner_product(rows[k], traces, fmpz(0))
        total += square[k + 1] * moment / (denominators[k] * base ** (k + 1))
    return total


def _looped(task: RegressionTask, a: fmpq_mat, loops: int) -> Evaluation:
    return Evaluation(task, [a], (0,) * natural("loops", loops, MOST_LOOPS))
