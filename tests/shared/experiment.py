"""The regression experiment of Ahn et al. (2023), §4.3 to App. D: d = 5, n = 20, Σ of a fixed spectrum, Ω = Σ⁻¹.

The exact minima on its task in float64, for charts: the loss at the best steps, at the best common step, and of
gradient descent without a preconditioner.
"""

from __future__ import annotations

import numpy as np

from icl_claims.models.runs import ahn2023
from icl_claims.numerics.rounding import nearest
from icl_claims.theory.algebra import exact, validation
from icl_claims.theory.loops.descent import descent_loss
from icl_claims.theory.loops.step import optimal_looped_step
from icl_claims.theory.many_layers.step_sizes import optimal_steps
from icl_claims.theory.task import RegressionTask, isotropic

D = ahn2023.DIM
N = 20
SIGMA = exact.diagonal(ahn2023.SPECTRUM)


def whitened_task(context_length: int = N) -> RegressionTask:
    """Σ with the experiment's spectrum, Ω = Σ⁻¹."""
    return RegressionTask.whitened(SIGMA, context_length)


def least_loss(layers: int, context_length: int = N) -> float:
    """At the optimal steps on 𝒮."""
    return nearest(optimal_steps(isotropic(D, context_length), layers).loss)


def least_looped_loss(layers: int, context_length: int = N) -> float:
    """At the best common step: preconditioned gradient descent."""
    return nearest(optimal_looped_step(isotropic(D, context_length), layers).loss.upper)


def least_descent_loss(layers: int, context_length: int = N) -> float:
    """Gradient descent with the best step: the least value at the real critical points, found in float64."""
    step = validation.rational("step", best_descent_step(context_length, layers))
    return nearest(descent_loss(whitened_task(context_length), layers)(step))


def best_descent_step(context_length: int, layers: int, whitened: bool = True) -> float:
    """The step of gradient descent with the least population loss, in float64; for Ω = Σ⁻¹, or Ω = I."""
    task = whitened_task(context_length) if whitened else RegressionTask(SIGMA, context_length)
    loss = descent_loss(task, layers)
    slope = np.polynomial.Polynomial([nearest(c) for c in loss.derivative().coeffs()])
    real = [float(x.real) for x in slope.roots() if abs(x.imag) < 1e-9]
    return min(real, key=lambda step: nearest(loss(validation.rational("step", step))))
