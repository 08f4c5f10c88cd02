r"""The training runs of Ahn et al. (2023): :data:`RUNS` by name, ``ahn2023/<figure>/<variant>_seed_<index>``.

Their data: d = 5, Σ = Uᵀ D U with D = diag(1, 1, 1/4, 1/16, 1) and U random orthogonal, Ω = Σ⁻¹. Here U is exactly
orthogonal with rational entries, so that Σ is exact. Seeds follow from the criteria that judge the runs.

What differs from the settings of the authors is listed with each claim.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from flint import fmpq, fmpq_mat

from icl_claims.criteria import Criterion, seed
from icl_claims.criteria import ahn2023 as criteria
from icl_claims.models.runs.run import Run
from icl_claims.models.settings import Settings
from icl_claims.theory.algebra import exact
from icl_claims.theory.task import RegressionTask

SPECTRUM = (fmpq(1), fmpq(1), fmpq(1, 4), fmpq(1, 16), fmpq(1))
"""The diagonal of D."""

DIM = len(SPECTRUM)

SINGLE = Settings(snapshots=4, replayed=20)
"""Theorem 1."""

SPARSE = Settings(
    layers=3, form="sparse", steps=1500, batch=4000, learning_rate=0.3, average_from=0.7, clip_norm=0.01,
    snapshots=20, replayed=6,
)  # fmt: skip
"""§4.3, Figs. 1 and 2."""

RELAXED = replace(SPARSE, form="relaxed", steps=2000, batch=2000, start_scale=0.01, snapshots=4, replayed=8)
"""App. D, Figs. 6 and 7: the B_l free too; as in the notebook with a lower rate at n = 2."""

ONE_BATCH = replace(
    RELAXED, optimizer="lbfgs", schedule="constant", learning_rate=1.0, steps=100, resample_every=100, batch=4000,
    clip_norm=None, history=200,
    iterations=20, average_from=0.99, snapshots=0, replayed=1,
)  # fmt: skip
"""§5.1, Figs. 3 to 5: L-BFGS on one batch; the result is the last iterate."""


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


def _run(name: str, context_length: int, settings: Settings, *judged_by: Criterion) -> dict[str, Run]:
    """Five runs, each with a seed and a Σ of its own."""
    found = {}
    for index in range(5):
        full = f"ahn2023/{name}seed_{index}"
        own = seed(judged_by, full)
        found[full] = Run(task(context_length, own), replace(settings, seed=own), judged_by)
    return found


def _all(parts: Sequence[dict[str, Run]]) -> dict[str, Run]:
    return {name: run for part in parts for name, run in part.items()}


def _single_layers() -> dict[str, Run]:
    """Theorem 1: every entry of P and Q free, one run for each context length."""
    found = {}
    for n in (2, 4, 8, 16, 32, 64):
        full = f"ahn2023/single_layer/context_{n}"
        settings = replace(SINGLE, seed=seed([criteria.GLOBAL_MINIMIZER], full))
        sigma = exact.diagonal([1, fmpq(1, 4), fmpq(1, 16)])
        found[full] = Run(RegressionTask(sigma, n), settings, (criteria.GLOBAL_MINIMIZER,))
    return found


RUNS: dict[str, Run] = {
    **_single_layers(),
    **_run("sparse_three_layers/", 20, SPARSE, criteria.SPARSE_THREE_LAYERS),
    **_all(
        [
            _run(f"relaxed_three_layers/context_{n}_", n, ONE_BATCH, criteria.RELAXED_THREE_LAYERS)
            for n in (10, 20)
        ]
    ),
    **_all(
        [
            _run(
                f"context_length/context_{n}_",
                n,
                replace(RELAXED, learning_rate=rate),
                criteria.CONTEXT_LENGTH,
            )
            for n, rate in ((2, 0.1), (6, 0.3), (10, 0.3), (14, 0.3))
        ]
    ),
    **_run("context_length/context_20_", 20, RELAXED, criteria.CONTEXT_LENGTH, criteria.DEPTH),
    **_all(
        [
            _run(f"depth/layers_{layers}_", 20, replace(RELAXED, layers=layers), criteria.DEPTH)
            for layers in (1, 2, 4)
        ]
    ),
}
