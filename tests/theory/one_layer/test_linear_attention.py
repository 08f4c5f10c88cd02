"""Linear attention from the layer itself against the family that keeps each example with probability ρ, at ρ = 1."""

from __future__ import annotations

from fractions import Fraction

import pytest

from icl_claims.theory.one_layer import linear_attention, single_layer
from icl_claims.theory.one_layer.single_layer import GAMMA, LINEAR, RELU
from icl_claims.theory.transformer.attention import NO_MASK
from icl_claims.theory.transformer.prompts import SIGMA


def test_the_loss_by_examples_is_that_of_the_layer() -> None:
    assert single_layer.loss_polynomial(LINEAR) == linear_attention.loss_from_layer()
    assert single_layer.loss_at_preconditioner(LINEAR) == linear_attention.loss_of_error()


def test_the_gradient_by_examples_is_that_of_the_layer() -> None:
    assert single_layer.product_gradient(GAMMA, LINEAR) == linear_attention.gradient_from_layer(GAMMA)
    assert linear_attention.gradient_from_layer(GAMMA, NO_MASK) == linear_attention.gradient_from_layer(GAMMA)


@pytest.mark.parametrize("keep", [RELU, Fraction(1, 3), Fraction(0)])
def test_only_the_linear_layer_keeps_every_example(keep: Fraction) -> None:
    assert single_layer.loss_polynomial(keep) != linear_attention.loss_from_layer()
    assert single_layer.product_gradient(GAMMA, keep) != linear_attention.gradient_from_layer(GAMMA)


def test_the_normal_matrix_gives_the_second_moment_of_the_cross_term() -> None:
    assert single_layer.cross_second_moment() == single_layer.normal_matrix(LINEAR) @ SIGMA
