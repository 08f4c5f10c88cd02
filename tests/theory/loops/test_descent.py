"""Gradient descent with a fixed preconditioner: by two routes, and whether a polynomial stays above a number."""

from __future__ import annotations

import pytest
from flint import fmpq, fmpq_poly

from icl_claims.theory.loops.descent import descent_loss, is_above
from icl_claims.theory.loops.step import looped_step_loss
from icl_claims.theory.task import isotropic
from tests.shared.experiment import SIGMA, D, whitened_task


@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("n", [2, 20])
def test_preconditioned_descent_by_two_routes(layers: int, n: int) -> None:
    """Words at the covariance Σ against the spectral measure of the whitened problem."""
    task = whitened_task(n)
    assert descent_loss(task, layers, SIGMA.inv()) == looped_step_loss(isotropic(D, n), layers)
    assert descent_loss(isotropic(D, n), layers) == looped_step_loss(isotropic(D, n), layers)


def test_above_is_decided_exactly() -> None:
    """x² − 2x + 2 has the minimum 1, at 1."""
    parabola = fmpq_poly([2, -2, 1])
    assert is_above(parabola, fmpq(10**30 - 1, 10**30))
    assert not is_above(parabola, fmpq(1))
    assert not is_above(parabola, fmpq(3))


@pytest.mark.parametrize(
    ("loops", "message"), [(0, "loops must be"), (7, "loops must be an integer from 1 to 6")]
)
def test_bad_loops(loops: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        descent_loss(isotropic(1, 2), loops)
