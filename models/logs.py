"""What a training run says of itself: its log on disk, its identity in a checkpoint, its progress on a terminal."""

from __future__ import annotations

import ast
import contextlib
import hashlib
import json
import platform
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from functools import cache
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

CODE = (
    "models/attention.py", "models/optimizers.py", "models/parametrizations.py", "models/prompts.py",
    "models/seeds.py", "models/settings.py", "models/training.py", "numerics/rounding.py", "theory/task.py",
)  # fmt: skip
"""The modules that decide the numbers of a run."""

_ROOT = Path(__file__).resolve().parents[1]

_CPUINFO = Path("/proc/cpuinfo")

_CURVE_POINTS = 200
"""The loss curve is decimated to about this many points."""


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


def identity(task: RegressionTask, settings: Settings, code: bool = False) -> str:
    """What a run is: its task and its settings, in one text; with ``code`` also what it runs on."""
    found: dict[str, Any] = {"task": describe(task), "settings": asdict(settings)}
    return json.dumps({**found, "code": code_digest(), **machine()} if code else found)


def differences(one: str, other: str) -> str:
    """In what two identities differ, by name, with both values."""
    left, right = ({".".join(path): x for path, x in _leaves(json.loads(text))} for text in (one, other))
    names = [name for name in sorted({*left, *right}) if left.get(name) != right.get(name)]
    return "; ".join(f"{name} {left.get(name)} in the place of {right.get(name)}" for name in names)


def _leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, (*path, key))
    else:
        yield path, value


def machine() -> dict[str, Any]:
    """Versions and processor: runs are repeated bit for bit where these are the same."""
    return {
        "versions": {
            "python": platform.python_version(),
            "numpy": numpy.__version__,
            "torch": torch.__version__,
            "torch_build": hashlib.sha256(torch.__config__.show().encode()).hexdigest()[:16],
        },
        "processor": {
            "model": _processor(),
            "instructions": torch.backends.cpu.get_cpu_capability(),
        },
    }


@cache
def code_digest(root: Path = _ROOT) -> str:
    """SHA-256 of the syntax trees of :data:`CODE`, docstrings left out: comments and layout do not count.

    >>> len(code_digest())
    64
    """
    found = hashlib.sha256()
    for file in CODE:
        tree = ast.parse((root / file).read_bytes())
        for node in ast.walk(tree):
            body = getattr(node, "body", None)
            if isinstance(body, list):
                body[:] = [x for x in body if not _is_text(x)] or [ast.Pass()]
        found.update(f"{file}\n{ast.dump(tree)}\n".encode())
    return found.hexdigest()


def _is_text(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _processor() -> str:
    """The processor's name: Linux tells it in a file, other systems to the platform module."""
    with contextlib.suppress(OSError):
        for line in _CPUINFO.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def curve(losses: Sequence[float]) -> list[tuple[int, float]]:
    """(steps done, mean loss since the last point), at most 200 points at equal distances, and one at the end.

    >>> curve([3.0, 1.0])
    [(1, 3.0), (2, 1.0)]
    """
    each = -(-len(losses) // _CURVE_POINTS)
    ends = [*range(each, len(losses), each), len(losses)]
    parts = [losses[low:high] for low, high in zip([0, *ends], ends, strict=False)]
    return [(end, sum(part) / len(part)) for end, part in zip(ends, parts, strict=True)]


def write(
    path: Path,
    task: RegressionTask,
    settings: Settings,
    losses: Sequence[float],
    chain: Sequence[tuple[int, str]],
) -> None:
    """Write what was run, by which code and on what, the chain of the kept states and the loss curve, atomically."""
    log = {
        "task": describe(task),
        "settings": asdict(settings),
        "code": code_digest(),
        **machine(),
        "threads": 1,
        "chain": chain,
        "curve": curve(losses),
    }
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(log, indent=1) + "\n", encoding="utf-8")


@contextlib.contextmanager
def progress_bar(settings: Settings) -> Iterator[Progress]:
    """A bar on standard error for ``train(…, progress=…)``, with the time that is left."""
    from rich.console import Console
    from rich.progress import Progress as Bar
    from rich.progress import TextColumn

    columns = (*Bar.get_default_columns(), TextColumn("loss {task.fields[loss]:.4g}"))
    with Bar(*columns, console=Console(stderr=True)) as bar:
        key = bar.add_task("training", total=settings.steps, loss=float("nan"))
        yield lambda step, loss: bar.update(key, completed=step, loss=loss)
