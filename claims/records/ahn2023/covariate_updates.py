r"""Ahn et al. (2023), Section 5 and Appendix B.3: the relaxed parametrization, Theorem 4."""

from __future__ import annotations

from dataclasses import replace

from icl_claims.claims.assumptions import (
    GAUSSIAN_COVARIATES,
    INDEPENDENT_TASK,
    MASKED_QUERY,
    NOISELESS_LABELS,
    POSITIVE_DEFINITE_COVARIANCE,
    WHITENED_TASK,
    ZERO_QUERY_LABEL,
)
from icl_claims.claims.claim import Claim, OtherReading

SCALED_SETTING = (
    GAUSSIAN_COVARIATES,
    replace(
        POSITIVE_DEFINITE_COVARIANCE,
        not_shown=r"For singular $\Sigma$ neither $\Sigma^{-1}$ nor the set $\mathcal S'$ is defined.",
    ),
    INDEPENDENT_TASK,
    WHITENED_TASK,
    NOISELESS_LABELS,
    MASKED_QUERY,
    ZERO_QUERY_LABEL,
)
"""The data and the model of Theorem 4."""

CLAIMS: tuple[Claim, ...] = (
    Claim(
        slug="gdpp_critical_points",
        paper="ahn2023",
        location="Theorem 4, App. B.3",
        statement=r"Any $L$, relaxed parametrization, $x\sim\mathcal N(0,\Sigma)$, $w\sim\mathcal "
        r"N(0,\Sigma^{-1})$. On $\mathcal S'=\{A_l=a_l\Sigma^{-1},\,B_l=b_lI\}$: "
        r"$\inf\sum_l\lVert\nabla_{A_l}f\rVert_F^2+\lVert\nabla_{B_l}f\rVert_F^2=0$. With $\Sigma=I$ the "
        "implemented algorithm is GD++ (von Oswald et al. 2023). $f$ does not depend on $B_{L-1}$.",
        assumptions=SCALED_SETTING,
        parts=("infimum", "gd_plus_plus", "last_layer"),
        derivation="theory.derivations.gdpp_critical_points",
        rests_on=("gdpp_infimum_attained",),
        reading="The sum over $l$ is read as reaching over both norms. A step of GD++ is read as: the "
        r"covariates, the query's too, move by $x_j\leftarrow(I-\gamma XX^\top)x_j$, and the labels by one "
        "gradient step from zero weights on the current covariates and labels; here with step $-a_l$ and "
        r"$\gamma=-a_lb_l/n$, free for every layer.",
    ),
    Claim(
        slug="covariate_update_conditioning",
        paper="ahn2023",
        location="§5.1",
        statement=r"$X_{l+1}=X_l+B_lX_lMX_l^\top A_lX_l$ ($1/n$ absorbed): at the $\mathcal S'$ of Theorem 4 "
        "each layer also maps the covariates by a polynomial in $S$ that improves the conditioning of the next "
        r"layer's Gram matrix; and $\lVert A_0\rVert\le\lVert A_1\rVert\le\lVert A_2\rVert$ at the trained "
        "optimum.",
        assumptions=SCALED_SETTING,
        parts=("polynomial", "conditioning", "norms"),
        derivation="theory.derivations.covariate_update_conditioning",
        reading=r"“$1/n$ absorbed”: the $A_l$ of this formula is $1/n$ times that of the layer. “A "
        r"polynomial in "
        r"$S$”: in whitened coordinates, $S$ the Gram matrix of the layer's own context. “Improves the "
        r"conditioning” is "
        "said of what training finds, so it is read there, at the numbers that the figure shows for $d=5$, $L=3$ "
        "($a=(-0.38,-2.40,-9.55)$, $b=(0.90,0.56)$), with the $n=20$ of the authors' notebook: the first and "
        "the second "
        "layer each lower the condition number of the Gram matrix on more than nine tenths of all prompts. The "
        "norms are those "
        "at the end of training, in whitened coordinates.",
        other_readings=(
            OtherReading(
                "stated_context", "The same with the $n=10$ of the text: on more than $0.8$ of all prompts."
            ),
            OtherReading("every_prompt", "At the numbers of the figure, on every prompt with $S\\succ0$."),
            OtherReading("every_point", "At any point of $\\mathcal S'$, on every prompt with $S\\succ0$."),
            OtherReading(
                "population_minimum",
                "At the least known minimum of the population loss, each layer on most prompts, for $n=10$ as for "
                "$n=20$.",
            ),
        ),
    ),
)
