"""What stands on the command line: exact numbers, sizes, lists, files, and the options that all commands share."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from flint import fmpq

from icl_claims.theory.algebra import validation

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE](?P<exponent>[+-]?\d{1,3}))?|[+-]?\d+/\d+", re.ASCII)
_MOST_CHARACTERS, _MOST_EXPONENT, _MOST_DIGITS = 1000, 400, 18
_SHOWN = 40


def number(text: str) -> fmpq:
    """The rational number that a decimal or a fraction writes, exactly.

    Raises:
        ValueError: it writes no finite number, or one of more than 1000 characters or an exponent beyond 400.

    >>> number("0.1"), number(" -2e-1 "), number("2/6")
    (1/10, -1/5, 1/3)
    """
    stripped = text.strip()
    match = _NUMBER.fullmatch(stripped)
    try:
        if (
            match is None
            or len(stripped) > _MOST_CHARACTERS
            or abs(int(match["exponent"] or 0)) > _MOST_EXPONENT
        ):
            raise ValueError
        return validation.rational("number", stripped)
    except ValueError:
        raise ValueError(
            f"must be a finite number such as 0.25, 1/3 or 2e-3, got {shortened(stripped)!r}"
        ) from None


def shortened(text: str) -> str:
    """The text, cut at 40 characters: a message shows the value and stays one line.

    >>> shortened("9" * 50) == "9" * 40 + "…"
    True
    """
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


class Rational(click.ParamType[fmpq]):
    """A decimal or a fraction, read exactly."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> fmpq:
        """The rational number that the text writes."""
        if isinstance(value, fmpq):
            return value
        try:
            return number(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


class Integer(click.ParamType[int]):
    """An integer from ``least`` to ``most``, by default below 10^18.

    Args:
        least: 0 or 1.
        most: the largest integer allowed.
    """

    name = "integer"

    def __init__(self, least: int = 1, most: int = 10**_MOST_DIGITS - 1) -> None:
        self.least, self.most = least, most

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The integer."""
        if isinstance(value, int):
            return value
        text = str(value).strip()
        digits = text.removeprefix("+").lstrip("0")
        got = f"got {shortened(text)!r}"
        if not re.fullmatch(r"\+?[0-9]+", text) or int(digits[:1] or 0) < self.least:
            self.fail(f"must be an integer ≥ {self.least}, {got}", param, ctx)
        if len(digits) > _MOST_DIGITS or int(digits or 0) > self.most:
            allowed = (
                f"from {self.least} to {self.most}"
                if self.most < 10**_MOST_DIGITS - 1
                else f"≥ {self.least} below 10^{_MOST_DIGITS}"
            )
            self.fail(f"must be an integer {allowed}, {got}", param, ctx)
        return int(digits or 0)


class ListOf(click.ParamType[tuple[T, ...]]):
    """Values of one type, separated by commas; at most ``most`` where that is given."""

    def __init__(self, item: click.ParamType[T], most: int | None = None) -> None:
        self.item, self.most = item, most
        self.name = f"{item.name},…"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[T, ...]:
        """The values in their order."""
        if isinstance(value, tuple):
            return value
        parts = str(value).split(",")
        if self.most is not None and len(parts) > self.most:
            self.fail(f"must be at most {self.most} numbers, got {len(parts)}", param, ctx)
        return tuple(self.item.convert(part, param, ctx) for part in parts)


class ExistingFile(click.ParamType[Path]):
    """A file that is there. Whether it can be read is seen when it is."""

    name = "file"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """The path."""
        path = Path(value)
        if path.is_dir():
            self.fail(f"{path}: a folder, where a file is needed", param, ctx)
        if not path.exists():
            self.fail(f"{path}: no such file", param, ctx)
        return path


def options(*decorators: Callable[[F], F]) -> Callable[[F], F]:
    """Several options as one decorator, in this order."""

    def decorate(function: F) -> F:
        for decorator in reversed(decorators):
            function = decorator(function)
        return function

    return decorate


json_option = click.option("--json", "as_json", is_flag=True, help="Write JSON with stable keys.")

sizes = options(
    click.option("--dim", type=Integer(), required=True, help="d, the dimension of the covariates."),
    click.option("--context", type=Integer(), required=True, help="n, the number of labelled examples."),
)
