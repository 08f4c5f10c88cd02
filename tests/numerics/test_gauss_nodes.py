"""Gauss rules against exact roots, exact integrals and the Laguerre weights."""

from __future__ import annotations

from fractions import Fraction
from math import factorial
from typing import Any

import numpy as np
import pytest
from flint import fmpq, fmpq_poly
from hypothesis import given
from hypothesis import strategies as st

from icl_claims.numerics.balls import exactly
from icl_claims.numerics.gauss_nodes import GaussRule, spectral_rule, spectral_rules
from icl_claims.numerics.rounding import nearest_real
from icl_claims.theory.algebra.orthogonal_polynomials import monic, recurrence
from icl_claims.theory.algebra.real_roots import isolate
from icl_claims.theory.many_layers.spectral_loss import integral
from icl_claims.theory.wishart import trace_moments
from tests.shared.strategies import rationals

GRID = [(1, 1), (1, 7), (2, 1), (3, 2), (5, 20), (200, 3), (50, 200)]
s = fmpq_poly([0, 1])


def spectral_polynomials(d: int, n: int, size: int, shifted: bool) -> list[fmpq_poly]:
    """π_0, …, π_N of μ or s dμ, in s."""
    moments = trace_moments(2 * size, d, n)[shifted:]
    return [p(n * s) for p in monic(*recurrence(moments, size))]


@pytest.mark.parametrize("shifted", [False, True])
@pytest.mark.parametrize("size", [1, 2, 6, 16])
@pytest.mark.parametrize(("d", "n"), GRID)
def test_nodes_are_exact_roots_rounded_to_nearest(d: int, n: int, size: int, shifted: bool) -> None:
    roots = isolate(spectral_polynomials(d, n, size, shifted)[-1])
    nodes = spectral_rule(d, n, size, shifted=shifted).nodes
    assert nodes.value.tolist() == [nearest_real(root) for root in roots]


@pytest.mark.parametrize("shifted", [False, True])
@pytest.mark.parametrize(("d", "n"), GRID)
def test_weights_are_integrals_of_lagrange_polynomials(d: int, n: int, shifted: bool) -> None:
    """w_i = ∫ p/((s − x_i) p′(x_i)) dμ, p = π_N, enclosed between nodes known to 200 bits."""
    size = 5
    p = spectral_polynomials(d, n, size, shifted)[-1]
    weights = spectral_rule(d, n, size, shifted=shifted).weights
    for i, root in enumerate(isolate(p)):
        x = root.refined(200).lower
        quotient = (p - p(x)) // (s - x)
        weight = integral(quotient * s if shifted else quotient, d, n) / p.derivative()(x)
        error = abs(Fraction(float(weights.value[i])) - Fraction(int(weight.p), int(weight.q)))
        # The displacement of x, 2⁻²⁰⁰ relative, is far below the slack that the radius has above u|w|.
        assert error <= Fraction(float(weights.radius[i]))


@given(st.sampled_from(GRID), st.lists(rationals, min_size=1, max_size=10))
def test_polynomials_are_integrated_exactly(size: tuple[int, int], coefficients: list[fmpq]) -> None:
    """Degree 2N − 1, up to the bound on rounding; Horner's rule in balls."""
    rule = spectral_rule(*size, size=5)
    total = exactly(np.zeros(5))
    dyadic = [fmpq(int(c * 8)) / 8 if (c * 8).q == 1 else fmpq(int(c.p)) for c in coefficients]
    for c in reversed(dyadic):
        total = total * rule.nodes + float(int(c.p) / int(c.q))
    found = (total * rule.weights).sum()
    exact = integral(fmpq_poly(dyadic), *size)
    assert abs(Fraction(float(found.value)) - Fraction(int(exact.p), int(exact.q))) <= Fraction(
        float(found.radius)
    )


def test_the_rule_of_one_dimension() -> None:
    """d = 1, n = 2: S ~ Exp(1). N = 2 gives nodes 2 ∓ √2 and weights (2 ± √2)/4; N = 1 the mean."""
    rule = spectral_rule(1, 2, 2)
    assert rule.nodes.value.tolist() == [nearest_real(r) for r in isolate(s**2 - 4 * s + 2)]
    assert rule.weights.value.tolist() == [nearest_real(r) for r in reversed(isolate((4 * s - 2) ** 2 - 2))]
    assert spectral_rule(1, 2, 1).nodes.value.tolist() == [1.0]
    assert factorial(2) == integral(s**2, 1, 2)


def test_batches_are_stacked_rules() -> None:
    rules = spectral_rules(GRID, 4)
    assert rules.nodes.value.shape == rules.weights.value.shape == (len(GRID), 4)
    for i, size in enumerate(GRID):
        alone = spectral_rule(*size, size=4)
        assert rules.nodes.value[i].tolist() == alone.nodes.value.tolist()
        assert rules.weights.radius[i].tolist() == alone.weights.radius.tolist()


def test_rules_cannot_be_changed() -> None:
    """They are kept for the next call."""
    with pytest.raises(ValueError, match="read-only"):
        spectral_rule(3, 4, 2).nodes.value[0] = 1


@pytest.mark.parametrize("size", [31, 40])
def test_large_rules_are_certified(size: int) -> None:
    """As large as L = 30 needs: ascending, positive, of total mass d."""
    rule: GaussRule = spectral_rule(5, 20, size)
    assert np.all(np.diff(rule.nodes.value) > 0)
    assert rule.nodes.value[0] > 0
    assert np.all(rule.weights.value > 0)
    mass = rule.weights.sum()
    assert abs(mass.value - 5) <= mass.radius


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: spectral_rule(2, 3, 0), ValueError, "size must be an integer ≥ 1"),
        (lambda: spectral_rule(2, 3, 2.0), TypeError, "size must be an integer ≥ 1"),
        (lambda: spectral_rule(0, 3, 2), ValueError, "dim must be an integer ≥ 1"),
        (lambda: spectral_rule(2, None, 2), TypeError, "context_length must be an integer ≥ 1"),
        (lambda: spectral_rules([], 2), ValueError, "sizes must hold at least one pair"),
    ],
)
def test_errors(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
