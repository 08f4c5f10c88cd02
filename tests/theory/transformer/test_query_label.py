"""The query's label slot: what the proofs of its shift accept, and one change at a time that they refuse."""

from __future__ import annotations

import pytest

from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.words import letter
from icl_claims.theory.transformer import query_label
from icl_claims.theory.transformer.attention import NO_MASK, prompt
from icl_claims.theory.transformer.parametrizations import relaxed, sparse
from icl_claims.theory.transformer.prompts import LABELS
from icl_claims.theory.transformer.query_label import (
    FILLING,
    A,
    B,
    free_value_matrix,
    key_query_matrix,
    prove_error_is_minus_the_entry,
    prove_layer_keeps,
    prove_prompt_differs_in_the_slot,
    prove_slot_adds_its_square,
    prove_slot_only_shifts,
    target,
)

SPARSE = [sparse(letter(name, "d", "d")) for name in ("A", "D")]


def test_the_slot_only_shifts() -> None:
    prove_slot_only_shifts([])
    prove_slot_only_shifts(SPARSE)
    prove_slot_only_shifts([relaxed(A, B), *SPARSE])
    prove_slot_adds_its_square(SPARSE)


def test_a_last_column_of_the_key_query_matrix_is_refused() -> None:
    layers = [(free_value_matrix(), key_query_matrix(last_column=True))]
    for prove in (prove_slot_only_shifts, prove_slot_adds_its_square):
        with pytest.raises(Refuted, match="more than shift"):
            prove(layers)


def test_an_error_with_a_mean_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The target replaced by one that does not hold the query."""
    monkeypatch.setattr(query_label, "target", lambda: target() + FILLING)
    prove_slot_only_shifts(SPARSE)
    with pytest.raises(Refuted, match="mean of the error"):
        prove_slot_adds_its_square(SPARSE)


def test_the_steps_of_the_shift() -> None:
    prove_prompt_differs_in_the_slot()
    for P, Q in (*SPARSE, relaxed(A, B), (free_value_matrix(), key_query_matrix())):
        prove_layer_keeps(P, Q, FILLING)
    prove_error_is_minus_the_entry(target())


def test_each_refusal_of_the_shift() -> None:
    with pytest.raises(Refuted, match="the prompt changes beside the slot"):
        prove_prompt_differs_in_the_slot(prompt(LABELS * 2, FILLING))
    reading = free_value_matrix(), key_query_matrix(last_column=True)
    for arguments in ((*SPARSE[0], FILLING * 2), (*SPARSE[0], FILLING, NO_MASK), (*reading, FILLING)):
        with pytest.raises(Refuted, match="one layer does not take c"):
            prove_layer_keeps(*arguments)
    with pytest.raises(Refuted, match="minus the entry"):
        prove_error_is_minus_the_entry(-target())
