r"""The best number of loops at test time: a recurrence and bounds in one dimension, and n/8 in every dimension."""

from __future__ import annotations

from typing import NamedTuple

import sympy

from icl_claims.theory.derivation import Derivation, Lemma
from icl_claims.theory.derivations.optimal_steps_global_minimum import ERROR_IS_A_LABEL, LOSS_IS_AN_INTEGRAL
from icl_claims.theory.loops.one_direction import (
    CONTEXT,
    INDEX,
    LOOPS,
    prove_bounds,
    prove_limit,
    prove_rate,
    prove_recurrence,
)


class BestTime(NamedTuple):
    """q_{j+1} = ``weight`` (q_j + q_{j−1}); F rises at T where ``rises`` > 1 and falls where ``falls`` < 1.

    T*/n tends to ``limit``, and log F(T*)/n to ``rate``.
    """

    weight: sympy.Expr
    rises: sympy.Expr
    falls: sympy.Expr
    limit: sympy.Expr
    rate: sympy.Expr


STATED = BestTime(
    weight=2 * INDEX / CONTEXT,
    rises=(4 * LOOPS + 2) / CONTEXT * (1 + 4 * LOOPS / CONTEXT),
    falls=(4 * LOOPS + 2) / CONTEXT * (1 + 4 * LOOPS / CONTEXT + 2 * LOOPS / (2 * LOOPS - 1)),
    limit=sympy.Rational(1, 8),
    rate=(sympy.log(2) - 1) / 2,
)


def recurrence(stated: BestTime) -> None:
    """The recurrence of the moments."""
    prove_recurrence(stated.weight)


def bounds(stated: BestTime) -> None:
    """Where F rises and where it falls."""
    prove_bounds(stated.weight, stated.rises, stated.falls)


def limit(stated: BestTime) -> None:
    """The fixed point of the ratios."""
    prove_limit(stated.weight, stated.limit)


def rate(stated: BestTime) -> None:
    """The exponent of the least loss."""
    prove_rate(stated.rate)


MINKOWSKI = "Minkowski's inequality (Hardy, Littlewood, Pólya, Inequalities, Theorem 198)"
NETS = "nets of the sphere and norms on them (Vershynin, High-Dimensional Probability, 4.2.13 and 4.4.3)"

DERIVATION = Derivation(
    (
        ERROR_IS_A_LABEL,
        LOSS_IS_AN_INTEGRAL,
        Lemma(
            r"For $d=1$ and $a=1$: $F(T)=q_{2T}$ with $q_j=(-1)^j\,\mathbb E(1-s)^j$, $ns\sim\chi^2_n$; $q_0=1$, "
            r"$q_1=0$ and "
            r"$q_{j+1}=\frac{2j}n(q_j+q_{j-1})$.",
            r"Lemma 2 with $T$ equal steps. The density of $s$ is proportional to $s^{n/2-1}e^{-ns/2}$, and the "
            r"mean of the "
            r"derivative of $s(1-s)^j$ times it vanishes.",
            recurrence,
            "all j, n",
        ),
        Lemma(
            r"$q_j\ge0$, and $q_j>0$ for $j\ge2$. With $b_j=\frac{2j}n$ and $r_j=q_{j+1}/q_j$: "
            r"$r_j=b_j(1+1/r_{j-1})$ for "
            r"$j\ge3$, and $F(T+1)/F(T)=b_{2T+1}(1+r_{2T})$ for $T\ge1$.",
            "By induction from Lemma 3, whose right side has positive factors.",
            step="induction",
        ),
        Lemma(
            r"For $T\ge1$: "
            r"$\frac{4T+2}n\bigl(1+\frac{4T}n\bigr)\le\frac{F(T+1)}{F(T)}\le\frac{4T+2}n\bigl(1+\frac{4T}n+"
            r"\frac{2T}{2T-1}\bigr)$.",
            r"$q_{j+1}\ge b_jq_j$ gives $r_{2T}\ge b_{2T}$, and $q_{2T}\ge b_{2T-1}q_{2T-1}$ gives "
            r"$r_{2T}=b_{2T}(1+q_{2T-1}/q_{2T})\le b_{2T}(1+1/b_{2T-1})$.",
            bounds,
            "all T, n",
        ),
        Lemma(
            r"For $d=a=1$ and $T/n\to\frac\beta4>0$: $F(T+1)/F(T)\to g(\beta)^2$ with $g>0$, $g^2=\beta(g+1)$. $g$ is "
            r"increasing, and 1 at $\beta=\frac12$, that is at $T/n\to\frac18$.",
            r"Two steps of $r\mapsto b(1+1/r)$ with the same $b$ are $r\mapsto b+\frac r{r+1}$, which contracts by the "
            r"factor $(r+1)^{-2}\le(1+b)^{-2}$ on $r\ge b$. So $k$ steps bring $r$ as near to $g(b)$ as one "
            r"likes, from any "
            r"start in $[b,b+1]$, where $r_j$ is but for $O(1/n)$ by the proof of Lemma 5. For a fixed $k$ the "
            r"$b$ of the "
            r"last $k$ steps tend to $\beta$. So $r_{2T}\to g(\beta)$, and $b_{2T+1}(1+r_{2T})\to\beta(1+g)=g^2$.",
            limit,
            "the map and its fixed point: all b, r",
            step="compactness",
        ),
        Lemma(
            r"For $d=a=1$ and $T/n\to\tau$: $\frac1n\log F(T)\to\psi(\tau)=\frac12\int_0^{4\tau}\log "
            r"g(\beta)\,d\beta$. "
            r"$\psi$ is strictly convex, least at $\frac18$, and $\psi(\frac18)=-\frac{1-\log2}2$.",
            r"The sum of $\frac1n\log(F(t+1)/F(t))$ over $t<T$ is a Riemann sum by Lemma 6, with the dominating "
            r"function of "
            r"Lemma 5, $|\log\frac{4t+2}n|$ and a constant, which is integrable at 0. $\psi'=2\log g(4\tau)$ "
            r"increases. "
            r"With $\beta=g^2/(g+1)$ the integral is one over $g$.",
            rate,
            "the integral",
            step="compactness",
        ),
        Lemma(
            r"The same holds for $d=1$ and any $a_n\to1$.",
            r"In $L^{2T}$: $\bigl|\lVert1-a_ns\rVert-\lVert1-s\rVert\bigr|\le|1-a_n|\lVert s\rVert$. Where "
            r"$T/n\to\tau>0$, "
            r"$\lVert1-s\rVert\to e^{\psi(\tau)/2\tau}>0$, and $\lVert s\rVert\le1+\lVert1-s\rVert$ is bounded; so the "
            r"quotient of the norms tends to 1, and $\frac1n$ times $2T$ times its logarithm to 0.",
            step="citation",
            cites=(MINKOWSKI,),
        ),
        Lemma(
            r"The same holds for every $d$: with $F_d$ for the loss in $d$ dimensions and $T\ge4$, "
            r"$F_1(T)\le F_d(T)\le d\,\bigl(1-\frac2T\bigr)^{-2T}(1+2T)^dF_1(T)$.",
            r"$R=I-aS$ is symmetric. $\operatorname{tr}R^{2T}\ge(R_{11})^{2T}$ by convexity, as $R_{11}$ is a "
            r"mean of the "
            r"eigenvalues. And $\operatorname{tr}R^{2T}\le d\lVert R\rVert^{2T}$, where $\lVert "
            r"R\rVert\le(1-2\varepsilon)^{-1}"
            r"\max|v^\top Rv|$ over an $\varepsilon$-net of the sphere, of at most $(1+\frac2\varepsilon)^d$ vectors; "
            r"$\varepsilon=\frac1T$. For each unit vector $v$, $v^\top Sv$ has the law of $s$. The logarithm of "
            r"the factor "
            r"is $O(\log T)$.",
            step="citation",
            cites=(NETS,),
        ),
        Lemma(
            r"The best step for $L$ loops tends to 1 as $n\to\infty$, for all $d$ and $L$.",
            r"$0\le d\,(1-a)^{2L}=d\,(1-\frac ad\mathbb E\operatorname{tr}S)^{2L}\le\mathbb "
            r"E\operatorname{tr}(I-aS)^{2L}$ by "
            r"convexity. At the best step the right side is at most its value at $a=1$, which tends to 0 with the "
            r"central "
            "moments of $S$.",
            step="convexity",
        ),
        Lemma(
            r"For all $d$ and $L$ and the best step for $L$ loops: $T^\star/n\to\frac18$ and "
            r"$\frac1n\log F(T^\star)\to-\frac{1-\log2}2$.",
            r"By Lemmas 7 to 10 the functions $\frac1n\log F(\tau n)$, made linear between neighbours, converge "
            r"to $\psi$ at "
            r"every $\tau>0$. They are convex, as $F$ is log-convex (Cauchy–Schwarz), so they converge uniformly "
            r"on bounded "
            r"intervals away from 0, and their minimizers and minima to those of $\psi$, which are unique; to the "
            r"left of an "
            r"interval around $\frac18$ they decrease by convexity.",
            step="convexity",
        ),
    )
)
"""A proposition of the suite, beside the experiments of Gatmiry et al. (2024)."""
