r"""The loss on 𝒮 and its derivatives in float64, with error bounds, for many tasks and many steps at once.

    f(a) = ∫ q_a(s)² dμ(s) = Σ_i w_i ∏_l (1 − a_l x_i)²

on a Gauss rule of N ≥ L + 1 nodes (:mod:`icl_claims.numerics.gauss_nodes`): exact but for rounding, and all
terms of f are ≥ 0. The formulas are those of :mod:`icl_claims.theory.many_layers.spectral_loss`, in the ring of
values at the nodes. Rounding is bounded operation by operation (:mod:`icl_claims.numerics.balls`), from the rounding
of nodes and weights on; the steps count as the float64 numbers they are.

Shapes: a rule has nodes (…, N), steps are (…, L), and the leading axes broadcast: rules of shape (B, 1, N)
with steps (K, L) give B × K losses. A step 0 changes nothing, so lists of different lengths may be
padded with zeros.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from icl_claims.numerics.balls import Balls, Floats, exactly, rounded
from icl_claims.numerics.gauss_nodes import GaussRule, spectral_rule, spectral_rules
from icl_claims.theory.many_layers import spectral_loss
from icl_claims.theory.task import RegressionTask, whitened_sizes


def loss(rule: GaussRule, steps: ArrayLike) -> Balls:
    """f, of the broadcast leading shape.

    Raises:
        ValueError: the rule has too few nodes for L steps, or a step is NaN or infinite.

    >>> from icl_claims.numerics.gauss_nodes import spectral_rule
    >>> f = loss(spectral_rule(2, 5, size=2), [0.625])
    >>> abs(f.value - 0.75) <= f.radius <= 1e-14
    np.True_
    """
    return spectral_loss.loss(rule, _weights(rule, steps), [])


def gradient(rule: GaussRule, steps: ArrayLike) -> Balls:
    """∂f/∂a_l, of shape (…, L). Arguments, errors: see :func:`loss`.

    >>> from icl_claims.numerics.gauss_nodes import spectral_rule
    >>> gradient(spectral_rule(2, 5, size=3), [0.0, 0.0]).value.round(12).tolist()
    [-4.0, -4.0]
    """
    return -_stack(spectral_loss.gradient(rule, _weights(rule, steps), []))


def hessian(rule: GaussRule, steps: ArrayLike) -> Balls:
    """∂²f/∂a_l∂a_m, of shape (…, L, L). Arguments, errors: see :func:`loss`.

    >>> from icl_claims.numerics.gauss_nodes import spectral_rule
    >>> hessian(spectral_rule(2, 5, size=3), [0.0, 0.0]).value.round(12).tolist()
    [[6.4, 12.8], [12.8, 6.4]]
    """
    weights = _weights(rule, steps)
    table = _stack([_stack(row) for row in spectral_loss.hessian(rule, weights, [])], axis=-2)
    # The Hessian of one layer is the same at all steps, so that it does not take their shape by itself.
    leading = np.broadcast_shapes(rule.nodes.value.shape[:-1], *(a.value.shape[:-1] for a in weights))
    shape = (*leading, len(weights), len(weights))
    return Balls(np.broadcast_to(table.value, shape), np.broadcast_to(table.radius, shape))


def optimal_steps(sizes: Sequence[tuple[int, int]], layers: int) -> tuple[Balls, Balls]:
    """The minimizers on 𝒮 for many (d, n): ascending steps (len(sizes), L), and the minima (len(sizes),).

    The steps are the reciprocals of the Gauss nodes of s dμ(s), the minimum is the loss there: a route
    of its own beside :func:`icl_claims.theory.many_layers.step_sizes.optimal_steps`. The radii say how far the
    exact minimizer may be from the floats; the minimum differs from the loss at them by the square of that.

    >>> steps, least = optimal_steps([(2, 5)], layers=1)
    >>> steps.value.round(14).tolist(), least.value.round(14).tolist()
    ([[0.625]], [0.75])
    """
    nodes = spectral_rules(sizes, layers, shifted=True).nodes
    descending = nodes[..., ::-1]
    value = 1.0 / descending.value
    # |1/x − fl(1/x̃)| ≤ u/x̃ + r/(x̃(x̃ − r)) with r the radius of x̃; r ≤ 2⁻⁵⁰ x̃.
    steps = Balls(value, 2 * rounded(value).radius + 2 * value * (descending.radius / descending.value))
    return steps, spectral_loss.loss(spectral_rules(sizes, layers + 1), _columns(-steps), [])


@dataclass(frozen=True)
class StepsInFloats:
    """The family :class:`icl_claims.theory.families.Steps` in float64, for many points at once, with error bounds.

    The methods are those of :class:`icl_claims.theory.losses.Loss`; points are arrays (…, L).

    Args:
        layers: L ≥ 1.

    >>> from icl_claims.theory.task import isotropic
    >>> losses = StepsInFloats(1).value(isotropic(2, 5), [[0.0], [0.625], [1.25]])
    >>> losses.value.round(12).tolist(), bool((losses.radius < 1e-14).all())
    ([2.0, 0.75, 2.0], True)
    """

    layers: int

    def value(self, task: RegressionTask, points: ArrayLike) -> Balls:
        """f, of shape (…). Errors: see :func:`loss`, and a task that is not whitened or has label noise."""
        return loss(self._rule(task), self._checked(points))

    def gradient(self, task: RegressionTask, points: ArrayLike) -> Balls:
        """The gradients, (…, L)."""
        return gradient(self._rule(task), self._checked(points))

    def hessian(self, task: RegressionTask, points: ArrayLike) -> Balls:
        """The Hessians, (…, L, L)."""
        return hessian(self._rule(task), self._checked(points))

    def minimum(self, task: RegressionTask) -> tuple[Balls, Balls]:
        """The least loss and the steps, ascending, (L,), that attain it."""
        steps, least = optimal_steps([whitened_sizes(task)], self.layers)
        return least[0], steps[0]

    def _rule(self, task: RegressionTask) -> GaussRule:
        return spectral_rule(*whitened_sizes(task), self.layers + 1)

    def _checked(self, points: ArrayLike) -> Floats:
        array = np.asarray(points, dtype=np.float64)
        if array.ndim < 1 or array.shape[-1] != self.layers:
            raise ValueError(
                f"points must have a last axis of {self.layers} steps, got the shape {array.shape}"
            )
        return array


def _weights(rule: GaussRule, steps: ArrayLike) -> list[Balls]:
    """−a_l, one ball of shape (…, 1) for each l."""
    a = np.asarray(steps, dtype=np.float64)
    if a.ndim < 1:
        raise ValueError(f"steps must have a last axis for the layers, got the number {steps!r}")
    size, layers = rule.nodes.value.shape[-1], a.shape[-1]
    if size < layers + 1:
        raise ValueError(f"rule must have at least {layers + 1} nodes for {layers} steps, got {size}")
    if not np.isfinite(a).all():
        raise ValueError("steps must be finite, got NaN or an infinite step")
    return _columns(exactly(-a))


def _columns(balls: Balls) -> list[Balls]:
    return [balls[..., i : i + 1] for i in range(balls.value.shape[-1])]


def _stack(balls: Sequence[Balls], axis: int = -1) -> Balls:
    return Balls(np.stack([b.value for b in balls], axis), np.stack([b.radius for b in balls], axis))
