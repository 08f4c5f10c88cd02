r"""A critical point on 𝒮′ = {A_l = a_l Σ⁻¹, B_l = b_l I} with d and n symbols: slopes, and why it is a saddle.

A layer with a_l = 0 leaves residual and covariates as they are, whatever b_l is. So where all a_l but the last are 0,
the loss as a function of (a_l, b_l, a_{L−1}) is that of two layers, and every slope, and every second derivative in
these three, is one of two layers.

Derived here; for the loss see :mod:`icl_claims.theory.many_layers.gdpp`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from sympy.polys.fields import FracElement
from sympy.polys.rings import ring

from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.minors import is_positive
from icl_claims.theory.algebra.words import FIELD, d, n
from icl_claims.theory.transformer.recursion import ResidualJet, layer, residual_jet
from icl_claims.theory.wishart import spectral_moments
from icl_claims.theory.wishart.sizes import in_ring


class Point(NamedTuple):
    """A point of 𝒮′, rational functions of d and n: a_l and b_l for l < L − 1, and a_{L−1}."""

    first: FracElement
    move: FracElement
    last: FracElement


EXPLICIT = Point(FIELD.zero, -FIELD.one / 2, -n / (n + d + 1))
"""a_l = 0, b_l = −1/2 for l < L − 1, a_{L−1} = −n/(n + d + 1)."""


def prove_first_layers_change_nothing(point: Point) -> None:
    """A layer with a = a_l, l < L − 1, and any b maps every (p, r) to itself.

    Raises:
        Refuted: it does not.
    """
    _, p, r, s, b = ring("p,r,s,b", FIELD)
    if layer(p, r, s * p**2, s**0 * point.first, b, s**0) != (p, r):
        raise Refuted(f"a layer with a = {point.first} changes the state")


def prove_slopes_vanish(point: Point) -> None:
    """∂f/∂a_0, ∂f/∂a_1, ∂f/∂b_0 for two layers, and ∂f/∂a_0 for the last one alone, are 0: for all d and n.

    Raises:
        Refuted: one of them is another rational function.
    """
    for layers in (1, 2):
        jet = _jet(point, layers)
        for i, slope in enumerate(jet.slopes):
            if _integral(jet.value * slope):
                raise Refuted(f"slope {i} of {layers} layers is not 0")


def prove_saddle(point: Point) -> None:
    """∂²f/∂b_0² = 0 and ∂²f/∂a_0∂b_0 > 0 for two layers and all d, n ≥ 1: the Hessian is indefinite.

    Raises:
        Refuted: the first is not 0, or the sign of the second is not shown.
    """
    jet = _jet(point, 2)

    def curvature(i: int, j: int) -> FracElement:
        second = jet.curvature(i, j)
        return _integral(jet.slopes[i] * jet.slopes[j] + (0 if second is None else jet.value * second))

    if curvature(2, 2):
        raise Refuted("the second derivative in b_0 is not 0")
    if not is_positive(curvature(0, 2), {"d": 1, "n": 1}):
        raise Refuted("the mixed derivative in a_0 and b_0 is not shown to be positive")


def _jet(point: Point, layers: int) -> ResidualJet:
    _, s = ring("s", FIELD)
    a, b = [point.first] * (layers - 1) + [point.last], [point.move] * (layers - 1)
    return residual_jet([s**0 * x for x in a], [s**0 * x for x in b], s, s**0)


def _integral(polynomial: Any) -> FracElement:
    """∫ p dμ as a rational function of d and n, for a polynomial in s of degree at most 8."""
    moments = [in_ring(m, d, 1 / n) for m in spectral_moments(8)]
    return sum((c * moments[k] for (k,), c in polynomial.terms()), start=FIELD.zero)
