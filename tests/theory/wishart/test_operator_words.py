"""The operator on words: accepted with its constants, refused with any one of them changed."""

from __future__ import annotations

import pytest

from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.words import n
from icl_claims.theory.wishart.operator_words import (
    SIGMA,
    Operator,
    basis,
    by_derivative,
    moment,
    orders,
    prove_derivative,
    prove_next_moment,
)

STATED = Operator(own=1, more=0, split=1, joined=2, shift=1)


def test_the_first_moments() -> None:
    assert moment(1, ()) == SIGMA * n
    assert moment(2, ()) == basis(2, ()) * (n * (n + 1)) + basis(1, (1,)) * n
    assert by_derivative(0, (2,)) == basis(1, (2,)) * n + basis(3, ()) * 4
    assert STATED.image(moment(1, ())) == moment(2, ())


def test_the_orders() -> None:
    assert [len(list(orders(k))) for k in range(5)] == [1, 3, 7, 14, 26]


def test_the_operator_to_degree_three() -> None:
    prove_derivative(STATED, 3)
    prove_next_moment(STATED, 3)


@pytest.mark.parametrize("edit", [{"own": 0}, {"more": 1}, {"split": 2}, {"joined": 1}, {"shift": 0}])
def test_other_constants_are_refused(edit: dict[str, int]) -> None:
    with pytest.raises(Refuted, match="T is not nΣ"):
        prove_derivative(STATED._replace(**edit), 2)
    with pytest.raises(Refuted, match="T does not give the moment"):
        prove_next_moment(STATED._replace(**edit), 2)
