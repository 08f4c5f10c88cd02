r"""Expectations of words W M_1 W M_2 W … in a Wishart matrix and arbitrary deterministic matrices.

W = XXᵀ, X d × n with i.i.d. N(0, Σ) columns. The recursion and its plan:
:mod:`icl_claims.theory.wishart.word_plans`. Here are the answers for matrices that a user gives: scaled to
integers once, each different matrix one letter.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import prod
from typing import Any

from flint import fmpq, fmpq_mat, fmpz, fmpz_mat

from icl_claims.theory.algebra import validation
from icl_claims.theory.wishart.word_plans import plan


class Alphabet:
    """The different d × d matrices of some words and their transposes, each once, as integer matrices."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.scaled: list[fmpz_mat] = []
        """The letters, each times its denominator."""
        self.denominators: list[fmpz] = []
        self.adjoint: list[int] = []
        self._index: dict[tuple[int, ...], int] = {}

    def letter(self, name: str, matrix: Any) -> int:
        """The index of a matrix; it and its transpose join the letters if they are new."""
        m, denominator = validation.matrix(name, matrix, (self.size, self.size)).numer_denom()
        index = self._add(m, denominator)
        turned = self._add(m.transpose(), denominator)
        self.adjoint[index], self.adjoint[turned] = turned, index
        return index

    def _add(self, m: fmpz_mat, denominator: fmpz) -> int:
        key = (int(denominator), *map(int, m.entries()))
        if key not in self._index:
            self._index[key] = len(self.scaled)
            self.scaled.append(m)
            self.denominators.append(denominator)
            self.adjoint.append(self._index[key])
        return self._index[key]

    def scale(self, word: Iterable[int]) -> fmpz:
        """The product of the denominators of a word's letters."""
        return prod((self.denominators[x] for x in word), start=fmpz(1))


def word_moment(matrices: Sequence[Any], covariance: Any, context_length: Any) -> fmpq_mat:
    """E[A_0 W A_1 W ⋯ W A_k], exactly, for any deterministic matrices.

    Args:
        matrices: A_0, …, A_k; the inner ones d × d, A_0 of any number of rows, A_k of any number of columns.
        covariance: Σ, d × d, symmetric positive semidefinite.
        context_length: n ≥ 1, the columns of X.

    Raises:
        TypeError, ValueError: an argument is of the wrong type or shape, Σ is not positive semidefinite,
            or the word is too long (:data:`icl_claims.theory.wishart.word_plans.MOST_STATES`).

    >>> word_moment([[[1, 0]], [[0, 1], [0, 0]], [[1], [0]]], [[2, 1], [1, 1]], context_length=3)
    [30]
    """
    n, sigma, unit = _law(covariance, context_length)
    size = sigma.nrows()
    given = _sequence("matrices", matrices)
    if not given:
        raise ValueError("matrices must hold at least A_0, got none")
    first, last = (
        validation.matrix("matrices[0]", given[0]),
        validation.matrix(f"matrices[{len(given) - 1}]", given[-1]),
    )
    if len(given) == 1:
        return first
    if first.ncols() != size or last.nrows() != size:
        raise ValueError(
            f"matrices must start with a matrix of {size} columns and end with one of {size} rows, "
            f"got {first.ncols()} and {last.nrows()}"
        )
    alphabet = Alphabet(size)
    word = tuple(alphabet.letter(f"matrices[{i}]", m) for i, m in enumerate(given[1:-1], 1))
    layout = plan([(word, ())], tuple(alphabet.adjoint))
    (value,) = layout.root_values(layout.values(alphabet.scaled, sigma, n))
    return first * fmpq_mat(value) * last / (alphabet.scale(word) * unit ** (len(word) + 1))


def word_trace_moment(words: Sequence[Sequence[Any]], covariance: Any, context_length: Any) -> fmpq:
    """E ∏_w tr(A_{w,1} W A_{w,2} W ⋯ A_{w,k_w} W), exactly, for any deterministic d × d matrices.

    Args:
        words: the matrices of each trace; no traces give 1, and a trace without matrices gives d.
        covariance: Σ, d × d, symmetric positive semidefinite.
        context_length: n ≥ 1, the columns of X.

    Raises:
        TypeError, ValueError: as :func:`word_moment`.

    >>> word_trace_moment([[[[1]], [[2]]], [[[3]]]], [[1]], context_length=2)
    288
    """
    n, sigma, unit = _law(covariance, context_length)
    alphabet = Alphabet(sigma.nrows())
    cycles = [
        tuple(alphabet.letter(f"words[{w}][{i}]", m) for i, m in enumerate(_sequence(f"words[{w}]", word)))
        for w, word in enumerate(_sequence("words", words))
    ]
    letters = [x for cycle in cycles for x in cycle]
    layout = plan([(None, tuple(cycle for cycle in cycles if cycle))], tuple(alphabet.adjoint))
    (value,) = layout.root_values(layout.values(alphabet.scaled, sigma, n))
    return fmpq(value, alphabet.scale(letters) * unit ** len(letters)) * sigma.nrows() ** cycles.count(())


def _law(covariance: Any, context_length: Any) -> tuple[int, fmpz_mat, fmpz]:
    n = validation.positive_integer("context_length", context_length)
    sigma, unit = validation.semidefinite("covariance", covariance).numer_denom()
    return n, sigma, unit


def _sequence(name: str, value: Any) -> list[Any]:
    if isinstance(value, str | bytes) or not hasattr(value, "__len__") or not hasattr(value, "__getitem__"):
        raise TypeError(f"{name} must be a sequence of matrices, got {value!r}")
    return list(value)
