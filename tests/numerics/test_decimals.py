"""Decimals: never more than half a unit in the last place from the number, and bounds never below it."""

from __future__ import annotations

import re
from fractions import Fraction

import pytest
from flint import fmpq, fmpq_poly
from hypothesis import given
from hypothesis import strategies as st

from icl_claims.numerics.decimals import decimal
from icl_claims.numerics.rounding import Enclosed
from icl_claims.theory.algebra.algebraic import number, square_root
from icl_claims.theory.algebra.real_roots import isolate
from icl_claims.theory.loops.step import optimal_looped_step
from icl_claims.theory.task import isotropic

ratios = st.builds(
    lambda p, q, shift: fmpq(p, q) * fmpq(10) ** shift,
    st.integers(-(10**30), 10**30), st.integers(1, 10**30), st.integers(-330, 330),
)  # fmt: skip
digits = st.integers(1, 20)
numbers: st.SearchStrategy[Enclosed] = st.one_of(
    ratios.map(number),
    ratios.map(lambda x: square_root(abs(x))),
    st.sampled_from([*isolate(fmpq_poly([1, -7, 0, 3])), optimal_looped_step(isotropic(5, 20), 3).loss]),
)


def rational(text: str) -> fmpq:
    value = Fraction(text)
    return fmpq(value.numerator, value.denominator)


def unit(text: str) -> fmpq:
    """One unit in the last place."""
    mantissa, _, exponent = text.partition("e")
    return fmpq(10) ** (int(exponent or 0) - len(mantissa.partition(".")[2]))


@given(numbers, digits)
def test_half_a_unit(x: Enclosed, count: int) -> None:
    text = decimal(x, count)
    assert re.fullmatch(r"-?\d+(\.\d+)?(e[+-]\d+)?", text)
    shown, half = rational(text), unit(text) / 2
    assert x.compare(shown - half) >= 0 >= x.compare(shown + half)
    written = re.sub(r"e.*|[-.]", "", text).lstrip("0")
    if x.compare(shown) and not text.endswith("0"):
        assert len(written) == count
    assert len(written) <= max(count, len(text.partition(".")[0]))


@given(numbers, digits)
def test_bounds(x: Enclosed, count: int) -> None:
    """Away from 0, by less than a unit."""
    text = decimal(x, count, up=True)
    shown, sign = rational(text), x.compare(fmpq(0))
    assert sign * x.compare(shown) <= 0
    assert sign == 0 or sign * x.compare(shown - sign * unit(text)) > 0


@given(st.integers(1, 10**6), st.integers(-20, 20))
def test_ties_go_to_even(n: int, shift: int) -> None:
    tie = (n + fmpq(1, 2)) * fmpq(10) ** shift
    shown = rational(decimal(number(tie), len(str(n)))) / fmpq(10) ** shift
    assert shown == n + n % 2


@pytest.mark.parametrize(
    ("value", "count", "text"),
    [
        (fmpq(0), 3, "0"),
        (fmpq(3, 4), 15, "0.75"),
        (fmpq(3, 4) + fmpq(1, 10**30), 4, "0.7500"),
        (fmpq(8064), 15, "8064"),
        (fmpq(8000), 5, "8000"),
        (fmpq(8000), 3, "8e+3"),
        (fmpq(99999), 4, "1.000e+5"),
        (fmpq(9999, 10000), 3, "1.00"),
        (fmpq(-1, 3), 2, "-0.33"),
        (fmpq(1, 80000), 15, "0.0000125"),
        (fmpq(1, 800000), 15, "1.25e-6"),
    ],
)
def test_what_it_looks_like(value: fmpq, count: int, text: str) -> None:
    assert decimal(number(value), count) == text


def test_zeros_at_the_end_are_kept_of_an_irrational_number() -> None:
    assert decimal(square_root(fmpq(4) + fmpq(1, 10**20)), 8) == "2.0000000"
    assert decimal(square_root(fmpq(4)), 8) == "2"
