"""The definite blocks of two layers' Hessian: at every size that the lemmas speak of."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sympy.polys.fields import FracElement

from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.words import d, n
from icl_claims.theory.derivations import critical_points_local_minimum_two_layers as derivation
from icl_claims.theory.many_layers.two_layer_curvature import RING, Blocks
from icl_claims.theory.many_layers.two_steps import TwoSteps


@pytest.mark.parametrize(
    ("lemma", "vanishing"),
    [
        (derivation.on_multiples, d - 1),
        (derivation.on_multiples, n - 1),
        (derivation.on_symmetric, d - 2),
        (derivation.on_symmetric, n - 1),
        (derivation.on_antisymmetric, d - 2),
        (derivation.on_antisymmetric, n - 1),
    ],
)
def test_a_block_that_is_singular_at_the_least_size_is_refused(
    monkeypatch: pytest.MonkeyPatch, lemma: Callable[[TwoSteps], None], vanishing: FracElement
) -> None:
    """From the next size on it is definite."""
    for entry, definite in ((vanishing, False), (vanishing + 1, True)):
        block = [[RING(entry), RING(0)], [RING(0), RING(1)]]
        monkeypatch.setattr(derivation, "blocks", lambda block=block: Blocks(block, block, block))
        if definite:
            lemma(derivation.STATED)
        else:
            with pytest.raises(Refuted, match="the first entry"):
                lemma(derivation.STATED)
