"""Directional derivatives at points of 𝒮: only tr ΣR counts, against slopes of the loss along lines."""

from __future__ import annotations

import pytest
from flint import fmpq, fmpq_mat

from icl_claims.theory.algebra import exact
from icl_claims.theory.many_layers.directions import directional_derivatives, reduced_direction
from icl_claims.theory.many_layers.matrix_layers import layered_loss
from icl_claims.theory.task import RegressionTask
from tests.shared.lines import slope_at_zero

SIGMA = fmpq_mat([[2, 1], [1, 3]])
TASK = RegressionTask.whitened(SIGMA, 1)
STEPS = [fmpq(1, 2), fmpq(-1, 3), fmpq(2, 5), fmpq(1, 7)]
DIRECTIONS = [fmpq_mat([[1, 2], [-1, k]]) for k in range(4)]


def test_the_reduced_direction_has_the_same_whitened_trace() -> None:
    for R in DIRECTIONS:
        found = reduced_direction(TASK, R)
        assert exact.trace(SIGMA * found) == exact.trace(SIGMA * R)
        assert exact.is_diagonal(SIGMA * found)
    skew = fmpq_mat([[0, 1], [-1, 0]])
    assert reduced_direction(TASK, skew) == fmpq_mat(2, 2)


def test_on_the_set_a_direction_counts_by_its_reduced_one() -> None:
    """L = 4, Σ not diagonal, n < d: layer by layer, and against the slope of the loss along the line."""
    at = [SIGMA.inv() * a for a in STEPS]
    reduced = [reduced_direction(TASK, R) for R in DIRECTIONS]
    found = directional_derivatives(TASK, at, DIRECTIONS)
    assert found == directional_derivatives(TASK, at, reduced)
    assert any(found)
    for layer, R in enumerate(DIRECTIONS):

        def along(t: int, layer: int = layer, R: fmpq_mat = R) -> fmpq:
            return layered_loss(TASK, [A + R * (t * (k == layer)) for k, A in enumerate(at)])

        assert found[layer] == slope_at_zero(along, 2)


def test_off_the_set_it_does_not() -> None:
    at = [SIGMA.inv() * STEPS[0], fmpq_mat([[1, 0], [0, -1]])]
    reduced = [reduced_direction(TASK, R) for R in DIRECTIONS[:2]]
    assert directional_derivatives(TASK, at, DIRECTIONS[:2]) != directional_derivatives(TASK, at, reduced)


def test_a_singular_covariance_is_refused() -> None:
    with pytest.raises(ValueError, match="task must have a positive definite Σ, got"):
        reduced_direction(RegressionTask(exact.diagonal([1, 0]), 3), DIRECTIONS[0])
    with pytest.raises(ValueError, match="R must be of shape 2 × 2"):
        reduced_direction(TASK, [[1]])
