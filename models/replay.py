"""Stored runs run again: their first and last stretch, bit for bit, or all of them.

Where the processor or the build of torch is another one, bits may differ. Then single steps are compared, from the
stored states, within a bound on the rounding (:mod:`icl_claims.models.one_step`); the answer says which it was.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from icl_claims.models import files, logs, manifest, one_step, states
from icl_claims.models.forged import Forged
from icl_claims.models.runs.run import Run
from icl_claims.models.states import State
from icl_claims.models.training import STATES, WEIGHTS, one_thread, train
from icl_claims.models.training import Run as Running

How = Literal["bit for bit", "single steps"]


def replay(folder: Path, name: str, run: Run) -> How:
    """Check every digest, and run the first and the last stretch again, from the start and from the state before it.

    The start, the states after it, the losses on the way, and the stored weights at the end are compared.

    Raises:
        Forged: a digest or a bit differs; on another processor, a step differs by more than rounding explains.
        ValueError: the run keeps no stretch.
    """
    if run.settings.replayed == 0:
        raise ValueError("replayed must be an integer ≥ 1 for a run to be replayed, got 0")
    manifest.check(folder, name, run)
    kept, losses, _ = states.load(folder / STATES)
    near = _stretches(run)
    with one_thread():
        for state in kept:
            one_step.check_layout(run.task, run.settings, state)
        if all(_same(folder, run, kept, losses, steps) for steps in near):
            return "bit for bit"
        stored = manifest.read(folder)
        if all(stored[key] == value for key, value in logs.machine().items()):
            raise Forged(f"{folder}: the run does not give the stored states again")
        one_step.check_start(run.task, run.settings, kept[0])
        for before, after in pairwise(kept):
            if states.step_of(after) == states.step_of(before) + 1:
                loss = float(losses[states.step_of(before)])
                one_step.check(run.task, run.settings, before, after, loss)
        one_step.check_end(run.settings, kept[-1], files.load(folder / WEIGHTS))
    return "single steps"


def retrain(folder: Path, name: str, run: Run) -> None:
    """Train the run anew and compare every stored number, bit for bit.

    Raises:
        Forged: some number differs.
    """
    manifest.check(folder, name, run)
    kept, losses, _ = states.load(folder / STATES)
    found = train(run.task, run.settings)
    stored = files.load(folder / WEIGHTS)
    if len(kept) != len(found.states) or not all(map(states.identical, kept, found.states)):
        raise Forged(f"{folder}: training anew gives other states")
    if not states.identical({"losses": losses}, {"losses": found.losses}):
        raise Forged(f"{folder}: training anew gives other losses")
    _compare_weights(folder, {"P": stored.P, "Q": stored.Q}, {"P": found.weights.P, "Q": found.weights.Q})


def _stretches(run: Run) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The kept steps of the first and of the last stretch."""
    steps, r = run.settings.steps, min(run.settings.replayed, run.settings.steps)
    kept = sorted(run.settings.kept_steps)
    return tuple(x for x in kept if x <= r), tuple(x for x in kept if x >= steps - r)


def _same(folder: Path, run: Run, kept: list[State], losses: Tensor, steps: tuple[int, ...]) -> bool:
    """Whether a stretch comes out again, bit for bit; it begins at a stored state, or at the start of the run."""
    stored = {states.step_of(state): state for state in kept}
    again = Running(run.task, run.settings)
    if steps[0] > 0:
        again.restore(stored[steps[0]])
    for step in steps:
        while again.step < step:
            again.advance()
        if not states.identical(again.state(), stored[step]):
            return False
    passed = torch.tensor(again.losses, dtype=torch.float64)
    if not states.identical({"": passed}, {"": losses[steps[0] : steps[-1]].clone()}):
        return False
    if steps[-1] == run.settings.steps:
        stored_weights = files.load(folder / WEIGHTS)
        found = again.result()
        _compare_weights(folder, {"P": stored_weights.P, "Q": stored_weights.Q}, {"P": found.P, "Q": found.Q})
    return True


def _compare_weights(folder: Path, stored: State, found: State) -> None:
    if not states.identical(stored, found):
        raise Forged(f"{folder}: {WEIGHTS} does not hold the end of the run")
