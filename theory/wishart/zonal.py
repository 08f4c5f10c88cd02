"""E tr W^k as a sum over partitions, from zonal polynomials: the second route to the recurrence.

The power sum p_k is a combination of zonal polynomials Z_λ, λ ⊢ k, and E Z_λ(W) has the product form
∏_{s∈λ} (d + c(s))(n + c(s)), where c(s) = 2(j − 1) − (i − 1) is the content of the box s in row i and
column j. The coefficients of p_k give [1, 2]

    E tr W^k = Σ_{λ ⊢ k} (2k/H(2λ)) ∏_{s ≠ (1,1)} c(s) · ∏_s (d + c(s))(n + c(s)),

H(2λ) the product of the hook lengths of 2λ = (2λ_1, 2λ_2, …). The box (3, 2) has content zero, so that
only λ = (a, b, 1^c) remain: O(k²) terms. As (2k)!/H(2λ) = f^{2λ} is the number of standard Young
tableaux of shape 2λ, (2k − 1)! times the sum is a sum of integers.

References:
    [1] P. J. Hanlon, R. P. Stanley, J. R. Stembridge (1992), Some combinatorial aspects of the spectra of
        normally distributed random matrices, Contemp. Math. 138, 151–174.
    [2] I. G. Macdonald (1995), Symmetric Functions and Hall Polynomials, 2nd ed., VI.10 and VII.2.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import accumulate
from math import factorial
from operator import mul
from typing import Any

from icl_claims.theory.algebra.validation import natural
from icl_claims.theory.wishart.sizes import integer, sizes, sum_and_product

LARGEST_POWER = 150
"""The largest power: at k = 60, a fraction of a second with numbers and seconds with symbols."""


def trace_moment_zonal(k: int, dim: int | None = None, context_length: int | None = None) -> Any:
    """E tr W^k by the zonal sum, W = XXᵀ, X of d × n independent standard normal entries.

    Args:
        k: from 0 to :data:`LARGEST_POWER`.
        dim: d ≥ 1, or None for a symbol.
        context_length: n ≥ 1, or None for a symbol.

    Returns:
        An ``fmpz``; where a size is None, a polynomial of :data:`~icl_claims.theory.wishart.RING`.

    Raises:
        TypeError, ValueError: an argument is no integer of its range.

    >>> trace_moment_zonal(2, 2, 3), trace_moment_zonal(2)
    (36, d^2*n + d*n^2 + d*n)
    """
    d, n = sizes(dim, context_length)
    k = natural("k", k, LARGEST_POWER)
    if k == 0:
        return integer(d)
    s, p, back = sum_and_product(d, n)
    first = _products(range(0, 2 * k, 2), s, p)
    second = _products(range(-1, k, 2), s, p)
    below = _products(range(-2, -k, -1), s, p)
    by_first_row: dict[int, Any] = defaultdict(int)
    for a, b, c in shapes(k):
        by_first_row[a] += weight((a, b, c)) * (second[b] * below[c])
    return back(sum(first[a] * inner for a, inner in by_first_row.items()) // factorial(2 * k - 1))


def shapes(k: int) -> Iterator[tuple[int, int, int]]:
    """The (a, b, c) with a + b + c = k that are partitions (a, b, 1^c), b = 0 only with c = 0."""
    yield k, 0, 0
    for b in range(1, k // 2 + 1):
        for c in range(k - 2 * b + 1):
            yield k - b - c, b, c


def weight(shape: tuple[int, int, int]) -> int:
    """(2k)!/H(2λ) · ∏_{s ≠ (1,1)} c(s), by arms, legs and contents of the boxes of λ = (a, b, 1^c)."""
    rows = [part for part in (*shape[:2], *[1] * shape[2]) if part]
    columns = [sum(part > j for part in rows) for j in range(rows[0])]
    hooks, contents = 1, 1
    for i, part in enumerate(rows):
        for j in range(part):
            arm, leg = part - j - 1, columns[j] - i - 1
            hooks *= (2 * arm + leg + 1) * (2 * arm + leg + 2)
            contents *= 2 * j - i if i or j else 1
    return factorial(2 * sum(rows)) // hooks * contents


def _products(contents: range, s: Any, p: Any) -> list[Any]:
    """∏ (d + c)(n + c) over the first 0, 1, 2, … contents c; a factor is p + cs + c²."""
    return list(accumulate((p + c * s + c * c for c in contents), mul, initial=s**0))
