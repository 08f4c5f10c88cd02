"""Attention that keeps each example with probability ρ: its minimum and its gradient, for ReLU, linear and other ρ."""

from __future__ import annotations

from fractions import Fraction

import pytest
from flint import fmpq_mat
from hypothesis import given
from hypothesis import strategies as st

from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.words import FIELD, d, n
from icl_claims.theory.evaluation import at_task, rational_value
from icl_claims.theory.one_layer.products import prove_gradient
from icl_claims.theory.one_layer.single_layer import (
    GAMMA,
    LINEAR,
    RELU,
    isotropic_loss,
    isotropic_minimum,
    loss,
    loss_at_preconditioner,
    minimizer,
    minimum,
    normal_matrix,
    product_gradient,
)
from icl_claims.theory.task import RegressionTask, isotropic
from tests.shared.strategies import definite_matrices


@pytest.mark.parametrize("keep", [RELU, LINEAR, Fraction(1, 3)])
@pytest.mark.parametrize("size", [(1, 1), (2, 3), (3, 2)])
def test_minimum_at_sizes(keep: Fraction, size: tuple[int, int]) -> None:
    assert rational_value(isotropic_minimum(keep), isotropic(*size)) == minimum(isotropic(*size), keep)


def test_minimum_is_the_loss_at_the_minimizer() -> None:
    """The loss at the weights themselves, for ρ of both kinds of attention and another one."""
    task = RegressionTask([[2, 1], [1, 1]], 3, [[1, 0], [0, 2]], "1/3")
    for keep in (LINEAR, RELU, Fraction(1, 3)):
        columns = [*(-minimizer(task, keep)).tolist(), [0, 0]]
        assert minimum(task, keep) == loss(task, [0, 0, 1], columns, keep)


@given(definite_matrices(2), st.integers(1, 6), st.sampled_from([LINEAR, RELU]))
def test_what_is_taken_from_whitened_coordinates_holds_here(
    sigma: fmpq_mat, context_length: int, keep: Fraction
) -> None:
    """Where Ω = Σ⁻¹: ΓN = Ω, and the minimum is the loss polynomial at Γ, both evaluated at Σ itself."""
    task = RegressionTask.whitened(sigma, context_length, noise_variance="1/3")
    gamma = minimizer(task, keep)
    assert gamma * at_task(normal_matrix(keep), task, {}) == task.task_covariance
    assert minimum(task, keep) == at_task(loss_at_preconditioner(keep), task, {"Gamma": gamma})[0, 0]


def test_loss_at_any_scalar() -> None:
    """At c = n/(d + 3), no minimizer."""
    task = isotropic(2, 3)
    columns = [["-3/5", 0], [0, "-3/5"], [0, 0]]
    assert rational_value(isotropic_loss(n / (d + 3), RELU), task) == loss(task, [0, 0, 1], columns, RELU)
    assert isotropic_loss(FIELD.zero, LINEAR) == d


@pytest.mark.parametrize("keep", [LINEAR, RELU, Fraction(1, 3)])
def test_the_gradient_is_rho_times_the_stated_trace(keep: Fraction) -> None:
    """The polynomial of the module docstring: it vanishes for ΓN = Ω, with the N of the same ρ."""
    prove_gradient(product_gradient(GAMMA, keep) / FIELD(keep), normal_matrix(keep))
    with pytest.raises(Refuted):
        prove_gradient(product_gradient(GAMMA, keep) / FIELD(keep), normal_matrix(keep / 2))
