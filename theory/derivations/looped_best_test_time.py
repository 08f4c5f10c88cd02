r"""The best number of loops at test time, in one dimension with A = Σ⁻¹: a recurrence, explicit bounds, and n/8."""

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
    prove_recurrence,
)


class BestTime(NamedTuple):
    """q_{j+1} = ``weight`` (q_j + q_{j−1}); F rises at T where ``rises`` > 1 and falls where ``falls`` < 1.

    T*/n tends to ``limit``.
    """

    weight: sympy.Expr
    rises: sympy.Expr
    falls: sympy.Expr
    limit: sympy.Expr


STATED = BestTime(
    weight=2 * INDEX / CONTEXT,
    rises=(4 * LOOPS + 2) / CONTEXT * (1 + 4 * LOOPS / CONTEXT),
    falls=(4 * LOOPS + 2) / CONTEXT * (1 + 4 * LOOPS / CONTEXT + 2 * LOOPS / (2 * LOOPS - 1)),
    limit=sympy.Rational(1, 8),
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
            r"$T^\star/n\to\frac18$.",
            r"Fix $\beta>0$ and let $j/n\to\beta/2$. Two steps of $r\mapsto b(1+1/r)$ with the same $b$ are $r\mapsto "
            r"b+\frac r{r+1}$, which contracts by the factor $(r+1)^{-2}\le(1+b)^{-2}$ on $r\ge b$; so $k$ steps "
            r"bring $r$ as "
            r"near to the fixed point $g(\beta)$, $g^2=\beta(g+1)$, as one likes, from any start in $[b,1+b]$, in "
            r"which "
            r"$r_j$ is but for $O(1/n)$ by Lemma 5's proof. For fixed $k$ the $b$ of these steps tend to $\beta$. So "
            r"$F(T+1)/F(T)\to\beta(1+g)=g(\beta)^2$ where $T/n\to\beta/4$. $g$ is increasing and 1 at "
            r"$\beta=\frac12$. As the "
            r"ratios of $F$ increase with $T$ (Cauchy–Schwarz), they pass 1 at $T^\star$.",
            limit,
            "the map and its fixed point: all b, r",
            step="compactness",
        ),
    )
)
"""A proposition of the suite, beside the experiments of Gatmiry et al. (2024)."""
