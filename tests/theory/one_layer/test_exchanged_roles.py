"""Critical points at which the label and a covariate exchange roles: each eigendirection with its own eigenvalue."""

from __future__ import annotations

import pytest
from flint import fmpq

from icl_claims.theory.one_layer.exchanged_roles import Weights, derivatives, exchanged_critical_point
from icl_claims.theory.one_layer.single_layer import loss, minimizer
from icl_claims.theory.task import RegressionTask
from tests.shared.lines import slope_at_zero

TASKS = [
    RegressionTask.diagonal([1, "1/16", 3], 4),
    RegressionTask.diagonal([2, "1/3"], 1, [1, 5], 9),
    RegressionTask.diagonal(["1/2"], 3),
]


def gradient(task: RegressionTask, weights: Weights) -> list[fmpq]:
    """The loss has degree at most 2 in each coordinate."""
    size = len(weights.b) ** 2
    return [slope_at_zero(lambda t, i=i: loss(task, *weights.moved({i: t})), 2) for i in range(size)]  # type: ignore[misc]


@pytest.mark.parametrize("task", TASKS, ids=["three", "noise", "one"])
def test_the_gradient_vanishes_in_every_eigendirection(task: RegressionTask) -> None:
    """And not with the eigenvalue of another direction, nor with twice its own."""
    gammas = [minimizer(task)[i, i] for i in range(task.dim)]
    assert len(set(gammas)) == task.dim
    for k in range(task.dim):
        weights = exchanged_critical_point(task, k)
        assert weights.A[task.dim] == [-gammas[k] * (j == k) for j in range(task.dim)]
        assert not any(gradient(task, weights))
        other = gammas[k - 1] if task.dim > 1 else 2 * gammas[k]
        row = [-other * (j == k) for j in range(task.dim)]
        assert any(gradient(task, Weights(weights.b, [*weights.A[:-1], row])))


def test_the_derivatives_are_those_of_the_loss() -> None:
    """Against the polynomial through the loss along lines: all slopes, and curvatures along sums of two axes."""
    task = RegressionTask([[2, 1], [1, 1]], 2, [[1, 0], [0, 3]], 1)
    at = Weights([fmpq(1, 2), fmpq(-1), fmpq(2, 3)], [[fmpq(i - j, 3) for j in range(2)] for i in range(3)])
    slopes, hessian = derivatives(task, at)
    assert slopes == gradient(task, at)
    assert hessian == hessian.transpose()
    for i, j in ((0, 1), (2, 8), (0, 3), (5, 6)):

        def along(t: int, i: int = i, j: int = j) -> fmpq:
            return slope_at_zero(lambda s: loss(task, *at.moved({i: s + t, j: s + t})), 4)

        total = hessian[i, i] + 2 * hessian[i, j] + hessian[j, j]
        assert slope_at_zero(along, 3) == total
