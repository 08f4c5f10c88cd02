r"""Remarks of Ahn et al. after Theorem 1: the minimizer for long contexts, and (1/n) Σ_k λ_k as a regularizer.

In an eigenbasis of Σ everything is about the minimizer's eigenvalue γ(λ), a rational function of λ, T = tr Σ and n.
"""

from __future__ import annotations

from typing import NamedTuple

import sympy

from icl_claims.theory.derivation import Derivation, Lemma
from icl_claims.theory.one_layer.large_context import (
    CONTEXT,
    EIGENVALUE,
    TRACE,
    preconditioner_eigenvalue,
    prove_added,
    prove_conditioning,
    prove_growth,
    prove_limit,
)


class Remark(NamedTuple):
    """The limit of γ(λ) as n → ∞, in λ and T; and what is added to ((n+1)/n) λ before inversion, in T and n."""

    limit: sympy.Expr
    term: sympy.Expr


STATED = Remark(1 / EIGENVALUE, TRACE / CONTEXT)


def limit(remark: Remark) -> None:
    """γ(λ) lies below the limit, within (λ + T)/(nλ²)."""
    prove_limit(remark.limit)


def added(remark: Remark) -> None:
    """1/γ(λ) is ((n+1)/n) λ plus the term."""
    prove_added(remark.term)


def growth(remark: Remark) -> None:
    """The term grows with T and shrinks with n."""
    prove_growth(remark.term)


def conditioning() -> None:
    """The minimizer is better conditioned than Σ⁻¹ unless all eigenvalues are equal."""
    prove_conditioning(preconditioner_eigenvalue())


DERIVATION = Derivation(
    (
        Lemma(
            r"The minimizer's block has the eigenvectors of $\Sigma$, and $\gamma(\lambda)$ where it has $\lambda$, "
            r"as in the formula of Theorem 1.",
            "Theorem 1, with the derivation of `global_minimizer`.",
            step="claim",
            claim="global_minimizer",
        ),
        Lemma(
            r"$0<\frac1\lambda-\gamma(\lambda)<\frac{\lambda+T}{n\lambda^2}$ with $T=\sum_k\lambda_k$. So the block "
            r"tends to $\Sigma^{-1}$, from below.",
            "Both differences are ratios of polynomials in $\\lambda$, $T$ and $n$ with positive coefficients. The "
            "bound tends to 0, and there are $d$ eigenvalues.",
            limit,
            "all n, λ, T > 0",
        ),
        Lemma(
            r"$\frac1{\gamma(\lambda)}=\frac{n+1}n\lambda+\frac Tn$: the term is added to every eigenvalue alike.",
            "An identity of rational functions.",
            added,
            "all n, λ, T > 0",
        ),
        Lemma(
            r"The term grows with $T$, the variance of a covariate, and shrinks with $n$.",
            "Its derivatives have these signs: ratios of polynomials with positive coefficients.",
            growth,
            "all n, T > 0",
        ),
        Lemma(
            r"For two eigenvalues $\lambda<\lambda+h$ of $\Sigma$: $1<\gamma(\lambda)/\gamma(\lambda+h)<(\lambda+h)/"
            r"\lambda$. So the condition number of the block is at most that of $\Sigma^{-1}$, and equal to it only "
            "where all eigenvalues are equal.",
            "Ratios of polynomials with positive coefficients. The condition numbers are the two outer sides for the "
            "least and the largest eigenvalue; where these are equal both are 1.",
            conditioning,
            "all n, λ, h, T > 0",
        ),
    )
)
