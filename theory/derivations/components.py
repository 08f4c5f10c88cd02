r"""Lemmas on the components f_j(X) = E(⟨G, X⟩ + w_j)² of the loss of one layer, for Lemmas 2 and 3 of Ahn et al.

G is symmetric, so f_j sees the symmetric part of X alone; Δ stands for a symmetric direction [[D, m], [mᵀ, δ]].
"""

from __future__ import annotations

from icl_claims.theory.derivation import Lemma
from icl_claims.theory.one_layer.products import (
    prove_component_excess,
    prove_component_gradients,
    prove_weighted_sum,
)
from icl_claims.theory.one_layer.single_layer import normal_matrix
from icl_claims.theory.transformer.prompts import SIGMA


def gradients() -> None:
    """The derivatives of the f_j at the X_j in every direction."""
    prove_component_gradients(normal_matrix())


def sum_of_components() -> None:
    """The loss is the sum of the f_j, weighted by Σ."""
    prove_weighted_sum(SIGMA)


EXCESS = Lemma(
    r"With $\gamma_j^\top$ the $j$-th row of a symmetric matrix $\Gamma$ and $X_j=-e_{d+1}\gamma_j^\top$: "
    r"$f_j(X_j+\Delta)-f_j(X_j)=\mathbb E\langle G,\Delta\rangle^2+2\,\mathbb E[(w-\Gamma g)_j\langle "
    r"G,\Delta\rangle]$ for every $\Delta$, where $g=\frac1nXy$.",
    r"$\langle G,X_j\rangle=-(\Gamma g)_j$. Both sides are averaged over prompts and compared as polynomials. The "
    r"term of second order is an expected square, so $f_j$ is convex.",
    prove_component_excess,
    "all d, n, Σ, Ω, σ², Γ, Δ",
)

GRADIENTS = Lemma(
    r"$\mathbb E[(w-\Gamma g)\langle G,\Delta\rangle]=2(\Omega-\Gamma N)\Sigma m$ with $m$ the last column of "
    r"$\Delta$ without its last entry and $N=\frac{n+1}n\Sigma\Omega+\frac{\operatorname{tr}\Sigma\Omega+\sigma^2}nI$.",
    "Integration by parts over the prompt, compared as polynomials.",
    gradients,
    "all d, n, Σ, Ω, σ², Γ, Δ",
)

SUM = Lemma(
    r"$f(b,A)=\mathbb E[\rho\,\Sigma\rho^\top]$ with the row $\rho$ of the numbers $\rho_j=\langle "
    r"G,ba_j^\top\rangle+w_j$.",
    "The loss of the layer itself and the right side, averaged over prompts, are the same polynomial.",
    sum_of_components,
    "all d, n, Σ, Ω, σ², b, A",
)
