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
    "Without it the loss is invariant under rotations, too, but another function, to which the argument "
    "does not apply; no symmetric matrix with a lower loss was found."
)

CLAIMS: tuple[Claim, ...] = (
    Claim(
        slug="looped_loss_rate",
        paper="suite",
        location="beside Gatmiry et al., Theorem 3.2",
        statement=r"Let $f(a)$ be the loss of $L$ loops of the sparse layer with $A=a\Sigma^{-1}$, "
        r"$a^\star$ its minimizer, and in whitened coordinates $h_k=\mathbb E\operatorname{tr}(S-I)^k$, "
        r"$m_k=\mathbb E\operatorname{tr}S^k$. For all $d,n,L\ge1$: "
        r"$f(1)=h_{2L}=\sum_{j=L}^{2L-1}c_j(d)\,n^{-j}$, where the $c_j$ are polynomials without negative "
        r"coefficients and of degree at most $j+1$, and $c_L(d)=\mathbb E\operatorname{tr}G^{2L}$ for the "
        r"symmetric Gaussian $G$ with $\mathbb "
        r"EG_{ij}G_{kl}=\delta_{ik}\delta_{jl}+\delta_{il}\delta_{jk}$: $c_1=d^2+d$, $c_2=2d^3+5d^2+5d$, "
        "$c_3=5d^4+22d^3+52d^2+41d$. Moreover $f'(1)=2L(h_{2L}+h_{2L-1})$, "
        r"$f''(a)\ge\kappa=2L(2L-1)\,m_2\bigl(1-\frac{m_3^2}{m_2m_4}\bigr)^{L-1}$ for all $a$, "
        r"$0<1-a^\star\le f'(1)/\kappa$ and $0<f(1)-f(a^\star)\le\frac{f'(1)^2}{2\kappa}$, which is of "
        r"order $n^{-L-1}$: so $n^Lf(a^\star)\to c_L(d)$ as $n\to\infty$.",
        assumptions=_SETTING,
        parts=("expansion", "remainder"),
        derivation="theory.derivations.looped_loss_rate",
        rests_on=("query_label_shift",),
    ),
    Claim(
        slug="looped_minimizer_not_symmetric",
        paper="suite",
        location="beside Gatmiry et al., Theorem 3.2",
        statement=r"Two loops, $L=2$; $f(A')=\mathbb E\lVert(I-SA')^2\rVert_F^2$ is the loss at "
        r"$A'=\Sigma^{1/2}A\Sigma^{1/2}$, and $a^\star$ its minimizer on multiples of $I$. For "
        r"antisymmetric $K$, $f(aI+K)=f(aI)+q(a)\lVert K\rVert_F^2+O(\lVert K\rVert^4)$ with "
        r"$n^3q(a)=(d^3+7d^2n+5d^2+8dn^2+14dn+22d+2n^3+4n^2+22n+20)\,a^2-4n(d^2+3dn+3d+n^2+3n+4)\,a+"
        r"2n^2(2d+n+3)$. For $d\ge2$ and $n\ge2(d+1)(d+2)$, $q(a^\star)<0$: $a^\star\Sigma^{-1}$ is a "
        r"saddle, and no multiple of $\Sigma^{-1}$ is a global minimizer. For every $d$, "
        r"$n^2\inf_{A,u}\mathcal L(A,u)\to2d^3+5d^2+5d-2\lfloor d/2\rfloor$ as $n\to\infty$, while "
        r"$n^2f(a^\star I)\to2d^3+5d^2+5d$; near the former are $A'=I+K/\sqrt n$ with $\lfloor "
        r"d/2\rfloor$ pairs $\pm i$ of eigenvalues of $K$.",
        assumptions=_SETTING,
        parts=("saddle", "constant"),
        derivation="theory.derivations.looped_minimizer_not_symmetric",
        rests_on=("global_minimizer_looped",),
    ),
    Claim(
        slug="looped_symmetric_minimizer",
        paper="suite",
        location="beside Gatmiry et al., Theorem 3.2",
        statement="Let $f(A)$ be the loss of $L$ loops of the sparse layer with the matrix $A$, and "
        r"$a^\star$ the minimizer of $f(a\Sigma^{-1})$. For all $d,n,L\ge1$ and every symmetric $A$: "
        r"$f(A)\ge f\bigl(\frac{\operatorname{tr}\Sigma A}d\Sigma^{-1}\bigr)\ge f(a^\star\Sigma^{-1})$, "
        r"and $A=a^\star\Sigma^{-1}$ is the only symmetric matrix with equality. For $n=1$ the same holds "
        "for every matrix $A$.",
        assumptions=tuple(
            replace(a, not_shown=_INVARIANT_TOO) if a.key in ("noiseless_labels", "masked_query") else a
            for a in _SETTING
        ),
        parts=("symmetric", "one_example"),
        derivation="theory.derivations.looped_symmetric_minimizer",
        rests_on=("optimal_looped_step_unique",),
        cites=(
            "I. Schur (1909), Math. Ann. 66, 488–510: the squared moduli of the eigenvalues add up to at "
            "most the squared Frobenius norm",
        ),
    ),
    Claim(
        slug="looped_minimizer_expansion",
        paper="suite",
        location="beside Gatmiry et al., Theorem 3.2",
        statement=r"The minimizer $a^\star$ of the loss $f(a)$ of $L$ loops with $A=a\Sigma^{-1}$ has an "
        r"expansion $a^\star=1+\sum_{k\le K}\alpha_kn^{-k}+O(n^{-K-1})$ as $n\to\infty$, for every $K$, "
        r"with $\alpha_k$ rational in $d$. With $c_k$ the coefficient of $n^{-k}$ in $\mathbb "
        r"E\operatorname{tr}(S-I)^{2k}$ and $c_L'$ that of $n^{-L}$ in $\mathbb "
        r"E\operatorname{tr}(S-I)^{2L-1}$, $\alpha_1=-\frac{c_L+c_L'}{(2L-1)c_{L-1}}$. For $L=1$: "
        r"$\alpha_1=-(d+1)$ and $\alpha_2=(d+1)^2$. For $L=2$: $\alpha_1=-\frac{3d^2+8d+9}{3(d+1)}$ and "
        r"$\alpha_2=\frac{81d^6+594d^5+1899d^4+3536d^3+4347d^2+3294d+1161}{81(d+1)^4}$. For $L=3$: "
        r"$\alpha_1=-\frac{10d^3+47d^2+122d+101}{5(2d^2+5d+5)}$. For all $d,n,L$ the truncated expansion "
        r"$a_K$ satisfies $|a^\star-a_K|\le|f'(a_K)|/\kappa$, "
        r"$\kappa=2L(2L-1)\,m_2\bigl(1-\frac{m_3^2}{m_2m_4}\bigr)^{L-1}$, $m_k=\mathbb "
        r"E\operatorname{tr}S^k$.",
        assumptions=tuple(
            replace(
                a,
                not_shown="Without the mask one loop has the same loss; for more the suite has no expansion.",
            )
            if a.key == "masked_query"
            else a
            for a in _SETTING
        ),
        derivation="theory.derivations.looped_minimizer_expansion",
        rests_on=("looped_loss_rate",),
    ),
    Claim(
        slug="looped_against_untied",
        paper="suite",
        location="beside Gatmiry et al., Experiments",
        statement=r"On multiples of $\Sigma^{-1}$ let $p$ be the least loss of $L$ equal steps and $u$ "
        r"that of $L$ steps of their own. For all $d,n$: $p=u$ for $L=1$ and $p>u$ for $L\ge2$. As "
        r"$n\to\infty$, $p/u\to\gamma_{2L}\det(\gamma_{i+j})_{i,j<L}/\det(\gamma_{i+j})_{i,j\le L}$ with "
        r"$\gamma_k=\mathbb E\operatorname{tr}G^k$ for the symmetric Gaussian $G$ with $\mathbb "
        r"EG_{ij}G_{kl}=\delta_{ik}\delta_{jl}+\delta_{il}\delta_{jk}$. For $L=2$ it is "
        r"$\frac{2d^2+5d+5}{d^2+3d+4}$, for $L=3$ $\frac{(d+1)(5d^3+22d^2+52d+41)}{d^4+7d^3+29d^2+43d+16}$.",
        assumptions=tuple(
            replace(
                a,
                not_shown="Without it the two losses are other functions, for which the suite has no such pair.",
            )
            if a.key in ("masked_query", "noiseless_labels", "independent_task")
            else a
            for a in _SETTING
        ),
        parts=("order", "ratio"),
        derivation="theory.derivations.looped_against_untied",
        rests_on=("optimal_steps_global_minimum", "looped_loss_rate"),
    ),
)
