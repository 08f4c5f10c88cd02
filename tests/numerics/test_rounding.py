"""Rounding of exact numbers: no float64 is nearer."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st

from icl_claims.numerics.rounding import nearest, nearest_root

ratios = st.builds(
    lambda p, q, shift: fmpq(p, q) * fmpq(2) ** shift,
    st.integers(1, 10**40), st.integers(1, 10**40), st.integers(-900, 800),
)  # fmt: skip


def fraction(x: fmpq) -> Fraction:
    return Fraction(int(x.p), int(x.q))


def midpoints(x: float) -> tuple[Fraction, Fraction]:
    """Halfway to the float64 below and to the one above."""
    return tuple((Fraction(x) + Fraction(math.nextafter(x, end))) / 2 for end in (0, math.inf))  # type: ignore[return-value]


@given(ratios)
def test_nearest(x: fmpq) -> None:
    low, high = midpoints(nearest(x))
    assert low <= fraction(x) <= high
    assert nearest(-x) == -nearest(x)


@given(ratios)
def test_nearest_root(x: fmpq) -> None:
    low, high = midpoints(nearest_root(x))
    assert low**2 <= fraction(x) <= high**2


@given(st.floats(min_value=1e-150, max_value=1e150))
def test_roots_of_squares_are_exact(x: float) -> None:
    assert nearest_root(fmpq(*x.as_integer_ratio()) ** 2) == x


@given(st.integers(2**52, 2**53 - 2))
def test_ties_of_roots(m: int) -> None:
    """√((2m+1)²) is halfway between two float64 numbers (even wins); a hair above it is nearer the upper."""
    tie = fmpq(2 * m + 1, 2)
    lower, upper = float(m), float(m + 1)
    assert nearest_root(tie**2) == (lower if m % 2 == 0 else upper)
    assert nearest_root(tie**2 + fmpq(1, 10**60)) == upper
    assert nearest_root(tie**2 - fmpq(1, 10**60)) == lower


def test_zero_and_out_of_range() -> None:
    assert nearest(fmpq(0)) == nearest_root(fmpq(0)) == 0.0
    with pytest.raises(ValueError, match="value must be ≥ 0"):
        nearest_root(fmpq(-1, 3))
    with pytest.raises(OverflowError):
        nearest(fmpq(10) ** 400)
    with pytest.raises(OverflowError):
        nearest_root(fmpq(10) ** 700)
