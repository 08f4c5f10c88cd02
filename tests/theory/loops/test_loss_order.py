"""The order of the least losses: each of its three conditions violated by itself."""

from __future__ import annotations

import pytest

from icl_claims.theory.algebra import exact
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.loops.loss_order import Order, prove_order
from icl_claims.theory.task import RegressionTask, isotropic

SKEWED = RegressionTask.whitened(exact.diagonal([1, 4]), 3)


def test_the_order_holds() -> None:
    prove_order(Order(SKEWED, 1, equal=True))
    for layers in (2, 3):
        prove_order(Order(SKEWED, layers))


def test_equality_is_refused_where_it_is_strict() -> None:
    with pytest.raises(Refuted, match="u is below p"):
        prove_order(Order(SKEWED, 2, equal=True))


def test_strictness_is_refused_where_it_is_equal() -> None:
    with pytest.raises(Refuted, match="u is not below p"):
        prove_order(Order(SKEWED, 1))


@pytest.mark.parametrize(("layers", "equal"), [(1, True), (2, False)])
def test_without_a_spread_of_eigenvalues_descent_is_preconditioned(layers: int, equal: bool) -> None:
    with pytest.raises(Refuted, match="g is not above p"):
        prove_order(Order(isotropic(2, 3), layers, equal))


def test_a_task_that_is_not_whitened_is_an_error() -> None:
    with pytest.raises(ValueError, match="task must be whitened"):
        prove_order(Order(RegressionTask(exact.diagonal([1, 4]), 3), 2))
