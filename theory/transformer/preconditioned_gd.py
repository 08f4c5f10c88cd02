r"""The forward pass of the sparse parametrization is preconditioned gradient descent.

With P_l = diag(0, 1) and Q_l = −diag(A_l, 0), for every prompt (x_i, y_i), whatever the labels:

    [Z_l]_{d+1,n+1} = −⟨x_q, w_l⟩,   w_0 = 0,   w_{l+1} = w_l − A_lᵀ ∇R(w_l),
    R(w) = (1/2n) Σ_i (⟨w, x_i⟩ − y_i)².

The preconditioner is the *transpose* of A_l. Ahn et al. (2023), Lemma 1, write A_l: the same for
symmetric A_l, wrong otherwise.

Proof by induction on l: the state of layer l is Z_l = [[X, x_q], [y − w_lᵀX, −w_lᵀx_q]]; the first
row of blocks never changes because P_l has no other entry. All is symbolic: any d, n, prompt, A_l, w_l.
"""

from __future__ import annotations

from icl_claims.theory.algebra.blocks import Blocks
from icl_claims.theory.algebra.words import Words, letter, n
from icl_claims.theory.transformer.attention import MASK, X_QUERY, X, layer, prompt
from icl_claims.theory.transformer.parametrizations import sparse

A = letter("A", "d", "d")
"""A_l, any d × d matrix."""
ITERATE = letter("w_l", "d", "1")
"""w_l, any vector."""
LABELS = letter("y", "1", "n")
"""The context's labels, any row."""
DIRECTION = letter("v", "d", "1")


def least_squares(w: Words, labels: Words = LABELS) -> Words:
    """R(w) = (1/2n) ‖wᵀX − y‖²."""
    residual = w.T @ X - labels
    return residual @ residual.T / (2 * n)


def gradient(w: Words, labels: Words = LABELS) -> Words:
    """∇R(w) = (1/n) X (Xᵀw − yᵀ), d × 1."""
    return X @ (X.T @ w - labels.T) / n


def state(w: Words, labels: Words = LABELS) -> Blocks:
    """The prompt that carries the iterate w: residuals at the context, −⟨w, x_q⟩ at the query."""
    return prompt(labels - w.T @ X, -(w.T @ X_QUERY))


def after_layer(w: Words, mask: Blocks = MASK) -> Blocks:
    """The state of the iterate w after one layer with matrix A."""
    return layer(*sparse(A), state(w), mask)
