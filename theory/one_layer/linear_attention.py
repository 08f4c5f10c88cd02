r"""One layer of linear attention from the layer itself: a route to its loss that does not go example by example.

With G = (1/n) Σ_i z_i z_iᵀ over context tokens z_i = (x_i, y_i), the query entry after the layer is
bᵀ G A x_q, where bᵀ is the last row of P and A the first d columns of Q, so

    f(b, A) = E[ (bᵀ G A x_q + wᵀ x_q)² ].

Here the entry comes from :func:`icl_claims.theory.transformer.attention.layer` with all of P and Q free, and the
average over X is taken at once. :mod:`icl_claims.theory.one_layer.single_layer` sums over examples instead; at ρ = 1
the two agree as polynomials, which the tests compare. This route also serves layers without the mask, and prompts
with a label in the query's slot.

Sources: Ahn et al. (2023), Theorem 1, Eq. (6), App. A.1; for general Ω and σ² derived here.
"""

from __future__ import annotations

from functools import cache

from icl_claims.theory.algebra.blocks import Blocks
from icl_claims.theory.algebra.words import Words, letter
from icl_claims.theory.one_layer.single_layer import A_LABEL, A_X, BETA, GAMMA, U
from icl_claims.theory.transformer.attention import MASK, X_QUERY, W, layer, prompt
from icl_claims.theory.transformer.prompts import CROSS, LABELS, over_prompts


def free_weights() -> tuple[Blocks, Blocks]:
    """P = [[P_x, p], [uᵀ, β]] and Q = [[A_x, q], [aᵀ, q_0]], all entries free."""
    P = Blocks([[letter("P_x", "d", "d"), letter("p", "d", "1")], [U.T, BETA]])
    Q = Blocks([[A_X, letter("q", "d", "1")], [A_LABEL.T, letter("q_0", "1", "1")]])
    return P, Q


@cache
def query_entry(mask: Blocks = MASK, query_label: Words | None = None) -> Words:
    """[Z_1]_{d+1,n+1} for free P and Q, from the layer itself. TF_1 is its negative."""
    return layer(*free_weights(), prompt(LABELS, query_label), mask)[1, 1]


@cache
def loss_from_layer() -> Words:
    """f(b, A) in closed form, the expectation of (TF_1 − ⟨w, x_q⟩)² with TF_1 from the layer."""
    residual = query_entry() + W.T @ X_QUERY
    return over_prompts(residual * residual)


def error_at(preconditioner: Words) -> Words:
    """⟨w, x_q⟩ minus the prediction x_qᵀ Γ g: the error of the layer b = e_{d+1}, A = (−Γ; 0)."""
    return X_QUERY.T @ (W - preconditioner @ CROSS)


@cache
def loss_of_error() -> Words:
    """E⟨error⟩² of the predictor x_qᵀ Γ g, a polynomial in Γ."""
    error = error_at(GAMMA)
    return over_prompts(error * error)


def gradient_from_layer(preconditioner: Words, mask: Blocks = MASK) -> Words:
    """Half the derivative of f at the predictor x_qᵀ Γ g, in the direction of any product b A.

    The query entry is linear in the product of b = (u, β) and A = (A_x; aᵀ), and such products span all
    directions; so if this vanishes for all u, β, A_x, a, then so does the gradient in every block:

        E[(⟨w, x_q⟩ − x_qᵀ Γ g) · [Attn]_{d+1,n+1}(b, A)],   zero exactly when Γ N = Ω on the range of Σ.
    """
    return over_prompts(error_at(preconditioner) * query_entry(mask))
