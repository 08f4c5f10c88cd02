r"""What a covariate update does to the eigenvalues of the Gram matrix: φ(s) = s(1 − γs)², γ = −a_l b_l.

Two eigenvalues 0 < s < t come closer, max(φ(s), φ(t)) t⁻¹ < min(φ(s), φ(t)) s⁻¹, exactly where

    tφ(s) − sφ(t) = (t − s) s t γ · (2 − γ(s + t)) > 0   and   tφ(t) − sφ(s) = (t − s) · lower(s, t) > 0,

lower = (1 − γ(s + t)) ((s + t) − γ(s² + t²)). Derived here.
"""

from __future__ import annotations

import sympy
from flint import fmpq

from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.transformer.relaxed_layers import a, b, p, prove_scalar_layer, s

t, gamma = sympy.symbols("t gamma")
"""The larger one of two eigenvalues s < t, and γ = −ab."""


def prove_covariates(move: sympy.Expr) -> None:
    """The layer A = aI, B = bI takes pX and p x_q to p(1 + move)X and p(1 + move)x_q.

    Args:
        move: a polynomial in a, b, s, p of :mod:`icl_claims.theory.transformer.relaxed_layers`.

    Raises:
        Refuted: the covariates after the layer are others.
    """
    prove_scalar_layer(a * s * p**2, move)


def prove_map_of_gram(move: sympy.Expr, phi: sympy.Expr) -> None:
    """s (p(1 + move))² = φ(s p²), for γ = −ab: the Gram matrices obey S_{l+1} = φ(S_l).

    Args:
        move: as for :func:`prove_covariates`.
        phi: a polynomial in s and γ.

    Raises:
        Refuted: they obey another map.
    """
    image = phi.subs(gamma, -a * b).subs(s, s * p**2)
    if sympy.expand(s * (p * (1 + move)) ** 2 - image) != 0:
        raise Refuted("the Gram matrix after the layer is not φ of the one before")


def prove_pairs(phi: sympy.Expr, upper: sympy.Expr, lower: sympy.Expr) -> None:
    """tφ(s) − sφ(t) = (t − s)stγ · upper and tφ(t) − sφ(s) = (t − s) · lower.

    Args:
        phi: a polynomial in s and γ.
        upper, lower: polynomials in s, t, γ.

    Raises:
        Refuted: a difference has another factor.
    """
    of_t = phi.subs(s, t)
    if sympy.expand(t * phi - s * of_t - (t - s) * s * t * gamma * upper) != 0:
        raise Refuted("the condition that the larger image stays below is another")
    if sympy.expand(t * of_t - s * phi - (t - s) * lower) != 0:
        raise Refuted("the condition that the smaller image stays above is another")


def prove_bound(lower: sympy.Expr, bound: fmpq) -> None:
    """Up to ``bound``/γ all pairs come closer, and just above it some move apart.

    With u = γs < v = γt, lower > 0 is (1 − (u + v))((u + v) − (u² + v²)) > 0. For v ≤ β ≤ 1 the second factor is at
    least (1 − β)(u + v) ≥ 0, and u + v < 2β. As u, v tend to β, the first tends to 1 − 2β.

    Raises:
        Refuted: the condition is another, a pair up to the bound moves apart, or all those just above come closer.
    """
    u, v = sympy.symbols("u v")
    scaled = sympy.expand(lower.subs({s: u / gamma, t: v / gamma}) * gamma)
    if sympy.expand(scaled - (1 - (u + v)) * ((u + v) - (u**2 + v**2))) != 0:
        raise Refuted("the condition in units of 1/γ is another")
    if 2 * bound > 1:
        raise Refuted("pairs close to the bound, below it, move apart")
    if 2 * bound < 1:
        raise Refuted("pairs close to the bound, above it, come closer")
