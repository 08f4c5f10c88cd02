"""Answers as JSON and as text.

An answer is a dictionary. Its values are quantities, lists and matrices of them, integers, lists of integers,
text, or None for what is unknown. Under ``notes`` it may have sentences, which stand below all else.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click
from flint import fmpq

from icl_claims.claims.calculators.quantity import Quantity
from icl_claims.numerics.decimals import DIGITS, decimal
from icl_claims.numerics.rounding import nearest_real

MATRIX_DIGITS = 6
"""Significant digits of the entries of a matrix in text."""

LONGEST_BESIDE = 60
"""The longest exact number, in characters, that text shows beside the decimal."""

ABOVE_FLOAT = "numbers must keep the answer within the range of float64, got one above 1.7e308"

BELOW_FLOAT = (
    "numbers must keep the answer within the range of float64, got one that is not 0 and below 2.5e-324 in "
    "magnitude: without --json it is shown in decimals"
)


NOTES = "notes"
"""The key of sentences on what was read and how."""


def write(answer: dict[str, Any], as_json: bool, notes: Sequence[str] = ()) -> None:
    """JSON, or lines of name, decimals, and the exact number where it is short; with these notes before its own."""
    if notes:
        answer = {**answer, NOTES: [*notes, *answer.get(NOTES, [])]}
    with _integers_of_any_length():
        click.echo(json_text(answer) if as_json else plain_text(answer))


def json_text(answer: dict[str, Any]) -> str:
    """Each quantity as its nearest float64; beside it under ``<key>_exact`` how it is written exactly.

    Raises:
        click.UsageError: a quantity is beyond the range of float64, or would become 0 without being 0.
    """
    found: dict[str, Any] = {}
    for key, value in answer.items():
        found[key] = _each(_float, value)
        if any(quantity.exactly is not None for quantity in _quantities(value)):
            found[f"{key}_exact"] = _each(lambda quantity: quantity.exactly, value)
    return json.dumps(found, ensure_ascii=False, indent=1)


def plain_text(answer: dict[str, Any]) -> str:
    """A line or more for each value that is known, names on the left; below them the notes, a line for each."""
    notes = answer.get(NOTES, [])
    table = {key: value for key, value in answer.items() if value is not None and key != NOTES}
    width = max(map(len, table))
    lines = [
        f"{'' if i else key:<{width}}  {line}"
        for key, value in table.items()
        for i, line in enumerate(_lines(value))
    ]
    return "\n".join(lines + [""] * bool(notes) + notes)


@contextmanager
def _integers_of_any_length() -> Iterator[None]:
    """Python refuses to write integers of more than 4300 digits, lest a server be kept busy: none is here."""
    before = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)
    try:
        yield
    finally:
        sys.set_int_max_str_digits(before)


def _each(function: Callable[[Quantity], Any], value: Any) -> Any:
    """The value with each quantity replaced."""
    if isinstance(value, Quantity):
        return function(value)
    return [_each(function, item) for item in value] if isinstance(value, list) else value


def _quantities(value: Any) -> Iterable[Quantity]:
    if isinstance(value, Quantity):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _quantities(item)


def _float(quantity: Quantity) -> float:
    try:
        found = nearest_real(quantity.value)
    except OverflowError:
        raise click.UsageError(ABOVE_FLOAT) from None
    if found == 0 and quantity.value.compare(fmpq(0)) != 0:
        raise click.UsageError(BELOW_FLOAT)
    return found


def _lines(value: Any) -> list[str]:
    """A matrix row by row, a list of quantities one by one, anything else on one line; nothing for None."""
    if value is None:
        return []
    if isinstance(value, Quantity):
        value = [value]
    if not isinstance(value, list) or not value or isinstance(value[0], int):
        return [", ".join(map(str, value)) if isinstance(value, list) else str(value)]
    if isinstance(value[0], list):
        return _aligned([[_decimal(quantity, MATRIX_DIGITS) for quantity in row] for row in value])
    decimals = [_decimal(quantity) for quantity in value]
    width = max(map(len, decimals))
    return [
        text
        if beside is None or beside == text or len(beside) > LONGEST_BESIDE
        else f"{text:<{width}}  = {beside}"
        for text, beside in ((text, quantity.exactly) for text, quantity in zip(decimals, value, strict=True))
    ]


def _decimal(quantity: Quantity, digits: int = DIGITS) -> str:
    return decimal(quantity.value, digits, up=quantity.bound)


def _aligned(rows: list[list[str]]) -> list[str]:
    """Columns with their decimal points below one another."""
    columns = []
    for column in zip(*rows, strict=True):
        before = [len(entry.partition(".")[0]) for entry in column]
        padded = [" " * (max(before) - size) + entry for size, entry in zip(before, column, strict=True)]
        width = max(map(len, padded))
        columns.append([entry.ljust(width) for entry in padded])
    return ["  ".join(row).rstrip() for row in zip(*columns, strict=True)]
