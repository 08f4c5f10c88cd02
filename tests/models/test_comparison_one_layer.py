"""One trained layer beside the closed form: exact distances, and bounds on them that the loss alone gives."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from flint import fmpq, fmpq_mat
from hypothesis import given
from hypothesis import strategies as st

from icl_claims.models.attention import LinearTransformer
from icl_claims.models.comparison import compare
from icl_claims.models.weights import Weights, WeightsError
from icl_claims.theory.algebra import exact
from icl_claims.theory.evaluation import at_task
from icl_claims.theory.one_layer import single_layer
from icl_claims.theory.task import RegressionTask, isotropic
from tests.shared.strategies import tasks

good = torch.eye(3, dtype=torch.float64)[None]

TASK = isotropic(dim=2, context_length=5)
"""Its minimizer, Γ = 5/8 I, is a float64 matrix; the minimum is 3/4."""


def at_optimum(beta: float = 1.0) -> Weights:
    model = LinearTransformer.from_preconditioners(torch.eye(2, dtype=torch.float64)[None] * 0.625)
    P, Q = model.weights()
    return Weights(P * beta, Q / beta)


def one_layer(P: list[list[float]], Q: list[list[float]]) -> Weights:
    return Weights(torch.tensor([P], dtype=torch.float64), torch.tensor([Q], dtype=torch.float64))


@pytest.mark.parametrize("beta", [1.0, -8.0])
def test_the_optimum_has_no_excess(beta: float) -> None:
    found = compare(TASK, at_optimum(beta))
    assert found.loss == found.minimum == fmpq(3, 4)
    assert found.excess == 0
    assert found.preconditioner == found.closed_form == exact.diagonal(["5/8", "5/8"])
    assert (found.squared_distance, found.squared_bound, found.squared_entry_bounds) == (
        0,
        0,
        ((0, 0), (0, 0)),
    )


def test_a_known_distance() -> None:
    """A = 5/8 I + [[0, 3], [−4, 0]]: E = [[0, −4], [3, 0]], the transpose of what was added, ‖E‖_F = 5."""
    A = torch.tensor([[[0.625, 3.0], [-4.0, 0.625]]], dtype=torch.float64)
    found = compare(TASK, Weights(*LinearTransformer.from_preconditioners(A).weights()))
    assert found.preconditioner - found.closed_form == fmpq_mat([[0, -4], [3, 0]])
    assert found.squared_distance == 25
    assert found.loss == single_layer.loss(TASK, [0, 0, 1], [["-5/8", -3], [4, "-5/8"], [0, 0]])
    # Only E deviates, and Σ and 𝒢 are multiples of I: the bound is attained.
    assert found.squared_bound == 25


def test_the_label_row_counts_towards_the_preconditioner() -> None:
    """In one dimension u a x_q S w alone is the same predictor as β A_x; no gauge makes β = 0 into 1."""
    task = isotropic(dim=1, context_length=2)
    assert single_layer.minimizer(task) == fmpq_mat([[fmpq(1, 2)]])
    weights = one_layer([[0, 0], [-0.5, 0]], [[0, 0], [1, 0]])
    found = compare(task, weights)
    assert found.excess == 0
    assert found.squared_distance == 0


def test_unused_weights_do_not_count() -> None:
    """P's other rows and Q's last column: any values, the same comparison."""
    weights = at_optimum()
    P, Q = weights.P.clone(), weights.Q.clone()
    P[0, :2], Q[0, :, 2] = 7, -3
    assert compare(TASK, Weights(P, Q)) == compare(TASK, weights)


entries = st.integers(-16, 16).map(lambda k: k / 8)


@given(st.data(), st.sampled_from([(), ("diagonal_covariance", "identity_task")]))
def test_the_bounds_hold(data: st.DataObject, assumptions: tuple[str, ...]) -> None:
    """‖E‖_F and |E_ij| against their bounds, squared and over ℚ, at any weights, for any task."""
    task = data.draw(tasks(assumptions))
    size = task.dim + 1
    rows = st.lists(st.lists(entries, min_size=size, max_size=size), min_size=size, max_size=size)
    P, Q = data.draw(rows), data.draw(rows)
    found = compare(task, one_layer(P, Q))
    error = found.preconditioner - found.closed_form
    moment = at_task(single_layer.cross_second_moment(), task, {})
    explained = exact.trace(task.covariance * error * moment * error.transpose())
    assert explained == single_layer.preconditioner_excess(task, P[-1], [row[:-1] for row in Q])
    assert 0 <= explained <= found.excess
    if found.squared_bound is not None:
        assert exact.trace(error * error.transpose()) <= found.squared_bound
    if assumptions:
        assert found.squared_entry_bounds is not None
        for i in range(task.dim):
            for j in range(task.dim):
                assert error[i, j] ** 2 <= found.squared_entry_bounds[i][j]


@pytest.mark.parametrize(("i", "j"), [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_each_entry_has_its_own_bound(i: int, j: int) -> None:
    """Where E_ij = 1 is all of E, the excess is Σ_ii 𝒢_jj: that entry's bound is 1."""
    task = RegressionTask(exact.diagonal([1, 3]), 3)
    A = torch.diag(torch.tensor([0.375, 0.1875], dtype=torch.float64))
    A[j, i] += 1
    found = compare(task, Weights(*LinearTransformer.from_preconditioners(A[None]).weights()))
    error = found.preconditioner - found.closed_form
    assert error == fmpq_mat([[int((row, column) == (i, j)) for column in range(2)] for row in range(2)])
    assert found.squared_entry_bounds is not None
    assert found.squared_entry_bounds[i][j] == 1
    moment = at_task(single_layer.cross_second_moment(), task, {})
    assert found.excess == task.covariance[i, i] * moment[j, j]


@pytest.mark.parametrize(
    ("task", "E"),
    [
        (RegressionTask([[1, 0], [0, 1]], 3, [[2, 1], [1, 2]]), [[3.0, -1.0], [0.0, 0.0]]),
        (RegressionTask([[2, 1], [1, 2]], 1, [[1, -1], [-1, 1]]), [[2.0, 0.0], [-1.0, 0.0]]),
    ],
    ids=["second moment", "sigma"],
)
def test_entries_have_bounds_of_their_own_only_where_both_are_diagonal(
    task: RegressionTask, E: list[list[float]]
) -> None:
    """One of Σ and 𝒢 is not: then E_00² may be above (f − min f)/(Σ_00 𝒢_00), and is with E of this direction."""
    moment = at_task(single_layer.cross_second_moment(), task, {})
    assert exact.is_diagonal(task.covariance) != exact.is_diagonal(moment)
    A = 1024 * torch.tensor(E, dtype=torch.float64).T
    found = compare(task, Weights(*LinearTransformer.from_preconditioners(A[None]).weights()))
    first = (found.preconditioner - found.closed_form)[0, 0]
    assert first**2 > found.excess / (task.covariance[0, 0] * moment[0, 0])
    assert found.squared_entry_bounds is None
    assert found.squared_bound is not None


def test_no_bound_where_sigma_is_singular() -> None:
    task = RegressionTask([[1, 0], [0, 0]], 5)
    found = compare(task, at_optimum())
    assert found.squared_bound is None
    assert found.squared_entry_bounds is None


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (lambda: Weights(good.repeat(2, 1, 1), good.repeat(2, 1, 1)), "weights must be of one layer .*, got 2 layers"),
        (lambda: one_layer([[1, 0], [0, 1]], [[1, 0], [0, 1]]), "weights must be of dimension 2, .* got 1"),
    ],
)  # fmt: skip
def test_weights_that_do_not_compare(weights: Callable[[], Weights], message: str) -> None:
    with pytest.raises(WeightsError, match=message):
        compare(TASK, weights())
