r"""Float64 arrays with a bound on their error: forward error analysis carried along with the numbers.

Each operation is done once in float64 and adds its own rounding error to what its arguments bring. With
u = 2⁻⁵³ and η = 2⁻¹⁰⁷⁵, IEEE arithmetic rounding to nearest gives fl(x ∘ y) = x ∘ y + e with
|e| ≤ u |fl(x ∘ y)| for + and −, and |e| ≤ u |fl(xy)| + η for products [1, §2.1, Eq. (2.5)]. A sum of N
numbers in any order is off by at most γ Σ|x_i|, γ = (N − 1)u/(1 − (N − 1)u) [1, §4.2].

The bounds are themselves computed in float64, from nonnegative numbers, by at most eight operations
(N + 8 in a sum), which may make them too small by a factor of 1 − (N + 8)u; so each is widened by
1 + 2(N + 8)u, and by 2⁻¹⁰⁷⁰ against underflow. Where a number overflows, its bound is ∞.

References:
    [1] N. J. Higham (2002), Accuracy and Stability of Numerical Algorithms, 2nd ed., SIAM.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

UNIT = 2.0**-53
"""u, half the distance from 1 to the next float64."""

_TINY = 2.0**-1070

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Balls:
    """Numbers known up to an error: each true number lies within ``radius`` of ``value``.

    Args:
        value: float64, of any shape.
        radius: of the same shape, ≥ 0; ∞ where nothing is known.

    ``+``, ``-``, ``*`` broadcast; a plain float or array counts as exact.
    """

    value: Floats
    radius: Floats

    # numpy then leaves ``array * balls`` to __rmul__.
    __array_ufunc__ = None

    def __mul__(self, other: Balls | Floats | float) -> Balls:
        y = exactly(other)
        with np.errstate(all="ignore"):
            value = self.value * y.value
            radius = (
                np.abs(self.value) * y.radius
                + self.radius * (np.abs(y.value) + y.radius)
                + UNIT * np.abs(value)
            )
        return _widened(value, radius, 1)

    __rmul__ = __mul__

    def __add__(self, other: Balls | Floats | float) -> Balls:
        y = exactly(other)
        with np.errstate(all="ignore"):
            value = self.value + y.value
            radius = self.radius + y.radius + UNIT * np.abs(value)
        return _widened(value, radius, 1)

    __radd__ = __add__

    def __neg__(self) -> Balls:
        return Balls(-self.value, self.radius)

    def __sub__(self, other: Balls | Floats | float) -> Balls:
        return self + -exactly(other)

    def __rsub__(self, other: Floats | float) -> Balls:
        return -self + other

    def __getitem__(self, index: Any) -> Balls:
        return Balls(self.value[index], self.radius[index])

    def sum(self) -> Balls:
        """The sum over the last axis."""
        size = self.value.shape[-1]
        gamma = size * UNIT / (1 - size * UNIT)
        with np.errstate(all="ignore"):
            value = self.value.sum(axis=-1)
            radius = self.radius.sum(axis=-1) + gamma * np.abs(self.value).sum(axis=-1)
        return _widened(value, radius, size)


def exactly(number: Balls | Floats | float) -> Balls:
    """A ball of radius 0; a ball is left as it is."""
    if isinstance(number, Balls):
        return number
    value = np.asarray(number, dtype=np.float64)
    return Balls(value, np.zeros_like(value))


def rounded(value: Floats) -> Balls:
    """Numbers of which these are the float64 nearest: off by at most u |value| + η."""
    return _widened(value, UNIT * np.abs(value), 1)


def _widened(value: Floats, radius: Floats, size: int) -> Balls:
    with np.errstate(all="ignore"):
        wide = radius * (1 + 2 * (size + 8) * UNIT) + _TINY
    return Balls(value, np.where(np.isfinite(value) & ~np.isnan(wide), wide, np.inf))
