"""Symbolic moments at elements of other rings."""

from __future__ import annotations

import pytest

from icl_claims.theory.algebra.words import d, n
from icl_claims.theory.evaluation import rational_value
from icl_claims.theory.task import isotropic
from icl_claims.theory.wishart import spectral_moments, trace_moments
from icl_claims.theory.wishart.sizes import RING, in_ring, sum_and_product


@pytest.mark.parametrize("size", [(1, 1), (2, 5), (5, 2)])
def test_in_a_field_of_rational_functions(size: tuple[int, int]) -> None:
    """d and n of different powers in one moment, so that an exchange of the two is seen."""
    for symbolic, at_sizes in zip(trace_moments(5), trace_moments(5, *size), strict=True):
        assert rational_value(in_ring(symbolic, d, n), isotropic(*size)) == at_sizes
    for symbolic, at_sizes in zip(spectral_moments(5), spectral_moments(5, *size), strict=True):
        assert rational_value(in_ring(symbolic, d, 1 / n), isotropic(*size)) == at_sizes


def test_with_one_size_given_sums_and_products_hold_the_other_letter_only() -> None:
    """Both sizes as numbers give numbers; both as letters, letters for the sum and the product themselves."""
    D, N = RING.gens()
    assert sum_and_product(2, 5)[:2] == (7, 10)
    assert sum_and_product(2, N)[:2] == (N + 2, 2 * N)
    assert sum_and_product(D, 5)[:2] == (D + 5, 5 * D)
    s, p, back = sum_and_product(D, N)
    assert back(s * s - p) == D**2 + D * N + N**2


def test_zero_is_the_zero_of_the_ring() -> None:
    assert in_ring(RING.gens()[0] * 0, d, n) == d.field.zero
