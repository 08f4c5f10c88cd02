"""Where label and covariate change roles: critical in every eigendirection, and each condition of a strict minimum."""

from __future__ import annotations

import pytest
from flint import fmpq

from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.one_layer.exchanged_roles import (
    Weights,
    derivatives,
    exchanged_critical_point,
    exchanged_weights,
    prove_excess,
    prove_strict_local_minimum,
)
from icl_claims.theory.one_layer.single_layer import loss, minimizer, minimum
from icl_claims.theory.task import RegressionTask, isotropic
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


def test_steps_are_added_along_b_and_then_along_the_rows() -> None:
    zero = Weights([fmpq(0)] * 3, [[fmpq(0)] * 2 for _ in range(3)])
    moved = zero.moved({k: k + 1 for k in range(9)})
    assert (moved.b, moved.A) == ([1, 2, 3], [[4, 5], [6, 7], [8, 9]])


TASK = RegressionTask.diagonal([1, "1/16"], 4)


def predictor(task: RegressionTask) -> Weights:
    columns = [[-x for x in row] for row in minimizer(task).tolist()] + [[fmpq(0)] * task.dim]
    return Weights([fmpq(0)] * task.dim + [fmpq(1)], columns)


def test_a_strict_local_minimum() -> None:
    prove_strict_local_minimum(TASK, exchanged_critical_point(TASK, 0))
    prove_strict_local_minimum(TASK, predictor(TASK))
    with pytest.raises(Refuted, match="gradient"):
        prove_strict_local_minimum(TASK, exchanged_weights(2, 0, fmpq(1)))
    for saddle in ((TASK, 1), (isotropic(2, 4), 0)):
        with pytest.raises(Refuted, match="negative eigenvalue"):
            prove_strict_local_minimum(saddle[0], exchanged_critical_point(*saddle))
    singular = RegressionTask.diagonal([1, 0], 4)
    with pytest.raises(Refuted, match="kernel of the Hessian has dimension"):
        prove_strict_local_minimum(singular, predictor(singular))


def test_the_excess() -> None:
    point = exchanged_critical_point(TASK, 0)
    prove_excess(TASK, point, loss(TASK, *point) - minimum(TASK))
    with pytest.raises(Refuted, match="by this number"):
        prove_excess(TASK, point, fmpq(1))
    with pytest.raises(Refuted, match=r"not exceed the minimum$"):
        prove_excess(TASK, predictor(TASK), fmpq(0))
