"""The rate of the looped loss: each refusal of its checks is reached."""

from __future__ import annotations

from fractions import Fraction
from types import SimpleNamespace

import pytest
import sympy
from flint import fmpq, fmpq_poly

from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.loops import loss_rate as module
from icl_claims.theory.loops.centred_moments import DIM, centred_moment
from icl_claims.theory.loops.loss_rate import (
    STATED,
    is_nonnegative,
    leading_shift,
    prove_remainder,
    prove_remainder_order,
    prove_slope,
)
from icl_claims.theory.loops.step import optimal_looped_step
from icl_claims.theory.many_layers.step_certificate import LAYERS
from icl_claims.theory.task import isotropic


def test_another_slope_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    prove_slope(6, 3)
    with pytest.raises(Refuted, match="not the stated multiple"):
        prove_slope(5, 3)
    # With −f′(1) on both sides.
    monkeypatch.setattr(module, "centred_moment", lambda k: -centred_moment(k))
    monkeypatch.setattr(module, "spectral_moments", lambda k: [-m for m in honest(k)])
    with pytest.raises(Refuted, match="is negative"):
        prove_slope(6, 3)


honest = module.spectral_moments


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"curvature": -STATED.curvature}, "is not positive"),
        ({"curvature": 2 * STATED.curvature}, "not above its stated lower bound"),
        ({"exponent": LAYERS - 2}, "not above its stated lower bound"),
    ],
)
def test_another_lower_bound_is_refused(change: dict[str, sympy.Expr], reason: str) -> None:
    for sizes in ((2, 3, 2), (2, 3, 1)):
        prove_remainder(STATED, *sizes)
    with pytest.raises(Refuted, match=reason):
        prove_remainder(STATED._replace(**change), 2, 3, 1)


def test_a_lower_least_loss_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    below = SimpleNamespace(loss=SimpleNamespace(compare=lambda _: -1))
    monkeypatch.setattr(module, "optimal_looped_step", lambda *_: below)
    with pytest.raises(Refuted, match="least loss is below"):
        prove_remainder(STATED, 2, 3, 2)


def test_another_order_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    prove_remainder_order(2)
    monkeypatch.setattr(module, "centred_moment", lambda k: DIM + centred_moment(k))
    with pytest.raises(Refuted, match="not of order"):
        prove_remainder_order(2)


@pytest.mark.parametrize(
    ("coefficients", "expected"),
    [
        ([0], True),
        ([-1], False),
        ([1, 0, 1], True),
        ([1, -2, 1], True),
        ([0, 0, 0, 1], False),
        ([-1, 0, -1], False),
    ],
)
def test_signs_of_polynomials(coefficients: list[int], expected: bool) -> None:
    assert is_nonnegative(fmpq_poly(coefficients)) == expected


@pytest.mark.parametrize(("L", "d"), [(1, 3), (2, 2), (3, 2), (4, 5)])
def test_the_leading_shift_is_the_limit(L: int, d: int) -> None:
    n = 10**8
    step = optimal_looped_step(isotropic(d, n), L).refined(60).step
    alpha = leading_shift(L, d)
    assert abs((1 - step.lower) * n - fmpq(alpha.numerator, alpha.denominator)) < fmpq(1, 1000)
    assert leading_shift(1, d) == Fraction(d + 1)
