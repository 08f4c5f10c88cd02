"""Layers on 𝒮 in symbolic blocks: each check accepts what is true, and each of its refusals is reached."""

from __future__ import annotations

import pytest

from icl_claims.theory.algebra.blocks import Blocks
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.words import eye, letter, n
from icl_claims.theory.many_layers import scaled_layers
from icl_claims.theory.many_layers.scaled_layers import (
    STEP,
    prove_layer_contracts,
    prove_mean_square,
    prove_normal_equations,
    prove_polynomial_does_not_vanish,
)
from icl_claims.theory.transformer.attention import X, layer

G = letter("G", "d", "d")
FACTOR = eye("d") - X @ X.T * STEP / n


def test_a_layer_contracts_by_its_own_factor() -> None:
    prove_layer_contracts(FACTOR)
    with pytest.raises(Refuted, match="label row after one layer"):
        prove_layer_contracts(FACTOR - X @ X.T * STEP / n)


def test_covariates_that_change_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def moved(P: Blocks, Q: Blocks, Z: Blocks) -> Blocks:
        after = layer(P, Q, Z)
        return Blocks([[after[0, 0] + X, after[0, 1]], list(after.parts[1])])

    monkeypatch.setattr(scaled_layers, "layer", moved)
    with pytest.raises(Refuted, match="changes the covariates"):
        prove_layer_contracts(FACTOR)


def test_the_mean_square_is_a_trace() -> None:
    prove_mean_square((G @ G.T).trace())
    with pytest.raises(Refuted, match="expected square"):
        prove_mean_square((G @ G).trace())


def test_only_zero_vanishes(monkeypatch: pytest.MonkeyPatch) -> None:
    prove_polynomial_does_not_vanish(3)
    monkeypatch.setattr(scaled_layers.sympy, "solve", lambda *_, **__: [{}])
    with pytest.raises(Refuted, match="nonzero polynomial"):
        prove_polynomial_does_not_vanish(1)


@pytest.mark.parametrize("power", [0, 2])
def test_the_normal_equations_are_those_of_one_measure(power: int) -> None:
    prove_normal_equations(1, 2)
    with pytest.raises(Refuted, match="L = 1: the polynomial orthogonal"):
        prove_normal_equations(power, 1)


def test_a_minor_that_may_vanish_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = scaled_layers.in_ring
    monkeypatch.setattr(scaled_layers, "in_ring", lambda m, d, size: honest(m, d, size) - d**9)
    with pytest.raises(Refuted, match="coefficient that is not positive"):
        prove_normal_equations.__wrapped__(1, 1)  # type: ignore[attr-defined]


def test_minors_are_expanded_where_both_sizes_are_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """1 + (n − 1) + (n − 1)² has a negative coefficient in n, and one layer is stationary for any moments."""
    monkeypatch.setattr(scaled_layers, "in_ring", lambda _, d, size: d * (1 + (size - 1) + (size - 1) ** 2))
    prove_normal_equations.__wrapped__(1, 1)  # type: ignore[attr-defined]
