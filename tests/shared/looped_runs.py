"""The stored loops of :mod:`icl_claims.models.runs.gatmiry2024`: their matrices, and their losses on fresh batches.

On one context, S = XXᵀ/n, the error after loops with A_1, …, A_T, averaged over w and x_q, is ‖R‖_F² with
R = (I − A_TᵀS) ⋯ (I − A_1ᵀS), for Σ = I. With another Σ, whose root is H, it is the same with H A_t H in the place of
A_t and S of whitened contexts, w ~ N(0, Σ⁻¹).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import torch
from flint import fmpq, fmpq_mat
from torch import Tensor

from icl_claims.criteria import Criterion, seed
from icl_claims.models.prompts import to_tensor
from icl_claims.models.runs import gatmiry2024
from icl_claims.theory.algebra import exact, validation
from icl_claims.theory.many_layers.distance import squared_dist
from tests.shared import trained_runs

D = gatmiry2024.DIM
SHORT, LONG = gatmiry2024.CONTEXTS
LOOPS = gatmiry2024.LOOPS


def names(n: int, loops: int) -> tuple[str, ...]:
    """The runs with this context length and so many loops."""
    return trained_runs.names(f"gatmiry2024/looped/context_{n}_loops_{loops}_")


@cache
def matrix(run: str) -> fmpq_mat:
    """The A of all loops, its float64 entries as the rationals they are."""
    return validation.matrix("A", -trained_runs.weights_of(run).Q[0][:D, :D])


def step(run: str) -> fmpq:
    """tr A/d."""
    return exact.trace(matrix(run)) / D


@cache
def squared_distance(run: str, *, start: bool = False) -> fmpq:
    """Dist(A, I)², at the end of the run or at its start."""
    if start:
        _, weights = trained_runs.kept(run)[0]
        A = validation.matrix("A", -weights.Q[0][:D, :D])
    else:
        A = matrix(run)
    square = squared_dist(A)
    if square is None:
        raise ValueError(f"{run} must not have A = 0")
    return square


@cache
def contexts(criterion: Criterion, n: int, index: int) -> Tensor:
    """S of so many contexts as the criterion says, Σ = I, seeded by it."""
    generator = torch.Generator().manual_seed(seed([criterion], f"contexts {n} {index}"))
    X = torch.randn((criterion.count("contexts"), D, n), generator=generator, dtype=torch.float64)
    return X @ X.mT / n


def by_loops(layers: Sequence[Tensor], S: Tensor) -> list[float]:
    """The loss of the batch before the first and after each of the layers A_1, A_2, …"""
    eye = torch.eye(D, dtype=torch.float64)
    R = eye.expand(len(S), D, D)
    losses = [float(D)]
    for A in layers:
        R = (eye - A.mT @ S) @ R
        losses.append(float(R.square().sum() / len(S)))
    return losses


@cache
def batch_losses(criterion: Criterion, run: str, loops: int) -> tuple[float, ...]:
    """On the criterion's batches, after so many loops."""
    A, n = to_tensor(matrix(run)), trained_runs.task_of(run).context_length
    return losses_of_layers(criterion, n, (A,) * loops)


def losses_of_layers(criterion: Criterion, n: int, layers: Sequence[Tensor]) -> tuple[float, ...]:
    """On the criterion's batches."""
    return tuple(
        by_loops(layers, contexts(criterion, n, index))[-1] for index in range(criterion.count("batches"))
    )
