"""Semidefinite matrices: one matrix is held in one way, and what is refused."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from flint import fmpq, fmpq_mat
from hypothesis import given
from hypothesis import strategies as st

from icl_claims.theory.algebra import exact
from icl_claims.theory.algebra.semidefinite import LARGEST_WRITTEN, SemidefiniteMatrix, joint_runs
from tests.shared.strategies import definite_matrices, semidefinite_matrices

diagonals = st.lists(st.integers(0, 2).map(fmpq), min_size=1, max_size=7)


def of_diagonal(entries: list[fmpq]) -> SemidefiniteMatrix:
    return SemidefiniteMatrix.of_eigenvalues("eigenvalues", entries)


@given(diagonals)
def test_a_diagonal_is_held_by_its_runs(entries: list[fmpq]) -> None:
    held = of_diagonal(entries)
    assert held == SemidefiniteMatrix.of("m", exact.diagonal(entries))
    assert hash(held) == hash(SemidefiniteMatrix.of("m", exact.diagonal(entries)))
    assert held.matrix == exact.diagonal(entries)
    assert held.eigenvalues == entries
    assert held.dim == len(entries)
    assert held.is_definite == (0 not in entries)
    assert held.scalar == (entries[0] if len(set(entries)) == 1 else None)
    runs = held.runs or ()
    assert all(run.eigenvalue != after.eigenvalue for run, after in pairwise(runs))


@given(semidefinite_matrices(3))
def test_any_other_matrix_is_held_by_its_entries(m: fmpq_mat) -> None:
    held = SemidefiniteMatrix.of("m", m)
    assert held.matrix == m
    assert held == SemidefiniteMatrix.of("m", m.tolist())
    assert held != SemidefiniteMatrix.of("m", m * 2)
    assert (held.runs is None) == (not exact.is_diagonal(m))
    assert held.is_definite == (m.det() != 0)


@given(st.one_of(definite_matrices(3), diagonals.filter(all).map(exact.diagonal)))
def test_the_inverse(m: fmpq_mat) -> None:
    held = SemidefiniteMatrix.of("m", m)
    assert held.inverse().matrix == m.inv()
    assert held.inverse().inverse() == held


@given(st.integers(1, 7), st.data())
def test_joint_runs_follow_both_diagonals(size: int, data: st.DataObject) -> None:
    first, second = (
        data.draw(st.lists(st.sampled_from([fmpq(1), fmpq(2)]), min_size=size, max_size=size)) for _ in "12"
    )
    runs = joint_runs(of_diagonal(first), of_diagonal(second)) or []
    assert [(x, y) for x, y, m in runs for _ in range(m)] == list(zip(first, second, strict=True))
    assert all(a[:2] != b[:2] for a, b in pairwise(runs))


def test_both_forms_are_shown() -> None:
    assert repr(SemidefiniteMatrix.of("m", [[2, 1], [1, 2]])) == "SemidefiniteMatrix([[2, 1], [1, 2]])"
    assert repr(of_diagonal([fmpq(1, 2), fmpq(1, 2), fmpq(3)])) == "SemidefiniteMatrix(1/2 × 2, 3 × 1)"


def test_sizes_beyond_matrices() -> None:
    identity = SemidefiniteMatrix.identity(10**18)
    assert (identity.dim, identity.scalar, identity.inverse()) == (10**18, 1, identity)
    assert joint_runs(identity, identity) == [(1, 1, 10**18)]
    many = of_diagonal([fmpq(k) for k in range(1, LARGEST_WRITTEN + 2)])
    with pytest.raises(
        ValueError, match=f"dim must be at most 2000 where a d × d matrix is needed, got {many.dim}"
    ):
        _ = many.matrix


def test_it_cannot_be_changed_from_outside() -> None:
    m = fmpq_mat([[2, 1], [1, 2]])
    held = SemidefiniteMatrix.of("m", m)
    m[0, 0] = 7
    assert held.matrix[0, 0] == 2
    with pytest.raises(AttributeError, match="make a new one with another dim"):
        held.dim = 3


@pytest.mark.parametrize(
    ("eigenvalues", "size", "error", "message"),
    [
        ([1, -2], None, ValueError, "λ must hold numbers ≥ 0, got -2 at [1]"),
        ([], None, ValueError, "λ must hold at least one number, got none"),
        ([1, 2], 3, ValueError, "λ must hold 3 numbers, got 2"),
        (["x"], None, ValueError, "λ[0] must be a finite number, got 'x'"),
        ([True], None, TypeError, "λ[0] must be a real number, got the bool True"),
        (7, None, TypeError, "λ must be a sequence of numbers, got 7"),
        (7, 2, TypeError, "λ must be a sequence of 2 numbers, got 7"),
        ("12", None, TypeError, "λ must be a sequence of numbers, got '12'"),
        (np.ones((1, 1)), None, TypeError, "λ[0] must be a real number"),
    ],
)
def test_refuses(eigenvalues: Any, size: int | None, error: type[Exception], message: str) -> None:
    with pytest.raises(error) as caught:
        SemidefiniteMatrix.of_eigenvalues("λ", eigenvalues, size)
    assert str(caught.value).startswith(message)


def test_refuses_another_size() -> None:
    with pytest.raises(ValueError, match="Ω must be 3 × 3, got 2 × 2"):
        SemidefiniteMatrix.of("Ω", SemidefiniteMatrix.identity(2), 3)
