"""The expected spectral density of S against its exact moments, and its refusals."""

import numpy as np
import pytest
from scipy.integrate import quad

from icl_claims.numerics.rounding import nearest
from icl_claims.numerics.spectral_density import spectral_density
from icl_claims.theory.wishart import spectral_moments


@pytest.mark.parametrize(("d", "n"), [(2, 5), (4, 9)])
def test_integrates_to_the_exact_moments(d: int, n: int) -> None:
    """Up to the error that the quadrature reports of itself, and 2e-8 of the k-th moment's scale for Ψ."""
    exact = [nearest(m) for m in spectral_moments(3, d, n)]
    for k, moment in enumerate(exact):
        value, error = quad(
            lambda s, k=k: s**k * spectral_density(np.array([s]), d, n)[0],
            1e-12,
            12.0,
            epsabs=1e-8,
            limit=200,
        )
        assert abs(value - moment) <= error + 2e-8 * 12.0**k


def test_is_a_density() -> None:
    assert np.all(spectral_density(np.linspace(0.05, 4, 40), 4, 20) > 0)


@pytest.mark.parametrize(("d", "n"), [(3, 20), (4, 4), (6, 5)])
def test_refuses_sizes_that_the_formula_does_not_cover(d: int, n: int) -> None:
    with pytest.raises(ValueError, match="dim must be even and below context_length"):
        spectral_density(np.array([1.0]), d, n)


def test_refuses_points_outside_the_support() -> None:
    with pytest.raises(ValueError, match="points must be > 0"):
        spectral_density(np.array([0.0, 1.0]), 4, 20)
