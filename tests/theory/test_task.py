"""The regression task: what it accepts, what it refuses and how it says so, and its change of variables."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
import sympy
from flint import fmpq, fmpz
from hypothesis import assume, given
from hypothesis import strategies as st

from icl_claims.theory.algebra import exact, validation
from icl_claims.theory.one_layer.single_layer import loss, minimizer, minimum
from icl_claims.theory.task import RegressionTask, isotropic
from tests.shared.strategies import matrices, semidefinite_matrices, tasks


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([[1, 2], [3, 1]], 3), ValueError, "covariance must be symmetric, got 3 at [1][0], 2 at [0][1]"),
        (([[1, 2], [2, 1]], 3), ValueError, "covariance must be positive semidefinite"),
        (([[-1]], 3), ValueError, "covariance must be positive semidefinite"),
        (([[1, 0]], 3), ValueError, "covariance must be square, got 1 × 2"),
        (([[1, 0], [0]], 3), ValueError, "covariance must have rows of one length"),
        (([], 3), ValueError, "covariance must have rows of one length, at least 1 × 1"),
        ((7, 3), TypeError, "covariance must be a matrix"),
        (("1", 3), TypeError, "covariance must be a matrix"),
        (([[float("nan")]], 3), ValueError, "covariance[0][0] must be a finite number, got nan"),
        (([[float("inf")]], 3), ValueError, "covariance[0][0] must be a finite number, got inf"),
        (([["a"]], 3), ValueError, "covariance[0][0] must be a finite number, got 'a'"),
        (([["1/0"]], 3), ValueError, "covariance[0][0] must be a finite number, got '1/0'"),
        (([[True]], 3), TypeError, "covariance[0][0] must be a real number, got the bool True"),
        (([[1j]], 3), TypeError, "covariance[0][0] must be a real number, got 1j"),
        (([[None]], 3), TypeError, "covariance[0][0] must be a real number, got None"),
        (([[1]], 0), ValueError, "context_length must be an integer ≥ 1, got 0"),
        (([[1]], -2), ValueError, "context_length must be an integer ≥ 1, got -2"),
        (([[1]], True), TypeError, "context_length must be an integer ≥ 1, got True of type bool"),
        (([[1]], 2.0), TypeError, "context_length must be an integer ≥ 1, got 2.0 of type float"),
        (([[1]], "2"), TypeError, "context_length must be an integer ≥ 1, got '2' of type str"),
        (([[1]], 2, [[1, 0], [0, 1]]), ValueError, "task_covariance must be 1 × 1, got 2 × 2"),
        (([[1]], 2, [[-1]]), ValueError, "task_covariance must be positive semidefinite"),
        (([[1]], 2, None, -1), ValueError, "noise_variance must be ≥ 0, got -1"),
        (([[1]], 2, None, float("nan")), ValueError, "noise_variance must be a finite number, got nan"),
        (([[1]], 2, None, True), TypeError, "noise_variance must be a real number, got the bool True"),
        ((np.array([[np.nan]]), 2), ValueError, "covariance[0][0] must be a finite number, got nan"),
        ((np.array([[np.True_]]), 2), TypeError, "covariance[0][0] must be a real number"),
        ((np.ones(2), 2), TypeError, "covariance must be a matrix"),
    ],
)
def test_refuses(arguments: tuple[object, ...], error: type[Exception], message: str) -> None:
    with pytest.raises(error) as caught:
        RegressionTask(*arguments)  # type: ignore[arg-type]
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    "half",
    [0.5, "1/2", "0.5", Fraction(1, 2), fmpq(1, 2), sympy.Rational(1, 2), np.float32(0.5), Decimal("0.5")],
)
def test_accepts_every_kind_of_exact_number(half: object) -> None:
    assert RegressionTask([[half]], fmpz(3)) == RegressionTask([[fmpq(1, 2)]], np.int64(3))


def test_floats_are_the_dyadic_rationals_they_are() -> None:
    assert RegressionTask([[0.1]], 1).covariance[0, 0] == fmpq(3602879701896397, 36028797018963968)
    assert RegressionTask([["0.1"]], 1).covariance[0, 0] == fmpq(1, 10)


def test_whitened_needs_an_invertible_covariance() -> None:
    with pytest.raises(ValueError, match="covariance must be positive definite where Ω = Σ⁻¹"):
        RegressionTask.whitened([[1, 1], [1, 1]], 2)
    with pytest.raises(TypeError, match="dim must be an integer ≥ 1"):
        isotropic(2.5, 2)  # type: ignore[arg-type]


@given(semidefinite_matrices(3))
def test_gram_matrices_are_semidefinite_and_their_negatives_are_not(m: object) -> None:
    assert validation.semidefinite("m", m) == m
    with pytest.raises(ValueError, match="positive semidefinite"):
        validation.semidefinite("m", m * -1)  # type: ignore[operator]


@given(tasks(max_dim=2), st.data())
def test_the_loss_does_not_see_a_change_of_variables(task: RegressionTask, data: st.DataObject) -> None:
    """loss(A; Σ, Ω) = loss(T⁻ᵀ A T⁻¹; TΣTᵀ, T⁻ᵀΩT⁻¹), and the minimiser moves the same way."""
    transform = data.draw(matrices(task.dim, task.dim))
    assume(transform.det() != 0 and task.signal + task.noise_variance > 0)
    other = task.change_of_variables(transform)
    A = data.draw(matrices(task.dim, task.dim))
    inverse = transform.inv()
    moved = inverse.transpose() * A * inverse
    e_last, last = [fmpq(0)] * task.dim + [fmpq(1)], [[fmpq(0)] * task.dim]
    assert loss(task, e_last, A.tolist() + last) == loss(other, e_last, moved.tolist() + last)
    assert minimum(task) == minimum(other)
    assert minimizer(other) == inverse.transpose() * minimizer(task) * inverse


def test_whitening_makes_the_task_isotropic() -> None:
    sigma = exact.diagonal([4, "1/9"])
    root_inverse = exact.diagonal(["1/2", 3])
    assert RegressionTask.whitened(sigma, 3).change_of_variables(root_inverse) == isotropic(2, 3)
    with pytest.raises(ValueError, match="transform must be invertible"):
        isotropic(2, 3).change_of_variables([[1, 1], [1, 1]])
    with pytest.raises(ValueError, match="transform must be of shape 2 × 2, got 1 × 1"):
        isotropic(2, 3).change_of_variables([[1]])


def test_equal_tasks_hash_alike() -> None:
    assert len({RegressionTask([[0.5]], 2), RegressionTask([["1/2"]], 2), RegressionTask([[1]], 2)}) == 2
    assert RegressionTask([[1]], 2) != RegressionTask([[1]], 2, None, 1)


@pytest.mark.parametrize(
    ("b", "A", "message"),
    [
        ([0, 1], [[1, 0], [0, 1], [0, 0]], "b must hold 3 numbers, got 2"),
        ([0, 0, 1], [[1, 0], [0, 1]], "A must be of shape 3 × 2, got 2 × 2"),
        ([0, 0, float("nan")], [[1, 0], [0, 1], [0, 0]], "b[2] must be a finite number"),
        ([0, 0, 1], [[1, 0], [0, 1], [0, True]], "A[2][1] must be a real number"),
    ],
)
def test_loss_refuses_wrong_weights(b: object, A: object, message: str) -> None:
    with pytest.raises((TypeError, ValueError)) as caught:
        loss(isotropic(2, 3), b, A)
    assert str(caught.value).startswith(message)


def test_silent_labels_have_no_minimiser() -> None:
    with pytest.raises(ValueError, match="every label is 0"):
        minimizer(RegressionTask([[0]], 3))
