r"""Gradient dominance and the gradient flow of the looped loss in balls: both sides of the inequality, and times.

All numbers are ``flint.arb``: midpoint and radius, so that a sign that is certain is proved.

On the multiples A = aI of Σ = I the flow dA/dt = −∇f is da/dt = −f'(a)/d
(:mod:`icl_claims.theory.derivations.gradient_dominance_sharp`), so that from A = 0 it reaches a after

    t = ∫_0^a d/(−f'(x)) dx,

an integral of a rational function, found by partial fractions; in the limit n → ∞ the loss ξ is reached after
((d/ξ)^{(L−1)/L} − 1)/(4L(L − 1)).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from flint import acb, acb_poly, arb, arb_poly, ctx, fmpq, fmpq_mat, fmpq_poly

from icl_claims.theory.algebra.real_roots import RealRoot, primitive, root_of_increasing
from icl_claims.theory.algebra.validation import bounded_integer
from icl_claims.theory.loops.step import MOST_LOOPS, looped_step_loss
from icl_claims.theory.task import isotropic

SAME = 512
"""Bits to which two numbers agree that are taken to be equal: those of a rational number that a formula gives."""


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


def limit_constant(dim: int, loops: int) -> arb:
    """4L² d^{−(L−1)/L}: the best constant of gradient dominance for Σ = I and symmetric A, as n → ∞.

    >>> limit_constant(4, 2).contains(8)
    True
    """
    return 4 * loops**2 / power(fmpq(dim), fmpq(loops - 1, loops))


def slowest_time(dim: int, loops: int, level: fmpq, least: arb) -> arb:
    """((1 + κ)/(1 − κ))² times :func:`limit_time`, κ = (f*/ξ)^{1/(2L)}: the flow has the loss ξ by then, for every n.

    >>> slowest_time(1, 2, fmpq(1, 16), arb(0)).contains(fmpq(3, 8))
    True
    """
    kappa = (least / arb(level)) ** arb(fmpq(1, 2 * loops))
    return limit_time(dim, loops, level) * ((1 + kappa) / (1 - kappa)) ** 2


def recorded_time(loops: int, level: fmpq) -> arb:
    """The time that Theorem 3.3 of Gatmiry et al. is recorded with, ξ^{−(L−1)/(2L−1)} (16L/(L − 1))^{(L−1)/L}, L ≥ 2.

    >>> recorded_time(2, fmpq(1, 8)).overlaps(2 * arb(32).sqrt())
    True
    """
    L = loops
    return power(1 / level, fmpq(L - 1, 2 * L - 1)) * power(fmpq(16 * L, L - 1), fmpq(L - 1, L))


def recorded_radius(dim: int, context_length: int, loops: int) -> arb:
    """The c of Theorem 3.2 of Gatmiry et al. as recorded, 8 (8Ld/√n)^{1/(2L)} d^{1/(2L)}: it says nothing from 1 on.

    >>> recorded_radius(1, 64, 1).contains(8)
    True
    """
    return 8 * (8 * loops * dim**2 / arb(context_length).sqrt()) ** arb(fmpq(1, 2 * loops))


def flow_time(dim: int, context_length: int, loops: int, level: fmpq) -> arb:
    """The time at which the gradient flow from A = 0 has the loss ξ, for contexts of n examples; Σ = I.

    Raises:
        ValueError: ξ is not above the least loss of one step, or above d.

    >>> flow_time(1, 1, 1, fmpq(3, 4))
    [0.115524530093324 +/- 2.19e-16]
    """
    return time_along(looped_step_loss(isotropic(dim, context_length), loops), dim, level)


def time_along(loss: fmpq_poly, dim: int, level: fmpq, bits: int = 40) -> arb:
    """The time from a = 0 to the loss ξ along da/dt = −f'(a)/d, for a convex polynomial f with f'(0) < 0.

    By partial fractions ∫_0^a d/(−f'(x)) dx = −d Σ_ρ log(1 − a/ρ)/f''(ρ) over the roots ρ of f', which are simple;
    the only real one is right of a, so that principal logarithms are meant. The terms cancel where roots lie close
    together: the working precision doubles until the sum is known to so many bits.

    Args:
        loss: f.
        dim: d.
        level: ξ.
        bits: of relative accuracy, or of absolute accuracy below times of 1.

    Raises:
        ValueError: ξ is not above the least value of f, or above f(0).
        ArithmeticError: f' has a multiple root.
    """
    slope = loss.derivative()
    precision = 2 * bits + 128
    while True:
        with ctx.workprec(precision):
            end = arb_of(point_of_level(loss, level).refined(precision))
            found: Any = slope.complex_roots()
            if any(multiplicity > 1 for _, multiplicity in found):
                raise ArithmeticError("the slope of the loss must have simple roots")
            bend = acb_poly(slope.derivative())
            total = sum(((1 - end / root).log() / bend(root) for root, _ in found), acb(0)).real * -dim
        if total.is_finite() and total.rad() < arb(fmpq(1, 1 << bits)) * (1 + abs(total)):
            return total
        precision *= 2


def point_of_level(loss: fmpq_poly, level: fmpq) -> RealRoot:
    """The point between 0 and the minimizer at which a convex polynomial f with f'(0) < 0 has the value ξ.

    Raises:
        ValueError: ξ is not above the least value of f, or above f(0).
    """
    best = root_of_increasing(loss.derivative()).refined(192)
    polynomial = primitive(loss - level)
    if not loss(best.lower) < level <= loss[0]:
        raise ValueError(f"level must be above the least loss and at most {loss[0]}, got {level}")
    if level == loss[0]:
        return RealRoot(polynomial, fmpq(0), fmpq(0), rising=False)
    return RealRoot(polynomial, fmpq(0), best.lower, rising=False).refined(100)


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


@dataclass(frozen=True)
class Recomputed:
    """A real number that is computed to any precision: an enclosure that can be narrowed and compared.

    Attributes:
        compute: bits ↦ a ball that holds the number, narrower for more bits.
        bits: how many are asked for.
    """

    compute: Callable[[int], arb]
    bits: int = 64

    @property
    def lower(self) -> fmpq:
        """A rational number that it is at least."""
        return self._ends()[0]

    @property
    def upper(self) -> fmpq:
        """A rational number that it is at most."""
        return self._ends()[1]

    def refined(self, bits: int) -> Recomputed:
        """The same number with at least so many bits."""
        return replace(self, bits=max(bits, 2 * self.bits))

    def compare(self, value: fmpq) -> int:
        """The sign of (number − value); 0 where they agree to :data:`SAME` bits, as they do where they are equal."""
        bits = self.bits
        while bits <= SAME:
            low, high = replace(self, bits=bits)._ends()
            if low > value or high < value:
                return 1 if low > value else -1
            bits *= 2
        return 0

    def _ends(self) -> tuple[fmpq, fmpq]:
        with ctx.workprec(2 * self.bits + 64):
            ball = self.compute(self.bits)
            return ball.lower().fmpq(), ball.upper().fmpq()


def arb_of(root: RealRoot) -> arb:
    """The interval of a root as a ball."""
    return arb(root.lower).union(arb(root.upper))


def at(polynomial: fmpq_poly, point: arb) -> arb:
    """The value of a polynomial over ℚ at a ball."""
    return arb_poly(polynomial)(point)
