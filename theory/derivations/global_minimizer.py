r"""One layer of linear attention, Theorem 1 of Ahn et al.: why the stated weights minimize the loss over all P and Q.

With ℓ(bA) the query entry of the layer, which is linear in the products b a_jᵀ, the loss is f = E(ℓ + ⟨w, x_q⟩)². At
the stated products its derivative vanishes in every direction bA, so f exceeds its value there by E of a square.
"""

from __future__ import annotations

from typing import NamedTuple

import sympy

from icl_claims.theory.derivation import Derivation, Lemma
from icl_claims.theory.one_layer.large_context import CONTEXT, EIGENVALUE, TRACE
from icl_claims.theory.one_layer.linear_attention import (
    gradient_from_layer,
    query_entry,
)
from icl_claims.theory.one_layer.products import (
    prove_bilinear,
    prove_excess_is_a_square,
    prove_gradient,
    prove_residual_vanishes,
    prove_scaled,
)
from icl_claims.theory.one_layer.single_layer import GAMMA, normal_matrix


class Theorem(NamedTuple):
    """Theorem 1: the eigenvalue of −Q_0's block as a function of λ, T = tr Σ and n; how b and A may be rescaled."""

    eigenvalue: sympy.Expr
    b_power: int
    A_power: int


STATED = Theorem(1 / ((CONTEXT + 1) / CONTEXT * EIGENVALUE + TRACE / CONTEXT), b_power=1, A_power=-1)
"""As Eq. (6) writes it; minimizers stay minimizers under b ← γb, A ← A/γ."""


def bilinear() -> None:
    """The query entry is linear in the products b a_jᵀ."""
    prove_bilinear(query_entry())


def excess() -> None:
    """The excess over any point is the expectation of a square, plus the derivatives at the point."""
    prove_excess_is_a_square(gradient_from_layer(GAMMA))


def gradient() -> None:
    """The derivative at the stated point in the direction of a product."""
    prove_gradient(gradient_from_layer(GAMMA), normal_matrix())


def residual(theorem: Theorem) -> None:
    """Ω − ΓN vanishes for the stated eigenvalue."""
    prove_residual_vanishes(
        normal_matrix(),
        covariance=EIGENVALUE,
        preconditioner=theorem.eigenvalue,
        trace=TRACE,
        context_length=CONTEXT,
    )


def rescaling(theorem: Theorem) -> None:
    """The stated rescaling leaves the layer as it is."""
    prove_scaled(query_entry(), theorem.b_power, theorem.A_power)


BILINEAR = Lemma(
    r"The query entry $\ell$ of the layer is linear in the products $ba_j^\top$.",
    "Every term of the entry, multiplied out with all of $P$ and $Q$ free, holds one letter of $b$ and one of "
    "$A$.",
    bilinear,
    "all d, n, P, Q, every prompt",
)

EXCESS = Lemma(
    r"For $\ell^\star$ at $b=e_{d+1}$, $A=(-\Gamma;0)$ and every $b$, $A$: $f(b,A)-f^\star=\mathbb "
    r"E(\ell-\ell^\star)^2+2D(bA)-2D(b^\star A^\star)$, with $D(bA)=\mathbb E[(\ell^\star+\langle "
    r"w,x_q\rangle)\,\ell]$ half the derivative there in the direction of the product.",
    "Both sides are averaged over prompts and compared as polynomials.",
    excess,
    "all d, n, Σ, Ω, σ², Γ, b, A",
)

DERIVATION = Derivation(
    (
        BILINEAR,
        EXCESS,
        Lemma(
            r"$D(bA)=\operatorname{tr}\bigl((\beta A_x+ua^\top)\Sigma(\Omega-\Gamma N)\Sigma\bigr)$ with "
            r"$N=\frac{n+1}n\Sigma\Omega+\frac{\operatorname{tr}\Sigma\Omega+\sigma^2}nI$.",
            "Integration by parts over the prompt, compared as polynomials.",
            gradient,
            "all d, n, Σ, Ω, σ², Γ, b, A",
        ),
        Lemma(
            r"For $\Omega=I$, $\sigma^2=0$ and the stated $\Gamma$: $\Omega-\Gamma N=0$. So $D$ vanishes for every "
            r"product, and $f-f^\star=\mathbb E(\ell-\ell^\star)^2\ge0$: the stated weights are a global minimizer.",
            r"In an eigenbasis of $\Sigma$ it is "
            r"$1-\gamma(\lambda)\bigl(\frac{n+1}n\lambda+\frac1n\sum_k\lambda_k\bigr)$, a rational function that "
            "is zero. An expected square is not negative.",
            residual,
            "all d, n, eigenvalues",
        ),
        Lemma(
            r"$(\gamma b,A/\gamma)$ gives the same layer as $(b,A)$, so it is a minimizer with it.",
            "The entry scales by the product of the two factors.",
            rescaling,
            "all d, n, γ ≠ 0, P, Q, every prompt",
        ),
    )
)
