r"""One layer of linear attention on any task: why the stated Γ minimizes the loss over all P and Q, and what it loses.

The derivation of Theorem 1 in non-commuting Σ and Ω, with label noise. Σ and Ω may be singular.
"""

from __future__ import annotations

from typing import NamedTuple

from icl_claims.theory.algebra.words import Words, eye, n, one, sigma2
from icl_claims.theory.derivation import Derivation, Lemma
from icl_claims.theory.derivations.global_minimizer import BILINEAR, EXCESS
from icl_claims.theory.one_layer.linear_attention import gradient_from_layer
from icl_claims.theory.one_layer.products import prove_gradient, prove_invertible, prove_minimum
from icl_claims.theory.one_layer.single_layer import GAMMA
from icl_claims.theory.transformer.prompts import OMEGA, SIGMA


class Minimizer(NamedTuple):
    """N, of which Γ = ΩN⁻¹, in Σ, Ω and σ²; and min f, in Γ as well."""

    normal: Words
    minimum: Words


LABEL_VARIANCE = (SIGMA @ OMEGA).trace() + one() * sigma2
"""t = tr ΣΩ + σ²."""

STATED = Minimizer(
    SIGMA @ OMEGA * ((n + 1) / n) + eye("d") * (LABEL_VARIANCE / n),
    (SIGMA @ OMEGA).trace() - (SIGMA @ GAMMA @ SIGMA @ OMEGA).trace(),
)


def gradient(stated: Minimizer) -> None:
    """The derivative at Γ in the direction of a product vanishes where ΓN = Ω."""
    prove_gradient(gradient_from_layer(GAMMA), stated.normal)


def invertible(stated: Minimizer) -> None:
    """N is invertible and ΩN⁻¹ symmetric."""
    prove_invertible(stated.normal)


def minimum(stated: Minimizer) -> None:
    """The loss at Γ."""
    prove_minimum(stated.normal, stated.minimum)


DERIVATION = Derivation(
    (
        BILINEAR,
        EXCESS,
        Lemma(
            r"With the stated $N$, $D(bA)=\operatorname{tr}\bigl((\beta A_x+ua^\top)\Sigma(\Omega-\Gamma N)\Sigma"
            r"\bigr)$ for every symmetric $\Gamma$, where $b=(u,\beta)$ and $A=(A_x;a^\top)$.",
            r"Integration by parts over the prompt, compared as polynomials in matrices that need not commute.",
            gradient,
            "all d, n, Σ, Ω, σ², Γ, b, A",
        ),
        Lemma(
            r"Where $t=\operatorname{tr}(\Sigma\Omega)+\sigma^2>0$, $N$ is invertible and $\Gamma=\Omega N^{-1}$ is "
            r"symmetric. So $D$ vanishes for every product, and $f-f^\star=\mathbb E(\ell-\ell^\star)^2\ge0$: the "
            "stated weights are a global minimizer.",
            r"$v^\top\Omega Nv=\frac{n+1}nv^\top\Omega\Sigma\Omega v+\frac tnv^\top\Omega v$ is a sum of terms that "
            r"are not negative. So $Nv=0$ gives $v^\top\Omega v=0$, so $\Omega v=0$, and $Nv=\frac tnv$ gives $v=0$. "
            r"$N^\top\Omega=\Omega N$, multiplied by inverses from both sides, says that $\Omega N^{-1}$ is symmetric.",
            invertible,
            "all d, n, Σ, Ω, σ²",
        ),
        Lemma(
            r"The loss at $\Gamma$ is $\operatorname{tr}(\Sigma\Omega)-\operatorname{tr}(\Sigma\Gamma\Sigma\Omega)$.",
            r"For any $\Gamma$ it exceeds this by $\operatorname{tr}(\Sigma(\Gamma N-\Omega)\Sigma\Gamma)$, and "
            r"$\Gamma N=\Omega$.",
            minimum,
            "all d, n, Σ, Ω, σ², Γ",
        ),
    )
)
