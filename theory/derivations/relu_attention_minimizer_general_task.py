r"""One layer of ReLU attention for any Σ, Ω and σ²: its global minimizer, and what the ReLU costs.

Each example counts with probability 1/2. So the loss is an expected square of an affine map of the products b a_jᵀ of
the last row b of P and the first columns a_j of Q, and it is enough that the derivative vanishes in every direction.
"""

from __future__ import annotations

from typing import NamedTuple

import sympy

from icl_claims.theory.algebra.words import FIELD, Words, eye, one, sigma2
from icl_claims.theory.derivation import Derivation, Lemma
from icl_claims.theory.one_layer.products import prove_bilinear, prove_excess_of_contributions, prove_gradient
from icl_claims.theory.one_layer.relu_minimum import (
    prove_isotropic_minimum,
    prove_normal_matrix,
    prove_value,
)
from icl_claims.theory.one_layer.single_layer import RELU, normal_matrix, product_gradient, score, value
from icl_claims.theory.transformer.prompts import OMEGA, SIGMA

CONTEXT, DIM = sympy.symbols("n d")


class Theorem(NamedTuple):
    """Q_0 = −``factor`` diag(Γ, 0) with Γ = Ω (``signal`` ΣΩ + ``trace`` (tr ΣΩ + σ²) I)⁻¹, and what is lost there.

    The minimum is tr ΣΩ − ``share`` tr(ΣΓΣΩ); for Σ = Ω = I and σ² = 0 it is ``isotropic``, which linear attention
    loses with ``examples`` n in the place of n.
    """

    signal: sympy.Expr
    trace: sympy.Expr
    factor: sympy.Expr
    share: sympy.Expr
    isotropic: sympy.Expr
    examples: sympy.Expr


STATED = Theorem(
    signal=(CONTEXT + 3) / CONTEXT,
    trace=2 / CONTEXT,
    factor=sympy.Integer(2),
    share=sympy.Integer(1),
    isotropic=DIM * (2 * DIM + 3) / (CONTEXT + 2 * DIM + 3),
    examples=(DIM + 1) / (2 * DIM + 3),
)


def bilinear() -> None:
    """What an example contributes is linear in the products b a_jᵀ."""
    prove_bilinear(value() * score())


def excess() -> None:
    """The excess over any point is the expectation of a square, plus the derivatives at the point."""
    prove_excess_of_contributions(RELU)


def gradient() -> None:
    """The derivative at the stated point in the direction of a product."""
    prove_gradient(product_gradient(keep=RELU) * 2, normal_matrix(RELU))


def stated_matrix(theorem: Theorem) -> Words:
    """signal · ΣΩ + trace · (tr ΣΩ + σ²) I."""
    label_variance = (SIGMA @ OMEGA).trace() + one() * sigma2
    return SIGMA @ OMEGA * FIELD.from_expr(theorem.signal) + eye("d") * label_variance * FIELD.from_expr(
        theorem.trace
    )


def normal(theorem: Theorem) -> None:
    """The matrix of the stated Γ is N times the factor."""
    prove_normal_matrix(stated_matrix(theorem), FIELD.from_expr(theorem.factor), RELU)


def minimum(theorem: Theorem) -> None:
    """The value at the stated point."""
    prove_value(FIELD.from_expr(theorem.share) / FIELD.from_expr(theorem.factor), RELU)


def isotropic(theorem: Theorem) -> None:
    """The minimum for Σ = Ω = I, and that of linear attention with fewer examples."""
    prove_isotropic_minimum(theorem.isotropic, theorem.examples, RELU)


COINS = Lemma(
    r"The loss is that of linear attention in which every example is kept with probability $\rho=\frac12$: "
    r"$f=\mathbb E\bigl(\frac1n\sum_i\kappa_i\tau_i+\langle w,x_q\rangle\bigr)^2$ with $\tau_i=(b^\top "
    r"z_i)(z_i^\top Ax_q)$ and independent fair coins $\kappa_i$.",
    "Given $w$ and $x_q$ the query entry of the two layers has one law.",
    step="claim",
    claim="relu_attention_drops_examples",
)
BILINEAR = Lemma(
    r"$\tau_i$ is linear in the products $ba_j^\top$.",
    "Every term of it, multiplied out, holds one letter of $b$ and one of $A$.",
    bilinear,
    "all d, b, A, every example",
)
EXCESS = Lemma(
    r"For $\tau^\star$ at $b^\star=e_{d+1}$, $A^\star=(-\Gamma;0)$ and every $b$, $A$: $f(b,A)-f^\star=\mathbb E\bigl("
    r"\frac1n\sum_i\kappa_i(\tau_i-\tau_i^\star)\bigr)^2+2D(bA)-2D(b^\star A^\star)$, with $D(bA)$ half the "
    "derivative there in the direction of the product.",
    "Both sides are averaged over coins and prompts and compared as polynomials.",
    excess,
    "all d, n, Σ, Ω, σ², symmetric Γ, b, A",
)
GRADIENT = Lemma(
    r"$D(bA)=\frac12\operatorname{tr}\bigl((\beta A_x+ua^\top)\Sigma(\Omega-\Gamma N)\Sigma\bigr)$ with "
    r"$b=(u,\beta)$, $A=(A_x;a^\top)$ and $N=\frac{n+3}{2n}\Sigma\Omega+\frac{\operatorname{tr}\Sigma\Omega+"
    r"\sigma^2}nI$. So a point with $\Gamma N=\Omega$ is a global minimizer.",
    "Integration by parts over the prompt, compared as polynomials. Where $D$ vanishes for all products, the excess of "
    "Lemma 3 is an expected square, which is not negative.",
    gradient,
    "all d, n, Σ, Ω, σ², Γ, b, A",
)
DERIVATION = Derivation(
    (
        COINS,
        BILINEAR,
        EXCESS,
        GRADIENT,
        Lemma(
            r"The stated $\Gamma=\Omega M^{-1}$ has $M=2N$. So $2\Gamma N=\Omega$, and $2\Gamma$, which stands in "
            r"$Q_0$, is a minimizer by Lemma 4. It is symmetric, as $M^\top\Omega=\Omega M$.",
            r"$M$ and $2N$ are compared as polynomials, and so are $M^\top\Omega$ and $\Omega M$. $M$ has an "
            r"inverse: the eigenvalues of $\Sigma\Omega$ are those of $\Sigma^{1/2}\Omega\Sigma^{1/2}\succeq0$, and "
            r"$\operatorname{tr}\Sigma\Omega+\sigma^2>0$.",
            normal,
            "all d, n, Σ, Ω, σ²",
        ),
        Lemma(
            r"$f=\operatorname{tr}\Sigma\Omega-\frac12\operatorname{tr}(\Sigma "
            r"G\Sigma\Omega)-\frac12\operatorname{tr}\bigl((\Omega-GN)\Sigma G\Sigma\bigr)$ at $b=e_{d+1}$, "
            r"$A=(-G;0)$. At $G=2\Gamma$ the last term is $0$ and the rest is "
            r"$\operatorname{tr}\Sigma\Omega-\operatorname{tr}(\Sigma\Gamma\Sigma\Omega)$.",
            "Both sides are compared as polynomials.",
            minimum,
            "all d, n, Σ, Ω, σ², symmetric G",
        ),
        Lemma(
            r"For $\Sigma=\Omega=I$ and $\sigma^2=0$ the minimum is $\frac{d(2d+3)}{n+2d+3}$, and that of linear "
            r"attention is the same with $\frac{d+1}{2d+3}n$ in the place of $n$.",
            r"Both are rational functions of $n$ and $d$.",
            isotropic,
            "all d, n",
        ),
    )
)
