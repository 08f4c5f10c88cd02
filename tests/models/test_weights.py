"""Weights: what they must be."""

from __future__ import annotations

import pytest
import torch

from icl_claims.models.weights import Weights, WeightsError

good = torch.eye(3, dtype=torch.float64)[None]


def test_weights_are_tensors() -> None:
    with pytest.raises(WeightsError, match="P must be a tensor, got list"):
        Weights([[1.0]], good)  # type: ignore[arg-type]


def test_weights_are_copies() -> None:
    tensor = good.clone()
    weights = Weights(tensor, tensor)
    tensor[:] = 7
    weights.P[:] = 5
    assert torch.equal(weights.Q, good)


def test_the_first_entry_that_is_not_finite_is_named() -> None:
    """Though others are finite, and a later one is not either."""
    bad = good.clone()
    bad[0, 1, 2], bad[0, 2, 1] = -torch.inf, torch.nan
    with pytest.raises(WeightsError, match=r"^P must be finite, got -inf at \[0, 1, 2\]$"):
        Weights(bad, good)
