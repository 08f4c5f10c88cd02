"""Real roots of integer polynomials and minima of convex ones, certified in exact arithmetic.

A number is held as an interval with rational ends beside the polynomial that decides it. Every step is
a sign of that polynomial at a rational point, exact or proved in ball arithmetic, so an enclosure is a proof;
whatever proposes the intervals (here Arb's root finder [2]) need not be trusted.

References:
    [1] J. Abbott (2014), Quadratic interval refinement for real roots, arXiv:1203.1227.
    [2] F. Johansson (2017), Arb, IEEE Trans. Computers 66, 1281–1292.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import pairwise
from threading import RLock
from typing import Any

from flint import acb, acb_poly, arb, arb_poly, ctx, fmpq, fmpq_poly, fmpz_poly

_TOLERANCE = arb(fmpq(1, 1 << 72))
"""What Arb is asked for: enough that the intervals it proposes need no refinement to 64 bits."""

_MOST_BITS = 4096
"""Working precision at which Arb's quick route, which must not meet multiple roots, gives up."""

_LONG = 4096
"""Bits of the longest coefficient from which signs are tried in balls first."""

_PRECISIONS = (256, 1024, 4096)
"""Bits at which they are tried."""

_lock = RLock()


@dataclass(frozen=True)
class RealRoot:
    """The only root of a polynomial in [lower, upper]; it is simple.

    Args:
        polynomial: over ℤ; nonzero and of opposite signs at the two ends, or lower = upper is the root.
        lower, upper: rational ends.
        rising: whether the polynomial is positive at the upper end (of no meaning where they coincide).
    """

    polynomial: fmpz_poly
    lower: fmpq
    upper: fmpq
    rising: bool

    def compare(self, value: fmpq) -> int:
        """The sign of (root − value), −1, 0 or 1, decided exactly."""
        if self.lower < value < self.upper:
            sign = sign_at(self.polynomial, value)
            return -sign if self.rising else sign
        return int(value < self.upper) - int(self.lower < value)

    def refined(self, bits: int) -> RealRoot:
        """The same root, in an interval of width at most 2⁻ᵇⁱᵗˢ times its distance from 0.

        Quadratic interval refinement [1]: linear interpolation proposes one cell of a grid of 2ᵉ cells.
        If the root is there, e doubles; if not, e halves and the interval is bisected.
        """
        root, exponent = self._cut(fmpq(0)), 16
        while (root.upper - root.lower) * (1 << bits) > max(root.lower, -root.upper):
            cell = (root.upper - root.lower) / (1 << exponent)
            below, above = root.polynomial(root.lower), root.polynomial(root.upper)
            left = root.lower + (below / (below - above) * (1 << exponent)).floor() * cell
            tighter = root._cut(left)._cut(left + cell)
            if tighter.upper - tighter.lower <= cell:
                root, exponent = tighter, 2 * exponent
            else:
                root, exponent = tighter._cut((tighter.lower + tighter.upper) / 2), max(1, exponent // 2)
        return root

    def _cut(self, point: fmpq) -> RealRoot:
        """The root on its side of a point."""
        if not self.lower < point < self.upper:
            return self
        side = self.compare(point)
        return replace(
            self, lower=point if side >= 0 else self.lower, upper=point if side <= 0 else self.upper
        )

    def __str__(self) -> str:
        if self.lower == self.upper:
            return str(self.lower)
        return f"root of {self.polynomial} in [{self.lower}, {self.upper}]"


def isolate(polynomial: fmpq_poly) -> tuple[RealRoot, ...]:
    """All roots, ascending, of a polynomial over ℚ whose roots are real and simple.

    Certificate: as many disjoint intervals as the degree, each with opposite signs at its ends (or the
    root itself). Each then holds at least one root, so each holds exactly one, simple, and no
    root is left, real or not.

    Raises:
        ValueError: the polynomial is 0, or a root is not real or not simple.

    >>> [str(root.refined(8)) for root in isolate(fmpq_poly([-1, 2]))]
    ['1/2']
    >>> isolate(fmpq_poly([1, 0, 1]))
    Traceback (most recent call last):
        ...
    ValueError: polynomial must have real and simple roots only, got x^2 + 1
    """
    p = primitive(polynomial)
    if p.degree() == 1:
        root = fmpq(-p[0], p[1])
        return (RealRoot(p, root, root, rising=True),)
    for intervals in _proposals(p):
        roots = _certified(p, intervals)
        if roots is not None:
            return roots
    raise ValueError(f"polynomial must have real and simple roots only, got {polynomial}")


def root_of_increasing(polynomial: fmpq_poly) -> RealRoot:
    """The real root of a polynomial that increases on ℝ and is negative at 0.

    The caller answers for monotonicity. The bracket doubles from [0, 1] until the sign changes.

    Raises:
        ValueError: the polynomial is not negative at 0, or of even degree, or falls at infinity.

    >>> root = root_of_increasing(fmpq_poly([-2, 0, 0, 1])).refined(20)
    >>> root.compare(fmpq(5, 4)), root.compare(fmpq(63, 50))
    (1, -1)
    """
    p = primitive(polynomial)
    if p[0] >= 0 or p.degree() % 2 == 0 or p[p.degree()] < 0:
        raise ValueError(f"polynomial must increase from below 0 at 0, got {polynomial}")
    if p.degree() == 1:
        root = fmpq(-p[0], p[1])
        return RealRoot(p, root, root, rising=True)
    upper = fmpq(1)
    while p(upper) < 0:
        upper *= 2
    return RealRoot(p, fmpq(0), upper, rising=True) if p(upper) else RealRoot(p, upper, upper, rising=True)


def count_real_roots(polynomial: fmpq_poly, lower: fmpq | None = None, upper: fmpq | None = None) -> int:
    """The number of distinct real roots in [lower, upper], both ends included, by Sturm's theorem.

    Args:
        polynomial: over ℚ, not 0; roots may be multiple.
        lower, upper: the ends; None for −∞ or ∞.

    Raises:
        ValueError: the polynomial is 0.

    >>> count_real_roots(fmpq_poly([-2, 0, 1])), count_real_roots(fmpq_poly([1, 0, 1]))
    (2, 0)
    >>> count_real_roots(fmpq_poly([1, -2, 1]), lower=fmpq(1))
    1
    """
    import sympy  # slow to load, and isolating roots does not need it

    p = primitive(polynomial)
    ends = (None if end is None else sympy.Rational(int(end.p), int(end.q)) for end in (lower, upper))
    coefficients = [sympy.Integer(int(c)) for c in reversed(p.coeffs())]
    return int(sympy.Poly(coefficients, sympy.Symbol("x"), domain=sympy.ZZ).count_roots(*ends))


@dataclass(frozen=True)
class ConvexMinimum:
    """The least value F(a*) of a polynomial F over ℚ with F″ > 0, at the root a* of F′.

    With a* in [l, u], convexity encloses it: F lies above its tangents at l and u, and below F(l), F(u).
    """

    polynomial: fmpq_poly
    minimizer: RealRoot

    @property
    def lower(self) -> fmpq:
        """max(F(l) + F′(l)(u − l), F(u) − F′(u)(u − l)): F′(l) ≤ 0 ≤ F′(u)."""
        F, slope = self.polynomial, self.polynomial.derivative()
        low, high = self.minimizer.lower, self.minimizer.upper
        return max(F(low) + slope(low) * (high - low), F(high) - slope(high) * (high - low))

    @property
    def upper(self) -> fmpq:
        """min(F(l), F(u))."""
        return min(self.polynomial(self.minimizer.lower), self.polynomial(self.minimizer.upper))

    def refined(self, bits: int) -> ConvexMinimum:
        """The same value, its minimizer enclosed to a relative width of 2⁻ᵇⁱᵗˢ.

        The enclosure of the value narrows with the square of that width.
        """
        return replace(self, minimizer=self.minimizer.refined(bits))

    def compare(self, value: fmpq) -> int:
        """The sign of (minimum − value), decided exactly.

        Equality: a* is then a common root of F′ and F − value. It is the only real root of F′, and simple,
        so it is one of their gcd exactly when the degree of the gcd is odd.
        """
        gap = self.polynomial - value
        if self.polynomial.derivative().gcd(gap).degree() % 2 == 1:
            return 0
        bits, tighter = 64, self
        while tighter.lower <= value <= tighter.upper:
            tighter, bits = tighter.refined(bits), 2 * bits
        return _sign(tighter.lower - value)


def primitive(polynomial: fmpq_poly) -> fmpz_poly:
    """The integer polynomial without common factor that is a positive multiple of this one.

    Raises:
        ValueError: the polynomial is 0.

    >>> primitive(fmpq_poly([fmpq(2, 3), -2]))
    (-3)*x + 1
    """
    numerator = polynomial.numer()
    if not numerator:
        raise ValueError("polynomial must not be 0")
    return numerator // fmpz_poly([numerator.content()])


def sign_at(polynomial: fmpz_poly, value: fmpq) -> int:
    """The sign of p(value), −1, 0 or 1.

    Long coefficients are rounded outward first: a ball without 0 proves the sign. What no precision decides, as a
    value at a root itself, is evaluated exactly.

    >>> sign_at(fmpz_poly([-2, 0, 1]), fmpq(3, 2)), sign_at(fmpz_poly([-1, 2]), fmpq(1, 2))
    (1, 0)
    """
    if polynomial.height_bits() > _LONG:
        for precision in _PRECISIONS:
            sign = sign_in_balls(polynomial, value, precision)
            if sign:
                return sign
    return _sign(polynomial(value))


def sign_in_balls(polynomial: fmpz_poly, value: fmpq, precision: int) -> int:
    """The sign of p(value) where this precision proves it, −1 or 1; 0 where it does not."""
    # The working precision is global. Whatever it is, balls enclose; too low a one only fails to decide.
    with _lock, ctx.workprec(precision):
        return _sign(arb_poly(polynomial)(arb(value)))


Interval = tuple[fmpq, fmpq]


def _proposals(p: fmpz_poly) -> Iterator[list[Interval]]:
    """Guesses at disjoint intervals around all roots, the cheapest first; their ends are dyadic."""
    if p.degree() == 0:
        yield []
        return
    with suppress(ValueError):  # no convergence, as where a root is multiple
        quick: Any = acb_poly([acb(c) for c in p.coeffs()]).roots(tol=_TOLERANCE, maxprec=_MOST_BITS)
        yield [_on_a_grid(*_ball(root.real)) for root in quick]
    slow: Any = p.complex_roots()
    balls = [_ball(root.real) for root, _ in slow]
    yield [_on_a_grid(middle, radius) for middle, radius in balls]
    yield [(middle - radius, middle + radius) for middle, radius in balls]


def _certified(p: fmpz_poly, intervals: list[Interval]) -> tuple[RealRoot, ...] | None:
    """The roots in the intervals, if these pass the test of :func:`isolate`."""
    intervals.sort()
    if len(intervals) != p.degree() or any(a[1] >= b[0] for a, b in pairwise(intervals)):
        return None
    roots = []
    for lower, upper in intervals:
        low, high = sign_at(p, lower), sign_at(p, upper)
        if low * high > 0 or (low * high == 0 and lower < upper):
            return None
        roots.append(RealRoot(p, lower, upper, rising=high > 0))
    return tuple(roots)


def _ball(ball: arb) -> tuple[fmpq, fmpq]:
    """Its middle and its radius."""
    return dyadic(ball.mid()), dyadic(ball.rad())


def _on_a_grid(middle: fmpq, radius: fmpq) -> Interval:
    """An interval around a ball, of relative width 2⁻⁶⁶ if it is no wider: its ends are short then."""
    if radius == 0:
        return middle, middle
    width = max(radius, abs(middle) / (1 << 70))
    scale = fmpq(2) ** (width.q.bit_length() - width.p.bit_length())
    below = (middle * scale).floor()
    return (below - 2) / scale, (below + 3) / scale


def dyadic(exact: arb) -> fmpq:
    """The number that a ball of radius 0 is."""
    mantissa, exponent = exact.man_exp()
    return fmpq(mantissa) * fmpq(2) ** int(exponent)


def _sign(value: Any) -> int:
    return int(value > 0) - int(value < 0)
