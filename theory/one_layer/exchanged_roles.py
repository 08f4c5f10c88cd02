r"""Critical points of the single-layer loss at which the label and a covariate exchange roles.

In the products b a_jᵀ the loss is convex (:mod:`icl_claims.theory.one_layer.single_layer`); in the weights it
is not, and it can have local minima that are not global. At b = (e_k; 0), A = −γ_k e_{d+1} e_kᵀ, with γ_k the
k-th eigenvalue of Γ, the label and the covariate change roles, and the layer predicts with the rank-one
preconditioner γ_k e_k e_kᵀ. This is a critical point for every Σ = diag(λ) and n. Whether the Hessian
is semidefinite there is decided exactly by its characteristic polynomial.

Derived here; Ahn et al. (2023) describe the global minimizer only.
"""

from __future__ import annotations

from typing import NamedTuple

from flint import fmpq, fmpq_mat

from icl_claims.theory.one_layer.single_layer import loss, minimizer
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


def exchanged_critical_point(task: RegressionTask, k: int) -> Weights:
    """b = (e_k; 0), A = −γ_k e_{d+1} e_kᵀ, for a task with diagonal Σ and Ω; k counts from 0."""
    d, gamma = task.dim, minimizer(task)[k, k]
    b = [fmpq(int(i == k)) for i in range(d)] + [fmpq(0)]
    return Weights(b, [[fmpq(0)] * d for _ in range(d)] + [[-gamma * int(j == k) for j in range(d)]])


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
