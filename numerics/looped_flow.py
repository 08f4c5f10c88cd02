r"""Gradient dominance and the gradient flow of the looped loss in balls: both sides of the inequality, and times.

All numbers are ``flint.arb``: midpoint and radius, so that a sign that is certain is proved.

On the multiples A = aI of Σ = I the flow dA/dt = −∇f is da/dt = −f'(a)/d
(:mod:`icl_claims.theory.derivations.gradient_dominance_sharp`), so that from A = 0 it reaches a after

    t = ∫_0^a d/(−f'(x)) dx,

an integral of a rational function; in the limit n → ∞ it is ((d/ξ)^{(L−1)/L} − 1)/(4L(L − 1)) to the loss ξ.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from flint import acb, acb_poly, arb, arb_poly, ctx, fmpq, fmpq_mat, fmpq_poly

from icl_claims.theory.algebra.real_roots import RealRoot, primitive, root_of_increasing
from icl_claims.theory.algebra.validation import bounded_integer
from icl_claims.theory.loops.step import MOST_LOOPS, looped_step_loss
from icl_claims.theory.task import isotropic

_BITS = 192
"""Working precision of an integral."""


def power(base: Any, exponent: fmpq) -> arb:
    """x^e for a number x ≥ 0 and e ≥ 0, or any e where x > 0; 0^e = 0 for e > 0.

    >>> power(fmpq(4), fmpq(3, 2)).contains(8), power(fmpq(0), fmpq(1, 2)) == 0
    (True, True)
    """
    return arb(0) if base == 0 and exponent > 0 else arb(base) ** arb(exponent)


def schatten_norm(matrix: fmpq_mat, index: fmpq | None) -> arb:
    """(tr Mᵖ)^{1/p} of a positive definite matrix; the largest eigenvalue where p is None, for p = ∞.

    Raises:
        ValueError: an eigenvalue is not certainly positive.

    >>> schatten_norm(fmpq_mat([[3, 0], [0, 4]]), fmpq(2)).contains(5)
    True
    >>> schatten_norm(fmpq_mat([[3, 0], [0, 4]]), None).contains(4)
    True
    """
    found: Any = matrix.charpoly().complex_roots()
    roots = [(root.real, count) for root, count in found]
    if not all(value > 0 for value, _ in roots):
        raise ValueError(f"matrix must be positive definite, got {matrix.tolist()}")
    if index is None:
        largest = roots[0][0]
        for value, _ in roots[1:]:
            largest = largest.max(value)
        return largest
    total = sum((value ** arb(index) * count for value, count in roots), arb(0))
    return total ** arb(1 / index)


def limit_time(dim: int, loops: int, level: fmpq) -> arb:
    """The time from A = 0 to the loss ξ ≤ d, as n → ∞; Σ = I.

    ((d/ξ)^{(L−1)/L} − 1)/(4L(L − 1)), and log(d/ξ)/4 for L = 1.

    Raises:
        ValueError: ξ is not in (0, d].

    >>> limit_time(1, 2, fmpq(1, 16)).contains(fmpq(3, 8))
    True
    """
    L = bounded_integer("loops", loops, MOST_LOOPS)
    if not 0 < level <= dim:
        raise ValueError(f"level must be in (0, {dim}], got {level}")
    ratio = fmpq(dim) / level
    if L == 1:
        return arb(ratio).log() / 4
    return (power(ratio, fmpq(L - 1, L)) - 1) / (4 * L * (L - 1))


def flow_time(dim: int, context_length: int, loops: int, level: fmpq) -> arb:
    """The time at which the gradient flow from A = 0 has the loss ξ, for contexts of n examples; Σ = I.

    Raises:
        ValueError: ξ is not above the least loss of one step, or above d.

    >>> flow_time(1, 1, 1, fmpq(3, 4))
    [0.115524530093 +/- 4.15e-13]
    """
    return time_along(looped_step_loss(isotropic(dim, context_length), loops), dim, level)


def time_along(loss: fmpq_poly, dim: int, level: fmpq) -> arb:
    """The time from a = 0 to the loss ξ along da/dt = −f'(a)/d, for a convex polynomial f with f'(0) < 0.

    Raises:
        ValueError: ξ is not above the least value of f, or above f(0).
    """
    root = point_of_level(loss, level)
    speed = loss.derivative() * fmpq(-1, dim)
    # The speed falls by a power of the distance from the minimizer: panels that halve it keep the integrand tame.
    best = root_of_increasing(loss.derivative()).refined(_BITS).lower
    ends = [fmpq(0)]
    while (ends[-1] + best) / 2 < root.lower:
        ends.append((ends[-1] + best) / 2)
    with ctx.workprec(_BITS):
        total = sum((_panel(speed, low, high) for low, high in pairwise([*ends, root.lower])), arb(0))
        rest = arb(root.upper - root.lower) / at(speed, arb_of(root))
        return total + arb(0).union(rest)


def point_of_level(loss: fmpq_poly, level: fmpq) -> RealRoot:
    """The point between 0 and the minimizer at which a convex polynomial f with f'(0) < 0 has the value ξ.

    Raises:
        ValueError: ξ is not above the least value of f, or above f(0).
    """
    best = root_of_increasing(loss.derivative()).refined(_BITS)
    polynomial = primitive(loss - level)
    if not loss(best.lower) < level <= loss[0]:
        raise ValueError(f"level must be above the least loss and at most {loss[0]}, got {level}")
    if level == loss[0]:
        return RealRoot(polynomial, fmpq(0), fmpq(0), rising=False)
    return RealRoot(polynomial, fmpq(0), best.lower, rising=False).refined(100)


def _panel(speed: fmpq_poly, low: fmpq, high: fmpq) -> arb:
    """∫ dx/speed(x) over [low, high], in the distance from the low end: coefficients are exact then."""
    shifted = acb_poly(speed(fmpq_poly([low, 1])))
    whole = acb.integral(lambda x, _: 1 / shifted(x), 0, acb(arb(high - low)), rel_tol=arb(fmpq(1, 1 << 40)))
    return whole.real


def dominance_level(dim: int, context_length: int, loops: int, constant: fmpq) -> arb:
    """The level from which on ‖∇f‖² ≥ c f^{(2L−1)/L} holds at all A = aΣ⁻¹, Σ = I; below it fails somewhere.

    (f'²/(cd))^L − f^{2L−1} is a polynomial in a. It has exactly two real roots, one on each side of the minimizer of
    f, and is positive outside; the level is the larger of the losses at the two. Roots are isolated, so that their
    number is certain.

    Raises:
        ValueError: it has another number of real roots, or is not positive outside.

    >>> dominance_level(1, 1, 1, fmpq(1, 16)).contains(fmpq(128, 191))
    True
    """
    f = looped_step_loss(isotropic(dim, context_length), loops)
    slope = f.derivative()
    gap = (slope ** (2 * loops)) * (1 / (constant * dim)) ** loops - f ** (2 * loops - 1)
    found: Any = gap.complex_roots()
    real = [root.real for root, _ in found if root.imag == 0]
    if len(real) != 2 or gap[gap.degree()] <= 0 or gap(fmpq(0)) < 0:
        raise ValueError(
            f"constant must be one for which the inequality holds outside an interval, got {constant}"
        )
    return at(f, real[0]).max(at(f, real[1]))


def arb_of(root: RealRoot) -> arb:
    """The interval of a root as a ball."""
    return arb(root.lower).union(arb(root.upper))


def at(polynomial: fmpq_poly, point: arb) -> arb:
    """The value of a polynomial over ℚ at a ball."""
    return arb_poly(polynomial)(point)
