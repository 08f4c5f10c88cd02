r"""What the value row u of a looped block adds to its loss: the mean of a square, whatever A is.

The block Z ↦ Z − (1/n) P Z M (Zᵀ Q Z) with P = [[0, 0], [uᵀ, 1]] and Q = diag(A, 0) takes the labels
((v − u)ᵀX, (v − u)ᵀx_q − wᵀx_q) to those of (I − AᵀS)v in the place of v. The prompt has those of v = w + u. So after L
loops, with R = (I − SA)^L, the error is x_qᵀ(Rᵀw − (I − Rᵀ)u), and

    𝓛(A, u) = E tr(Σ Rᵀ Σ⁻¹ R) + E uᵀ(I − R) Σ (I − Rᵀ) u = 𝓛(A, 0) + a mean of squares.

Source: derived here, for Gatmiry et al. (2024), Theorem 3.2.
"""

from __future__ import annotations

from icl_claims.theory.algebra.blocks import Blocks, block_diagonal
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.words import Words, eye, letter, n, one, zero
from icl_claims.theory.transformer.attention import X_QUERY, W, X, attention, prompt
from icl_claims.theory.transformer.prompts import OMEGA, SIGMA, over_query_and_task

A = letter("A", "d", "d")
U = letter("u", "d", "1")
V = letter("v", "d", "1")
R = letter("R", "d", "d")
"""(I − SA)^L."""

STEP = eye("d") - A.T @ X @ X.T / n
"""I − AᵀS."""


def state(v: Words) -> Blocks:
    """The prompt whose labels belong to v."""
    return prompt((v - U).T @ X, (v - U).T @ X_QUERY - W.T @ X_QUERY)


def prove_loop(step: Words = STEP) -> None:
    """One loop takes the state of v to that of ``step`` v, and the prompt with labels wᵀX is the state of w + u.

    Raises:
        Refuted: it does not, or is not.

    >>> prove_loop()
    """
    P = Blocks([[zero("d", "d"), zero("d", "1")], [U.T, one()]])
    Q = block_diagonal(A, zero("1", "1"))
    if state(W + U) != prompt(W.T @ X):
        raise Refuted("the prompt is not the state of w + u")
    if state(V) - attention(P, Q, state(V)) / n != state(step @ V):
        raise Refuted("one loop does not take the state of v to that of the stated multiple")


def prove_added_square(added: Words | None = None) -> None:
    """The mean square of x_qᵀ(Rᵀw − (I − Rᵀ)u) is tr(ΣRᵀΩR) + ``added``, uᵀ(I − R)Σ(I − Rᵀ)u by default.

    Raises:
        Refuted: it is another one.

    >>> prove_added_square()
    """
    moved = (eye("d") - R.T) @ U
    error = X_QUERY.T @ (R.T @ W - moved)
    stated = moved.T @ SIGMA @ moved if added is None else added
    if over_query_and_task(error * error) != (SIGMA @ R.T @ OMEGA @ R).trace() + stated:
        raise Refuted("the mean square of the error is another one")
