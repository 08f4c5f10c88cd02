"""Loss on 𝒮, its derivatives and its minimizers, each by at least two routes."""

from __future__ import annotations

from itertools import pairwise
from math import comb, prod
from typing import Any

import numpy as np
import pytest
from flint import fmpq, fmpq_poly
from hypothesis import given
from hypothesis import strategies as st

from icl_claims.theory.algebra import exact, validation
from icl_claims.theory.algebra.orthogonal_polynomials import kernel_polynomial, recurrence
from icl_claims.theory.loops.step import optimal_looped_step
from icl_claims.theory.many_layers.spectral_loss import integral
from icl_claims.theory.many_layers.step_sizes import (
    MOST_LAYERS,
    OptimalSteps,
    gradient,
    hessian,
    loss_of_steps,
    optimal_steps,
    residual,
)
from icl_claims.theory.one_layer import single_layer
from icl_claims.theory.task import isotropic
from icl_claims.theory.wishart import trace_moments
from tests.shared import by_words
from tests.shared.coordinates import Prompt, Variables, gaussian_prompt, layer_with, rational_rows
from tests.shared.strategies import rationals

sizes = st.integers(1, 6)
some_steps = st.lists(rationals, min_size=1, max_size=4)
GRID = [(1, 1), (1, 7), (2, 1), (3, 2), (5, 20), (9, 4), (50, 200)]
s = fmpq_poly([0, 1])


def transformer_loss(v: Variables, prompt: Prompt, layers: list[Any]) -> fmpq:
    """E (TF_L − target)² in coordinates: Z ← Z + P Z M Zᵀ Q Z / n, literally, for layers with Γ = A_l."""
    d, n = len(prompt.X), len(prompt.y)
    Z = [[*prompt.X[a], prompt.x_query[a]] for a in range(d)] + [[*prompt.y, prompt.slot]]
    for preconditioner in layers:
        p, q = map(rational_rows, layer_with(preconditioner))
        QZ = [[sum(q[a][b] * Z[b][j] for b in range(d + 1)) for j in range(n + 1)] for a in range(d + 1)]
        scores = [
            [sum(Z[a][i] * QZ[a][j] for a in range(d + 1)) for j in range(n + 1)] for i in range(n)
        ]  # the mask: only the n context columns are keys
        moved = [[sum(Z[a][i] * scores[i][j] for i in range(n)) for j in range(n + 1)] for a in range(d + 1)]
        Z = [
            [
                Z[a][j] + sum(p[a][b] * moved[b][j] for b in range(d + 1)) * v.ring.domain(1, n)
                for j in range(n + 1)
            ]
            for a in range(d + 1)
        ]
    return v.mean((v.ring(Z[d][n]) + prompt.target) ** 2)


@pytest.mark.parametrize(
    ("d", "n", "steps"),
    [(1, 1, ["1/2", "1/3"]), (1, 2, ["1/2", 2]), (1, 1, [1, "1/3", "-1/2"]), (2, 1, ["1/3", "1/5"])],
)
def test_loss_is_that_of_the_transformer(d: int, n: int, steps: list[Any]) -> None:
    eye = [[int(i == j) for j in range(d)] for i in range(d)]
    v, prompt = gaussian_prompt(n, eye, eye)
    a = [validation.rational("step", x) for x in steps]
    layers = [exact.diagonal([x] * d) for x in a]
    assert loss_of_steps(isotropic(d, n), steps) == transformer_loss(v, prompt, layers)


def test_loss_does_not_depend_on_the_covariance() -> None:
    """Σ = FFᵀ with det F = 1, Ω = Σ⁻¹, A_l = a_l Σ⁻¹, two layers, multiplied out."""
    F, inverse_transposed = [[1, 1], [0, 1]], [[1, 0], [-1, 1]]
    v, prompt = gaussian_prompt(1, F, inverse_transposed)
    sigma_inverse = validation.matrix("Σ", [[2, 1], [1, 1]]).inv()
    steps = [fmpq(1, 3), fmpq(1, 5)]
    assert loss_of_steps(isotropic(2, 1), steps) == transformer_loss(
        v, prompt, [sigma_inverse * a for a in steps]
    )


@given(sizes, sizes, some_steps)
def test_loss_by_words(d: int, n: int, steps: list[fmpq]) -> None:
    """The same number from traces of words, multiplied out over pairings."""
    assert loss_of_steps(isotropic(d, n), steps[:3]) == by_words.loss(steps[:3], d, n)
    assert loss_of_steps(isotropic(d, n), steps) == loss_of_steps(isotropic(d, n), steps[::-1])


@given(sizes, sizes, rationals)
def test_one_step_is_the_layer(d: int, n: int, step: fmpq) -> None:
    """The layer with P = diag(0, 1), Q = −diag(a I, 0), also far from the minimum."""
    A = [[-step if i == j else 0 for j in range(d)] for i in range(d + 1)]
    layer = single_layer.loss(isotropic(d, n), [0] * d + [1], A)
    assert loss_of_steps(isotropic(d, n), [step]) == layer


@given(sizes, sizes, some_steps)
def test_derivatives_are_differences(d: int, n: int, steps: list[fmpq]) -> None:
    """f is quadratic in each step, so central differences of width 1 are derivatives, exactly."""

    def moved(l: int, by: int) -> list[fmpq]:  # noqa: E741
        return [a + by * (i == l) for i, a in enumerate(steps)]

    slope, curvature = (
        gradient(isotropic(d, n), steps),
        hessian(isotropic(d, n), steps),
    )
    middle = loss_of_steps(isotropic(d, n), steps)
    assert curvature == curvature.transpose()
    for i in range(len(steps)):
        up, down = (loss_of_steps(isotropic(d, n), moved(i, by)) for by in (1, -1))
        assert slope[i] == (up - down) / 2
        assert curvature[i, i] == up - 2 * middle + down
        up_slope, down_slope = (gradient(isotropic(d, n), moved(i, by)) for by in (1, -1))
        for j in range(i):
            assert curvature[i, j] == (up_slope[j] - down_slope[j]) / 2


def test_no_steps() -> None:
    assert loss_of_steps(isotropic(3, 2), []) == 3
    assert gradient(isotropic(3, 2), []) == []
    with pytest.raises(ValueError, match="at least one"):
        hessian(isotropic(3, 2), [])


@pytest.mark.parametrize(("d", "n"), GRID)
@pytest.mark.parametrize("layers", [1, 2, 5, 10])
def test_minimum_by_three_routes(d: int, n: int, layers: int) -> None:
    """The Hankel system; the kernel polynomial of the three-term recurrence; orthogonality and ∫ q² dμ."""
    best = optimal_steps(isotropic(d, n), layers)
    q, least = kernel_polynomial(*recurrence(trace_moments(2 * layers + 1, d, n), layers + 1))
    assert (best.residual, best.loss) == (q(n * s), least)
    assert best.residual[0] == 1
    assert [integral(best.residual * s ** (j + 1), d, n) for j in range(layers)] == [0] * layers
    assert integral(best.residual**2, d, n) == best.loss


def assert_is_the_minimum(best: OptimalSteps, layers: int) -> None:
    """Distinct positive steps, certified; and the product over them is the residual, to their precision."""
    assert len(best.steps) == layers
    assert best.steps[0].lower > 0
    assert all(a.upper < b.lower for a, b in pairwise(best.steps))
    for step in best.steps:
        assert (step.upper - step.lower) * 2**64 <= step.lower
        if step.lower < step.upper:
            low, high = best.polynomial(step.lower), best.polynomial(step.upper)
            assert low * high < 0
        else:
            assert best.polynomial(step.lower) == 0
    assert best.polynomial.degree() == layers
    assert best.polynomial[layers] == 1


@pytest.mark.parametrize(("d", "n"), GRID)
@pytest.mark.parametrize("layers", [1, 2, 3, 10, 30])
def test_steps_are_positive_distinct_and_certified(d: int, n: int, layers: int) -> None:
    assert_is_the_minimum(optimal_steps(isotropic(d, n), layers), layers)


@pytest.mark.parametrize(("d", "n"), [(1, 1), (3, 2), (5, 20)])
@pytest.mark.parametrize("layers", [2, 4])
def test_loss_and_gradient_at_the_refined_steps(d: int, n: int, layers: int) -> None:
    """At rational points within 2⁻ᵇ of the steps: f within O(4⁻ᵇ) above the minimum, ∇f within O(2⁻ᵇ) of 0.

    The constants are the Hessian's: f ≤ min + ½ L² max|H| δ² (1 + o(1)), and 2⁻⁴⁰ is room for the o(1).
    """
    bits = 200
    best = optimal_steps(isotropic(d, n), layers).refined(bits)
    a = [step.lower for step in best.steps]
    spread = best.steps[-1].upper * fmpq(1, 2**bits)
    largest = max(abs(x) for x in hessian(isotropic(d, n), a).entries()) * (1 + fmpq(1, 2**40))
    assert 0 <= loss_of_steps(isotropic(d, n), a) - best.loss <= largest * layers**2 * spread**2 / 2
    assert all(abs(x) <= largest * layers * spread for x in gradient(isotropic(d, n), a))


@given(sizes, sizes, some_steps)
def test_no_steps_do_better(d: int, n: int, steps: list[fmpq]) -> None:
    """Any steps: strictly worse, for the optimal ones are irrational or these. And any q, real-rooted or not."""
    best = optimal_steps(isotropic(d, n), len(steps))
    loss = loss_of_steps(isotropic(d, n), steps)
    assert loss >= best.loss
    assert (loss == best.loss) == (residual(steps) == best.residual)
    other = fmpq_poly([1, *steps])
    excess = integral((other - best.residual) ** 2, d, n)
    assert integral(other**2, d, n) == best.loss + excess


@pytest.mark.parametrize(("d", "n"), GRID)
def test_one_layer_is_the_single_layer(d: int, n: int) -> None:
    task = isotropic(d, n)
    best, looped = (
        optimal_steps(isotropic(d, n), 1),
        optimal_looped_step(isotropic(d, n), 1),
    )
    step = single_layer.minimizer(task)[0, 0]
    assert best.loss == looped.loss.lower == looped.loss.upper == single_layer.minimum(task)
    assert step == best.steps[0].lower == best.steps[0].upper == looped.step.lower == looped.step.upper


@pytest.mark.parametrize("n", [1, 2, 5, 12])
@pytest.mark.parametrize("layers", [1, 3, 8])
def test_one_dimension_is_laguerre(n: int, layers: int) -> None:
    """d = 1: S ~ χ²_n/n, so q* ∝ L_L^{(n/2)}(ns/2), and the minimum is 1/C(L + n/2, L).

    The latter by Σ_k L_k^{(α)}(0)²/h_k = Σ_k C(k + α, k) = C(L + α + 1, L), α = n/2 − 1. n = 1 likewise: one
    eigenvalue χ²_d of W, the other d − 1 are 0 and their loss stays 1 each.
    """
    alpha = fmpq(n, 2)
    laguerre = fmpq_poly(
        [
            (-1) ** k * prod((alpha + j for j in range(k + 1, layers + 1)), start=fmpq(1))
            * comb(layers, k) * fmpq(n, 2) ** k
            for k in range(layers + 1)
        ]
    )  # fmt: skip
    least = prod((fmpq(k) / (k + alpha) for k in range(1, layers + 1)), start=fmpq(1))
    best = optimal_steps(isotropic(1, n), layers)
    assert best.residual == laguerre / laguerre[0]
    assert best.loss == least
    assert optimal_steps(isotropic(n, 1), layers).loss == n - 1 + least


@pytest.mark.parametrize(("d", "n"), GRID)
def test_minimum_falls_with_depth_and_stays_above_the_unseen_directions(d: int, n: int) -> None:
    losses = [optimal_steps(isotropic(d, n), layers).loss for layers in range(1, 13)]
    assert losses[0] < d
    assert all(later < earlier for earlier, later in pairwise(losses))
    assert losses[-1] > max(d - n, 0)


def test_steps_are_read_exactly() -> None:
    """Floats are the dyadic rationals they are, in any sequence; text and fractions are what they say."""
    tenth = fmpq(3602879701896397, 2**55)
    assert loss_of_steps(isotropic(2, 3), np.array([0.5, 0.1])) == loss_of_steps(
        isotropic(2, 3), ["1/2", tenth]
    )
    assert loss_of_steps(isotropic(2, 3), [0.1]) != loss_of_steps(isotropic(2, 3), ["0.1"])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: optimal_steps(isotropic(0, 3), 1), ValueError, "dim must be an integer ≥ 1"),
        (
            lambda: optimal_steps(isotropic(2, 3.0), 1),
            TypeError,
            "context_length must be an integer ≥ 1",
        ),
        (
            lambda: optimal_steps(isotropic(2, 3), 0),
            ValueError,
            "layers must be an integer ≥ 1",
        ),
        (
            lambda: optimal_steps(isotropic(2, 3), True),
            TypeError,
            "layers must be an integer ≥ 1",
        ),
        (
            lambda: optimal_steps(isotropic(2, 3), MOST_LAYERS + 1),
            ValueError,
            f"from 1 to {MOST_LAYERS}",
        ),
        (
            lambda: loss_of_steps(isotropic(2, 3), [float("nan")]),
            ValueError,
            r"steps\[0\] must be a finite number",
        ),
        (
            lambda: loss_of_steps(isotropic(2, 3), [None]),
            TypeError,
            r"steps\[0\] must be a real number",
        ),
        (
            lambda: loss_of_steps(isotropic(2, 3), 0.5),
            TypeError,
            "steps must be a sequence of numbers",
        ),
        (lambda: loss_of_steps(isotropic(2, 3), "12"), TypeError, "steps must be a sequence"),
        (lambda: loss_of_steps(isotropic(2, 3), [0] * 101), ValueError, "at most 100 numbers"),
        (
            lambda: loss_of_steps(isotropic(2, 0), [1]),
            ValueError,
            "context_length must be an integer ≥ 1",
        ),
        (lambda: gradient(isotropic(None, 2), [1]), TypeError, "dim must be an integer ≥ 1"),
    ],
)
def test_errors(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
