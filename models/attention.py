"""Linear and ReLU self-attention and their transformers, literally as the papers write them.

On a prompt Z ((d+1) × (n+1), last column the query), with the mask M = diag(I_n, 0),

    Attn_{P,Q}(Z) = P Z M σ(Zᵀ Q Z),   Z_{l+1} = Z_l + Attn_{P_l,Q_l}(Z_l) / n,
    TF_L(Z_0) = −[Z_L]_{d+1,n+1},

where σ, entrywise, is the identity (linear attention) or the ReLU.

[1] Ahn, Cheng, Daneshmand, Sra, arXiv:2306.00297v2, Section 2; Appendix A.4 for the ReLU.
"""
# ruff: noqa: F722 (the strings inside jaxtyping's annotations are shapes, not types; rows = d+1, columns = n+1)

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, cast, get_args

import torch
from jaxtyping import Float
from torch import Tensor, nn

from icl_claims.models.parametrizations import sparse

Activation = Literal["linear", "relu"]
"""What acts on the entries of Zᵀ Q Z: nothing, or s ↦ max(s, 0)."""


class LinearAttention(nn.Module):
    """One head of self-attention without softmax, P and Q free: linear, or with a ReLU on the scores.

    Linear attention is computed as P (Z M Zᵀ) Q Z: by associativity the literal formula, at a cost of O(d²n)
    for a prompt where the (n+1) × (n+1) matrix Zᵀ Q Z costs O(dn²). A ReLU needs that matrix.

    Args:
        P: the value matrix, (d+1) × (d+1).
        Q: the merged key-query matrix, (d+1) × (d+1); in general not symmetric.
        mask: whether M hides the query column from keys and values, as in [1]; False puts M = I_{n+1}.
        activation: σ, "linear" or "relu".

    Raises:
        ValueError: P or Q is not square, their sizes differ, d < 1, or there is no such activation.
    """

    def __init__(
        self,
        P: Float[Tensor, "rows rows"],
        Q: Float[Tensor, "rows rows"],
        *,
        mask: bool = True,
        activation: Activation = "linear",
    ) -> None:
        super().__init__()
        if activation not in get_args(Activation):
            raise ValueError(
                f"activation must be one of {', '.join(get_args(Activation))}, got {activation!r}"
            )
        for name, value in (("P", P), ("Q", Q)):
            if value.ndim != 2 or value.shape[0] != value.shape[1] or value.shape[0] < 2:
                raise ValueError(f"{name} must be (d+1) × (d+1) with d ≥ 1, got shape {tuple(value.shape)}")
        if P.shape != Q.shape:
            raise ValueError(f"P and Q must have one shape, got P {tuple(P.shape)} and Q {tuple(Q.shape)}")
        self.P = nn.Parameter(P.detach().clone())
        self.Q = nn.Parameter(Q.detach().clone())
        self.mask = mask
        self.activation = activation

    def forward(self, Z: Float[Tensor, "*batch rows columns"]) -> Float[Tensor, "*batch rows columns"]:
        """Attn_{P,Q}(Z), without the division by n."""
        return self.attend(Z, Z)

    def attend(
        self,
        Z: Float[Tensor, "*batch rows columns"],
        columns: Float[Tensor, "*batch rows chosen"],
        queries: int = 1,
    ) -> Float[Tensor, "*batch rows chosen"]:
        """P Z M σ(Zᵀ Q C) for a choice C of Z's columns: those columns of Attn_{P,Q}(Z).

        The mask hides the last ``queries`` columns.
        """
        seen = Z[..., : Z.shape[-1] - queries] if self.mask else Z
        if self.activation == "relu":
            return self.P @ seen @ torch.relu(seen.mT @ (self.Q @ columns))
        return self.P @ (seen @ seen.mT) @ (self.Q @ columns)


class LinearTransformer(nn.Module):
    """L layers Z ← Z + Attn(Z)/n on prompts of any context length n ≥ 1.

    Args:
        layers: the distinct layers, in order; all of one size.
        loops: how often the whole sequence is applied, so that L = len(layers) · loops. One layer
            with ``loops=L`` is the looped (weight-tied) transformer.

    Raises:
        ValueError: there is no layer, the sizes differ, or loops < 1.
    """

    def __init__(self, layers: Sequence[LinearAttention], *, loops: int = 1) -> None:
        super().__init__()
        if not layers:
            raise ValueError("layers must hold at least one layer, got none")
        if len({layer.P.shape for layer in layers}) != 1:
            raise ValueError(f"layers must be of one size, got {[tuple(layer.P.shape) for layer in layers]}")
        if loops < 1:
            raise ValueError(f"loops must be an integer ≥ 1, got {loops}")
        self.layers = nn.ModuleList(layers)
        self.loops = loops

    @classmethod
    def from_matrices(
        cls,
        P: Float[Tensor, "layers rows rows"],
        Q: Float[Tensor, "layers rows rows"],
        *,
        loops: int = 1,
        mask: bool = True,
        activation: Activation = "linear",
    ) -> LinearTransformer:
        """The layers (P_l, Q_l), all with one σ.

        Raises:
            ValueError: the two stacks differ in shape, or see :class:`LinearAttention`.
        """
        if P.ndim != 3 or P.shape != Q.shape:
            raise ValueError(
                "P and Q must be stacks of one shape, layers × (d+1) × (d+1), "
                f"got P {tuple(P.shape)} and Q {tuple(Q.shape)}"
            )
        layers = [LinearAttention(p, q, mask=mask, activation=activation) for p, q in zip(P, Q, strict=True)]
        return cls(layers, loops=loops)

    @classmethod
    def from_preconditioners(
        cls, A: Float[Tensor, "layers d d"], *, loops: int = 1, mask: bool = True
    ) -> LinearTransformer:
        """The sparse parametrization [1, Eq. (8)]: P_l = diag(0, 1), Q_l = −diag(A_l, 0).

        Raises:
            ValueError: A is no stack of square matrices.
        """
        P, Q = sparse(A)
        return cls.from_matrices(P, Q, loops=loops, mask=mask)

    @property
    def depth(self) -> int:
        """L."""
        return len(self.layers) * self.loops

    def weights(self) -> tuple[Float[Tensor, "depth rows rows"], Float[Tensor, "depth rows rows"]]:
        """Detached copies of the stacks (P_0, …, P_{L−1}) and (Q_0, …, Q_{L−1}), loops written out."""
        layers = list(self._sequence())
        return (
            torch.stack([layer.P.detach() for layer in layers]),
            torch.stack([layer.Q.detach() for layer in layers]),
        )

    def states(self, Z0: Float[Tensor, "*batch rows columns"]) -> list[Float[Tensor, "*batch rows columns"]]:
        """Z_0, Z_1, …, Z_L: all L + 1 of them."""
        self._validate(Z0)
        states = [Z0]
        for layer in self._sequence():
            Z = states[-1]
            states.append(Z + layer(Z) / (Z.shape[-1] - 1))
        return states

    def forward(self, Z0: Float[Tensor, "*batch rows columns"]) -> Float[Tensor, "*batch"]:
        """TF_L(Z_0) = −[Z_L]_{d+1,n+1}; of the last layer only the query column is computed."""
        return self.predict(Z0)[..., 0]

    def predict(
        self, Z0: Float[Tensor, "*batch rows columns"], queries: int = 1
    ) -> Float[Tensor, "*batch queries"]:
        """The predictions for several queries of one context, the last ``queries`` columns of Z_0.

        The mask hides them all, so that each prediction is what it is on a prompt of its own.

        Raises:
            ValueError: Z_0 is of the wrong shape, or there are several queries and no mask.
        """
        self._validate(Z0)
        *earlier, last = self._sequence()
        n = Z0.shape[-1] - queries
        if not 1 <= n < Z0.shape[-1]:
            raise ValueError(f"queries must be from 1 to {Z0.shape[-1] - 1} of Z0's columns, got {queries}")
        if queries > 1 and not all(layer.mask for layer in (*earlier, last)):
            raise ValueError(f"queries must be 1 where no mask hides them from one another, got {queries}")
        Z = Z0
        for layer in earlier:
            Z = Z + layer.attend(Z, Z, queries) / n
        last_columns = Z[..., n:]
        return -(last_columns + last.attend(Z, last_columns, queries) / n)[..., -1, :]

    def _sequence(self) -> Iterator[LinearAttention]:
        for _ in range(self.loops):
            yield from cast(Iterable[LinearAttention], self.layers)

    def _validate(self, Z0: Tensor) -> None:
        rows = next(self._sequence()).P.shape[0]
        if Z0.ndim < 2 or Z0.shape[-2] != rows or Z0.shape[-1] < 2:
            raise ValueError(f"Z0 must be … × {rows} × (n+1) with n ≥ 1, got shape {tuple(Z0.shape)}")
