"""Exact rational matrices, and the error that says that an exact check failed.

Rational matrices are ``flint.fmpq_mat``, rational numbers ``flint.fmpq``.
References: [1] python-flint, https://python-flint.readthedocs.io.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flint import fmpq, fmpq_mat, fmpz, fmpz_mat

from icl_claims.theory.algebra.validation import rational


class Refuted(AssertionError):
    """An exact check found the statement false. Raised explicitly, so it survives ``python -O``."""


def identity(size: int) -> fmpq_mat:
    """The ``size`` × ``size`` identity."""
    return fmpq_mat([[int(i == j) for j in range(size)] for i in range(size)])


def diagonal(values: Iterable[Any]) -> fmpq_mat:
    """The diagonal matrix with these rational entries."""
    entries = [rational(f"values[{i}]", value) for i, value in enumerate(values)]
    if not entries:
        raise ValueError("values must hold at least one number, got none")
    return fmpq_mat([[x if i == j else 0 for j in range(len(entries))] for i, x in enumerate(entries)])


def trace(m: fmpq_mat) -> fmpq:
    """The trace of a square matrix."""
    return sum((m[i, i] for i in range(m.nrows())), fmpq(0))


def total(values: Iterable[fmpq]) -> fmpq:
    """The sum, in pairs: denominators that have nothing in common then grow as slowly as they can.

    >>> total([fmpq(1, 2), fmpq(1, 3), fmpq(1, 6)]), total([])
    (1, 0)
    """
    terms = list(values) or [fmpq(0)]
    while len(terms) > 1:
        terms = [sum(terms[i : i + 2], fmpq(0)) for i in range(0, len(terms), 2)]
    return terms[0]


def is_diagonal(m: fmpq_mat) -> bool:
    """Whether all entries off the diagonal are 0."""
    return all(m[i, j] == 0 for i in range(m.nrows()) for j in range(m.ncols()) if i != j)


def integer_trace(m: fmpz_mat) -> fmpz:
    """The trace of a square integer matrix."""
    return sum((m[i, i] for i in range(m.nrows())), fmpz(0))


def inner(a: fmpq_mat, b: fmpq_mat) -> fmpq:
    """⟨A, B⟩ = tr ABᵀ of two matrices of one shape, without their product.

    >>> inner(fmpq_mat([[1, fmpq(1, 2)]]), fmpq_mat([[3, 4]]))
    5
    """
    (left, left_unit), (right, right_unit) = a.numer_denom(), b.numer_denom()
    return fmpq(integer_inner(left, right), left_unit * right_unit)


def integer_inner(a: fmpz_mat, b: fmpz_mat) -> fmpz:
    """⟨A, B⟩ = tr ABᵀ of two integer matrices of one shape."""
    return sum((x * y for x, y in zip(a.entries(), b.entries(), strict=True)), fmpz(0))


def content(m: fmpz_mat) -> fmpz:
    """The greatest common divisor of the entries; 1 for the zero matrix.

    >>> content(fmpz_mat([[6, 0], [0, 9]]))
    3
    """
    common = fmpz(0)
    for x in m.entries():
        common = common.gcd(x)
        if common == 1:
            break
    return common or fmpz(1)


def divided(m: fmpz_mat, divisor: fmpz) -> fmpz_mat:
    """The matrix with each entry divided by a common divisor of all.

    Raises:
        ArithmeticError: it is none.
    """
    if divisor == 1:
        return m
    if content(m) % divisor:
        raise ArithmeticError(f"divisor must divide every entry, got {divisor}")
    return fmpz_mat(m.nrows(), m.ncols(), [x // divisor for x in m.entries()])
