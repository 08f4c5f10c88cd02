"""Factors of the products of one layer: each check accepts what is so, and refuses one change at a time."""

from __future__ import annotations

import pytest

from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.words import one, zero
from icl_claims.theory.one_layer import factors
from icl_claims.theory.one_layer.convexity import DELTA, hessian_form, squares
from icl_claims.theory.one_layer.factors import (
    ALPHA,
    V,
    prove_blocks,
    prove_hessian,
    prove_mask_adds_no_context,
    prove_orbits,
    prove_product_square,
    prove_squares,
)
from icl_claims.theory.one_layer.linear_attention import query_entry
from icl_claims.theory.one_layer.single_layer import BETA, U
from icl_claims.theory.transformer.attention import NO_MASK


@pytest.mark.parametrize("name", squares())
def test_every_part_of_the_hessian_counts(name: str) -> None:
    total = sum(squares().values(), zero("1", "1"))
    prove_hessian(total)
    with pytest.raises(Refuted, match="Hessian form"):
        prove_hessian(total - squares()[name])


@pytest.mark.parametrize("name", squares())
def test_every_part_is_its_square(name: str) -> None:
    prove_squares(squares())
    with pytest.raises(Refuted, match=f"part {name} is not the square"):
        prove_squares({**squares(), name: squares()[name] - DELTA * DELTA})
    with pytest.raises(Refuted, match="the parts are not"):
        prove_squares({other: x for other, x in squares().items() if other != name})


def test_blocks_of_the_symmetric_product() -> None:
    top, side, corner = U @ V.T + V @ U.T, U @ ALPHA + V @ BETA, ALPHA @ BETA * 2
    prove_blocks(top, side, corner)
    for changed in ((U @ V.T * 2, side, corner), (top, U @ ALPHA, corner), (top, side, ALPHA @ BETA)):
        with pytest.raises(Refuted, match="other blocks"):
            prove_blocks(*changed)


def test_square_of_the_first_block() -> None:
    with pytest.raises(Refuted, match="another polynomial"):
        prove_product_square((U.T @ V) * (U.T @ V) * 4)


def test_orbits() -> None:
    prove_orbits(2, 1)
    with pytest.raises(Refuted, match="at rank 1 there are 2 orbits, not 1"):
        prove_orbits(1, 1)
    with pytest.raises(Refuted, match="above rank 1 there are 1 orbits, not 2"):
        prove_orbits(2, 2)


def test_what_the_mask_leaves_out(monkeypatch: pytest.MonkeyPatch) -> None:
    prove_mask_adds_no_context()
    entry = {None: query_entry(), NO_MASK: query_entry(NO_MASK)}
    monkeypatch.setattr(factors, "query_entry", lambda mask=None: entry[mask] + one())
    with pytest.raises(Refuted, match="does not hold the context"):
        prove_mask_adds_no_context()
    monkeypatch.setattr(factors, "query_entry", lambda mask=None: entry[None] * (1 if mask is None else 2))
    with pytest.raises(Refuted, match="leaves out holds the context"):
        prove_mask_adds_no_context()


def test_the_hessian_is_what_the_parts_add_up_to() -> None:
    assert sum(squares().values(), zero("1", "1")) == hessian_form()
