"""The Hessian of two layers for all sizes: against its blocks at one size, and each condition violated by itself."""

from __future__ import annotations

from typing import Any

import pytest
from flint import fmpq

from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.words import FIELD, letter
from icl_claims.theory.many_layers.critical_points import curvature
from icl_claims.theory.many_layers.step_sizes import hessian
from icl_claims.theory.many_layers.two_layer_curvature import (
    RING,
    STEP_A,
    STEP_B,
    blocks,
    blocks_of,
    prove_change_of_basis,
    prove_definite_at_both,
    prove_positive_at_both,
)
from icl_claims.theory.task import isotropic

R = letter("R", "d", "d")
ONE = FIELD.one
LEAST = {"d": 1, "n": 1}


@pytest.mark.parametrize(("dim", "size"), [(2, 1), (3, 2), (5, 20)])
def test_blocks_at_one_size(dim: int, size: int) -> None:
    """Half of those that come from averages of SⁱRSʲR, another route; and half the Hessian in the steps over d."""
    steps = [fmpq(1, 2), fmpq(1, 3)]
    task = isotropic(dim, size)

    def number(entry: object) -> fmpq:
        value = RING(entry).as_expr().subs({"n": size, "d": dim, "a": "1/2", "b": "1/3"})
        return fmpq(int(value.p), int(value.q))

    found = blocks()
    for rows, kind in ((found.symmetric, "symmetric"), (found.antisymmetric, "antisymmetric")):
        assert [[2 * number(x) for x in row] for row in rows] == curvature(task, steps, kind)  # type: ignore[arg-type]
    multiples = hessian(task, steps)
    assert [[2 * dim * number(x) for x in row] for row in found.multiples] == multiples.tolist()


def test_a_term_of_another_kind_is_refused() -> None:
    with pytest.raises(Refuted, match="of another kind"):
        blocks_of((R @ letter("M", "d", "d") @ R).trace())


def test_the_sum_and_the_product_are_looked_at() -> None:
    """At the roots 1 and 2 of z² − 3z + 2, of b as well in the other order."""
    e, p = 3 * ONE, 2 * ONE
    prove_positive_at_both(STEP_A + STEP_B, e, p, LEAST)
    with pytest.raises(Refuted, match="sum of its values"):
        prove_positive_at_both(-STEP_A - STEP_B, e, p, LEAST)  # the product is 9
    with pytest.raises(Refuted, match="product of its values"):
        prove_positive_at_both(4 * STEP_A - 5, e, p, LEAST)  # −1 and 3


@pytest.mark.parametrize("value", [4 * STEP_A - 1, 11 * STEP_A - 10, 3 - STEP_A])
def test_positive_values_of_either_sign_of_slope_pass(value: Any) -> None:
    """3 and 7, 1 and 12, 2 and 1, at the orders of the steps 1 and 2."""
    prove_positive_at_both(value, 3 * ONE, 2 * ONE, LEAST)


def test_both_minors_are_looked_at() -> None:
    e, p = 3 * ONE, 2 * ONE
    zero, one = RING(0), RING(1)
    prove_definite_at_both([[one, zero], [zero, STEP_A]], e, p, LEAST)
    with pytest.raises(Refuted, match="first entry"):
        prove_definite_at_both([[-one, zero], [zero, -one]], e, p, LEAST)
    with pytest.raises(Refuted, match="determinant"):
        prove_definite_at_both([[one, one], [one, zero]], e, p, LEAST)


def test_the_change_of_basis_transposes() -> None:
    prove_change_of_basis()
    with pytest.raises(Refuted, match="changes the labels"):
        prove_change_of_basis(transposed=False)
