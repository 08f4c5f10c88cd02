"""The explicit critical point of relaxed layers, and what is refused in its place."""

from __future__ import annotations

import pytest
from sympy.polys.fields import FracElement

from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.words import FIELD, d, n
from icl_claims.theory.many_layers import gdpp_point
from icl_claims.theory.many_layers.gdpp_point import EXPLICIT


def test_the_point_passes() -> None:
    gdpp_point.prove_first_layers_change_nothing(EXPLICIT)
    gdpp_point.prove_slopes_vanish(EXPLICIT)
    gdpp_point.prove_saddle(EXPLICIT)


def test_each_check_refuses() -> None:
    with pytest.raises(Refuted, match="a layer with a = 1 changes the state"):
        gdpp_point.prove_first_layers_change_nothing(EXPLICIT._replace(first=FIELD.one))
    with pytest.raises(Refuted, match="slope 0 of 1 layers"):
        gdpp_point.prove_slopes_vanish(EXPLICIT._replace(last=-n / (n + d)))
    with pytest.raises(Refuted, match="slope 0 of 2 layers"):
        gdpp_point.prove_slopes_vanish(EXPLICIT._replace(move=FIELD.one))
    with pytest.raises(Refuted, match="the second derivative in b_0 is not 0"):
        gdpp_point.prove_saddle(EXPLICIT._replace(first=FIELD.one))
    with pytest.raises(Refuted, match="the mixed derivative in a_0 and b_0"):
        gdpp_point.prove_saddle(EXPLICIT._replace(last=FIELD.zero))


def test_the_curvature_is_that_in_b_alone() -> None:
    """With a_0 = 1, where the mixed derivative in a_1 and b_0, of degree 1 in a_1, vanishes."""

    def mixed(last: FracElement) -> FracElement:
        jet = gdpp_point._jet(other._replace(last=last), 2)
        second = jet.curvature(1, 2)
        assert second is not None
        return gdpp_point._integral(jet.slopes[1] * jet.slopes[2] + jet.value * second)

    other = EXPLICIT._replace(first=FIELD.one)
    at_zero, at_one = mixed(FIELD.zero), mixed(FIELD.one)
    flat = at_zero / (at_zero - at_one)
    assert mixed(flat) == 0
    with pytest.raises(Refuted, match="the second derivative in b_0 is not 0"):
        gdpp_point.prove_saddle(other._replace(last=flat))
