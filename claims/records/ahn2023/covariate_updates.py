r"""Ahn et al. (2023), Section 5 and Appendix B.3: the relaxed parametrization, Theorem 4."""

from __future__ import annotations

from icl_claims.claims.assumptions import (
    WHITENED_SETTING,
)
from icl_claims.claims.claim import Claim

CLAIMS: tuple[Claim, ...] = (
    Claim(
        slug="gdpp_critical_points",
        paper="ahn2023",
        location="Theorem 4, App. B.3",
        statement=r"Any $L$, relaxed parametrization, $x\sim\mathcal N(0,\Sigma)$, $w\sim\mathcal "
        r"N(0,\Sigma^{-1})$. On $\mathcal S'=\{A_l=a_l\Sigma^{-1},\,B_l=b_lI\}$: "
        r"$\inf\sum_l\lVert\nabla_{A_l}f\rVert_F^2+\lVert\nabla_{B_l}f\rVert_F^2=0$. With $\Sigma=I$ the "
        "implemented algorithm is GD++ (von Oswald et al. 2023). $f$ does not depend on $B_{L-1}$.",
        assumptions=WHITENED_SETTING,
        parts=("infimum", "gd_plus_plus", "last_layer"),
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
        assumptions=WHITENED_SETTING,
        parts=("polynomial", "conditioning", "norms"),
        reading="“Improves the conditioning” is read as: the condition number of the next layer's Gram matrix "
        r"is no larger, on every prompt with $S\succ0$; at any point of $\mathcal S'$, or, charitably, at the "
        "optimum only.",
    ),
)
