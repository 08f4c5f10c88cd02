"""One dimension: moments by the recurrence against those of the engine, and refusals of what is false alone."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
import sympy

from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.loops import one_direction
from icl_claims.theory.loops.one_direction import (
    CONTEXT,
    INDEX,
    LOOPS,
    best_loops,
    central_moments,
    prove_bounds,
    prove_limit,
    prove_rate,
    prove_recurrence,
)
from icl_claims.theory.many_layers.step_sizes import loss_of_steps
from icl_claims.theory.task import isotropic

WEIGHT = 2 * INDEX / CONTEXT
RISES = (4 * LOOPS + 2) / CONTEXT * (1 + 4 * LOOPS / CONTEXT)
FALLS = (4 * LOOPS + 2) / CONTEXT * (1 + 4 * LOOPS / CONTEXT + 2 * LOOPS / (2 * LOOPS - 1))


@pytest.mark.parametrize("n", [1, 2, 7, 40])
def test_even_moments_are_losses(n: int) -> None:
    assert central_moments(n, 12)[::2] == [loss_of_steps(isotropic(1, n), [1] * T) for T in range(7)]


@pytest.mark.parametrize("n", [1, 2, 5, 33, 100])
def test_the_best_number_of_loops(n: int) -> None:
    best, losses = best_loops(n), central_moments(n, 2 * n + 20)[::2]
    assert losses[best] == min(losses)
    assert all((after < here) == (best > T) for T, (here, after) in enumerate(pairwise(losses)))


def test_the_identities() -> None:
    prove_recurrence(WEIGHT)
    prove_bounds(WEIGHT, RISES, FALLS)
    prove_limit(WEIGHT, sympy.Rational(1, 8))
    prove_rate((sympy.log(2) - 1) / 2)


@pytest.mark.parametrize(
    ("check", "message"),
    [
        (lambda: prove_recurrence(INDEX / CONTEXT), "another recurrence"),
        (lambda: prove_bounds(WEIGHT, FALLS, FALLS), "lower bound"),
        (lambda: prove_bounds(WEIGHT, RISES, RISES), "upper bound"),
        (lambda: prove_limit(WEIGHT, sympy.Rational(1, 4)), "not 1 at the stated limit"),
        (lambda: prove_rate(sympy.log(2) / 2 - 1), "another number"),
    ],
)
def test_what_is_refused(check: Callable[[], None], message: str) -> None:
    with pytest.raises(Refuted, match=message):
        check()


def test_another_map_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(one_direction.sympy, "diff", lambda *_: sympy.Integer(1))
    with pytest.raises(Refuted, match="another map"):
        prove_limit(WEIGHT, sympy.Rational(1, 8))
