"""Gauss rules against exact roots, exact integrals and the Laguerre weights."""

from __future__ import annotations

from fractions import Fraction
from math import factorial
from typing import Any

import numpy as np
import pytest
from flint import arb, ctx, fmpq, fmpq_poly
from hypothesis import given
from hypothesis import strategies as st

from icl_claims.numerics import gauss_nodes
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


class TestCertificate:
    """Each condition violated by itself: the numbers of the rule for d = 3, n = 4, as exact as they are."""

    alphas, betas = recurrence(trace_moments(5, 3, 4), 3)

    def proposed(self) -> list[arb]:
        roots = isolate(monic(self.alphas, self.betas)[-1])
        return [arb(nearest_real(root)) for root in roots]

    def refused(self, proposed: list[arb]) -> None:
        with pytest.raises(ArithmeticError, match="no Gauss rule of 3 nodes was certified with 256 bits"):
            gauss_nodes._certified(self.alphas, self.betas, proposed)

    @pytest.fixture(autouse=True)
    def one_precision(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(gauss_nodes, "_LARGEST_PRECISION", gauss_nodes._PRECISION)

    def test_the_nodes_are_accepted(self) -> None:
        nodes, weights = gauss_nodes._certified(self.alphas, self.betas, self.proposed())
        assert nodes.tolist() == [float(x.mid()) for x in self.proposed()]
        assert abs(weights.sum() - 3) < 1e-12

    @pytest.mark.parametrize("order", [(0, 0, 1), (0, 1, 1), (1, 0, 2), (0, 2, 1), (2, 1, 0)], ids=str)
    def test_nodes_that_do_not_ascend(self, order: tuple[int, ...]) -> None:
        """One twice, or two exchanged: each a node, with its weight."""
        proposed = self.proposed()
        self.refused([proposed[i] for i in order])

    @pytest.mark.parametrize("place", range(3))
    def test_a_point_that_is_no_node(self, monkeypatch: pytest.MonkeyPatch, place: int) -> None:
        """As narrow as the nodes, and 2⁻¹⁰⁰ beside one: Newton's method, which would mend it, is passed over."""
        proposed, honest = self.proposed(), gauss_nodes._Jacobi.node_near

        def beside(self: Any, x: arb, precision: int) -> arb:
            node = honest(self, x, precision)
            return node + arb(2) ** -100 if x == proposed[place] else node

        monkeypatch.setattr(gauss_nodes._Jacobi, "node_near", beside)
        self.refused(proposed)

    @pytest.mark.parametrize("place", range(3))
    def test_a_weight_of_too_few_bits(self, monkeypatch: pytest.MonkeyPatch, place: int) -> None:
        honest, met = gauss_nodes._Jacobi.weight, iter(range(3))

        def rough(self: Any, x: arb) -> arb:
            weight = honest(self, x)
            return weight * arb(1, 2.0**-100) if next(met) == place else weight

        monkeypatch.setattr(gauss_nodes._Jacobi, "weight", rough)
        self.refused(self.proposed())

    def test_more_precision_is_tried_to_the_last(self, monkeypatch: pytest.MonkeyPatch) -> None:
        tried: list[int] = []
        honest = gauss_nodes._Jacobi.node_near

        def counted(self: Any, x: arb, precision: int) -> arb:
            tried.append(precision)
            return honest(self, x, precision)

        monkeypatch.setattr(gauss_nodes, "_LARGEST_PRECISION", 1024)
        monkeypatch.setattr(gauss_nodes._Jacobi, "node_near", counted)
        with pytest.raises(ArithmeticError, match="with 1024 bits"):
            gauss_nodes._certified(self.alphas, self.betas, self.proposed()[::-1])
        assert sorted(set(tried)) == [256, 512, 1024]


@pytest.mark.parametrize(
    ("middle", "radius", "changes"),
    [("0.5", "0.25", True), ("0.75", "1.5", False), ("-1", "0.5", False), ("0.5", "1e-300", True)],
)
def test_a_change_of_sign_is_certain(middle: str, radius: str, changes: bool) -> None:
    """π_2 = (x − 1/2)(x − 3/2) + 1/4 − β: with β = 1/4 the roots are 1/2 and 3/2; both inside is no change."""
    with ctx.workprec(2048):
        jacobi = gauss_nodes._Jacobi([arb(1), arb(1)], [arb(1), arb("0.25")])
        assert jacobi.has_sign_change(arb(middle, radius)) is changes
        assert not jacobi.has_sign_change(arb(0.5))


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
