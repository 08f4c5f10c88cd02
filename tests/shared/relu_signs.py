"""An independent route for ReLU attention at d = 1: the layer literally, sign pattern by sign pattern.

Each variable is its sign times its absolute value. On one pattern of signs every score is a polynomial in
positive variables, of one sign, so the ReLU is known; a monomial in absolute values of independent normal
variables is averaged by E|g|^k. Odd k bring factors √(2/π), which must cancel where the result is rational. No
symmetry of a law and no thinning of examples is used.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import product
from math import factorial, prod
from typing import Any

from flint import fmpq
from sympy import QQ
from sympy.polys.rings import ring

from tests.shared.coordinates import gaussian, rational_rows


def absolute_gaussian(k: int) -> int:
    """E|g|^k for even k; for odd k the factor of √(2/π) in it."""
    return gaussian(k) if k % 2 == 0 else 2 ** (k // 2) * factorial(k // 2)


def relu(polynomial: Any) -> Any:
    """max(p, 0) for a polynomial in positive variables whose terms have one sign.

    Raises:
        ValueError: its terms have both signs, so that its sign is not known.
    """
    coefficients = [c for _, c in polynomial.terms()]
    if all(c >= 0 for c in coefficients):
        return polynomial
    if all(c <= 0 for c in coefficients):
        return polynomial * 0
    raise ValueError(f"the sign of a score must be known on an orthant, got {polynomial}")


def literal_loss(
    n: int,
    P: Sequence[Sequence[Any]],
    Q: Sequence[Sequence[Any]],
    *,
    slot: int = 0,
    task_is_first: bool = False,
) -> fmpq:
    """E[(TF_1 − ⟨w, x_q⟩)²] of a layer of ReLU attention at d = 1, with x, x_q, w ~ N(0, 1).

    Args:
        n: number of examples.
        P, Q: 2 × 2.
        slot: the query's label slot.
        task_is_first: whether w is x_1 instead of a variable of its own.

    Raises:
        ValueError: a score has no definite sign on some orthant, or the result is not rational.
    """
    names = [*(f"x{i}" for i in range(n)), "q", *([] if task_is_first else ["w"])]
    algebra, *sizes = ring(names, QQ)
    p, q = rational_rows(P), rational_rows(Q)
    total: Counter[int] = Counter()
    for signs in product((1, -1), repeat=len(names)):
        values = [sign * size for sign, size in zip(signs, sizes, strict=True)]
        x, query, w = values[:n], values[n], values[0] if task_is_first else values[-1]
        column = [query, algebra(slot)]
        attended = algebra(0)
        for z in ([x_i, w * x_i] for x_i in x):
            score = sum(z[a] * q[a][b] * column[b] for a in range(2) for b in range(2))
            attended += (p[1][0] * z[0] + p[1][1] * z[1]) * relu(score)
        error = column[1] + attended * QQ(1, n) + w * query
        for powers, c in (error**2).terms():
            moment = fmpq(int(c.numerator), int(c.denominator)) * prod(map(absolute_gaussian, powers))
            total[sum(k % 2 for k in powers)] += moment / 2 ** len(names)
    if any(total[odd] for odd in total if odd):
        raise ValueError(f"the loss must be rational, got powers of √(2/π) with {dict(total)}")
    return fmpq(total[0])
