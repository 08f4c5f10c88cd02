r"""The rate of the looped loss: exact leading constant for every L and d, with a bound of what follows it."""

from __future__ import annotations

from icl_claims.theory.derivation import Derivation, Lemma
from icl_claims.theory.derivations.optimal_loss_vanishes import RECURSION
from icl_claims.theory.derivations.optimal_steps_global_minimum import ERROR_IS_A_LABEL, LOSS_IS_AN_INTEGRAL
from icl_claims.theory.loops.centred_moments import prove_expansion, prove_leading
from icl_claims.theory.loops.loss_rate import (
    STATED,
    Rate,
    prove_remainder,
    prove_remainder_order,
    prove_slope,
)

__all__ = ["DERIVATION", "STATED"]

LOOPS = range(1, 9)
"""L of the checks with d and n as symbols."""

SIZES = [(d, n, L) for d in (1, 2, 5) for n in (1, 2, 5, 40) for L in (1, 2, 3, 5)]
"""(d, n, L) of the bounds; d = 1, n = 1, n < d and n = d are among them."""


def expansion(rate: Rate) -> None:
    """The powers of 1/n in h_{2L}, the signs and the degrees."""
    for L in LOOPS:
        prove_expansion(2 * L, *(rate.number(name, L) for name in ("lowest", "last", "excess")))


def leading(rate: Rate) -> None:
    """The coefficient of n^{−L} is the moment of the stated Gaussian matrix."""
    for L in LOOPS:
        prove_leading(L, rate.variance, rate.common)


def slope(rate: Rate) -> None:
    """f′(1) is the stated multiple of h_{2L} + h_{2L−1}."""
    for L in LOOPS:
        prove_slope(rate.number("slope", L), L)


def remainder(rate: Rate) -> None:
    """f″ ≥ κ and the bound of f(1) − f(a*), at sizes."""
    for sizes in SIZES:
        prove_remainder(rate, *sizes)


def order() -> None:
    """The bound of f(1) − f(a*) is of order n^{−L−1}."""
    for L in LOOPS:
        prove_remainder_order(L)


DERIVATION = Derivation(
    (
        ERROR_IS_A_LABEL,
        LOSS_IS_AN_INTEGRAL,
        RECURSION,
        Lemma(
            r"$f(1)=\mathbb E\operatorname{tr}H^{2L}=\sum_{j=L}^{2L-1}c_j(d)\,n^{-j}$; the $c_j$ are "
            "polynomials without negative coefficients, of degree at most $j+1$.",
            "Lemma 2 with $a_l=1$. By induction on the sum $K$ of the exponents, Lemma 3 gives for "
            "products of $t$ traces of positive powers: every coefficient is positive; each factor "
            r"$\frac1n$ lowers $K$ by 1 or 2, so that the powers of $\frac1n$ are at least $K/2$; it adds "
            r"at most one trace, so that the degree in $d$ at $n^{-j}$ is at most $j+t$. As $\mathbb "
            r"E\operatorname{tr}H=0$, the last step lowers $K$ from 2 to 0: at most $K-1$ factors. At "
            "$n^{-(2L-1)}$ and $n^{-L}$ there are terms.",
            expansion,
            "L ≤ 8, all d",
            step="induction",
        ),
        Lemma(
            r"$c_L(d)=\mathbb E\operatorname{tr}G^{2L}$ for the symmetric Gaussian matrix with $\mathbb "
            r"EG_{ij}G_{kl}=\delta_{ik}\delta_{jl}+\delta_{il}\delta_{jk}$.",
            "At the lowest power of $1/n$ only those terms of Lemma 3 take part that lower the exponents "
            "by 2; what they leave is integration by parts for $G$, so both sides satisfy one recursion "
            "with one start.",
            leading,
            "L ≤ 8, all d",
            step="induction",
        ),
        Lemma(
            r"$f'(1)=2L(h_{2L}+h_{2L-1})>0$ with $h_k=\mathbb E\operatorname{tr}H^k$; so $a^\star<1$.",
            r"$f'(1)=-2L\,\mathbb E\operatorname{tr}S(I-S)^{2L-1}$ and $S=I+H$. No coefficient is "
            "negative, by the argument of Lemma 4 for all powers.",
            slope,
            "L ≤ 8, all d, n",
            step="induction",
        ),
        Lemma(
            r"$f''(a)\ge\kappa=2L(2L-1)\,m_2\bigl(1-\frac{m_3^2}{m_2m_4}\bigr)^{L-1}>0$ for all $a$, with "
            r"$m_k=\mathbb E\operatorname{tr}S^k$. Hence $0<f(1)-f(a^\star)\le\frac{f'(1)^2}{2\kappa}$ and "
            r"$0<1-a^\star\le\frac{f'(1)}\kappa$.",
            r"$f''(a)=2L(2L-1)\int s^2(1-as)^{2L-2}d\mu$. Under the probability $s^2d\mu/m_2$ the mean of "
            r"$((1-as)^2)^{L-1}$ is at least the power $L-1$ of the mean, and $\int "
            r"s^2(1-as)^2d\mu=m_2-2am_3+a^2m_4\ge m_2-m_3^2/m_4$, positive by Cauchy's inequality, as "
            r"$\mu$ has more than one point of support. A function with $f''\ge\kappa$ lies above its "
            r"tangent at 1 plus $\frac\kappa2(a-1)^2$; it is least at $a^\star$, and "
            r"$f'(1)-f'(a^\star)\ge\kappa(1-a^\star)$. At 48 sizes both bounds are decided exactly.",
            remainder,
            "48 sizes with d ≤ 5, n ≤ 40, L ≤ 5, n = 1 and n < d among them",
            step="convexity",
        ),
        Lemma(
            r"$\frac{f'(1)^2}{2\kappa}$ is of order $n^{-L-1}$ for fixed $d$ and $L$; so $n^L\min_af(a)\to "
            r"c_L(d)$ and $n^Lf(1)\to c_L(d)$.",
            r"$f'(1)$ is of order $n^{-L}$ by Lemmas 4 and 6, and $m_2m_4-m_3^2$ of order $\frac1n$; $m_2$ "
            "and $m_4$ tend to $d$.",
            order,
            "L ≤ 8, all d",
            step="induction",
        ),
    )
)
"""A proposition of the suite, beside Theorem 3.2 of Gatmiry et al. (2024)."""
