"""Weights: what they must be."""

from __future__ import annotations

import pytest
import torch
from flint import fmpq_mat

from icl_claims.models.weights import ExactWeights, Weights, WeightsError
from icl_claims.theory.algebra import exact, validation

good = torch.eye(3, dtype=torch.float64)[None]


def test_weights_are_tensors() -> None:
    with pytest.raises(WeightsError, match="P must be a tensor, got list"):
        Weights([[1.0]], good)  # type: ignore[arg-type]


def test_weights_are_copies() -> None:
    tensor = good.clone()
    weights = Weights(tensor, tensor)
    tensor[:] = 7
    weights.P[:] = 5
    assert torch.equal(weights.Q, good)


def test_the_first_entry_that_is_not_finite_is_named() -> None:
    """Though others are finite, and a later one is not either."""
    bad = good.clone()
    bad[0, 1, 2], bad[0, 2, 1] = -torch.inf, torch.nan
    with pytest.raises(WeightsError, match=r"^P must be finite, got -inf at \[0, 1, 2\]$"):
        Weights(bad, good)


def test_weights_are_the_rationals_that_their_entries_are() -> None:
    """In the order of the layers; d and L do not change."""
    P, Q = torch.randn(2, 3, 4, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    found = Weights(P, Q).exact()
    assert (found.dim, found.depth) == (Weights(P, Q).dim, Weights(P, Q).depth) == (3, 3)
    assert found.exact() is found
    assert found.layers == tuple(
        (validation.matrix("P", p), validation.matrix("Q", q)) for p, q in zip(P, Q, strict=True)
    )


@pytest.mark.parametrize(
    ("layers", "got"),
    [
        ((), "no layer"),
        (((exact.identity(1), exact.identity(1)),), "1 × 1"),
        (((fmpq_mat(2, 3), fmpq_mat(2, 3)),), "2 × 3"),
        (((exact.identity(3), exact.identity(2)),), "2 × 2, 3 × 3"),
        (((exact.identity(2), exact.identity(2)), (exact.identity(2), exact.identity(3))), "2 × 2, 3 × 3"),
    ],
)
def test_exact_weights_are_square_and_of_one_size(
    layers: tuple[tuple[fmpq_mat, fmpq_mat], ...], got: str
) -> None:
    with pytest.raises(WeightsError) as refused:
        ExactWeights(layers)
    assert str(refused.value) == f"P and Q must all be (d+1) × (d+1) with one d ≥ 1, got {got}"
