"""Derivatives of polynomials of degree at most two in each variable, by central differences of width one.

For such a polynomial f, (f(x + 1) − f(x − 1))/2 is the slope in x and f(x + 1) − 2 f(x) + f(x − 1) the second
derivative, exactly; and the difference in one variable of the difference in another is the mixed derivative.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from flint import fmpq, fmpq_mat

Function = Callable[[Sequence[fmpq]], fmpq]


def slopes(f: Function, point: Sequence[fmpq]) -> list[fmpq]:
    """The gradient of f, of degree at most 2 in each variable.

    >>> slopes(lambda x: x[0] ** 2 * x[1], [fmpq(3), fmpq(5)])
    [30, 9]
    """
    return [(f(_moved(point, {i: 1})) - f(_moved(point, {i: -1}))) / 2 for i in range(len(point))]


def curvatures(f: Function, point: Sequence[fmpq]) -> fmpq_mat:
    """The Hessian of f, of degree at most 2 in each variable.

    >>> curvatures(lambda x: x[0] ** 2 * x[1], [fmpq(3), fmpq(5)]).tolist()
    [[10, 6], [6, 0]]
    """
    size, middle = len(point), f(point)
    found = fmpq_mat(size, size)
    for i in range(size):
        found[i, i] = f(_moved(point, {i: 1})) - 2 * middle + f(_moved(point, {i: -1}))
        for j in range(i):
            corners = (x * y * f(_moved(point, {i: x, j: y})) for x in (1, -1) for y in (1, -1))
            found[i, j] = found[j, i] = sum(corners, fmpq(0)) / 4
    return found


def _moved(point: Sequence[fmpq], by: dict[int, int]) -> list[fmpq]:
    return [x + by.get(i, 0) for i, x in enumerate(point)]
