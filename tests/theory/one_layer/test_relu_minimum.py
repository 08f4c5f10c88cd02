"""The checks of the minimum with coins: each accepts both layers, and refuses what breaks it alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sympy

from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.words import FIELD
from icl_claims.theory.one_layer.relu_minimum import (
    prove_isotropic_minimum,
    prove_normal_matrix,
    prove_value,
)
from icl_claims.theory.one_layer.single_layer import LINEAR, RELU, normal_matrix
from icl_claims.theory.transformer.prompts import OMEGA, SIGMA

N, D = sympy.symbols("n d")
LEAST = D * (2 * D + 3) / (N + 2 * D + 3)
ONE, HALF = FIELD(1), FIELD(1) / 2


def test_both_layers() -> None:
    for keep, share in ((LINEAR, ONE), (RELU, HALF)):
        prove_normal_matrix(normal_matrix(keep), ONE, keep)
        prove_value(share, keep)
    prove_isotropic_minimum(LEAST, (D + 1) / (2 * D + 3), RELU)
    prove_isotropic_minimum(D * (D + 1) / (N + D + 1), sympy.Integer(1), LINEAR)


@pytest.mark.parametrize(
    ("check", "message"),
    [
        (lambda: prove_normal_matrix(OMEGA @ SIGMA, ONE, RELU), "is not symmetric"),
        (lambda: prove_normal_matrix(normal_matrix(LINEAR), ONE, RELU), "not that of the gradient"),
        (lambda: prove_normal_matrix(normal_matrix(RELU), FIELD(2), RELU), "not that of the gradient"),
        (lambda: prove_value(ONE, RELU), "the value at the minimizer"),
        (lambda: prove_isotropic_minimum(LEAST + 1, (D + 1) / (2 * D + 3), RELU), "is another one"),
        (lambda: prove_isotropic_minimum(LEAST, sympy.Rational(1, 2), RELU), "loses something else"),
    ],
)
def test_each_refusal(check: Callable[[], None], message: str) -> None:
    with pytest.raises(Refuted, match=message):
        check()
