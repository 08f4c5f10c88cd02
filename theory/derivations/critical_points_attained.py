r"""All critical points on 𝒮 = {A_l = a_l Σ⁻¹}: one for each ordered partition of the layers into blocks of equal steps.

For each order of the blocks the sizes are deformed to 1. The critical points of the deformed functions are
nondegenerate and stay in a compact set, so that their number does not change; where all sizes are 1 it is 1, by the
uniqueness of an orthogonal polynomial.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import sympy

from icl_claims.theory.derivation import Derivation, Lemma
from icl_claims.theory.derivations.optimal_steps_global_minimum import (
    ERROR_IS_A_LABEL,
    INFINITE_SUPPORT,
    LOSS_IS_AN_INTEGRAL,
)
from icl_claims.theory.many_layers.block_landscape import (
    prove_index,
    prove_mixed_derivative,
    prove_ordered_partitions,
    prove_second_derivatives,
)
from icl_claims.theory.many_layers.critical_points import ordered_partitions
from icl_claims.theory.many_layers.step_certificate import LAYERS

BLOCKS = sympy.Symbol("k", integer=True, positive=True)
"""k, the number of different steps."""


@dataclass(frozen=True)
class Landscape:
    """How many critical points with k different steps there are, as a function of (L, k), and their index."""

    count: Callable[[int, int], int]
    index: sympy.Expr

    def index_at(self, layers: int, blocks: int) -> int:
        """The index at numbers."""
        return int(self.index.subs({LAYERS: layers, BLOCKS: blocks}))

    def by_index(self, layers: int) -> dict[int, int]:
        """{index: how many}, those of which there are some."""
        found: dict[int, int] = {}
        for k in range(1, layers + 1):
            at = self.index_at(layers, k)
            found[at] = found.get(at, 0) + self.count(layers, k)
        return {at: count for at, count in found.items() if count}


STATED = Landscape(ordered_partitions, LAYERS - BLOCKS)


def mixed_derivative() -> None:
    """(b_i − b_j) ∂_i∂_j P is a difference of first derivatives."""
    prove_mixed_derivative(-2)


def second_derivatives() -> None:
    """The second derivative in one value is a positive square; at equal steps the mixed one is twice it."""
    prove_second_derivatives(2)


def index(stated: Landscape) -> None:
    """The Hessian has the stated number of negative eigenvalues."""
    prove_index(stated.index_at, 8)


def ordered(stated: Landscape) -> None:
    """The ordered partitions are as many as stated."""
    prove_ordered_partitions(stated.count, 5)


DERIVATION = Derivation(
    (
        ERROR_IS_A_LABEL,
        LOSS_IS_AN_INTEGRAL,
        INFINITE_SUPPORT,
        Lemma(
            r"A point of $\mathcal S$ is a critical point of $f$ over all matrices exactly where $\partial "
            r"f/\partial a_l=0$ for all $l$.",
            r"The derivative of $f$ there in any direction $R_l$ is a multiple of $\partial f/\partial a_l$.",
            step="claim",
            claim="invariant_direction_reduction",
        ),
        Lemma(
            r"Let $x_j=1-b_js$ and $P=\prod_j|x_j|^{2m_j}$ with real exponents $m_j\ge1$, $F(b)=\int P\,d\mu$. For "
            r"$i\ne j$: $(b_i-b_j)\,\partial_i\partial_jF=-2(m_j\,\partial_iF-m_i\,\partial_jF)$. So at a critical "
            r"point of $F$ with $b_i\ne b_j$: $\partial_i\partial_jF=4m_im_j\int s^2P/(x_ix_j)\,d\mu=0$.",
            "The same identity holds between the integrands at every $s$: divided by $P$ it is one of rational "
            "functions.",
            mixed_derivative,
            "all exponents, values, s",
        ),
        Lemma(
            r"$\partial_i^2F=2m_i(2m_i-1)\int s^2P/x_i^2\,d\mu>0$. For $f$ itself, all exponents 1, "
            r"$\partial^2f/\partial a_l\partial a_m=2\,\partial^2f/\partial a_l^2$ where $a_l=a_m$.",
            "Both are identities between integrands. The integral is positive by Lemma 3, for its integrand is not "
            r"negative and vanishes at finitely many points only, each of measure 0: $\mu$ has no atoms but at $0$, "
            r"since $\det(S-cI)$ with $c\ne0$ is a polynomial in the entries of $X$ that is not zero.",
            second_derivatives,
            "all exponents, values, s",
            step="compactness",
        ),
        Lemma(
            r"Let blocks of sizes $M_1,\dots,M_k$ be given in this order, and let layers in block $j$ have the step "
            r"$b_j$. The critical points of $f$ with exactly these blocks, $b_1<\dots<b_k$, are those of $F$ with "
            "$m_j=M_j$ on this open cone of values.",
            "$f$ restricted to such steps is $F$, and it is a symmetric function of all steps, so that its "
            r"derivatives in the steps of a block are equal: $\partial F/\partial b_j=M_j\,\partial f/\partial a_l$ "
            "for $l$ in block $j$.",
            step="symmetry",
        ),
        Lemma(
            r"Let $1\le m_j\le M$. All critical points of $F$ with $b_1<\dots<b_k$ have $b_1>0$, and for all such "
            r"exponents together they lie in one compact subset of $\{0<b_1<\dots<b_k\}$.",
            r"(a) $\partial_jF=0$ for all $j$ says that $\int s\,r\,p\,\omega\,d\mu=0$ for $r=\prod_jx_j$, "
            r"$\omega=\prod_j|x_j|^{2m_j-2}\ge0$ and the $k$ polynomials $p=\prod_{i\ne j}x_i$. As the values differ "
            r"these are independent, so it holds for all $p$ of degree less than $k$. (b) If $b_i\le0$, then "
            r"$x_i\ge1$ on $[0,\infty)$, and $p=\prod_{j\ne i}x_j$ makes the integrand $s\,x_i\prod_{j\ne "
            r"i}x_j^2\,\omega\ge0$ with a positive integral: a contradiction. (c) Take a sequence of such critical "
            "points, with any exponents. Divide $x_j$ by $1+b_j$; a subsequence converges, the exponents and "
            r"$x_j\to u_j-v_js$ with $u_j,v_j\ge0$, $u_j+v_j=1$. All moments of $\mu$ are finite and it has no atoms "
            r"on $(0,\infty)$, so (a) holds in the limit. If some $v_j=1$ (a value tends to infinity), then $s$ "
            r"divides $r$, and $p=r/s$ gives $\int r^2\omega\,d\mu=0$, a contradiction. If some $u_j=1$ (a value "
            "tends to 0), it is the contradiction of (b). So all values have positive limits. (d) If two of them "
            r"have the same limit, Lemma 5 gives in the limit $\int s^2P/x_i^2\,d\mu=0$, which Lemma 6 excludes. So "
            "every such sequence has a limit point in the open cone; by continuity of the derivatives it is "
            "critical.",
            step="compactness",
        ),
        Lemma(
            "For given blocks the number of critical points of $F$ on the cone is the same for the exponents "
            r"$m_j=1+\tau(M_j-1)$, for all $\tau\in[0,1]$.",
            r"The derivatives of $F$ up to the second ones are continuous in $\tau$ and $b$. At a critical point the "
            "Hessian is diagonal with positive entries, by Lemmas 5 and 6, so by the implicit function theorem the "
            r"critical points near it form one continuous curve over $\tau$. By Lemma 8 those of each $\tau$ are "
            r"finitely many, and none can appear or vanish: a sequence of further ones with $\tau\to\tau_0$ would "
            r"have a limit point, a critical point at $\tau_0$ that is not isolated on its curve. So the number is "
            "locally constant on $[0,1]$.",
            step="compactness",
        ),
        Lemma(
            r"For $m_1=\dots=m_k=1$ there is exactly one.",
            r"By (a) of Lemma 8 with $\omega=1$, $r$ is orthogonal to all polynomials of degree less than $k$ for "
            r"$s\,d\mu$, and $r(0)=1$: it is the residual of the minimizer with $k$ layers, which has $k$ different "
            "steps and is unique up to their order, and the order is given. Conversely the gradient vanishes at the "
            "minimizer.",
            step="claim",
            claim="optimal_steps_global_minimum",
        ),
        Lemma(
            r"At a critical point with $k$ different steps the Hessian of $f$ along $\mathcal S$ is nondegenerate, "
            "of index $L-k$.",
            "It is 0 between different steps, by Lemma 5 with all exponents 1 (the mixed derivative is that of two "
            "single steps), and by Lemma 6 it is $D_j(2J-I)$ on block $j$, $J$ all ones, $D_j>0$. This commutes "
            "with permutations of the block, so its eigenspaces are the constant vectors, eigenvalue $(2M_j-1)D_j$, "
            r"and those of sum 0, eigenvalue $-D_j$, $M_j-1$ times. Listed for all sizes of blocks with $L\le8$.",
            index,
            "L ≤ 8, all sizes of blocks",
            step="symmetry",
        ),
        Lemma(
            "There is exactly one critical point for each ordered partition of the layers into blocks. Those with "
            "$k=L$, $L!$ of them, are the minimizers; all others are saddles. All steps are positive. So the "
            "infimum is attained.",
            "Lemmas 4, 7, 9 and 10, for every order of blocks of layers; Lemma 8 for the signs. The minimizers have "
            "different steps, by the claim of Lemma 10. Where $k<L$, Lemma 11 gives a negative eigenvalue beside "
            r"the positive ones. The ordered partitions are enumerated for $L\le5$; for larger $L$ their number "
            r"$k!\,S(L,k)$ follows by induction on $L$.",
            ordered,
            "L ≤ 5",
            step="induction",
        ),
    )
)
"""A proposition of the suite: it settles the footnote of Theorem 3 of Ahn et al. (2023)."""
