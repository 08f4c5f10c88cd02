"""Printed decimals against exact numbers and enclosures."""

from __future__ import annotations

from flint import fmpq

from icl_claims.numerics.gdpp import Interval


def decimal(text: str) -> fmpq:
    """The rational number that a decimal writes."""
    places = len(text.partition(".")[2])
    return fmpq(int(text.replace(".", "")), 10**places)


def half_a_unit(text: str) -> fmpq:
    """Half a unit in the last place of a decimal."""
    return fmpq(1, 2 * 10 ** len(text.partition(".")[2]))


def rounds_to(value: fmpq, text: str) -> bool:
    """Whether a number is within half a unit in the last place of a decimal."""
    return bool(abs(value - decimal(text)) <= half_a_unit(text))


def encloses_what_rounds_to(number: Interval, text: str) -> bool:
    """Whether the whole enclosure is within half a unit in the last place of a decimal."""
    return rounds_to(number.lower, text) and rounds_to(number.upper, text)
