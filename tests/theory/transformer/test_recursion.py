"""The forward recursion's derivatives, against those of the polynomials in all its parameters."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from flint import fmpq, fmpq_poly
from hypothesis import given
from hypothesis import strategies as st
from sympy import QQ, ring

from icl_claims.theory.many_layers.spectral_loss import Moments, integral
from icl_claims.theory.transformer.recursion import Jet, ResidualJet, layer, recursion, residual_jet
from tests.shared.strategies import rationals

polynomials = st.lists(rationals, max_size=4).map(fmpq_poly)


def symbols(layers: int, updates: int) -> tuple[Any, list[Any], list[Any]]:
    names = [f"a{i}" for i in range(layers)] + [f"b{i}" for i in range(updates)]
    _, s, *generators = ring(["s", *names], QQ)
    return s, generators[:layers], generators[layers:]


def agrees(found: ResidualJet, residual: Any, generators: list[Any]) -> bool:
    """Whether value, slopes and curvatures are the derivatives of a polynomial in the generators."""
    if found.value != residual or list(found.slopes) != [residual.diff(x) for x in generators]:
        return False
    return all(
        residual.diff(x).diff(y) == (0 if found.curvature(i, j) is None else found.curvature(i, j))
        for i, x in enumerate(generators)
        for j, y in enumerate(generators)
    )


SHAPES = [(1, 0), (2, 0), (4, 0), (2, 1), (3, 1), (3, 2), (4, 1)]


@pytest.mark.parametrize(("layers", "updates"), SHAPES)
def test_derivatives_are_those_of_the_polynomial(layers: int, updates: int) -> None:
    """All parameters symbolic; covariate updates in all layers but the last, in some, and in none."""
    s, a, b = symbols(layers, updates)
    found = residual_jet(a, b, s, s**0)
    residual = recursion(a, b, s, s**0)[1]
    assert agrees(found, residual, [*a, *b])
    first = residual_jet(a, b, s, s**0, second=False)
    assert (first.value, first.slopes, first.curvatures) == (found.value, found.slopes, {})


def test_wrong_derivatives_are_told_apart() -> None:
    s, a, b = symbols(2, 1)
    found, residual = residual_jet(a, b, s, s**0), recursion(a, b, s, s**0)[1]
    assert not agrees(replace(found, slopes=(*found.slopes[:2], 2 * found.slopes[2])), residual, [*a, *b])
    assert not agrees(replace(found, curvatures=found.curvatures | {(0, 0): s}), residual, [*a, *b])  # type: ignore[operator]
    less = {pair: c for pair, c in found.curvatures.items() if pair != (0, 2)}
    assert not agrees(replace(found, curvatures=less), residual, [*a, *b])


def test_no_layers() -> None:
    one = fmpq_poly([1])
    assert recursion([], [], fmpq_poly([0, 1]), one) == ([one], one)
    assert residual_jet([], [], fmpq_poly([0, 1]), one) == ResidualJet(one, (), {})


def test_layers_without_updates_keep_the_covariates() -> None:
    s, a, b = symbols(3, 1)
    covariates, residual = recursion(a, b, s, s**0)
    p = 1 + b[0] * a[0] * s
    assert covariates == [s**0, p]
    assert residual == (1 + a[0] * s) * (1 + a[1] * s * p**2) * (1 + a[2] * s * p**2)
    assert layer(p, s, s, a[0], None, s**0)[0] is p


@pytest.mark.parametrize(("layers", "updates"), [(0, 1), (1, 1), (2, 2), (2, 3)])
def test_updates_that_do_not_occur_are_refused(layers: int, updates: int) -> None:
    one = fmpq_poly([1])
    with pytest.raises(ValueError, match=f"b must hold at most {max(layers - 1, 0)} elements"):
        residual_jet([fmpq(1)] * layers, [fmpq(1)] * updates, fmpq_poly([0, 1]), one)


def test_jets_multiply_as_taylor_polynomials() -> None:
    """(x² y)(x + y) at x = 2, y = 3, with x² y built from its factors."""
    x, y = Jet(2, {"x": 1}, {}), Jet(3, {"y": 1}, {})
    product = x * x * y * (x + y)
    assert product.value == 60
    assert product.slopes == {"x": 72, "y": 32}
    assert product.curvatures == {("x", "x"): 54, ("x", "y"): 36, ("y", "y"): 8}


def test_a_jet_without_curvatures_gives_none() -> None:
    whole, short = Jet(2, {"x": 1}, {}), Jet(3, {"y": 1}, None)
    assert (whole + whole).curvatures == {}
    for found in (whole + short, short + whole, whole * short, short * whole):
        assert found.curvatures is None


@given(polynomials, polynomials, st.integers(1, 3), st.integers(1, 3))
def test_weighted_moments_integrate_products(p: fmpq_poly, q: fmpq_poly, d: int, n: int) -> None:
    over = Moments(d, n, 6)
    assert over(p * q) == integral(p * q, d, n) == over.weighted(p)(q)


def test_polynomials_beyond_the_moments_are_refused() -> None:
    over, cube = Moments(2, 3, 2), fmpq_poly([0, 0, 0, 1])
    for call in (over, over.weighted, over.weighted(fmpq_poly([0, 0, 1]))):
        with pytest.raises(ValueError, match="polynomial must be of degree at most"):
            call(cube)


def test_beyond_the_moments_of_a_product_with_nothing_is_refused_too() -> None:
    over = Moments(2, 3, 2).weighted(fmpq_poly([]))
    assert over(fmpq_poly([0, 0, 1])) == 0
    with pytest.raises(ValueError, match="at most 2, got 3"):
        over(fmpq_poly([0, 0, 0, 1]))
