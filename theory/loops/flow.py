r"""The gradient flow of the looped loss from A = 0, for Σ = I: how long it takes to a loss ξ.

It stays on the multiples A = aI, where da/dt = −f'(a)/d. With φ = (f/d)^{1/(2L)}
(:mod:`icl_claims.theory.loops.dominance`)

    dφ/dt = −2L φ'(a)² φ^{2L−1},   ((1 − κ)/(1 + κ))² ≤ φ'(a)² ≤ 1,

so that with τ(ξ) = ((d/ξ)^{(L−1)/L} − 1)/(4L(L − 1)), or log(d/ξ)/4 for L = 1, the time to ξ is between τ(ξ) and
τ(ξ) ((1 + κ)/(1 − κ))², κ = (f*/ξ)^{1/(2L)}. In the limit n → ∞ it is τ(ξ).

Source: derived here, beside Theorem 3.3 of Gatmiry et al. (2024).
"""

from __future__ import annotations

from typing import NamedTuple

import sympy

from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.loops.dominance import RATIO
from icl_claims.theory.many_layers.step_certificate import LAYERS

_ROOT = sympy.Symbol("phi", positive=True)


class FlowTime(NamedTuple):
    """τ(ξ) = ((d/ξ)^exponent − 1)/divisor ≤ t(ξ) ≤ slack τ(ξ), and |a − a*| ≤ radius (ξ/d)^{1/(2L)} then.

    At L = 1, where ``divisor`` vanishes, τ is its limit, log(d/ξ) exponent'/divisor' with derivatives in L.
    """

    exponent: sympy.Expr
    divisor: sympy.Expr
    slack: sympy.Expr
    radius: sympy.Expr


def prove_limit_time(stated: FlowTime) -> None:
    """Where dφ/dt = −2Lφ^{2L−1} and d/ξ = φ^{−2L}, dτ/dt = 1, with L and φ as symbols; and τ = 0 at φ = 1.

    dτ/dφ = −2L exponent φ^{−2L exponent − 1}/divisor. At L = 1 the same of (exponent'/divisor') log φ^{−2}.

    Raises:
        Refuted: the exponent or the divisor is another one.
    """
    left_over = sympy.cancel(-2 * LAYERS * stated.exponent - 1 + 2 * LAYERS - 1)
    if left_over != 0:
        raise Refuted("dτ/dt depends on φ")
    if sympy.cancel(4 * LAYERS**2 * stated.exponent / stated.divisor - 1) != 0:
        raise Refuted("dτ/dt is not 1")
    rate = sympy.limit(stated.exponent / stated.divisor, LAYERS, 1)
    if sympy.cancel(sympy.diff(-2 * rate * sympy.log(_ROOT), _ROOT) * (-2 * _ROOT) - 1) != 0:
        raise Refuted("dτ/dt is not 1 at L = 1")


def prove_slack(stated: FlowTime) -> None:
    """The slack is the reciprocal of the least φ'², and the radius is what two distances from 1 add up to.

    |a − a*| ≤ |1 − a| + |1 − a*| ≤ φ + φ* = (1 + κ)φ.

    Raises:
        Refuted: one of them is not.
    """
    if sympy.cancel(stated.slack * ((1 - RATIO) / (1 + RATIO)) ** 2 - 1) != 0:
        raise Refuted("the slack is not ((1 + κ)/(1 − κ))²")
    if sympy.cancel(stated.radius - (1 + RATIO)) != 0:
        raise Refuted("the radius is not 1 + κ")
