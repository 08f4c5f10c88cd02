"""Symmetries of the sparse parametrization: each check accepts what is true, and each of its refusals is reached."""

from __future__ import annotations

from collections.abc import Sequence
from math import factorial

import pytest

from icl_claims.theory.algebra.blocks import Blocks
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.words import Words
from icl_claims.theory.transformer import symmetries
from icl_claims.theory.transformer.attention import MASK, NO_MASK
from icl_claims.theory.transformer.symmetries import (
    MATRICES,
    C,
    after_layers,
    prove_exchange,
    prove_orders,
    step,
)

FIRST, SECOND = MATRICES


@pytest.mark.parametrize("exchanged", [(SECOND, -FIRST), (SECOND, SECOND), (SECOND, C @ FIRST)])
def test_another_exchange_is_refused(exchanged: tuple[Words, Words]) -> None:
    prove_exchange((SECOND, FIRST))
    with pytest.raises(Refuted, match="label rows differ"):
        prove_exchange(exchanged)


@pytest.mark.parametrize("broken", [MASK, NO_MASK], ids=["with the mask", "without"])
def test_the_exchange_is_tried_with_the_mask_and_without(
    broken: Blocks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Layers that forget the second matrix for one of the two do not commute there."""

    def forgetful(matrices: Sequence[Words], mask: Blocks = MASK) -> Blocks:
        return after_layers(matrices[:1] if mask is broken else matrices, mask)

    monkeypatch.setattr(symmetries, "after_layers", forgetful)
    with pytest.raises(Refuted, match="label rows differ"):
        prove_exchange((SECOND, FIRST))


@pytest.mark.parametrize("other", [C.T, C @ C, FIRST])
def test_off_a_ray_the_order_matters(other: Words) -> None:
    """Even where the two matrices commute."""
    pair = (C * step(0), other * step(1))
    assert all(after_layers(pair, mask) != after_layers(pair[::-1], mask) for mask in (MASK, NO_MASK))


def test_another_number_of_orders_is_refused() -> None:
    prove_orders(factorial, 5)
    with pytest.raises(Refuted, match="L = 3: different steps"):
        prove_orders(lambda L: 2 ** (L - 1), 3)
