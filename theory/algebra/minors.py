r"""Determinants in any commutative ring, and definiteness by leading minors.

**Sylvester's criterion.** A symmetric real matrix is positive definite if and only if its leading minors, the
determinants of its top left k × k blocks for k = 1, …, size, are all positive. So whatever can show that a number is
positive can show that a matrix is positive definite: a comparison of rational numbers, or a rational function whose
numerator and denominator have positive coefficients. Matrices of rational numbers and of balls are decided
faster by :mod:`icl_claims.theory.algebra.definiteness`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import sympy
from sympy.polys.fields import FracElement

Rows = Sequence[Sequence[Any]]


def determinant(rows: Rows, one: Any) -> Any:
    """The determinant of a square matrix, without divisions.

    Expansion along the rows, each minor of the last k rows computed once: size · 2^size products, for
    matrices of at most about ten rows.

    Args:
        rows: the matrix, over any commutative ring; without rows its determinant is 1.
        one: the 1 of the ring.

    Raises:
        ValueError: the matrix is not square.

    >>> determinant([[1, 2], [3, 4]], 1)
    -2
    """
    size = len(rows)
    if any(len(row) != size for row in rows):
        raise ValueError(
            f"rows must be a square matrix, got {size} rows of {[len(row) for row in rows]} entries"
        )

    @cache
    def minor(columns: tuple[int, ...]) -> Any:
        """Of the last rows, as many as there are columns."""
        if not columns:
            return one
        row, total = rows[size - len(columns)], 0 * one
        for place, j in enumerate(columns):
            term = row[j] * minor(columns[:place] + columns[place + 1 :])
            total = total - term if place % 2 else total + term
        return total

    return minor(tuple(range(size)))


def leading_minors(rows: Rows, one: Any) -> list[Any]:
    """The determinants of the top left k × k blocks, k = 1, …, size, over any commutative ring.

    >>> leading_minors([[2, 1], [1, 1]], 1)
    [2, 1]
    """
    return [determinant([row[:k] for row in rows[:k]], one) for k in range(1, len(rows) + 1)]


def has_positive_minors(rows: Rows, one: Any, is_positive: Callable[[Any], bool]) -> bool:
    """Whether all leading minors are shown to be positive: the symmetric matrix is then positive definite.

    Args:
        rows: the matrix; the caller answers for its symmetry.
        one: the 1 of the ring.
        is_positive: must be true only of what is certainly positive; False may mean undecided.

    >>> has_positive_minors([[2, 1], [1, 1]], 1, lambda x: x > 0)
    True
    """
    return all(is_positive(minor) for minor in leading_minors(rows, one))


def is_positive(value: FracElement, least: Mapping[str, int], fixed: Mapping[str, int] | None = None) -> bool:
    """Whether a rational function is shown to be positive for all variables ≥ their least values.

    Numerator and denominator, as polynomials in the variables less these values, have no negative coefficient
    and a positive constant term.

    Args:
        value: over ℚ.
        least: the least value of each variable.
        fixed: variables to set to numbers first, in lowest terms.

    Raises:
        ValueError: the function holds a variable that is neither fixed nor has a least value.

    >>> from icl_claims.theory.algebra.words import d, n
    >>> is_positive((n - 1) / d, {"n": 2, "d": 1}), is_positive((n - 1) / d, {"n": 1, "d": 1})
    (True, False)
    """
    ends = [value.numer, value.denom]
    ring = value.numer.ring
    if fixed:
        start = {sympy.Symbol(name): number for name, number in fixed.items()}
        lowest = sympy.fraction(sympy.cancel(value.as_expr().subs(start)))
        ends = [ring.from_expr(end) for end in lowest]
    shift = [(x, x + least[str(x)]) for x in ring.gens if str(x) in least]
    return all(_has_positive_coefficients(end.compose(shift), set(least)) for end in ends)


def _has_positive_coefficients(polynomial: Any, variables: set[str]) -> bool:
    """Whether no coefficient is negative and the constant term is positive.

    Raises:
        ValueError: the polynomial holds another variable, whose sign is not known.
    """
    gens = polynomial.ring.gens
    used = {str(gens[i]) for powers in polynomial.itermonoms() for i, power in enumerate(powers) if power}
    if unknown := used - variables:
        raise ValueError(
            f"least must name every variable of the value, not found: {', '.join(sorted(unknown))}"
        )
    return bool(polynomial.coeff(1) > 0) and all(c > 0 for c in polynomial.itercoeffs())
