"""Weights: what they must be, and their gauge."""

from __future__ import annotations

import pytest
import torch

from icl_claims.models.weights import Weights, WeightsError, reduce_gauge

good = torch.eye(3, dtype=torch.float64)[None]


def test_weights_are_tensors() -> None:
    with pytest.raises(WeightsError, match="P must be a tensor, got list"):
        Weights([[1.0]], good)  # type: ignore[arg-type]


def test_the_gauge_reduces_each_layer() -> None:
    """Exact, as the β are powers of two."""
    P, Q = torch.ones(2, 3, 3, dtype=torch.float64), torch.ones(2, 3, 3, dtype=torch.float64)
    P[0] *= 4
    P[1] *= -0.5
    reduced = reduce_gauge(Weights(P, Q, {"origin": "test"}))
    assert torch.equal(reduced.P, torch.ones_like(P))
    assert [q.unique().item() for q in reduced.Q] == [4, -0.5]
    assert reduced.metadata == {"origin": "test"}
    P[1, 2, 2] = 0
    with pytest.raises(
        WeightsError, match=r"P\[l\]\[d\]\[d\] must not be 0 to fix the gauge, got 0 for l = 1"
    ):
        reduce_gauge(Weights(P, Q))
