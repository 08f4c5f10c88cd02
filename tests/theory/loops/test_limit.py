"""The loss of infinitely long contexts, against losses at long ones and against its own differences."""

from __future__ import annotations

import pytest
from flint import fmpq, fmpq_mat
from hypothesis import given
from hypothesis import strategies as st

from icl_claims.theory.algebra import exact
from icl_claims.theory.loops.limit import MOST_LOOPS, limit_gradient, limit_loss
from icl_claims.theory.loops.matrix import looped_gradient, looped_loss
from icl_claims.theory.task import RegressionTask
from tests.shared.looped_flow import interpolated
from tests.shared.strategies import matrices, tasks


@given(st.data(), tasks(max_dim=2), st.integers(0, 3))
def test_gradient_is_that_of_the_loss(data: st.DataObject, task: RegressionTask, loops: int) -> None:
    A, H = (data.draw(matrices(task.dim, task.dim)) for _ in range(2))
    along = interpolated([limit_loss(task, A + H * t, loops) for t in range(2 * loops + 1)])
    assert along.derivative()(0) == exact.inner(limit_gradient(task, A, loops), H)


@given(st.data(), tasks(("noiseless_labels",), max_dim=2), st.integers(1, 2))
def test_long_contexts_come_close_at_the_rate_one_over_n(
    data: st.DataObject, task: RegressionTask, loops: int
) -> None:
    A = data.draw(matrices(task.dim, task.dim))

    def distance(n: int) -> fmpq:
        at = RegressionTask(task.covariance, n, task.task_covariance)
        slopes = looped_gradient(at, A, loops) - limit_gradient(task, A, loops)
        return abs(looped_loss(at, A, loops) - limit_loss(task, A, loops)) + exact.inner(slopes, slopes)

    assert distance(10**12) * 10**6 <= distance(1) + 1


def test_at_the_inverse_the_limit_is_zero() -> None:
    task = RegressionTask.whitened([[2, 1], [1, 1]], 1)
    assert limit_loss(task, task.covariance.inv(), 2) == 0
    assert limit_gradient(task, task.covariance.inv(), 2) == fmpq_mat(2, 2)


@pytest.mark.parametrize("loops", [-1, MOST_LOOPS + 1])
def test_too_many_loops_are_refused(loops: int) -> None:
    with pytest.raises(ValueError, match="loops"):
        limit_loss(RegressionTask.isotropic(1, 1), [[0]], loops)
