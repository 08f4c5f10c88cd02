"""The parametrizations of Ahn et al. (2023) as weights of the linear transformer: sparse and relaxed.

Sparse, their Eq. (8): P_l = diag(0, 1), Q_l = −diag(A_l, 0). Relaxed, their Eq. (11): P_l = diag(B_l, 1),
Q_l = diag(A_l, 0), where A_l carries its own sign. Free: all entries of P_l and Q_l.
"""
# ruff: noqa: F722 (the strings inside jaxtyping's annotations are shapes, not types; rows = d+1)

from __future__ import annotations

from typing import Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor

Form = Literal["free", "sparse", "relaxed"]


def sparse(
    A: Float[Tensor, "layers d d"],
) -> tuple[Float[Tensor, "layers rows rows"], Float[Tensor, "layers rows rows"]]:
    """P_l = diag(0, 1) and Q_l = −diag(A_l, 0).

    Raises:
        ValueError: A is no stack of square matrices.

    >>> P, Q = sparse(torch.ones((1, 1, 1)))
    >>> P.tolist(), Q[0, 0, 0].item()
    ([[[0.0, 0.0], [0.0, 1.0]]], -1.0)
    """
    return relaxed(-A, A[:0]) if A.ndim == 3 else relaxed(A, A)


def relaxed(
    A: Float[Tensor, "layers d d"], B: Float[Tensor, "some d d"]
) -> tuple[Float[Tensor, "layers rows rows"], Float[Tensor, "layers rows rows"]]:
    """P_l = diag(B_l, 1) and Q_l = diag(A_l, 0).

    Args:
        A: A_0, …, A_{L−1}, L × d × d, each with its own sign (descent has A_l ≺ 0).
        B: B_0, B_1, …: L matrices, or L − 1 (the prediction does not depend on B_{L−1}), or none; those that are
            left out are 0.

    Raises:
        ValueError: A is no stack of square matrices, or B is not of their size or of another number.

    >>> P, Q = relaxed(torch.full((2, 1, 1), -2.0), torch.ones((1, 1, 1)))
    >>> P.diagonal(dim1=1, dim2=2).tolist(), Q[1, 0, 0].item()
    ([[1.0, 1.0], [0.0, 1.0]], -2.0)
    """
    if A.ndim != 3 or A.shape[1] != A.shape[2] or 0 in A.shape:
        raise ValueError(f"A must be a stack of square matrices, layers × d × d, got {tuple(A.shape)}")
    layers, d, _ = A.shape
    if B.shape[1:] != A.shape[1:] or B.shape[0] not in (0, layers - 1, layers):
        raise ValueError(
            f"B must be 0, {layers - 1} or {layers} matrices of {d} × {d}, as A has {layers}, got {tuple(B.shape)}"
        )
    P = torch.zeros((layers, d + 1, d + 1), dtype=A.dtype)
    P[: len(B), :d, :d] = B
    P[:, d, d] = 1
    Q = torch.zeros_like(P)
    Q[:, :d, :d] = A
    return P, Q


def trained_entries(form: Form, d: int) -> dict[str, Bool[Tensor, "rows rows"]]:
    """Which entries of P_l and of Q_l a form leaves free, under "P" and "Q"."""
    free = {name: torch.zeros((d + 1, d + 1), dtype=torch.bool) for name in ("P", "Q")}
    free["Q"][:d, :d] = True
    free["P"][:d, :d] = form == "relaxed"
    if form == "free":
        free["P"][:], free["Q"][:] = True, True
    return free
