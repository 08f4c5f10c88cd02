"""What is excluded at a minimum of relaxed layers: each refusal is reached."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sympy

from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.many_layers import gdpp_minimum
from icl_claims.theory.many_layers.gdpp_minimum import a0, c, s

OF = gdpp_minimum.letters()
SLOPE, COFACTOR = 2 * OF["gamma"] * OF["t"] ** 2, OF["t"] ** 2 + OF["t"] * OF["t0"] + OF["t0"] ** 2
POINT = (("-1/3", "-2", "-8"), ("7/8", "3/5"))


def test_what_is_true() -> None:
    gdpp_minimum.prove_family_of_two_layers(1 + a0 * s, 1 + c * s)
    gdpp_minimum.prove_slope_where_a_step_is_zero(OF["s"] * OF["p"] ** 2)
    gdpp_minimum.prove_infinite_update_is_no_minimum(SLOPE, COFACTOR)
    gdpp_minimum.prove_limits_lose_more({(5, 20): POINT})


@pytest.mark.parametrize(
    ("refused", "reason"),
    [
        (
            lambda: gdpp_minimum.prove_family_of_two_layers(1 + a0 * s, sympy.Integer(1)),
            "the residual of two layers is another",
        ),
        (lambda: gdpp_minimum.prove_slope_where_a_step_is_zero(-OF["s"]), "the slope at a_l = 0 is another"),
        (
            lambda: gdpp_minimum.prove_infinite_update_is_no_minimum(2 * OF["t"] ** 2, COFACTOR),
            "the slope at an infinite update is another",
        ),
        (
            lambda: gdpp_minimum.prove_infinite_update_is_no_minimum(
                SLOPE, COFACTOR - 4 * OF["t"] * OF["t0"]
            ),
            "the product has another cofactor",
        ),
        (
            lambda: gdpp_minimum.prove_limits_lose_more({(5, 20): (("0", "0", "0"), ("0", "0"))}),
            "does not exclude a degenerate first layer",
        ),
    ],
)
def test_what_is_false_is_refused(refused: Callable[[], None], reason: str) -> None:
    with pytest.raises(Refuted, match=reason):
        refused()
