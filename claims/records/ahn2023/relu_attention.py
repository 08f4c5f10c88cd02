r"""Ahn et al. (2023), Appendix A.4: one layer of ReLU attention, Theorem 5."""

from __future__ import annotations

from icl_claims.claims.assumptions import (
    ISOTROPIC_COVARIATES,
)
from icl_claims.claims.claim import Assumption, Claim
from icl_claims.claims.records.ahn2023.setting import IDENTITY_TASK

CLAIMS: tuple[Claim, ...] = (
    Claim(
        slug="relu_attention_minimizer",
        paper="ahn2023",
        location="Theorem 5, App. A.4",
        statement=r"$L=1$, $\operatorname{Attn}^\sigma(Z)=PZM\sigma(Z^\top QZ)$ with $\sigma$ the ReLU, "
        r"entrywise, last row of $Q$ zero, $\Sigma=\Omega=I$. $P_0=\operatorname{diag}(0,1)$, "
        r"$Q_0=-\frac{2n}{2(d+2)+(n-1)}\operatorname{diag}(I,0)$ is a global minimizer.",
        assumptions=(
            Assumption("zero_query_row", r"The last row of $Q$ is zero."),
            ISOTROPIC_COVARIATES,
            *IDENTITY_TASK,
        ),
        rests_on=("relu_attention_drops_examples",),
        derivation="theory.derivations.relu_attention_minimizer",
    ),
    Claim(
        slug="stein_relu_halving",
        paper="ahn2023",
        location="App. A.4",
        statement=r"$\mathbb E[\sigma(x^\top v)x]=\frac12v$ for $x\sim\mathcal N(0,I)$ and every $v$, with $\sigma$ "
        r"the ReLU, and $\sigma(\alpha)^2+\sigma(-\alpha)^2=\alpha^2$ for every number $\alpha$.",
        assumptions=(Assumption("standard_gaussian", r"$x\sim\mathcal N(0,I_d)$."),),
        parts=("halving", "squares"),
        derivation="theory.derivations.stein_relu_halving",
    ),
)
