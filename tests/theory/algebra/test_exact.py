"""Definiteness: what balls prove, what they leave to exact arithmetic, and what both refuse."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from flint import fmpq, fmpq_mat
from hypothesis import given
from hypothesis import strategies as st

from icl_claims.theory.algebra import exact
from icl_claims.theory.algebra.exact import definite_by_balls, diagonal, identity
from tests.shared.strategies import matrices, semidefinite_matrices

TINY = fmpq(1, 10**40)
TURN = fmpq_mat([[1, 2, -1], [3, 1, 4], [-2, 5, 1]])
"""Invertible: M ↦ T M Tᵀ keeps the signs of eigenvalues (Sylvester)."""


def turned(m: fmpq_mat) -> fmpq_mat:
    return TURN * m * TURN.transpose()


def by_minors(m: fmpq_mat) -> bool:
    """Positive definite by Sylvester's criterion: all leading minors are positive."""
    sizes = range(1, m.nrows() + 1)
    return all(fmpq_mat([[m[i, j] for j in range(k)] for i in range(k)]).det() > 0 for k in sizes)


@given(matrices(4, 4), st.sampled_from([32, 128]))
def test_balls_agree_with_leading_minors(m: fmpq_mat, precision: int) -> None:
    """Indefinite ones, definite ones, and singular ones, which no precision decides."""
    for symmetric in (m + m.transpose(), m * m.transpose()):
        assert definite_by_balls(symmetric, precision) in (None, by_minors(symmetric))
        assert exact.is_positive_definite(symmetric) == by_minors(symmetric)
        if symmetric.det() == 0:
            assert definite_by_balls(symmetric, precision) is None


@pytest.mark.parametrize(
    ("m", "found"),
    [
        (diagonal([1, 1, TINY]), True),
        (diagonal([1, 1, -TINY]), False),
        (diagonal([1, 1, 0]), None),
        (identity(3) * -1, False),
        (diagonal([-1, -1, 1]), False),
    ],
)
def test_least_eigenvalues_near_zero(m: fmpq_mat, found: bool | None) -> None:
    """Either sign at 10⁻⁴⁰, and 0: of a matrix whose entries show nothing of it."""
    assert definite_by_balls(turned(m), 512) is found
    assert definite_by_balls(turned(m), 64) in (None, found)
    assert exact.is_positive_definite(turned(m)) is (found is True)
    if found is False:
        with pytest.raises(ValueError, match="positive semidefinite"):
            exact.semidefinite("m", turned(m))
    else:
        assert exact.semidefinite("m", turned(m)) == turned(m)


@pytest.mark.parametrize("sign", [-1, 0, 1])
def test_what_no_precision_in_use_decides_is_decided_exactly(sign: int) -> None:
    m = turned(diagonal([1, 1, sign * fmpq(1, 1 << 5000)]))
    assert definite_by_balls(m, 1024) is None
    assert exact.is_positive_definite(m) is (sign > 0)
    if sign < 0:
        with pytest.raises(ValueError, match="positive semidefinite"):
            exact.semidefinite("m", m)
    else:
        assert exact.semidefinite("m", m) == m


def test_a_pair_of_negative_eigenvalues_does_not_pass_by_its_determinant() -> None:
    """−I₂: its determinant is that of I₂."""
    minus = identity(2) * -1
    assert minus.det() == 1
    assert definite_by_balls(minus, 64) is False
    assert not exact.is_positive_definite(minus)


def test_a_block_without_inverse_decides_nothing() -> None:
    """[[0, 1], [1, 0]] has a leading block 0, and no Schur complement of it."""
    assert definite_by_balls(fmpq_mat([[0, 1], [1, 0]]), 64) is None
    assert not exact.is_positive_definite(fmpq_mat([[0, 1], [1, 0]]))


@given(semidefinite_matrices(3), matrices(3, 3))
def test_inner(m: fmpq_mat, other: fmpq_mat) -> None:
    assert exact.inner(m, other) == exact.trace(m * other.transpose())


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
        (identity(2), False),
    ],
)
def test_what_has_one_axis(value: object, expected: bool) -> None:
    assert exact.is_vector(value) is expected
