r"""Gatmiry et al. (2024): the experiments."""

from __future__ import annotations

from icl_claims.claims.claim import Claim, Departure, OtherReading
from icl_claims.claims.records.gatmiry2024.setting import LOSS
from icl_claims.criteria import gatmiry2024 as criteria

_TRAINED = LOSS + r"The model is trained with $d=10$ and, unless stated, $\Sigma=I$. "

_DEPARTURES = (Departure("value row $u$", "trained", "0"),)
"""Of all experiments. The theory has $u=0$ at every global minimizer. What else was set there is not recorded."""

CLAIMS: tuple[Claim, ...] = (
    Claim(
        slug="trained_looped_converges",
        paper="gatmiry2024",
        location="Experiments",
        statement=_TRAINED + r"Trained looped models reach near-zero loss; more loops $L$ give a lower loss.",
        kind="experiment",
        reading=r"The record names neither $n$ nor numbers, which the criterion sets. “Near zero” is judged at "
        r"$n=40$: for $n<d$ every model loses at least $d-n$, the part of $w$ that the context does not show. “Lower” "
        r"is judged for both $n$, on fresh batches.",
        parts=("near_zero", "more_loops"),
        criterion=criteria.CONVERGES,
        departures=_DEPARTURES,
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
        reading=r"“Roughly” is a factor, that of the criterion, between the losses on fresh batches; one part for "
        r"$n=5$, below $d$, and one for $n=40$. In the place of trained layers with untied weights stand the "
        r"$A_l=a_lI$ of least population loss, which the best untied weights do not lose more than.",
        parts=("shorter", "longer"),
        criterion=criteria.MATCHES,
        departures=_DEPARTURES,
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
        reading=r"The start is a random matrix of small entries; from a multiple of $I$ the gradient of the population "
        r"loss "
        r"leads to multiples of $I$ only. “Converges” is that $\operatorname{Dist}(A,I)=\min_\alpha\lVert A-\alpha "
        r"I\rVert_F/\lVert A\rVert_F$ ends small, in the numbers of the criterion; one part for $n=5$, below $d$, and "
        r"one for $n=40$. The norm of the gradient is clipped at $0.1$ in all runs: without this a rare prompt threw "
        r"a run with $n=5$ and $L=5$ off, to a distance of $0.6$.",
        parts=("shorter", "longer"),
        criterion=criteria.IDENTITY,
        departures=_DEPARTURES,
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
        reading=r"The loss is the population loss, and the claim is about every number of loops. Judged at $n=40$ and "
        r"for every $\Sigma\succ0$ of the test prompts, $w\sim\mathcal N(0,\Sigma^{-1})$.",
        other_readings=(
            OtherReading(
                "batches",
                r"The loss of a batch of prompts, as a figure shows it, falls with every loop up to $40$, in the "
                r"numbers of the criterion.",
            ),
        ),
        parts=("in_distribution", "out_of_distribution"),
        severity="substance",
        criterion=criteria.TEST_TIME,
        departures=_DEPARTURES,
        provenance="secondary",
    ),
)
