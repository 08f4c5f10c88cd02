r"""The papers' training runs, by name: ``python -m icl_claims.models.reproduce NAME…``, and without names the
list of them.

Each run is resumable and seeded (:mod:`icl_claims.models.training`). What is kept of it goes to ``artefacts/NAME``, the
checkpoint to ``build/training/NAME``; a run that is interrupted goes on from there.

Ahn et al. (2023) §4.3: Σ = Uᵀ D U with D = diag(1, 1, 1/4, 1/16, 1), Ω = Σ⁻¹, d = 5, n = 20, L = 3, minibatches
of 20 000 prompts, each matrix's gradient clipped to norm 0.01. So here: 4000 contexts, each with the five
queries that average the query out exactly. Departures:

* A minibatch is drawn at every step, not at every hundredth: a hundred steps on one batch follow the minimum of
  *its* loss. And the learning rate falls to 0.
* The relaxed runs (§5.1) are made in whitened coordinates, Σ = I. The losses agree; but Adam's steps, which are
  about as long in each coordinate, would have to reach entries of a hundred.

U is random and exactly orthogonal with rational entries, so that Σ is exact.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from flint import fmpq, fmpq_mat

from icl_claims.models.training import LOG, TRAJECTORY, WEIGHTS, Settings, progress_bar, train
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


@dataclass(frozen=True)
class Run:
    """What a name stands for."""

    task: RegressionTask
    settings: Settings
    files: tuple[str, ...] = (WEIGHTS, LOG)


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
    runs = {
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


def reproduce(name: str, artefacts: Path, scratch: Path) -> Path:
    """Run what a name stands for, or finish it; the directory of the files that are kept.

    Raises:
        KeyError: there is no such run.
    """
    run = RUNS[name]
    with progress_bar(run.settings) as progress:
        train(run.task, run.settings, directory=scratch / name, progress=progress)
    target = artefacts / name
    target.mkdir(parents=True, exist_ok=True)
    for file in run.files:
        shutil.copyfile(scratch / name / file, target / file)
    return target


def main(names: Sequence[str]) -> int:
    """The command line: exit status 2 for a name that is none."""
    unknown = [name for name in names if name not in RUNS]
    if unknown:
        print(f"NAME must be one of {', '.join(RUNS)}, got {unknown[0]}", file=sys.stderr)
        return 2
    if not names:
        print("\n".join(RUNS))
    root = Path(__file__).resolve().parents[1]
    for name in names:
        print(reproduce(name, root / "artefacts", root / "build" / "training"))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
