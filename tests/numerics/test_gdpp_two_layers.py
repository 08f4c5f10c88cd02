"""All critical points of two layers: what the elimination refuses, what it drops, and that the rest are critical."""

from __future__ import annotations

from typing import Any

import pytest
from flint import arb, ctx, fmpq, fmpq_mat

from icl_claims.numerics import gdpp_two_layers
from icl_claims.numerics.gdpp import certify
from icl_claims.numerics.gdpp_two_layers import _RING, _roots, candidates
from icl_claims.theory.algebra.definiteness import is_positive_definite
from icl_claims.theory.many_layers import gdpp
from icl_claims.theory.task import isotropic

A, C = _RING.gens()


def test_a_common_factor_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """For a unit mass at 1 both equations hold wherever a = −1 or c = −1: the resultant is 0."""
    monkeypatch.setattr(gdpp_two_layers, "trace_moments", lambda *_: [1] * 9)
    with pytest.raises(ArithmeticError, match=r"common factor at \(2, 3\)"):
        candidates.__wrapped__(isotropic(2, 3))


@pytest.mark.parametrize("leading", [arb(0), arb(0, "1e-30")], ids=["zero", "around zero"])
def test_a_leading_coefficient_that_may_vanish_is_refused(leading: arb) -> None:
    with pytest.raises(ArithmeticError, match="a leading coefficient may vanish"):
        _roots(A * C**2 + C - 1, leading)


@pytest.mark.parametrize(
    ("polynomial", "a"), [(C**2 - A, arb(1, "1e-30")), ((C - 1) ** 2, arb(1))], ids=["wide", "double"]
)
def test_roots_that_are_not_isolated_are_refused(polynomial: Any, a: arb) -> None:
    with pytest.raises(ArithmeticError, match="the roots in c are not isolated"):
        _roots(polynomial, a)


def test_roots_that_are_certainly_not_real_are_dropped_and_no_others() -> None:
    """(c² + 1)(c − a)(c + 2): of four roots two are real, and where a is a ball their imaginary parts are balls."""
    with ctx.workprec(256):
        assert len(_roots((C**2 + 1) * (C - A) * (C + 2), arb(3, "1e-90"))) == 2
        assert len(_roots(C**3 - A * C + 1, arb(4, "1e-90"))) == 3
        found = _roots((C**2 + 1) * (C - A) * (C + 2), arb(3))
        assert sorted(float(c.mid()) for c in found) == [-2.0, 3.0]
        assert all(any(c.contains(x) for c in found) for x in (-2, 3))
        assert _roots(C**2 + A, arb(1)) == []


@pytest.mark.parametrize(("d", "n"), [(1, 1), (2, 5), (5, 3)])
def test_candidates_are_critical_points_with_their_losses(d: int, n: int) -> None:
    """At the middle of each box the exact slopes are 0 and the exact loss is the one given, to 50 digits."""
    found, tiny = candidates(isotropic(d, n)), fmpq(1, 10**50)
    middles = [[(x.lower + x.upper) / 2 for x in (box.a0, box.c, box.a1, box.loss)] for box in found]
    assert [m[3] for m in middles] == sorted(m[3] for m in middles)
    for a0, c, a1, loss in middles:
        slopes = gdpp.gradient(isotropic(d, n), [a0, a1], [c / a0])
        assert all(abs(x) < tiny for part in slopes for x in part)
        assert abs(gdpp.loss(isotropic(d, n), [a0, a1], [c / a0]) - loss) < tiny
    assert all(x.lower <= x.upper for box in found for x in (box.a0, box.c, box.a1, box.loss))


@pytest.mark.parametrize(("d", "n"), [(1, 1), (2, 5)])
def test_minima_are_told_from_saddles_in_every_direction(d: int, n: int) -> None:
    """By the exact Hessian beside the point. Three of the six are saddles, and in the steps alone each is a minimum."""
    task, minima = isotropic(d, n), 0
    for box in candidates(task):
        a0, c, a1 = (x.middle for x in (box.a0, box.c, box.a1))
        point = certify(task, [a0, a1], [c / a0])
        hessian = gdpp.hessian(task, *point.rational)
        assert point.minimum is is_positive_definite(hessian)
        assert is_positive_definite(fmpq_mat([[hessian[i, j] for j in range(2)] for i in range(2)]))
        minima += point.minimum
    assert minima == 3
