"""The forward pass of linear attention in numbers: prompts and weights, multiplied out as matrices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flint import fmpq, fmpq_mat

Pair = tuple[fmpq_mat, fmpq_mat]
"""P and Q, (d + 1) × (d + 1)."""


@dataclass(frozen=True)
class Prompt:
    """X (d × n), x_q (d × 1), w (d × 1), label noise ε (1 × n), the number in the query's label slot."""

    X: fmpq_mat
    query: fmpq_mat
    task: fmpq_mat
    noise: fmpq_mat
    slot: fmpq

    def __str__(self) -> str:
        column = [x for (x,) in self.query.tolist()]
        words = [f"X = {self.X.tolist()}", f"x_q = {column}", f"y = {self.labels.tolist()[0]}"]
        return ", ".join(words + ([f"label slot {self.slot}"] if self.slot else []))

    @property
    def labels(self) -> fmpq_mat:
        """y = wᵀX + ε."""
        return self.task.transpose() * self.X + self.noise

    @property
    def target(self) -> fmpq:
        """⟨w, x_q⟩."""
        return (self.task.transpose() * self.query)[0, 0]

    def state(self, slot: fmpq) -> fmpq_mat:
        """Z_0 with this number in the slot."""
        rows = [[*x, *q] for x, q in zip(self.X.tolist(), self.query.tolist(), strict=True)]
        return fmpq_mat([*rows, [*self.labels.tolist()[0], slot]])


def states(start: fmpq_mat, layers: Sequence[Pair], masked: bool = True) -> list[fmpq_mat]:
    """Z_0, …, Z_L with Z ← Z + (1/n) P Z M (Zᵀ Q Z)."""
    n = start.ncols() - 1
    mask = fmpq_mat([[int(i == j and (i < n or not masked)) for j in range(n + 1)] for i in range(n + 1)])
    found = [start]
    for P, Q in layers:
        Z = found[-1]
        found.append(Z + P * Z * mask * (Z.transpose() * Q * Z) / n)
    return found


def block_diagonal(block: fmpq_mat, corner: fmpq | int) -> fmpq_mat:
    """diag(block, corner)."""
    d = block.nrows()
    return fmpq_mat([[*row, 0] for row in block.tolist()] + [[0] * d + [corner]])
