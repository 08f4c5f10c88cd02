"""The value row of a looped block: each identity is accepted, and refuses what breaks it alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.words import eye
from icl_claims.theory.loops import value_row
from icl_claims.theory.loops.value_row import (
    prove_excess,
    prove_first_order,
    prove_row_moves_by,
    prove_row_shifts_the_task,
    prove_slope_at_zero,
    prove_slot_stays,
    prove_visible,
)
from icl_claims.theory.transformer.attention import NO_MASK, W
from icl_claims.theory.transformer.looped import VALUE_ROW, loop
from icl_claims.theory.transformer.preconditioned_gd import A
from icl_claims.theory.transformer.prompts import OMEGA, SIGMA, S


def test_the_identities() -> None:
    prove_row_shifts_the_task(W + VALUE_ROW)
    prove_row_moves_by(eye("d") - S @ A)
    prove_slot_stays()
    prove_excess(W + VALUE_ROW)
    prove_first_order(eye("d") - S @ A)
    prove_visible()
    prove_slope_at_zero(-(SIGMA @ OMEGA @ SIGMA @ A).trace() * 2)


@pytest.mark.parametrize(
    ("check", "message"),
    [
        (lambda: prove_row_shifts_the_task(W - VALUE_ROW), "stated task"),
        (lambda: prove_row_moves_by(eye("d") - A @ S), "stated factor"),
        (lambda: prove_excess(W + VALUE_ROW * 2), "another amount"),
        (lambda: prove_first_order(eye("d") - S @ A * 2), "lowest degree"),
        (lambda: prove_first_order(eye("d") * 2 - S @ A), "lowest degree"),
        (lambda: prove_slope_at_zero(-(SIGMA @ OMEGA @ SIGMA @ A).trace()), "slope"),
    ],
)
def test_what_is_refused(check: Callable[[], None], message: str) -> None:
    with pytest.raises(Refuted, match=message):
        check()


def test_without_the_mask_the_slot_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(value_row, "loop", lambda *at: loop(*at, NO_MASK))
    with pytest.raises(Refuted, match="slot moves"):
        prove_slot_stays()


def test_another_row_of_one_example_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(value_row, "S", S * 2)
    with pytest.raises(Refuted, match="another row"):
        prove_visible()
