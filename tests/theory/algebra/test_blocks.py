"""Block matrices: products and sums block by block, and shapes that do not fit."""

from __future__ import annotations

import pytest

from icl_claims.theory.algebra.blocks import Blocks, block_diagonal
from icl_claims.theory.algebra.words import Words, letter, zero

A, B = letter("A", "d", "d"), letter("B", "d", "d")
V, R, C = letter("v", "d", "1"), letter("r", "1", "d"), letter("c", "1", "1")
FULL = Blocks([[A, V], [R, C]])


@pytest.mark.parametrize(
    "parts",
    [
        [[A, R], [R, C]],  # a row of two heights
        [[A, V], [C, C]],  # a column of two widths
        [[A, V], [R, R]],
        [[V, A], [R, C]],
    ],
    ids=["height", "width", "width of the last", "exchanged"],
)
def test_blocks_that_do_not_fit_are_refused(parts: list[list[Words]]) -> None:
    with pytest.raises(ValueError, match="blocks must agree in height along rows and in width along columns"):
        Blocks(parts)


@pytest.mark.parametrize("parts", [[[A, V], [R]], [[A], [R, C]]], ids=["short", "long"])
def test_rows_of_different_lengths_are_refused(parts: list[list[Words]]) -> None:
    with pytest.raises(ValueError, match="zip"):
        Blocks(parts)


def test_operations_are_block_by_block() -> None:
    other = Blocks([[B, V], [R, C]])
    assert (FULL @ other)[0, 0] == A @ B + V @ R
    assert (FULL @ other)[1, 0] == R @ B + C @ R
    assert (FULL @ other)[0, 1] == A @ V + V @ C
    assert FULL + other == Blocks([[A + B, V * 2], [R * 2, C * 2]])
    assert FULL - other == Blocks([[A - B, V * 0], [R * 0, C * 0]])
    assert Blocks([[A.T, R.T], [V.T, C.T]]) == FULL.T
    assert FULL / 2 + FULL / 2 == FULL


def test_equality_is_of_every_block() -> None:
    assert Blocks([[A, V], [R, C]]) == FULL
    for changed in ([[B, V], [R, C]], [[A, V * 2], [R, C]], [[A, V], [R * 2, C]], [[A, V], [R, C * 2]]):
        assert Blocks(changed) != FULL
    assert FULL != [[A, V], [R, C]]


def test_a_block_diagonal() -> None:
    assert block_diagonal(A, C) == Blocks([[A, zero("d", "1")], [zero("1", "d"), C]])
