r"""Weights of linear transformers: P_l and Q_l of L layers, validated.

A loss depends on (P_l, Q_l) through products alone: P_l ← γ P_l, Q_l ← Q_l/γ changes nothing [1, Theorem 1], and
:mod:`icl_claims.models.comparison` takes this freedom out exactly.

[1] Ahn, Cheng, Daneshmand, Sra, arXiv:2306.00297v2.
"""
# ruff: noqa: F722 (the strings inside jaxtyping's annotations are shapes, not types; rows = d+1)

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor


class WeightsError(ValueError):
    """The weights are not what a linear transformer's have to be; the message says which and why."""


@dataclass(frozen=True, eq=False)
class Weights:
    """The matrices of L layers, one head each: copies, in float64.

    Args:
        P: value matrices, L × (d+1) × (d+1).
        Q: merged key-query matrices, of the same shape.
        metadata: free text about their origin.

    Raises:
        WeightsError: a tensor has the wrong type or shape, or an entry is NaN or infinite.
    """

    P: Float[Tensor, "layers rows rows"]
    Q: Float[Tensor, "layers rows rows"]
    metadata: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("P", "Q"):
            object.__setattr__(self, name, _validated(name, getattr(self, name)))
        if self.P.shape != self.Q.shape:
            raise WeightsError(
                f"P and Q must have one shape, got P {tuple(self.P.shape)} and Q {tuple(self.Q.shape)}"
            )

    @property
    def dim(self) -> int:
        """d."""
        return int(self.P.shape[1]) - 1

    @property
    def depth(self) -> int:
        """L."""
        return int(self.P.shape[0])


def _validated(name: str, value: Any) -> Tensor:
    if not isinstance(value, Tensor):
        raise WeightsError(f"{name} must be a tensor, got {type(value).__name__}")
    if value.dtype not in (torch.float64, torch.float32):
        raise WeightsError(
            f"{name} must be of dtype float64 or float32, got {str(value.dtype).removeprefix('torch.')}"
        )
    shape = " × ".join(map(str, value.shape)) or "a scalar"
    if value.ndim == 4:
        raise WeightsError(f"{name} must have one head, layers × (d+1) × (d+1), got {shape}: several heads")
    if value.ndim != 3 or value.shape[0] < 1 or value.shape[1] != value.shape[2] or value.shape[1] < 2:
        raise WeightsError(f"{name} must be layers × (d+1) × (d+1) with d ≥ 1, got {shape}")
    if not torch.isfinite(value).all():
        where = (~torch.isfinite(value)).nonzero()[0].tolist()
        raise WeightsError(f"{name} must be finite, got {value[tuple(where)].item()} at {where}")
    return value.detach().to(torch.float64, copy=True, memory_format=torch.contiguous_format)
