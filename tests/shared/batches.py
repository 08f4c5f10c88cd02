"""Losses on fresh test batches: of trained runs, preconditioned gradient descent and gradient descent, on the same.

All in the coordinates of the run, whose normal numbers are the same for every Σ. The two baselines take the constant
step that is best on a batch of its own, as in the papers' grid search.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
import torch
from flint import fmpq_mat

from icl_claims.criteria import Criterion, seed
from icl_claims.models.attention import LinearTransformer
from icl_claims.models.prompts import sample_axis_prompts, to_tensor
from icl_claims.theory.algebra import exact
from icl_claims.theory.task import RegressionTask
from tests.shared import trained_runs
from tests.shared.experiment import D

GRID = tuple(k / 20 for k in range(1, 41))
"""The constant steps that the baselines are tried with."""


class Losses(NamedTuple):
    """Of one batch: means of logarithms over the runs."""

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
def fresh(criterion: Criterion, runs: tuple[str, ...], layers: int) -> tuple[Losses, ...]:
    """The losses on the batches that a criterion seeds, each drawn for every Σ of the runs."""
    preconditioned, descent = best_steps(criterion, runs[0], layers)
    found = []
    for index in range(criterion.count("batches")):
        sums = [0.0, 0.0, 0.0]
        for place, run in enumerate(runs):
            task, weights = trained_runs.task_of(run), trained_runs.weights_of(run)
            batch = drawn(criterion, task, f"test {task.context_length} {layers} {index}")
            sums[0] += math.log(loss(LinearTransformer.from_matrices(weights.P, weights.Q), batch))
            # In whitened coordinates preconditioned descent is the same for every Σ, and so is its loss.
            if place == 0:
                steps = descending(task.task_covariance, layers, preconditioned)
                sums[1] = len(runs) * math.log(loss(steps, batch))
            sums[2] += math.log(loss(descending(exact.identity(D), layers, descent), batch))
        found.append(Losses(*(total / len(runs) for total in sums)))
    return tuple(found)


def best_steps(criterion: Criterion, run: str, layers: int) -> tuple[float, float]:
    """The steps of the grid with the least loss of preconditioned descent and of descent, on a batch for this.

    As in the authors' notebooks the Σ of one run decides.
    """
    task = trained_runs.task_of(run)
    batch = drawn(criterion, task, f"steps {task.context_length} {layers}")

    def best(preconditioner: fmpq_mat) -> float:
        # The loss is a polynomial of degree 2L in the step: through 2L + 1 points.
        nodes = np.linspace(0, max(GRID), 2 * layers + 1)
        values = [loss(descending(preconditioner, layers, float(step)), batch) for step in nodes]
        return float(min(GRID, key=np.polynomial.Polynomial.fit(nodes, values, 2 * layers)))

    return best(task.task_covariance), best(exact.identity(D))


def drawn(criterion: Criterion, task: RegressionTask, name: str) -> tuple[torch.Tensor, torch.Tensor]:
    """A batch of the criterion's size, seeded by it: contexts, each with the five queries that average x_q out."""
    generator = torch.Generator().manual_seed(seed([criterion], name))
    return sample_axis_prompts(task, criterion.count("contexts"), generator)


def loss(model: LinearTransformer, batch: tuple[torch.Tensor, torch.Tensor]) -> float:
    """The mean squared error."""
    prompts, targets = batch
    with torch.no_grad():
        return float((model.predict(prompts, D) - targets).square().sum(dim=1).mean())


def descending(preconditioner: fmpq_mat, layers: int, step: float) -> LinearTransformer:
    """Steps of one length."""
    return LinearTransformer.from_preconditioners(torch.stack([step * to_tensor(preconditioner)] * layers))


def median(values: Sequence[float]) -> float:
    """The upper median."""
    return sorted(values)[len(values) // 2]
