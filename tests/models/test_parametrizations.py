"""The sparse and the relaxed parametrization: what is placed where, and what is refused."""

from __future__ import annotations

import pytest
import torch

from icl_claims.models.parametrizations import relaxed, sparse, trained_entries

A = torch.arange(1.0, 13.0).reshape(3, 2, 2)


@pytest.mark.parametrize("given", [0, 2, 3])
def test_matrices_that_are_left_out_are_zero(given: int) -> None:
    B = 20 + A[:given]
    P, Q = relaxed(A, B)
    assert P.dtype == Q.dtype == torch.float32
    assert torch.equal(P[:given, :2, :2], B)
    assert not P[given:, :2, :2].any()
    assert torch.equal(P[:, 2], torch.tensor([0.0, 0.0, 1.0]).repeat(3, 1))
    assert not P[:, :2, 2].any()
    assert torch.equal(Q[:, :2, :2], A)
    assert not Q[:, 2].any()
    assert not Q[:, :, 2].any()


STACK = r"A must be a stack of square matrices, layers × d × d, got \({}\)"
NUMBER = r"B must be 0, 2 or 3 matrices of 2 × 2, as A has 3, got \({}\)"


@pytest.mark.parametrize(
    ("A", "B", "message"),
    [
        (A[0], A, STACK.format("2, 2")),
        (A[:, :1], A, STACK.format("3, 1, 2")),
        (A[:0], A[:0], STACK.format("0, 2, 2")),
        (A[:, :0, :0], A[:0], STACK.format("3, 0, 0")),
        (A, A[:1], NUMBER.format("1, 2, 2")),
        (A, A.repeat(2, 1, 1)[:4], NUMBER.format("4, 2, 2")),
        (A, A[:2, :1], NUMBER.format("2, 1, 2")),
        (A, A[:0, :1], NUMBER.format("0, 1, 2")),
        (A, A[None, :2], NUMBER.format("1, 2, 2, 2")),
    ],
)
def test_refusals(A: torch.Tensor, B: torch.Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        relaxed(A, B)


@pytest.mark.parametrize("bad", [A[0], A[:, :1], A[None]])
def test_refusals_of_the_sparse_form(bad: torch.Tensor) -> None:
    with pytest.raises(ValueError, match="A must be a stack of square matrices"):
        sparse(bad)


def test_what_is_trained() -> None:
    block = torch.tensor([[True, True, False], [True, True, False], [False, False, False]])
    for form, P, Q in (
        ("sparse", block & ~block, block),
        ("relaxed", block, block),
        ("free", block | True, block | True),
    ):
        found = trained_entries(form, 2)  # type: ignore[arg-type]
        assert torch.equal(found["P"], P)
        assert torch.equal(found["Q"], Q)
