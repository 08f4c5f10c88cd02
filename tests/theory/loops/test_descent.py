"""Gradient descent with one preconditioner: its loss as a polynomial in the step, and when it lies above a bound."""

from __future__ import annotations

from typing import Any

import pytest
from flint import fmpq, fmpq_mat, fmpq_poly

from icl_claims.theory.algebra.validation import rational
from icl_claims.theory.loops.descent import MOST_LOOPS, descent_loss, is_above
from icl_claims.theory.loops.step import looped_step_loss
from icl_claims.theory.task import RegressionTask
from tests.shared.wishart_of_the_plane import loss_of_layers

SIGMA, OMEGA = fmpq_mat([[2, 1], [1, 3]]), fmpq_mat([[1, -1], [-1, 2]])


@pytest.mark.parametrize("loops", [1, 4, MOST_LOOPS])
def test_without_a_preconditioner_it_is_equal_steps(loops: int) -> None:
    """Σ and Ω not diagonal, n < d, noise beyond the signal: by tr W and det W alone, at steps beyond the nodes."""
    found = descent_loss(RegressionTask(SIGMA, 1, OMEGA, 9), loops)
    assert found.degree() == 2 * loops
    for step in (fmpq(-1, 3), fmpq(1, 7), fmpq(50)):
        assert found(step) == loss_of_layers(SIGMA, 1, OMEGA, fmpq(9), [step] * loops)


@pytest.mark.parametrize("loops", [1, 3, MOST_LOOPS])
def test_preconditioned_by_the_inverse_it_is_the_looped_step(loops: int) -> None:
    task = RegressionTask.whitened(SIGMA, 3)
    assert descent_loss(task, loops, SIGMA.inv()) == looped_step_loss(task, loops)
    assert descent_loss(task, loops) != looped_step_loss(task, loops)


@pytest.mark.parametrize(
    ("polynomial", "bound", "above"),
    [
        ([2, -2, 1], "9/10", True),  # the minimum is 1, at 1
        ([2, -2, 1], 1, False),  # attained: a double root
        ([2, -2, 1], "11/10", False),
        ([-1, 0, -1], 0, False),  # no root, and below everywhere
        ([0, 0, 1], 0, False),  # touches the bound at 0
        ([1, 1], 0, False),  # of odd degree
        ([1], 0, True),
        ([-1], 0, False),
    ],
)
def test_above_a_bound(polynomial: list[int], bound: Any, above: bool) -> None:
    assert is_above(fmpq_poly(polynomial), rational("bound", bound)) is above


@pytest.mark.parametrize(
    ("loops", "preconditioner", "error", "message"),
    [
        (0, None, ValueError, "loops must be an integer"),
        (MOST_LOOPS + 1, None, ValueError, f"loops must be an integer from 1 to {MOST_LOOPS}"),
        (1.0, None, TypeError, "loops must be an integer"),
        (1, [[1]], ValueError, "preconditioner must be of shape 2 × 2"),
        (1, [[1, 2], [0, 1]], ValueError, "matrix must be symmetric"),
    ],
)
def test_errors(loops: Any, preconditioner: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        descent_loss(RegressionTask(SIGMA, 3), loops, preconditioner)
