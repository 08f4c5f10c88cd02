r"""Propositions of the suite: loops that run longer than their step was made for, or on other prompts."""

from __future__ import annotations

from dataclasses import replace

from icl_claims.claims.assumptions import (
    GAUSSIAN_COVARIATES,
    INDEPENDENT_TASK,
    NOISELESS_LABELS,
    POSITIVE_DEFINITE_COVARIANCE,
)
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
    Claim(
        slug="out_of_distribution_condition",
        paper="suite",
        location="corrects Gatmiry et al., Theorem 4.5",
        statement=LOOPED
        + r"Let $u=0$ and $A=a\Sigma_0^{-1}$ with $a\ne0$ and $\Sigma_0\succ0$, as the step that is best for $L$ "
        r"loops on the "
        r"covariance $\Sigma_0$; and let the prompts be of another law: $x\sim\mathcal N(0,\Sigma)$, and $w$ of "
        r"mean 0 and "
        r"covariance $\Omega$, be it $\Sigma^{-1}$ or $\Sigma_0^{-1}$. (Prompt.) With $\mu_j$ the eigenvalues of "
        r"$\Sigma_0^{-1/2}S\Sigma_0^{-1/2}$ and $\rho=\max_j|1-a\mu_j|$ the error after $T$ loops is at most "
        r"$\rho^T\lVert\Sigma_0^{1/2}w\rVert\lVert\Sigma_0^{-1/2}x_q\rVert$, which some $w$ and $x_q$ attain; it "
        r"tends to "
        r"0 for all of them if and only if $0<a\mu_j<2$ for all $j$. (Limit.) As $n\to\infty$ the same holds with "
        r"$\Sigma$ "
        r"for $S$, and the loss tends to $\operatorname{tr}(\Sigma G^\top\Omega G)$, $G=(I-a\Sigma\Sigma_0^{-1})^T$. "
        r"(Expectation.) For every $n$ the loss is at least $4^T\,\lambda_{\min}(\Lambda)\,\lambda_{\min}(C)\,\mathbb "
        r"P\bigl(z^2\ge\frac{3nd}{|a|\operatorname{tr}\Lambda}\bigr)$ with $z\sim\mathcal N(0,1)$, "
        r"$\Lambda=\Sigma_0^{-1/2}\Sigma\Sigma_0^{-1/2}$ and $C=\Sigma_0^{1/2}\Omega\Sigma_0^{1/2}$: where "
        r"$\Sigma,\Omega\succ0$ it tends to infinity with $T$, however near $\Sigma$ is to $\Sigma_0$.",
        assumptions=(
            GAUSSIAN_COVARIATES,
            replace(
                INDEPENDENT_TASK,
                not_shown="The bound and the condition for one prompt hold for every $w$. That the expectation "
                "is unbounded "
                "is not shown for all laws of $w$ that depend on the covariates.",
            ),
            NOISELESS_LABELS,
        ),
        parts=("prompt", "limit", "expectation"),
        corrects="out_of_distribution",
        derivation="theory.derivations.out_of_distribution_condition",
        rests_on=("loop_is_preconditioned_gd",),
        cites=(
            "spectral theorem for symmetric matrices (Horn and Johnson, Matrix Analysis, Theorem 4.1.5)",
            "Isserlis (1918), Biometrika 12, 134–139",
        ),
    ),
    Claim(
        slug="looped_best_test_time",
        paper="suite",
        location="beside the experiments of Gatmiry et al.",
        statement=LOOPED
        + r"Let $u=0$ and $A=a\Sigma^{-1}$, and let $F(T)$ be the population loss of $T$ loops. (Recurrence.) For "
        r"$d=1$: "
        r"$F(T)=q_{2T}$ with $q_0=1$, $q_1=a-1$ and $q_{j+1}=c_jq_j+b_jq_{j-1}$, $b_j=\frac{2aj}n$, $c_j=a-1+b_j$. "
        r"(Best.) For $d=1$, $a\ge1$, $T\ge1$: "
        r"$c_{2T+1}c_{2T}+b_{2T+1}\le\frac{F(T+1)}{F(T)}\le "
        r"c_{2T+1}\bigl(c_{2T}+\frac{b_{2T}}{c_{2T-1}}\bigr)+b_{2T+1}$. "
        r"(Limit.) For all $d$ and $L$ take the best step for $L$ loops, and prompts of covariance $\kappa$ times "
        r"that of "
        r"the step, $1\le\kappa<2$. The number $T^\star$ of loops that loses least has "
        r"$T^\star/n\to\frac{2-\kappa}{8\kappa}$ "
        r"as $n\to\infty$, and $\frac1n\log F(T^\star)\to-\frac12\bigl(\frac2\kappa-1-\log\frac2\kappa\bigr)$: on "
        r"the prompts "
        r"of the step $\frac18$ and $-\frac12(1-\log2)$.",
        assumptions=tuple(
            replace(a, not_shown=_REASONS[a]) if a is POSITIVE_DEFINITE_COVARIANCE else a for a in DATA
        ),
        parts=("recurrence", "best", "limit"),
        derivation="theory.derivations.looped_best_test_time",
        rests_on=("query_label_shift",),
        cites=(
            "Minkowski's inequality (Hardy, Littlewood, Pólya, Inequalities, Theorem 198)",
            "nets of the sphere and norms on them (Vershynin, High-Dimensional Probability, 4.2.13 and 4.4.3)",
        ),
    ),
)
