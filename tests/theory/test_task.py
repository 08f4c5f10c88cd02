"""The regression task: what it accepts, what it refuses and how it says so, and its change of variables."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
import sympy
from flint import fmpq, fmpq_mat, fmpz
from hypothesis import assume, given
from hypothesis import strategies as st

from icl_claims.theory.algebra import exact, validation
from icl_claims.theory.algebra.semidefinite import SemidefiniteMatrix
from icl_claims.theory.one_layer.single_layer import loss, minimizer, minimum
from icl_claims.theory.task import RegressionTask, isotropic, whitened_sizes
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


DIAGONAL = SemidefiniteMatrix.of_eigenvalues("eigenvalues", [2, "1/3"])
DENSE = SemidefiniteMatrix.of("matrix", [[2, 1], [1, 3]])
IDENTITY = SemidefiniteMatrix.identity(2)
KINDS = [IDENTITY, DIAGONAL, DENSE]


@pytest.mark.parametrize("sigma", KINDS)
@pytest.mark.parametrize("omega", KINDS)
def test_matrices_written_out_or_not_are_one_task(
    sigma: SemidefiniteMatrix, omega: SemidefiniteMatrix
) -> None:
    task = RegressionTask(sigma, 5, omega, "1/7")
    written = RegressionTask(sigma.matrix, 5, omega.matrix.tolist(), "1/7")
    assert task == written
    assert hash(task) == hash(written)
    assert repr(task) == repr(written)
    assert (task.covariance, task.task_covariance) == (sigma.matrix, omega.matrix)
    assert task.covariance_product == sigma.matrix * omega.matrix
    assert task.signal == exact.trace(sigma.matrix * omega.matrix)
    assert task.inverse_covariances == (sigma is omega is IDENTITY) == task.is_isotropic
    levels = task.levels()
    assert (levels is None) == (DENSE in (sigma, omega))
    for place, matrix in enumerate((sigma.matrix, omega.matrix)):
        if levels is not None:
            assert exact.diagonal([x[place] for x in levels for _ in range(x.multiplicity)]) == matrix


@pytest.mark.parametrize("sigma", KINDS)
def test_the_inverse_covariance_is_known_and_recognized(sigma: SemidefiniteMatrix) -> None:
    """Whether it was said that Ω = Σ⁻¹ or is only so."""
    said = RegressionTask.whitened(sigma, 5)
    written = RegressionTask(sigma.matrix, 5, sigma.matrix.inv())
    assert said == written
    assert hash(said) == hash(written)
    for task in (said, written):
        assert task.inverse_covariances
        assert task.signal == 2
        assert task.covariance_product == exact.identity(2)
        assert all(x.covariance * x.task_covariance == 1 for x in task.levels() or ())
        assert task.in_whitened_coordinates() == isotropic(2, 5)
        assert whitened_sizes(task) == (2, 5)


def test_diagonal_tasks_by_their_eigenvalues() -> None:
    assert RegressionTask.diagonal([2, "1/3"], 5) == RegressionTask(DIAGONAL.matrix, 5)
    by_eigenvalues = RegressionTask.diagonal(np.array([2.0, 0.5]), 5, ["1/2", 2], 1)
    assert by_eigenvalues == RegressionTask([[2, 0], [0, "1/2"]], 5, [["1/2", 0], [0, 2]], 1)
    assert by_eigenvalues == RegressionTask.whitened([2, "1/2"], 5, 1)
    assert RegressionTask.diagonal([1, 1], 5) == isotropic(2, 5)
    assert RegressionTask.diagonal([1, 2], 5) != RegressionTask.diagonal([2, 1], 5)
    assert RegressionTask.diagonal([1, 2], 5) != RegressionTask.diagonal([1, 1], 5, [1, 2])
    assert repr(RegressionTask.diagonal([1, 2], 5)) == "RegressionTask.diagonal([1, 2], 5, [1, 1], 0)"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1, -1], 5), "eigenvalues must hold numbers ≥ 0, got -1 at [1]"),
        (([1, 2], 5, [1]), "task_eigenvalues must hold 2 numbers, got 1"),
        (([1, 2], 5, [1, float("nan")]), "task_eigenvalues[1] must be a finite number, got nan"),
        (([1, 2], 0), "context_length must be an integer ≥ 1, got 0"),
        (([1, 2], 5, None, -1), "noise_variance must be ≥ 0, got -1"),
    ],
)
def test_diagonal_refuses(arguments: tuple[object, ...], message: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        RegressionTask.diagonal(*arguments)  # type: ignore[arg-type]
    assert str(caught.value).startswith(message)


def test_sizes_beyond_matrices() -> None:
    """Nothing is written out unless it is asked for, and then it is refused."""
    huge = isotropic(10**18, 10**18, 1)
    assert huge.levels() == ((1, 1, 10**18),)
    assert (huge.signal, huge.inverse_covariances, huge.covariance_scalar) == (10**18, True, 1)
    assert huge == isotropic(10**18, 10**18, 1) != isotropic(10**18 - 1, 10**18, 1)
    many = RegressionTask.diagonal(range(10_000), 5)
    assert many.signal == 10_000 * 9_999 // 2
    assert len(many.levels() or ()) == 10_000
    assert not many.has_definite_covariance
    whitened = RegressionTask.whitened(range(1, 10_001), 5)
    assert whitened_sizes(whitened) == (10_000, 5)
    for task in (huge, many, whitened):
        for attribute in ("covariance", "task_covariance", "covariance_product"):
            with pytest.raises(ValueError, match="dim must be at most 2000 where a d × d matrix is needed"):
                getattr(task, attribute)


def test_a_whitened_task_is_inverted_only_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SemidefiniteMatrix, "inverse", lambda matrix: pytest.fail("Σ was inverted"))
    task = RegressionTask.whitened(DENSE, 5)
    assert (whitened_sizes(task), task.signal, task.levels(), task.is_isotropic) == ((2, 5), 2, None, False)
    assert task.covariance_product == exact.identity(2)


def test_a_task_cannot_be_changed() -> None:
    sigma = fmpq_mat(DENSE.matrix)
    task = RegressionTask(sigma, 5)
    sigma[0, 0] = 9
    assert task.covariance == DENSE.matrix
    with pytest.raises(
        AttributeError, match="a RegressionTask cannot be changed: make a new one with another dim"
    ):
        task.dim = 3


def test_whitened_coordinates_need_the_inverse_covariance() -> None:
    assert RegressionTask.whitened(DENSE, 5, "1/3").in_whitened_coordinates() == isotropic(2, 5, "1/3")
    with pytest.raises(ValueError, match="task must have Ω = Σ⁻¹, got RegressionTask"):
        RegressionTask(DENSE, 5).in_whitened_coordinates()


def test_whitened_needs_an_invertible_covariance() -> None:
    with pytest.raises(ValueError, match="covariance must be positive definite where Ω = Σ⁻¹"):
        RegressionTask.whitened([[1, 1], [1, 1]], 2)
    with pytest.raises(ValueError, match="positive definite where Ω = Σ⁻¹, got the eigenvalue 0"):
        RegressionTask.whitened([1, 0], 2)
    with pytest.raises(TypeError, match="dim must be an integer ≥ 1"):
        isotropic(2.5, 2)  # type: ignore[arg-type]


@given(semidefinite_matrices(3))
def test_gram_matrices_are_semidefinite_and_their_negatives_are_not(m: object) -> None:
    assert validation.semidefinite("m", m) == m
    with pytest.raises(ValueError, match="positive semidefinite"):
        validation.semidefinite("m", m * -1)  # type: ignore[operator]


@given(tasks(max_dim=2), st.data())
def test_the_loss_does_not_see_a_change_of_variables(task: RegressionTask, data: st.DataObject) -> None:
    """loss(A; Σ, Ω) = loss(T⁻ᵀ A T⁻¹; TΣTᵀ, T⁻ᵀΩT⁻¹), and the minimizer moves the same way."""
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


def test_silent_labels_have_no_minimizer() -> None:
    with pytest.raises(ValueError, match="every label is 0"):
        minimizer(RegressionTask([[0]], 3))
