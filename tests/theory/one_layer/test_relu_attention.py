"""The isotropic minimum of ReLU and linear attention, symbolic in n and d: against the task's own numbers."""

from __future__ import annotations

from fractions import Fraction

import pytest

from icl_claims.theory.algebra.evaluation import rational_value
from icl_claims.theory.algebra.words import FIELD, d, n
from icl_claims.theory.one_layer import single_layer
from icl_claims.theory.one_layer.relu_attention import (
    LINEAR,
    RELU,
    isotropic_loss,
    isotropic_minimum,
    loss,
    minimum,
)
from icl_claims.theory.task import isotropic


@pytest.mark.parametrize("keep", [RELU, LINEAR, Fraction(1, 3)])
@pytest.mark.parametrize("size", [(1, 1), (2, 3), (3, 2)])
def test_minimum_at_sizes(keep: Fraction, size: tuple[int, int]) -> None:
    assert rational_value(isotropic_minimum(keep), isotropic(*size)) == minimum(isotropic(*size), keep)


def test_linear_attention_is_that_of_the_layer() -> None:
    assert rational_value(isotropic_minimum(LINEAR), isotropic(5, 20)) == single_layer.minimum(
        isotropic(5, 20)
    )


def test_loss_at_any_scalar() -> None:
    """At c = n/(d + 3), no minimiser."""
    task = isotropic(2, 3)
    columns = [["-3/5", 0], [0, "-3/5"], [0, 0]]
    assert rational_value(isotropic_loss(n / (d + 3)), task) == loss(task, [0, 0, 1], columns)
    assert isotropic_loss(FIELD.zero, LINEAR) == d
