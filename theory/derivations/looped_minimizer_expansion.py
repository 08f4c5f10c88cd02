r"""The best looped step for long contexts: exact coefficients in 1/n, and the distance of the truncated expansion."""

from __future__ import annotations

from typing import NamedTuple

import sympy

from icl_claims.theory.derivation import Derivation, Lemma
from icl_claims.theory.derivations.optimal_loss_vanishes import RECURSION
from icl_claims.theory.loops.step_expansion import (
    DIM,
    prove_coefficients,
    prove_distance,
    prove_first_order,
)

SIZES = [(d, n) for d in (1, 2, 5) for n in (1, 2, 10, 1000)]
"""(d, n) of the bounds; d = 1, n = 1 and n < d are among them."""


class Expansion(NamedTuple):
    """α_1 and α_2 for one and two loops, and α_1 for three, in d."""

    one_first: sympy.Expr
    one_second: sympy.Expr
    two_first: sympy.Expr
    two_second: sympy.Expr
    three_first: sympy.Expr

    def of(self, loops: int) -> list[sympy.Expr]:
        """α_1, α_2, … for L loops."""
        rows = {
            1: [self.one_first, self.one_second],
            2: [self.two_first, self.two_second],
            3: [self.three_first],
        }
        return rows[loops]


STATED = Expansion(
    one_first=-DIM - 1,
    one_second=(DIM + 1) ** 2,
    two_first=-(3 * DIM**2 + 8 * DIM + 9) / (3 * (DIM + 1)),
    two_second=(
        81 * DIM**6 + 594 * DIM**5 + 1899 * DIM**4 + 3536 * DIM**3 + 4347 * DIM**2 + 3294 * DIM + 1161
    )
    / (81 * (DIM + 1) ** 4),
    three_first=-(10 * DIM**3 + 47 * DIM**2 + 122 * DIM + 101) / (5 * (2 * DIM**2 + 5 * DIM + 5)),
)


def first_order() -> None:
    """P(0, z) is linear."""
    for L in (1, 2, 3, 4):
        prove_first_order(L)


def coefficients(stated: Expansion) -> None:
    """The stated coefficients leave no lower power of 1/n in the slope."""
    for L in (1, 2, 3):
        prove_coefficients(L, stated.of(L))


def distance(stated: Expansion) -> None:
    """The bound of the distance at sizes."""
    for L in (1, 2, 3):
        for d, n in SIZES:
            prove_distance(L, d, n, stated.of(L))


DERIVATION = Derivation(
    (
        RECURSION,
        Lemma(
            r"With $x=\frac1n$: $f'(1+xz)=x^LP(x,z)$ with a polynomial $P$, and "
            r"$P(0,z)=2L\bigl((2L-1)c_{L-1}z+c_L+c_L'\bigr)$, where $c_k$ stands at $x^k$ in $\mathbb "
            r"E\operatorname{tr}H^{2k}$ and $c_L'$ at $x^L$ in $\mathbb E\operatorname{tr}H^{2L-1}$; "
            "$c_0=d$.",
            r"$f'(a)=-2L\,\mathbb E\operatorname{tr}S(I-aS)^{2L-1}$ and $I-(1+xz)S=-(H+xzS)$. By Lemma 1 "
            r"and induction $\mathbb E\operatorname{tr}H^k$ has no power of $x$ below $k/2$; so a term "
            r"with $j$ factors $xzS$ starts at $x^{j+\lceil(2L-1-j)/2\rceil}$ at least, which is $x^L$ for "
            r"$j=0,1$ and more for larger $j$, as is seen by $S=I+H$. $c_{L-1}=\mathbb "
            r"E\operatorname{tr}G^{2L-2}>0$.",
            first_order,
            "L ≤ 4, all d",
            step="induction",
        ),
        Lemma(
            r"There is one power series $z=\alpha_1+\alpha_2x+\dots$ with $P(x,z)=0$; its coefficients are "
            r"rational functions of $d$, and the stated ones for $L\le3$.",
            r"$\partial_zP(0,z)=2L(2L-1)c_{L-1}\ne0$: each coefficient follows from those before it by one "
            "division by this number. With the stated ones the powers of $x$ below their number vanish in "
            "$P$.",
            coefficients,
            "L = 1, 2: α_1, α_2; L = 3: α_1; all d",
            step="induction",
        ),
        Lemma(
            r"$|a^\star-a_K|\le|f'(a_K)|/\kappa$ with "
            r"$\kappa=2L(2L-1)\,m_2(1-\frac{m_3^2}{m_2m_4})^{L-1}$, which is of order $n^{-K-1}$; so "
            r"$a^\star=a_K+O(n^{-K-1})$.",
            r"$f''\ge\kappa>0$ everywhere, by the claim, so $|f'(a_K)-f'(a^\star)|\ge\kappa|a_K-a^\star|$ "
            r"and $f'(a^\star)=0$. By Lemma 3 $f'(a_K)$ is of order $n^{-L-K}$, and $\kappa$ of order "
            "$n^{-(L-1)}$.",
            step="claim",
            claim="looped_loss_rate",
        ),
        Lemma(
            r"At sizes the distance is decided: $|a^\star-a_K|\le|f'(a_K)|/\kappa$.",
            r"Lemma 4. $a^\star$ is enclosed by rational numbers and compared.",
            distance,
            "36 sizes with L ≤ 3, d ≤ 5, n ≤ 1000, n = 1 and n < d among them",
            step="convexity",
        ),
    )
)
"""A proposition of the suite, beside Theorem 3.2 of Gatmiry et al. (2024)."""
