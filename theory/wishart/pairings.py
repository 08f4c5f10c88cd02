"""E ∏ tr W^{k_i} by the definition: the sum over all pairings of the Gaussian entries.

tr W^k is a sum over indices of a product of 2k entries X_{ia}, in a ring in which neighbours share a
row index i and a column index a in turn. By Isserlis' theorem the expectation is a sum over the
(2K − 1)!! pairings of the 2K entries, K = Σ k_i. A pairing equates indices, and what is left free are
the cycles of "same row" with "paired", a factor d each, and of "same column" with "paired", a factor
n each. Exponential in K; the oracle that shares nothing with the other routes.

Reference: L. Isserlis (1918), On a formula for the product-moment coefficient of any order of a normal
frequency distribution in any number of variables, Biometrika 12, 134–139.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from icl_claims.theory.algebra.validation import natural_powers
from icl_claims.theory.wishart.sizes import RING, integer, sizes

LARGEST_DEGREE = 7
"""The largest Σ k_i: 135 135 pairings."""

Pairing = dict[int, int]


def trace_moment_pairings(
    powers: Sequence[int], dim: int | None = None, context_length: int | None = None
) -> Any:
    """E ∏_i tr(W^{k_i}) pairing by pairing; arguments and result as of :func:`icl_claims.theory.wishart.trace_moment`.

    Raises:
        TypeError: ``powers`` is no sequence of integers, or a size is no integer.
        ValueError: a power is negative, they sum to more than :data:`LARGEST_DEGREE`, or a size is below 1.

    >>> trace_moment_pairings([2])
    d^2*n + d*n^2 + d*n
    """
    d, n = sizes(dim, context_length)
    ks = natural_powers("powers", powers, LARGEST_DEGREE)
    if sum(ks) > LARGEST_DEGREE:
        raise ValueError(f"powers must sum to at most {LARGEST_DEGREE}, got {ks}")
    same_row, same_column = _rings(ks)
    counts = Counter(
        (_cycles(same_row, pairing), _cycles(same_column, pairing))
        for pairing in _pairings(tuple(same_row), {})
    )
    one = 1 if isinstance(d * n, int) else RING.constant(1)
    total = sum(count * d**rows * n**columns for (rows, columns), count in counts.items())
    return integer(total * d ** ks.count(0) * one)


def _rings(ks: Sequence[int]) -> tuple[Pairing, Pairing]:
    """Which entry shares its row index, and its column index, with which."""
    same_row: Pairing = {}
    same_column: Pairing = {}
    for k in ks:
        entries = range(len(same_row), len(same_row) + 2 * k)
        for i in range(0, 2 * k, 2):
            same_column[entries[i]], same_column[entries[i + 1]] = entries[i + 1], entries[i]
            same_row[entries[i - 1]], same_row[entries[i]] = entries[i], entries[i - 1]
    return same_row, same_column


def _pairings(entries: tuple[int, ...], chosen: Pairing) -> Iterator[Pairing]:
    if not entries:
        yield chosen
        return
    first, *others = entries
    for i, partner in enumerate(others):
        yield from _pairings((*others[:i], *others[i + 1 :]), {**chosen, first: partner, partner: first})


def _cycles(same: Pairing, paired: Pairing) -> int:
    """The number of cycles of the union of two perfect pairings."""
    unseen = set(same)
    count = 0
    while unseen:
        count += 1
        entry = unseen.pop()
        while (entry := paired[entry]) in unseen:
            unseen.discard(entry)
            entry = same[entry]
            unseen.discard(entry)
    return count
