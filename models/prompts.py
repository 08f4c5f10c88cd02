"""Sampling of regression prompts: the float64 image of :class:`theory.task.RegressionTask`."""
# ruff: noqa: F722 (the strings inside jaxtyping's annotations are shapes, not types)

from __future__ import annotations

from functools import lru_cache

import torch
from flint import fmpq_mat
from jaxtyping import Float
from torch import Tensor

from theory.task import RegressionTask


def sample_prompts(
    task: RegressionTask, batch: int, generator: torch.Generator
) -> tuple[Float[Tensor, "batch d+1 n+1"], Float[Tensor, " batch"]]:
    """Independent prompts Z_0 and their targets ⟨w, x_q⟩, in float64.

        Z_0 = [x_1 … x_n x_q; y_1 … y_n 0],   x ~ N(0, Σ),   w ~ N(0, Ω),   y_i = ⟨w, x_i⟩ + ε_i.

    x = Σ^{1/2} g and w = Ω^{1/2} h with symmetric square roots, so Σ and Ω may be singular. The draws
    are taken from ``generator`` in the order covariates, w, noise (none where σ² = 0): one state of
    the generator gives one result, bit for bit, on one machine.

    Args:
        task: (Σ, n, Ω, σ²).
        batch: number of prompts, at least 1.
        generator: the source of randomness; it advances.

    Returns:
        Z_0, batch × (d+1) × (n+1), the query's label slot 0; and the targets, of length batch.

    Raises:
        ValueError: batch < 1.
    """
    if batch < 1:
        raise ValueError(f"batch must be an integer ≥ 1, got {batch}")
    d, n = task.dim, task.context_length
    root, task_root, noise = _roots(task)
    X = root @ torch.randn((batch, d, n + 1), generator=generator, dtype=torch.float64)
    w = torch.randn((batch, d), generator=generator, dtype=torch.float64) @ task_root
    labels = w.unsqueeze(1) @ X
    target = labels[:, 0, -1].clone()
    labels[:, 0, -1] = 0
    if noise > 0:
        labels[:, 0, :-1] += noise * torch.randn((batch, n), generator=generator, dtype=torch.float64)
    return torch.cat([X, labels], dim=1), target


def to_tensor(matrix: fmpq_mat) -> Float[Tensor, "rows columns"]:
    """A rational matrix in float64, every entry rounded once, to nearest."""
    return torch.tensor([[int(x.p) / int(x.q) for x in row] for row in matrix.tolist()], dtype=torch.float64)


@lru_cache(maxsize=32)
def _roots(task: RegressionTask) -> tuple[Tensor, Tensor, float]:
    """Σ^{1/2}, Ω^{1/2} and σ."""
    variance = task.noise_variance
    return (
        _symmetric_root(task.covariance),
        _symmetric_root(task.task_covariance),
        (int(variance.p) / int(variance.q)) ** 0.5,
    )


def _symmetric_root(matrix: fmpq_mat) -> Tensor:
    """The positive semidefinite R with R² = matrix. Eigenvalues that round below 0 count as 0."""
    eigenvalues, vectors = torch.linalg.eigh(to_tensor(matrix))
    return (vectors * eigenvalues.clamp(min=0).sqrt()) @ vectors.mT
