r"""One step for all loops against steps of their own: strictly worse from two loops on, by a factor with a limit."""

from __future__ import annotations

from typing import NamedTuple

import sympy

from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.derivation import Derivation, Lemma
from icl_claims.theory.derivations.optimal_loss_vanishes import RECURSION
from icl_claims.theory.loops.step import optimal_looped_step
from icl_claims.theory.loops.untied_ratio import (
    DIM,
    prove_distance_from_constants,
    prove_lowest_powers,
    prove_ratio,
)
from icl_claims.theory.many_layers.step_sizes import optimal_steps
from icl_claims.theory.task import isotropic

SIZES = [(d, n) for d in (1, 2, 5) for n in (1, 2, 5, 40)]
"""(d, n); d = 1, n = 1, n < d and n = d are among them."""


class Ratios(NamedTuple):
    """p = u for L ≤ ``equal_until`` and p > u beyond; the limits of p/u for one, two and three loops, in d."""

    equal_until: int
    one: sympy.Expr
    two: sympy.Expr
    three: sympy.Expr


STATED = Ratios(
    equal_until=1,
    one=sympy.Integer(1),
    two=(2 * DIM**2 + 5 * DIM + 5) / (DIM**2 + 3 * DIM + 4),
    three=(DIM + 1)
    * (5 * DIM**3 + 22 * DIM**2 + 52 * DIM + 41)
    / (DIM**4 + 7 * DIM**3 + 29 * DIM**2 + 43 * DIM + 16),
)


def order(stated: Ratios) -> None:
    """p against u at sizes."""
    for d, n in SIZES:
        for L in (1, 2, 3, 5):
            side = optimal_looped_step(isotropic(d, n), L).loss.compare(
                optimal_steps(isotropic(d, n), L).loss
            )
            if side != (0 if stated.equal_until >= L else 1):
                raise Refuted(f"the least losses stand in another order for L = {L}")


def determinants() -> None:
    """u as a ratio of determinants at sizes."""
    for d, n in SIZES:
        for L in (1, 2, 4):
            prove_distance_from_constants(L, d, n)


def lowest_powers() -> None:
    """The lowest power of 1/n of the moments of H."""
    prove_lowest_powers(12)


def ratios(stated: Ratios) -> None:
    """The limits for one, two and three loops."""
    for L, value in enumerate((stated.one, stated.two, stated.three), 1):
        prove_ratio(L, value)


DERIVATION = Derivation(
    (
        Lemma(
            r"$u\le p$, with equality for $L=1$ and $u<p$ for $L\ge2$.",
            "$p$ is the least loss at equal steps, $u$ that over all steps, which is attained at "
            "different steps only, by the claim.",
            step="claim",
            claim="optimal_steps_global_minimum",
        ),
        Lemma(
            r"At sizes the order is decided exactly.",
            r"Lemma 1. $p$ is enclosed as a root, $u$ is rational.",
            order,
            "12 sizes with d ≤ 5, n ≤ 40, n = 1 and n < d among them, L = 1, 2, 3, 5",
            step="convexity",
        ),
        Lemma(
            r"$u=\det(h_{i+j})_{i,j\le L}\,/\det(h_{i+j}+2h_{i+j+1}+h_{i+j+2})_{i,j<L}$ with $h_k=\mathbb "
            r"E\operatorname{tr}(S-I)^k$.",
            r"$u$ is the least $\int q^2d\mu$ with $q(0)=1$, $\deg q\le L$, by the same claim: the squared "
            "distance of 1 from the span of $s(s-1)^j$, $j<L$, a ratio of Gram determinants; with 1 they "
            r"span the powers of $s-1$, up to a change of basis of determinant $\pm1$.",
            determinants,
            "12 sizes, L = 1, 2, 4",
            step="claim",
            claim="optimal_steps_global_minimum",
        ),
        RECURSION,
        Lemma(
            r"$n^{k/2}h_k\to\gamma_k=\mathbb E\operatorname{tr}G^k$ for every $k$, which is 0 for odd $k$.",
            r"By Lemma 4 and induction $h_k$ has no power of $\frac1n$ below $k/2$, and at $k/2$ the "
            r"recursion of $\gamma_k$, integration by parts for $G$.",
            lowest_powers,
            "k ≤ 12, all d",
            step="induction",
        ),
        Lemma(
            r"$n^Lu\to\det(\gamma_{i+j})_{i,j\le L}/\det(\gamma_{i+j})_{i,j<L}>0$ and "
            r"$n^Lp\to\gamma_{2L}$; so $p/u$ has the limit stated.",
            "In Lemma 3 multiply row and column $i$ by $n^{i/2}$: the determinants tend to those of "
            r"$\gamma$, as $h_{k+1}$ and $h_{k+2}$ are of smaller order. They are positive, for the mean "
            "spectral measure of $G$ has infinitely many points of support. $p$ by the claim.",
            step="claim",
            claim="looped_loss_rate",
        ),
        Lemma(
            r"The limits for $L\le3$.",
            r"Determinants of polynomials in $d$.",
            ratios,
            "L ≤ 3, all d",
        ),
    )
)
"""A proposition of the suite, beside an experiment of Gatmiry et al. (2024)."""
