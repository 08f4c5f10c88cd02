"""The steps of the forward pass as gradient descent: each is accepted, and refuses what breaks it alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.words import letter
from icl_claims.theory.transformer.attention import NO_MASK, X_QUERY
from icl_claims.theory.transformer.preconditioned_gd import (
    ITERATE,
    LABELS,
    A,
    gradient,
    prove_entry,
    prove_slope,
    prove_start,
    prove_step,
)


def test_the_steps() -> None:
    prove_start()
    prove_entry(-(ITERATE.T @ X_QUERY))
    prove_slope(gradient(ITERATE))
    prove_step(A.T)


def test_a_symmetric_matrix_is_its_own_transpose(monkeypatch: pytest.MonkeyPatch) -> None:
    symmetric = letter("A", "d", "d", symmetric=True)
    monkeypatch.setattr("icl_claims.theory.transformer.preconditioned_gd.A", symmetric)
    prove_step(symmetric)


@pytest.mark.parametrize(
    ("check", "message"),
    [
        (lambda: prove_start(LABELS * 2), "Z_0 is not the state"),
        (lambda: prove_entry(ITERATE.T @ X_QUERY), "the query entry"),
        (lambda: prove_slope(gradient(ITERATE) * 2), "the slope is not"),
        (lambda: prove_step(A), "one layer does not"),
        (lambda: prove_step(A.T, NO_MASK), "one layer does not"),
    ],
)
def test_each_refusal(check: Callable[[], None], message: str) -> None:
    with pytest.raises(Refuted, match=message):
        check()
