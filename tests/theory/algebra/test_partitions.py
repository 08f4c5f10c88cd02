"""Partitions and compositions against their defining properties and known counts."""

import pytest

from icl_claims.theory.algebra.partitions import compositions, partitions


@pytest.mark.parametrize(("size", "count"), [(0, 1), (1, 1), (5, 7), (10, 42), (15, 176)])
def test_partitions_are_all_found_once(size: int, count: int) -> None:
    found = partitions(size)
    assert len(found) == len(set(found)) == count
    assert all(sum(parts) == size and list(parts) == sorted(parts, reverse=True) for parts in found)


def test_largest_part_is_obeyed() -> None:
    assert partitions(7, 3) == [parts for parts in partitions(7) if max(parts) <= 3]
    assert partitions(0, 0) == [()]
    assert partitions(1, 0) == []


@pytest.mark.parametrize("size", range(7))
def test_compositions_are_the_reorderings_of_partitions(size: int) -> None:
    found = list(compositions(size))
    assert len(found) == len(set(found)) == max(1, 2 ** (size - 1))
    assert {tuple(sorted(parts, reverse=True)) for parts in found} == set(partitions(size))
