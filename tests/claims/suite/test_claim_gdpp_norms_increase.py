"""Do the norms of A_l increase with l at minima on 𝒮′? Where they do, and where not."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import pytest
from flint import fmpq
from hypothesis import strategies as st

from icl_claims.claims.edits import changed, inside
from icl_claims.claims.evidence import Evidence
from icl_claims.claims.statement import CORNERS, Statement
from icl_claims.numerics.gdpp import CriticalPoint, certify, local_minima, minimizer
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.task import isotropic
from tests.shared.decimals import decimal, encloses_what_rounds_to, half_a_unit
from tests.shared.relaxed_points import Point, newton_step

SLUG = "gdpp_norms_increase"


class Minimum(NamedTuple):
    """The decimals of a at a strict local minimum, decimals of b beside it, and d and n."""

    a: tuple[str, ...]
    b: tuple[str, ...]
    dim: int
    context_length: int

    def __str__(self) -> str:
        return f"a = ({', '.join(self.a)}), d = {self.dim}, n = {self.context_length}"

    def certified(self) -> CriticalPoint:
        """The critical point near to the decimals.

        Raises:
            Refuted: none is certified, it is no strict local minimum, or its decimals are others.
        """
        task = isotropic(self.dim, self.context_length)
        try:
            found = certify(task, [float(x) for x in self.a], [float(x) for x in self.b])
        except ArithmeticError as error:
            raise Refuted(f"no critical point is near: {error}") from error
        if not found.minimum:
            raise Refuted("no strict local minimum")
        if not all(encloses_what_rounds_to(x, text) for x, text in zip(found.a, self.a, strict=True)):
            raise Refuted("the decimals are others")
        return found


class Minima(NamedTuple):
    """Two minima at which |a_l| increases, and two with |a_0| > |a_1|."""

    ten: Minimum
    twenty: Minimum
    small: Minimum
    two_layers: Minimum


STATED = Minima(
    Minimum(("-0.5390", "-1.5704", "-11.7810"), ("0.29698", "0.94821"), 5, 10),
    Minimum(("-0.3383", "-2.0908", "-8.5681"), ("0.87758", "0.57816"), 5, 20),
    Minimum(("-0.5156", "-0.1977", "-2.3276"), ("0.04368", "0.99803"), 2, 1),
    Minimum(("-1.8325", "-1.3342"), ("0.10267",), 5, 20),
)


@dataclass(frozen=True)
class Which:
    """One of the minima that the claim names."""

    name: str

    def __str__(self) -> str:
        return f"the minimum “{self.name}”"


def nearby(minimum: Minimum) -> fmpq:
    """Half a unit less Newton's step from the decimals, the least over a; −1 where the Hessian is indefinite."""
    step, definite = newton_step(Point(minimum.a, minimum.b), minimum.dim, minimum.context_length)
    room = [half_a_unit(text) - abs(x) for x, text in zip(step, minimum.a, strict=False)]
    return min(*room, fmpq(0 if definite else -1))


def increasing_margin(stated: Minima, at: Which) -> fmpq:
    """Whether the decimals are right, and the least increase of their norms; 0 at the other minima."""
    if at.name not in ("ten", "twenty"):
        return fmpq(0)
    minimum = getattr(stated, at.name)
    norms = [abs(decimal(x)) for x in minimum.a]
    return min(nearby(minimum), *(right - left for left, right in pairwise(norms)))


def exceptions_margin(stated: Minima, at: Which) -> fmpq:
    """The same for |a_0| − |a_1|."""
    if at.name in ("ten", "twenty"):
        return fmpq(0)
    minimum = getattr(stated, at.name)
    return min(nearby(minimum), abs(decimal(minimum.a[0])) - abs(decimal(minimum.a[1])))


STATEMENT = Statement(
    slug=SLUG,
    stated=STATED,
    margins={"increasing": increasing_margin, "exceptions": exceptions_margin},
    conditions={},
    instances=lambda corner: st.sampled_from([Which(name) for name in Minima._fields]),
    without=lambda key: st.nothing(),
    excluded={corner.name: "the statement is about four points at fixed sizes" for corner in CORNERS},
)


def check_increasing(stated: Minima) -> None:
    """All a_l are negative there, so |a_l| lies between −upper and −lower."""
    for minimum in (stated.ten, stated.twenty):
        for left, right in pairwise(minimum.certified().a):
            if not right.upper < left.lower < left.upper < 0:
                raise Refuted("the norms do not increase")


def check_exceptions(stated: Minima) -> None:
    """The first norm is the larger one."""
    for minimum in (stated.small, stated.two_layers):
        first, second, *_ = minimum.certified().a
        if not first.upper < second.lower < second.upper < 0:
            raise Refuted("the first norm is not larger than the second")


@pytest.mark.claim(
    slug="gdpp_norms_increase",
    grade="certified",
    range="the four points that the claim names",
    parts=("increasing", "exceptions"),
    complete=True,
)
def test_claim_gdpp_norms_increase(evidence: Evidence) -> None:
    """The strict local minima, enclosed by an interval Newton test: the order of their norms."""
    twenty, small = STATED.twenty, STATED.small
    other = "the decimals are others"
    mutants = [
        inside(
            STATED, "twenty", changed(twenty, other, a=("-0.3383", "-2.0909", "-8.5681"), at=Which("twenty"))
        ),
        inside(STATED, "twenty", changed(twenty, other, context_length=21, at=Which("twenty"))),
        inside(
            STATED,
            "ten",
            changed(STATED.ten, "no critical point is near", context_length=11, at=Which("ten")),
        ),
        changed(STATED, "the norms do not increase", ten=small, at=Which("ten")),
    ]
    evidence.check(check_increasing, STATEMENT, mutants, part="increasing")
    increasing = Minimum(("-0.5168", "-3.4747"), ("0.8685",), 5, 20)
    saddle = Minimum(("0.0000", "-0.7692"), ("-0.5000",), 5, 20)
    exceptions = [
        changed(STATED, "no strict local minimum", two_layers=saddle, at=Which("two_layers")),
        changed(STATED, "the first norm is not larger", two_layers=increasing, at=Which("two_layers")),
        inside(STATED, "small", changed(small, other, a=("-0.5156", "-0.1978", "-2.3276"))),
        inside(STATED, "small", changed(small, "no critical point is near", dim=1)),
    ]
    evidence.check(check_exceptions, STATEMENT, exceptions, part="exceptions", at=Which("small"))
    for name, minimum in STATED._asdict().items():
        found = minimum.certified()
        a, b = (", ".join(f"{x.middle:.6f}" for x in part) for part in (found.a, found.b))
        evidence.figure(
            f"{name}: d = {minimum.dim}, n = {minimum.context_length}",
            f"a = ({a}), b = ({b}), loss {found.loss.middle:.6g}",
        )


@pytest.mark.claim(
    slug="gdpp_norms_increase",
    grade="certified",
    range="128 starts at each of three sizes",
    parts=(),
    level="full",
)
@pytest.mark.parametrize("minimum", STATED[:3], ids=STATED._fields[:3])
def test_claim_gdpp_norms_increase_least_known(evidence: Evidence, minimum: Minimum) -> None:
    """They are the least of the local minima that a search from 128 starts finds, each certified."""
    task = isotropic(minimum.dim, minimum.context_length)
    best = minimizer(task, 3)
    assert all(encloses_what_rounds_to(x, text) for x, text in zip(best.a, minimum.a, strict=True))
    evidence.figure("strict local minima found, certified", len(local_minima(task, 3)), exact=False)
