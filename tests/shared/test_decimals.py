"""Rounding to a printed decimal: both ends of the interval, whole numbers, negative ones."""

from __future__ import annotations

import pytest
from flint import fmpq

from icl_claims.numerics.gdpp import Interval
from tests.shared.decimals import decimal, encloses_what_rounds_to, half_a_unit, rounds_to


@pytest.mark.parametrize(
    ("text", "value", "half"),
    [("0.50", fmpq(1, 2), fmpq(1, 200)), ("-2.4", fmpq(-12, 5), fmpq(1, 20)), ("70", fmpq(70), fmpq(1, 2))],
)
def test_what_a_decimal_writes(text: str, value: fmpq, half: fmpq) -> None:
    assert (decimal(text), half_a_unit(text)) == (value, half)


def test_half_a_unit_is_within_and_more_is_not() -> None:
    for sign in (1, -1):
        assert rounds_to(fmpq(-12, 5) + sign * fmpq(1, 20), "-2.4")
        assert not rounds_to(fmpq(-12, 5) + sign * fmpq(51, 1000), "-2.4")


def test_both_ends_of_an_enclosure_count() -> None:
    middle, inside, outside = fmpq(1, 2), fmpq(1, 400), fmpq(1, 100)
    assert encloses_what_rounds_to(Interval(middle - inside, middle + inside), "0.50")
    assert not encloses_what_rounds_to(Interval(middle - outside, middle + inside), "0.50")
    assert not encloses_what_rounds_to(Interval(middle - inside, middle + outside), "0.50")
