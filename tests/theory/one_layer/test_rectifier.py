"""The checks of the ReLU on a pair z and −z: each accepts the ReLU, and refuses what breaks it alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sympy

from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.words import eye
from icl_claims.theory.one_layer.rectifier import (
    RELU,
    SCORE,
    at_score,
    prove_mean_of_a_pair,
    prove_mean_of_score,
    prove_odd_in_the_example,
    prove_one_of_a_pair_counts,
    prove_squares_of_a_pair,
)
from icl_claims.theory.one_layer.single_layer import TOKEN, U, score, value
from icl_claims.theory.transformer.attention import X_QUERY

HALF, WHOLE = sympy.Rational(1, 2), sympy.Integer(1)
LEAKY, FLIPPED = sympy.Max(SCORE, SCORE / 10), sympy.Max(-SCORE, 0)


@pytest.mark.parametrize("s", [-2, 0, 3])
def test_the_relu(s: int) -> None:
    assert at_score(RELU, sympy.Integer(s)) == max(s, 0)


def test_the_relu_is_accepted() -> None:
    prove_mean_of_a_pair(RELU, HALF)
    prove_mean_of_score()
    prove_squares_of_a_pair(RELU, WHOLE)
    prove_one_of_a_pair_counts(RELU, HALF)
    prove_odd_in_the_example()


def test_what_has_the_same_odd_part_is_accepted() -> None:
    """s/2 and |s| + s/2: the mean over a pair sees the odd part alone."""
    prove_mean_of_a_pair(SCORE / 2, HALF)
    prove_mean_of_a_pair(sympy.Abs(SCORE) + SCORE / 2, HALF)


@pytest.mark.parametrize(
    ("check", "message"),
    [
        (lambda: prove_mean_of_a_pair(LEAKY, HALF), "the mean over x and −x is not 1/2"),
        (lambda: prove_mean_of_a_pair(RELU, WHOLE), "the mean over x and −x is not 1"),
        (lambda: prove_mean_of_score(eye("d") * 2), r"E\[\(xᵀv\) x\] is not v"),
        (lambda: prove_squares_of_a_pair(LEAKY, WHOLE), "is not 1 α²"),
        (lambda: prove_squares_of_a_pair(RELU + 1, WHOLE), "is not 1 α²"),
        (lambda: prove_squares_of_a_pair(RELU, sympy.Integer(2)), "is not 2 α²"),
        (lambda: prove_one_of_a_pair_counts(LEAKY, HALF), "neither p s nor 0"),
        (lambda: prove_one_of_a_pair_counts(FLIPPED, HALF), "neither p s nor 0"),
        (lambda: prove_one_of_a_pair_counts(SCORE, HALF), "2 of 2 count"),
        (lambda: prove_one_of_a_pair_counts(SCORE * 0, HALF), "0 of 2 count"),
        (lambda: prove_one_of_a_pair_counts(RELU, sympy.Rational(1, 3)), "1 of 2 count"),
        (lambda: prove_odd_in_the_example(of_value=value() + U.T @ X_QUERY), "the value of an example"),
        (lambda: prove_odd_in_the_example(of_score=score() * (U.T @ TOKEN)), "the score of an example"),
    ],
)
def test_each_refusal(check: Callable[[], None], message: str) -> None:
    with pytest.raises(Refuted, match=message):
        check()
