"""Numbers, lists and files on the command line: read exactly, or refused in one line."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import click
import pytest
from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st

from icl_claims.claims.calculators.parameters import ExistingFile, Integer, ListOf, Rational, number, options


@given(st.fractions())
def test_fractions_are_read_exactly(x: Fraction) -> None:
    assert number(str(x)) == fmpq(x.numerator, x.denominator)


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**30), max_value=10**30))
def test_decimals_are_read_exactly(x: Decimal) -> None:
    if abs(x.as_tuple().exponent) <= 400:  # type: ignore[arg-type]
        exact = Fraction(x)
        assert number(str(x)) == fmpq(exact.numerator, exact.denominator)


NOT_NUMBERS = [
    "",
    "x",
    "nan",
    "inf",
    "-inf",
    "1/0",
    "1/2/3",
    "1,5",
    "0x10",
    "1_000",
    "1e401",
    "1e-401",
    "1e9999",
    "1.5/2",
    "٣",
]


@pytest.mark.parametrize("text", [*NOT_NUMBERS, "1" * 1001])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"must be a finite number such as 0\.25, 1/3 or 2e-3, got "):
        number(text)


def test_the_longest_numbers() -> None:
    assert number("1" * 1000) == fmpq(int("1" * 1000))
    assert number("1e400") == 1 / number("1e-400") == fmpq(10) ** 400


def test_a_long_value_is_cut_in_the_message() -> None:
    with pytest.raises(ValueError, match=r"got 'x{40}'$"):
        number("x" * 40)
    with pytest.raises(ValueError, match=r"got '9{40}…'$"):
        number("9" * 5000)


@given(st.integers(0, 10**18 - 1))
def test_integers(value: int) -> None:
    assert Integer(least=0).convert(f" +00{value}", None, None) == value


@pytest.mark.parametrize(
    ("kind", "text", "message"),
    [
        (Integer(), "0", "must be an integer ≥ 1, got '0'"),
        (Integer(), "-3", "must be an integer ≥ 1, got '-3'"),
        (Integer(), "2.5", "must be an integer ≥ 1, got '2.5'"),
        (Integer(), "", "must be an integer ≥ 1, got ''"),
        (Integer(), str(10**18), "must be an integer ≥ 1 below 10^18, got"),
        (Integer(), "9" * 5000, "must be an integer ≥ 1 below 10^18, got '9999999999999999999999999999999999999999…'"),
        (Integer(most=100), "101", "must be an integer from 1 to 100, got '101'"),
        (Integer(least=0), "x", "must be an integer ≥ 0, got 'x'"),
        (ListOf(Integer(), most=2), "1,2,3", "must be at most 2 numbers, got 3"),
        (ListOf(Rational()), "1,", "must be a finite number such as 0.25, 1/3 or 2e-3, got ''"),
        (ExistingFile(), "no such", "no such: no such file"),
        (ExistingFile(), ".", ".: a folder, where a file is needed"),
    ],
)  # fmt: skip
def test_refusals(kind: click.ParamType[Any], text: str, message: str) -> None:
    with pytest.raises(click.BadParameter) as refused:
        kind.convert(text, None, None)
    assert message in refused.value.message


def test_the_largest_values_are_read() -> None:
    assert Integer(most=100).convert("100", None, None) == 100
    assert Integer().convert("1", None, None) == 1
    assert ListOf(Integer(), most=2).convert("1,2", None, None) == (1, 2)


def test_lists_keep_their_order() -> None:
    assert ListOf(Rational()).convert("3,1/2,-0.5", None, None) == (fmpq(3), fmpq(1, 2), fmpq(-1, 2))


def test_options_keep_their_order() -> None:
    @click.command()
    @options(click.option("--one"), click.option("--two"))
    def command() -> None: ...

    assert [parameter.name for parameter in command.params] == ["one", "two"]


def test_a_file_that_is_there(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    assert ExistingFile().convert(str(path), None, None) == path
