"""Weights: what they must be."""

from __future__ import annotations

import pytest
import torch

from icl_claims.models.weights import Weights, WeightsError

good = torch.eye(3, dtype=torch.float64)[None]


def test_weights_are_tensors() -> None:
    with pytest.raises(WeightsError, match="P must be a tensor, got list"):
        Weights([[1.0]], good)  # type: ignore[arg-type]
