"""Inner products and traces of matrices against their definitions."""

from __future__ import annotations

from flint import fmpq_mat, fmpz_mat
from hypothesis import given

from icl_claims.theory.algebra import exact
from tests.shared.strategies import matrices, semidefinite_matrices


@given(semidefinite_matrices(3), matrices(3, 3))
def test_inner(m: fmpq_mat, other: fmpq_mat) -> None:
    assert exact.inner(m, other) == exact.trace(m * other.transpose())


def test_integer_matrices() -> None:
    a, b = fmpz_mat([[1, 2], [3, 4]]), fmpz_mat([[0, -1], [5, 7]])
    assert exact.integer_trace(a) == 5
    assert exact.integer_inner(a, b) == exact.integer_trace(a * b.transpose())
