"""Partitions and compositions of an integer, listed."""

from __future__ import annotations

from collections.abc import Iterator


def partitions(size: int, largest: int | None = None) -> list[tuple[int, ...]]:
    """The partitions of ``size`` ≥ 0 into parts of at most ``largest``, parts descending.

    >>> partitions(4)
    [(4,), (3, 1), (2, 2), (2, 1, 1), (1, 1, 1, 1)]
    >>> partitions(4, largest=2)
    [(2, 2), (2, 1, 1), (1, 1, 1, 1)]
    """
    if size == 0:
        return [()]
    top = size if largest is None else min(size, largest)
    return [(part, *rest) for part in range(top, 0, -1) for rest in partitions(size - part, part)]


def compositions(size: int) -> Iterator[tuple[int, ...]]:
    """The compositions of ``size`` ≥ 0: sequences of integers ≥ 1 with this sum.

    >>> list(compositions(3))
    [(1, 1, 1), (1, 2), (2, 1), (3,)]
    """
    if size == 0:
        yield ()
    for first in range(1, size + 1):
        for rest in compositions(size - first):
            yield (first, *rest)
