r"""All critical points of two layers on 𝒮′, by elimination: the global minimum, proved.

With c = a_0 b_0 the residual is (1 + a_0 s)(1 + a_1 s (1 + cs)²), and f is quadratic in a_1: at the best one,

    f = N_0 − N_1²/N_2,   N_0 = ∫ h² dμ,   N_1 = ∫ h² s (1 + cs)² dμ,   N_2 = ∫ h² s² (1 + cs)⁴ dμ > 0,   h = 1 + a_0 s.

f attains its minimum, at a finite point with a_0 ≠ 0 (:mod:`icl_claims.theory.many_layers.gdpp`); there ∂f/∂c =
∂f/∂a_0 = 0, and N_1 ≠ 0 because f is below min N_0, the loss of one layer (b_0 = 0 and the best two steps are
below it already). Cleared of N_2 these are two polynomial equations in a_0 and c,

    2 ∂_cN_1 N_2 − N_1 ∂_cN_2 = 0,     N_2² ∂N_0 − 2 N_1 N_2 ∂N_1 + N_1² ∂N_2 = 0   (∂ = ∂/∂a_0).

Their resultant in c vanishes at every common zero. Its real roots, and above each the real roots c of the first
equation, are enclosed in balls; where the second cannot vanish, the pair is dropped. What is left holds every
critical point with N_1 ≠ 0, so the least of the values there encloses the minimum.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from flint import Ordering, acb, acb_poly, arb, ctx, fmpz_mpoly_ctx, fmpz_poly

from icl_claims.numerics.gdpp import Interval, interval
from icl_claims.theory.algebra.polynomials import inner_product, product
from icl_claims.theory.task import RegressionTask, whitened_sizes
from icl_claims.theory.wishart import trace_moments

_RING = fmpz_mpoly_ctx.get(("a", "c"), Ordering.lex)
_PRECISION = 1024
_ROOT_BITS = 200


@dataclass(frozen=True)
class Candidate:
    """A box that may hold a critical point: a_0, c = a_0 b_0, the best a_1, and f there."""

    a0: Interval
    c: Interval
    a1: Interval
    loss: Interval


@cache
def candidates(task: RegressionTask) -> tuple[Candidate, ...]:
    """Boxes that hold all critical points (a_0, c) with N_1 ≠ 0, the least loss first; none is left out.

    Args:
        task: whitened, Ω = Σ⁻¹ and σ² = 0.

    Raises:
        ArithmeticError: the resultant is 0, or a root is not isolated at the working precision.

    >>> [round(x.loss.middle, 6) for x in candidates(RegressionTask.isotropic(5, 20))][:2]
    [0.057501, 0.086548]
    """
    d, n = whitened_sizes(task)
    moments = [int(m) for m in trace_moments(8, d, n)]
    a, c = _RING.gens()
    h, u = [1 + 0 * a, a], [1 + 0 * c, c]
    square, fourth = product(u, u), product(product(u, u), product(u, u))
    weight = product(h, h)
    n0, n1, n2 = (
        inner_product(product(weight, factor), moments, 0 * a)
        for factor in ([1 + 0 * a], [0 * a, *square], [0 * a, 0 * a, *fourth])
    )
    in_c = 2 * n1.derivative("c") * n2 - n1 * n2.derivative("c")
    in_a = n2**2 * n0.derivative("a") - 2 * n1 * n2 * n1.derivative("a") + n1**2 * n2.derivative("a")
    eliminant = fmpz_poly(_coefficients(in_c.resultant(in_a, "c"), 0))
    if eliminant.degree() < 1:
        raise ArithmeticError(f"the two equations have a common factor at {(d, n)}")
    found = []
    with ctx.workprec(_PRECISION):
        for factor, _ in eliminant.factor()[1]:
            roots: Any = factor.complex_roots()
            for here in [root.real for root, _ in roots if root.imag == 0]:
                for c_root in _roots(in_c, here):
                    if not _value(in_a, here, c_root).contains(0):
                        continue
                    v0, v1, v2 = (_value(p, here, c_root) for p in (n0, n1, n2))
                    # In W = nS: steps in S are n times those in W.
                    numbers = (here * n, c_root * n, -v1 / v2 * n, v0 - v1 * v1 / v2)
                    found.append(Candidate(*map(interval, numbers)))
    return tuple(sorted(found, key=lambda x: x.loss.middle))


def _roots(polynomial: Any, a: arb) -> list[arb]:
    """The real parts of those roots c of polynomial(a, ·) that may be real: every real root is in one."""
    size = polynomial.degrees()[1] + 1
    columns: list[arb] = [arb(0)] * size
    for (i, j), coefficient in polynomial.to_dict().items():
        columns[j] += arb(coefficient) * a**i
    if columns[-1].contains(0):
        raise ArithmeticError("a leading coefficient may vanish: the roots in c are not bounded")
    try:
        roots = acb_poly(list(map(acb, columns))).roots(tol=arb(2) ** -_ROOT_BITS)
    except ValueError:
        raise ArithmeticError("the roots in c are not isolated at the working precision") from None
    return [root.real for root in roots if root.imag.contains(0)]


def _value(polynomial: Any, a: arb, c: arb) -> arb:
    total = arb(0)
    for (i, j), coefficient in polynomial.to_dict().items():
        total += arb(coefficient) * a**i * c**j
    return total


def _coefficients(polynomial: Any, index: int) -> list[Any]:
    """Those of a polynomial in one variable, lowest first."""
    dense = [0] * (polynomial.degrees()[index] + 1)
    for powers, coefficient in polynomial.to_dict().items():
        dense[powers[index]] = coefficient
    return dense
