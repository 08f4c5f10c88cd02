"""The expansion of the best looped step: each refusal of the checks is reached."""

from __future__ import annotations

import pytest
import sympy
from flint import fmpq

from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.loops import step_expansion as module
from icl_claims.theory.loops.loss_rate import leading_shift
from icl_claims.theory.loops.step_expansion import (
    DIM,
    prove_coefficients,
    prove_distance,
    prove_first_order,
    scaled_slope,
    step_coefficients,
)
from icl_claims.theory.wishart import spectral_moments


def test_one_loop_has_a_closed_form() -> None:
    """a* = n/(n + d + 1)."""
    assert [sympy.expand(c - (-DIM - 1) ** k) for k, c in enumerate(step_coefficients(1, 3), 1)] == [0, 0, 0]


@pytest.mark.parametrize(("L", "d"), [(1, 4), (2, 3), (3, 2)])
def test_the_first_coefficient_by_the_second_derivative(L: int, d: int) -> None:
    """The ratio of the leading coefficients of f′(1) and f″(1)."""
    (alpha,) = step_coefficients(L, 1)
    shift = leading_shift(L, d)
    assert sympy.Rational(alpha.subs(DIM, d)) == -sympy.Rational(shift.numerator, shift.denominator)


@pytest.mark.parametrize(("stated", "k"), [([-DIM], 1), ([-DIM - 1, DIM**2], 2)])
def test_another_coefficient_is_refused(stated: list[sympy.Expr], k: int) -> None:
    prove_coefficients(1, [-DIM - 1, (DIM + 1) ** 2])
    with pytest.raises(Refuted, match=f"α_{k} is another"):
        prove_coefficients(1, stated)


def test_a_slope_of_another_order_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    prove_first_order(2)
    honest = scaled_slope(2)
    monkeypatch.setattr(module, "scaled_slope", lambda _: honest + module._Z**2)
    with pytest.raises(Refuted, match="not linear"):
        prove_first_order(2)
    monkeypatch.undo()
    monkeypatch.setattr(
        module, "spectral_moments", lambda k: [m + int(i == 1) for i, m in enumerate(spectral_moments(k))]
    )
    with pytest.raises(Refuted, match="lower power"):
        scaled_slope.__wrapped__(2)


def test_a_longer_distance_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    stated = step_coefficients(2, 1)
    prove_distance(2, 3, 50, stated)
    monkeypatch.setattr(module, "distance_bound", lambda *_: fmpq(0))
    with pytest.raises(Refuted, match="farther"):
        prove_distance(2, 3, 50, stated)
