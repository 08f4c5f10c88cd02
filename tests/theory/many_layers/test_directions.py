"""Directions at points of 𝒮: each check accepts what is true, and each of its refusals is reached."""

from __future__ import annotations

import pytest
from flint import fmpq, fmpq_mat

from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.words import d, eye, letter, zero
from icl_claims.theory.many_layers import directions
from icl_claims.theory.many_layers.directions import (
    DIRECTION,
    INVERSE,
    prove_change_of_basis,
    prove_gradient_along_covariance,
    prove_gradient_is_that_of_the_steps,
    prove_infimum_of_gradients,
    prove_mean_over_signed_permutations,
    prove_reduced_derivative,
    prove_reduction_whitens,
    prove_slot_keeps_derivatives,
)
from icl_claims.theory.task import RegressionTask
from icl_claims.theory.transformer.prompts import SIGMA
from icl_claims.theory.transformer.symmetries import C

A = letter("A", "d", "d")
REDUCED = INVERSE * ((SIGMA @ DIRECTION).trace() / d)


@pytest.mark.parametrize("matrix", [C @ A @ C, A @ C, C.T @ A.T @ C])
def test_another_change_of_basis_is_refused(matrix: directions.Words) -> None:
    prove_change_of_basis(C.T @ A @ C)
    with pytest.raises(Refuted, match="label row"):
        prove_change_of_basis(matrix)


def test_another_mean_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    prove_mean_over_signed_permutations(3)
    monkeypatch.setattr(directions, "signed_permutation_mean", lambda R: fmpq_mat(R))
    with pytest.raises(Refuted, match="d = 2: the mean"):
        prove_mean_over_signed_permutations(2)
    monkeypatch.setattr(directions, "signed_permutation_mean", lambda R: R * 2)
    with pytest.raises(Refuted, match="d = 1: the mean"):
        prove_mean_over_signed_permutations(1)


def test_whitening_refuses_another_place_of_the_covariance() -> None:
    prove_reduction_whitens(REDUCED)
    with pytest.raises(Refuted, match="whitened coordinates"):
        prove_reduction_whitens(INVERSE * (DIRECTION.trace() / d))


def test_derivatives_refuse_another_factor(monkeypatch: pytest.MonkeyPatch) -> None:
    prove_reduced_derivative(REDUCED, 2)
    with pytest.raises(Refuted, match="derivatives in R"):
        prove_reduced_derivative(REDUCED * 2, 1)
    monkeypatch.setattr(directions, "derivative", lambda *_: zero("1", "1"))
    with pytest.raises(Refuted, match="no derivative to compare"):
        prove_reduced_derivative(REDUCED, 1)


def test_a_slot_that_changes_a_derivative_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    prove_slot_keeps_derivatives(1)
    monkeypatch.setattr(directions, "expectation", lambda change, *_: change)
    with pytest.raises(Refuted, match="mean change"):
        prove_slot_keeps_derivatives(1)


def test_the_slot_is_tried_on_the_label_of_the_query(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is averaged vanishes with the query, which the labels of the examples do not."""
    query = {"x_q": zero("d", "1")}
    monkeypatch.setattr(directions, "expectation", lambda change, *_: change.substitute(query))
    prove_slot_keeps_derivatives(1)


def test_only_the_letters_of_a_direction_are_replaced() -> None:
    assert REDUCED.substitute({"Sigma": eye("d"), "Sigma_inverse": eye("d")}) == eye("d") * (
        DIRECTION.trace() / d
    )


def test_the_gradient_is_that_of_the_steps_on_one_set_only() -> None:
    prove_gradient_is_that_of_the_steps(INVERSE)
    with pytest.raises(Refuted, match="gradient at 1 steps"):
        prove_gradient_is_that_of_the_steps(eye("d"))


@pytest.mark.parametrize(
    ("value", "reason"), [(fmpq(-1), "sum of squares"), (fmpq(1, 10**6), "smaller gradient")]
)
def test_another_infimum_is_refused(value: fmpq, reason: str) -> None:
    prove_infimum_of_gradients(fmpq(0), 20)
    with pytest.raises(Refuted, match=reason):
        prove_infimum_of_gradients(value, 40)


def test_a_gradient_off_the_set_is_refused() -> None:
    task = RegressionTask.whitened([[2, 1], [1, 1]], 3, noise_variance=2)
    prove_gradient_along_covariance(task, [task.covariance.inv() * fmpq(1, 2)])
    with pytest.raises(Refuted, match="multiples of Σ"):
        prove_gradient_along_covariance(task, [fmpq_mat([[1, 0], [0, 2]])])
