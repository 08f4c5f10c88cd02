r"""The training runs of Ahn et al. (2023): :data:`RUNS` by name, ``ahn2023/<run>/<variant>``.

§4.3: Σ = Uᵀ D U with D = diag(1, 1, 1/4, 1/16, 1), Ω = Σ⁻¹, d = 5, n = 20, L = 3, minibatches
of 20 000 prompts, each matrix's gradient clipped to norm 0.01. So here: 4000 contexts, each with the five
queries that average the query out exactly. Departures:

* A minibatch is drawn at every step, not at every hundredth: a hundred steps on one batch follow the minimum of
  *its* loss. And the learning rate falls to 0.
* The relaxed runs (§5.1) are made in whitened coordinates, Σ = I. The losses agree; but Adam's steps, which are
  about as long in each coordinate, would have to reach entries of a hundred.

U is random and exactly orthogonal with rational entries, so that Σ is exact.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from flint import fmpq, fmpq_mat

from icl_claims.models.runs.run import Run
from icl_claims.models.settings import Settings
from icl_claims.models.training import LOG, WEIGHTS
TRAJECTORY="x"
from icl_claims.theory.algebra import exact
from icl_claims.theory.task import RegressionTask

SPECTRUM = (fmpq(1), fmpq(1), fmpq(1, 4), fmpq(1, 16), fmpq(1))
"""The diagonal of D."""

DIM = len(SPECTRUM)

_SPARSE = Settings(
    layers=3,
    form="sparse",
    steps=1500,
    batch=4000,
    learning_rate=0.3,
    average_from=0.7,
    clip_norm=0.01,
    snapshots=40,
)

_RELAXED = replace(_SPARSE, form="relaxed", steps=1000, learning_rate=0.1, start_scale=0.01)


def rotation(dim: int, seed: int) -> fmpq_mat:
    """An exactly orthogonal rational matrix, near to a random one of determinant 1.

    Cayley's map K ↦ (I − K)(I + K)⁻¹ takes antisymmetric rational matrices to orthogonal ones. K is that of a
    Haar-distributed rotation, its entries rounded to multiples of 1/8. (Σ = UᵀDU has one law whether U is
    drawn with determinant 1 or ±1: signs of the rows of U cancel.)

    >>> U = rotation(3, seed=0)
    >>> U * U.transpose() == exact.identity(3)
    True
    """
    generator = torch.Generator().manual_seed(seed)
    Q, R = torch.linalg.qr(torch.randn((dim, dim), generator=generator, dtype=torch.float64))
    Q = Q * R.diagonal().sign()
    Q[0] *= torch.linalg.det(Q).sign()
    eye = torch.eye(dim, dtype=torch.float64)
    K = (eye - Q) @ torch.linalg.inv(eye + Q)
    rounded = [
        [fmpq(round(float(8 * K[i, j])), 8) if i > j else fmpq(0) for j in range(dim)] for i in range(dim)
    ]
    lower = fmpq_mat(rounded)
    skew, unit = lower - lower.transpose(), exact.identity(dim)
    return (unit - skew) * (unit + skew).inv()


def task(context_length: int, seed: int) -> RegressionTask:
    """Σ = UᵀDU for the seed's U, Ω = Σ⁻¹."""
    U = rotation(DIM, seed)
    return RegressionTask.whitened(U.transpose() * exact.diagonal(SPECTRUM) * U, context_length)


def _runs() -> dict[str, Run]:
    with_trajectory = (WEIGHTS, LOG, TRAJECTORY)
    theorem_1 = RegressionTask(exact.diagonal([1, fmpq(1, 4), fmpq(1, 16)]), 16)
    runs = {"ahn2023/single_layer/dim_3_context_16": Run(theorem_1, Settings(seed=2023))}
    runs |= {
        f"ahn2023/sparse_three_layers/seed_{seed}": Run(
            task(20, seed), replace(_SPARSE, seed=seed), with_trajectory
        )
        for seed in range(5)
    }
    for n, seed in ((20, 0), (20, 1), (10, 0)):
        runs[f"ahn2023/relaxed_three_layers/context_{n}_seed_{seed}"] = Run(
            RegressionTask.isotropic(DIM, n), replace(_RELAXED, seed=seed), with_trajectory
        )
    for layers, steps in ((1, 600), (2, 800), (4, 1500)):
        settings = replace(_SPARSE, layers=layers, steps=steps)
        runs[f"ahn2023/depth/layers_{layers}"] = Run(task(20, 0), settings)
    for n in (2, 6, 14):
        runs[f"ahn2023/context_length/context_{n}"] = Run(
            RegressionTask.isotropic(DIM, n), replace(_RELAXED, steps=800)
        )
    return runs


RUNS = _runs()
