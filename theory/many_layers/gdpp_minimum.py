r"""Where the loss on 𝒮′ = {A_l = a_l Σ⁻¹, B_l = b_l I} attains its minimum: what is excluded at a minimum.

Write c_l = a_l b_l, so that p_{l+1} = p_l (1 + c_l s p_l²), and admit c_l = ±∞ as p_{l+1} = γ_l s p_l³. The checks here
are the identities, and for three layers the exact comparison of losses, that exclude a_l = 0 and infinite c_l.

Derived here; for the loss see :mod:`icl_claims.theory.many_layers.gdpp`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sympy
from flint import fmpq
from sympy import QQ
from sympy.polys.rings import ring

from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.many_layers import gdpp
from icl_claims.theory.task import isotropic
from icl_claims.theory.transformer.recursion import recursion

a0, a1, c, s = sympy.symbols("a0 a1 c s")
"""The parameters of two layers, c = a_0 b_0, and an eigenvalue of S."""


def prove_family_of_two_layers(first: sympy.Expr, moved: sympy.Expr) -> None:
    """r_2 is ``first`` · (1 + a_1 s · ``moved``²), with c = a_0 b_0.

    Args:
        first, moved: polynomials in a0, c and s.

    Raises:
        Refuted: it is another polynomial.
    """
    b0 = sympy.Symbol("b0")
    residual = recursion([a0, a1], [b0], s, sympy.Integer(1))[1]
    claimed = (first * (1 + a1 * s * moved**2)).subs(c, a0 * b0)
    if sympy.Poly(residual - claimed, a0, a1, b0, s) != 0:
        raise Refuted("the residual of two layers is another")


def prove_slope_where_a_step_is_zero(factor: Any) -> None:
    """At a = 0 the derivative of g (1 + a s p²) in a, for g and p free of a, is ``factor`` times its value.

    Args:
        factor: a polynomial in the generators s, p of :func:`letters`.

    Raises:
        Refuted: it is another one.
    """
    generators = letters()
    g, a, s_, p = (generators[name] for name in ("g", "a", "s", "p"))
    r = g * (1 + a * s_ * p**2)
    if r.diff(a) != factor * r.subs([(a, 0)]):
        raise Refuted("the slope at a_l = 0 is another")


def prove_infinite_update_is_no_minimum(slope: Any, cofactor: Any) -> None:
    """The two identities that exclude c_{L−2} = ±∞.

    The derivative of τ(ε + γτ)² in ε at 0 is ``slope``, and (τ_0³ − τ³)(τ − τ_0) = −(τ − τ_0)² · ``cofactor``, which
    for τ² + ττ_0 + τ_0² is negative but at τ = τ_0, for τ ≥ 0 and τ_0 > 0.

    Args:
        slope, cofactor: polynomials in the generators of :func:`letters`.

    Raises:
        Refuted: one of them is another.
    """
    generators = letters()
    t, t0, eps, gamma = (generators[name] for name in ("t", "t0", "eps", "gamma"))
    if (t * (eps + gamma * t) ** 2).diff(eps).subs([(eps, 0)]) != slope:
        raise Refuted("the slope at an infinite update is another")
    if (t0**3 - t**3) * (t - t0) != -((t - t0) ** 2) * cofactor:
        raise Refuted("the product has another cofactor")


def letters() -> dict[str, Any]:
    """The generators of the ring in which these identities are compared, by name."""
    names = ["g", "a", "s", "p", "t", "t0", "eps", "gamma"]
    return dict(zip(names, ring(names, QQ)[1:], strict=True))


def prove_limits_lose_more(witnesses: Mapping[tuple[int, int], tuple[Any, Any]]) -> None:
    """For three layers no residual with c_0 = ±∞ loses as little as the point (a, b), at each size (d, n).

    Args:
        witnesses: (a, b) by (d, n).

    Raises:
        Refuted: at some size this is not decided, see :func:`gdpp.prove_degenerate_layer_loses`.
    """
    for (d, n), (a, b) in witnesses.items():
        gdpp.prove_degenerate_layer_loses(isotropic(d, n), fmpq(gdpp.loss(isotropic(d, n), a, b)))
