"""Every ball holds the exact result, whatever exact numbers its arguments stand for."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from icl_claims.numerics.balls import Balls, exactly, rounded

finite = st.floats(-1e100, 1e100)
radii = st.just(0.0) | st.floats(0, 1e10)
offsets = st.fractions(-1, 1, max_denominator=7)


@st.composite
def balls(draw: st.DrawFn, size: int = 1) -> tuple[Balls, list[Fraction]]:
    """A ball, and exact numbers within it."""
    value = draw(st.lists(finite, min_size=size, max_size=size))
    radius = draw(st.lists(radii, min_size=size, max_size=size))
    within = [Fraction(v) + Fraction(r) * draw(offsets) for v, r in zip(value, radius, strict=True)]
    return Balls(np.array(value), np.array(radius)), within


def holds(ball: Balls, exact: list[Fraction]) -> bool:
    return all(
        r == np.inf or abs(Fraction(float(v)) - x) <= Fraction(float(r))
        for v, r, x in zip(np.atleast_1d(ball.value), np.atleast_1d(ball.radius), exact, strict=True)
    )


@given(balls(), balls(), finite)
def test_operations(x: tuple[Balls, list[Fraction]], y: tuple[Balls, list[Fraction]], c: float) -> None:
    (a, [p]), (b, [q]) = x, y
    assert holds(a + b, [p + q])
    assert holds(a - b, [p - q])
    assert holds(a * b, [p * q])
    assert holds(-a, [-p])
    assert holds(c * a, [Fraction(c) * p])
    assert holds(c - a, [Fraction(c) - p])
    assert holds(np.array([c]) * a + c, [Fraction(c) * p + Fraction(c)])


@given(balls(size=7))
def test_sums(x: tuple[Balls, list[Fraction]]) -> None:
    ball, exact = x
    assert holds(ball.sum(), [sum(exact, Fraction(0))])


@given(st.fractions().filter(lambda x: abs(x) < 10**300), st.integers(0, 1100))
def test_rounded(x: Fraction, shift: int) -> None:
    """Subnormal numbers and underflow to 0 included."""
    small = x / 2**shift
    assert holds(rounded(np.array([float(small)])), [small])


@pytest.mark.parametrize("operation", [lambda x: x * x, lambda x: x + x, lambda x: x.sum()])
def test_overflow_knows_nothing(operation: Any) -> None:
    found = operation(exactly(np.array([1.7e308, 1.7e308])))
    assert np.all(found.radius == np.inf)


def test_what_is_unknown_stays_unknown() -> None:
    unknown = Balls(np.array([0.0]), np.array([np.inf]))
    assert (unknown * 0.0).radius == np.inf


@given(st.floats(-1e-160, 1e-160), st.floats(-1e-160, 1e-160))
def test_underflow(a: float, b: float) -> None:
    product = exactly(np.array([a])) * exactly(np.array([b]))
    assert holds(product, [Fraction(a) * Fraction(b)])


def test_broadcasting_and_indexing() -> None:
    grid = exactly(np.arange(6.0).reshape(2, 3)) * exactly(np.array([[2.0], [3.0]]))
    assert grid.value.tolist() == [[0, 2, 4], [9, 12, 15]]
    assert grid[1, ::2].value.tolist() == [9, 15]
    assert grid.sum().value.tolist() == [6, 36]
