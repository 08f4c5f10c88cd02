"""The task that options describe, against the task of the theory."""

from __future__ import annotations

from fractions import Fraction

import pytest
from flint import fmpq, fmpq_mat
from hypothesis import given
from hypothesis import strategies as st

from icl_claims.claims.calculators.tasks import Covariance, Level, Task, diagonal_of, total
from icl_claims.theory.algebra import exact
from icl_claims.theory.task import RegressionTask

DIAGONAL = (fmpq(2), fmpq(1, 3))
DENSE = fmpq_mat([[2, 1], [1, 3]])
COVARIANCES: list[Covariance] = [None, DIAGONAL, DENSE, exact.diagonal([1, 5])]


def as_matrix(covariance: Covariance) -> fmpq_mat:
    if covariance is None:
        return exact.identity(2)
    return exact.diagonal(covariance) if isinstance(covariance, tuple) else covariance


@pytest.mark.parametrize("sigma", COVARIANCES)
@pytest.mark.parametrize("omega", COVARIANCES)
def test_the_task_is_that_of_the_theory(sigma: Covariance, omega: Covariance) -> None:
    task = Task(2, 5, sigma, omega, whitened=False, noise=fmpq(1, 7))
    regression = RegressionTask(as_matrix(sigma), 5, as_matrix(omega), "1/7")
    assert task.regression() == regression
    assert task.signal == regression.signal
    levels = task.levels()
    assert (levels is None) == (sigma is DENSE or omega is DENSE)
    for place, matrix in enumerate((as_matrix(sigma), as_matrix(omega))):
        if levels is not None:
            assert exact.diagonal([x[place] for x in levels for _ in range(x.multiplicity)]) == matrix


@pytest.mark.parametrize("sigma", COVARIANCES)
def test_the_whitened_task(sigma: Covariance) -> None:
    task = Task(2, 5, sigma, None, whitened=True, noise=fmpq(0))
    assert task.regression() == RegressionTask.whitened(as_matrix(sigma), 5)
    assert task.signal == 2
    assert all(x.covariance * x.task_covariance == 1 for x in task.levels() or ())


def test_a_task_may_be_whitened_without_being_called_so() -> None:
    assert Task(2, 5, None, None, whitened=False, noise=fmpq(0)).is_whitened
    assert Task(2, 5, DENSE, None, whitened=True, noise=fmpq(0)).is_whitened
    assert not Task(2, 5, DIAGONAL, None, whitened=False, noise=fmpq(0)).is_whitened
    assert not Task(2, 5, DENSE, None, whitened=False, noise=fmpq(0)).is_whitened


def test_identities_of_any_size_are_one_level() -> None:
    task = Task(10**17, 5, None, None, whitened=False, noise=fmpq(0))
    assert task.levels() == [Level(fmpq(1), fmpq(1), 10**17)]
    assert task.signal == 10**17


def test_diagonals() -> None:
    assert diagonal_of(DIAGONAL) == diagonal_of(exact.diagonal(DIAGONAL)) == DIAGONAL
    assert diagonal_of(DENSE) is None


@given(st.lists(st.fractions(max_denominator=100), max_size=20))
def test_total(values: list[Fraction]) -> None:
    expected = sum(values, Fraction(0))
    found = total([fmpq(x.numerator, x.denominator) for x in values])
    assert found == fmpq(expected.numerator, expected.denominator)
