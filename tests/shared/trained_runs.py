"""Stored training runs, by name: the weights of ``artefacts/<paper>/<run>``, compared with theory on their task.

A run's task is that of :mod:`icl_claims.models.reproduce`. A test that reads a run declares its files in
``ARTEFACTS``, so that its evidence becomes stale when they change.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from icl_claims.models import reproduce
from icl_claims.models.comparison import compare_layers
from icl_claims.models.files import load, load_trajectory
from icl_claims.models.training import LOG, TRAJECTORY, WEIGHTS
from icl_claims.models.weights import Weights
from icl_claims.theory.many_layers.distance import LayersComparison
from icl_claims.theory.task import RegressionTask
from tests import ROOT

PAPER = "ahn2023"


def directory(run: str) -> Path:
    """Where the files of a run are."""
    return ROOT / "artefacts" / PAPER / run


def task_of(run: str) -> RegressionTask:
    """The task that it was trained on."""
    return reproduce.RUNS[f"{PAPER}/{run}"].task


@cache
def weights_of(run: str) -> Weights:
    """Where it ended."""
    return load(directory(run) / WEIGHTS)


@cache
def compared(run: str) -> LayersComparison:
    """Its weights against theory, in exact arithmetic."""
    return compare_layers(task_of(run), weights_of(run))


@cache
def trajectory(run: str) -> tuple[tuple[int, LayersComparison], ...]:
    """(step, comparison) for each stored snapshot."""
    found = load_trajectory(directory(run) / TRAJECTORY)
    return tuple((step, compare_layers(task_of(run), weights)) for step, weights in found)


def median_batch_loss(run: str) -> float:
    """Over the last three tenths of the run, from its log."""
    curve = json.loads((directory(run) / LOG).read_text(encoding="utf-8"))["curve"]
    losses = sorted(loss for _, loss in curve[int(0.7 * len(curve)) :])
    return float(losses[len(losses) // 2])
