r"""Propositions of the suite: what the derivations give beyond the papers, and corrected statements."""

from __future__ import annotations

from icl_claims.claims.assumptions import (
    GENERAL_SETTING,
    MASKED_QUERY,
    POSITIVE_DEFINITE_COVARIANCE,
    ZERO_QUERY_LABEL,
)
from icl_claims.claims.claim import Assumption, Claim

CLAIMS: tuple[Claim, ...] = (
    Claim(
        slug="forward_pass_is_preconditioned_gd_transposed",
        paper="suite",
        location="corrects Ahn et al., Lemma 1",
        statement=r"In the sparse parametrization $P_l=\operatorname{diag}(0_{d\times d},1)$, "
        r"$Q_l=-\operatorname{diag}(A_l,0)$: $[Z_l]_{d+1,n+1}=-\langle x_q,w_l\rangle$ with $w_0=0$ and "
        r"$w_{l+1}=w_l-A_l^\top\nabla R(w_l)$, $R(w)=\frac1{2n}\sum_i(\langle w,x_i\rangle-y_i)^2$. For every "
        "$X$, $x_q$, every labels $y$ (noisy ones too), every $A_l$, every $l$.",
        assumptions=(MASKED_QUERY, ZERO_QUERY_LABEL),
        corrects="forward_pass_is_preconditioned_gd",
        derivation="theory.derivations.forward_pass_is_preconditioned_gd_transposed",
    ),
    Claim(
        slug="global_minimizer_general_task",
        paper="suite",
        location="extends Ahn et al., Theorem 1",
        statement=r"$L=1$, $x\sim\mathcal N(0,\Sigma)$, $w\sim\mathcal N(0,\Omega)$, label noise of variance "
        r"$\sigma^2$, with $\Sigma,\Omega\succeq0$ any matrices, commuting or not, and "
        r"$\operatorname{tr}(\Sigma\Omega)+\sigma^2>0$. A global minimizer of $f$ over all $P$, $Q$ is "
        r"$P_0=\operatorname{diag}(0,1)$, $Q_0=-\operatorname{diag}(\Gamma,0)$ with "
        r"$\Gamma=\Omega\bigl(\frac{n+1}{n}\Sigma\Omega+\frac{\operatorname{tr}(\Sigma\Omega)+\sigma^2}{n}"
        r"I\bigr)^{-1}$, "
        r"and $\min f=\operatorname{tr}(\Sigma\Omega)-\operatorname{tr}(\Sigma\Gamma\Sigma\Omega)$.",
        assumptions=GENERAL_SETTING,
        parts=("minimizer", "value"),
        derivation="theory.derivations.global_minimizer_general_task",
    ),
    Claim(
        slug="global_minimizer_uniqueness",
        paper="suite",
        location="completes Ahn et al., Theorem 1",
        statement=r"In the setting of `global_minimizer_general_task` let $\Sigma\succ0$. Then $f$ is strictly "
        r"convex in the symmetric parts of the products $ba_j^\top$, for every $n\ge1$. If "
        r"$\operatorname{rank}\Omega\ge2$, the minimizing $(b,A)$ are exactly the orbit of "
        r"$(e_{d+1},\,(-\Gamma;0))$ under $(b,A)\leftarrow(\gamma b,A/\gamma)$, $\gamma\ne0$. If "
        r"$\operatorname{rank}\Omega=1$ (always so for $d=1$) they are that orbit and one more, in which $b$ "
        "and the column of $A$ change roles. All other entries of $P$ and $Q$ are free.",
        assumptions=(*GENERAL_SETTING, POSITIVE_DEFINITE_COVARIANCE),
        parts=("strict_convexity", "orbits"),
        derivation="theory.derivations.global_minimizer_uniqueness",
        rests_on=("global_minimizer_general_task",),
    ),
    Claim(
        slug="global_minimizer_spurious_local_minima",
        paper="suite",
        location="beside Ahn et al., Theorem 1",
        statement=r"The single-layer loss $f(b,A)$, convex in the products $ba_j^\top$, can have local minima "
        r"that are not global: for $\Sigma=\operatorname{diag}(1,\tfrac1{16})$, $\Omega=I$, $n=4$ the weights "
        r"$b=e_1$, $A=-\gamma_1e_3e_1^\top$ (unit vectors $e_k$ of the length that fits) with "
        r"$\gamma_1=\frac{1}{\frac{n+1}{n}\lambda_1+\frac1n\sum_k\lambda_k}$, in which labels and covariates "
        "change roles, are a critical point whose Hessian is positive semidefinite with the direction of the "
        r"rescaling $(b,A)\leftarrow(\gamma b,A/\gamma)$ as its whole kernel: a strict local minimum up to "
        r"rescaling, with $f-\min f=\frac1{88}$.",
        assumptions=(
            Assumption("ill_conditioned", r"$\Sigma$ is ill-conditioned: $\lambda_1/\lambda_2=16$."),
        ),
        parts=("local_minimum", "excess"),
        rests_on=("global_minimizer",),
        reading="All else is as in `global_minimizer`, which gives the minimum.",
    ),
)
