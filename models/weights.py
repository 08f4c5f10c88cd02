r"""Weights of linear transformers: P_l and Q_l of L layers, validated.

:class:`Weights` holds floating-point tensors, :class:`ExactWeights` rational matrices, such as products of a key and a
query matrix, which no float64 matrix is.

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
from flint import fmpq_mat
from jaxtyping import Float
from torch import Tensor

from icl_claims.theory.algebra import validation

FLOATS = (torch.float64, torch.float32, torch.bfloat16, torch.float16)
"""What an entry may be: each of these numbers is a float64 number."""


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

    def exact(self) -> ExactWeights:
        """The same matrices, every entry the dyadic rational that it is."""
        pairs = zip(self.P, self.Q, strict=True)
        return ExactWeights(tuple((validation.matrix("P", P), validation.matrix("Q", Q)) for P, Q in pairs))


@dataclass(frozen=True)
class ExactWeights:
    """The matrices of L layers over the rationals.

    Args:
        layers: (P_l, Q_l) for each layer, all (d+1) × (d+1).

    Raises:
        WeightsError: there is no layer, or a matrix is of another size.
    """

    layers: tuple[tuple[fmpq_mat, fmpq_mat], ...]

    def __post_init__(self) -> None:
        shapes = sorted({(m.nrows(), m.ncols()) for layer in self.layers for m in layer})
        if len(shapes) != 1 or shapes[0][0] != shapes[0][1] or shapes[0][0] < 2:
            got = ", ".join(f"{rows} × {columns}" for rows, columns in shapes) or "no layer"
            raise WeightsError(f"P and Q must all be (d+1) × (d+1) with one d ≥ 1, got {got}")

    @property
    def dim(self) -> int:
        """d."""
        return int(self.layers[0][0].nrows()) - 1

    @property
    def depth(self) -> int:
        """L."""
        return len(self.layers)

    def exact(self) -> ExactWeights:
        """These weights."""
        return self


def floats(name: str, value: Any) -> Tensor:
    """A tensor of floating-point numbers as a float64 copy, without rounding.

    Raises:
        WeightsError: it is no tensor, its type is none of :data:`FLOATS`, or an entry is NaN or infinite.

    >>> floats("P", torch.tensor([0.1], dtype=torch.bfloat16)).item()
    0.10009765625
    """
    if not isinstance(value, Tensor):
        raise WeightsError(f"{name} must be a tensor, got {type(value).__name__}")
    if value.dtype not in FLOATS:
        *names, last, got = (str(dtype).removeprefix("torch.") for dtype in (*FLOATS, value.dtype))
        raise WeightsError(f"{name} must be of dtype {', '.join(names)} or {last}, got {got}")
    if not torch.isfinite(value).all():
        where = (~torch.isfinite(value)).nonzero()[0].tolist()
        raise WeightsError(f"{name} must be finite, got {value[tuple(where)].item()} at {where}")
    return value.detach().to(torch.float64, copy=True, memory_format=torch.contiguous_format)


def sizes(value: Tensor) -> str:
    """The shape of a tensor in words.

    >>> sizes(torch.ones(3, 2)), sizes(torch.tensor(1.0))
    ('3 × 2', 'a scalar')
    """
    return " × ".join(map(str, value.shape)) or "a scalar"


def _validated(name: str, value: Any) -> Tensor:
    tensor = floats(name, value)
    if tensor.ndim == 4:
        raise WeightsError(
            f"{name} must have one head, layers × (d+1) × (d+1), got {sizes(tensor)}: several heads"
        )
    if tensor.ndim != 3 or tensor.shape[0] < 1 or tensor.shape[1] != tensor.shape[2] or tensor.shape[1] < 2:
        raise WeightsError(f"{name} must be layers × (d+1) × (d+1) with d ≥ 1, got {sizes(tensor)}")
    return tensor
