"""Definiteness: what balls prove, what they leave to exact arithmetic, and what both refuse."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flint import arb, arb_mat, fmpq, fmpq_mat
from hypothesis import given
from hypothesis import strategies as st

from icl_claims.theory.algebra import validation
from icl_claims.theory.algebra.definiteness import (
    certain_definiteness,
    definite_by_balls,
    is_positive_definite,
    is_positive_semidefinite,
)
from icl_claims.theory.algebra.exact import diagonal, identity
from tests.shared.strategies import matrices

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
        assert is_positive_definite(symmetric) == by_minors(symmetric)
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
    assert is_positive_definite(turned(m)) is (found is True)
    if found is False:
        with pytest.raises(ValueError, match="positive semidefinite"):
            validation.semidefinite("m", turned(m))
    else:
        assert validation.semidefinite("m", turned(m)) == turned(m)


@pytest.mark.parametrize("sign", [-1, 0, 1])
def test_what_no_precision_in_use_decides_is_decided_exactly(sign: int) -> None:
    m = turned(diagonal([1, 1, sign * fmpq(1, 1 << 5000)]))
    assert definite_by_balls(m, 1024) is None
    assert is_positive_definite(m) is (sign > 0)
    if sign < 0:
        with pytest.raises(ValueError, match="positive semidefinite"):
            validation.semidefinite("m", m)
    else:
        assert validation.semidefinite("m", m) == m


def test_a_pair_of_negative_eigenvalues_does_not_pass_by_its_determinant() -> None:
    """−I₂: its determinant is that of I₂."""
    minus = identity(2) * -1
    assert minus.det() == 1
    assert definite_by_balls(minus, 64) is False
    assert not is_positive_definite(minus)


def test_a_block_without_inverse_decides_nothing() -> None:
    """[[0, 1], [1, 0]] has a leading block 0, and no Schur complement of it."""
    assert definite_by_balls(fmpq_mat([[0, 1], [1, 0]]), 64) is None
    assert not is_positive_definite(fmpq_mat([[0, 1], [1, 0]]))


@pytest.mark.parametrize("rows", [[[0]], [[1, 0], [0, 0]], [[0, 0], [0, 1]], [[1, 1], [1, 1]]], ids=str)
def test_a_pivot_that_is_exactly_zero_has_no_sign(rows: list[list[int]]) -> None:
    """No ball has any width here: 0 is neither positive nor negative."""
    assert certain_definiteness(arb_mat(rows)) is None
    assert not is_positive_definite(fmpq_mat(rows))


def test_an_undecided_sign_in_a_ball_is_refused() -> None:
    """The midpoint is the identity each time; the balls hold matrices that are not positive definite too."""
    assert certain_definiteness(arb_mat([[arb(1, 0.5), 0], [0, 1]])) is True
    assert certain_definiteness(arb_mat([[arb(1, 1), 0], [0, 1]])) is None
    assert certain_definiteness(arb_mat([[1, 0], [0, arb(1, 1)]])) is None
    assert certain_definiteness(arb_mat([[1, arb(0, 1)], [arb(0, 1), 1]])) is None


@pytest.mark.parametrize("kind", [is_positive_definite, is_positive_semidefinite])
def test_zero_eigenvalues_separate_the_two(kind: Callable[[fmpq_mat], bool]) -> None:
    assert kind(turned(identity(3)))
    assert kind(turned(diagonal([1, 0, 0]))) is (kind is is_positive_semidefinite)
    assert not kind(turned(diagonal([1, 0, -1])))
