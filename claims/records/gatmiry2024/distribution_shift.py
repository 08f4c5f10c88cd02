r"""Gatmiry et al. (2024): what a trained loop does out of distribution."""

from __future__ import annotations

from icl_claims.claims.claim import Claim, OtherReading
from icl_claims.claims.records.gatmiry2024.setting import DATA, LOSS

CLAIMS: tuple[Claim, ...] = (
    Claim(
        slug="out_of_distribution",
        paper="gatmiry2024",
        location="Theorem 4.5",
        statement=LOSS
        + r"The minimizer for $\Sigma$, used on prompts of another covariance $\tilde\Sigma$, still runs "
        r"convergent preconditioned gradient descent on them, so its error there is controlled by how far "
        r"$\Sigma^{-1/2}\tilde\Sigma\Sigma^{-1/2}$ is from $I$.",
        reading=r"Judged as $n\to\infty$, where $A_{\mathrm{opt}}\to\Sigma^{-1}$ and the context of a prompt has "
        r"the second "
        r"moments $\tilde\Sigma$, for every $\tilde\Sigma\succ0$: no condition on it is recorded. The descent "
        r"converges "
        r"if and only if all eigenvalues of $\Sigma^{-1/2}\tilde\Sigma\Sigma^{-1/2}$ are below 2. At finite $n$ the "
        "population loss of more and more loops tends to infinity for every shift, and for none.",
        other_readings=(
            OtherReading(
                "near",
                r"Only for $\tilde\Sigma\prec2\Sigma$, as where $\tilde\Sigma$ is near $\Sigma$. Then it is right "
                r"in the "
                r"limit: with $w\sim\mathcal N(0,\tilde\Sigma^{-1})$ the loss of $L$ loops is $\sum_j(1-\mu_j)^{2L}$, "
                r"$\mu_j$ these eigenvalues; with $w\sim\mathcal N(0,\Sigma^{-1})$ it is $\sum_j\mu_j(1-\mu_j)^{2L}$.",
            ),
        ),
        assumptions=DATA,
        severity="substance",
        provenance="secondary",
    ),
)
