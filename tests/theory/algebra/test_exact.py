"""Inner products and traces of matrices against their definitions."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from flint import fmpq, fmpq_mat, fmpz_mat
from hypothesis import given
from hypothesis import strategies as st

from icl_claims.theory.algebra import exact, validation
from tests.shared.strategies import matrices, semidefinite_matrices


@given(semidefinite_matrices(3), matrices(3, 3))
def test_inner(m: fmpq_mat, other: fmpq_mat) -> None:
    assert exact.inner(m, other) == exact.trace(m * other.transpose())


def test_a_diagonal_matrix_has_an_entry() -> None:
    assert exact.diagonal([2]) == fmpq_mat([[2]])
    with pytest.raises(ValueError, match="values must hold at least one number, got none"):
        exact.diagonal([])


def test_what_is_diagonal() -> None:
    assert exact.is_diagonal(fmpq_mat([[1, 0], [0, 0]]))
    assert not exact.is_diagonal(fmpq_mat([[1, 1], [0, 1]]))
    assert not exact.is_diagonal(fmpq_mat([[1, 0], [1, 1]]))


def test_integer_matrices() -> None:
    a, b = fmpz_mat([[1, 2], [3, 4]]), fmpz_mat([[0, -1], [5, 7]])
    assert exact.integer_trace(a) == 5
    assert exact.integer_inner(a, b) == exact.integer_trace(a * b.transpose())


@given(st.lists(st.fractions(max_denominator=100), max_size=20))
def test_total(values: list[Fraction]) -> None:
    expected = sum(values, Fraction(0))
    found = exact.total(fmpq(x.numerator, x.denominator) for x in values)
    assert found == fmpq(expected.numerator, expected.denominator)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([1, "1/2"], True),
        (np.ones(2), True),
        ((1,), True),
        ([], False),
        ([[1]], False),
        (np.ones((2, 2)), False),
        ("12", False),
        (7, False),
        ([1, [2]], False),
        (exact.identity(2), False),
    ],
)
def test_what_has_one_axis(value: object, expected: bool) -> None:
    assert validation.is_vector(value) is expected
