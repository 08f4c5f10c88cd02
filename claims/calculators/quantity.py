"""A number of an answer: what it is, and how it is written exactly."""

from __future__ import annotations

from typing import NamedTuple

from flint import fmpq

from icl_claims.numerics.rounding import Enclosed
from icl_claims.theory.algebra import validation
from icl_claims.theory.algebra.algebraic import number, square_root


class Quantity(NamedTuple):
    """A real number, with its exact text where it has one.

    Attributes:
        value: the number itself, as an enclosure that can be narrowed.
        exactly: how it is written exactly; None where no short text says it.
        bound: whether it is an upper bound, so that decimals round up.
    """

    value: Enclosed
    exactly: str | None = None
    bound: bool = False


def rational(value: fmpq) -> Quantity:
    """A rational number, written as p/q.

    >>> rational(fmpq(3, 4)).exactly
    '3/4'
    """
    return Quantity(number(value), str(value))


def measured(value: fmpq) -> Quantity:
    """A rational number that is as long as the weights it comes from: shown in decimals only."""
    return Quantity(number(value))


def root(square: fmpq) -> Quantity:
    """The square root of a rational number ≥ 0."""
    return Quantity(square_root(square))


def upper_bound(value: float) -> Quantity:
    """A float64 that bounds a number from above."""
    return Quantity(number(validation.rational("bound", value)), bound=True)
