"""Rotations of the covariates, and the rule by which inverse matrices leave a word."""

from __future__ import annotations

import pytest

from icl_claims.theory.algebra.blocks import Blocks
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.words import Words, d, eye, letter, one
from icl_claims.theory.transformer import rotations
from icl_claims.theory.transformer.attention import MASK, NO_MASK, X_QUERY, X
from icl_claims.theory.transformer.rotations import (
    U,
    inverse_pairs,
    prove_rotation,
    without_inverse_pairs,
    without_orthogonal_pairs,
)

A = letter("A", "d", "d")
C, K = letter("C", "d", "d"), letter("K", "d", "d")
PAIRS = inverse_pairs("C", "K")


@pytest.mark.parametrize(
    ("word", "left"),
    [
        (C @ K, eye("d")),
        (K.T @ C.T @ A, A),
        (C @ C @ K @ K @ A, A),
        (C @ K.T, C @ K.T),
        (C @ A @ K, C @ A @ K),
        (C @ C, C @ C),
    ],
)
def test_neighbours_leave_a_word(word: Words, left: Words) -> None:
    assert without_inverse_pairs(word, PAIRS) == left


def test_a_trace_is_closed() -> None:
    """The ends of a trace are neighbours; an empty trace of a d × d product is d."""
    assert without_inverse_pairs((C @ A @ K).trace(), PAIRS) == A.trace()
    assert without_inverse_pairs((C @ K).trace() * A, PAIRS) == A * d
    assert without_inverse_pairs((C @ K).trace(), PAIRS) == one() * d


def test_orthogonal_pairs() -> None:
    assert without_orthogonal_pairs(U @ A @ U.T) == U @ A @ U.T
    assert without_orthogonal_pairs(A @ U @ U.T @ X) == A @ X
    assert without_orthogonal_pairs(U @ U @ X) == U @ U @ X


@pytest.mark.parametrize("mask", [MASK, NO_MASK], ids=["mask", "no mask"])
def test_a_rotation_is_a_symmetry(mask: Blocks) -> None:
    prove_rotation(mask)


def test_without_orthogonality_it_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rotations, "without_orthogonal_pairs", lambda words: words)
    with pytest.raises(Refuted, match="label row"):
        prove_rotation(MASK)


@pytest.mark.parametrize(
    ("row", "column", "extra", "reason"),
    [
        (0, 0, X, "covariates are not turned"),
        (0, 1, X_QUERY, "covariates are not turned"),
        (1, 0, X_QUERY.T @ A @ X, "label row changes"),
        (1, 1, X_QUERY.T @ A @ X_QUERY, "label row changes"),
    ],
)
def test_a_change_of_one_block_is_seen(
    monkeypatch: pytest.MonkeyPatch, row: int, column: int, extra: Words, reason: str
) -> None:
    """A layer that adds to one block what does not turn with the prompt, be it turned or not."""
    honest = rotations.layer

    def moved(P: Blocks, Q: Blocks, Z: Blocks, *mask: Blocks) -> Blocks:
        after = honest(P, Q, Z, *mask)
        parts = [[after[i, j] for j in range(2)] for i in range(2)]
        parts[row][column] = parts[row][column] + (extra if row == 0 or Z[0, 0] == X else extra * 2)
        return Blocks(parts)

    monkeypatch.setattr(rotations, "layer", moved)
    with pytest.raises(Refuted, match=reason):
        prove_rotation(MASK)
