r"""The loss of L equal steps, f(a) = ∫ (1 − as)^{2L} dμ: its second derivative for all L, and its critical point.

Source: derived here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import sympy
from flint import fmpq, fmpq_poly

from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.real_roots import count_real_roots
from icl_claims.theory.loops.step import looped_step_loss
from icl_claims.theory.many_layers.step_certificate import LAYERS
from icl_claims.theory.task import isotropic

STEP, EIGENVALUE = sympy.symbols("a s", real=True)


class LoopedLoss(NamedTuple):
    """f″ = ∫ factor · s^s_power (1 − as)^exponent dμ; so many critical points, each of this sign."""

    factor: sympy.Expr
    s_power: sympy.Expr
    exponent: sympy.Expr
    critical_points: int
    sign: int


def prove_second_derivative(factor: sympy.Expr, s_power: sympy.Expr, exponent: sympy.Expr) -> None:
    """d²/da² (1 − as)^{2L} = factor · s^s_power (1 − as)^exponent, with L, a and s as symbols.

    The two sides are divided by (1 − as)^{2L−2} and compared as rational functions.

    Raises:
        Refuted: they differ.

    >>> prove_second_derivative(2 * LAYERS * (2 * LAYERS - 1), sympy.Integer(2), 2 * LAYERS - 2)
    """
    u = 1 - STEP * EIGENVALUE
    # d/da u^m = m u^{m−1} u′, by hand twice, so that no power with a symbolic exponent is left to simplify.
    slope = sympy.diff(u, STEP)
    left = 2 * LAYERS * (2 * LAYERS - 1) * slope**2 + 2 * LAYERS * sympy.diff(slope, STEP) * u
    excess = sympy.expand(exponent - (2 * LAYERS - 2))
    if not excess.is_Integer or not sympy.expand(s_power).is_Integer:
        raise Refuted("the powers in f″ are not those of the second derivative")
    right = factor * EIGENVALUE**s_power * u**excess
    if sympy.cancel(left - right) != 0:
        raise Refuted("f″ is not the stated factor times the stated integral")


def prove_falls_at_zero(dim: int, context_length: int, loops: int) -> None:
    """f′(0) = −2Ld < 0, and the leading coefficient of f is positive.

    Raises:
        Refuted: one of them is not.
    """
    f = looped_step_loss(isotropic(dim, context_length), loops)
    if f.derivative()[0] != -2 * loops * dim:
        raise Refuted("f′(0) is not −2Ld")
    if f[2 * loops] <= 0:
        raise Refuted("the leading coefficient of f is not positive")


def prove_critical_points(loss: fmpq_poly, count: int, sign: int) -> None:
    """f′ has so many real roots, all of this sign, by Sturm's theorem.

    Raises:
        Refuted: it has another number, or one of another sign.
    """
    derivative = loss.derivative()
    if count_real_roots(derivative) != count:
        raise Refuted("f′ has another number of real roots")
    zero = fmpq(0)
    of_sign = (
        count_real_roots(derivative, lower=zero) if sign > 0 else count_real_roots(derivative, upper=zero)
    )
    if derivative(zero) == 0 or of_sign != count:
        raise Refuted("a critical point has another sign")


def prove_critical_points_at(sizes: Sequence[tuple[int, int, int]], count: int, sign: int) -> None:
    """At these sizes (d, n, L): :func:`prove_falls_at_zero` and :func:`prove_critical_points`."""
    for d, n, L in sizes:
        prove_falls_at_zero(d, n, L)
        prove_critical_points(looped_step_loss(isotropic(d, n), L), count, sign)
