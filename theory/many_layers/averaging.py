r"""Two layers at Σ = Ω = I, Ahn et al. (2023), Theorem 2: from any pair of matrices to a diagonal pair.

The loss f(A, B) of :mod:`icl_claims.theory.many_layers.two_symmetric_layers` is a quadratic polynomial in each of its
matrices. Each function here decides one property of a polynomial in words for all d and n, and raises ``Refuted``
where it fails.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import sympy

from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.words import Words, letter

FREE_A, FREE_B = sympy.symbols("a b")
"""The i-th diagonal entries of the two matrices of a diagonal pair."""

DIRECTION = letter("R", "d", "d")
"""R, any d × d matrix."""


class DiagonalPairs(NamedTuple):
    """The pairs A_0 = diag(first), A_1 = diag(second); each entry is linear in the free numbers a_i and b_i."""

    first: Any
    second: Any


def prove_traces_alone(f: Words) -> None:
    """f is a polynomial in traces of words in A and B alone, so that f(UAUᵀ, UBUᵀ) = f(A, B) for orthogonal U.

    Raises:
        Refuted: a word stands outside a trace, or f holds another letter.
    """
    if any(word for _, word in f.terms):
        raise Refuted("a word stands outside a trace")
    if not {x.name for x in f.letters()} <= {"A", "B"}:
        raise Refuted("the loss holds other letters than A and B")


def prove_square_beyond_the_diagonal(f: Words, name: str, square: Words) -> None:
    """f with R added to one matrix exceeds f by the square, up to terms that vanish for diagonal A, B and zero diag R.

    Such a term holds R once, in the trace of a word of R and the letters A and B. For diagonal A and B the product
    of these letters is diagonal, so that the trace is a sum over the diagonal entries of R.

    Args:
        f: a polynomial in traces of words in A and B.
        name: "A" or "B", the letter that becomes itself + R.
        square: what is of second order in R; the caller answers for its sign.

    Raises:
        Refuted: another term is left, without R or with R more than once.
    """
    (matrix,) = (x for x in f.letters() if x.name == name)
    moved = f.substitute({name: letter(matrix.name, matrix.rows, matrix.cols) + DIRECTION})
    for traces, _ in (moved - f - square).terms:
        found = [x.name for trace in traces for x in trace].count("R")
        if found != 1:
            raise Refuted(f"a term that holds R {found} times is left beside the square")


def prove_quadratic(error: Words, name: str) -> None:
    """No term of the error holds this letter twice, so that its mean square is a convex function of the letter.

    Raises:
        Refuted: a term does.
    """
    for traces, word in error.terms:
        if [x.name for part in (*traces, word) for x in part].count(name) > 1:
            raise Refuted(f"a term of the error holds {name} more than once")


def prove_every_diagonal_pair(pairs: DiagonalPairs) -> None:
    """The pairs of this form are all pairs of diagonal matrices: (a, b) ↦ (first, second) is linear and invertible.

    Raises:
        Refuted: it is not.
    """
    rows = sympy.Matrix([pairs.first, pairs.second])
    slopes = rows.jacobian([FREE_A, FREE_B])
    if slopes.free_symbols or slopes.det() == 0:
        raise Refuted("some pair of diagonal matrices is not of the stated form")
