"""Values of printed formulas: matrices over any ring, norms by their squares, numbers that are printed rounded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce, total_ordering
from operator import add, mul
from typing import Any, Literal

from flint import fmpq, fmpq_mat, fmpq_mpoly, fmpq_poly
from flint.utils.flint_exceptions import DomainError


class Undefined(ValueError):
    """A formula that has no value in an environment: a symbol without a meaning, sizes that do not fit."""


NO_VALUE = (DomainError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What arithmetic on values that do not fit raises."""


class Matrix:
    """A matrix over any commutative ring, as rows."""

    def __init__(self, rows: Any) -> None:
        nested = rows.tolist() if isinstance(rows, fmpq_mat) else rows
        self.rows = tuple(tuple(scalar(x) for x in row) for row in nested)
        self.shape = len(self.rows), len(self.rows[0])

    @classmethod
    def column(cls, entries: Sequence[Any]) -> Matrix:
        """The entries as a column."""
        return cls([[x] for x in entries])

    @property
    def T(self) -> Matrix:
        """The transpose."""
        return Matrix(list(zip(*self.rows, strict=True)))

    def entries(self) -> list[Any]:
        """Row by row."""
        return [x for row in self.rows for x in row]

    def map(self, function: Callable[[Any], Any]) -> Matrix:
        """Entry by entry."""
        return Matrix([[function(x) for x in row] for row in self.rows])

    def __add__(self, other: Matrix) -> Matrix:
        if self.shape != other.shape:
            raise Undefined(f"a sum of matrices of shapes {self.shape} and {other.shape}")
        return Matrix([list(map(add, *rows)) for rows in zip(self.rows, other.rows, strict=True)])

    def __matmul__(self, other: Matrix) -> Matrix:
        if self.shape[1] != other.shape[0]:
            raise Undefined(f"a product of matrices of shapes {self.shape} and {other.shape}")
        columns = other.T.rows
        return Matrix([[reduce(add, map(mul, row, column)) for column in columns] for row in self.rows])

    def inverse(self) -> Matrix:
        """The inverse of a rational matrix."""
        matrix = fmpq_mat([list(row) for row in self.rows])
        if self.shape[0] != self.shape[1] or matrix.det() == 0:
            raise Undefined("a matrix without inverse is inverted")
        return Matrix(matrix.inv())

    def trace(self) -> Any:
        """The trace."""
        if self.shape[0] != self.shape[1]:
            raise Undefined(f"the trace of a matrix of shape {self.shape}")
        return reduce(add, (row[i] for i, row in enumerate(self.rows)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Matrix) and self.rows == other.rows

    __hash__ = None  # type: ignore[assignment]


@total_ordering
@dataclass(frozen=True)
class Root:
    """√square, for a rational square ≥ 0: what a norm is."""

    square: fmpq

    def __lt__(self, other: Root) -> bool:
        return bool(self.square < other.square)


@dataclass(frozen=True)
class Rounded:
    """A real number between two rationals, which a numeral prints rounded: to nearest, down or up.

    With ``bound`` "down" or "up" the numeral is a bound: the last one of its length below, or above, the number.
    """

    lower: fmpq
    upper: fmpq
    bound: Literal["nearest", "down", "up"] = "nearest"

    @classmethod
    def of(cls, value: Any, bound: Literal["nearest", "down", "up"] = "nearest") -> Rounded:
        """From a rational number, or from anything with ends ``lower`` and ``upper``."""
        return cls(getattr(value, "lower", value), getattr(value, "upper", value), bound)

    def agrees(self, value: fmpq, unit: fmpq) -> bool:
        """Whether the whole enclosure rounds to ``value``, printed in units of its last digit."""
        below, above = {"nearest": (unit / 2, unit / 2), "down": (fmpq(0), unit), "up": (unit, fmpq(0))}[
            self.bound
        ]
        return bool(value - below <= self.lower and self.upper <= value + above)


@dataclass(frozen=True)
class Shape:
    """The space of matrices of a shape."""

    rows: int
    cols: int


class Several(tuple[Any, ...]):
    """Values printed as a list without brackets."""


def scalar(value: Any) -> Any:
    """Integers as rational numbers; everything else as it is."""
    return fmpq(value) if isinstance(value, int) and not isinstance(value, bool) else value


def same(a: Any, b: Any) -> bool:
    """Equality of exact values. The number 0 equals a zero matrix, and a 1 × 1 matrix its entry."""
    a, b = scalar(a), scalar(b)
    if isinstance(a, Matrix) != isinstance(b, Matrix):
        a, b = (a, b) if isinstance(a, Matrix) else (b, a)
        if a.shape == (1, 1):
            return same(a.rows[0][0], b)
        return b == 0 and all(x == 0 for x in a.entries())
    if isinstance(a, fmpq_poly | fmpq_mpoly) or isinstance(b, fmpq_poly | fmpq_mpoly):
        return bool(a - b == 0)
    return bool(a == b)


def plus(a: Any, b: Any) -> Any:
    """a + b. A column of length 1 counts as its entry."""
    if isinstance(a, Matrix) != isinstance(b, Matrix):
        a, b = (x.rows[0][0] if isinstance(x, Matrix) and x.shape == (1, 1) else x for x in (a, b))
    return a + b


def times(a: Any, b: Any) -> Any:
    """a b: of matrices, of numbers, or of a number and a matrix. A 1 × 1 matrix counts as its entry."""
    if isinstance(a, tuple) or isinstance(b, tuple):
        raise Undefined("a product with a tuple")
    if isinstance(a, Matrix) and isinstance(b, Matrix):
        if a.shape[1] == b.shape[0]:
            return a @ b
        a, b = (x.rows[0][0] if x.shape == (1, 1) else x for x in (a, b))
        if isinstance(a, Matrix) and isinstance(b, Matrix):
            raise Undefined(f"a product of matrices of shapes {a.shape} and {b.shape}")
    if isinstance(a, Matrix) or isinstance(b, Matrix):
        matrix, number = (a, b) if isinstance(a, Matrix) else (b, a)
        return matrix.map(lambda x: x * number)
    return a * b
