"""Small runs, and folders as they are stored, genuine or forged so that all digests agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from torch import Tensor

from icl_claims.criteria import Criterion
from icl_claims.models import files, logs, manifest, states, training
from icl_claims.models.runs.run import Run
from icl_claims.models.settings import Settings
from icl_claims.models.states import State
from icl_claims.models.training import LOG, STATES, WEIGHTS, Trained, train
from icl_claims.models.weights import Weights
from icl_claims.theory.task import RegressionTask

NAME = "paper/run"
TASK = RegressionTask.whitened([["1", "1/4"], ["1/4", "1/2"]], 3)
ADAM = Settings(
    layers=2, form="relaxed", steps=9, batch=6, snapshots=3, replayed=2, seed=5, learning_rate=0.05, clip_norm=0.3,
    average_from=0.5,
)  # fmt: skip
LBFGS = replace(
    ADAM, optimizer="lbfgs", schedule="constant", learning_rate=1.0, resample_every=9, history=3, clip_norm=None,
    average_from=0.9,
)  # fmt: skip
VARIANTS: dict[str, Settings] = {
    "relaxed": ADAM,
    "sparse": replace(ADAM, form="sparse", integrate_query=False),
    "free": replace(ADAM, form="free", layers=1, schedule="constant", clip_norm=None, resample_every=2),
    "tied": replace(ADAM, tied=True, beta_1=0.75, beta_2=0.5, start_scale=0.25),
    "lbfgs": LBFGS,
    "lbfgs, tied": replace(LBFGS, tied=True, form="sparse"),
}
"""Kept after 0, 1, 2, 4, 7, 8 and 9 steps: the first stretch has two steps, and so has the last."""


def run_of(settings: Settings) -> Run:
    """A run of this name that one criterion judges."""
    return Run(TASK, settings, (Criterion("The loss is at most {most}.", {"most": "1"}),))


@cache
def trained(settings: Settings) -> Trained:
    """The genuine result."""
    return train(TASK, settings)


@cache
def trained_elsewhere(settings: Settings) -> Trained:
    """The result of a machine that adds up the prompts of a batch in the other order: last bits differ."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("sample_prompts", "sample_axis_prompts"):
            patch.setattr(training, name, _turned(getattr(training, name)))
        return train(TASK, settings)


def _turned(sample: Any) -> Any:
    return lambda *arguments: tuple(tensor.flip(0) for tensor in sample(*arguments))


def store(
    folder: Path,
    settings: Settings,
    found: Trained | None = None,
    *,
    kept: Sequence[State] | None = None,
    losses: Tensor | None = None,
    weights: Weights | None = None,
    stated: Sequence[State] | None = None,
) -> Run:
    """Write a folder whose log, chain and manifest fit what it holds: the genuine result, but for what is given.

    Args:
        folder: where.
        settings: of the run.
        found: a result.
        kept: other states.
        losses: other losses.
        weights: other final weights.
        stated: what the chain is of, if not of the states that are kept.
    """
    found, run = found or trained(settings), run_of(settings)
    kept = found.states if kept is None else kept
    losses = found.losses if losses is None else losses
    folder.mkdir(parents=True)
    files.save(folder / WEIGHTS, found.weights if weights is None else weights)
    states.save(folder / STATES, kept, losses, {})
    logs.write(
        folder / LOG, run.task, settings, losses.tolist(), states.chain(kept if stated is None else stated)
    )
    manifest.write(folder, NAME, run)
    return run


def nudged(tensor: Tensor, share: float = 2.0**-20) -> Tensor:
    """The entry of the largest absolute value moved by this share of it."""
    changed = tensor.clone()
    changed.view(-1)[int(tensor.abs().argmax())] *= 1 + share
    return changed


def with_state(found: Trained, step: int, **changed: Tensor) -> list[State]:
    """The kept states, with other tensors after so many steps."""
    return [{**state, **changed} if states.step_of(state) == step else state for state in found.states]


def state_after(found: Trained, step: int) -> State:
    """The state that was kept after so many steps."""
    return next(state for state in found.states if states.step_of(state) == step)


def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on this is another processor."""
    here = logs.machine()
    other = {**here, "processor": {**here["processor"], "model": "Other"}}
    monkeypatch.setattr(logs, "machine", lambda: other)


def losses_with(found: Trained, step: int, share: float = 2.0**-20) -> Tensor:
    """The losses, with that of the step after so many moved by a share of it."""
    changed = found.losses.clone()
    changed[step] *= 1 + share
    return changed
