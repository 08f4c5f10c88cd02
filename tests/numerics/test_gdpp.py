"""The loss on 𝒮′ in balls holds the exact one, at points and over boxes; and what the certifier refuses."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from flint import arb, arb_mat, arb_poly, ctx, fmpq
from hypothesis import given
from hypothesis import strategies as st

from icl_claims.numerics import gdpp as certifier
from icl_claims.numerics.gdpp import BallMoments, CriticalPoint, Interval, certify, interval, local_minima
from icl_claims.theory.many_layers import gdpp, spectral_loss
from icl_claims.theory.task import isotropic
from icl_claims.theory.wishart import spectral_moments
from tests.shared.strategies import rationals


def holds(ball: arb, number: fmpq) -> bool:
    """Whether the number is in the ball, the former to so many bits that its own rounding does not matter."""
    with ctx.workprec(4096):
        return bool(ball.contains(arb(number)))


@given(st.integers(1, 3), st.integers(1, 4), st.integers(1, 3), st.booleans(), st.data())
def test_balls_hold_the_exact_numbers(d: int, n: int, layers: int, wide: bool, data: st.DataObject) -> None:
    """At the point itself, and over a box of radius 1/16 around it: the numbers at its centre and at a corner."""
    size, task = 2 * layers - 1, isotropic(d, n)
    point = data.draw(st.lists(rationals, min_size=size, max_size=size))
    over = BallMoments([arb(m) for m in spectral_moments(3**layers - 1, d, n)])
    box = [arb(x) + arb(0, 1) / 16 * int(wide) for x in point]
    a, b = box[:layers], box[layers:]
    loss, slopes, table = (
        f(over, a, b) for f in (spectral_loss.loss, spectral_loss.gradient, spectral_loss.hessian)
    )
    for centre in (point, [x + fmpq(1, 16) for x in point])[: 1 + wide]:
        weights = centre[:layers], centre[layers:]
        assert holds(loss, gdpp.loss(task, *weights))
        exact = [x for part in gdpp.gradient(task, *weights) for x in part]
        assert all(holds(ball, x) for ball, x in zip(slopes, exact, strict=True))
        curved = gdpp.hessian(task, *weights)
        assert all(holds(table[i][j], curved[i, j]) for i in range(size) for j in range(size))


def test_polynomials_beyond_the_moments_are_refused() -> None:
    over = BallMoments([arb(1), arb(2)])
    assert over(arb_poly([3, 4])) == 11
    for call in (over, over.weighted(arb_poly([0, 1]))):
        with pytest.raises(ValueError, match="polynomial must be of degree at most 1, got 2"):
            call(arb_poly([0, 1]) ** (2 if call is over else 1))


TASK = isotropic(5, 20)
NEAR = [-0.51676, -3.47466], [0.86846]
"""The least loss of two layers, to five digits."""


def test_no_critical_point_where_there_is_none() -> None:
    """Twelve steps of Newton's method from far away end nowhere: the next leads out of the box."""
    with pytest.raises(ArithmeticError, match=r"certified near .*: Newton's step leads out of the box"):
        certify(TASK, [5.0, 5.0, 5.0], [100.0, -3.0])


def test_one_coordinate_that_leaves_the_box_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last step, over the box, moved by its diameter in one coordinate at a time."""
    honest, diameter = certifier._newton, arb(2) ** (1 - certifier._RADIUS_BITS)
    for place in range(3):
        calls: list[int] = []

        def moved(point: Any, *rest: Any, place: int = place, calls: list[int] = calls) -> list[arb]:
            calls.append(1)
            image = honest(point, *rest)
            if len(calls) == 13:
                image[place] += diameter
            return image

        monkeypatch.setattr(certifier, "_newton", moved)
        with pytest.raises(ArithmeticError, match="Newton's step leads out of the box"):
            certify(TASK, *NEAR)
        assert len(calls) == 13


def test_a_singular_hessian_is_refused() -> None:
    """At a = 0, b = 0 the Hessian of two layers has a row 0, that of b."""
    with pytest.raises(ArithmeticError, match=r"certified near .*: the Hessian may be singular"):
        certify(TASK, [0.0, 0.0], [0.0])


def test_the_hessian_is_that_of_the_whole_box(monkeypatch: pytest.MonkeyPatch) -> None:
    """A box of radius 4 holds several critical points. At its midpoint alone nothing would show that."""
    assert certify(TASK, *NEAR).minimum
    monkeypatch.setattr(certifier, "_RADIUS_BITS", -2)
    with pytest.raises(ArithmeticError, match="the Hessian may be singular"):
        certify(TASK, *NEAR)


@pytest.mark.parametrize("decided", [None, False])
def test_a_hessian_that_is_not_certainly_definite_makes_no_minimum(
    monkeypatch: pytest.MonkeyPatch, decided: bool | None
) -> None:
    """What is asked about is the enclosure over the box, 2⁻⁹⁶ wide: far wider than the rounding of 640 bits."""
    seen: list[arb_mat] = []
    monkeypatch.setattr(certifier, "certain_definiteness", lambda balls: seen.append(balls) or decided)
    assert not certify(TASK, *NEAR).minimum
    assert len(seen) == 1
    assert all(x.rad() > arb(2) ** -120 for x in seen[0].entries())


def test_certified_points_enclose_each_minimum_once() -> None:
    """The best first, each with the exact loss at its middle within the width of the enclosures; boxes apart."""
    task, width = isotropic(2, 5), fmpq(1, 2**90)
    found = local_minima(task, 2)
    assert len(found) == 3
    assert all(x.loss.upper < y.loss.lower for x, y in pairwise(found))
    for point in found:
        ends = (*point.a, *point.b)
        assert all(0 <= x.upper - x.lower < width for x in ends)
        middle = [(x.lower + x.upper) / 2 for x in ends]
        assert point.loss.lower - width <= gdpp.loss(task, middle[:2], middle[2:]) <= point.loss.upper + width
        again = certify(task, *point.rational)
        assert [certifier._overlap(again, other) for other in found] == [other is point for other in found]


def test_a_point_that_two_starts_lead_to_is_listed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the two proposals are not taken for the same before they are certified."""
    monkeypatch.setattr(certifier, "_SAME", 0.0)
    monkeypatch.setattr(certifier, "_starts", lambda _: [[*NEAR[0], *NEAR[1]]] * 2)
    assert len(local_minima.__wrapped__(TASK, 2)) == 1  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("farthest", "kept"), [(99.5, True), (-99.5, True), (100.0, False), (float("inf"), False)]
)
def test_only_what_runs_away_is_not_tried(
    monkeypatch: pytest.MonkeyPatch, farthest: float, kept: bool
) -> None:
    tried: list[list[float]] = []

    def refuse(_: Any, a: list[float], b: list[float]) -> CriticalPoint:
        tried.append([*a, *b])
        raise ArithmeticError

    monkeypatch.setattr(certifier, "_starts", lambda _: [[0.0, 0.0, 0.0]])
    monkeypatch.setattr(certifier, "propose", lambda *_: (np.array([0.0, farthest, 1.0]), 1.0))
    monkeypatch.setattr(certifier, "certify", refuse)
    assert local_minima.__wrapped__(TASK, 2) == ()  # type: ignore[attr-defined]
    assert tried == [[0.0, farthest, 1.0]] * kept


def test_boxes_overlap_in_every_coordinate_or_not_at_all() -> None:
    """Ends that touch are common points; one coordinate that differs keeps boxes apart."""

    def box(*lowers: int) -> CriticalPoint:
        a0, a1, b0 = (Interval(fmpq(x), fmpq(x + 1)) for x in lowers)
        return CriticalPoint(TASK, (a0, a1), (b0,), a0, minimum=True)

    assert certifier._overlap(box(0, 0, 0), box(1, -1, 0))
    for apart in ((2, 0, 0), (0, -2, 0), (0, 0, 2), (0, 0, -2)):
        assert not certifier._overlap(box(0, 0, 0), box(*apart))
        assert not certifier._overlap(box(*apart), box(0, 0, 0))


def test_a_ball_as_an_interval() -> None:
    with ctx.workprec(64):
        found = interval(arb(0.75, 0.25))
    assert found.lower <= fmpq(1, 2) < fmpq(3, 4) < 1 <= found.upper
    assert found.upper - found.lower < fmpq(1001, 2000)
    assert found.middle == 0.75
