r"""Propositions about looped layers: how fast their loss falls, and what minimizes it.

$S=XX^\top/n$ in whitened coordinates, where the loss of $A$ is $\mathbb E\lVert(I-SA)^L\rVert_F^2$.
"""

from __future__ import annotations

from dataclasses import replace

from icl_claims.claims.assumptions import POSITIVE_DEFINITE_COVARIANCE, WHITENED_SETTING
from icl_claims.claims.claim import Claim

_SETTING = tuple(
    replace(a, not_shown=r"Without it there is no $\Sigma^{-1}$, and the task is not defined.")
    if a.key == POSITIVE_DEFINITE_COVARIANCE.key
    else a
    for a in WHITENED_SETTING
)

_INVARIANT_TOO = (
    "Without it the loss is invariant under rotations, too, but another function, to which the argument does not "
    "apply; "
    "no symmetric matrix with a lower loss was found."
)

CLAIMS: tuple[Claim, ...] = (
    Claim(
        slug="looped_loss_rate",
        paper="suite",
        location="beside Gatmiry et al., Theorem 3.2",
        statement=r"Let $f(a)$ be the loss of $L$ loops of the sparse layer with $A=a\Sigma^{-1}$, $a^\star$ its "
        r"minimizer, "
        r"and in whitened coordinates $h_k=\mathbb E\operatorname{tr}(S-I)^k$, $m_k=\mathbb "
        r"E\operatorname{tr}S^k$. For all "
        r"$d,n,L\ge1$: $f(1)=h_{2L}=\sum_{j=L}^{2L-1}c_j(d)\,n^{-j}$, where the $c_j$ are polynomials without "
        r"negative "
        r"coefficients and of degree at most $j+1$, and $c_L(d)=\mathbb E\operatorname{tr}G^{2L}$ for the "
        r"symmetric Gaussian "
        r"$G$ with $\mathbb EG_{ij}G_{kl}=\delta_{ik}\delta_{jl}+\delta_{il}\delta_{jk}$: $c_1=d^2+d$, "
        r"$c_2=2d^3+5d^2+5d$, $c_3=5d^4+22d^3+52d^2+41d$. Moreover $f'(1)=2L(h_{2L}+h_{2L-1})$, $f''(a)\ge\kappa="
        r"2L(2L-1)\,m_2\bigl(1-\frac{m_3^2}{m_2m_4}\bigr)^{L-1}$ for all $a$, $0<1-a^\star\le f'(1)/\kappa$ and "
        r"$0<f(1)-f(a^\star)\le\frac{f'(1)^2}{2\kappa}$, which is of order $n^{-L-1}$: so $n^Lf(a^\star)\to "
        r"c_L(d)$ as "
        r"$n\to\infty$.",
        assumptions=_SETTING,
        parts=("expansion", "remainder"),
        derivation="theory.derivations.looped_loss_rate",
        rests_on=("query_label_shift",),
    ),
    Claim(
        slug="looped_minimizer_not_symmetric",
        paper="suite",
        location="beside Gatmiry et al., Theorem 3.2",
        statement=r"Two loops, $L=2$; $f(A')=\mathbb E\lVert(I-SA')^2\rVert_F^2$ is the loss at $A'=\Sigma^{1/2}A"
        r"\Sigma^{1/2}$, and $a^\star$ its minimizer on multiples of $I$. For antisymmetric $K$, $f(aI+K)=f(aI)+q(a)"
        r"\lVert K\rVert_F^2+O(\lVert K\rVert^4)$ with $n^3q(a)=(d^3+7d^2n+5d^2+8dn^2+14dn+22d+2n^3+4n^2+22n+20)\,a^2"
        r"-4n(d^2+3dn+3d+n^2+3n+4)\,a+2n^2(2d+n+3)$. For $d\ge2$ and $n\ge2(d+1)(d+2)$, $q(a^\star)<0$: "
        r"$a^\star\Sigma^{-1}$ is a saddle, and no multiple of $\Sigma^{-1}$ is a global minimizer. For every $d$, "
        r"$n^2\inf_{A,u}\mathcal L(A,u)\to2d^3+5d^2+5d-2\lfloor d/2\rfloor$ as $n\to\infty$, while $n^2f(a^\star "
        r"I)\to"
        r"2d^3+5d^2+5d$; near the former are $A'=I+K/\sqrt n$ with $\lfloor d/2\rfloor$ pairs $\pm i$ of "
        r"eigenvalues of "
        r"$K$.",
        assumptions=_SETTING,
        parts=("saddle", "constant"),
        derivation="theory.derivations.looped_minimizer_not_symmetric",
        rests_on=("global_minimizer_looped",),
    ),
    Claim(
        slug="looped_symmetric_minimizer",
        paper="suite",
        location="beside Gatmiry et al., Theorem 3.2",
        statement=r"Let $f(A)$ be the loss of $L$ loops of the sparse layer with the matrix $A$, and $a^\star$ "
        r"the minimizer "
        r"of $f(a\Sigma^{-1})$. For all $d,n,L\ge1$ and every symmetric $A$: $f(A)\ge "
        r"f\bigl(\frac{\operatorname{tr}\Sigma A}d"
        r"\Sigma^{-1}\bigr)\ge f(a^\star\Sigma^{-1})$, and $A=a^\star\Sigma^{-1}$ is the only symmetric matrix "
        r"with equality. "
        r"For $n=1$ the same holds for every matrix $A$.",
        assumptions=tuple(
            replace(a, not_shown=_INVARIANT_TOO) if a.key in ("noiseless_labels", "masked_query") else a
            for a in _SETTING
        ),
        parts=("symmetric", "one_example"),
        derivation="theory.derivations.looped_symmetric_minimizer",
        rests_on=("optimal_looped_step_unique",),
        cites=(
            "I. Schur (1909), Math. Ann. 66, 488–510: the squared moduli of the eigenvalues of M add up to at most "
            "‖M‖_F²",
        ),
    ),
)
