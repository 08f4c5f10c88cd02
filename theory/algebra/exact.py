"""Exact numbers and rational matrices: what every closed form of the suite is computed with.

Rational matrices are ``flint.fmpq_mat``, rational numbers ``flint.fmpq``. All validation of numbers
that users pass in is here. References: [1] python-flint, https://python-flint.readthedocs.io.
"""

from __future__ import annotations

import numbers
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from fractions import Fraction
from threading import RLock
from typing import Any

from flint import arb_mat, ctx, fmpq, fmpq_mat, fmpz, fmpz_mat

_PRECISIONS = (128, 1024)
"""Bits at which :func:`definite_by_balls` is tried before the exact route, which is slower."""

_lock = RLock()


class Refuted(AssertionError):
    """An exact check found the statement false. Raised explicitly, so it survives ``python -O``."""


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
    decided = _definite_at_some_precision(m)
    if not (_alternates(m) if decided is None else decided):
        raise ValueError(f"{name} must be positive semidefinite, got the indefinite matrix {m.tolist()}")
    return m


def is_positive_definite(m: fmpq_mat) -> bool:
    """Whether a symmetric rational matrix is positive definite."""
    decided = _definite_at_some_precision(m)
    return _alternates(m) and m.det() != 0 if decided is None else decided


def definite_by_balls(m: fmpq_mat, precision: int) -> bool | None:
    """Whether a symmetric matrix is positive definite; None where this precision does not decide it.

    A symmetric matrix with blocks A, B, Bᵀ, C and det A ≠ 0 has the inertia of A together with that of
    C − Bᵀ A⁻¹ B (Haynsworth). So if halving it again and again meets no singular block, it has as many positive
    and negative eigenvalues as the 1 × 1 blocks that remain have signs. Carried out in balls,
    which hold the true blocks: a ball without 0 proves its sign, and one with 0 leaves all undecided.

    Args:
        m: symmetric, rational; the caller answers for symmetry.
        precision: bits of the ball arithmetic.

    >>> definite_by_balls(diagonal([2, 1]), 64), definite_by_balls(diagonal([2, -1]), 64)
    (True, False)
    >>> definite_by_balls(diagonal([2, 0]), 64) is None
    True
    """
    # The working precision is global. Whatever it is, balls enclose; too low a one only fails to decide.
    with _lock, ctx.workprec(precision):
        try:
            signs = list(_pivot_signs(arb_mat(m)))
        except ZeroDivisionError:  # a block that may be singular
            return None
    return None if 0 in signs else -1 not in signs


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


def _definite_at_some_precision(m: fmpq_mat) -> bool | None:
    decisions = (definite_by_balls(m, precision) for precision in _PRECISIONS)
    return next((decided for decided in decisions if decided is not None), None)


def _pivot_signs(m: arb_mat) -> Iterator[int]:
    """The certain signs of the 1 × 1 blocks that halving leaves, 0 where a sign is not certain."""
    size = m.nrows()
    if size == 1:
        yield int(bool(m[0, 0] > 0)) - int(bool(m[0, 0] < 0))
        return
    half, end = range(size // 2), range(size // 2, size)
    top, side, rest = _part(m, half, half), _part(m, half, end), _part(m, end, end)
    yield from _pivot_signs(top)
    yield from _pivot_signs(rest - side.transpose() * top.solve(side))


def _part(m: arb_mat, rows: range, columns: range) -> arb_mat:
    return arb_mat([[m[i, j] for j in columns] for i in rows])


def _alternates(m: fmpq_mat) -> bool:
    coefficients = m.charpoly().coeffs()
    degree = len(coefficients) - 1
    return all((-1) ** (degree - k) * c >= 0 for k, c in enumerate(coefficients))


def _is_sequence(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)
