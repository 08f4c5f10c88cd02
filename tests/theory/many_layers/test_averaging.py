"""The averaging argument of two layers: each condition of its checks violated by itself."""

import pytest

from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.words import letter
from icl_claims.theory.many_layers.averaging import (
    DIRECTION,
    FREE_A,
    FREE_B,
    DiagonalPairs,
    prove_every_diagonal_pair,
    prove_quadratic,
    prove_square_beyond_the_diagonal,
    prove_traces_alone,
)
from icl_claims.theory.many_layers.two_symmetric_layers import A, B, curvature_in_second, loss_polynomial

F = loss_polynomial()
R, C = DIRECTION, letter("C", "d", "d")


def test_traces_of_words_in_the_two_matrices_alone() -> None:
    prove_traces_alone(F)
    with pytest.raises(Refuted, match="outside a trace"):
        prove_traces_alone(A @ B)
    with pytest.raises(Refuted, match="other letters"):
        prove_traces_alone(F + (A @ C).trace())


def test_beyond_the_diagonal() -> None:
    square = curvature_in_second(R)
    prove_square_beyond_the_diagonal(F, "B", square)
    with pytest.raises(Refuted, match="holds R 2 times"):
        prove_square_beyond_the_diagonal(F, "B", square * 2)
    with pytest.raises(Refuted, match="holds R 0 times"):
        prove_square_beyond_the_diagonal(F, "B", square + A.trace())


def test_a_letter_that_occurs_twice() -> None:
    prove_quadratic(A @ B @ A, "B")
    with pytest.raises(Refuted, match="more than once"):
        prove_quadratic(A @ B @ B.T, "B")
    with pytest.raises(Refuted, match="more than once"):
        prove_quadratic(B * (A @ B).trace(), "B")


@pytest.mark.parametrize(
    "pairs", [(FREE_A, FREE_A), (FREE_A, 0 * FREE_B), (FREE_A**2, FREE_B), (FREE_A + FREE_B, FREE_A + FREE_B)]
)
def test_families_that_miss_a_diagonal_pair(pairs: tuple[object, object]) -> None:
    prove_every_diagonal_pair(DiagonalPairs(FREE_A - FREE_B, FREE_B))
    with pytest.raises(Refuted, match="not of the stated form"):
        prove_every_diagonal_pair(DiagonalPairs(*pairs))
