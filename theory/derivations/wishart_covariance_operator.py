r"""Moments of W for any covariance by an operator on span{Σ^i p_ν}: why it takes each moment to the next.

The derivative of the density of W in Σ gives the operator for all orders at once; its formula is the product rule.
The identities are checked in symbolic n, d and Σ up to moments of degree 5, so this is an argument, not a proof.
"""

from __future__ import annotations

from icl_claims.theory.derivation import Derivation, Lemma
from icl_claims.theory.wishart.operator_words import Operator, prove_derivative, prove_next_moment

STATED = Operator(own=1, more=0, split=1, joined=2, shift=1)

DEGREE = 4
"""Up to this i + |ν| and j + |ρ| the identities are checked."""

DENSITY = "R. J. Muirhead (1982), Aspects of Multivariate Statistical Theory, Theorem 3.2.1: the density of W"


def derivative(operator: Operator) -> None:
    """The formula of T by the product rule."""
    prove_derivative(operator, DEGREE)


def next_moment(operator: Operator) -> None:
    """T takes a moment to the next."""
    prove_next_moment(operator, DEGREE)


DERIVATION = Derivation(
    (
        Lemma(
            r"Let $n\ge d$ and $\Sigma\succ0$. For every matrix $G$ of polynomials in $W$: $\mathbb "
            r"E[WG]=n\Sigma\,\mathbb E[G]+2\Sigma(\partial_\Sigma\Sigma)\,\mathbb E[G]$, in coordinates "
            r"$n\Sigma_{xy}\mathbb E[G_{yz}]+2\Sigma_{xa}\Sigma_{yb}\,\partial_{ab}\,\mathbb E[G_{yz}]$, summed "
            r"over $y,a,b$, with $\partial_{ab}\Sigma_{cd}=\frac12(\delta_{ac}\delta_{bd}+\delta_{ad}\delta_{bc})$ "
            r"and $\partial_{ab}$ acting on $\mathbb E[G_{yz}]$ only.",
            r"The density of $W$ is a constant times $\det(W)^{(n-d-1)/2}\det(\Sigma)^{-n/2}e^{-\frac12"
            r"\operatorname{tr}\Sigma^{-1}W}$. Its derivative in $\Sigma$ is "
            r"$\frac12(\Sigma^{-1}W\Sigma^{-1}-n\Sigma^{-1})$ times itself.",
            step="citation",
            cites=(DENSITY,),
        ),
        Lemma(
            r"On $\Sigma^ip_\nu$ the operator $n\Sigma+2\Sigma\,\partial_\Sigma\Sigma$ of Lemma 1 is $T$ as stated.",
            r"By the product rule. The $m$-th of the $i$ factors of $\Sigma^i$ gives "
            r"$\Sigma^{i+1}+p_m\Sigma^{i+1-m}$, and $\partial_\Sigma p_r=r\Sigma^{r-1}$ gives $2r\Sigma^{i+r+1}$. "
            "The rule extends to any number of factors by induction.",
            derivative,
            "i + |ν| ≤ 4, identically in n, d, Σ",
            step="induction",
        ),
        Lemma(
            r"$\mathbb E[W^{j+1}p_\rho(W)]=T\,\mathbb E[W^jp_\rho(W)]$ for all $j$ and $\rho$, $n\ge1$ and "
            r"$\Sigma\succeq0$.",
            r"Lemma 1 with $G=W^jp_\rho(W)$, whose mean is a combination of the $\Sigma^ip_\nu$, and Lemma 2. Both "
            r"sides are polynomials in $n$ and in the entries of $\Sigma$ that agree for $n\ge d$ and "
            r"$\Sigma\succ0$, so they are equal.",
            next_moment,
            "j + |ρ| ≤ 4, so moments up to degree 5, identically in n, d, Σ, by integration by parts over X",
            step="citation",
            cites=(DENSITY,),
        ),
    )
)
