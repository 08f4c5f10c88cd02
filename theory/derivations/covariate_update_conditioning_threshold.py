r"""Which covariate updates lower the condition number of the Gram matrix, on which prompts."""

from __future__ import annotations

from typing import NamedTuple

import sympy
from flint import fmpq

from icl_claims.theory.derivation import Derivation, Lemma
from icl_claims.theory.derivations.gdpp_infimum_attained import CHANGE_OF_BASIS
from icl_claims.theory.many_layers.conditioning import (
    gamma,
    prove_bound,
    prove_covariates,
    prove_map_of_gram,
    prove_pairs,
    t,
)
from icl_claims.theory.transformer.relaxed_layers import a, b, p, s


class Threshold(NamedTuple):
    """p ← p(1 + move); φ; the two conditions, as polynomials that must be positive; the bound in units of 1/γ."""

    move: sympy.Expr
    phi: sympy.Expr
    upper: sympy.Expr
    lower: sympy.Expr
    bound: fmpq


STATED = Threshold(
    a * b * s * p**2,
    s * (1 - gamma * s) ** 2,
    2 - gamma * (s + t),
    (1 - gamma * (s + t)) * ((s + t) - gamma * (s**2 + t**2)),
    fmpq(1, 2),
)


def covariates(stated: Threshold) -> None:
    """One layer's covariates."""
    prove_covariates(stated.move)


def map_of_gram(stated: Threshold) -> None:
    """One layer's Gram matrix."""
    prove_map_of_gram(stated.move, stated.phi)


def pairs(stated: Threshold) -> None:
    """The two factors."""
    prove_pairs(stated.phi, stated.upper, stated.lower)


def bound(stated: Threshold) -> None:
    """The largest bound."""
    prove_bound(stated.lower, stated.bound)


COVARIATES = Lemma(
    r"Where the covariates are $pX$, $px_q$ with symmetric $p$, a layer $(aI,bI)$ makes them $p'X$, $p'x_q$ with "
    r"$p'=p+ab\,pSpp$, whatever the labels are. So $X_l=p_l(S_0)X_0$ with $p_0=1$, $p_{l+1}=p_l(1+a_lb_lsp_l^2)$.",
    "The layer is multiplied out in blocks. If $p=p_l(S)$ it commutes with $S$, which gives the recursion; "
    "its degree is "
    r"$\deg p_{l+1}=3\deg p_l+1$ where $a_lb_l\ne0$.",
    covariates,
    "one layer; all d, n, a, b, p, every state",
    "induction",
)

DERIVATION = Derivation(
    (
        CHANGE_OF_BASIS,
        COVARIATES,
        Lemma(
            r"$S_{l+1}=\varphi(S_l)$ with $\gamma=-a_lb_l$.",
            r"$S_l=S_0p_l(S_0)^2$, and $s(p(1+absp^2))^2=\varphi(sp^2)$.",
            map_of_gram,
            "all a, b, s, p",
        ),
        Lemma(
            r"For $0<s<t$ the images come closer if and only if $\gamma>0$, $s+t<2/\gamma$ and the stated "
            r"product is "
            "positive.",
            r"The images have a ratio below $t/s$, the larger by the smaller, exactly where "
            r"$s\varphi(t)<t\varphi(s)$ and "
            r"$s\varphi(s)<t\varphi(t)$. The differences are $(t-s)st\gamma(2-\gamma(s+t))$ and $t-s$ times "
            r"the stated "
            r"product. For $\gamma\le0$ the first is not positive.",
            pairs,
            "all s, t, γ",
        ),
        Lemma(
            r"Let $\gamma>0$. All pairs $0<s<t\le\frac1{2\gamma}$ come closer, so the condition number, the "
            r"greatest of the "
            r"ratios, falls. All pairs close enough to $\frac1{2\gamma}$ from above move apart.",
            r"With $u=\gamma s$, $v=\gamma t$ the product is $(1-(u+v))((u+v)-(u^2+v^2))$. For "
            r"$u<v\le\frac12$ both factors "
            r"are positive, and $u+v<2$; for $\frac12<u<v<1$ the first is negative and the second positive.",
            bound,
            "all s, t, γ > 0",
        ),
        Lemma(
            r"For $n\ge d$ every list of $d$ positive numbers is the spectrum of $S_l$ on some prompt. So "
            r"for $d\ge2$ the "
            r"condition number rises on the prompt whose $S_l$ has one eigenvalue $t$ and all others $s$, close to "
            r"$\frac1{2\gamma}$ from above. For $\gamma=0$ nothing moves, and for $\gamma<0$ the first "
            r"difference of "
            r"the pairs is negative: the greatest ratio grows.",
            r"$\varphi$ is continuous with $\varphi(0)=0$ and $\varphi(s)\to\infty$, so it is onto "
            r"$[0,\infty)$, and so is "
            r"every composition of such maps. With $n\ge d$ any diagonal $S_0$ occurs.",
            step="compactness",
        ),
    )
)
