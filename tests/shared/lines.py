"""Slopes along a line, from values alone."""

from __future__ import annotations

from collections.abc import Callable

from flint import fmpq


def slope_at_zero(f: Callable[[int], fmpq], degree: int) -> fmpq:
    """f′(0) of a polynomial of this degree at most, from its values at the integers around 0, by Lagrange's formula."""
    half = (degree + 1) // 2
    slope = fmpq(0)
    for t in range(1, half + 1):
        weight = fmpq(1, 2 * t)
        for s in range(1, half + 1):
            if s != t:
                weight *= fmpq(s * s, s * s - t * t)
        slope += weight * (f(t) - f(-t))
    return slope
