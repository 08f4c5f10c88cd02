r"""One block of linear attention with a value row, looped: gradient descent with the preconditioner Aᵀ.

The block of Gatmiry et al. (2024), with its minus sign, is

    Z ↦ Z − (1/n) P Z M (Zᵀ Q Z),     P = [[0, 0], [uᵀ, 1]],  Q = diag(A, 0).

It leaves the covariates (X, x_q) of a state. On the row of labels ỹ = (y, y_q) it does what the block with u = 0 does
to ỹ + uᵀ(X, x_q), less that row again: with u the loop descends on the labels of the task w + u.

With u = 0 it takes the state (X, x_q; y − vᵀX, −vᵀx_q) of any vector v to that of v − Aᵀ∇R(v), R the least squares of
the context. Without noise, w − v becomes (I − AᵀS)(w − v), S = XXᵀ/n. So after t loops

    w − w_t = (I − AᵀS)ᵗ w = ((I − SA)ᵗ)ᵀ w,     TF_t = ⟨w_t, x_q⟩ = wᵀ(I − (I − SA)ᵗ) x_q.

Each step is an identity in symbolic blocks, for any d, n, prompt, A and u. Source: Gatmiry et al. (2024), §3; the
transposes and the effect of u are derived here.
"""

from __future__ import annotations

from icl_claims.theory.algebra.blocks import Blocks, block_diagonal
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.words import Words, letter, n, one, zero
from icl_claims.theory.transformer.attention import MASK, X_QUERY, W, X, attention
from icl_claims.theory.transformer.preconditioned_gd import ITERATE, A, gradient, state

VALUE_ROW = letter("u", "d", "1")
"""u, whose transpose stands in the last row of P."""

NO_VALUE_ROW = zero("d", "1")


def weights(A: Words, u: Words) -> tuple[Blocks, Blocks]:
    """P = [[0, 0], [uᵀ, 1]] and Q = diag(A, 0)."""
    P = Blocks([[zero("d", "d"), zero("d", "1")], [u.T, one()]])
    return P, block_diagonal(A, zero("1", "1"))


def loop(A: Words, u: Words, Z: Blocks, mask: Blocks = MASK) -> Blocks:
    """One loop: Z − (1/n) P Z M (Zᵀ Q Z).

    >>> Z = state(ITERATE)
    >>> loop(A, VALUE_ROW, Z)[0, 0] == X
    True
    """
    return Z - attention(*weights(A, u), Z, mask) / n


def prove_loop_step(preconditioner: Words, mask: Blocks = MASK) -> None:
    """One loop with u = 0 takes the state of any v to that of v − ``preconditioner`` ∇R(v), for any labels.

    Raises:
        Refuted: it does not.

    >>> prove_loop_step(A.T)
    """
    if loop(A, NO_VALUE_ROW, state(ITERATE), mask) != state(ITERATE - preconditioner @ gradient(ITERATE)):
        raise Refuted("one loop does not take the state of v to that of the stated next iterate")


def prove_contraction(preconditioner: Words, contraction: Words) -> None:
    """With labels wᵀX a step of v takes w − v to ``contraction`` (w − v).

    Args:
        preconditioner, contraction: d × d; Aᵀ and I − AᵀS where they are true.

    Raises:
        Refuted: it does not.

    >>> from icl_claims.theory.algebra.words import eye
    >>> prove_contraction(A.T, eye("d") - A.T @ X @ X.T / n)
    """
    after = ITERATE - preconditioner @ gradient(ITERATE, W.T @ X)
    if W - after != contraction @ (W - ITERATE):
        raise Refuted("a step does not take w − v to the stated multiple")


def prove_transposed(contraction: Words, factor: Words) -> None:
    """The contraction is the transpose of ``factor``, so that vᵀ times the one is the other's transpose on v.

    Raises:
        Refuted: it is not.
    """
    if factor != contraction.T:
        raise Refuted("the factor of the prediction is not the transpose of the contraction")


def prove_state_of_residual() -> None:
    """For labels wᵀX the state of v has the context labels (w − v)ᵀX, and ⟨w − v, x_q⟩ − ⟨w, x_q⟩ for the query.

    Raises:
        Refuted: it has others.

    >>> prove_state_of_residual()
    """
    found, residual = state(ITERATE, W.T @ X), W - ITERATE
    if (found[1, 0], found[1, 1]) != (residual.T @ X, residual.T @ X_QUERY - W.T @ X_QUERY):
        raise Refuted("the labels of the state are not those of the residual")


def label_row(row: Words) -> Blocks:
    """A state that is zero but for the labels rowᵀ(X, x_q)."""
    nothing = [zero("d", "n"), zero("d", "1")]
    return Blocks([nothing, [row.T @ X, row.T @ X_QUERY]])
