"""The relaxed parametrisation as weights of the linear transformer (Ahn et al. (2023), Eq. (11))."""
# ruff: noqa: F722 (the strings inside jaxtyping's annotations are shapes, not types; rows = d+1)

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def relaxed_layers(
    A: Float[Tensor, "layers d d"], B: Float[Tensor, "some d d"]
) -> tuple[Float[Tensor, "layers rows rows"], Float[Tensor, "layers rows rows"]]:
    """P_l = diag(B_l, 1) and Q_l = diag(A_l, 0), for
    :meth:`icl_claims.models.attention.LinearTransformer.from_matrices`.

    Args:
        A: A_0, …, A_{L−1}, L × d × d, each with its own sign (descent has A_l ≺ 0).
        B: B_0, …, B_{L−1} or B_0, …, B_{L−2}: the prediction does not depend on B_{L−1}, which is then 0.

    Raises:
        ValueError: A is no stack of square matrices, or B is not L or L − 1 matrices of their size.
    """
    if A.ndim != 3 or A.shape[1] != A.shape[2] or 0 in A.shape:
        raise ValueError(f"A must be a stack of square matrices, layers × d × d, got {tuple(A.shape)}")
    layers, d, _ = A.shape
    if B.ndim != 3 or B.shape[1:] != A.shape[1:] or B.shape[0] not in (layers - 1, layers):
        raise ValueError(
            f"B must be {layers - 1} or {layers} matrices of {d} × {d}, as A has {layers}, got {tuple(B.shape)}"
        )
    P = torch.zeros((layers, d + 1, d + 1), dtype=A.dtype)
    P[: len(B), :d, :d] = B
    P[:, d, d] = 1
    Q = torch.zeros_like(P)
    Q[:, :d, :d] = A
    return P, Q
