"""Two relaxed layers at d = 5, n = 20: the minimizer on 𝒮′, and what moving the covariates gains."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from typing import NamedTuple

import pytest
from flint import fmpq
from hypothesis import strategies as st

from icl_claims.claims.edits import changed
from icl_claims.claims.evidence import Evidence
from icl_claims.claims.results import Chart, Series
from icl_claims.claims.statement import CORNERS, Statement
from icl_claims.numerics.gdpp import CriticalPoint, certify
from icl_claims.numerics.gdpp_two_layers import candidates
from icl_claims.numerics.rounding import nearest
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.many_layers import gdpp
from icl_claims.theory.many_layers.step_sizes import optimal_steps
from icl_claims.theory.task import isotropic
from tests.shared.decimals import decimal, encloses_what_rounds_to, half_a_unit
from tests.shared.relaxed_points import Point, newton_step
from tests.shared.spans import least_loss
from tests.shared.strategies import rationals

SLUG = "gdpp_minimizer_two_layers"


class Minimum(NamedTuple):
    """A minimizer of two layers in decimals, its loss, its sizes, and that it loses less than 1/share of two steps."""

    a: tuple[str, str]
    b: str
    loss: str
    dim: int
    context_length: int
    share: int


@dataclass(frozen=True)
class Rival:
    """A point (a_0, a_1, b_0) of 𝒮′."""

    a: tuple[fmpq, fmpq]
    b: fmpq

    def __str__(self) -> str:
        return f"a = ({self.a[0]}, {self.a[1]}), b = {self.b}"


STATED = Minimum(("-0.51676", "-3.47466"), "0.86846", "0.0575012", 5, 20, 6)


def minimizer_margin(stated: Minimum, at: Rival) -> fmpq:
    """The least of: half a unit less Newton's step from the decimals; the same for the loss; the rival's excess."""
    sizes = stated.dim, stated.context_length
    step, definite = newton_step(Point(stated.a, (stated.b,)), *sizes)
    room = [half_a_unit(text) - abs(x) for x, text in zip(step, (*stated.a, stated.b), strict=True)]
    loss, unit = decimal(stated.loss), half_a_unit(stated.loss)
    own = gdpp.loss(isotropic(*sizes), stated.a, [stated.b])
    rival = gdpp.loss(isotropic(*sizes), at.a, [at.b])
    return min(*room, unit - abs(own - loss), rival - loss + unit, fmpq(0 if definite else -1))


def gain_margin(stated: Minimum, at: Rival) -> fmpq:
    """What two steps lose at their best, by normal equations, less so many times the loss at the decimals."""
    own = gdpp.loss(isotropic(stated.dim, stated.context_length), stated.a, [stated.b])
    return least_loss((1, 2), stated.dim, stated.context_length) - stated.share * own


STATEMENT = Statement(
    slug=SLUG,
    stated=STATED,
    margins={"minimizer": minimizer_margin, "gain": gain_margin},
    conditions={},
    instances=lambda corner: st.builds(Rival, st.tuples(rationals, rationals), rationals),
    without=lambda key: st.nothing(),
    excluded={corner.name: "the statement is about d = 5, n = 20, L = 2" for corner in CORNERS},
)


def certified(d: int, size: int) -> CriticalPoint:
    """The one candidate of least loss, certified by an interval Newton test.

    Raises:
        Refuted: another candidate may lose as little, or the certified point is not the candidate.
    """
    best, *others = candidates(isotropic(d, size))
    point = certify(isotropic(d, size), [best.a0.middle, best.a1.middle], [best.c.middle / best.a0.middle])
    if not all(point.loss.upper < other.loss.lower for other in others):
        raise Refuted(f"{(d, size)}: another candidate may lose as little")
    for own, found in ((point.a[0], best.a0), (point.a[1], best.a1), (point.loss, best.loss)):
        if own.upper < found.lower or found.upper < own.lower:
            raise Refuted(f"{(d, size)}: the certified point is not the candidate")
    return point


def check_minimizer(stated: Minimum) -> None:
    """The decimals of the global minimizer."""
    point = certified(stated.dim, stated.context_length)
    found, texts = [*point.a, *point.b, point.loss], [*stated.a, stated.b, stated.loss]
    if not all(encloses_what_rounds_to(x, text) for x, text in zip(found, texts, strict=True)):
        raise Refuted("the minimizer has other digits")


def check_gain(stated: Minimum) -> None:
    """The loss beside that of the best two steps."""
    loss = certified(stated.dim, stated.context_length).loss
    if loss.upper * stated.share >= optimal_steps(isotropic(stated.dim, stated.context_length), 2).loss:
        raise Refuted("the gain is smaller")


@pytest.mark.claim(
    slug="gdpp_minimizer_two_layers",
    grade="certified",
    range="L = 2, d = 5, n = 20",
    parts=("minimizer", "gain"),
    complete=True,
)
def test_claim_gdpp_minimizer_two_layers(evidence: Evidence) -> None:
    """All critical points with a_0 ≠ 0 by elimination: the least loss is separated from the others, and a Newton test
    certifies the point. As the minimum is attained, at a point with a_0 ≠ 0, it is this one."""
    near = Rival((fmpq(-517, 1000), fmpq(-3475, 1000)), fmpq(868, 1000))
    digits = "the minimizer has other digits"
    mutants = [
        changed(STATED, digits, a=("-0.51677", "-3.47466")),
        changed(STATED, digits, a=("-0.76932", "-2.64395")),
        changed(STATED, digits, b="-0.86846"),
        changed(STATED, digits, loss="0.0575013"),
        changed(STATED, digits, context_length=21),
    ]
    evidence.check(check_minimizer, STATEMENT, mutants, part="minimizer", at=near)
    evidence.check(
        check_gain, STATEMENT, [changed(STATED, "the gain is smaller", share=7)], part="gain", at=near
    )
    losses = ", ".join(f"{x.loss.middle:.6f}" for x in candidates(isotropic(5, 20)))
    evidence.figure("losses of the six critical points, d = 5, n = 20", losses)
    for d, size in ((1, 1), (2, 5), (3, 2), (5, 3), (5, 10), (10, 40), (20, 10)):
        point = certified(d, size)
        numbers = ", ".join(f"{x.middle:.4f}" for x in (*point.a, *point.b))
        sparse = nearest(optimal_steps(isotropic(d, size), 2).loss)
        evidence.figure(
            f"global minimum of two layers at d = {d}, n = {size}",
            f"a_0, a_1, b_0 = {numbers}; loss {point.loss.middle:.6f}, on 𝒮 {sparse:.6f}",
        )
    evidence.chart(gain_chart())


def gain_chart() -> Chart:
    """Two layers with and without covariate updates, against the context length."""
    sizes = list(range(2, 41, 2))
    x = tuple(map(float, sizes))

    def steps(layers: int) -> tuple[float, ...]:
        return tuple(nearest(optimal_steps(isotropic(5, k), layers).loss) for k in sizes)

    relaxed = tuple(candidates(isotropic(5, k))[0].loss.middle for k in sizes)
    return Chart(
        title="What moving the covariates buys: two layers, exact global minima",
        caption="d = 5. The least loss on 𝒮 (two steps) and on 𝒮′ (two steps and one covariate update), both proved "
        "to be global minima, and that of three steps on 𝒮.",
        x_label="context length $n$",
        y_label="minimal loss",
        y_scale="log",
        series=(
            Series(label="two layers, sparse", x=x, y=steps(2)),
            Series(label="two layers, relaxed", x=x, y=relaxed),
            Series(label="three layers, sparse", x=x, y=steps(3), style="dashed"),
        ),
    )


def test_a_rival_and_another_point_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The least loss must be apart from the others, and the certified point must be the candidate."""
    best, *others = candidates(isotropic(5, 20))
    here = sys.modules[__name__]
    with monkeypatch.context() as patch:
        patch.setattr(here, "candidates", lambda task: [best, best, *others])
        with pytest.raises(Refuted, match="another candidate may lose as little"):
            certified(5, 20)
    point = certified(5, 20)
    monkeypatch.setattr(here, "certify", lambda *_: replace(point, a=point.a[::-1]))
    with pytest.raises(Refuted, match="the certified point is not the candidate"):
        certified(5, 20)
