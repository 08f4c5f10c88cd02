"""Several layers beside the optimum on 𝒮: which losses are given, distances by trying every order, refusals."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from flint import fmpq, fmpq_mat
from hypothesis import given
from hypothesis import strategies as st

from icl_claims.theory.algebra import exact
from icl_claims.theory.many_layers import gdpp
from icl_claims.theory.many_layers.distance import compare_layers, squared_dist
from icl_claims.theory.many_layers.matrix_layers import MOST_LAYERS, layered_loss
from icl_claims.theory.many_layers.step_sizes import optimal_steps
from icl_claims.theory.task import RegressionTask, isotropic
from tests.shared.strategies import matrices, rationals

SIGMA = fmpq_mat([[2, 1], [1, 3]])
TASK = RegressionTask.whitened(SIGMA, 3)
ZERO, ONE = fmpq_mat(2, 2), exact.identity(2)
DRAWN = [fmpq_mat([[1, 2], [0, -1]]) / 9, fmpq_mat([[1, 1], [-1, 3]]) / 5, fmpq_mat([[0, 1], [2, 2]]) / 7]
MOVED = fmpq_mat([[0, 1], [0, 0]])
"""B ≠ 0 with trace 0: its nearest multiple of I is 0."""


@pytest.mark.parametrize("places", [(), (0,), (1,), (2,), (0, 1), (1, 2), (0, 1, 2)], ids=str)
def test_the_loss_of_matrices_is_given_where_no_covariates_move(places: tuple[int, ...]) -> None:
    """B_l ≠ 0 in any layer but the last, not in the first alone, leaves the loss of the matrices open."""
    found = compare_layers(TASK, [(A, MOVED if i in places else ZERO) for i, A in enumerate(DRAWN)])
    if set(places) <= {2}:
        assert found.loss == layered_loss(TASK, DRAWN)
        assert found.excess == found.loss - optimal_steps(TASK, 3).loss
    else:
        assert found.loss is None
        assert found.excess is None
    assert [layer.factor_distance for layer in found.layers] == [1 if i in places else None for i in range(3)]


def test_the_nearest_point_with_covariate_updates() -> None:
    """a_l = tr ΣA_l/d of the opposite sign, b_l = tr B_l/d, the last of which does not count."""
    pairs = [(A, ONE * fmpq(k + 1, 3) + MOVED) for k, A in enumerate(DRAWN)]
    found = compare_layers(TASK, pairs)
    steps = [exact.trace(SIGMA * A) / 2 for A in DRAWN]
    assert [layer.step for layer in found.layers] == steps
    assert found.projected_loss == gdpp.loss(TASK, [-a for a in steps], ["1/3", "2/3"])
    assert 0 < found.lower_bound < found.minimum == optimal_steps(TASK, 3).loss


@given(st.lists(matrices(2, 2), min_size=1, max_size=3))
def test_the_distance_is_the_least_over_all_orders(drawn: list[fmpq_mat]) -> None:
    """In whitened coordinates, Σ = C²: Σ_l ‖C A_l C − a_{π(l)} I‖² for every π."""
    root = fmpq_mat([[2, 1], [1, 1]])
    task = RegressionTask.whitened(root * root, 2)
    found = compare_layers(task, [(A, ZERO) for A in drawn])
    steps = [step.lower for step in found.optimum.steps]

    def squared(order: tuple[fmpq, ...]) -> fmpq:
        errors = [root * A * root - ONE * a for A, a in zip(drawn, order, strict=True)]
        return sum((exact.inner(e, e) for e in errors), fmpq(0))

    assert found.squared_distance == min(map(squared, permutations(steps)))
    for layer, A in zip(found.layers, drawn, strict=True):
        assert layer.distance == squared_dist(root * A * root)
        assert layer.raw_distance == squared_dist(A)


@given(matrices(2, 2), rationals)
def test_the_squared_distance_from_multiples_of_the_identity(m: fmpq_mat, other: fmpq) -> None:
    """min_α ‖M − αI‖²/‖M‖², at α = tr M/d; none for M = 0."""
    norm, found = exact.inner(m, m), squared_dist(m)
    if norm == 0:
        assert found is None
        return
    best = m - ONE * (exact.trace(m) / 2)
    assert found is not None
    assert found * norm == exact.inner(best, best) <= exact.inner(m - ONE * other, m - ONE * other)


def test_the_optimum_is_at_distance_zero() -> None:
    """Up to the width of the enclosures; one layer exactly."""
    steps = [step.lower for step in optimal_steps(TASK, 3).refined(256).steps]
    found = compare_layers(TASK, [(SIGMA.inv() * a, ZERO) for a in reversed(steps)])
    assert found.squared_distance == 0
    assert found.excess is not None
    assert 0 <= found.excess < fmpq(1, 2**400)
    (step,) = optimal_steps(TASK, 1).steps
    assert compare_layers(TASK, [(SIGMA.inv() * step.lower, MOVED)]).excess == 0


PAIR = (ONE, ZERO)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: compare_layers(TASK, []), ValueError, "matrices must be of 1 to 5 layers, got 0"),
        (lambda: compare_layers(TASK, [PAIR] * (MOST_LAYERS + 1)), ValueError, "of 1 to 5 layers, got 6"),
        (lambda: compare_layers(TASK, [(exact.identity(3), ZERO)]), ValueError, "A_0 must be of shape 2 × 2"),
        (lambda: compare_layers(TASK, [PAIR, (ONE, exact.identity(3))]), ValueError, "B_1 must be of shape 2 × 2"),
        (lambda: compare_layers(RegressionTask(SIGMA, 3), [PAIR]), ValueError, "task must be whitened"),
        (lambda: compare_layers(isotropic(2, 3, 1), [PAIR]), ValueError, "without label noise"),
    ],
)  # fmt: skip
def test_errors(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
