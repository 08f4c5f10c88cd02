r"""More loops than a step was made for: the loss is log-convex in their number and unbounded, prompts differ."""

from __future__ import annotations

from typing import NamedTuple

import sympy

from icl_claims.theory.derivation import Derivation, Lemma
from icl_claims.theory.derivations.optimal_steps_global_minimum import (
    ERROR_IS_A_LABEL,
    INFINITE_SUPPORT,
    LOSS_IS_AN_INTEGRAL,
)
from icl_claims.theory.loops.more_loops import LOOPS, P, R, prove_beyond, prove_contracting, prove_log_convex


class MoreLoops(NamedTuple):
    """F(T−1)F(T+1) − F(T)² = ∬ ``weight`` (pr)^``exponent``; F(T) ≥ base^{2T} P(|a|s ≥ ``beyond``), s = x_11²/n.

    A prompt's error falls for ever where all aμ are between 0 and ``threshold``.
    """

    weight: sympy.Expr
    exponent: sympy.Expr
    beyond: sympy.Expr
    base: sympy.Expr
    threshold: sympy.Expr


STATED = MoreLoops((P - R) ** 2 / 2, LOOPS - 1, sympy.Integer(3), sympy.Integer(2), sympy.Integer(2))


def log_convex(stated: MoreLoops) -> None:
    """The integrand of F(T−1)F(T+1) − F(T)²."""
    prove_log_convex(stated.weight, stated.exponent)


def beyond(stated: MoreLoops) -> None:
    """Where |1 − as| is at least the base."""
    prove_beyond(stated.beyond, stated.base)


def contracting(stated: MoreLoops) -> None:
    """Where |1 − aμ| is less than 1."""
    prove_contracting(stated.threshold)


DERIVATION = Derivation(
    (
        ERROR_IS_A_LABEL,
        LOSS_IS_AN_INTEGRAL,
        INFINITE_SUPPORT,
        Lemma(
            r"For $T\ge1$, $p=(1-as)^2$ and $r=(1-at)^2$: "
            r"$F(T-1)F(T+1)-F(T)^2=\frac12\iint(pr)^{T-1}(p-r)^2\,d\mu(s)\,d\mu(t)$.",
            r"$F(T)=\int p^T\,d\mu$ by Lemma 2 with $T$ equal steps. The integrand is symmetrized in $s$ and $t$ and "
            r"divided by $(pr)^{T-1}$.",
            log_convex,
            "all T, p, r",
        ),
        Lemma(
            r"It is positive for $a\ne0$: $F$ is strictly log-convex.",
            "The integrand is the square of a polynomial in $s$ and $t$ that is not zero. Its integral over $s$ is a "
            r"polynomial $g(t)\ge0$, which by Lemma 3 is positive wherever the integrand is not the zero "
            r"polynomial in $s$, "
            r"that is off finitely many $t_i$. If $\int g\,d\mu=0$, $\mu$ were on these $t_i$, and "
            r"$\int\prod_i(t-t_i)^2\,d\mu=0$ against Lemma 3.",
            step="compactness",
        ),
        Lemma(
            r"$|1-as|\ge2$ where $|a|s\ge3$.",
            r"$|1-as|\ge|a|s-1$.",
            beyond,
            "all a, s",
        ),
        Lemma(
            r"$F(T)\ge4^T\,\mathbb P(z^2\ge3n/|a|)$ with $z$ standard normal, for $a\ne0$: $F(T)\to\infty$.",
            r"The greatest eigenvalue of $S$ is at least its first diagonal entry, hence at least $x_{11}^2/n$. Where "
            r"$x_{11}^2\ge3n/|a|$, $\operatorname{tr}(I-aS)^{2T}\ge4^T$ by Lemma 6; elsewhere it is not negative. The "
            "normal law gives every interval a positive probability.",
            step="compactness",
        ),
        Lemma(
            r"There is a $T^\star\ge0$ with $F(T+1)\le F(T)$ for $T<T^\star$, with equality for $T=T^\star-1$ at most, "
            r"and $F(T+1)>F(T)$ for $T\ge T^\star$; and $F(T)\ge F(k)(F(k+1)/F(k))^{T-k}$ for $T\ge k$.",
            r"The ratios $F(T+1)/F(T)$ increase strictly by Lemma 5, and one of them exceeds 1 by Lemma 7.",
            step="convexity",
        ),
        Lemma(
            r"$1-(1-a\mu)^2=a\mu(2-a\mu)$: $|1-a\mu|\le1$ just where $0\le a\mu\le2$.",
            "Multiplied out.",
            contracting,
            "all a, μ",
        ),
        Lemma(
            r"On a prompt with the eigenvalues $\mu_j$ of $\Sigma^{-1/2}S\Sigma^{-1/2}$ the mean squared error "
            r"over $w$ and "
            r"$x_q$ is $\sum_j(1-a\mu_j)^{2T}$. It never rises with $T$ if and only if $0\le a\mu_j\le2$ for all $j$; "
            "else it tends to infinity.",
            r"The mean is that of Lemma 2 given $X$. Each power of a number at most 1 falls or stays, by Lemma 9; "
            r"one of a "
            "number above 1 grows without bound.",
            step="convexity",
        ),
    )
)
"""A proposition of the suite, beside the experiments of Gatmiry et al. (2024)."""
