r"""How convex the single-layer loss is in the products b a_jᵀ, and what that says about uniqueness.

For a symmetric direction Δ = [[D, m], [mᵀ, δ]] (the loss sees only the symmetric part of a product, as
G is symmetric) the Hessian form is an explicit sum of squares, with t = tr ΣΩ + σ²:

    E⟨G, Δ⟩² = (tr ΣD + δ t)² + (2/n) ‖Σ^{1/2}(D + δΩ)Σ^{1/2}‖_F² + 2(1 + 1/n) δ² tr(ΣΩΣΩ)
               + (2/n) δ² t² + 4 mᵀ E[g gᵀ] m.

So for Σ ≻ 0 and t > 0 it is positive unless Δ = 0, for every n ≥ 1 and d: the symmetric part of every optimal product
is unique. Which weights these are is derived in :mod:`icl_claims.theory.derivations.global_minimizer_uniqueness`. The
cross block m does not mix with D and δ: f − min f ≥ tr(Σ E E[g gᵀ] Eᵀ), where E is the error of the effective
preconditioner −(β A_x + u aᵀ)ᵀ.

Derived here; Ahn et al. (2023), App. A.2, use the convexity without its modulus.
"""

from __future__ import annotations

from functools import cache

from icl_claims.theory.algebra.words import Words, letter, n, one, sigma2
from icl_claims.theory.one_layer.single_layer import GAMMA, cross_second_moment
from icl_claims.theory.transformer.attention import W
from icl_claims.theory.transformer.prompts import CROSS, LABEL_SQUARE, OMEGA, SIGMA, S, over_prompts

D = letter("D", "d", "d", symmetric=True)
CROSS_PART = letter("m", "d", "1")
DELTA = letter("delta", "1", "1")


@cache
def pairing() -> Words:
    """⟨G, Δ⟩ = tr(SD) + 2 mᵀg + δh."""
    return (S @ D).trace() + CROSS_PART.T @ CROSS * 2 + DELTA @ LABEL_SQUARE


@cache
def hessian_form() -> Words:
    """E⟨G, Δ⟩² for Δ = [[D, m], [mᵀ, δ]], from the moments of the prompt."""
    return over_prompts(pairing() * pairing())


@cache
def component_gradients() -> Words:
    """Half the gradients of f_j(X) = E(⟨G, X⟩ + w_j)² at X_j = −e_{d+1} γ_jᵀ, paired with Δ: the j-th row.

    γ_jᵀ is the j-th row of Γ, so ⟨G, X_j⟩ = −(Γ g)_j; the value is d × 1, E[(w − Γ g) ⟨G, Δ⟩].
    """
    return over_prompts((W - GAMMA @ CROSS) * pairing())


def squares() -> dict[str, Words]:
    """The terms that the Hessian form is the sum of, each ≥ 0 for all n, d, σ² and Σ, Ω ⪰ 0."""
    shifted = SIGMA @ (D + OMEGA * DELTA)
    label_variance = (SIGMA @ OMEGA).trace() + one() * sigma2
    mean = (SIGMA @ D).trace() + DELTA * label_variance
    return {
        "mean": mean * mean,
        "shifted": (shifted @ shifted).trace() * (2 / n),
        "label": DELTA * DELTA * (SIGMA @ OMEGA @ SIGMA @ OMEGA).trace() * (2 + 2 / n),
        "label_variance": DELTA * DELTA * label_variance * label_variance * (2 / n),
        "cross": CROSS_PART.T @ cross_second_moment() @ CROSS_PART * 4,
    }
