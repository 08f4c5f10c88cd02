"""Losses on Gauss nodes: the exact number lies within the bound, and the bound is as small as derived."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from flint import fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

from icl_claims.numerics import step_sizes as numeric
from icl_claims.numerics.balls import Balls
from icl_claims.numerics.gauss_nodes import spectral_rule, spectral_rules
from icl_claims.numerics.rounding import nearest_real, nearest_root
from icl_claims.theory.families import Steps
from icl_claims.theory.loops.step import optimal_looped_step
from icl_claims.theory.many_layers import step_sizes
from icl_claims.theory.task import RegressionTask, isotropic
from tests.shared.strategies import tasks

GRID = [(1, 1), (1, 7), (2, 1), (3, 2), (5, 20), (50, 200)]
floats = st.floats(-3, 3)


def fraction(x: fmpq) -> Fraction:
    return Fraction(int(x.p), int(x.q))


def assert_holds(balls: Balls, exact: Iterable[fmpq]) -> None:
    for value, radius, x in zip(balls.value.ravel(), balls.radius.ravel(), exact, strict=True):
        assert abs(Fraction(float(value)) - fraction(x)) <= Fraction(float(radius))


@given(st.sampled_from(GRID), st.lists(floats, min_size=1, max_size=6))
def test_loss_and_derivatives_hold_the_exact_numbers(size: tuple[int, int], steps: list[float]) -> None:
    rule = spectral_rule(*size, size=len(steps) + 1)
    assert_holds(numeric.loss(rule, steps), [step_sizes.loss_of_steps(isotropic(*size), steps)])
    assert_holds(numeric.gradient(rule, steps), step_sizes.gradient(isotropic(*size), steps))
    assert_holds(numeric.hessian(rule, steps), step_sizes.hessian(isotropic(*size), steps).entries())


@pytest.mark.parametrize("layers", [1, 5, 10, 20, 30])
@pytest.mark.parametrize(("d", "n"), GRID)
def test_the_bound_is_a_few_roundings_of_the_summands(d: int, n: int, layers: int) -> None:
    """At most (8L + N + 40)u Σ w ∏(1 + |a|x)²: each factor of q² is good to 4u of 1 + |a|x, and 2L of them
    make 8L; a product, its weight and the sum of N terms the rest. At the optimal steps."""
    steps = [nearest_real(step) for step in step_sizes.optimal_steps(isotropic(d, n), layers).steps]
    rule = spectral_rule(d, n, size=layers + 1)
    found = numeric.loss(rule, steps)
    exact = step_sizes.loss_of_steps(isotropic(d, n), steps)
    assert_holds(found, [exact])
    grown = np.prod([1 + a * rule.nodes.value for a in steps], axis=0) ** 2
    roundings = 8 * layers + (layers + 1) + 40
    assert found.radius <= roundings * 2.0**-53 * (rule.weights.value * grown).sum()


def test_batches_broadcast() -> None:
    """Rules (B, 1, N) and steps (K, L) make B × K losses; zero steps pad."""
    sizes, lists = [(5, 20), (3, 2)], [[0.5, 0.25, 0.0], [1.0, -0.5, 0.125]]
    rules = spectral_rules(sizes, 4)
    rule = type(rules)(rules.nodes[:, np.newaxis], rules.weights[:, np.newaxis])
    found = numeric.loss(rule, lists)
    assert found.value.shape == (2, 2)
    assert_holds(found, [step_sizes.loss_of_steps(isotropic(*size), a) for size in sizes for a in lists])
    slopes = numeric.gradient(rule, lists)
    assert slopes.value.shape == (2, 2, 3)
    assert_holds(
        slopes,
        [x for size in sizes for a in lists for x in step_sizes.gradient(isotropic(*size), a)],
    )
    curvature = numeric.hessian(rule, lists)
    assert curvature.value.shape == (2, 2, 3, 3)
    assert_holds(
        curvature,
        [x for size in sizes for a in lists for x in step_sizes.hessian(isotropic(*size), a).entries()],
    )
    assert_holds(
        numeric.loss(rules, lists[0][:2]),
        [step_sizes.loss_of_steps(isotropic(*z), lists[0]) for z in sizes],
    )


@settings(max_examples=20)
@given(tasks(("whitened_task", "noiseless_labels")), st.integers(1, 3), st.data())
def test_the_float_family_holds_the_exact_one(task: RegressionTask, layers: int, data: st.DataObject) -> None:
    """Value, gradient, Hessian and minimum of the same family, two points at once."""
    points = [data.draw(st.lists(floats, min_size=layers, max_size=layers)) for _ in range(2)]
    in_floats, family = numeric.StepsInFloats(layers), Steps(layers)
    assert_holds(in_floats.value(task, points), [family.value(task, a) for a in points])
    assert_holds(in_floats.gradient(task, points), [x for a in points for x in family.gradient(task, a)])
    assert_holds(
        in_floats.hessian(task, points), [x for a in points for x in family.hessian(task, a).entries()]
    )
    least, steps = in_floats.minimum(task)
    exactly = family.minimum(task)
    assert_holds(least, [exactly.lower])
    for value, radius, (lower, upper) in zip(steps.value, steps.radius, exactly.minimizer, strict=True):
        assert exact(value) - exact(radius) <= upper
        assert lower <= exact(value) + exact(radius)


@pytest.mark.parametrize("layers", [1, 2, 5])
def test_the_float_family_takes_the_fewest_nodes(layers: int) -> None:
    """L + 1: the loss refuses fewer, and more would be further roundings."""
    points = [[0.3] * layers]
    found = numeric.StepsInFloats(layers).value(isotropic(5, 20), points)
    fewest, more = (numeric.loss(spectral_rule(5, 20, layers + k), points) for k in (1, 2))
    assert found.radius.item() == fewest.radius.item() != more.radius.item()
    with pytest.raises(ValueError, match="rule must have at least"):
        numeric.loss(spectral_rule(5, 20, layers), points)


@pytest.mark.parametrize("layers", [1, 3, 10, 30])
def test_minimizers_hold_the_exact_ones(layers: int) -> None:
    """The reciprocals of Gauss nodes of s dμ, against certified roots of the exact polynomial."""
    steps, least = numeric.optimal_steps(GRID, layers)
    assert steps.value.shape == (len(GRID), layers)
    for i, size in enumerate(GRID):
        best = step_sizes.optimal_steps(isotropic(*size), layers)
        for value, radius, root in zip(steps.value[i], steps.radius[i], best.steps, strict=True):
            low, high = (step_sizes.rational_steps([value])[0] + side * exact(radius) for side in (-1, 1))
            assert root.compare(low) >= 0 >= root.compare(high)
        assert_holds(least[i], [best.loss])


def exact(x: float) -> fmpq:
    return step_sizes.rational_steps([float(x)])[0]


@pytest.mark.parametrize("layers", [1, 2, 3, 10])
@pytest.mark.parametrize(("d", "n"), GRID)
def test_minimizers_to_the_nearest_float(d: int, n: int, layers: int) -> None:
    """No float64 is nearer: the root lies between the midpoints to the neighbours."""
    looped = optimal_looped_step(isotropic(d, n), layers)
    for real in (*step_sizes.optimal_steps(isotropic(d, n), layers).steps, looped.step, looped.loss):
        value = nearest_real(real)
        below, above = ((exact(value) + exact(np.nextafter(value, end))) / 2 for end in (0, np.inf))
        assert real.compare(below) >= 0 >= real.compare(above)


def test_two_layers_in_closed_form() -> None:
    """d = n = 1, L = 2: 15 a² − 10 a + 1 = 0, so a = (5 ± √10)/15; the minimum is 8/15."""
    best = step_sizes.optimal_steps(isotropic(1, 1), 2)
    assert best.loss == fmpq(8, 15)
    assert nearest_real(best.steps[1]) == pytest.approx(
        (5 + nearest_root(fmpq(10))) / 15, rel=4 * 2.0**-53, abs=0
    )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda rule: numeric.loss(rule, [0.5, 0.5]), "rule must have at least 3 nodes for 2 steps, got 2"),
        (lambda rule: numeric.loss(rule, [np.nan]), "steps must be finite"),
        (lambda rule: numeric.gradient(rule, [np.inf]), "steps must be finite"),
        (lambda rule: numeric.loss(rule, 0.5), "steps must have a last axis"),
        (
            lambda _: numeric.StepsInFloats(2).value(isotropic(2, 5), [0.5]),
            "points must have a last axis of 2 steps",
        ),
        (lambda _: numeric.StepsInFloats(1).value(RegressionTask([[2]], 3), [0.5]), "task must be whitened"),
    ],
)
def test_errors(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call(spectral_rule(2, 5, size=2))


@pytest.mark.parametrize("layers", [1, 3, 30])
def test_the_bounds_of_minimizers_are_a_few_roundings(layers: int) -> None:
    """With r ≤ 2⁻⁵⁰ x̃ for a node, 2u/x̃ + 2r/x̃² is at most (2⁻⁵² + 2⁻⁴⁹)/x̃ up to its own rounding."""
    steps, _ = numeric.optimal_steps(GRID, layers)
    assert (steps.radius <= 2.0**-48 * steps.value).all()
