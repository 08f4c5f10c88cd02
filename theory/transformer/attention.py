"""Linear self-attention on a regression prompt, in symbolic blocks.

    Z_0 = [[X, x_q], [y, 0]],   M = diag(I_n, 0),
    Attn_{P,Q}(Z) = P Z M (Zᵀ Q Z),   Z_{l+1} = Z_l + Attn_{P_l,Q_l}(Z_l)/n,
    TF_L(Z_0) = −[Z_L]_{d+1,n+1}.

Sizes d and n, the prompt and the weights are all symbolic, so an identity between two results holds
for every prompt and all weights. Source: Ahn et al. (2023), Eqs. (1)–(4).
"""

from __future__ import annotations

from icl_claims.theory.algebra.blocks import Blocks, block_diagonal
from icl_claims.theory.algebra.words import Words, eye, letter, n, one, zero

X = letter("X", "d", "n")
"""Context covariates, as columns."""
X_QUERY = letter("x_q", "d", "1")
"""The query covariate."""
W = letter("w", "d", "1")
"""The task vector."""
NOISE = letter("epsilon", "n", "1")
"""Label noise of the context."""

MASK = block_diagonal(eye("n"), zero("1", "1"))
"""M = diag(I_n, 0): the query column is never a key or a value."""
NO_MASK = block_diagonal(eye("n"), one())
"""The identity in the place of M: the query column takes part."""


def prompt(labels: Words, query_label: Words | None = None) -> Blocks:
    """Z_0 for a row of labels y (1 × n) and the query's label slot (0 by default)."""
    slot = zero("1", "1") if query_label is None else query_label
    return Blocks([[X, X_QUERY], [labels, slot]])


def attention(P: Blocks, Q: Blocks, Z: Blocks, mask: Blocks = MASK) -> Blocks:
    """Attn_{P,Q}(Z) = P Z M (Zᵀ Q Z)."""
    return P @ Z @ mask @ (Z.T @ Q @ Z)


def layer(P: Blocks, Q: Blocks, Z: Blocks, mask: Blocks = MASK) -> Blocks:
    """One layer: Z + Attn_{P,Q}(Z)/n."""
    return Z + attention(P, Q, Z, mask) / n
