r"""The products b a_jᵀ, in which the loss of one attention layer is an expected square of an affine map.

Only the last row bᵀ = (uᵀ, β) of P and the first d columns A = (A_x; aᵀ) of Q act on the loss of one layer, and
they act through the products b a_jᵀ, a_j the j-th column of A. So the loss is convex in these products, and
weights at which the derivative vanishes in the direction of every product bA are global minimizers over all P
and Q. At b = e_{d+1}, A = (−Γ; 0) the derivative is, up to a positive number,

    tr((β A_x + u aᵀ) Σ (Ω − ΓN) Σ),

with N the matrix of the layer, which keeps each example with probability ρ: 1 for linear attention, 1/2 with a ReLU
(:func:`icl_claims.theory.one_layer.single_layer.normal_matrix`). It vanishes for every b and A where ΓN = Ω.

The functions here are the checks of these steps. Each is an identity in symbolic n, d, σ² and matrices, and
raises :class:`~icl_claims.theory.algebra.exact.Refuted` where the identity fails.

Source: Ahn et al. (2023), Appendices A.1 to A.4, for Ω = I and σ² = 0; for any Ω and σ² derived here.
"""

from __future__ import annotations

from fractions import Fraction
from functools import cache

import sympy

from icl_claims.theory.algebra.blocks import Blocks
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.words import Words, letter, n, one, sigma2, zero
from icl_claims.theory.evaluation import in_eigenbasis, vanishes
from icl_claims.theory.one_layer.convexity import (
    CROSS_PART,
    component_gradients,
    hessian_form,
    pairing,
)
from icl_claims.theory.one_layer.linear_attention import (
    error_at,
    gradient_from_layer,
    loss_from_layer,
    loss_of_error,
    query_entry,
)
from icl_claims.theory.one_layer.single_layer import (
    A_LABEL,
    A_X,
    BETA,
    GAMMA,
    LABEL,
    TOKEN,
    TOKEN_NOISE,
    U,
    averaged_square,
    loss_at_preconditioner,
    loss_polynomial,
    product_gradient,
    score,
    value,
)
from icl_claims.theory.transformer.attention import X_QUERY, W
from icl_claims.theory.transformer.prompts import CROSS, LABEL_SQUARE, OMEGA, SIGMA, S, over_prompts

_AT_POINT: dict[str, Words] = {"u": zero("d", "1"), "beta": one(), "A_x": -GAMMA, "a": zero("d", "1")}
"""The letters of b = e_{d+1} and A = (−Γ; 0)."""


def factors() -> tuple[Blocks, Blocks]:
    """bᵀ = (uᵀ, β) as a row of blocks, and A = (A_x; aᵀ) as a column of blocks.

    >>> b, A = factors()
    >>> b[0, 1] == BETA, A[0, 0] == A_X
    (True, True)
    """
    return Blocks([[U.T, BETA]]), Blocks([[A_X], [A_LABEL.T]])


def prove_bilinear(entry: Words) -> None:
    """Every term holds exactly one letter of b and one of A: the entry is linear in the products b a_jᵀ.

    Args:
        entry: the query entry of a layer, or what one example contributes to it.

    Raises:
        Refuted: a term holds another number of letters of b or of A.

    >>> from icl_claims.theory.one_layer.linear_attention import query_entry
    >>> prove_bilinear(query_entry())
    """
    for traces, word in entry.terms:
        names = [x.name for part in (*traces, word) for x in part]
        if [sum(name in block for name in names) for block in (("u", "beta"), ("A_x", "a"))] != [1, 1]:
            raise Refuted(f"a term is not bilinear in b and A: {traces}, {word}")


def prove_scaled(entry: Words, b_power: int, A_power: int) -> None:
    """The entry does not change under b ← γ^{b_power} b, A ← γ^{A_power} A, for all γ ≠ 0.

    Args:
        entry: a polynomial in the letters of b and A.
        b_power: an integer.
        A_power: an integer.

    Raises:
        Refuted: the entry does not scale by the product of the two factors, or this product is not 1.

    >>> from icl_claims.theory.one_layer.linear_attention import query_entry
    >>> prove_scaled(query_entry(), 1, -1)
    """
    of_b, of_A = letter("s", "1", "1"), letter("r", "1", "1")
    scaled = entry.substitute({"u": U @ of_b, "beta": BETA @ of_b, "A_x": A_X * of_A, "a": A_LABEL @ of_A})
    if scaled != entry * (of_b * of_A):
        raise Refuted("the entry does not scale by the product of the factors of b and A")
    if b_power + A_power:
        raise Refuted(f"the factors of b and A do not cancel: γ^{b_power} and γ^{A_power}")


def prove_excess_is_a_square(derivative: Words) -> None:
    """f(b, A) − f* = E(ℓ − ℓ*)² + 2D(bA) − 2D(b*A*), with ℓ the query entry and ℓ* that at b* = e_{d+1}, A* = (−Γ; 0).

    D(bA) = E[(ℓ* + ⟨w, x_q⟩) ℓ] is half the derivative of f at the point in the direction of the product bA.

    Args:
        derivative: D(bA), 1 × 1, in the letters of b, A, Γ, Σ, Ω and σ².

    Raises:
        Refuted: the two sides are different polynomials.

    >>> prove_excess_is_a_square(gradient_from_layer(GAMMA))
    """
    entry, at_point = query_entry(), W.T @ X_QUERY - error_at(GAMMA)
    excess = loss_from_layer() - loss_of_error()
    square = over_prompts((entry + at_point) * (entry + at_point))
    there = over_prompts(error_at(GAMMA) * at_point) * -1
    if excess != square + derivative * 2 - there * 2:
        raise Refuted("the excess is not the square and the derivatives")


def prove_excess_of_contributions(keep: Fraction, derivative: Words | None = None) -> None:
    """f_ρ(b, A) − f_ρ* = E((1/n) Σ_i κ_i(τ_i − τ_i*))² + 2D(bA) − 2D(b*A*), the κ_i coins of mean ρ.

    τ = (bᵀz)(zᵀA x_q) is what an example z contributes, and τ* the same at b* = e_{d+1}, A* = (−Γ; 0). D(bA) is
    half the derivative of f_ρ at this point in the direction of the product bA. For ρ = 1 it is what
    :func:`prove_excess_is_a_square` says, from the layer.

    Args:
        keep: ρ.
        derivative: D, by default that of :func:`icl_claims.theory.one_layer.single_layer.product_gradient`.

    Raises:
        Refuted: the two sides are different polynomials.

    >>> prove_excess_of_contributions(Fraction(1, 2))
    """
    of_products = product_gradient(keep=keep) if derivative is None else derivative
    there = of_products.substitute(_AT_POINT)
    excess = loss_polynomial(keep) - loss_at_preconditioner(keep)
    if excess != _square_of_difference(keep) + of_products * 2 - there * 2:
        raise Refuted("the excess is not the mean square of the contributions and the derivatives")


@cache
def _square_of_difference(keep: Fraction) -> Words:
    """E((1/n) Σ_i κ_i(τ_i − τ_i*))²."""
    contribution = value() * score()
    difference = contribution - contribution.substitute(_AT_POINT)
    return averaged_square(difference, keep, target=zero("1", "1"))


def prove_own_key_is_even(own: tuple[Words, Words] | None = None) -> None:
    """What the query adds as a key of its own, and what the examples of the stated point add, as w and ε change signs.

    The query (x_q, 0) has the value uᵀx_q and the score x_qᵀA_x x_q: no w, no ε and no coin is in them, and they are
    0 for u = 0. The contribution τ* = −y xᵀΓx_q of an example at the stated point is odd in (w, ε), as is the target.

    Args:
        own: another value and score of the query, to see them refused.

    Raises:
        Refuted: one of this is not so.

    >>> prove_own_key_is_even()
    """
    as_key = {"x": X_QUERY, "w": zero("d", "1"), "e": zero("1", "1")}
    found = own or (value().substitute(as_key), score().substitute(as_key))
    if found != (U.T @ X_QUERY, X_QUERY.T @ A_X @ X_QUERY):
        raise Refuted("the query as a key adds more than uᵀx_q σ(x_qᵀA_x x_q)")
    stated = -(LABEL * (TOKEN.T @ GAMMA @ X_QUERY))
    if stated.substitute({"w": -W, "e": -TOKEN_NOISE}) != -stated:
        raise Refuted("the stated contribution is not odd in w and ε")


def prove_gradient_with_mask(mask: Blocks) -> None:
    """The derivative at b = e_{d+1}, A = (−Γ; 0) in the direction of any product is the same with this mask.

    Raises:
        Refuted: it is another polynomial.

    >>> from icl_claims.theory.transformer.attention import NO_MASK
    >>> prove_gradient_with_mask(NO_MASK)
    """
    if gradient_from_layer(GAMMA, mask) != gradient_from_layer(GAMMA):
        raise Refuted("with another mask the gradient is another one")


def prove_gradient(derivative: Words, normal: Words) -> None:
    """The derivative in the direction of a product bA is tr((βA_x + uaᵀ) Σ (Ω − ΓN) Σ).

    Args:
        derivative: 1 × 1, in the letters of b, A, Γ, Σ and Ω.
        normal: N, d × d.

    Raises:
        Refuted: the two are different polynomials.

    >>> from icl_claims.theory.one_layer.single_layer import normal_matrix, product_gradient
    >>> prove_gradient(product_gradient(GAMMA), normal_matrix())
    """
    cross = (A_X * BETA + U @ A_LABEL.T) @ SIGMA
    if derivative != (cross @ (OMEGA - GAMMA @ normal) @ SIGMA).trace():
        raise Refuted("the gradient is not tr((βA_x + uaᵀ) Σ (Ω − ΓN) Σ)")


def prove_invertible(normal: Words) -> None:
    """N = c ΣΩ + (t/n) I with t = tr ΣΩ + σ² is invertible where t > 0, and Γ = ΩN⁻¹ is symmetric.

    Two identities say so. vᵀΩNv = c vᵀΩΣΩv + (t/n) vᵀΩv is a sum of terms ≥ 0: Nv = 0 gives vᵀΩv = 0, so Ωv = 0, and
    Nv = (t/n)v = 0. And NᵀΩ = ΩN is the symmetry of ΩN⁻¹.

    Raises:
        Refuted: one of the identities fails, with c = (n + 1)/n.

    >>> from icl_claims.theory.one_layer.single_layer import normal_matrix
    >>> prove_invertible(normal_matrix())
    """
    v = letter("v", "d", "1")
    label_variance = (SIGMA @ OMEGA).trace() + one() * sigma2
    first = (v.T @ OMEGA @ SIGMA @ OMEGA @ v) * ((n + 1) / n)
    second = label_variance * (v.T @ OMEGA @ v) / n
    if v.T @ OMEGA @ normal @ v != first + second:
        raise Refuted("vᵀΩNv is not the sum of two terms that are not negative")
    if OMEGA @ normal != normal.T @ OMEGA:
        raise Refuted("ΩN is not symmetric")


def prove_minimum(normal: Words, minimum: Words) -> None:
    """The loss of x_qᵀ Γ g is minimum + tr(Σ(ΓN − Ω)ΣΓ), so it is the minimum where ΓN = Ω.

    Args:
        normal: N, d × d.
        minimum: 1 × 1, in Σ, Ω, σ² and Γ.

    Raises:
        Refuted: the two sides are different polynomials.

    >>> from icl_claims.theory.one_layer.single_layer import normal_matrix
    >>> prove_minimum(normal_matrix(), (SIGMA @ OMEGA).trace() - (SIGMA @ GAMMA @ SIGMA @ OMEGA).trace())
    """
    if loss_of_error() - minimum != (SIGMA @ (GAMMA @ normal - OMEGA) @ SIGMA @ GAMMA).trace():
        raise Refuted("the loss at the minimizer is not the claimed minimum")


def prove_component_gradients(normal: Words) -> None:
    """The gradients of the f_j in the direction Δ = [[D, m], [mᵀ, δ]] are 2(Ω − ΓN)Σm, for all j at once.

    f_j(X) = E(⟨G, X⟩ + w_j)², taken at X_j = −e_{d+1} γ_jᵀ, γ_jᵀ the j-th row of Γ
    (:func:`icl_claims.theory.one_layer.convexity.component_gradients`).

    Raises:
        Refuted: they are not.

    >>> from icl_claims.theory.one_layer.single_layer import normal_matrix
    >>> prove_component_gradients(normal_matrix())
    """
    if component_gradients() != (OMEGA - GAMMA @ normal) @ SIGMA @ CROSS_PART * 2:
        raise Refuted("the gradients of the f_j are not 2(Ω − ΓN)Σm")


def prove_component_excess() -> None:
    """For all j at once: f_j(X_j + Δ) − f_j(X_j) is E⟨G, Δ⟩² plus the derivative of f_j at X_j in the direction Δ.

    Said of (⟨G, X⟩ + cᵀw)² at X = −e_{d+1}(Γc)ᵀ for any vector c, of which the unit vectors give the f_j.

    Raises:
        Refuted: the two sides are different polynomials.

    >>> prove_component_excess()
    """
    c = letter("c", "d", "1")
    there = c.T @ (W - GAMMA @ CROSS)
    moved = there + pairing()
    excess = over_prompts(moved * moved) - over_prompts(there * there)
    if excess != hessian_form() + c.T @ component_gradients() * 2:
        raise Refuted("the excess of f_j is not the square and the derivative")


def prove_weighted_sum(weight: Words) -> None:
    """f(b, A) = E[ρ weight ρᵀ], ρ_j = ⟨G, b a_jᵀ⟩ + w_j: for a diagonal weight, the sum of weight_jj f_j(b a_jᵀ).

    Args:
        weight: d × d, a polynomial in Σ.

    Raises:
        Refuted: the two sides are different polynomials.

    >>> prove_weighted_sum(SIGMA)
    """
    b, A = factors()
    gram = Blocks([[S, CROSS], [CROSS.T, LABEL_SQUARE]])
    rho = (b @ gram @ A)[0, 0] + W.T
    if loss_from_layer() != over_prompts(rho @ weight @ rho.T):
        raise Refuted("the loss is not this weighted sum of the f_j")


def prove_residual_vanishes(
    normal: Words,
    *,
    covariance: sympy.Expr | int,
    preconditioner: sympy.Expr,
    trace: sympy.Expr,
    context_length: sympy.Expr,
) -> None:
    """Ω − ΓN is 0 in an eigendirection of Σ, for Ω = I, σ² = 0 and Γ diagonal in the eigenbasis of Σ.

    Args:
        normal: N, a polynomial in Σ, Ω, tr ΣΩ, σ², n and d.
        covariance: the eigenvalue λ of Σ there.
        preconditioner: the eigenvalue of Γ there.
        trace: tr Σ.
        context_length: n.

    Raises:
        Refuted: as a rational function of the symbols that occur, it is not 0.

    >>> from icl_claims.theory.one_layer.single_layer import normal_matrix
    >>> k, d = sympy.symbols("k d")
    >>> scalar = k / (k + d + 1)
    >>> prove_residual_vanishes(
    ...     normal_matrix(), covariance=1, preconditioner=scalar, trace=d, context_length=k
    ... )
    """
    residual = in_eigenbasis(
        OMEGA - GAMMA @ normal,
        {"Sigma": covariance, "Omega": 1, "Gamma": preconditioner},
        {"Omega Sigma": trace},
    )
    if not vanishes(residual.subs({"sigma2": 0, "n": context_length})):
        raise Refuted("Ω − ΓN is not 0: the gradient does not vanish")
