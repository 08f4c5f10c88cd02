r"""Critical points of the single-layer loss at which the label and a covariate exchange roles.

In the products b a_jᵀ the loss is convex (:mod:`icl_claims.theory.one_layer.single_layer`); in the weights it
is not, and it can have local minima that are not global. At b = (e_k; 0), A = −γ_k e_{d+1} e_kᵀ, with γ_k the
k-th eigenvalue of Γ, the label and the covariate change roles, and the layer predicts with the rank-one
preconditioner γ_k e_k e_kᵀ. This is a critical point for every Σ = diag(λ) and n. Whether the Hessian
is semidefinite there is decided exactly, by balls or by its characteristic polynomial.

Derived here; Ahn et al. (2023) describe the global minimizer only.
"""

from __future__ import annotations

from typing import NamedTuple

from flint import fmpq, fmpq_mat

from icl_claims.theory.algebra.definiteness import is_positive_semidefinite
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.one_layer.single_layer import loss, minimizer, minimum
from icl_claims.theory.task import RegressionTask


class Weights(NamedTuple):
    """b, d + 1 numbers, and A, d + 1 rows of d numbers."""

    b: list[fmpq]
    A: list[list[fmpq]]

    def moved(self, steps: dict[int, int]) -> Weights:
        """The weights with steps added to coordinates, numbered along b and then along the rows of A."""
        d = len(self.b) - 1
        return Weights(
            [x + steps.get(i, 0) for i, x in enumerate(self.b)],
            [
                [x + steps.get(d + 1 + i * d + j, 0) for j, x in enumerate(row)]
                for i, row in enumerate(self.A)
            ],
        )


def exchanged_weights(dim: int, k: int, gamma: fmpq) -> Weights:
    """b = (e_k; 0), A = −γ e_{d+1} e_kᵀ, for any number γ; k counts from 0."""
    b = [fmpq(int(i == k)) for i in range(dim)] + [fmpq(0)]
    return Weights(b, [[fmpq(0)] * dim for _ in range(dim)] + [[-gamma * int(j == k) for j in range(dim)]])


def exchanged_critical_point(task: RegressionTask, k: int) -> Weights:
    """The exchanged weights with γ = γ_k, for a task with diagonal Σ and Ω.

    >>> exchanged_critical_point(RegressionTask.diagonal([1, 2], 1), 1).A[2]
    [0, -1/7]
    """
    return exchanged_weights(task.dim, k, minimizer(task)[k, k])


def derivatives(task: RegressionTask, weights: Weights) -> tuple[list[fmpq], fmpq_mat]:
    """Gradient and Hessian of f in all coordinates of (b, A), exactly.

    f has degree at most 2 in each coordinate and, in two of them, no other monomial of odd degree in both
    than their product: so central differences with steps ±1 are the derivatives, not approximations.
    """
    size = len(weights.b) * len(weights.b)
    steps = range(size)
    centre = loss(task, *weights)
    ahead, behind = ([loss(task, *weights.moved({i: sign})) for i in steps] for sign in (1, -1))
    hessian = fmpq_mat(size, size)
    for i in steps:
        hessian[i, i] = ahead[i] + behind[i] - 2 * centre
        for j in range(i):
            corners = {(s, t): loss(task, *weights.moved({i: s, j: t})) for s in (1, -1) for t in (1, -1)}
            mixed = sum((s * t * value for (s, t), value in corners.items()), fmpq(0)) / 4
            hessian[i, j] = hessian[j, i] = mixed
    return [(a - b) / 2 for a, b in zip(ahead, behind, strict=True)], hessian


def prove_strict_local_minimum(task: RegressionTask, weights: Weights) -> None:
    """f has a local minimum at the weights, a strict one but for the rescaling b ← γb, A ← A/γ.

    The gradient vanishes, and the Hessian is positive semidefinite with a kernel of dimension 1. The loss is constant
    along the rescaling, so its direction (b, −A) ≠ 0 lies in the kernel, and is all of it: across the orbit the
    Hessian is positive definite.

    Raises:
        Refuted: one of the three fails.

    >>> task = RegressionTask.diagonal([1, "1/16"], 4)
    >>> prove_strict_local_minimum(task, exchanged_critical_point(task, 0))
    """
    gradient, hessian = derivatives(task, weights)
    if any(gradient):
        raise Refuted("the gradient does not vanish")
    if not is_positive_semidefinite(hessian):
        raise Refuted("the Hessian has a negative eigenvalue")
    if hessian.rank() != hessian.nrows() - 1:
        raise Refuted(f"the kernel of the Hessian has dimension {hessian.nrows() - hessian.rank()}")


def prove_excess(task: RegressionTask, weights: Weights, excess: fmpq) -> None:
    """f at the weights exceeds min f by this number, which is positive.

    Raises:
        Refuted: it exceeds it by another number, or the number is not positive.

    >>> prove_excess(RegressionTask([[1]], 1), exchanged_weights(1, 0, fmpq(0)), fmpq(1, 3))
    """
    if loss(task, *weights) - minimum(task) != excess:
        raise Refuted("the loss does not exceed the minimum by this number")
    if excess <= 0:
        raise Refuted("the loss does not exceed the minimum")
