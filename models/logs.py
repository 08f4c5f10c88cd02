"""What a training run says of itself: its log on disk, its identity in a checkpoint, its progress on a terminal."""

from __future__ import annotations

import contextlib
import json
import platform
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy
import torch
from flint import fmpq_mat

from icl_claims.files import replacing
from icl_claims.models.settings import Settings
from icl_claims.theory.task import RegressionTask

Progress = Callable[[int, float], None]
"""Called after each step with the number of steps done and the loss of the last batch."""


def describe(task: RegressionTask) -> dict[str, Any]:
    """(Σ, n, Ω, σ²) in JSON, every number written exactly."""

    def rows(m: fmpq_mat) -> list[list[str]]:
        return [[str(x) for x in row] for row in m.tolist()]

    return {
        "covariance": rows(task.covariance),
        "context_length": task.context_length,
        "task_covariance": rows(task.task_covariance),
        "noise_variance": str(task.noise_variance),
    }


def identity(task: RegressionTask, settings: Settings) -> str:
    """What a run is: its task, its settings and the version of torch, in one text."""
    return json.dumps({"task": describe(task), "settings": asdict(settings), "torch": torch.__version__})


def write(path: Path, task: RegressionTask, settings: Settings, curve: Sequence[tuple[int, float]]) -> None:
    """Write what was run, with which versions, and the loss curve, atomically."""
    log = {
        "task": describe(task),
        "settings": asdict(settings),
        "versions": {
            "python": platform.python_version(), "torch": torch.__version__, "numpy": numpy.__version__,
        },
        "threads": 1,
        "curve": curve,
    }  # fmt: skip
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(log, indent=1) + "\n", encoding="utf-8")


@contextlib.contextmanager
def progress_bar(settings: Settings) -> Iterator[Progress]:
    """A bar on standard error for ``train(…, progress=…)``."""
    from rich.console import Console
    from rich.progress import Progress as Bar
    from rich.progress import TextColumn

    columns = (*Bar.get_default_columns(), TextColumn("loss {task.fields[loss]:.4g}"))
    with Bar(*columns, console=Console(stderr=True)) as bar:
        key = bar.add_task("training", total=settings.steps, loss=float("nan"))
        yield lambda step, loss: bar.update(key, completed=step, loss=loss)
