"""Values of rational functions: in several fields, and what is refused."""

import pytest
import sympy
from flint import arb, fmpq

from icl_claims.theory.algebra.rational_functions import value_at
from icl_claims.theory.algebra.words import FIELD, d, n

x, y = sympy.symbols("x y")


def test_the_same_formula_in_three_fields() -> None:
    formula = (x**2 - y / 3) / (x + 1)
    assert value_at(formula, {x: fmpq(2), y: fmpq(5)}, fmpq(1)) == fmpq(7, 9)
    assert value_at(formula, {x: n, y: d}, FIELD.one) == (n**2 - d / 3) / (n + 1)
    assert value_at(formula, {x: arb(2), y: arb(5)}, arb(1)).overlaps(arb(7) / 9)


def test_another_letter_is_an_error() -> None:
    with pytest.raises(ValueError, match="the letters of values only"):
        value_at(x + y, {x: fmpq(1)}, fmpq(1))


def test_what_is_no_rational_function_is_an_error() -> None:
    with pytest.raises(ValueError, match="must be a rational function"):
        value_at(sympy.sqrt(x), {x: fmpq(1)}, fmpq(1))


def test_a_pole_is_an_error() -> None:
    with pytest.raises(ZeroDivisionError):
        value_at(1 / (x - 1), {x: fmpq(1)}, fmpq(1))
