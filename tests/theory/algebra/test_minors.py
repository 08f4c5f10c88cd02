"""Determinants against python-flint's, and each test of definiteness handed what violates its one condition."""

import pytest
from flint import arb_mat, fmpq, fmpq_mat
from hypothesis import given
from hypothesis import strategies as st
from sympy.polys.fields import FracElement

from icl_claims.theory.algebra import definiteness
from icl_claims.theory.algebra.definiteness import certain_definiteness
from icl_claims.theory.algebra.minors import (
    determinant,
    has_positive_minors,
    is_positive,
    leading_minors,
)
from icl_claims.theory.algebra.words import FIELD, d, n

entries = st.integers(-4, 4).map(fmpq)
squares = st.integers(1, 5).flatmap(
    lambda k: st.lists(st.lists(entries, min_size=k, max_size=k), min_size=k, max_size=k)
)


def positive(minor: fmpq) -> bool:
    return bool(minor > 0)


@given(squares)
def test_determinant_is_that_of_flint(rows: list[list[fmpq]]) -> None:
    assert determinant(rows, fmpq(1)) == fmpq_mat(rows).det()
    assert leading_minors(rows, fmpq(1))[-1] == fmpq_mat(rows).det()


def test_determinant_of_nothing_is_one() -> None:
    assert determinant([], FIELD.one) == 1


@given(squares)
def test_sylvester_agrees_with_the_characteristic_polynomial(rows: list[list[fmpq]]) -> None:
    m = fmpq_mat(rows)
    for symmetric in (m + m.transpose(), m * m.transpose()):
        found = has_positive_minors(symmetric.tolist(), fmpq(1), positive)
        assert found == definiteness.is_positive_definite(symmetric)


@pytest.mark.parametrize(
    "rows",
    [
        [[-1, 0], [0, -1]],  # −I: the determinant alone is positive
        [[1, 0], [0, 0]],  # the last minor is 0
        [[0, 0], [0, 1]],  # the first minor is 0
        [[1, 2], [2, 1]],  # positive diagonal, negative determinant
    ],
    ids=str,
)
def test_what_is_not_positive_definite_is_refused(rows: list[list[int]]) -> None:
    assert not has_positive_minors([[fmpq(x) for x in row] for row in rows], fmpq(1), positive)
    assert certain_definiteness(arb_mat(rows)) is not True


def test_positivity_needs_each_of_its_conditions() -> None:
    least = {"n": 2, "d": 3}
    assert is_positive((n - 1) * (d - 2) / (n + d), least)
    assert not is_positive(n - 2, least)  # 0 at the least value
    assert not is_positive(FIELD.zero, least)
    assert not is_positive(1 + (n - 2) * (d - 3) - (n - 2) ** 2, least)  # a negative coefficient
    assert not is_positive(1 / (n - 2), least)  # no value at the least n
    assert not is_positive(1 / (1 - n), least)  # a negative denominator
    assert not is_positive(-(n + d) / (1 + n), least)
    assert not is_positive((n - 1) / (1 + (n - 2) - (n - 2) * (d - 3)), least)  # in the denominator alone
    assert not is_positive((1 + (n - 2) - (n - 2) * (d - 3)) / n, least)  # in the numerator alone


@pytest.mark.parametrize(
    "denominator", [n - 2, (n - 2) ** 2 - (d - 3) + 1, (n - 2) * (d - 3)], ids=lambda x: str(x.as_expr())
)
def test_positivity_needs_the_denominator(denominator: FracElement) -> None:
    """The numerator is 1: the denominator alone vanishes somewhere."""
    assert (1 / denominator).numer == 1
    assert not is_positive(1 / denominator, {"n": 2, "d": 3})


def test_positivity_needs_the_denominator_once_a_variable_is_fixed() -> None:
    value = 1 / (n - d)
    assert is_positive(value, {"n": 4}, {"d": 3})
    assert not is_positive(value, {"n": 3}, {"d": 3})


def test_fixed_variables_are_set_in_lowest_terms() -> None:
    """(n − 2)/(n − 2) has the value 1 at n = 2 in lowest terms; n − d is −1 at d = 3, n = 2."""
    assert is_positive((n - 2) * d / (n - 2), {"d": 1}, {"n": 2})
    assert is_positive(n - d, {"n": 4}, {"d": 3})
    assert not is_positive(n - d, {"n": 3}, {"d": 3})


def test_a_variable_without_a_least_value_is_an_error() -> None:
    with pytest.raises(ValueError, match="least must name every variable"):
        is_positive(n * d, {"n": 1})


@pytest.mark.parametrize("rows", [[[1, 2]], [[1], [2]], [[1, 2], [3]], [[]]])
def test_a_matrix_that_is_not_square_has_no_determinant(rows: list[list[int]]) -> None:
    with pytest.raises(ValueError, match="rows must be a square matrix"):
        determinant(rows, 1)
