"""Exact numbers to float64, correct to the last bit: rounded once, to nearest."""

from __future__ import annotations

from math import inf, isqrt, nextafter
from typing import Protocol, Self

from flint import fmpq

from icl_claims.theory.algebra.validation import rational


def nearest(value: fmpq) -> float:
    """The float64 nearest to a rational number (ties to even).

    Raises:
        OverflowError: its magnitude exceeds the range of float64.

    >>> nearest(fmpq(1, 3))
    0.3333333333333333
    """
    return int(value.p) / int(value.q)


def nearest_root(value: fmpq) -> float:
    """The float64 nearest to √value, for a rational value ≥ 0.

    With k large enough that r = ⌊√(4ᵏ value)⌋ has at least 60 bits, the root lies in [r, r + 1) / 2ᵏ. No
    float64 and no midpoint of two lies strictly inside, so (r + ½)/2ᵏ rounds to the same float64 as a
    root that is not r/2ᵏ itself.

    Raises:
        ValueError: value < 0.
        OverflowError: the root exceeds the range of float64.

    >>> nearest_root(fmpq(2)), nearest_root(fmpq(1, 4))
    (1.4142135623730951, 0.5)
    """
    if value < 0:
        raise ValueError(f"value must be ≥ 0 to have a real root, got {value}")
    p, q = int(value.p), int(value.q)
    k = max(0, 64 - (p.bit_length() - q.bit_length()) // 2)
    r = isqrt((p << 2 * k) // q)
    exact = r * r * q == p << 2 * k
    return (2 * r + (not exact)) / (1 << (k + 1))


def root_above(value: fmpq) -> float:
    """A float64 ≥ √value: the one after the nearest, and 0 for 0.

    >>> root_above(fmpq(4)), root_above(fmpq(0))
    (2.0000000000000004, 0.0)
    """
    return nextafter(nearest_root(value), inf) if value > 0 else 0.0


class Enclosed(Protocol):
    """A real number between rationals that can be narrowed, and compared with any rational exactly."""

    @property
    def lower(self) -> fmpq:
        """A rational number that it is at least."""

    @property
    def upper(self) -> fmpq:
        """A rational number that it is at most."""

    def refined(self, bits: int) -> Self:
        """The same number, more narrowly enclosed for more bits."""

    def compare(self, value: fmpq) -> int:
        """The sign of (number − value)."""


def nearest_real(number: Enclosed) -> float:
    """The float64 nearest to a real number given by an enclosure, such as a root of a polynomial.

    Narrowed until both ends round to one float64, or to two neighbours: then a comparison with the point
    halfway between them decides.

    Raises:
        OverflowError: its magnitude exceeds the range of float64.

    >>> from flint import fmpq_poly
    >>> from icl_claims.theory.algebra.real_roots import isolate
    >>> [nearest_real(root) for root in isolate(fmpq_poly([-2, 0, 1]))]
    [-1.4142135623730951, 1.4142135623730951]
    """
    bits = 64
    while True:
        low, high = nearest(number.lower), nearest(number.upper)
        if low == high:
            return low
        if nextafter(low, inf) == high:
            halfway = (rational("low", low) + rational("high", high)) / 2
            side = number.compare(halfway)
            return nearest(halfway) if side == 0 else low if side < 0 else high
        number, bits = number.refined(bits), 2 * bits
