"""Torch tensors of small integers in float64: layers of them are computed without rounding."""

from __future__ import annotations

import torch
from hypothesis import strategies as st


def draw_integers(data: st.DataObject, shape: tuple[int, ...], bound: int) -> torch.Tensor:
    """A tensor with independent entries between −bound and bound."""
    count = int(torch.tensor(shape).prod())
    values = data.draw(st.lists(st.integers(-bound, bound), min_size=count, max_size=count))
    return torch.tensor(values, dtype=torch.float64).reshape(shape)
