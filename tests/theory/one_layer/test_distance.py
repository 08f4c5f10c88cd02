"""One layer beside the closed form: bounds that hold, are attained, and are withheld where they would not hold."""

from __future__ import annotations

from typing import Any

import pytest
from flint import fmpq, fmpq_mat
from hypothesis import given
from hypothesis import strategies as st

from icl_claims.numerics.eigenvalues import least_eigenvalue
from icl_claims.theory.algebra import exact
from icl_claims.theory.evaluation import at_task
from icl_claims.theory.one_layer import single_layer
from icl_claims.theory.one_layer.distance import Distance, distance, proved_least_eigenvalue
from icl_claims.theory.task import RegressionTask
from tests.shared.strategies import matrices, rationals, tasks

SIGMA = fmpq_mat([[2, 1], [1, 2]])
INVERSE = SIGMA.inv()
ODD_ONE = RegressionTask(SIGMA, 10, INVERSE * INVERSE - INVERSE * fmpq(4, 39))
"""Σ is not diagonal, and E[g gᵀ] is."""

DIAGONAL = RegressionTask.diagonal([2, "1/3"], 3, [1, 5], 9)
OTHER_TASK = RegressionTask(exact.diagonal([2, "1/3"]), 3, [[1, 1], [1, 5]], 9)
"""Σ is diagonal, and E[g gᵀ] is not."""

SINGULAR = RegressionTask(exact.diagonal([1, 0]), 3, exact.identity(2), 1)


def beside(task: RegressionTask, error: fmpq_mat) -> Distance:
    """The weights b = e_{d+1}, A = (−(Γ + E)ᵀ; 0)."""
    moved = (single_layer.minimizer(task) + error).transpose()
    columns = [[-x for x in row] for row in moved.tolist()] + [[fmpq(0)] * task.dim]
    return distance(task, [0] * task.dim + [1], columns, least_eigenvalue)


def test_entry_bounds_need_both_matrices_to_be_diagonal() -> None:
    """Σ alone, E[g gᵀ] alone, both, and both with a zero eigenvalue."""
    for task, given_both in ((DIAGONAL, True), (OTHER_TASK, False), (ODD_ONE, False), (SINGULAR, False)):
        found = beside(task, exact.identity(2) / 7)
        assert (found.squared_entry_bounds is not None) is given_both
        assert (found.squared_bound is not None) is (task is not SINGULAR)
    for task, diagonal in ((ODD_ONE, True), (OTHER_TASK, False)):
        assert exact.is_diagonal(at_task(single_layer.cross_second_moment(), task, {})) is diagonal


@pytest.mark.parametrize("task", [DIAGONAL, OTHER_TASK, ODD_ONE], ids=["diagonal", "other task", "odd one"])
@given(error=matrices(2, 2))
def test_no_error_exceeds_its_bound(task: RegressionTask, error: fmpq_mat) -> None:
    found = beside(task, error)
    assert found.preconditioner - found.closed_form == error
    assert found.squared_distance == exact.inner(error, error)
    assert found.squared_bound is not None
    assert found.squared_distance <= found.squared_bound
    for i, row in enumerate(found.squared_entry_bounds or ()):
        assert all(error[i, j] ** 2 <= bound for j, bound in enumerate(row))


def test_the_bounds_are_attained() -> None:
    """By an error in one entry that entry's bound, and in the least entry of both the bound on the norm."""
    for i in range(2):
        for j in range(2):
            error = fmpq_mat([[fmpq((p, q) == (i, j)) / 3 for q in range(2)] for p in range(2)])
            found = beside(DIAGONAL, error)
            assert found.squared_entry_bounds is not None
            assert found.squared_entry_bounds[i][j] == fmpq(1, 9)
            least = min(min(row) for row in found.squared_entry_bounds)
            assert least <= fmpq(1, 9)
            assert found.squared_bound == max(max(row) for row in found.squared_entry_bounds)


@given(tasks(max_dim=2).filter(lambda task: task.signal + task.noise_variance > 0), st.data())
def test_any_weights(task: RegressionTask, data: st.DataObject) -> None:
    """u, a and the scale free: loss, excess and the bound of the weights as they are."""
    b = data.draw(st.lists(rationals, min_size=task.dim + 1, max_size=task.dim + 1))
    A = data.draw(matrices(task.dim + 1, task.dim))
    found = distance(task, b, A, least_eigenvalue)
    assert found.loss == single_layer.loss(task, b, A)
    assert found.minimum == single_layer.minimum(task)
    assert found.excess == found.loss - found.minimum >= 0
    assert found.squared_bound is None or found.squared_distance <= found.squared_bound


@pytest.mark.parametrize(
    ("matrix", "proposed", "found"),
    [
        ([[2, 1], [1, 2]], 1, 1),
        ([[2, 1], [1, 2]], "1/2", "1/2"),
        ([[2, 1], [1, 2]], "1001/1000", 0),
        ([[2, 1], [1, 2]], 3, 0),  # the larger eigenvalue
        ([[2, 1], [1, 2]], -1, 0),
        ([[2, 1], [1, 2]], 0, 0),
        ([[1, 1], [1, 1]], "1/1000", 0),
        ([[5, 0], [0, 3]], 10**9, 3),  # diagonal: the proposal is not looked at
        ([[5, 0], [0, 3]], 1, 3),
    ],
)
def test_a_least_eigenvalue_is_proved(matrix: list[list[int]], proposed: Any, found: Any) -> None:
    def number(x: Any) -> fmpq:
        return exact.diagonal([x])[0, 0]

    assert proved_least_eigenvalue(fmpq_mat(matrix), number(proposed)) == number(found)


def test_a_task_without_labels_is_refused() -> None:
    with pytest.raises(ValueError, match="every label is 0"):
        distance(RegressionTask([[1]], 2, [[0]]), [0, 1], [[1], [0]], least_eigenvalue)
