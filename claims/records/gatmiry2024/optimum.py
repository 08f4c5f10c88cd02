r"""Gatmiry et al. (2024): what a loop computes, and the global minimizer of its loss."""

from __future__ import annotations

from dataclasses import replace

from icl_claims.claims.assumptions import (
    GAUSSIAN_COVARIATES,
    INDEPENDENT_TASK,
    MASKED_QUERY,
    NOISELESS_LABELS,
    POSITIVE_DEFINITE_COVARIANCE,
    TIED_LAYERS,
    ZERO_QUERY_LABEL,
    ZERO_VALUE_ROW,
)
from icl_claims.claims.claim import Claim, OtherReading
from icl_claims.claims.records.gatmiry2024.setting import DATA, LOOPED, LOSS

_FREE_OF_SINGULAR = tuple(
    replace(assumption, not_shown=r"Without it there is no $\Sigma^{-1}$, and the task is not defined.")
    if assumption is POSITIVE_DEFINITE_COVARIANCE
    else assumption
    for assumption in DATA
)
_TIED = replace(
    TIED_LAYERS,
    not_shown="Loops with values $u_t$ and matrices $A_t$ of their own add the expectation of a square as well, so "
    "that $u_t=0$ loses nothing. That no other minimizer exists is not shown for them.",
)
_NOT_SHOWN = {
    POSITIVE_DEFINITE_COVARIANCE.key: r"Without it there is no $\Sigma^{-1}$, and the task is not defined.",
    TIED_LAYERS.key: r"Without it there is no single $A_{\mathrm{opt}}$ that the bound could be about.",
    GAUSSIAN_COVARIATES.key: "The bound is so wide that only a law with a fourth moment of the order of $n$ could "
    "violate it; the laws in which the suite multiplies out losses have small ones.",
    INDEPENDENT_TASK.key: r"With $w=x_1$ the best $A$ still tends to $\Sigma^{-1}$; the bound is too wide for it.",
}

CLAIMS: tuple[Claim, ...] = (
    Claim(
        slug="loop_is_preconditioned_gd",
        paper="gatmiry2024",
        location="§3",
        statement=LOOPED
        + r"With $u=0$, $L$ loops are $L$ steps of gradient descent on the least-squares loss of the "
        r"context, preconditioned by $A$, from $w_0=0$: the residual after $t$ loops is $(I-SA)^t$ applied "
        r"to $w$ (up to transposes).",
        reading=r"As recorded, up to transposes; they are: the preconditioner is $A^\top$, "
        r"$w_{t+1}=w_t-A^\top\nabla R(w_t)$ with $R(v)=\frac1{2n}\sum_i(\langle v,x_i\rangle-y_i)^2$, the residual is "
        r"$w-w_t=(I-A^\top S)^tw=\bigl((I-SA)^t\bigr)^\top w$ with $S=\frac1nXX^\top$, and the prediction is "
        r"$-[Z_t]_{d+1,n+1}=\langle w_t,x_q\rangle=w^\top\bigl(I-(I-SA)^t\bigr)x_q$. For every prompt, every $A$, "
        r"every $t$.",
        other_readings=(
            OtherReading(
                "on_columns",
                r"With no transposition: the residual is the column $(I-SA)^tw$. False where $A$ is not symmetric, and "
                r"for symmetric $A$ that do not commute with $S$.",
            ),
        ),
        assumptions=(NOISELESS_LABELS, MASKED_QUERY, ZERO_QUERY_LABEL, TIED_LAYERS, ZERO_VALUE_ROW),
        parts=("descent", "residual"),
        derivation="theory.derivations.loop_is_preconditioned_gd",
        provenance="secondary",
    ),
    Claim(
        slug="global_minimizer_looped_u",
        paper="gatmiry2024",
        location="Theorem 3.2",
        statement=LOSS + r"Every global minimizer $(A_{\mathrm{opt}},u_{\mathrm{opt}})$ of $\mathcal L$ "
        r"has $u_{\mathrm{opt}}=0$: the optimal looped transformer implements exactly $L$ steps of "
        r"preconditioned gradient descent.",
        reading=r"For every $n$, $d$, $L$ and $\Sigma\succ0$, with the mask $M$ and $0$ in the query's label slot. "
        r"That there is a global minimizer is shown with it. What stands behind it, for every $A$ and $u$: "
        r"$\mathcal L(A,u)=\mathcal L(A,0)+\mathbb E\bigl(u^\top(I-(I-SA)^L)x_q\bigr)^2$, and the addend is positive "
        r"for $A\ne0$, $u\ne0$.",
        assumptions=(*_FREE_OF_SINGULAR, _TIED),
        derivation="theory.derivations.global_minimizer_looped_u",
        provenance="secondary",
    ),
    Claim(
        slug="global_minimizer_looped",
        paper="gatmiry2024",
        location="Theorem 3.2",
        statement=LOSS + r"Every global minimizer $(A_{\mathrm{opt}},u_{\mathrm{opt}})$ of $\mathcal L$ "
        r"has $(1-c)\Sigma^{-1}\preccurlyeq A_{\mathrm{opt}}\preccurlyeq(1+c)\Sigma^{-1}$ with "
        r"$c=8\delta d^{1/(2L)}$ and $\delta=\bigl(\frac{8Ld}{\sqrt n}\bigr)^{1/(2L)}$; so "
        r"$A_{\mathrm{opt}}\to\Sigma^{-1}$ as $n\to\infty$.",
        reading=r"$\preccurlyeq$ compares quadratic forms, as $A_{\mathrm{opt}}$ need not be symmetric. "
        "The bound is judged where it has two sides, $c<1$, that is $n>8^{4L+2}L^2d^4$: at $d=10$ this is "
        r"$n>2.6\cdot10^9$ for $L=1$ and $n>4.3\cdot10^{13}$ for $L=2$. The record has no condition on "
        "$n$; smaller $n$ are another reading.",
        other_readings=(
            OtherReading(
                "every_context",
                r"For every $n$, where for $c\ge1$ the lower side allows $0$ and negative matrices. Shown "
                r"for the minimizers among symmetric matrices, $a^\star\Sigma^{-1}$ with $0<a^\star<1$; "
                "open for others.",
            ),
            OtherReading(
                "symmetric_difference",
                r"$\preccurlyeq$ says that the difference is symmetric and positive semidefinite, so that "
                r"$A_{\mathrm{opt}}$ is symmetric. False for $L=2$, $d\ge2$ and $n\ge2(d+1)(d+2)$, and at "
                "instances with $L=3$ and $L=4$.",
            ),
        ),
        assumptions=tuple(
            replace(a, not_shown=_NOT_SHOWN[a.key]) if a.key in _NOT_SHOWN else a
            for a in (*DATA, TIED_LAYERS)
        ),
        derivation="theory.derivations.global_minimizer_looped",
        cites=(
            "I. Schur (1909), Math. Ann. 66, 488–510: the squared moduli of the eigenvalues add up to at "
            "most the squared Frobenius norm",
        ),
        provenance="secondary",
    ),
    Claim(
        slug="optimal_loss_vanishes",
        paper="gatmiry2024",
        location="Consequence of Theorem 3.2",
        statement=LOSS
        + r"The minimal loss $\min_{A,u}\mathcal L(A,u)$ tends to $0$ as $n\to\infty$ for fixed $d$ and $L$.",
        reading=r"As recorded; where the minimum is not attained, the infimum.",
        assumptions=tuple(
            replace(a, not_shown=r"Without it there is no $\Sigma^{-1}$, and the task is not defined.")
            if a.key == POSITIVE_DEFINITE_COVARIANCE.key
            else a
            for a in DATA
        ),
        derivation="theory.derivations.optimal_loss_vanishes",
        rests_on=("query_label_shift",),
        provenance="secondary",
    ),
)
