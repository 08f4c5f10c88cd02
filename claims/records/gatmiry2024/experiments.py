r"""Gatmiry et al. (2024): the experiments."""

from __future__ import annotations

from icl_claims.claims.claim import Claim
from icl_claims.claims.records import NOT_STARTED
from icl_claims.claims.records.gatmiry2024.setting import LOSS

_TRAINED = LOSS + r"The model is trained with $d=10$ and, unless stated, $\Sigma=I$. "

CLAIMS: tuple[Claim, ...] = (
    Claim(
        slug="trained_looped_converges",
        paper="gatmiry2024",
        location="Experiments",
        statement=_TRAINED + r"Trained looped models reach near-zero loss; more loops $L$ give a lower loss.",
        kind="experiment",
        reason=NOT_STARTED,
        provenance="secondary",
    ),
    Claim(
        slug="looped_matches_unlooped",
        paper="gatmiry2024",
        location="Experiments",
        statement=_TRAINED
        + r"The trained model of one layer and $L$ loops roughly matches a trained model of $L$ layers with "
        r"untied weights.",
        kind="experiment",
        reason=NOT_STARTED,
        provenance="secondary",
    ),
    Claim(
        slug="trained_preconditioner_is_scaled_identity",
        paper="gatmiry2024",
        location="Experiments",
        statement=_TRAINED
        + r"During training $A(t)$ converges to (a multiple of) the identity, even for $n<d$, which the "
        r"convergence theorem does not cover.",
        kind="experiment",
        reason=NOT_STARTED,
        provenance="secondary",
    ),
    Claim(
        slug="test_time_loops",
        paper="gatmiry2024",
        location="Experiments",
        statement=_TRAINED
        + r"For models trained with $2$ (or $5$) loops, running an arbitrarily large number of loops at "
        r"test time keeps decreasing the loss, in distribution and out of distribution.",
        kind="experiment",
        reason=NOT_STARTED,
        provenance="secondary",
    ),
)
