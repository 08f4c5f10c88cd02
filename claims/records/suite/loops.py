r"""Propositions of the suite: loops that run longer than their step was made for, or on other prompts."""

from __future__ import annotations

from dataclasses import replace

from icl_claims.claims.assumptions import INDEPENDENT_TASK, POSITIVE_DEFINITE_COVARIANCE
from icl_claims.claims.claim import Assumption, Claim
from icl_claims.claims.records.gatmiry2024.setting import DATA, LOOPED

_REASONS = {
    POSITIVE_DEFINITE_COVARIANCE: r"Without it there is no $\Sigma^{-1}$, and the task is not defined.",
    INDEPENDENT_TASK: r"The loss is $\mathbb E\sum_j(1-a\mu_j)^{2T}\langle w,v_j\rangle^2$ with orthonormal "
    r"eigenvectors $v_j$ for any $w$ independent of $x_q$ (in whitened coordinates), so log-convex; that it is "
    r"unbounded "
    "for all of them is not shown.",
}


def _with_reasons(assumptions: tuple[Assumption, ...]) -> tuple[Assumption, ...]:
    return tuple(replace(a, not_shown=_REASONS[a]) if a in _REASONS else a for a in assumptions)


CLAIMS: tuple[Claim, ...] = (
    Claim(
        slug="looped_minimizer_test_time_loops",
        paper="suite",
        location="beside the experiments of Gatmiry et al.",
        statement=LOOPED
        + r"Let $u=0$ and $A=a\Sigma^{-1}$, $a\ne0$, as where $a$ is the best step for $L$ loops, and let $F(T)$ "
        r"be the "
        r"population loss of $T$ loops. (Log-convex.) $F(T)^2<F(T-1)F(T+1)$ for $T\ge1$. (Unbounded.) "
        r"$F(T)\ge4^T\,\mathbb P(z^2\ge3n/|a|)$ with $z\sim\mathcal N(0,1)$, so $F(T)\to\infty$ for every $d$ and $n$: "
        r"$F$ falls up to a best number of loops $T^\star$ and rises ever after, at least geometrically. "
        r"(Prompt.) On one "
        r"prompt the error, averaged over $w$ and $x_q$, is $\sum_j(1-a\mu_j)^{2T}$, $\mu_j$ the eigenvalues of "
        r"$\Sigma^{-1/2}S\Sigma^{-1/2}$; it never rises with $T$ if and only if $0\le a\mu_j\le2$ for all $j$, "
        r"and tends "
        "to infinity else.",
        assumptions=_with_reasons(DATA),
        parts=("log_convex", "unbounded", "prompt"),
        derivation="theory.derivations.looped_minimizer_test_time_loops",
        rests_on=("query_label_shift",),
    ),
)
