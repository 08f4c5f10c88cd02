r"""Which factors b, a_j have the same symmetric products b a_jᵀ + a_j bᵀ: the orbits of minimizing weights.

With b = (u; β) and a_j = (v_j; α_j) the symmetric product has the blocks u v_jᵀ + v_j uᵀ, α_j u + β v_j and 2α_jβ.
At a minimizer they are 0, −γ_j and 0, with γ_j the columns of Γ. So u = 0 and β v_j = −γ_j; or, with label and
covariates exchanged, v_j = 0 and α_j u = −γ_j for all j.

The functions here are the checks of these steps, identities in symbolic d and n.
"""

from __future__ import annotations

from collections.abc import Mapping

import sympy

from icl_claims.theory.algebra.blocks import Blocks
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.words import Words, letter, n, one, sigma2, zero
from icl_claims.theory.evaluation import vanishes
from icl_claims.theory.one_layer.convexity import CROSS_PART, DELTA, D, hessian_form
from icl_claims.theory.one_layer.linear_attention import query_entry
from icl_claims.theory.one_layer.single_layer import BETA, U
from icl_claims.theory.transformer.attention import NO_MASK

V = letter("v", "d", "1")
ALPHA = letter("alpha", "1", "1")


def prove_hessian(form: Words) -> None:
    """E⟨G, Δ⟩² is this form, for every symmetric Δ = [[D, m], [mᵀ, δ]].

    Raises:
        Refuted: the two are different polynomials.
    """
    if hessian_form() != form:
        raise Refuted("the Hessian form is not the claimed one")


def prove_squares(parts: Mapping[str, Words]) -> None:
    """With Σ = R² and Ω = H², t = tr ΣΩ + σ², K = R Ω R and M = R D R + δK the parts are, by name,

        mean: (tr ΣD + δt)²,   shifted: (2/n) ‖M‖²,   label: (2 + 2/n) δ² ‖K‖²,   label_variance: (2/n) (δt)²,
        cross: 4 ((n+1)/n) ‖H Σ m‖² + (4t/n) ‖R m‖²,

    so all of them are ≥ 0. Where they vanish, t > 0 and R is invertible, δ = 0 by label_variance, then D = 0 by
    shifted, and m = 0 by cross.

    Args:
        parts: as :func:`icl_claims.theory.one_layer.convexity.squares` gives them.

    Raises:
        Refuted: a part is another polynomial, or their names are others.

    >>> from icl_claims.theory.one_layer.convexity import squares
    >>> prove_squares(squares())
    """
    R, H = letter("R", "d", "d", symmetric=True), letter("H", "d", "d", symmetric=True)
    K, t = R @ H @ H @ R, (R @ R @ H @ H).trace() + one() * sigma2
    M, mean = R @ D @ R + K * DELTA, (R @ R @ D).trace() + DELTA * t
    far, near = H @ R @ R @ CROSS_PART, R @ CROSS_PART
    expected = {
        "mean": mean * mean,
        "shifted": (M @ M.T).trace() * (2 / n),
        "label": DELTA * DELTA * (K @ K.T).trace() * (2 + 2 / n),
        "label_variance": (DELTA * t) * (DELTA * t) * (2 / n),
        "cross": (far.T @ far) * (4 * (n + 1) / n) + t * (near.T @ near) * (4 / n),
    }
    if set(parts) != set(expected):
        raise Refuted(f"the parts are not {', '.join(expected)}")
    for name, square in expected.items():
        if parts[name].substitute({"Sigma": R @ R, "Omega": H @ H}) != square:
            raise Refuted(f"the part {name} is not the square that it is said to be")


def prove_blocks(top: Words, side: Words, corner: Words) -> None:
    """b aᵀ + a bᵀ = [[top, side], [sideᵀ, corner]] for b = (u; β) and a = (v; α).

    Raises:
        Refuted: a block is another polynomial.

    >>> prove_blocks(U @ V.T + V @ U.T, U @ ALPHA + V @ BETA, ALPHA @ BETA * 2)
    """
    b, a = Blocks([[U], [BETA]]), Blocks([[V], [ALPHA]])
    if b @ a.T + a @ b.T != Blocks([[top, side], [side.T, corner]]):
        raise Refuted("the symmetric product has other blocks")


def prove_product_square(square: Words) -> None:
    """tr((uvᵀ + vuᵀ)²) is this polynomial.

    Raises:
        Refuted: it is another one.

    >>> prove_product_square((U.T @ V) * (U.T @ V) * 2 + (U.T @ U) * (V.T @ V) * 2)
    """
    product = U @ V.T + V @ U.T
    if (product @ product).trace() != square:
        raise Refuted("tr((uvᵀ + vuᵀ)²) is another polynomial")


def prove_orbits(at_rank_one: int, above: int) -> None:
    """The weights with the symmetric products of a minimizer are as many orbits of b ← γb, A ← A/γ as said.

    One is that of b = e_{d+1}, A = (−Γ; 0). Exchanged weights have α_j u = −γ_j for all j: Γ = −u αᵀ has no minor of
    size 2 but 0, so its rank is 1. And for Γ = κppᵀ the weights b = (p; 0), A = (0; −κpᵀ) give the same layer.

    Raises:
        Refuted: there are more orbits or fewer, for Γ of rank 1, or above.

    >>> prove_orbits(2, 1)
    """
    p, kappa = letter("p_1", "d", "1"), letter("kappa", "1", "1")
    none, square = zero("d", "1"), zero("d", "d")
    stated = {"u": none, "beta": one(), "A_x": p @ p.T * kappa * -1, "a": none}
    exchanged = {"u": p, "beta": zero("1", "1"), "A_x": square, "a": p * kappa * -1}
    attained = query_entry().substitute(stated) == query_entry().substitute(exchanged)
    if at_rank_one != 1 + attained:
        raise Refuted(f"at rank 1 there are {1 + attained} orbits, not {at_rank_one}")
    u, alpha = sympy.symbols("u:2"), sympy.symbols("alpha:2")
    minor = sympy.Matrix(2, 2, lambda i, j: -u[i] * alpha[j]).det()
    possible = not vanishes(minor)
    if above != 1 + possible:
        raise Refuted(f"above rank 1 there are {1 + possible} orbits, not {above}")


def prove_mask_adds_no_context() -> None:
    """Without the mask the query entry gains terms in which the context does not occur, while it stands in all others.

    So an entry that vanishes for every prompt without the mask vanishes with it: by degrees in X and the noise.

    Raises:
        Refuted: a term of the masked entry has neither X nor noise, or a term gained has.

    >>> prove_mask_adds_no_context()
    """
    context = {"X", "epsilon"}
    gained = query_entry(NO_MASK) - query_entry()

    def occurs(traces: tuple[tuple[object, ...], ...], word: tuple[object, ...]) -> bool:
        return any(getattr(x, "name", "") in context for part in (*traces, word) for x in part)

    if not all(occurs(*term) for term in query_entry().terms):
        raise Refuted("a term of the entry does not hold the context")
    if any(occurs(*term) for term in gained.terms):
        raise Refuted("a term that the mask leaves out holds the context")
