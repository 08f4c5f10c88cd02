"""Stored training runs, by name: the weights of ``artefacts/<paper>/<run>``, compared with theory on their task.

A run's task is that of :mod:`icl_claims.models.reproduce`. Nothing is read from a run before all its digests are
checked. A test that reads a run declares its files in ``ARTEFACTS``, so that its evidence becomes stale when they
change.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path

import torch
from flint import fmpq, fmpq_mat

from icl_claims.models import files, manifest, replay, reproduce, states
from icl_claims.models.comparison import compare_layers
from icl_claims.models.prompts import to_tensor
from icl_claims.models.runs import ahn2023
from icl_claims.models.runs.run import Run
from icl_claims.models.training import STATES, WEIGHTS
from icl_claims.models.weights import Weights
from icl_claims.theory.algebra import exact
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.many_layers.distance import LayersComparison
from icl_claims.theory.task import RegressionTask
from tests import ROOT

PAPER = "ahn2023"
"""Its runs go by their names without the paper; those of others by their whole names."""

OTHERS = tuple(f"{paper}/" for paper in {name.partition("/")[0] for name in reproduce.RUNS} - {PAPER})


def names(prefix: str) -> tuple[str, ...]:
    """The runs whose names begin so."""
    return tuple(name.removeprefix(f"{PAPER}/") for name in reproduce.RUNS if name.startswith(whole(prefix)))


def whole(run: str) -> str:
    """The name with its paper."""
    return run if run.startswith(OTHERS) else f"{PAPER}/{run}"


def recipe(run: str) -> Run:
    """What the name stands for."""
    return reproduce.RUNS[whole(run)]


@cache
def directory(run: str) -> Path:
    """Where the files of a run are, once their digests are checked."""
    manifest.check(_folder(run), whole(run), recipe(run))
    return _folder(run)


def _folder(run: str) -> Path:
    """The same unchecked, for what checks the digests itself."""
    return ROOT / "artefacts" / whole(run)


def task_of(run: str) -> RegressionTask:
    """The task that it was trained on."""
    return recipe(run).task


@cache
def weights_of(run: str) -> Weights:
    """Where it ended."""
    return files.load(directory(run) / WEIGHTS)


@cache
def compared(run: str) -> LayersComparison:
    """Its weights against theory, in exact arithmetic."""
    return compare_layers(task_of(run), weights_of(run))


@cache
def trajectory(run: str) -> tuple[tuple[int, LayersComparison], ...]:
    """(step, comparison) for each kept state."""
    return tuple((step, compare_layers(task_of(run), weights)) for step, weights in kept(run))


@cache
def kept(run: str) -> tuple[tuple[int, Weights], ...]:
    """(step, weights) for each kept state; of a loop, its one layer."""
    found, _, _ = states.load(directory(run) / STATES)
    return tuple((states.step_of(state), Weights(state["P"], state["Q"])) for state in found)


def check_replay(runs: Iterable[str]) -> None:
    """The first and the last stretch of each run, as stored; bit for bit on the processor that trained it.

    Raises:
        Forged: some number differs.
    """
    for run in runs:
        replay.replay(_folder(run), whole(run), recipe(run))


def check_anew(runs: Iterable[str]) -> None:
    """Each run trained anew, every stored number compared.

    Raises:
        Forged: some number differs.
    """
    for run in runs:
        replay.retrain(_folder(run), whole(run), recipe(run))


def root_of(run: str) -> fmpq_mat:
    """Σ^{1/2} = Uᵀ D^{1/2} U, rational, for the Σ of a run."""
    U = ahn2023.rotation(ahn2023.DIM, recipe(run).settings.seed)
    root = U.transpose() * exact.diagonal([ROOTS[x] for x in ahn2023.SPECTRUM]) * U
    if root * root != task_of(run).covariance:
        raise ValueError(f"{run} must have the Σ of its seed")
    return root


ROOTS = {fmpq(1): fmpq(1), fmpq(1, 4): fmpq(1, 2), fmpq(1, 16): fmpq(1, 4)}
"""Of the eigenvalues of Σ."""


@cache
def whitened(run: str) -> Weights:
    """Where it ended, for Σ = I: A ↦ Σ^{1/2} A Σ^{1/2} and B ↦ Σ^{-1/2} B Σ^{1/2}, in float64."""
    weights, half = weights_of(run), root_of(run)
    d = half.nrows()
    root, inverse = (torch.eye(d + 1, dtype=torch.float64) for _ in range(2))
    root[:d, :d], inverse[:d, :d] = to_tensor(half), to_tensor(half.inv())
    return Weights(inverse @ weights.P @ root, root @ weights.Q @ root)


def norms_in_order(runs: Iterable[str], order: Iterable[int]) -> None:
    """‖Σ^{1/2}A_lΣ^{1/2}‖_F² = tr(ΣA_lΣA_lᵀ) of each run, exactly, is ascending in this order of the layers.

    Raises:
        Refuted: it is not.
    """
    for run in runs:
        sigma = task_of(run).covariance
        layers = [compared(run).layers[place].A for place in order]
        norms = [exact.trace(sigma * A * sigma * A.transpose()) for A in layers]
        if norms != sorted(norms):
            raise Refuted(f"{run}: the norms have another order")
