"""Where layers sit beside the closed form: for how many layers."""

from __future__ import annotations

import pytest

from icl_claims.theory.algebra import exact
from icl_claims.theory.many_layers.distance import MOST_LAYERS, compare_layers
from icl_claims.theory.task import isotropic


@pytest.mark.parametrize("depth", [0, MOST_LAYERS + 1])
def test_no_layers_and_too_many_are_refused(depth: int) -> None:
    one = exact.identity(2)
    with pytest.raises(ValueError, match=f"of 1 to {MOST_LAYERS} layers, got {depth}"):
        compare_layers(isotropic(2, 5), [(one, 0 * one)] * depth)
