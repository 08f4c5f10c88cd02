"""Losses on fresh test batches: of a transformer, preconditioned gradient descent and gradient descent, on the same.

All in whitened coordinates, Σ = I, in which gradient descent on the experiment's Σ has the preconditioner Σ. The two
baselines take the constant step that is best for the population loss.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
import torch
from flint import fmpq_mat

from icl_claims.models.attention import LinearTransformer
from icl_claims.models.prompts import sample_axis_prompts, to_tensor
from icl_claims.models.weights import Weights
from icl_claims.numerics.rounding import nearest
from icl_claims.theory.algebra import exact
from icl_claims.theory.loops.descent import descent_loss
from icl_claims.theory.loops.step import optimal_looped_step
from icl_claims.theory.task import RegressionTask, isotropic
from tests.shared import trained_runs
from tests.shared.experiment import SIGMA, D, whitened_task

CONTEXTS = 4000
"""Contexts of a batch, each with the five queries that average the query out."""
FIRST_SEED = 1_000_000
"""Of the batches; the training runs have seeds below ten."""


class Losses(NamedTuple):
    """Of one batch."""

    transformer: float
    preconditioned: float
    descent: float

    def is_best(self, name: str) -> bool:
        """Whether the loss of this name is below both others."""
        return all(getattr(self, name) < getattr(self, other) for other in self._fields if other != name)

    @property
    def in_order(self) -> bool:
        """Whether the transformer is below preconditioned descent, and that below descent."""
        return self.transformer < self.preconditioned < self.descent


@cache
def fresh(run: str, count: int, contexts: int = CONTEXTS) -> tuple[Losses, ...]:
    """The losses of a stored run on this many batches of so many contexts, at its context length and depth."""
    weights, n = trained_runs.weights_of(run), trained_runs.task_of(run).context_length
    layers = weights.P.shape[0]
    models = [
        LinearTransformer.from_matrices(*in_whitened_coordinates(run, weights)),
        _descending(exact.identity(D) * optimal_looped_step(isotropic(D, n), layers).step.lower, layers),
        _descending(SIGMA, layers, best_descent_step(n, layers)),
    ]
    found = []
    for index in range(count):
        generator = torch.Generator().manual_seed(FIRST_SEED + index)
        prompts, targets = sample_axis_prompts(isotropic(D, n), contexts, generator)
        with torch.no_grad():
            errors = [(model.predict(prompts, D) - targets).square().sum(dim=1) for model in models]
        found.append(Losses(*(float(error.mean()) for error in errors)))
    return tuple(found)


def in_whitened_coordinates(run: str, weights: Weights) -> tuple[torch.Tensor, torch.Tensor]:
    """P and Q for Σ = I: A ↦ Σ^{1/2} A Σ^{1/2}; relaxed runs are trained there."""
    sigma = to_tensor(trained_runs.task_of(run).covariance)
    values, vectors = torch.linalg.eigh(sigma)
    root = torch.eye(D + 1, dtype=torch.float64)
    root[:D, :D] = (vectors * values.sqrt()) @ vectors.mT
    inverse = torch.linalg.inv(root)
    return inverse @ weights.P @ root, root @ weights.Q @ root


def best_descent_step(n: int, layers: int, whitened: bool = True) -> float:
    """The step of gradient descent with the least population loss, in float64; for Ω = Σ⁻¹, or Ω = I."""
    loss = descent_loss(whitened_task(n) if whitened else RegressionTask(SIGMA, n), layers)
    slope = np.polynomial.Polynomial([nearest(c) for c in loss.derivative().coeffs()])
    real = [float(x.real) for x in slope.roots() if abs(x.imag) < 1e-9]
    return min(real, key=lambda x: float(np.polyval([nearest(c) for c in loss.coeffs()][::-1], x)))


def _descending(preconditioner: fmpq_mat, layers: int, scale: float = 1.0) -> LinearTransformer:
    return LinearTransformer.from_preconditioners(torch.stack([scale * to_tensor(preconditioner)] * layers))
