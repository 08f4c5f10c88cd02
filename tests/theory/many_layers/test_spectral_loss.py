"""The integral against μ and the loss on it: to high degrees by a route of its own, and beyond the moments refused."""

from __future__ import annotations

from typing import Any

import pytest
from flint import fmpq, fmpq_poly
from hypothesis import given
from hypothesis import strategies as st

from icl_claims.theory.algebra import exact
from icl_claims.theory.many_layers import spectral_loss
from icl_claims.theory.many_layers.spectral_loss import Moments, integral
from tests.shared.lines import slope_at_zero
from tests.shared.strategies import rationals
from tests.shared.wishart_of_the_plane import Plane

polynomials = st.lists(rationals, max_size=6).map(fmpq_poly)


@given(st.lists(rationals, max_size=60).map(fmpq_poly), st.integers(1, 5))
def test_integrals_in_the_plane(polynomial: fmpq_poly, n: int) -> None:
    plane = Plane(exact.identity(2), n)
    moments = (c * plane.traces([k]) / fmpq(n) ** k for k, c in enumerate(polynomial.coeffs()))
    assert integral(polynomial, 2, n) == sum(moments, fmpq(0))


@given(polynomials, polynomials, st.integers(1, 3), st.integers(1, 4))
def test_a_weight_is_a_factor(p: fmpq_poly, q: fmpq_poly, d: int, n: int) -> None:
    over = Moments(d, n, 10)
    assert over.weighted(p)(q) == over(p * q) == integral(p * q, d, n)


def test_degrees_to_the_last_moment_and_no_further() -> None:
    over, s = Moments(2, 3, 4), fmpq_poly([0, 1])
    assert over(s**4) == integral(s**4, 2, 3)
    assert over.weighted(s**4)(fmpq_poly([1])) == integral(s**4, 2, 3)
    with pytest.raises(ValueError, match="polynomial must be of degree at most 4, got 5"):
        over(s**5)
    with pytest.raises(ValueError, match="polynomial must be of degree at most 4, got 5"):
        over.weighted(s**5)
    with pytest.raises(ValueError, match="polynomial must be of degree at most 1, got 2"):
        over.weighted(s**3)(s**2)


@pytest.mark.parametrize("layers", [4, 6])
def test_derivatives_of_many_layers_along_lines(layers: int) -> None:
    """∂f/∂a_l, of degree 2 in each step, and mixed second derivatives, from values alone; n < d."""
    a = [fmpq(k - 2, k + 2) for k in range(layers)]
    over = Moments(3, 2, 2 * layers)

    def moved(by: dict[int, int]) -> list[fmpq]:
        return [x + by.get(i, 0) for i, x in enumerate(a)]

    slopes, table = spectral_loss.gradient(over, a, []), spectral_loss.hessian(over, a, [])
    for i in range(layers):
        assert slopes[i] == slope_at_zero(lambda t, i=i: spectral_loss.loss(over, moved({i: t}), []), 2)  # type: ignore[misc]
        for j in range(layers):
            ahead, behind = (spectral_loss.gradient(over, moved({j: t}), [])[i] for t in (1, -1))
            assert table[i][j] == table[j][i] == (ahead - behind) / 2


def test_derivatives_with_covariate_updates_along_lines() -> None:
    """L = 4 with b_0, b_1, b_2, where r has the degree 40: slopes in each parameter from values around it."""
    a, b = [fmpq(-1, 2), fmpq(1, 3), fmpq(-1, 4), fmpq(2, 5)], [fmpq(1, 2), fmpq(-1, 3), fmpq(1, 4)]
    over, point = Moments(2, 1, 80), [*a, *b]
    slopes, table = spectral_loss.gradient(over, a, b), spectral_loss.hessian(over, a, b)
    # With m layers after it r is of degree 3ᵐ in a_l, and 3ᵐ − 1 in b_l.
    degrees = [54, 18, 6, 2, 52, 16, 4]

    def moved(i: int, t: int) -> list[fmpq]:
        return [x + t * (k == i) for k, x in enumerate(point)]

    for i, degree in enumerate(degrees):
        assert slopes[i] == slope_at_zero(
            lambda t, i=i: spectral_loss.loss(over, moved(i, t)[:4], moved(i, t)[4:]),  # type: ignore[misc]
            degree,
        )
    for i, j in ((3, 0), (6, 2), (6, 6), (5, 4)):
        slope = slope_at_zero(
            lambda t, i=i, j=j: spectral_loss.gradient(over, moved(i, t)[:4], moved(i, t)[4:])[j],  # type: ignore[misc]
            degrees[i],
        )
        assert table[i][j] == table[j][i] == slope


def test_a_gradient_costs_no_second_derivatives(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted, honest = [], spectral_loss.residual_jet

    def noted(*arguments: Any, second: bool = True) -> Any:
        wanted.append(second)
        return honest(*arguments, second=second)

    monkeypatch.setattr(spectral_loss, "residual_jet", noted)
    over, steps = Moments(2, 3, 16), [fmpq(-1, 2), fmpq(-1)]
    spectral_loss.gradient(over, steps, [fmpq(1, 3)])
    spectral_loss.hessian(over, steps, [fmpq(1, 3)])
    assert wanted == [False, True]
