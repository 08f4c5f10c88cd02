"""The map of Gram matrices: each refusal is reached."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flint import fmpq

from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.derivations.covariate_update_conditioning_threshold import STATED
from icl_claims.theory.many_layers import conditioning
from icl_claims.theory.many_layers.conditioning import gamma, t
from icl_claims.theory.transformer.relaxed_layers import s

MOVE, PHI, UPPER, LOWER, BOUND = STATED


def test_what_is_true() -> None:
    conditioning.prove_covariates(MOVE)
    conditioning.prove_map_of_gram(MOVE, PHI)
    conditioning.prove_pairs(PHI, UPPER, LOWER)
    conditioning.prove_bound(LOWER, BOUND)


@pytest.mark.parametrize(
    ("refused", "reason"),
    [
        (lambda: conditioning.prove_covariates(-MOVE), "the covariates after the layer are others"),
        (
            lambda: conditioning.prove_map_of_gram(MOVE, s * (1 + gamma * s) ** 2),
            "is not φ of the one before",
        ),
        (lambda: conditioning.prove_pairs(PHI, UPPER - 1, LOWER), "the larger image stays below is another"),
        (
            lambda: conditioning.prove_pairs(PHI, UPPER, LOWER + s * t),
            "the smaller image stays above is another",
        ),
        (lambda: conditioning.prove_bound(-LOWER, BOUND), "in units of 1/γ is another"),
        (lambda: conditioning.prove_bound(LOWER, fmpq(51, 100)), "below it, move apart"),
        (lambda: conditioning.prove_bound(LOWER, fmpq(49, 100)), "above it, come closer"),
    ],
)
def test_what_is_false_is_refused(refused: Callable[[], None], reason: str) -> None:
    with pytest.raises(Refuted, match=reason):
        refused()
