"""One layer by joint eigenvalues, against the same at d × d matrices, and against another route."""

from __future__ import annotations

from fractions import Fraction

import pytest
from flint import fmpq, fmpq_mat
from hypothesis import given
from hypothesis import strategies as st

from icl_claims.theory.algebra import exact
from icl_claims.theory.evaluation import at_task
from icl_claims.theory.many_layers.matrix_layers import layered_gradient, layered_loss
from icl_claims.theory.one_layer import single_layer
from icl_claims.theory.task import RegressionTask

weights = st.fractions(0, 5, max_denominator=12).map(lambda x: fmpq(x.numerator, x.denominator))


@given(st.lists(st.tuples(weights, weights), min_size=1, max_size=4), weights, st.integers(1, 9))
def test_eigenvalues_are_those_of_matrices(pairs: list[tuple[fmpq, fmpq]], noise: fmpq, n: int) -> None:
    """And at them the gradient of the loss, averaged word by word, vanishes."""
    task = RegressionTask.diagonal([x for x, _ in pairs], n, [y for _, y in pairs], noise)
    if task.signal + noise == 0:
        return
    gamma, least = single_layer.minimizer(task), single_layer.minimum(task)
    assert gamma == task.task_covariance * at_task(single_layer.normal_matrix(), task, {}).inv()
    assert least == at_task(single_layer.loss_at_preconditioner(), task, {"Gamma": gamma})[0, 0]
    assert layered_loss(task, [gamma]) == least
    (gradient,) = layered_gradient(task, [gamma])
    assert gradient == gradient * 0


def test_equal_neighbours_share_an_eigenvalue() -> None:
    task = RegressionTask.diagonal([2, 2, "1/2"], 4)
    first, second = single_layer.minimizer_eigenvalues(task)
    assert single_layer.minimizer(task) == exact.diagonal([first, first, second])


@pytest.mark.parametrize("noise", ["0", "1/3"])
def test_the_whitened_optimum_is_that_of_every_covariance(noise: str) -> None:
    """A = a Σ⁻¹ and the loss do not change under x ↦ Σ^{-1/2} x; on the left a matrix route, without eigenvalues."""
    sigma = fmpq_mat([[2, 1, 0], [1, 3, 1], [0, 1, 1]])
    task = RegressionTask.whitened(sigma, 5, noise)
    (step,) = single_layer.minimizer_eigenvalues(task.in_whitened_coordinates())
    assert single_layer.minimizer(task) == sigma.inv() * step
    assert single_layer.minimum(task) == single_layer.minimum(task.in_whitened_coordinates())


@given(st.integers(1, 10**18), st.integers(1, 10**18))
def test_sizes_beyond_matrices(d: int, n: int) -> None:
    """a = n/(n + d + 1) and min f = d (d + 1)/(n + d + 1)."""
    task = RegressionTask.isotropic(d, n)
    (step,), least = single_layer.minimizer_eigenvalues(task), single_layer.minimum(task)
    assert Fraction(int(step.p), int(step.q)) == Fraction(n, n + d + 1)
    assert Fraction(int(least.p), int(least.q)) == Fraction(d * (d + 1), n + d + 1)


def test_refusals() -> None:
    with pytest.raises(ValueError, match="task must have diagonal Σ and Ω, got RegressionTask"):
        single_layer.minimizer_eigenvalues(RegressionTask([[2, 1], [1, 1]], 3))
    with pytest.raises(ValueError, match="every label is 0"):
        single_layer.minimizer_eigenvalues(RegressionTask.diagonal([0, 0], 3))
    with pytest.raises(ValueError, match="dim must be at most 2000 where a d × d matrix is needed, got 2001"):
        single_layer.minimizer(RegressionTask.isotropic(2001, 3))
