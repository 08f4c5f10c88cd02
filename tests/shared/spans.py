"""Least losses over linear spans of monomials, exactly: a second route to what residuals can and cannot reach."""

from __future__ import annotations

from collections.abc import Sequence

from flint import fmpq, fmpq_mat

from icl_claims.theory.wishart import spectral_moments


def least_coefficients(powers: Sequence[int], dim: int, context_length: int) -> list[fmpq]:
    """The x_k that minimize ∫ (1 + Σ_k x_k s^k)² dμ over the given powers k ≥ 1: the normal equations."""
    moments = spectral_moments(2 * max(powers), dim, context_length)
    gram = fmpq_mat([[moments[i + j] for j in powers] for i in powers])
    right = fmpq_mat([[-moments[i]] for i in powers])
    return [row[0] for row in gram.solve(right).tolist()]


def least_loss(powers: Sequence[int], dim: int, context_length: int) -> fmpq:
    """∫ (1 + Σ_k x_k s^k)² dμ at these: what no residual of these monomials loses less than."""
    moments = spectral_moments(max(powers), dim, context_length)
    found = least_coefficients(powers, dim, context_length)
    return moments[0] + sum((x * moments[k] for x, k in zip(found, powers, strict=True)), fmpq(0))
