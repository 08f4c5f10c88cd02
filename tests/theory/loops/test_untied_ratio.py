"""Looped against untied losses for long contexts: each refusal of the checks is reached."""

from __future__ import annotations

import pytest
import sympy
from flint import fmpq

from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.derivations import looped_against_untied
from icl_claims.theory.loops import untied_ratio as module
from icl_claims.theory.loops.step import optimal_looped_step
from icl_claims.theory.loops.untied_ratio import (
    DIM,
    limit_ratio,
    prove_distance_from_constants,
    prove_lowest_powers,
    prove_ratio,
    untied_constant,
)
from icl_claims.theory.many_layers.step_sizes import optimal_steps
from icl_claims.theory.task import isotropic


@pytest.mark.parametrize(("L", "d"), [(2, 1), (2, 3), (3, 2)])
def test_the_limits_are_near_the_losses_at_a_long_context(L: int, d: int) -> None:
    n = 10**8
    untied = optimal_steps(isotropic(d, n), L).loss * fmpq(n) ** L
    looped = optimal_looped_step(isotropic(d, n), L).refined(80).loss.upper * fmpq(n) ** L
    assert abs(untied / untied_constant(L, d) - 1) < fmpq(1, 10**5)
    assert abs(looped / untied / limit_ratio(L, d) - 1) < fmpq(1, 10**5)


def test_another_ratio_is_refused() -> None:
    prove_ratio(2, (2 * DIM**2 + 5 * DIM + 5) / (DIM**2 + 3 * DIM + 4))
    with pytest.raises(Refuted, match="another one for L = 2"):
        prove_ratio(2, sympy.Integer(2))


def test_another_least_loss_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    prove_distance_from_constants(2, 3, 4)
    monkeypatch.setattr(module, "optimal_steps", lambda task, L: optimal_steps(task, L + 1))
    with pytest.raises(Refuted, match="ratio of determinants"):
        prove_distance_from_constants(2, 3, 4)


@pytest.mark.parametrize("moment", [[], [0, 1, 2]])
def test_another_lowest_power_is_refused(monkeypatch: pytest.MonkeyPatch, moment: list[int]) -> None:
    prove_lowest_powers(5)
    monkeypatch.setattr(module, "gaussian_moment", lambda _: moment)
    with pytest.raises(Refuted, match="not the Gaussian moment"):
        prove_lowest_powers(2)


@pytest.mark.parametrize("until", [0, 2])
def test_another_order_is_refused(until: int) -> None:
    stated = looped_against_untied.STATED
    looped_against_untied.order(stated)
    with pytest.raises(Refuted, match="another order"):
        looped_against_untied.order(stated._replace(equal_until=until))
