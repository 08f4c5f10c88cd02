"""How often covariate updates improve the conditioning at minima of the population loss: sampled shares."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from icl_claims.claims.edits import changed
from icl_claims.claims.evidence import Evidence
from icl_claims.theory.algebra.exact import Refuted
from tests.shared.condition_numbers import chance, counts
from tests.shared.criteria import LOWERED_BY_FIRST_OF_THREE, RAISED_BY_ONLY, RAISED_BY_SECOND_OF_THREE
from tests.shared.relaxed_points import least_known

PROMPTS, SEED = 100_000, 20230602
ERROR_PROBABILITY = 1e-8
"""Of each check: were the share at most the bound, it would pass with no greater probability."""


class Share(NamedTuple):
    """The share of prompts on which a layer lowers (1) or raises (−1) the condition number exceeds a bound."""

    context_length: int
    layers: int
    layer: int
    sign: int
    bound: float


def hits(claimed: Share) -> int:
    """In a sample of :data:`PROMPTS` at the least known minimum, its parameters off by their last bit."""
    best = least_known(5, claimed.context_length, claimed.layers)
    a, b = (tuple(x.middle for x in part) for part in (best.a, best.b))
    found = counts(a, b, claimed.context_length, PROMPTS, SEED)[claimed.layer]
    return found.lowered if claimed.sign > 0 else found.raised


def check_share(claimed: Share) -> None:
    """Hoeffding's inequality; no variance is needed."""
    if chance(hits(claimed), PROMPTS, claimed.bound) > ERROR_PROBABILITY:
        raise Refuted("the share is not shown to exceed the bound")


FIRST_OF_THREE = Share(20, 3, 0, 1, LOWERED_BY_FIRST_OF_THREE)
SECOND_OF_THREE = Share(10, 3, 1, -1, RAISED_BY_SECOND_OF_THREE)
ONLY = Share(20, 2, 0, -1, RAISED_BY_ONLY)
REFUSED, POWER = "the share is not shown", 1 - ERROR_PROBABILITY
"""Where a share is not above the bound, the check refuses with this probability."""


@pytest.mark.claim(
    slug="covariate_update_conditioning_typical",
    grade="statistical",
    range="d = 5, n = 20, L = 3; 100 000 prompts",
    parts=("lowers",),
    error_probability=1e-8,
)
def test_claim_covariate_update_conditioning_typical_lowers(evidence: Evidence) -> None:
    """The first layer at n = 20. Of a false share the sample is one of 100 000 Bernoulli variables as well."""
    mutants = [
        changed(FIRST_OF_THREE, REFUSED, sign=-1, power=POWER),
        changed(FIRST_OF_THREE, REFUSED, layer=1, power=POWER),
        changed(FIRST_OF_THREE, REFUSED, bound=0.998, power=POWER),
    ]
    evidence.check(check_share, FIRST_OF_THREE, mutants)
    for place in (0, 1):
        share = hits(FIRST_OF_THREE._replace(layer=place)) / PROMPTS
        evidence.figure(f"sample share, n = 20, L = 3, layer {place} lowers", f"{share:.4f}", exact=False)


@pytest.mark.claim(
    slug="covariate_update_conditioning_typical",
    grade="statistical",
    range="d = 5, n = 10, L = 3 and n = 20, L = 2; 100 000 prompts each",
    parts=("raises",),
    error_probability=2e-8,
)
def test_claim_covariate_update_conditioning_typical_raises(evidence: Evidence) -> None:
    """The same for the layers that make the conditioning worse."""
    second = [
        changed(SECOND_OF_THREE, REFUSED, layer=0, power=POWER),
        changed(SECOND_OF_THREE, REFUSED, context_length=20, power=POWER),
    ]
    evidence.check(check_share, SECOND_OF_THREE, second)
    evidence.check(check_share, ONLY, [changed(ONLY, REFUSED, bound=0.5, power=POWER)])
    for name, stated in (
        ("n = 10, L = 3, layer 1", SECOND_OF_THREE),
        ("n = 20, L = 2, the only layer", ONLY),
    ):
        evidence.figure(f"sample share, {name} raises", f"{hits(stated) / PROMPTS:.4f}", exact=False)
