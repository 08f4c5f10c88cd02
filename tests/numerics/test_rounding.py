"""Rounding of exact numbers: no float64 is nearer."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from flint import fmpq, fmpq_poly, fmpz_poly
from hypothesis import given
from hypothesis import strategies as st

from icl_claims.numerics.rounding import nearest, nearest_real, nearest_root, root_above
from icl_claims.theory.algebra.algebraic import number, square_root
from icl_claims.theory.algebra.real_roots import RealRoot, primitive

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


numbers = st.one_of(ratios.map(number), ratios.map(square_root), ratios.map(lambda x: square_root(x * x)))


@given(numbers)
def test_nearest_real(x: RealRoot) -> None:
    """No float64 is nearer, of either sign: the number lies between the midpoints to the neighbours."""
    value = nearest_real(x)
    low, high = midpoints(value)
    assert x.compare(rational(low)) >= 0 >= x.compare(rational(high))
    negative = RealRoot(x.polynomial(fmpz_poly([0, -1])), -x.upper, -x.lower, not x.rising)
    assert nearest_real(negative) == -value


@pytest.mark.parametrize("m", [2**52, 2**52 + 1, 2**53 - 2])
def test_ties_of_reals(m: int) -> None:
    """m + 1/2 as a root of x² − (m + 1/2)² in an interval around it (even wins), and a hair to either side."""
    tie, width, hair = fmpq(2 * m + 1, 2), fmpq(1, 4), fmpq(1, 2**200)

    def root(x: fmpq) -> RealRoot:
        return RealRoot(primitive(fmpq_poly([-x * x, 0, 1])), x - width, x + width * 3, rising=True)

    even = float(m) if m % 2 == 0 else float(m + 1)
    assert nearest_real(root(tie)) == even
    assert nearest_real(root(tie - hair)) == float(m)
    assert nearest_real(root(tie + hair)) == float(m + 1)


@given(ratios)
def test_a_root_above_is_above_by_less_than_two_units(x: fmpq) -> None:
    above = root_above(x)
    assert Fraction(above) ** 2 > fraction(x)
    assert Fraction(math.nextafter(math.nextafter(above, 0), 0)) ** 2 < fraction(x)


def test_a_root_above_a_square_is_the_next_number() -> None:
    assert root_above(fmpq(0)) == 0.0
    assert root_above(fmpq(9)) == math.nextafter(3.0, 4.0)
    assert root_above(fmpq(1, 4)) == math.nextafter(0.5, 1.0)


def rational(x: Fraction) -> fmpq:
    return fmpq(x.numerator, x.denominator)


def test_zero_and_out_of_range() -> None:
    assert nearest(fmpq(0)) == nearest_root(fmpq(0)) == 0.0
    with pytest.raises(ValueError, match="value must be ≥ 0"):
        nearest_root(fmpq(-1, 3))
    with pytest.raises(OverflowError):
        nearest(fmpq(10) ** 400)
    with pytest.raises(OverflowError):
        nearest_root(fmpq(10) ** 700)
