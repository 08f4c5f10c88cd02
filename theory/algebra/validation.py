"""Every check of an argument that a user passes in: one clear error that names it, its value and what is allowed.

Numbers become ``flint.fmpq``, matrices ``flint.fmpq_mat``; nothing is rounded.
"""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from flint import fmpq, fmpq_mat, fmpz

from icl_claims.theory.algebra.definiteness import is_positive_semidefinite


def rational(name: str, value: Any) -> fmpq:
    """The exact rational number that ``value`` is.

    A float counts as the dyadic rational that it is (0.5 is 1/2; 0.1 is
    3602879701896397/36028797018963968): write ``"0.1"`` or ``Fraction(1, 10)`` for a tenth.

    Raises:
        TypeError: ``value`` is no real number (a bool is none).
        ValueError: it is NaN, infinite, or text that is no number.

    >>> rational("step", "0.1"), rational("step", 0.5)
    (1/10, 1/2)
    """
    if isinstance(value, fmpq | fmpz):
        return fmpq(value)
    if isinstance(value, bool):
        raise TypeError(f"{name} must be a real number, got the bool {value!r}")
    if isinstance(value, numbers.Rational):
        return fmpq(int(value.numerator), int(value.denominator))
    try:
        if isinstance(value, str | Decimal):
            fraction = Fraction(value)
        elif isinstance(value, numbers.Real):
            fraction = Fraction(float(value))
        else:
            raise TypeError(f"{name} must be a real number, got {value!r} of type {type(value).__name__}")
    except (ValueError, OverflowError, ZeroDivisionError):
        raise ValueError(f"{name} must be a finite number, got {value!r}") from None
    return fmpq(fraction.numerator, fraction.denominator)


def positive_integer(name: str, value: Any) -> int:
    """``value`` as an int of at least 1.

    Raises:
        TypeError: it is no integer (bools and floats are none).
        ValueError: it is below 1.
    """
    if isinstance(value, bool) or not isinstance(value, numbers.Integral | fmpz):
        raise TypeError(f"{name} must be an integer ≥ 1, got {value!r} of type {type(value).__name__}")
    if value < 1:
        raise ValueError(f"{name} must be an integer ≥ 1, got {value!r}")
    return int(value)


def bounded_integer(name: str, value: Any, most: int) -> int:
    """``value`` as an int from 1 to ``most``.

    Raises:
        TypeError: it is no integer (bools and floats are none).
        ValueError: it is below 1 or above ``most``.

    >>> bounded_integer("layers", 7, 6)
    Traceback (most recent call last):
        ...
    ValueError: layers must be an integer from 1 to 6, got 7
    """
    count = positive_integer(name, value)
    if count > most:
        raise ValueError(f"{name} must be an integer from 1 to {most}, got {count}")
    return count


def natural(name: str, value: Any, most: int) -> int:
    """``value`` as an int from 0 to ``most``.

    Raises:
        TypeError: it is no integer (bools and floats are none).
        ValueError: it is negative or above ``most``.
    """
    allowed = f"{name} must be an integer from 0 to {most}, got {value!r}"
    if isinstance(value, bool) or not isinstance(value, numbers.Integral | fmpz):
        raise TypeError(f"{allowed} of type {type(value).__name__}")
    number = int(value)
    if not 0 <= number <= most:
        raise ValueError(allowed)
    return number


def natural_powers(name: str, value: Any, most: int) -> tuple[int, ...]:
    """The powers k_i of a product of traces, zeros and order kept.

    Raises:
        TypeError: ``value`` is no sequence (or array) of integers.
        ValueError: a power is negative or above ``most``.
    """
    entries = value.tolist() if hasattr(value, "tolist") else value
    if not isinstance(entries, Sequence) or isinstance(entries, str | bytes):
        raise TypeError(f"{name} must be a sequence of integers ≥ 0, got {value!r}")
    return tuple(natural(f"{name}[{i}]", k, most) for i, k in enumerate(entries))


def matrix(name: str, value: Any, shape: tuple[int, int] | None = None) -> Any:
    """The exact rational matrix that ``value`` (nested sequences, an array, a ``fmpq_mat``) is.

    Raises:
        TypeError: an entry is no real number, or ``value`` is no matrix.
        ValueError: the rows differ in length, there are none, the shape is not ``shape``, or an
            entry is NaN or infinite.
    """
    if not isinstance(value, fmpq_mat):
        nested = value.tolist() if hasattr(value, "tolist") else value
        if not _is_sequence(nested) or not all(_is_sequence(row) for row in nested):
            raise TypeError(f"{name} must be a matrix (a sequence of rows), got {value!r}")
        rows = [[rational(f"{name}[{i}][{j}]", x) for j, x in enumerate(row)] for i, row in enumerate(nested)]
        if not rows or not rows[0] or len({len(row) for row in rows}) != 1:
            raise ValueError(f"{name} must have rows of one length, at least 1 × 1, got {value!r}")
        value = fmpq_mat(rows)
    if shape is not None and (value.nrows(), value.ncols()) != shape:
        raise ValueError(
            f"{name} must be of shape {shape[0]} × {shape[1]}, got {value.nrows()} × {value.ncols()}"
        )
    return value


def vector(name: str, value: Any, size: int | None = None) -> list[fmpq]:
    """The exact rational numbers that ``value`` (a sequence or an array) holds, ``size`` of them if that is given.

    Raises:
        TypeError, ValueError: ``value`` is no sequence of ``size`` finite real numbers.
    """
    entries = value.tolist() if hasattr(value, "tolist") else value
    if not _is_sequence(entries):
        wanted = "numbers" if size is None else f"{size} numbers"
        raise TypeError(f"{name} must be a sequence of {wanted}, got {value!r}")
    if size not in (None, len(entries)):
        raise ValueError(f"{name} must hold {size} numbers, got {len(entries)}")
    return [rational(f"{name}[{i}]", x) for i, x in enumerate(entries)]


def is_vector(value: Any) -> bool:
    """Whether ``value`` (a sequence or an array) has one axis: no item of it is a sequence, and there is one.

    >>> is_vector([2, "1/2"]), is_vector([[2]]), is_vector([])
    (True, False, False)
    """
    items = value.tolist() if hasattr(value, "tolist") else value
    return _is_sequence(items) and len(items) > 0 and not any(map(_is_sequence, items))


def semidefinite(name: str, value: Any, size: int | None = None) -> fmpq_mat:
    """``value`` as a symmetric positive semidefinite rational matrix, checked exactly.

    A symmetric rational matrix is positive semidefinite exactly when the coefficients of its
    characteristic polynomial alternate in sign: no tolerance is involved.

    Raises:
        TypeError, ValueError: see :func:`matrix`; or it is not square, not symmetric, or indefinite.
    """
    m = matrix(name, value)
    if m.nrows() != m.ncols() or size not in (None, m.nrows()):
        wanted = "square" if size is None else f"{size} × {size}"
        raise ValueError(f"{name} must be {wanted}, got {m.nrows()} × {m.ncols()}")
    for i in range(m.nrows()):
        for j in range(i):
            if m[i, j] != m[j, i]:
                raise ValueError(
                    f"{name} must be symmetric, got {m[i, j]} at [{i}][{j}], {m[j, i]} at [{j}][{i}]"
                )
    if not is_positive_semidefinite(m):
        raise ValueError(f"{name} must be positive semidefinite, got the indefinite matrix {m.tolist()}")
    return m


def _is_sequence(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)
