r"""The best looped step for long contexts: a* = 1 + α_1/n + α_2/n² + …, with α_k rational in d.

With x = 1/n and a = 1 + xz, I − aS = −(H + xzS), so that f′(a) = 2L E tr S(H + xzS)^{2L−1} = x^L P(x, z), where P is a
polynomial in x and z, and P(0, z) = 2L((2L − 1) c_{L−1} z + c_L + c′_L) by the lowest powers of x in E tr Hᵏ: c_L is
at x^L in E tr H^{2L}, c′_L at x^L in E tr H^{2L−1}. P(0, ·) has the one zero α_1, a simple one; so P(x, z) = 0 has a
solution z = α_1 + α_2x + … whose coefficients follow one by one.

The step a_K = 1 + Σ_{k≤K} α_k n^{−k} has |a* − a_K| ≤ |f′(a_K)|/κ, with κ ≤ f″ of
:mod:`icl_claims.theory.loops.loss_rate`: a rational function of order n^{−K−1}.

Source: derived here.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from math import comb
from typing import Any

import sympy
from flint import fmpq
from sympy import QQ
from sympy.polys.fields import field
from sympy.polys.rings import PolyElement, ring

from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.validation import bounded_integer
from icl_claims.theory.loops.loss_rate import STATED as RATE
from icl_claims.theory.loops.step import looped_step_loss, optimal_looped_step
from icl_claims.theory.task import isotropic
from icl_claims.theory.wishart import spectral_moments

DIM = sympy.Symbol("d")

MOST_LOOPS = 4
"""The largest L with d as a symbol: half a minute for three coefficients."""

_RATIONAL, _D = field("d", QQ)
_RING, _X, _Z = ring("x,z", _RATIONAL)


@cache
def scaled_slope(loops: int) -> PolyElement:
    """P(x, z) = f′(1 + xz)/x^L over ℚ(d).

    Args:
        loops: L, from 1 to :data:`MOST_LOOPS`.

    Raises:
        TypeError, ValueError: ``loops`` is no such integer.
        Refuted: x^L does not divide the slope.

    >>> scaled_slope(1)
    (2*d**2 + 2*d)*x*z + 2*d*z + 2*d**2 + 2*d
    """
    L = bounded_integer("loops", loops, MOST_LOOPS)
    step, slope = 1 + _X * _Z, _RING(0)
    for k, moment in enumerate(spectral_moments(2 * L)):
        if k:
            in_ring = sum(
                (_RING(_D ** int(i) * int(c)) * _X ** int(j) for (i, j), c in moment.to_dict().items()),
                _RING(0),
            )
            slope += in_ring * step ** (k - 1) * (k * (-1) ** k * comb(2 * L, k))
    if any(i < L for i, _ in slope.itermonoms()):
        raise Refuted("the slope has a lower power of 1/n than n^-L")
    return _RING.from_dict({(i - L, j): c for (i, j), c in slope.terms()})


def step_coefficients(loops: int, count: int) -> list[sympy.Expr]:
    """α_1, …, α_count as rational functions of d.

    >>> step_coefficients(1, 2), step_coefficients(2, 1)
    ([-d - 1, d**2 + 2*d + 1], [(-3*d**2 - 8*d - 9)/(3*d + 3)])
    """
    P = scaled_slope(loops)
    slope = P.coeff(_Z)
    found: list[Any] = []
    for k in range(count):
        rest = _at(P, found).coeff(_X**k) if k else _at(P, found).coeff(1)
        found.append(-rest / slope)
    return [sympy.cancel(x.as_expr()) for x in found]


def _at(P: PolyElement, found: Sequence[Any]) -> PolyElement:
    """P at z = Σ found_k x^k."""
    return P.compose(_Z, sum((_X**k * c for k, c in enumerate(found)), _RING(0)))


def prove_coefficients(loops: int, stated: Sequence[sympy.Expr]) -> None:
    """f′(1 + Σ_k α_k/n^k) has no power of 1/n below n^{−L−K}, K of them being stated, for every d.

    Raises:
        Refuted: it has one.

    >>> prove_coefficients(1, [-DIM - 1])
    """
    values = [_RATIONAL.from_expr(sympy.cancel(x)) for x in stated]
    left = _at(scaled_slope(loops), values)
    lowest = min((i for i, _ in left.itermonoms()), default=len(values))
    if lowest < len(values):
        raise Refuted(f"α_{lowest + 1} is another one for L = {loops}")


def prove_first_order(loops: int) -> None:
    """P(0, z) is linear in z, with a slope that is not 0.

    Raises:
        Refuted: it is not.

    >>> prove_first_order(3)
    """
    at_zero = [j for i, j in scaled_slope(loops).itermonoms() if i == 0]
    if sorted(at_zero) != [0, 1]:
        raise Refuted("P(0, z) is not linear in z")


def prove_distance(loops: int, dim: int, context_length: int, stated: Sequence[sympy.Expr]) -> None:
    """|a* − a_K| ≤ |f′(a_K)|/κ at these sizes.

    Raises:
        Refuted: a* is farther away.

    >>> prove_distance(2, 3, 50, step_coefficients(2, 2))
    """
    step = truncated(stated, dim, context_length)
    radius = distance_bound(loops, dim, context_length, step)
    best = optimal_looped_step(isotropic(dim, context_length), loops).step
    if best.compare(step - radius) < 0 or best.compare(step + radius) > 0:
        raise Refuted("a* is farther from the truncated expansion than stated")


def truncated(stated: Sequence[sympy.Expr], dim: int, context_length: int) -> fmpq:
    """a_K at these sizes."""
    values = [sympy.Rational(sympy.sympify(x).subs(DIM, dim)) for x in stated]
    return sum((fmpq(int(x.p), int(x.q)) / context_length**k for k, x in enumerate(values, 1)), fmpq(1))


def distance_bound(loops: int, dim: int, context_length: int, step: fmpq) -> fmpq:
    """|f′(step)|/κ, which bounds |a* − step|."""
    slope = looped_step_loss(isotropic(dim, context_length), loops).derivative()(step)
    return abs(slope) / RATE.curvature_at(spectral_moments(4, dim, context_length), loops)
