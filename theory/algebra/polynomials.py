"""Polynomials as lists of coefficients, the lowest first, over any commutative ring.

Where a ring has a polynomial type of its own (``fmpq_poly``, ``arb_poly``), use that. These lists are for
coefficients that are themselves polynomials, balls or elements of a fraction field.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any


def product(p: Sequence[Any], q: Sequence[Any]) -> list[Any]:
    """The coefficients of the product of two polynomials, each with at least one coefficient.

    >>> product([1, -2], [1, 2, 4])
    [1, 0, 0, -8]
    """
    coefficients: list[Any] = [0 * p[0]] * (len(p) + len(q) - 1)
    for i, a in enumerate(p):
        for j, b in enumerate(q):
            coefficients[i + j] = coefficients[i + j] + a * b
    return coefficients


def inner_product(coefficients: Iterable[Any], moments: Iterable[Any], nothing: Any = 0) -> Any:
    """Σ_k c_k m_k, added to the ring's 0: the integral of Σ_k c_k sᵏ against a measure with the moments m_k.

    The sum ends with the shorter of the two: there may be more moments than coefficients.

    >>> inner_product([1, 0, 3], [2, 5, 7, 11])
    23
    """
    return sum((c * m for c, m in zip(coefficients, moments, strict=False)), nothing)
