"""Hypothesis strategies: regression tasks that satisfy the assumptions of a claim."""

from __future__ import annotations

from collections.abc import Collection

from flint import fmpq, fmpq_mat
from hypothesis import strategies as st

from icl_claims.claims.registry import get
from icl_claims.theory.algebra import exact
from icl_claims.theory.task import RegressionTask

rationals = st.builds(fmpq, st.integers(-6, 6), st.integers(1, 4))
positive_rationals = st.builds(fmpq, st.integers(1, 8), st.integers(1, 4))


def matrices(rows: int, cols: int) -> st.SearchStrategy[fmpq_mat]:
    """Rational matrices of a shape."""
    row = st.lists(rationals, min_size=cols, max_size=cols)
    return st.lists(row, min_size=rows, max_size=rows).map(fmpq_mat)


def semidefinite_matrices(size: int) -> st.SearchStrategy[fmpq_mat]:
    """B Bᵀ ≠ 0: symmetric positive semidefinite, singular ones too."""
    return matrices(size, size).map(lambda b: b * b.transpose()).filter(lambda m: exact.trace(m) > 0)


def definite_matrices(size: int) -> st.SearchStrategy[fmpq_mat]:
    """B Bᵀ + D with D diagonal and positive: symmetric positive definite."""
    return st.builds(lambda b, d: b * b.transpose() + d, matrices(size, size), diagonal_matrices(size))


def diagonal_matrices(size: int) -> st.SearchStrategy[fmpq_mat]:
    """Diagonal with positive entries."""
    return st.lists(positive_rationals, min_size=size, max_size=size).map(exact.diagonal)


def ill_conditioned_matrices(size: int) -> st.SearchStrategy[fmpq_mat]:
    """Diagonal with eigenvalues c and c/16, both occurring."""
    return positive_rationals.map(lambda c: exact.diagonal([c] + [c / 16] * (size - 1)))


@st.composite
def tasks(
    draw: st.DrawFn,
    assumptions: Collection[str] = (),
    min_dim: int = 1,
    max_dim: int = 3,
    max_context: int = 7,
) -> RegressionTask:
    """Tasks under the assumptions of these keys; what no key restricts is drawn freely."""
    least = 2 if "ill_conditioned" in assumptions else 1
    size = draw(st.integers(max(min_dim, least), max_dim))
    context_length = draw(st.integers(1, max_context))
    sigma = draw(_covariances(frozenset(assumptions), size))
    if "identity_task" in assumptions:
        omega = exact.identity(size)
    elif "whitened_task" in assumptions:
        omega = sigma.inv()
    else:
        omega = draw(semidefinite_matrices(size))
    noise = fmpq(0) if "noiseless_labels" in assumptions else draw(st.just(fmpq(0)) | positive_rationals)
    return RegressionTask(sigma, context_length, omega, noise)


def _covariances(assumptions: frozenset[str], size: int) -> st.SearchStrategy[fmpq_mat]:
    if "isotropic_covariates" in assumptions:
        return st.just(exact.identity(size))
    if "ill_conditioned" in assumptions:
        return ill_conditioned_matrices(size)
    if "diagonal_covariance" in assumptions:
        return diagonal_matrices(size)
    if {"positive_definite_covariance", "whitened_task"} & assumptions:
        return definite_matrices(size)
    return semidefinite_matrices(size)


def keys_of(slug: str) -> frozenset[str]:
    """The keys of the assumptions that the claim of this slug records."""
    return frozenset(assumption.key for assumption in get(slug).assumptions)


def tasks_of(slug: str, **limits: int) -> st.SearchStrategy[RegressionTask]:
    """Tasks under the assumptions that the claim of this slug records."""
    return tasks(keys_of(slug), **limits)
