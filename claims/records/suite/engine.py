r"""Propositions about real Wishart moments and what follows from them for step sizes.

$W=XX^\top$ with $X$ $d\times n$ of independent standard normal entries, $S=W/n$; $\mu$ is the expected spectral
measure of $S$, of total mass $d$, so that $\int s^k\,d\mu=\mathbb E\operatorname{tr}S^k$.
"""

from __future__ import annotations

from dataclasses import replace

from icl_claims.claims.assumptions import (
    GAUSSIAN_COVARIATES,
    POSITIVE_DEFINITE_COVARIANCE,
    WHITENED_SETTING,
    WHITENED_TASK,
)
from icl_claims.claims.claim import Assumption, Claim

GAUSSIAN_ENTRIES = Assumption("gaussian_entries", r"The entries of $X$ are independent and standard normal.")
REAL_ENTRIES = Assumption("real_entries", r"The entries of $X$ are real, not complex.")

_SPARSE = (
    r"Sparse parametrization, $x\sim\mathcal N(0,\Sigma)$, $w\sim\mathcal N(0,\Sigma^{-1})$, on the set "
    r"$\mathcal S=\{A_l=a_l\Sigma^{-1}\}$: $f=\int\prod_l(1-a_ls)^2\,d\mu(s)$ with $\mu$ the expected spectral measure "
    r"of $S$ in whitened coordinates, $\int s^k\,d\mu=\mathbb E\operatorname{tr}S^k$. "
)

_NO_INVERSE = (
    r"The statement is not defined: without it there is no $\Sigma^{-1}$, and neither "
    r"$\mathcal S$ nor the task is."
)

_SETTING = tuple(
    replace(a, not_shown=_NO_INVERSE) if a.key == POSITIVE_DEFINITE_COVARIANCE.key else a
    for a in WHITENED_SETTING
)

CLAIMS: tuple[Claim, ...] = (
    Claim(
        slug="wishart_trace_recurrence",
        paper="suite",
        location="real Wishart moments",
        statement=r"With $s=d+n$ and $p=dn$ the moments $m_k=\mathbb E\operatorname{tr}W^k$ of a real Wishart "
        r"matrix $W=XX^\top$, $X$ with $d$ rows and $n$ columns, satisfy, for all $d,n\ge1$ and $k\ge4$, "
        r"$(k+1)m_k-(4k-1)(s-1)m_{k-1}+[-5k^3+16k^2-13k+1+(12-8k)p+(6k-9)s^2+(12-8k)s]\,m_{k-2}+(s-1)[10k^3-68k^2"
        r"+150k-107+(16k-44)p+(11-4k)s^2]\,m_{k-3}+(k-4)[(k-2)^2-(d-n)^2][(2k-7)^2-(d-n)^2]\,m_{k-4}=0$, "
        "and start with $m_1=p$, $m_2=p(s+1)$, $m_3=p(s^2+p+3s+4)$.",
        assumptions=(GAUSSIAN_ENTRIES, REAL_ENTRIES),
        derivation="theory.derivations.wishart_trace_recurrence",
        cites=(
            "R. J. Muirhead (1982), Aspects of Multivariate Statistical Theory, Theorem 3.2.18: the joint density",
            "N. G. de Bruijn (1955), J. Indian Math. Soc. 19, 133–151: integrals as Pfaffians",
            "G. Szegő (1975), Orthogonal Polynomials, 5.1 and 3.2: Laguerre polynomials",
            "M. Adler, P. J. Forrester, T. Nagao, P. van Moerbeke (2000), J. Stat. Phys. 99, 141–170: density for "
            "even d",
        ),
    ),
    Claim(
        slug="optimal_steps_global_minimum",
        paper="suite",
        location="completes Ahn et al., Theorem 3, on its own set",
        statement=_SPARSE
        + r"For all $d,n,L\ge1$, $f$ attains its minimum over $\mathbb R^L$, at one multiset of steps only; the "
        r"steps are positive and distinct, the reciprocals of the roots of the orthogonal polynomial of degree "
        r"$L$ of the measure $s\,d\mu(s)$; the gradient vanishes there; and the minimum is "
        r"$1/\sum_{k\le L}\pi_k(0)^2/h_k$ with $\pi_k$ the monic orthogonal polynomials of $\mu$ and "
        r"$h_k=\int\pi_k^2\,d\mu$.",
        assumptions=_SETTING,
        parts=("minimizer", "value"),
        derivation="theory.derivations.optimal_steps_global_minimum",
        rests_on=("query_label_shift",),
        cites=(
            "G. Szegő, Orthogonal Polynomials, Theorem 3.3.1 (the roots are real, simple and inside the support)",
            "G. Szegő, Orthogonal Polynomials, Theorem 3.1.3 (kernel polynomials are extremal)",
        ),
    ),
    Claim(
        slug="optimal_looped_step_unique",
        paper="suite",
        location="beside Gatmiry et al., Theorem 3.2",
        statement=_SPARSE
        + r"With all steps equal to $a$ the loss $f(a)=\int(1-as)^{2L}\,d\mu(s)$ is strictly convex, "
        r"$f''(a)=2L(2L-1)\int s^2(1-as)^{2L-2}\,d\mu(s)>0$; it has exactly one critical point, which is "
        r"positive and its global minimizer.",
        assumptions=_SETTING,
        parts=("convexity", "minimizer"),
        derivation="theory.derivations.optimal_looped_step_unique",
        rests_on=("query_label_shift",),
    ),
    Claim(
        slug="sampled_loss_heavy_tails",
        paper="suite",
        location="what sampling can and cannot estimate",
        statement=_SPARSE
        + r"Of the one-prompt estimator $v=\operatorname{tr}\prod_l(I-a_lS)^2$ (in whitened coordinates, with $w$ and "
        r"$x_q$ averaged out), at $d=5$, $n=20$ and the best looped step, known to $64$ bits, the relative variance "
        r"$\operatorname{Var}v/(\mathbb Ev)^2$ is $0.084$, $0.37$, $1.6$, $9.3$, $70$, $619$ for $L=1,\dots,6$ "
        r"(to two digits, the last to three): at $L=6$ an estimate to one per cent takes six million prompts.",
        assumptions=(GAUSSIAN_COVARIATES, WHITENED_TASK),
    ),
    Claim(
        slug="wishart_covariance_operator",
        paper="suite",
        location="real Wishart moments for any covariance",
        statement=r"Let the columns of $X$ be $n$ independent vectors of law $\mathcal N(0,\Sigma)$, "
        r"$W=XX^\top$, $p_\nu=\prod_{r\in\nu}\operatorname{tr}\Sigma^r$ and "
        r"$p_\rho(W)=\prod_{r\in\rho}\operatorname{tr}W^r$. Then $\mathbb E[W^{j+1}p_\rho(W)]=T\,\mathbb "
        r"E[W^jp_\rho(W)]$ for all $j\ge0$ and $\rho$, where $T$ is linear, "
        r"$T(\Sigma^ip_\nu)=(n+i)\Sigma^{i+1}p_\nu+\sum_{m=1}^ip_m\Sigma^{i+1-m}p_\nu+\sum_{r\in\nu}2r\,\Sigma^{i"
        r"+r+1}p_{\nu\setminus "
        "r}$.",
        assumptions=(GAUSSIAN_COVARIATES,),
        derivation="theory.derivations.wishart_covariance_operator",
        cites=(
            "R. J. Muirhead (1982), Aspects of Multivariate Statistical Theory, Theorem 3.2.1: the density of W",
        ),
    ),
)
