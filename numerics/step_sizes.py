r"""The loss on 𝒮, its derivatives and its minimisers in float64, with error bounds, in batches.

    f(a) = ∫ q_a(s)² dμ(s) = Σ_i w_i ∏_l (1 − a_l x_i)²

on a Gauss rule of N ≥ L + 1 nodes (:mod:`icl_claims.numerics.gauss_nodes`): exact but for rounding, and all
terms of f are ≥ 0. Rounding is bounded operation by operation (:mod:`icl_claims.numerics.balls`), from the rounding of
nodes and weights on; the steps count as the float64 numbers they are.

Shapes: a rule has nodes (…, N), steps are (…, L), and the leading axes broadcast: rules of shape (B, 1, N)
with steps (K, L) give B × K losses. A step 0 changes nothing, so lists of different lengths may be
padded with zeros.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from icl_claims.numerics.balls import Balls, Floats, exactly, rounded
from icl_claims.numerics.gauss_nodes import GaussRule, spectral_rules
from icl_claims.numerics.rounding import nearest, nearest_real
from icl_claims.theory.algebra.validation import positive_integer
from icl_claims.theory.many_layers import step_sizes
from icl_claims.theory.task import RegressionTask

_BISECTIONS = 64


def loss(rule: GaussRule, steps: ArrayLike) -> Balls:
    """f, of the broadcast leading shape.

    Raises:
        ValueError: the rule has too few nodes for L steps, or a step is NaN or infinite.

    >>> from icl_claims.numerics.gauss_nodes import spectral_rule
    >>> f = loss(spectral_rule(2, 5, size=2), [0.625])
    >>> abs(f.value - 0.75) <= f.radius <= 1e-14
    np.True_
    """
    factors = _factors(rule, steps)
    q = _product(factors)
    return (rule.weights * (q * q)).sum()


def gradient(rule: GaussRule, steps: ArrayLike) -> Balls:
    """∂f/∂a_l = −2 ∫ s q_a ∏_{m≠l} (1 − a_m s) dμ, of shape (…, L). Arguments, errors: see :func:`loss`.

    >>> from icl_claims.numerics.gauss_nodes import spectral_rule
    >>> gradient(spectral_rule(2, 5, size=3), [0.0, 0.0]).value.round(12).tolist()
    [-4.0, -4.0]
    """
    factors = _factors(rule, steps)
    before, after = _running_products(factors), _running_products(factors[::-1])[::-1]
    outer = rule.weights * rule.nodes * after[0] * -2.0
    return _stack([(outer * (before[i] * after[i + 1])).sum() for i in range(len(factors))])


def hessian(rule: GaussRule, steps: ArrayLike) -> Balls:
    """∂²f/∂a_l∂a_m, of shape (…, L, L). Arguments, errors: see :func:`loss`.

    With q_l and q_{lm} the products without the factors l, and l and m: 2 ∫ s² q_l² dμ on the diagonal, and
    4 ∫ s² q q_{lm} dμ beside it.

    >>> from icl_claims.numerics.gauss_nodes import spectral_rule
    >>> hessian(spectral_rule(2, 5, size=3), [0.0, 0.0]).value.round(12).tolist()
    [[6.4, 12.8], [12.8, 6.4]]
    """
    factors = _factors(rule, steps)
    count = len(factors)
    before, after = _running_products(factors), _running_products(factors[::-1])[::-1]
    weights = rule.weights * rule.nodes * rule.nodes
    outer = weights * after[0]
    entries: list[list[Balls | None]] = [[None] * count for _ in range(count)]
    for i in range(count):
        without = before[i] * after[i + 1]
        entries[i][i] = (weights * (without * without) * 2.0).sum()
        between = before[i]
        for j in range(i + 1, count):
            entries[i][j] = entries[j][i] = (outer * (between * after[j + 1]) * 4.0).sum()
            between = between * factors[j]
    rows = [_stack([entry for entry in row if entry is not None]) for row in entries]
    return Balls(np.stack([r.value for r in rows], axis=-2), np.stack([r.radius for r in rows], axis=-2))


def looped_loss(rule: GaussRule, step: ArrayLike, layers: int) -> Balls:
    """∫ (1 − a s)^{2L} dμ for steps a of the leading shape (…).

    Raises:
        ValueError: see :func:`loss`.

    >>> from icl_claims.numerics.gauss_nodes import spectral_rule
    >>> round(float(looped_loss(spectral_rule(2, 5, size=2), 0.625, layers=1).value), 14)
    0.75
    """
    return (rule.weights * _looped_factor(rule, step, layers).power(2 * layers)).sum()


def looped_derivative(rule: GaussRule, step: ArrayLike, layers: int) -> Balls:
    """d/da of :func:`looped_loss`: −2L ∫ s (1 − a s)^{2L−1} dμ."""
    power = _looped_factor(rule, step, layers).power(2 * layers - 1)
    return (rule.weights * rule.nodes * power * (-2.0 * layers)).sum()


def optimal_steps(sizes: Sequence[tuple[int, int]], layers: int) -> tuple[Balls, Balls]:
    """The minimisers on 𝒮 for many (d, n): ascending steps (len(sizes), L), and the minima (len(sizes),).

    The steps are the reciprocals of the Gauss nodes of s dμ(s), the minimum is the loss there: a route
    of its own beside :func:`icl_claims.theory.many_layers.step_sizes.optimal_steps`. The radii say how far the
    exact minimiser may be from the floats; the minimum differs from the loss at them by the square of that.

    >>> steps, least = optimal_steps([(2, 5)], layers=1)
    >>> steps.value.round(14).tolist(), least.value.round(14).tolist()
    ([[0.625]], [0.75])
    """
    nodes = spectral_rules(sizes, layers, shifted=True).nodes
    descending = nodes[..., ::-1]
    value = 1.0 / descending.value
    # |1/x − fl(1/x̃)| ≤ u/x̃ + r/(x̃(x̃ − r)) with r the radius of x̃; r ≤ 2⁻⁵⁰ x̃.
    steps = Balls(value, 2 * rounded(value).radius + 2 * value * (descending.radius / descending.value))
    rule = spectral_rules(sizes, layers + 1)
    residual = _product(_ball_factors(rule, steps))
    return steps, (rule.weights * (residual * residual)).sum()


def optimal_steps_correctly_rounded(task: RegressionTask, layers: int) -> tuple[list[float], float]:
    """The optimal steps, ascending, and the minimal loss on 𝒮: each the float64 nearest to the exact number.

    Arguments, errors: see :func:`icl_claims.theory.many_layers.step_sizes.optimal_steps`.

    >>> optimal_steps_correctly_rounded(RegressionTask.isotropic(5, 20), 3)
    ([0.4224085339285802, 0.6891260874046372, 1.7142173795305133], 0.13360842938318332)
    """
    best = step_sizes.optimal_steps(task, layers)
    return [nearest_real(step) for step in best.steps], nearest(best.loss)


def optimal_looped_step_correctly_rounded(task: RegressionTask, layers: int) -> tuple[float, float]:
    """The optimal looped step and its loss, each the float64 nearest to the exact number.

    Arguments, errors: see :func:`icl_claims.theory.many_layers.step_sizes.optimal_looped_step`.

    >>> optimal_looped_step_correctly_rounded(RegressionTask.isotropic(2, 5), 1)
    (0.625, 0.75)
    """
    best = step_sizes.optimal_looped_step(task, layers)
    return nearest_real(best.step), nearest_real(best.loss)


def optimal_looped_steps(sizes: Sequence[tuple[int, int]], layers: int) -> Balls:
    """The minimisers a* of the looped loss for many (d, n), of shape (len(sizes),), certified.

    The derivative increases, so a* lies between any two points where it is certainly negative and
    certainly positive. Two bisections, each of all problems at once, find the largest of the former and the least
    of the latter, as far as float64 can tell; what is between is the ball.

    >>> optimal_looped_steps([(2, 5), (5, 20)], layers=1).value.round(12).tolist()
    [0.625, 0.769230769231]
    """
    rule = spectral_rules(sizes, layers + 1)

    def sign(step: Floats) -> Floats:
        return _sign(looped_derivative(rule, step, layers))

    zero, far = np.zeros(len(sizes)), np.ones(len(sizes))
    while (short := sign(far) <= 0).any():
        far = np.where(short, 2 * far, far)
    low, above = zero, far
    below, high = zero, far
    for _ in range(_BISECTIONS):
        middle = low + (above - low) / 2
        negative = sign(middle) < 0
        low, above = np.where(negative, middle, low), np.where(negative, above, middle)
        middle = below + (high - below) / 2
        positive = sign(middle) > 0
        below, high = np.where(positive, below, middle), np.where(positive, middle, high)
    return _between(low, high)


def _between(low: Floats, high: Floats) -> Balls:
    """A ball around each interval; the last terms cover the rounding of middle and radius."""
    middle = low + (high - low) / 2
    return Balls(middle, np.maximum(high - middle, middle - low) * (1 + 2.0**-50) + 2.0**-1070)


def _sign(balls: Balls) -> Floats:
    """−1 or 1 where the sign is certain, 0 elsewhere."""
    return np.where(np.abs(balls.value) > balls.radius, np.sign(balls.value), 0.0)


def _factors(rule: GaussRule, steps: ArrayLike) -> list[Balls]:
    """1 − a_l x, one ball of shape (…, N) for each l."""
    a = np.asarray(steps, dtype=np.float64)
    if a.ndim < 1:
        raise ValueError(f"steps must have a last axis for the layers, got the number {steps!r}")
    _check(rule, a, a.shape[-1])
    return _ball_factors(rule, exactly(a))


def _ball_factors(rule: GaussRule, steps: Balls) -> list[Balls]:
    return [1.0 - rule.nodes * steps[..., i : i + 1] for i in range(steps.value.shape[-1])]


def _looped_factor(rule: GaussRule, step: ArrayLike, layers: int) -> Balls:
    a = np.asarray(step, dtype=np.float64)
    _check(rule, a, positive_integer("layers", layers))
    return 1.0 - rule.nodes * a[..., np.newaxis]


def _check(rule: GaussRule, steps: Floats, layers: int) -> None:
    size = rule.nodes.value.shape[-1]
    if size < layers + 1:
        raise ValueError(f"rule must have at least {layers + 1} nodes for {layers} steps, got {size}")
    if not np.isfinite(steps).all():
        raise ValueError("steps must be finite, got NaN or an infinite step")


def _running_products(factors: list[Balls]) -> list[Balls]:
    """1, φ_0, φ_0 φ_1, …"""
    products = [exactly(1.0)]
    for factor in factors:
        products.append(products[-1] * factor)
    return products


def _product(factors: list[Balls]) -> Balls:
    return _running_products(factors)[-1]


def _stack(balls: list[Balls]) -> Balls:
    return Balls(np.stack([b.value for b in balls], axis=-1), np.stack([b.radius for b in balls], axis=-1))
