"""Symbolic moments at elements of other rings."""

from __future__ import annotations

import pytest

from icl_claims.theory.algebra.words import d, n
from icl_claims.theory.evaluation import rational_value
from icl_claims.theory.task import isotropic
from icl_claims.theory.wishart import spectral_moments, trace_moments
from icl_claims.theory.wishart.sizes import RING, in_ring


@pytest.mark.parametrize("size", [(1, 1), (2, 5), (5, 2)])
def test_in_a_field_of_rational_functions(size: tuple[int, int]) -> None:
    """d and n of different powers in one moment, so that an exchange of the two is seen."""
    for symbolic, at_sizes in zip(trace_moments(5), trace_moments(5, *size), strict=True):
        assert rational_value(in_ring(symbolic, d, n), isotropic(*size)) == at_sizes
    for symbolic, at_sizes in zip(spectral_moments(5), spectral_moments(5, *size), strict=True):
        assert rational_value(in_ring(symbolic, d, 1 / n), isotropic(*size)) == at_sizes


def test_zero_is_the_zero_of_the_ring() -> None:
    assert in_ring(RING.gens()[0] * 0, d, n) == d.field.zero
