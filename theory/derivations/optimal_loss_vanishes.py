r"""The least looped loss tends to 0 with growing context: at A = Σ⁻¹ it is a polynomial in 1/n "
r"without constant."""

from __future__ import annotations

from typing import NamedTuple

from flint import fmpq

from icl_claims.theory.derivation import Derivation, Lemma
from icl_claims.theory.derivations.optimal_steps_global_minimum import ERROR_IS_A_LABEL, LOSS_IS_AN_INTEGRAL
from icl_claims.theory.loops.centred_moments import prove_limit, prove_recursion, prove_steps_are_positive

LOOPS = range(1, 9)
"""L at which the limit is read off."""


class Vanishing(NamedTuple):
    """The loss at A = ``step`` Σ⁻¹, u = 0 tends to this limit as n → ∞."""

    step: fmpq
    limit: fmpq


STATED = Vanishing(fmpq(1), fmpq(0))
"""At A = Σ⁻¹ it tends to 0, and the least loss lies between 0 and it."""


def recursion() -> None:
    """The recursion gives the moments of H, and its terms have the signs and weights that the lemma says."""
    prove_recursion(5, 10)
    prove_steps_are_positive(7)


def limit(stated: Vanishing) -> None:
    """The constant coefficient in 1/n of the loss at the stated step."""
    for loops in LOOPS:
        prove_limit(stated.step, stated.limit, loops)


RECURSION = Lemma(
    r"With $H=S-I$, $R=\prod_r\operatorname{tr}H^r$ any product of such traces and $k\ge1$: $\mathbb "
    r"E\operatorname{tr}H^k\,R=\frac1n\sum_{a=0}^{k-2}\mathbb "
    r"E\bigl[(\operatorname{tr}H^{k-2}+\operatorname{tr}H^{k-1})R+(\operatorname{tr}H^a+"
    r"\operatorname{tr}H^{a+1})\operatorname{tr}H^{k-2-a}R\bigr]+\frac1n\sum_r2r\,\mathbb "
    r"E\bigl[(\operatorname{tr}H^{k+r-2}+\operatorname{tr}H^{k+r-1})R/\operatorname{tr}H^r\bigr]$.",
    r"$\operatorname{tr}H^k=\frac1n\operatorname{tr}XX^\top H^{k-1}-\operatorname{tr}H^{k-1}$. Integration "
    r"by parts of the first $X$: its derivative of the $X^\top$ beside it gives "
    r"$n\operatorname{tr}H^{k-1}$, which cancels; that of the factors $H$ and of $R$, with $\partial "
    r"H=\frac1n(\partial X\,X^\top+X\,\partial X^\top)$ and $S=I+H$, gives the right side. It is held "
    "against the moments of $S$, in $d$ and $n$: all $R$ of small weight, and powers up to ten. Every "
    "coefficient is positive, and every term lowers the sum of the exponents by 1 or 2.",
    recursion,
    "d, n symbols; products with exponents of sum ≤ 5, powers ≤ 10; the signs for exponents of sum ≤ 7",
    step="induction",
)

DERIVATION = Derivation(
    (
        ERROR_IS_A_LABEL,
        LOSS_IS_AN_INTEGRAL,
        RECURSION,
        Lemma(
            r"$\mathbb E\operatorname{tr}H^k$ is a polynomial in $d$ and $1/n$, in which no power of $1/n$ "
            "below $k/2$ occurs.",
            "By induction on the sum $K$ of the exponents the same holds for products of traces, with "
            r"$K/2$: by Lemma 3 each term has the factor $\frac1n$ and an expectation whose exponents have "
            "a sum of $K-2$ or $K-1$. For $K=0$ it is a power of $d$.",
            step="induction",
        ),
        Lemma(
            r"$0\le\inf_{A,u}\mathcal L(A,u)\le\mathcal L(\Sigma^{-1},0)=\mathbb "
            r"E\operatorname{tr}(I-S)^{2L}=\mathbb E\operatorname{tr}H^{2L}\to0$ as $n\to\infty$, for "
            "every $d$ and $L$.",
            "A loop with $u=0$ is the sparse layer with this $A$; so Lemma 2 with all $a_l=1$ gives the "
            r"loss, and Lemma 4 with $k=2L$ its limit. The polynomials with $L\le8$ are computed, and have "
            "no constant term.",
            limit,
            "L ≤ 8, all d",
            step="induction",
        ),
    )
)
"""A consequence of Theorem 3.2 of Gatmiry et al. (2024)."""
