"""Sampling of regression prompts: the float64 image of :class:`icl_claims.theory.task.RegressionTask`."""
# ruff: noqa: F722 (the strings inside jaxtyping's annotations are shapes, not types; rows = d+1, columns = n+1)

from __future__ import annotations

from functools import lru_cache

import torch
from flint import fmpq_mat
from jaxtyping import Float
from torch import Tensor

from icl_claims.numerics.rounding import nearest, nearest_root
from icl_claims.theory.task import RegressionTask


def sample_prompts(
    task: RegressionTask, batch: int, generator: torch.Generator
) -> tuple[Float[Tensor, "batch rows columns"], Float[Tensor, " batch"]]:
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
    Z0, target, _ = _draw(task, batch, generator)
    return Z0, target


def sample_axis_prompts(
    task: RegressionTask, batch: int, generator: torch.Generator
) -> tuple[Float[Tensor, "batch rows columns"], Float[Tensor, "batch d"]]:
    """Independent contexts, each with the d queries Σ^{1/2} e_1, …, Σ^{1/2} e_d as its last columns.

    For a given context the prediction of a masked linear transformer is linear in x_q (the query column
    is never a key or a value), and so is the target. Their difference r(x_q) = ⟨ρ, x_q⟩ has

        E[r(x_q)² | context, w] = ρᵀ Σ ρ = Σ_j r(Σ^{1/2} e_j)²:

    the sum over j of the squared errors is the loss with the query integrated out exactly, so its
    average over contexts has the same mean as that over :func:`sample_prompts` and less variance.

    Returns:
        Prompts for :meth:`icl_claims.models.attention.LinearTransformer.predict`, batch × (d+1) × (n+d), with
        label slots 0 below the queries; and the targets, batch × d. The draws are those of
        :func:`sample_prompts`.

    Raises:
        ValueError: batch < 1.
    """
    Z0, _, w = _draw(task, batch, generator)
    root = roots(task)[0]
    queries = torch.cat([root, torch.zeros((1, task.dim), dtype=torch.float64)])
    return torch.cat([Z0[..., :-1], queries.expand(batch, -1, -1)], dim=-1), w @ root


def to_tensor(matrix: fmpq_mat) -> Float[Tensor, "rows columns"]:
    """A rational matrix in float64, every entry rounded once, to nearest."""
    return torch.tensor([[nearest(x) for x in row] for row in matrix.tolist()], dtype=torch.float64)


def _draw(task: RegressionTask, batch: int, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Z_0, the targets, and the task vectors as rows."""
    if batch < 1:
        raise ValueError(f"batch must be an integer ≥ 1, got {batch}")
    d, n = task.dim, task.context_length
    root, task_root, noise = roots(task)
    X = root @ torch.randn((batch, d, n + 1), generator=generator, dtype=torch.float64)
    w = torch.randn((batch, d), generator=generator, dtype=torch.float64) @ task_root
    labels = w.unsqueeze(1) @ X
    target = labels[:, 0, -1].clone()
    labels[:, 0, -1] = 0
    if noise > 0:
        labels[:, 0, :-1] += noise * torch.randn((batch, n), generator=generator, dtype=torch.float64)
    return torch.cat([X, labels], dim=1), target, w


@lru_cache(maxsize=32)
def roots(task: RegressionTask) -> tuple[Tensor, Tensor, float]:
    """Σ^{1/2}, Ω^{1/2} and σ."""
    return (
        _symmetric_root(task.covariance),
        _symmetric_root(task.task_covariance),
        nearest_root(task.noise_variance),
    )


def _symmetric_root(matrix: fmpq_mat) -> Tensor:
    """The positive semidefinite R with R² = matrix, of the same rank.

    The exact rank says how many eigenvalues are 0; a zero that comes out as 1e-17 would leave 3e-9 in R.
    """
    eigenvalues, vectors = torch.linalg.eigh(to_tensor(matrix))
    eigenvalues[: matrix.nrows() - matrix.rank()] = 0
    return (vectors * eigenvalues.clamp(min=0).sqrt()) @ vectors.mT
