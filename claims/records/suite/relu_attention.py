r"""Propositions about one layer of ReLU attention: what the ReLU does, and what it costs."""

from __future__ import annotations

from icl_claims.claims.assumptions import (
    GENERAL_SETTING,
    MASKED_QUERY,
    ZERO_QUERY_LABEL,
)
from icl_claims.claims.claim import Assumption, Claim

CLAIMS: tuple[Claim, ...] = (
    Claim(
        slug="relu_attention_drops_examples",
        paper="suite",
        location="beside Ahn et al., App. A.4",
        statement=r"$L=1$, $\operatorname{Attn}^\sigma(Z)=PZM\sigma(Z^\top QZ)$ with $\sigma$ the ReLU, any $P$ "
        "and $Q$. Given $w$ and $x_q$ the query entry of the layer has the law of that of linear attention in "
        r"which every example is kept with probability $\frac12$, independently of all else, and $\frac1n$ "
        r"stays: $\frac1n\sum_i\kappa_i\,(b^\top z_i)(z_i^\top Ax_q)$ with fair coins $\kappa_i\in\{0,1\}$, $b^\top$ "
        "the last row of $P$ and $A$ the first $d$ columns of $Q$.",
        assumptions=(
            Assumption(
                "symmetric_examples",
                r"Given $w$ and $x_q$ the tokens $z_i=(x_i,y_i)$ are independent, and $z_i$ and $-z_i$ have one law.",
            ),
            MASKED_QUERY,
            ZERO_QUERY_LABEL,
        ),
        derivation="theory.derivations.relu_attention_drops_examples",
    ),
    Claim(
        slug="relu_attention_minimizer_general_task",
        paper="suite",
        location="extends Ahn et al., Theorem 5",
        statement=r"$L=1$, ReLU attention, $x\sim\mathcal N(0,\Sigma)$, $w\sim\mathcal N(0,\Omega)$, label "
        r"noise of variance $\sigma^2$, with $\Sigma,\Omega\succeq0$ any matrices and "
        r"$\operatorname{tr}(\Sigma\Omega)+\sigma^2>0$. A global minimizer of $f$ over all $P$, $Q$, the last "
        r"row of $Q$ included, is $P_0=\operatorname{diag}(0,1)$, $Q_0=-2\operatorname{diag}(\Gamma,0)$ with "
        r"$\Gamma=\Omega\bigl(\frac{n+3}{n}\Sigma\Omega+\frac{2(\operatorname{tr}(\Sigma\Omega)+\sigma^2)}{n}"
        r"I\bigr)^{-1}$, "
        r"and $\min f=\operatorname{tr}(\Sigma\Omega)-\operatorname{tr}(\Sigma\Gamma\Sigma\Omega)$. For "
        r"$\Sigma=\Omega=I$ and $\sigma^2=0$ that is $\frac{d(2d+3)}{n+2d+3}$: what linear attention loses with "
        r"$\frac{d+1}{2d+3}\,n$ examples, less than half of them.",
        assumptions=GENERAL_SETTING,
        parts=("minimizer", "value"),
        rests_on=("relu_attention_drops_examples",),
        derivation="theory.derivations.relu_attention_minimizer_general_task",
    ),
)
