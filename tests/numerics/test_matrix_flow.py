"""The matrix flow in balls: against the closed form of normal matrices, and against steps in float64."""

from __future__ import annotations

import numpy as np
import pytest
from flint import arb, fmpq, fmpq_mat

from icl_claims.numerics.matrix_flow import limit_flow, loss_of, squared_norm
from icl_claims.theory.algebra import exact
from icl_claims.theory.loops.limit import limit_loss
from icl_claims.theory.task import isotropic


@pytest.mark.parametrize(("loops", "time"), [(1, fmpq(1, 4)), (2, fmpq(1, 4)), (3, fmpq(1, 8))])
def test_a_scaled_rotation_shrinks_as_the_closed_form_says(loops: int, time: fmpq) -> None:
    """N = r Q with dr/dt = −2L r^{2L−1}."""
    rotation = fmpq_mat([[fmpq(3, 5), fmpq(4, 5)], [fmpq(-4, 5), fmpq(3, 5)]])
    [found] = limit_flow(rotation, loops, [time])
    if loops == 1:
        r = (-2 * arb(time)).exp()
    else:
        r = arb(1 + 4 * loops * (loops - 1) * time) ** arb(fmpq(-1, 2 * loops - 2))
    for i in range(2):
        for j in range(2):
            assert found[i, j].overlaps(r * arb(rotation[i, j]))
            assert found[i, j].rad() < 1e-6


def test_steps_in_float64_agree() -> None:
    """Runge–Kutta of the fourth order with a gradient of its own."""
    start = np.array([[0.5, 1.0], [-0.25, 0.0]])

    def field(N: np.ndarray) -> np.ndarray:
        return -2 * (N.T @ N @ N + N @ N @ N.T)

    N, h = start, 1 / 800
    for _ in range(100):
        k1 = field(N)
        k2 = field(N + h * k1 / 2)
        k3 = field(N + h * k2 / 2)
        N = N + h * (k1 + 2 * k2 + 2 * k3 + field(N + h * k3)) / 6
    [found] = limit_flow(fmpq_mat([[fmpq(1, 2), 1], [fmpq(-1, 4), 0]]), 2, [fmpq(1, 8)])
    for i in range(2):
        for j in range(2):
            assert abs(float(found[i, j]) - N[i, j]) < 1e-9


def test_a_zero_of_the_loss_does_not_move() -> None:
    nilpotent = fmpq_mat([[0, 1], [0, 0]])
    [found] = limit_flow(nilpotent, 2, [fmpq(1, 4)])
    assert found.contains(nilpotent)
    assert squared_norm(found).contains(1)


def test_losses_are_those_of_the_limit() -> None:
    start = fmpq_mat([[fmpq(1, 2), 1], [fmpq(-1, 4), 0]])
    [found] = limit_flow(start, 2, [fmpq(0)])
    assert loss_of(found, 3).contains(limit_loss(isotropic(2, 1), exact.identity(2) - start, 3))
