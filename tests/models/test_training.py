"""Training: one run gives the same bits, interrupted, restored or not; forms stay what they are; logs tell what ran."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch
from safetensors import safe_open
from scipy.stats import chi2

from icl_claims.models import logs, states, training
from icl_claims.models.comparison import compare
from icl_claims.models.files import load
from icl_claims.models.logs import progress_bar
from icl_claims.models.prompts import sample_axis_prompts, sample_prompts
from icl_claims.models.seeds import generator
from icl_claims.models.settings import Settings
from icl_claims.models.training import CHECKPOINT, LOG, STATES, WEIGHTS, Diverged, Run, Trained, train
from icl_claims.models.weights import Weights
from icl_claims.theory.algebra import exact
from icl_claims.theory.task import RegressionTask

TASK = RegressionTask(exact.diagonal([1, "1/4"]), 3, noise_variance="1/8")
SHORT = Settings(steps=50, batch=16, seed=3, checkpoint_every=20)


def identical(a: Trained, b: Trained) -> bool:
    ends = [{"P": x.weights.P, "Q": x.weights.Q, "losses": x.losses} for x in (a, b)]
    return states.identical(*ends) and states.chain(a.states) == states.chain(b.states)


def interrupt_at(step: int) -> training.Progress:
    def progress(done: int, loss: float) -> None:
        if done == step:
            raise KeyboardInterrupt

    return progress


@pytest.mark.parametrize(
    "settings",
    [
        SHORT,
        replace(SHORT, resample_every=7, integrate_query=False, clip_norm=0.01),
        replace(SHORT, layers=2, form="relaxed", average_from=0.9),
        replace(SHORT, layers=2, tied=True, snapshots=5, replayed=3),
        replace(
            SHORT,
            optimizer="lbfgs",
            schedule="constant",
            learning_rate=1.0,
            resample_every=50,
            history=3,
            snapshots=3,
        ),
    ],
)
@pytest.mark.parametrize("step", [19, 20, 47])
def test_a_resumed_run_is_the_uninterrupted_one(tmp_path: Path, settings: Settings, step: int) -> None:
    uninterrupted = train(TASK, settings, directory=tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        train(TASK, settings, directory=tmp_path / "cut", progress=interrupt_at(step))
    assert [p.name for p in (tmp_path / "cut").glob("*")] == ([CHECKPOINT] if step >= 20 else [])
    steps: list[int] = []
    resumed = train(TASK, settings, directory=tmp_path / "cut", progress=lambda done, _: steps.append(done))
    assert steps[0] == step // 20 * 20 + 1
    assert identical(resumed, uninterrupted)
    files = {path.name for path in (tmp_path / "whole").iterdir()}
    assert files == {CHECKPOINT, WEIGHTS, LOG, *([STATES] if settings.kept_steps else [])}
    for name in files:
        assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_a_run_needs_no_directory_and_depends_on_its_seed(tmp_path: Path) -> None:
    first = train(TASK, SHORT)
    assert identical(first, train(TASK, SHORT, directory=tmp_path))
    assert not identical(first, train(TASK, replace(SHORT, seed=4)))


def test_a_finished_run_is_read_not_repeated(tmp_path: Path) -> None:
    first, steps = train(TASK, SHORT, directory=tmp_path), []
    assert identical(first, train(TASK, SHORT, directory=tmp_path, progress=lambda *step: steps.append(step)))
    assert not steps


def test_an_interrupt_while_writing_keeps_the_last_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[bytes] = []

    def save(tensors: object, path: Path, metadata: object) -> None:
        if written:
            path.write_bytes(b"half a checkpoint")
            raise KeyboardInterrupt
        original(tensors, path, metadata)
        written.append(path.read_bytes())

    original: Any = states.save_file  # type: ignore[attr-defined]
    monkeypatch.setattr(states, "save_file", save)
    with pytest.raises(KeyboardInterrupt):
        train(TASK, SHORT, directory=tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == [CHECKPOINT]
    assert (tmp_path / CHECKPOINT).read_bytes() == written[0]


OTHER_TASK = RegressionTask(exact.diagonal([1, "1/4"]), 3)


@pytest.mark.parametrize(
    ("task", "settings", "difference"),
    [
        (TASK, replace(SHORT, seed=4), "settings.seed 3 in the place of 4"),
        (TASK, replace(SHORT, beta_2=0.9), "settings.beta_2 0.99 in the place of 0.9"),
        (TASK, replace(SHORT, checkpoint_every=5), "settings.checkpoint_every 20 in the place of 5"),
        (OTHER_TASK, SHORT, "task.noise_variance 1/8 in the place of 0"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused(
    tmp_path: Path, task: RegressionTask, settings: Settings, difference: str
) -> None:
    train(TASK, SHORT, directory=tmp_path)
    with pytest.raises(ValueError, match="must be a checkpoint of this run") as refused:
        train(task, settings, directory=tmp_path)
    message = f"with {difference}: choose another directory, or delete it"
    assert (
        str(refused.value) == f"{tmp_path / CHECKPOINT} must be a checkpoint of this run, got one {message}"
    )


@pytest.mark.parametrize(
    ("place", "name", "value", "difference"),
    [
        (torch, "__version__", "9.9.9", f"versions.torch {torch.__version__} in the place of 9.9.9"),
        (numpy, "__version__", "1.0", f"versions.numpy {numpy.__version__} in the place of 1.0"),
        (torch.__config__, "show", lambda: "other", "versions.torch_build "),
        (logs.platform, "python_version", lambda: "3.1", "versions.python "),
        (logs, "_processor", lambda: "Other", "processor.model "),
        (torch.backends.cpu, "get_cpu_capability", lambda: "OTHER", "processor.instructions "),
        (logs, "code_digest", lambda: "0" * 64, f"code {logs.code_digest()} in the place of 000"),
    ],
)
def test_a_checkpoint_from_elsewhere_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: object, name: str, value: object, difference: str
) -> None:
    """Each part of what a run goes on, changed alone, is named alone."""
    settings = replace(SHORT, steps=1)
    train(TASK, settings, directory=tmp_path)
    monkeypatch.setattr(place, name, value)
    with pytest.raises(ValueError, match=re.escape(f"got one with {difference}")) as refused:
        train(TASK, settings, directory=tmp_path)
    assert ";" not in str(refused.value)


@pytest.mark.parametrize("settings", [SHORT, replace(SHORT, resample_every=7, integrate_query=False)])
def test_each_batch_has_a_seed_of_its_own(settings: Settings) -> None:
    """So that any of them is drawn without those before it."""
    run, sample = Run(TASK, settings), sample_axis_prompts if settings.integrate_query else sample_prompts
    for step in (0, 6, 7, 49, 3):
        run.step = step
        wanted = sample(TASK, 16, generator(3, f"batch {step // settings.resample_every}"))
        assert all(map(torch.equal, run.batch(), wanted))


@pytest.mark.parametrize("tied", [True, False])
def test_a_run_goes_on_from_any_kept_state(tied: bool) -> None:
    settings = replace(SHORT, steps=8, batch=4, layers=2, tied=tied, average_from=0.5, snapshots=8)
    whole = train(TASK, settings)
    for state in whole.states:
        run = Run(TASK, settings)
        run.restore(state)
        assert states.identical(run.state(), state)
        while run.step < settings.steps:
            run.advance()
        assert states.identical(run.state(), whole.states[-1])
        assert run.losses == whole.losses.tolist()[states.step_of(state) :]
        assert torch.equal(run.result().P, whole.weights.P)


def test_log_and_metadata_say_what_ran(tmp_path: Path) -> None:
    settings = replace(SHORT, snapshots=2)
    result = train(TASK, settings, directory=tmp_path)
    log = json.loads((tmp_path / "log.json").read_text(encoding="utf-8"))
    assert list(log) == [
        "task", "settings", "code", "versions", "processor", "threads", "chain", "curve",
    ]  # fmt: skip
    assert log["settings"] == asdict(settings)
    assert log["task"] == {
        "covariance": [["1", "0"], ["0", "1/4"]],
        "context_length": 3,
        "task_covariance": [["1", "0"], ["0", "1"]],
        "noise_variance": "1/8",
    }
    assert log["code"] == logs.code_digest()
    assert {key: log[key] for key in ("versions", "processor")} == logs.machine()
    assert log["threads"] == 1
    assert [tuple(link) for link in log["chain"]] == states.chain(result.states)
    assert [tuple(point) for point in log["curve"]] == logs.curve(result.losses.tolist())
    with safe_open(tmp_path / "weights.safetensors", framework="pt") as file:
        run = json.loads(file.metadata()["run"])
    assert run == {"task": log["task"], "settings": asdict(settings)}
    stored = load(tmp_path / "weights.safetensors")
    assert torch.equal(stored.P, result.weights.P)
    assert torch.equal(stored.Q, result.weights.Q)


def test_the_losses_are_those_of_each_batch_before_its_step() -> None:
    losses: list[float] = []
    settings = replace(SHORT, steps=5, snapshots=5)
    result = train(TASK, settings, progress=lambda _, loss: losses.append(loss))
    assert result.losses.tolist() == losses
    for state in result.states[:-1]:
        run = Run(TASK, settings)
        run.restore(state)
        assert run.loss().item() == losses[run.step]


def start(**changed: object) -> Weights:
    settings = replace(SHORT, steps=1, batch=1, layers=100, snapshots=1, **changed)  # type: ignore[arg-type]
    return train(TASK, settings).snapshots[0][1]


def test_the_start_is_normal_of_the_given_scale() -> None:
    """Σ (x/scale)² over all entries is χ², but for an error of 1e-9; P and Q are drawn apart."""
    weights = start(start_scale=0.25, start_beta=0.0)
    entries = torch.cat([weights.P.flatten(), weights.Q.flatten()]) / 0.25
    low, high = chi2.ppf([0.5e-9, 1 - 0.5e-9], len(entries))
    assert low < entries.square().sum() < high
    low, high = chi2.ppf([0.5e-9, 1 - 0.5e-9], 1)
    assert low < entries.sum().square() / len(entries) < high
    assert len(entries.unique()) == len(entries)


def test_beta_is_added_at_the_start_where_it_is_trained() -> None:
    """The last diagonal entry of P, and no other."""
    without, shifted = start(start_beta=0.0), start(start_beta=2.0)
    without.P[:, 2, 2] += 2
    assert torch.equal(without.P, shifted.P)
    assert torch.equal(without.Q, shifted.Q)
    for form in ("sparse", "relaxed"):
        assert (start(form=form, start_beta=2.0).P[:, 2, 2] == 1).all()


@pytest.mark.parametrize("tied", [True, False])
def test_forms_train_their_entries_and_no_other(tied: bool) -> None:
    corner = torch.zeros(3, 3, dtype=torch.float64)
    corner[2, 2] = 1
    block = torch.zeros(3, 3, dtype=torch.bool)
    block[:2, :2] = True
    settings = replace(SHORT, layers=2, tied=tied)
    sparse = train(TASK, replace(settings, form="sparse")).weights
    assert torch.equal(sparse.P, corner.repeat(2, 1, 1))
    assert torch.equal(sparse.Q != 0, block.repeat(2, 1, 1))
    relaxed = train(TASK, replace(settings, form="relaxed")).weights
    assert torch.equal(relaxed.P != 0, (block | (corner != 0)).repeat(2, 1, 1))
    assert torch.equal(relaxed.P[:, 2, 2], torch.ones(2, dtype=torch.float64))
    assert torch.equal(relaxed.Q != 0, block.repeat(2, 1, 1))
    free = train(TASK, replace(settings, form="free")).weights
    assert (free.P != 0).all()
    assert (free.Q != 0).all()
    for weights in (sparse, relaxed, free):
        assert torch.equal(weights.Q[0], weights.Q[1]) == tied


@pytest.mark.parametrize(("scale", "got"), [(1e80, "inf"), (1e200, "nan")])
def test_a_run_that_diverges_says_so(scale: float, got: str) -> None:
    """A square above the range of float64, or a difference of two numbers above it, in the first loss."""
    with pytest.raises(
        Diverged, match=f"loss must be finite, got {got} at step 1: try a learning_rate below 0.1"
    ):
        train(TASK, replace(SHORT, start_scale=scale))


def test_a_run_that_diverges_later_says_when() -> None:
    """The first step of this length is taken; the loss after it is not finite."""
    with pytest.raises(Diverged, match="at step 2: try a learning_rate below 1e"):
        train(TASK, replace(SHORT, learning_rate=1e200))


def test_training_uses_one_thread_and_leaves_the_number_as_it_was() -> None:
    before, inside = torch.get_num_threads(), set()
    try:
        torch.set_num_threads(2)
        train(TASK, SHORT, progress=lambda *_: inside.add(torch.get_num_threads()))
        assert (inside, torch.get_num_threads()) == ({1}, 2)
    finally:
        torch.set_num_threads(before)


def test_the_bar_counts_the_steps(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bar(SHORT) as progress:
        train(TASK, SHORT, progress=progress)
    captured = capsys.readouterr()
    assert "100%" in captured.err
    assert captured.out == ""


def test_the_defaults_reach_the_minimum() -> None:
    """The goal that the defaults were chosen for: a relative excess of the exact loss below 1e-4."""
    task = RegressionTask(exact.diagonal([1, "1/4", "1/16"]), 4)
    found = compare(task, train(task, Settings()).weights)
    assert 0 <= found.excess < found.minimum / 10**4
    assert found.squared_bound is not None
    assert found.squared_distance <= found.squared_bound


@pytest.mark.parametrize(
    ("field", "value"),
    [("seed", -(2**63)), ("seed", 2**64 - 1), ("average_from", 0), ("start_beta", -1.0), ("snapshots", 0)],
)
def test_the_ends_of_a_range_are_in_it(field: str, value: object) -> None:
    train(TASK, replace(SHORT, steps=1, **{field: value}))  # type: ignore[arg-type]


def test_snapshots_are_the_weights_on_the_way(tmp_path: Path) -> None:
    """Dense at the start, from the start to the last step; a resumed run has the same, in memory and on disk."""
    settings = replace(SHORT, layers=2, form="sparse", snapshots=5)
    assert sorted(settings.kept_steps) == [0, 2, 8, 18, 32, 50]
    result = train(TASK, settings)
    assert [step for step, _ in result.snapshots] == [0, 2, 8, 18, 32, 50]
    shorter = train(TASK, replace(settings, average_from=0.99)).snapshots
    for (_, one), (_, other) in zip(result.snapshots, shorter, strict=True):
        assert torch.equal(one.Q, other.Q)
    with pytest.raises(KeyboardInterrupt):
        train(TASK, settings, directory=tmp_path, progress=interrupt_at(33))
    train(TASK, settings, directory=tmp_path)
    stored, losses, _ = states.load(tmp_path / STATES)
    assert states.chain(stored) == states.chain(result.states)
    assert losses.tolist() == result.losses.tolist()


def test_no_snapshots_no_file(tmp_path: Path) -> None:
    assert train(TASK, SHORT, directory=tmp_path).snapshots == ()
    assert not (tmp_path / STATES).exists()
