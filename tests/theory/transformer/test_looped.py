"""One looped block: each of its identities is accepted, and refuses what breaks it alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.words import eye
from icl_claims.theory.transformer import looped
from icl_claims.theory.transformer.attention import MASK, NO_MASK, X_QUERY, W, X, layer, prompt
from icl_claims.theory.transformer.looped import (
    NO_VALUE_ROW,
    VALUE_ROW,
    loop,
    prove_contraction,
    prove_loop_step,
    prove_state_of_residual,
    prove_transposed,
)
from icl_claims.theory.transformer.parametrizations import sparse
from icl_claims.theory.transformer.preconditioned_gd import ITERATE, LABELS, A, state
from icl_claims.theory.transformer.prompts import S


@pytest.mark.parametrize("mask", [MASK, NO_MASK])
def test_without_a_value_row_it_is_a_sparse_layer(mask: object) -> None:
    Z = prompt(LABELS, X_QUERY.T @ X_QUERY)
    assert loop(A, NO_VALUE_ROW, Z, mask) == layer(*sparse(A), Z, mask)  # type: ignore[arg-type]
    assert loop(A, VALUE_ROW, Z, mask) != layer(*sparse(A), Z, mask)  # type: ignore[arg-type]


def test_the_steps() -> None:
    prove_loop_step(A.T)
    prove_contraction(A.T, eye("d") - A.T @ S)
    prove_transposed(eye("d") - A.T @ S, eye("d") - S @ A)
    prove_state_of_residual()


@pytest.mark.parametrize(
    ("check", "message"),
    [
        (lambda: prove_loop_step(A), "one loop does not take the state"),
        (lambda: prove_loop_step(A.T, NO_MASK), "one loop does not take the state"),
        (lambda: prove_contraction(A, eye("d") - A.T @ S), "stated multiple"),
        (lambda: prove_transposed(eye("d") - A.T @ S, eye("d") - A @ S), "not the transpose"),
    ],
)
def test_what_is_refused(check: Callable[[], None], message: str) -> None:
    with pytest.raises(Refuted, match=message):
        check()


def test_another_state_of_the_residual_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looped, "state", lambda w, labels: state(w, labels + X_QUERY.T @ X))
    with pytest.raises(Refuted, match="not those of the residual"):
        prove_state_of_residual()
    assert W.T @ X != ITERATE.T @ X
