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
    STEP,
    prove_bounds,
    prove_limit,
    prove_rate,
    prove_recurrence,
)


class BestTime(NamedTuple):
    """q_{j+1} = ``own`` q_j + ``before`` q_{j−1}; F(T + 1)/F(T) is between ``rises`` and ``falls``.

    T*/n tends to ``limit``, and log F(T*)/n to ``rate``.
    """

    own: sympy.Expr
    before: sympy.Expr
    rises: sympy.Expr
    falls: sympy.Expr
    limit: sympy.Expr
    rate: sympy.Expr


def _before(index: sympy.Expr) -> sympy.Expr:
    return 2 * STEP * index / CONTEXT


def _own(index: sympy.Expr) -> sympy.Expr:
    return STEP - 1 + 2 * STEP * index / CONTEXT


_NEXT, _HERE, _LAST = 2 * LOOPS + 1, 2 * LOOPS, 2 * LOOPS - 1

STATED = BestTime(
    own=_own(INDEX),
    before=_before(INDEX),
    rises=_own(_NEXT) * _own(_HERE) + _before(_NEXT),
    falls=_own(_NEXT) * (_own(_HERE) + _before(_HERE) / _own(_LAST)) + _before(_NEXT),
    limit=(2 - STEP) / (8 * STEP),
    rate=(1 - 2 / STEP + sympy.log(2 / STEP)) / 2,
)


def recurrence(stated: BestTime) -> None:
    """The recurrence of the moments."""
    prove_recurrence(stated.own, stated.before)


def bounds(stated: BestTime) -> None:
    """Where F rises and where it falls."""
    prove_bounds(stated.own, stated.before, stated.rises, stated.falls)


def limit(stated: BestTime) -> None:
    """The fixed point of the ratios."""
    prove_limit(stated.own, stated.before, stated.limit)


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
            r"For $d=1$: $F(T)=q_{2T}$ with $q_j=(-1)^j\,\mathbb E(1-as)^j$, $ns\sim\chi^2_n$; $q_0=1$, $q_1=a-1$ and "
            r"$q_{j+1}=c_jq_j+b_jq_{j-1}$ with $b_j=\frac{2aj}n$, $c_j=a-1+b_j$.",
            r"Lemma 2 with $T$ equal steps. The density of $s$ is proportional to $s^{n/2-1}e^{-ns/2}$, and the "
            r"mean of the "
            r"derivative of $s(1-as)^j$ times it vanishes.",
            recurrence,
            "all j, n, a",
        ),
        Lemma(
            r"Let $a\ge1$. Then $q_j\ge0$, and $q_j>0$ for $j\ge2$. With $r_j=q_{j+1}/q_j$: $r_j=c_j+b_j/r_{j-1}$ for "
            r"$j\ge3$, and $F(T+1)/F(T)=c_{2T+1}r_{2T}+b_{2T+1}$ for $T\ge1$.",
            "By induction from Lemma 3, whose right side has positive factors.",
            step="induction",
        ),
        Lemma(
            r"For $a\ge1$, $T\ge1$: $c_{2T+1}c_{2T}+b_{2T+1}\le\frac{F(T+1)}{F(T)}\le c_{2T+1}\bigl(c_{2T}+"
            r"\frac{b_{2T}}{c_{2T-1}}\bigr)+b_{2T+1}$.",
            r"$q_{j+1}\ge c_jq_j$ gives $r_{2T}\ge c_{2T}$, and $q_{2T}\ge c_{2T-1}q_{2T-1}$ gives "
            r"$r_{2T}=c_{2T}+b_{2T}q_{2T-1}/q_{2T}\le c_{2T}+b_{2T}/c_{2T-1}$.",
            bounds,
            "all T, n, a",
        ),
        Lemma(
            r"For $d=1$, $1\le a<2$ and $T/n\to\frac\beta{4a}>0$: $F(T+1)/F(T)\to g(\beta)^2$ with $g>0$, "
            r"$g^2=(a-1+\beta)g+\beta$. $g$ is increasing, and 1 at $\beta=1-\frac a2$, that is at "
            r"$T/n\to\frac{2-a}{8a}$.",
            r"Two steps of $r\mapsto c+b/r$ with the same $b$ and $c$ contract by the factor "
            r"$(1+cr/b)^{-2}\le(1+c^2/b)^{-2}$ "
            r"on $r\ge c$. So $k$ steps bring $r$ as near to the fixed point as one likes, from any start in "
            r"$[c,c+\frac bc]$, where $r_j$ is but for $O(1/n)$ by the proof of Lemma 5. For a fixed $k$ the $b$ "
            r"and $c$ of "
            r"the last $k$ steps tend to $\beta$ and $a-1+\beta$. So $r_{2T}\to g$, and "
            r"$c_{2T+1}r_{2T}+b_{2T+1}\to g^2$.",
            limit,
            "the map and its fixed point: all a, b, c, r",
            step="compactness",
        ),
        Lemma(
            r"For $d=1$, $1\le a<2$ and $T/n\to\tau$: $\frac1n\log F(T)\to\psi(\tau)=\frac1{2a}\int_0^{4a\tau}\log "
            r"g(\beta)\,d\beta$. $\psi$ is strictly convex, least at $\frac{2-a}{8a}$, and its value there is "
            r"$-\frac12\bigl(\frac2a-1-\log\frac2a\bigr)$.",
            r"The sum of $\frac1n\log(F(t+1)/F(t))$ over $t<T$ is a Riemann sum by Lemma 6, with the dominating "
            r"function of "
            r"Lemma 5, $|\log\frac{4t+2}n|$ and a constant, which is integrable at 0. $\psi'=2\log g(4a\tau)$ "
            r"increases. "
            r"With $\beta=g-\frac{ag}{g+1}$ the integral is one over $g$.",
            rate,
            "the integral, all a",
            step="compactness",
        ),
        Lemma(
            r"The same holds for $d=1$ and any $a_n\to a$.",
            r"In $L^{2T}$: $\bigl|\lVert1-a_ns\rVert-\lVert1-as\rVert\bigr|\le|a-a_n|\lVert s\rVert$. Where "
            r"$T/n\to\tau>0$, "
            r"$\lVert1-as\rVert\to e^{\psi(\tau)/2\tau}>0$, and $\lVert s\rVert\le1+\lVert1-as\rVert$ is bounded; "
            r"so the "
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
            r"Let $1\le\kappa<2$. For all $d$ and $L$ and the best step for $L$ loops, on prompts of covariance "
            r"$\kappa$ times "
            r"that of the step: $T^\star/n\to\frac{2-\kappa}{8\kappa}$ and $\frac1n\log F(T^\star)\to"
            r"-\frac12\bigl(\frac2\kappa-1-\log\frac2\kappa\bigr)$.",
            r"On these prompts the step is in effect $\kappa$ times the best one, which tends to $\kappa$ by "
            r"Lemma 10. By Lemmas "
            r"7 to 9 the functions $\frac1n\log F(\tau n)$, made linear between neighbours, converge to $\psi$ at "
            r"every $\tau>0$. They are convex, as $F$ is log-convex (Cauchy–Schwarz), so they converge uniformly "
            r"on bounded "
            r"intervals away from 0, and their minimizers and minima to those of $\psi$, which are unique; to the "
            r"left of an "
            r"interval around the minimizer they decrease by convexity.",
            step="convexity",
        ),
    )
)
"""A proposition of the suite, beside the experiments of Gatmiry et al. (2024)."""
