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


TERMS = 4096
HALF = Fraction(1, 2**53)
"""u: added to 1 it is a tie and lost; so is each further one, where they come one by one."""


def lost(size: int) -> list[float]:
    """1, then u's."""
    return [1.0] + [float(HALF)] * (size - 1)


LONG_SUMS = {
    "lost": lost(TERMS),
    "lost, all below 0": [-x for x in lost(TERMS)],
    "cancelled in the end": [*lost(TERMS - 1), -1.0],
    "cancelled pair by pair": [s * x for x in lost(TERMS // 2) for s in (1.0, -1.0)],
    "signs in turn": [(-1) ** i * (1 + i * 2.0**-50) * 2.0 ** (i % 60) for i in range(TERMS)],
    "falling": [2.0 ** (-i / 16) / 3 for i in range(TERMS)],
    "one large number in the middle": [1.0 / (i + 3) for i in range(500)] + [1e15, -1e15] + [0.1] * 500,
}


@pytest.mark.parametrize("name", LONG_SUMS)
@pytest.mark.parametrize("radius", [0.0, 2.0**-53], ids=["exact", "radii"])
def test_long_sums_in_either_layout(name: str, radius: float) -> None:
    """Along a row numpy adds in pairs, across rows one by one; each term at the far end of its radius."""
    row = np.array(LONG_SUMS[name])
    radii = np.abs(row) * radius
    for end in (-1, 1):
        exact = sum((Fraction(x) + end * Fraction(r) for x, r in zip(row, radii, strict=True)), Fraction(0))
        for values, bounds in (
            (np.array([row, row[::-1]]), np.array([radii, radii[::-1]])),
            (np.array([row, row[::-1]]).T.copy().T, np.array([radii, radii[::-1]]).T.copy().T),
        ):
            assert holds(Balls(values, bounds).sum(), [exact, exact])


def test_bounds_are_rounded_up() -> None:
    """Numbers that are exact, so that radii are all there is: in float64 1 + u is 1, and the bound must not be."""
    u, zero, one = float(HALF), np.array([0.0]), np.array([1.0])
    beside = Balls(zero, one) + Balls(zero, np.array([u]))
    assert Fraction(float(beside.radius[0])) >= 1 + HALF
    product = Balls(one, one) * Balls(one, np.array([u]))
    assert Fraction(float(product.radius[0])) >= 1 + 2 * HALF
    across = np.array([lost(TERMS)] * 2).T.copy().T
    total = Balls(np.zeros_like(across), across).sum()
    assert Fraction(float(total.radius[0])) >= 1 + (TERMS - 1) * HALF


def test_a_long_sum_comes_close_to_its_bound() -> None:
    """One by one, N − 1 terms u beside 1 are lost, an error of (N − 1)u where the bound is a little over Nu."""
    across = np.array([lost(TERMS)] * 2).T.copy().T
    found = exactly(across).sum()
    assert found.value.tolist() == [1.0, 1.0]
    assert (TERMS - 1) * HALF <= Fraction(float(found.radius[0])) <= (TERMS + 2) * HALF


@pytest.mark.parametrize("multiply", [True, False], ids=["product", "sum"])
def test_a_long_chain_comes_close_to_its_bound(multiply: bool) -> None:
    """300 operations, each with the one of 16 second numbers whose rounding adds most to the error so far."""
    generator = np.random.default_rng(0)
    ball, exact = exactly(1.0), Fraction(1)
    for _ in range(300):
        numbers = 1 + generator.random(16) * 2.0**-12 if multiply else generator.random(16) * 2.0**-12

        def result(x: float, before: Fraction) -> Fraction:
            return before * Fraction(x) if multiply else before + Fraction(x)

        rounded_here = Fraction(float(ball.value))
        x = max(
            numbers.tolist(),
            key=lambda x: (
                result(x, rounded_here)
                - Fraction(float(ball.value) * x if multiply else float(ball.value) + x)
            ),
        )
        ball, exact = (ball * x if multiply else ball + x), result(x, exact)
    error = exact - Fraction(float(ball.value))
    assert Fraction(float(ball.radius)) * 3 / 4 < error <= Fraction(float(ball.radius))


def test_the_bound_is_widened_by_what_the_module_says() -> None:
    """1 + 2(N + 8)u with N = 1: for the radius u every operation is exact, and 2⁻¹⁰⁷⁰ is lost beside it."""
    u = 2.0**-53
    assert rounded(np.array(1.0)).radius.item() == u * (1 + 18 * u)
    assert (exactly(1.0) + 0.0).radius.item() == (exactly(1.0) * 1.0).radius.item() == u * (1 + 18 * u)
