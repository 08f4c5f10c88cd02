"""Values of a rational function, given as a SymPy expression, in any field.

A formula is typed once, in the letters in which it is printed; here it is evaluated at rational numbers, at balls or
at rational functions of other letters.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sympy


def value_at(expression: Any, values: Mapping[sympy.Symbol, Any], one: Any) -> Any:
    """The value of a rational function over ℚ where its letters take these values.

    Args:
        expression: made of the letters, rational numbers and the four operations.
        values: the value of each letter.
        one: the 1 of their field.

    Raises:
        ValueError: the expression holds another letter, or is no rational function.
        ZeroDivisionError: the denominator vanishes there.

    >>> from flint import fmpq
    >>> x = sympy.Symbol("x")
    >>> value_at((x + 1) / (2 * x), {x: fmpq(1, 3)}, fmpq(1))
    2
    """
    formula = sympy.sympify(expression)
    if unknown := formula.free_symbols - set(values):
        raise ValueError(f"expression must hold the letters of values only, got {sorted(map(str, unknown))}")
    numerator, denominator = (
        _polynomial(part, values, one) for part in sympy.fraction(sympy.together(formula))
    )
    return numerator / denominator


def _polynomial(part: Any, values: Mapping[sympy.Symbol, Any], one: Any) -> Any:
    letters = list(values)
    if not part.is_polynomial(*letters):
        raise ValueError(f"expression must be a rational function, got {part}")
    total = 0 * one
    for powers, c in sympy.Poly(part, *letters, domain=sympy.ZZ).terms():
        term = one * int(c)
        for letter, power in zip(letters, powers, strict=True):
            for _ in range(power):
                term = term * values[letter]
        total = total + term
    return total
