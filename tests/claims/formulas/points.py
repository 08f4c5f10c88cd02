"""Exact points: values for the letters of the papers, the same at every run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from random import Random
from typing import Any

from flint import Ordering, fmpq, fmpq_mat, fmpq_mpoly_ctx, fmpq_poly

from icl_claims.theory.algebra import exact
from icl_claims.theory.algebra.blocks import Blocks
from icl_claims.theory.algebra.words import Words
from icl_claims.theory.evaluation import at_task
from icl_claims.theory.many_layers.spectral_loss import integral
from icl_claims.theory.task import RegressionTask, isotropic
from tests.claims.formulas.values import Matrix
from tests.shared.coordinates import gaussian

SIZES = ((1, 1), (1, 3), (2, 1), (2, 3), (3, 2))
"""(d, n), with d = 1, n = 1, n < d and n > d among them."""


S = fmpq_poly([0, 1])
"""s, the variable of integration."""


class Points:
    """Random rational numbers, vectors and matrices, the same at every run."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)

    def number(self) -> fmpq:
        """Not 0 and not ±1."""
        return fmpq(
            self.random.choice([-7, -5, -3, -2, 2, 3, 4, 5]), self.random.choice([1, 3, 7, 11]) * 2 + 9
        )

    def matrix(self, rows: int, cols: int) -> fmpq_mat:
        """Entries that are not 0."""
        return fmpq_mat([[3 * self.number() for _ in range(cols)] for _ in range(rows)])

    def definite(self, size: int) -> fmpq_mat:
        """Symmetric, positive definite, not diagonal."""
        b = self.matrix(size, size)
        return b * b.transpose() + exact.diagonal(range(1, size + 1))

    def rotation(self, size: int) -> fmpq_mat:
        """Orthogonal, by Cayley's map."""
        k = self.matrix(size, size)
        skew, one = k - k.transpose(), exact.identity(size)
        return (one - skew) * (one + skew).inv()

    def columns(self, size: int, number: int) -> list[Matrix]:
        """Vectors."""
        return [Matrix(self.matrix(size, 1)) for _ in range(number)]


class Gaussians:
    """Independent standard normal entries, as variables of a polynomial ring."""

    def __init__(self, number: int) -> None:
        ring = fmpq_mpoly_ctx.get([f"g{i}" for i in range(number)], Ordering.lex)
        self.rest = iter(ring.gens())

    def matrix(self, rows: int, cols: int) -> Matrix:
        """A matrix of variables not used before."""
        return Matrix([[next(self.rest) for _ in range(cols)] for _ in range(rows)])


def mean(value: Any) -> Any:
    """The expectation of a polynomial in standard normal variables, or of a matrix of such polynomials."""
    if isinstance(value, Matrix):
        return value.map(mean)
    if isinstance(value, int | fmpq):
        return fmpq(value)
    total = fmpq(0)
    for powers, coefficient in value.to_dict().items():
        for power in powers:
            coefficient *= gaussian(int(power))
        total += coefficient
    return total


def integrated(d: int, n: int) -> Callable[[Any], fmpq]:
    """∫ · dμ of polynomials in s, μ the expected spectral measure of S."""
    return lambda p: integral(p if isinstance(p, fmpq_poly) else fmpq_poly([p]), d, n)


def at_numbers(blocks: Blocks | Words, d: int, n: int, values: dict[str, Any]) -> Matrix:
    """Blocks of words at given matrices, as one matrix."""
    task = isotropic(d, n)
    given = {
        name: fmpq_mat([list(r) for r in m.rows]) if isinstance(m, Matrix) else m
        for name, m in values.items()
    }
    parts = blocks.parts if isinstance(blocks, Blocks) else ((blocks,),)
    rows: list[list[Any]] = []
    for line in parts:
        tables = [at_sizes(words, task, given).tolist() for words in line]
        rows += [[x for table in tables for x in table[i]] for i in range(len(tables[0]))]
    return Matrix(rows)


def at_sizes(words: Words, task: RegressionTask, values: dict[str, fmpq_mat]) -> fmpq_mat:
    """Words at a task; the identity of a block is of that block's own size."""
    sizes = {"d": task.dim, "n": task.context_length, "1": 1}
    if not words.letters() and words.rows == words.cols and words:
        return (
            exact.identity(sizes[words.rows]) * at_task(words.trace(), task, values)[0, 0] / sizes[words.rows]
        )
    return at_task(words, task, values)


def rows(matrix: Matrix) -> list[list[fmpq]]:
    """The rows as lists."""
    return [list(row) for row in matrix.rows]


def family(values: Sequence[Any], first: int = 0) -> dict[int, Any]:
    """Values counted from ``first``."""
    return dict(zip(count(first), values))


def unit(size: int, *places: int) -> Matrix:
    """The unit column e_i, or the matrix unit E_{i,j}, counted from 1."""
    if len(places) == 1:
        return Matrix.column([fmpq(int(k + 1 == places[0])) for k in range(size)])
    i, j = places
    return Matrix([[fmpq(int((a + 1, b + 1) == (i, j))) for b in range(size)] for a in range(size)])


def block_diagonal(d: int) -> Any:
    """diag(…): of blocks, a 0 in front being d × d; or of the numbers of a tuple."""

    def diag(*parts: Any) -> Matrix:
        entries = parts[0] if isinstance(parts[0], tuple) else parts
        if len(entries) != 2 or (len(parts) == 1 and isinstance(parts[0], tuple)):
            return Matrix(exact.diagonal(entries))
        first, second = entries
        top = Matrix(fmpq_mat(d, d)) if first == 0 else first
        side = second if isinstance(second, Matrix) else Matrix([[second]])
        left, right = top.shape[1], side.shape[1]
        return Matrix([(*row, *[0] * right) for row in top.rows] + [(*[0] * left, *row) for row in side.rows])

    return diag


def identity(size: int) -> Matrix:
    """The identity."""
    return Matrix(exact.identity(size))


def of_matrix(polynomial: fmpq_poly, matrix: Matrix) -> Matrix:
    """p(M)."""
    value = fmpq_mat(*matrix.shape)
    for c in reversed(polynomial.coeffs()):
        value = value * fmpq_mat(rows(matrix)) + exact.identity(matrix.shape[0]) * c
    return Matrix(value)
