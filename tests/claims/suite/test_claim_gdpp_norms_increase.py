"""Do the norms of A_l increase with l at the optimum on 𝒮′? Where they do, and where not."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import pytest

from icl_claims.claims.evidence import Evidence
from icl_claims.numerics.gdpp import CriticalPoint, certify, local_minima, minimizer
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.task import RegressionTask, isotropic
from tests.shared.decimals import encloses_what_rounds_to


class Stated(NamedTuple):
    """Decimals of a at a strict local minimum, a start for Newton's method, and whether |a_l| increases."""

    a: tuple[str, ...]
    b: tuple[float, ...]
    task: RegressionTask
    increasing: bool = True


TEN = Stated(("-0.5390", "-1.5704", "-11.7810"), (0.29698, 0.94821), isotropic(5, 10))
TWENTY = Stated(("-0.3383", "-2.0908", "-8.5681"), (0.87758, 0.57816), isotropic(5, 20))
SMALL = Stated(("-0.5156", "-0.1977", "-2.3276"), (0.04368, 0.99803), isotropic(2, 1), increasing=False)
TWO = Stated(("-1.8325", "-1.3342"), (0.10267,), isotropic(5, 20), increasing=False)


def point(stated: Stated) -> CriticalPoint:
    return certify(stated.task, [float(x) for x in stated.a], stated.b)


def check_norms(stated: Stated) -> None:
    """The point is a strict local minimum with these decimals, and its norms increase, or not, for certain."""
    try:
        found = point(stated)
    except ArithmeticError as error:
        raise Refuted(f"no critical point is near: {error}") from error
    if not found.minimum:
        raise Refuted("no strict local minimum")
    if not all(encloses_what_rounds_to(x, text) for x, text in zip(found.a, stated.a, strict=True)):
        raise Refuted(f"the decimals are others: {[x.middle for x in found.a]}")
    # All a_l are negative, so |a| lies between −upper and −lower.
    norms = [(-x.upper, -x.lower) for x in found.a]
    rises = all(left[1] < right[0] for left, right in pairwise(norms))
    falls = any(left[0] > right[1] for left, right in pairwise(norms))
    if min(norm[0] for norm in norms) <= 0 or not (rises if stated.increasing else falls):
        raise Refuted("the order of the norms is another")


@pytest.mark.claim(
    slug="gdpp_norms_increase",
    grade="certified",
    range="L = 3, d = 5, n = 10 and 20",
    parts=("increasing",),
    complete=True,
)
@pytest.mark.claim(
    slug="covariate_update_conditioning",
    grade="certified",
    range="L = 3, d = 5, n = 10 and 20",
    parts=("norms",),
    complete=False,
)
def test_claim_gdpp_norms_increase(evidence: Evidence) -> None:
    """The strict local minima, enclosed by an interval Newton test: their norms increase with the layer."""
    mutants = {
        "decreasing": TWENTY._replace(increasing=False),
        "n = 10 with the digits of n = 20": TWENTY._replace(task=isotropic(5, 10)),
        "last digit": TWENTY._replace(a=("-0.3383", "-2.0909", "-8.5681")),
        "increasing at d = 2, n = 1": SMALL._replace(increasing=True),
    }
    evidence.check(check_norms, TWENTY, mutants)
    check_norms(TEN)
    for stated in (TEN, TWENTY):
        found = point(stated)
        a, b = (", ".join(f"{x.middle:.6f}" for x in part) for part in (found.a, found.b))
        evidence.figure(
            f"least known strict local minimum, d = 5, n = {stated.task.context_length}, L = 3",
            f"a = ({a}), b = ({b}), loss {found.loss.middle:.6g}",
        )


@pytest.mark.claim(
    slug="gdpp_norms_increase",
    grade="certified",
    range="the two points that the claim names",
    parts=("exceptions",),
    complete=True,
)
def test_claim_gdpp_norms_increase_exceptions() -> None:
    """Two strict local minima at which |a_0| > |a_1|."""
    check_norms(SMALL)
    check_norms(TWO)


@pytest.mark.claim(
    slug="gdpp_norms_increase",
    grade="certified",
    range="128 starts at each of three sizes",
    parts=("increasing", "exceptions"),
    complete=False,
    level="full",
)
@pytest.mark.parametrize("stated", [TEN, TWENTY, SMALL])
def test_claim_gdpp_norms_increase_least_known(evidence: Evidence, stated: Stated) -> None:
    """They are the least of the local minima that a search from 128 starts finds, each certified."""
    best = minimizer(stated.task, 3)
    if not all(encloses_what_rounds_to(x, text) for x, text in zip(best.a, stated.a, strict=True)):
        raise Refuted("the search finds a lower one")
    found = local_minima(stated.task, 3)
    evidence.figure("strict local minima found, certified", len(found), exact=False)
