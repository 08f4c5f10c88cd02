"""The command line as its users meet it: what a line answers, shows or refuses, and how its numbers are read."""

from __future__ import annotations

import json
import math
import re
import shlex
from fractions import Fraction
from typing import Any

from click.testing import CliRunner
from sympy import Poly, Rational, Symbol, sympify

from icl_claims.claims import cli

a = Symbol("a")
"""The variable in which exact texts write polynomials."""


def answer(line: str) -> Any:
    """What ``icl-claims <line> --json`` writes."""
    result = CliRunner().invoke(cli.group, [*shlex.split(line), "--json"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def shown(line: str) -> dict[str, list[str]]:
    """What ``icl-claims <line>`` writes: the lines under each name."""
    result = CliRunner().invoke(cli.group, shlex.split(line), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    names: dict[str, list[str]] = {}
    for row in result.output.splitlines():
        name = row.split(" ")[0] or list(names)[-1]
        names.setdefault(name, []).append(row[row.index("  ") :].strip() if row[0] != " " else row.strip())
    return names


def refusal(line: str, capsys: Any) -> str:
    """What ``icl-claims <line>`` says on standard error: one line, with exit status 2 and no output."""
    assert cli.run(shlex.split(line)) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert "Traceback" not in captured.err
    return str(captured.err)


def same(number: float, text: str) -> bool:
    """Whether a float is the nearest one to an exact number."""
    return number == float(Fraction(text))


def half_a_unit(decimal: str) -> Fraction:
    """Half a unit in the last place of a decimal."""
    mantissa, _, exponent = decimal.partition("e")
    return Fraction(10) ** (int(exponent or 0) - len(mantissa.partition(".")[2])) / 2


def around(number: float | str) -> tuple[Fraction, Fraction]:
    """The ends of what rounds to a float64, or to a decimal."""
    if isinstance(number, str):
        return Fraction(number) - half_a_unit(number), Fraction(number) + half_a_unit(number)
    low, high = (Fraction(math.nextafter(number, end)) for end in (-math.inf, math.inf))
    return (low + Fraction(number)) / 2, (Fraction(number) + high) / 2


def rational(x: Fraction) -> Rational:
    """As SymPy's number."""
    return Rational(x.numerator, x.denominator)


def root_text(text: str) -> tuple[Poly, Fraction, Fraction]:
    """Polynomial and interval of ``root of … in [l, u]``, checked: the interval holds exactly one root."""
    match = re.fullmatch(r"root of (.*) in \[(\S+), (\S+)\]", text)
    assert match is not None, text
    polynomial, lower, upper = Poly(sympify(match[1]), a), Fraction(match[2]), Fraction(match[3])
    assert polynomial.count_roots(rational(lower), rational(upper)) == 1
    return polynomial, lower, upper


def holds_the_root(text: str, low: Fraction, high: Fraction) -> bool:
    """Whether the number that an exact text writes lies in [low, high]."""
    if not text.startswith("root"):
        return low <= Fraction(text) <= high
    polynomial, lower, upper = root_text(text)
    ends = rational(max(low, lower)), rational(min(high, upper))
    return ends[0] <= ends[1] and polynomial.count_roots(*ends) == 1


def assert_is_minimum(f: Poly, near: Rational, low: Fraction, high: Fraction) -> None:
    """The least value of a convex polynomial is above ``low``, never met, and below ``high``, met near by."""
    assert (f - rational(low)).count_roots() == 0
    assert f.eval(near) <= rational(high)
