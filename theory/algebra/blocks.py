"""Block matrices of word polynomials: prompts and weights split as the papers split them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

from icl_claims.theory.algebra.words import Words, zero


class Blocks:
    """A block matrix. Rows of blocks share their height, columns their width.

    Supports ``+``, ``-``, ``@``, ``/`` (by an element of ℚ(n, d, σ²)), ``.T``, indexing by block
    and ``==``, which decides identity.
    """

    __slots__ = ("parts",)

    def __init__(self, parts: Sequence[Sequence[Words]]) -> None:
        self.parts = tuple(tuple(row) for row in parts)
        heights = [{words.rows for words in row} for row in self.parts]
        widths = [{words.cols for words in column} for column in zip(*self.parts, strict=True)]
        if any(len(sizes) > 1 for sizes in heights + widths):
            raise ValueError("blocks must agree in height along rows and in width along columns")

    def __getitem__(self, index: tuple[int, int]) -> Words:
        return self.parts[index[0]][index[1]]

    def __add__(self, other: Blocks) -> Blocks:
        return Blocks(
            [[a + b for a, b in zip(r, s, strict=True)] for r, s in zip(self.parts, other.parts, strict=True)]
        )

    def __neg__(self) -> Blocks:
        return Blocks([[-words for words in row] for row in self.parts])

    def __sub__(self, other: Blocks) -> Blocks:
        return self + (-other)

    def __truediv__(self, divisor: Any) -> Blocks:
        return Blocks([[words / divisor for words in row] for row in self.parts])

    def __matmul__(self, other: Blocks) -> Blocks:
        columns = list(zip(*other.parts, strict=True))
        return Blocks(
            [
                [
                    reduce(Words.__add__, (a @ b for a, b in zip(row, column, strict=True)))
                    for column in columns
                ]
                for row in self.parts
            ]
        )

    @property
    def T(self) -> Blocks:
        """The transpose."""
        return Blocks([[words.T for words in column] for column in zip(*self.parts, strict=True)])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Blocks) and self.parts == other.parts

    def __hash__(self) -> int:
        return hash(self.parts)

    def __repr__(self) -> str:
        return "\n".join(" | ".join(map(repr, row)) for row in self.parts)


def block_diagonal(first: Words, second: Words) -> Blocks:
    """diag(first, second)."""
    return Blocks([[first, zero(first.rows, second.cols)], [zero(second.rows, first.cols), second]])
