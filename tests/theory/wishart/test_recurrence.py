"""How far the recurrence of the moments goes."""

from __future__ import annotations

import pytest

from icl_claims.theory.wishart.recurrence import (
    LARGEST_ORDER,
    LARGEST_SYMBOLIC_ORDER,
    largest_order,
    trace_moments,
)


@pytest.mark.parametrize("sizes", [(None, None), (None, 5), (5, None)])
def test_one_symbol_is_enough_for_the_lower_limit(sizes: tuple[int | None, int | None]) -> None:
    assert largest_order(*sizes) == LARGEST_SYMBOLIC_ORDER < LARGEST_ORDER == largest_order(5, 5)
    with pytest.raises(ValueError, match=f"order must be an integer from 0 to {LARGEST_SYMBOLIC_ORDER}, got"):
        trace_moments(LARGEST_SYMBOLIC_ORDER + 1, *sizes)
