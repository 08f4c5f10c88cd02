"""The loss on 𝒮′ and its derivatives in balls hold the exact ones, at points and over boxes."""

from __future__ import annotations

import pytest
from flint import arb, arb_poly, ctx, fmpq
from hypothesis import given
from hypothesis import strategies as st

from icl_claims.numerics.gdpp import BallMoments
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
