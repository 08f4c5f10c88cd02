r"""The forward pass of the sparse parametrization is preconditioned gradient descent.

With P_l = diag(0, 1) and Q_l = −diag(A_l, 0), for every prompt (x_i, y_i), whatever the labels:

    [Z_l]_{d+1,n+1} = −⟨x_q, w_l⟩,   w_0 = 0,   w_{l+1} = w_l − A_lᵀ ∇R(w_l),
    R(w) = (1/2n) Σ_i (⟨w, x_i⟩ − y_i)².

The preconditioner is the *transpose* of A_l. Ahn et al. (2023), Lemma 1, write A_l: the same for
symmetric A_l, wrong otherwise.

The proof, by induction on l, is :mod:`icl_claims.theory.derivations.forward_pass_is_preconditioned_gd_transposed`: the
state of layer l is Z_l = [[X, x_q], [y − w_lᵀX, −w_lᵀx_q]]. Its steps are checked here, each an identity in symbolic
blocks, for any d, n, prompt, A_l and w_l.
"""

from __future__ import annotations

from icl_claims.theory.algebra.blocks import Blocks
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.words import Words, letter, n, zero
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


def prove_start(labels: Words = LABELS) -> None:
    """Z_0 is the state of w_0 = 0.

    Raises:
        Refuted: with ``labels`` in the prompt it is not.

    >>> prove_start()
    """
    if state(zero("d", "1")) != prompt(labels):
        raise Refuted("Z_0 is not the state of w_0 = 0")


def prove_entry(entry: Words) -> None:
    """The query entry of the state of w is ``entry``.

    Raises:
        Refuted: it is not.

    >>> prove_entry(-(ITERATE.T @ X_QUERY))
    """
    if state(ITERATE)[1, 1] != entry:
        raise Refuted("the query entry of the state of w is another one")


def prove_slope(slope: Words) -> None:
    """R(w + v) − R(w) = ⟨v, slope⟩ + (1/2n) ‖Xᵀv‖², so that ``slope`` is ∇R(w).

    Raises:
        Refuted: it is not.

    >>> prove_slope(gradient(ITERATE))
    """
    curvature = DIRECTION.T @ X @ X.T @ DIRECTION / (2 * n)
    if least_squares(ITERATE + DIRECTION) != least_squares(ITERATE) + DIRECTION.T @ slope + curvature:
        raise Refuted("the slope is not the gradient of R")


def prove_step(preconditioner: Words, mask: Blocks = MASK) -> None:
    """One layer takes the state of any w to that of w − ``preconditioner`` ∇R(w).

    Raises:
        Refuted: it does not.

    >>> prove_step(A.T)
    """
    if after_layer(ITERATE, mask) != state(ITERATE - preconditioner @ gradient(ITERATE)):
        raise Refuted("one layer does not take the state of w to that of the stated next iterate")
