r"""Gatmiry et al. (2024): what a trained loop does out of distribution."""

from __future__ import annotations

from icl_claims.claims.claim import Claim
from icl_claims.claims.records import NOT_STARTED
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
        assumptions=DATA,
        reason=NOT_STARTED,
        provenance="secondary",
    ),
)
