"""How often the covariate update improves the conditioning at the optimum: shares with a stated error probability."""

from __future__ import annotations

from math import exp
from typing import NamedTuple

import numpy as np
import pytest

from icl_claims.claims.evidence import Evidence
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.transformer import recursion as forward
from tests.shared.criteria import LOWERED_BY_FIRST_OF_THREE, RAISED_BY_ONLY, RAISED_BY_SECOND_OF_THREE
from tests.shared.relaxed_points import least_known

PROMPTS = 20_000
ERROR_PROBABILITY = 1e-8


class Share(NamedTuple):
    """The share of prompts on which a layer lowers (or raises) the condition number exceeds a bound."""

    context_length: int
    layers: int
    layer: int
    lowers: bool
    bound: float


def share(claimed: Share) -> float:
    """In a sample of :data:`PROMPTS`, d = 5, a change by less than 1e-9 counting for neither side.

    The parameters are those of the minimum, off by their last bit; eigenvalues in float64 are off by less than
    1e-13 times the largest, so that what is counted did change.
    """
    best = least_known(5, claimed.context_length, claimed.layers)
    a, b = [x.middle for x in best.a], [x.middle for x in best.b]
    X = np.random.default_rng(20230601).standard_normal((PROMPTS, 5, claimed.context_length))
    s = np.linalg.eigvalsh(X @ X.swapaxes(1, 2) / claimed.context_length)
    p = forward.recursion(a, b, s, np.ones_like(s))[0]
    before, after = (
        np.max(s * q**2, axis=1) / np.min(s * q**2, axis=1) for q in (p[claimed.layer], p[claimed.layer + 1])
    )
    counted = after < before * (1 - 1e-9) if claimed.lowers else after > before * (1 + 1e-9)
    return float(counted.mean())


def check_share(claimed: Share) -> None:
    """By Hoeffding a share at or below the bound gives a sample share above bound + h with probability ≤ exp(−2Nh²)."""
    excess = share(claimed) - claimed.bound
    if excess <= 0 or exp(-2 * PROMPTS * excess**2) > ERROR_PROBABILITY:
        raise Refuted(f"{claimed}: the sample share exceeds the bound by {excess} only")


FIRST_OF_THREE = Share(20, 3, 0, lowers=True, bound=LOWERED_BY_FIRST_OF_THREE)
SECOND_OF_THREE = Share(10, 3, 1, lowers=False, bound=RAISED_BY_SECOND_OF_THREE)
ONLY = Share(20, 2, 0, lowers=False, bound=RAISED_BY_ONLY)


@pytest.mark.claim(
    slug="covariate_update_conditioning_typical",
    grade="statistical",
    range="d = 5, n = 20, L = 3; error probability ≤ 1e-8",
    parts=("lowers",),
    complete=True,
)
def test_claim_covariate_update_conditioning_typical_lowers(evidence: Evidence) -> None:
    """20 000 prompts, each a Bernoulli variable: Hoeffding's inequality, no variance needed."""
    mutants = {
        "raises": FIRST_OF_THREE._replace(lowers=False),
        "a share of 0.99": FIRST_OF_THREE._replace(bound=0.99),
        "the second layer": FIRST_OF_THREE._replace(layer=1),
    }
    evidence.check(check_share, FIRST_OF_THREE, mutants)
    evidence.figure(
        "sample share, n = 20, L = 3, first layer lowers", f"{share(FIRST_OF_THREE):.4f}", exact=False
    )
    second = FIRST_OF_THREE._replace(layer=1)
    evidence.figure("sample share, n = 20, L = 3, second layer lowers", f"{share(second):.4f}", exact=False)


@pytest.mark.claim(
    slug="covariate_update_conditioning_typical",
    grade="statistical",
    range="d = 5, n = 10, L = 3 and n = 20, L = 2; error probability ≤ 1e-8 each",
    parts=("raises",),
    complete=True,
)
def test_claim_covariate_update_conditioning_typical_raises(evidence: Evidence) -> None:
    """The same for the layers that make the conditioning worse."""
    evidence.check(check_share, SECOND_OF_THREE, {"the first layer": SECOND_OF_THREE._replace(layer=0)})
    evidence.check(check_share, ONLY, {"a share of 0.5": ONLY._replace(bound=0.5)})
    evidence.figure(
        "sample share, n = 10, L = 3, second layer raises", f"{share(SECOND_OF_THREE):.4f}", exact=False
    )
    evidence.figure("sample share, n = 20, L = 2, only layer raises", f"{share(ONLY):.4f}", exact=False)
