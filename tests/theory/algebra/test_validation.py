"""Every check: what it takes, what it refuses, and that its message names the argument and what is allowed."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from flint import fmpq, fmpq_mat, fmpz

from icl_claims.theory.algebra.validation import (
    bounded_integer,
    matrix,
    natural,
    natural_powers,
    positive_integer,
    rational,
    semidefinite,
    vector,
)


@pytest.mark.parametrize(
    "value", [fmpq(1, 2), "1/2", "0.5", 0.5, Fraction(1, 2), Decimal("0.5"), np.float32(0.5)]
)
def test_every_kind_of_number_is_taken_exactly(value: Any) -> None:
    assert rational("x", value) == fmpq(1, 2)


def test_integers_of_every_kind() -> None:
    assert positive_integer("x", np.int64(3)) == bounded_integer("x", fmpz(3), 3) == natural("x", 3, 3) == 3
    assert natural("x", 0, 3) == 0
    assert natural_powers("x", np.array([2, 0, 1]), 2) == (2, 0, 1)


@pytest.mark.parametrize(
    ("check", "value", "error", "message"),
    [
        (rational, True, TypeError, "x must be a real number, got the bool True"),
        (rational, None, TypeError, "x must be a real number, got None"),
        (rational, float("nan"), ValueError, "x must be a finite number, got nan"),
        (rational, "1/0", ValueError, "x must be a finite number"),
        (positive_integer, 0, ValueError, "x must be an integer ≥ 1, got 0"),
        (positive_integer, 1.0, TypeError, "x must be an integer ≥ 1, got 1.0"),
        (positive_integer, True, TypeError, "x must be an integer ≥ 1, got True"),
        (lambda x, v: bounded_integer(x, v, 6), 7, ValueError, "x must be an integer from 1 to 6, got 7"),
        (lambda x, v: bounded_integer(x, v, 6), 0, ValueError, "x must be an integer ≥ 1, got 0"),
        (lambda x, v: natural(x, v, 6), -1, ValueError, "x must be an integer from 0 to 6, got -1"),
        (lambda x, v: natural(x, v, 6), 7, ValueError, "x must be an integer from 0 to 6, got 7"),
        (lambda x, v: natural(x, v, 6), False, TypeError, "x must be an integer from 0 to 6, got False"),
        (lambda x, v: natural_powers(x, v, 6), "12", TypeError, "x must be a sequence of integers ≥ 0"),
        (lambda x, v: natural_powers(x, v, 6), [1, -1], ValueError, r"x\[1\] must be an integer from 0 to 6"),
        (matrix, 3, TypeError, "x must be a matrix"),
        (matrix, [[1, 2], [3]], ValueError, "x must have rows of one length"),
        (matrix, [], ValueError, "x must have rows of one length"),
        (matrix, [[1, None]], TypeError, r"x\[0\]\[1\] must be a real number"),
        (lambda x, v: matrix(x, v, (2, 1)), [[1, 2]], ValueError, "x must be of shape 2 × 1, got 1 × 2"),
        (lambda x, v: vector(x, v, 2), [1], ValueError, "x must hold 2 numbers, got 1"),
        (lambda x, v: vector(x, v, 2), "12", TypeError, "x must be a sequence of 2 numbers"),
        (semidefinite, [[1, 2]], ValueError, "x must be square, got 1 × 2"),
        (lambda x, v: semidefinite(x, v, 1), [[1, 0], [0, 1]], ValueError, "x must be 1 × 1, got 2 × 2"),
        (semidefinite, [[1, 2], [0, 9]], ValueError, "x must be symmetric"),
        (semidefinite, [[1, 2], [2, 1]], ValueError, "x must be positive semidefinite"),
    ],
)
def test_what_is_refused(
    check: Callable[[str, Any], Any], value: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        check("x", value)


def test_a_singular_matrix_is_semidefinite() -> None:
    assert semidefinite("x", [[1, 1], [1, 1]]) == fmpq_mat([[1, 1], [1, 1]])


@pytest.mark.parametrize("value", [[], [[]], [[], []]])
def test_a_matrix_has_a_row_and_a_column(value: Any) -> None:
    with pytest.raises(ValueError, match="at least 1 × 1"):
        matrix("x", value)
