"""One shared step: its loss, and its minimum, enclosed."""

from __future__ import annotations

from typing import Any

import pytest
from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st

from icl_claims.theory.loops.step import MOST_LOOPS, looped_step_loss, optimal_looped_step
from icl_claims.theory.many_layers.step_sizes import gradient, hessian, loss_of_steps, optimal_steps
from icl_claims.theory.task import isotropic
from tests.shared.strategies import rationals

sizes = st.integers(1, 6)
GRID = [(1, 1), (1, 7), (2, 1), (3, 2), (5, 20), (9, 4), (50, 200)]


@pytest.mark.parametrize(("d", "n"), GRID)
@pytest.mark.parametrize("loops", [2, 3, 10])
def test_looped_minimum(d: int, n: int, loops: int) -> None:
    """Certified by two signs of f′; f is enclosed; and ties cost something from L = 2 on."""
    best = optimal_looped_step(isotropic(d, n), loops)
    slope = best.loss.polynomial.derivative()
    low, high = best.step.lower, best.step.upper
    assert 0 < low < high
    assert (high - low) * 2**64 <= low
    assert slope(low) < 0 < slope(high)
    assert gradient(isotropic(d, n), [low] * loops) == [slope(low) / loops] * loops
    assert (
        best.loss.lower
        <= best.loss.upper
        == min(loss_of_steps(isotropic(d, n), [a] * loops) for a in (low, high))
    )
    assert best.loss.lower > optimal_steps(isotropic(d, n), loops).loss
    finer = best.refined(300)
    assert best.loss.lower <= finer.loss.lower <= finer.loss.upper <= best.loss.upper
    assert (finer.loss.upper - finer.loss.lower) * 2**500 < finer.loss.lower
    assert best.loss.compare(best.loss.upper) <= 0 <= best.loss.compare(best.loss.lower)


@given(sizes, sizes, st.integers(1, 4), rationals)
def test_the_loss_is_that_of_equal_steps(d: int, n: int, loops: int, step: fmpq) -> None:
    f = looped_step_loss(isotropic(d, n), loops)
    assert f.degree() == 2 * loops
    assert f(step) == loss_of_steps(isotropic(d, n), [step] * loops)
    assert (
        f.derivative().derivative()(step)
        == sum(hessian(isotropic(d, n), [step] * loops).entries(), fmpq(0))
        > 0
    )


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: optimal_looped_step(isotropic(-1, 3), 1), ValueError, "dim must be an integer ≥ 1"),
        (lambda: optimal_looped_step(isotropic(2, 3), "2"), TypeError, "loops must be an integer ≥ 1"),
        (lambda: optimal_looped_step(isotropic(2, 3), 101), ValueError, f"loops must be .* to {MOST_LOOPS}, got 101"),
        (lambda: looped_step_loss(isotropic(2, None), 2), TypeError, "context_length must be an integer ≥ 1"),
        (lambda: looped_step_loss((2, 3), 2), TypeError, "task must be a RegressionTask"),
    ],
)  # fmt: skip
def test_errors(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
