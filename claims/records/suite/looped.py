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
)
