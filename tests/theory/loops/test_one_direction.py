"""One dimension: moments by the recurrence against those of the engine, and refusals of what is false alone."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
import sympy
from flint import fmpq

from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.derivations.looped_best_test_time import STATED
from icl_claims.theory.loops import one_direction
from icl_claims.theory.loops.one_direction import (
    CONTEXT,
    INDEX,
    STEP,
    best_loops,
    break_even,
    central_moments,
    prove_bounds,
    prove_limit,
    prove_rate,
    prove_recurrence,
)
from icl_claims.theory.many_layers.step_sizes import loss_of_steps
from icl_claims.theory.task import isotropic

BEFORE = 2 * STEP * INDEX / CONTEXT
OWN = STEP - 1 + BEFORE
LIMIT = (2 - STEP) / (8 * STEP)
RATE = (1 - 2 / STEP + sympy.log(2 / STEP)) / 2
RISES, FALLS = STATED.rises, STATED.falls


@pytest.mark.parametrize("n", [1, 2, 7, 40])
@pytest.mark.parametrize("step", [fmpq(1), fmpq(3, 2), fmpq(1, 2), fmpq(-2)])
def test_even_moments_are_losses(n: int, step: fmpq) -> None:
    assert central_moments(n, 12, step)[::2] == [loss_of_steps(isotropic(1, n), [step] * T) for T in range(7)]


@pytest.mark.parametrize("n", [1, 2, 5, 33, 100])
def test_the_best_number_of_loops(n: int) -> None:
    best, losses = best_loops(n), central_moments(n, 2 * n + 20)[::2]
    assert losses[best] == min(losses)
    assert all((after < here) == (best > T) for T, (here, after) in enumerate(pairwise(losses)))


def test_where_the_loss_exceeds_that_of_zero() -> None:
    """The first such T over n comes down to the limit."""
    lower, upper = break_even()
    assert 0 < upper - lower < fmpq(1, 10**8)
    first = [next(T for T, x in enumerate(central_moments(n, n)[::2]) if x > 1) for n in (100, 200, 400, 800)]
    ratios = [fmpq(T, n) for T, n in zip(first, (100, 200, 400, 800), strict=True)]
    assert ratios == sorted(ratios, reverse=True)
    assert upper < ratios[-1] < upper + fmpq(1, 500)


def test_too_many_bits_are_refused() -> None:
    with pytest.raises(ArithmeticError, match="got 400"):
        break_even(400)


def test_the_identities() -> None:
    prove_recurrence(OWN, BEFORE)
    prove_bounds(OWN, BEFORE, RISES, FALLS)
    prove_limit(OWN, BEFORE, LIMIT)
    prove_rate(RATE)


@pytest.mark.parametrize(
    ("check", "message"),
    [
        (lambda: prove_recurrence(OWN, OWN), "another recurrence"),
        (lambda: prove_bounds(OWN, BEFORE, FALLS, FALLS), "lower bound"),
        (lambda: prove_bounds(OWN, BEFORE, RISES, RISES), "upper bound"),
        (lambda: prove_limit(OWN, BEFORE, LIMIT * 2), "not 1 at the stated limit"),
        (lambda: prove_rate(2 * RATE), "another expression"),
    ],
)
def test_what_is_refused(check: Callable[[], None], message: str) -> None:
    with pytest.raises(Refuted, match=message):
        check()


def test_another_map_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(one_direction.sympy, "diff", lambda *_: sympy.Integer(1))
    with pytest.raises(Refuted, match="another map"):
        prove_limit(OWN, BEFORE, LIMIT)
    with pytest.raises(Refuted, match="antiderivative"):
        prove_rate(RATE)
