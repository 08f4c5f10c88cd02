"""Derivatives of two relaxed layers in matrix directions, and at the explicit point without the mask."""

from __future__ import annotations

import pytest

from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.words import FIELD, d, letter, n
from icl_claims.theory.many_layers import gdpp_directions
from icl_claims.theory.many_layers.gdpp_point import EXPLICIT


def test_without_the_mask() -> None:
    gdpp_directions.prove_critical_without_mask(EXPLICIT)
    with pytest.raises(Refuted, match="the slope in a_1 is not 0"):
        gdpp_directions.prove_critical_without_mask(EXPLICIT._replace(last=-n / (n + d)))
    with pytest.raises(Refuted, match="the slope in a_0 is not 0"):
        gdpp_directions.prove_critical_without_mask(EXPLICIT._replace(move=FIELD.zero))


def test_directions_of_one_layer() -> None:
    gdpp_directions.prove_multiple_of_trace("A_0", 1)
    with pytest.raises(Refuted, match="is no multiple of tr R"):
        gdpp_directions.prove_multiple_of_trace("A_0", 1, letter("Omega", "d", "d", symmetric=True))
    with pytest.raises(Refuted, match="the derivative in B_0 is 0"):
        gdpp_directions.prove_multiple_of_trace("B_0", 1)


def test_a_saddle_needs_a_sign(monkeypatch: pytest.MonkeyPatch) -> None:
    """For every d, n ≥ 1: from no other sizes on."""
    monkeypatch.setattr(gdpp_directions, "is_positive", lambda value, least: least != {"d": 1, "n": 1})
    with pytest.raises(Refuted, match="the mixed derivative is not shown"):
        gdpp_directions.prove_critical_without_mask(EXPLICIT)
