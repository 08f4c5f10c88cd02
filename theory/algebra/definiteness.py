"""Whether a symmetric matrix is positive definite: decided exactly over ℚ, certainly or not at all in balls.

Over ℚ ball arithmetic is tried first; where no precision decides, the signs of the characteristic polynomial do: a
symmetric rational matrix is positive semidefinite exactly when the coefficients of that polynomial alternate in sign.
"""

from __future__ import annotations

from collections.abc import Iterator
from threading import RLock

from flint import arb_mat, ctx, fmpq_mat

_PRECISIONS = (128, 1024)
"""Bits at which :func:`definite_by_balls` is tried before the exact route, which is slower."""

_lock = RLock()


def is_positive_definite(m: fmpq_mat) -> bool:
    """Whether a symmetric rational matrix is positive definite."""
    decided = _definite_at_some_precision(m)
    return _alternates(m) and m.det() != 0 if decided is None else decided


def is_positive_semidefinite(m: fmpq_mat) -> bool:
    """Whether a symmetric rational matrix is positive semidefinite.

    >>> is_positive_semidefinite(fmpq_mat([[1, 1], [1, 1]])), is_positive_semidefinite(fmpq_mat([[1, 2], [2, 1]]))
    (True, False)
    """
    decided = _definite_at_some_precision(m)
    return _alternates(m) if decided is None else decided


def definite_by_balls(m: fmpq_mat, precision: int) -> bool | None:
    """Whether a symmetric matrix is positive definite; None where this precision does not decide it.

    Args:
        m: symmetric, rational; the caller answers for symmetry.
        precision: bits of the ball arithmetic.

    >>> definite_by_balls(fmpq_mat([[2, 0], [0, 1]]), 64), definite_by_balls(fmpq_mat([[2, 0], [0, -1]]), 64)
    (True, False)
    >>> definite_by_balls(fmpq_mat([[2, 0], [0, 0]]), 64) is None
    True
    """
    # The working precision is global. Whatever it is, balls enclose; too low a one only fails to decide.
    with _lock, ctx.workprec(precision):
        return certain_definiteness(arb_mat(m))


def certain_definiteness(balls: arb_mat) -> bool | None:
    """True if every symmetric matrix with entries in the balls is positive definite, False if none is, else None.

    A symmetric matrix with blocks A, B, Bᵀ, C and det A ≠ 0 has the inertia of A together with that of
    C − Bᵀ A⁻¹ B (Haynsworth). So if halving it again and again meets no singular block, it has as many positive
    and negative eigenvalues as the 1 × 1 blocks that remain have signs. Carried out in balls,
    which hold the true blocks: a ball without 0 proves its sign, and one with 0 leaves all undecided.

    Args:
        balls: with a symmetric matrix in them; at the working precision.

    >>> certain_definiteness(arb_mat([[2, 1], [1, 1]])), certain_definiteness(arb_mat([[-1, 0], [0, 1]]))
    (True, False)
    """
    try:
        signs = list(_pivot_signs(balls))
    except ZeroDivisionError:  # a block that may be singular
        return None
    return None if 0 in signs else -1 not in signs


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
    return all((-1) ** k * c >= 0 for k, c in enumerate(reversed(m.charpoly().coeffs())))
