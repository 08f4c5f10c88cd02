"""On what the loss of one layer depends: each part of the formula is needed, and nothing beside it."""

from __future__ import annotations

import pytest

from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.words import FIELD, n
from icl_claims.theory.one_layer.dependence import Block, prove_dependence, prove_entry, prove_loss

LAST_ROW, FIRST_COLUMNS = ((1, 0), (1, 1)), ((0, 0), (1, 0))


def test_it_depends_on_the_last_row_and_the_first_columns() -> None:
    prove_dependence(LAST_ROW, FIRST_COLUMNS)
    prove_dependence(((0, 0), *LAST_ROW), FIRST_COLUMNS)


@pytest.mark.parametrize("missing", LAST_ROW)
def test_every_block_of_the_last_row_counts(missing: Block) -> None:
    with pytest.raises(Refuted, match=rf"block \({missing[0]}, {missing[1]}\) of P"):
        prove_dependence([block for block in LAST_ROW if block != missing], FIRST_COLUMNS)


@pytest.mark.parametrize("missing", FIRST_COLUMNS)
def test_every_block_of_the_first_columns_counts(missing: Block) -> None:
    with pytest.raises(Refuted, match=rf"block \({missing[0]}, {missing[1]}\) of Q"):
        prove_dependence(LAST_ROW, [block for block in FIRST_COLUMNS if block != missing])


def test_the_formula() -> None:
    prove_entry(1 / n, 0)
    prove_loss(1 / n, 0, 1)
    for scale, query_tokens in ((1 / (n + 1), 0), (FIELD.one, 0), (1 / n, 1)):
        with pytest.raises(Refuted, match="entry of the layer"):
            prove_entry(scale, query_tokens)
    for changed in ((1 / (n + 1), 0, 1), (1 / n, 1, 1), (1 / n, 0, -1)):
        with pytest.raises(Refuted, match="the loss is not"):
            prove_loss(*changed)
