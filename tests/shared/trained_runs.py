"""Stored training runs, by name: the weights of ``artefacts/<paper>/<run>``, compared with theory on their task.

A run's task is that of :mod:`icl_claims.models.reproduce`. Nothing is read from a run before all its digests are
checked. A test that reads a run declares its files in ``ARTEFACTS``, so that its evidence becomes stale when they
change.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path

from icl_claims.models import files, manifest, replay, reproduce, states
from icl_claims.models.comparison import compare_layers
from icl_claims.models.runs.run import Run
from icl_claims.models.training import STATES, WEIGHTS
from icl_claims.models.weights import Weights
from icl_claims.theory.many_layers.distance import LayersComparison
from icl_claims.theory.task import RegressionTask
from tests import ROOT

PAPER = "ahn2023"


def names(prefix: str) -> tuple[str, ...]:
    """The runs whose names begin so, without the paper."""
    return tuple(
        name.removeprefix(f"{PAPER}/") for name in reproduce.RUNS if name.startswith(f"{PAPER}/{prefix}")
    )


def recipe(run: str) -> Run:
    """What the name stands for."""
    return reproduce.RUNS[f"{PAPER}/{run}"]


@cache
def directory(run: str) -> Path:
    """Where the files of a run are, once their digests are checked."""
    folder = ROOT / "artefacts" / PAPER / run
    manifest.check(folder, f"{PAPER}/{run}", recipe(run))
    return folder


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
    kept, _, _ = states.load(directory(run) / STATES)
    found = [(states.step_of(state), Weights(state["P"], state["Q"])) for state in kept]
    return tuple((step, compare_layers(task_of(run), weights)) for step, weights in found)


def check_replay(runs: Iterable[str]) -> None:
    """The first and the last stretch of each run, as stored; bit for bit on the processor that trained it.

    Raises:
        Forged: some number differs.
    """
    for run in runs:
        replay.replay(directory(run), f"{PAPER}/{run}", recipe(run))


def check_anew(runs: Iterable[str]) -> None:
    """Each run trained anew, every stored number compared.

    Raises:
        Forged: some number differs.
    """
    for run in runs:
        replay.retrain(directory(run), f"{PAPER}/{run}", recipe(run))
