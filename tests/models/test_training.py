"""Training: one run gives the same bits, interrupted or not; forms stay what they are; logs tell what ran."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from scipy.stats import chi2

from icl_claims.models import training
from icl_claims.models.comparison import compare
from icl_claims.models.files import load, load_trajectory
from icl_claims.models.logs import progress_bar
from icl_claims.models.settings import Settings
from icl_claims.models.training import Diverged, Trained, train
from icl_claims.models.weights import Weights
from icl_claims.theory.algebra import exact
from icl_claims.theory.task import RegressionTask

TASK = RegressionTask(exact.diagonal([1, "1/4"]), 3, noise_variance="1/8")
SHORT = Settings(steps=50, batch=16, seed=3, checkpoint_every=20)


def identical(a: Trained, b: Trained) -> bool:
    return (
        torch.equal(a.weights.P, b.weights.P) and torch.equal(a.weights.Q, b.weights.Q) and a.curve == b.curve
    )


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
        replace(SHORT, layers=2, tied=True),
    ],
)
@pytest.mark.parametrize("step", [19, 20, 47])
def test_a_resumed_run_is_the_uninterrupted_one(tmp_path: Path, settings: Settings, step: int) -> None:
    uninterrupted = train(TASK, settings, directory=tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        train(TASK, settings, directory=tmp_path / "cut", progress=interrupt_at(step))
    assert [p.name for p in (tmp_path / "cut").glob("*")] == (["checkpoint.pt"] if step >= 20 else [])
    steps: list[int] = []
    resumed = train(TASK, settings, directory=tmp_path / "cut", progress=lambda done, _: steps.append(done))
    assert steps[0] == step // 20 * 20 + 1
    assert identical(resumed, uninterrupted)
    for name in ("weights.safetensors", "log.json"):
        assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_a_run_resumed_between_two_points_of_its_curve(tmp_path: Path) -> None:
    """A point for every three steps, and the last checkpoint after 40."""
    settings = replace(SHORT, steps=450, batch=1)
    with pytest.raises(KeyboardInterrupt):
        train(TASK, settings, directory=tmp_path, progress=interrupt_at(47))
    assert identical(train(TASK, settings, directory=tmp_path), train(TASK, settings))


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

    def save(state: object, path: Path) -> None:
        if written:
            path.write_bytes(b"half a checkpoint")
            raise KeyboardInterrupt
        original(state, path)
        written.append(path.read_bytes())

    original = torch.save
    monkeypatch.setattr(torch, "save", save)
    with pytest.raises(KeyboardInterrupt):
        train(TASK, SHORT, directory=tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["checkpoint.pt"]
    assert (tmp_path / "checkpoint.pt").read_bytes() == written[0]


def test_a_checkpoint_of_another_run_is_refused(tmp_path: Path) -> None:
    train(TASK, SHORT, directory=tmp_path)
    for task, settings in (
        (TASK, replace(SHORT, seed=4)),
        (RegressionTask(exact.diagonal([1, "1/4"]), 3), SHORT),
    ):
        with pytest.raises(ValueError, match=r"checkpoint\.pt must be a checkpoint of this run"):
            train(task, settings, directory=tmp_path)


def test_log_and_metadata_say_what_ran(tmp_path: Path) -> None:
    result = train(TASK, SHORT, directory=tmp_path)
    log = json.loads((tmp_path / "log.json").read_text(encoding="utf-8"))
    assert set(log) == {"task", "settings", "versions", "threads", "curve"}
    assert log["settings"] == asdict(SHORT)
    assert log["task"] == {
        "covariance": [["1", "0"], ["0", "1/4"]],
        "context_length": 3,
        "task_covariance": [["1", "0"], ["0", "1"]],
        "noise_variance": "1/8",
    }
    assert log["versions"]["torch"] == torch.__version__
    assert tuple(map(tuple, log["curve"])) == result.curve
    with safe_open(tmp_path / "weights.safetensors", framework="pt") as file:
        run = json.loads(file.metadata()["run"])
    assert run == {"task": log["task"], "settings": asdict(SHORT), "torch": torch.__version__}
    stored = load(tmp_path / "weights.safetensors")
    assert torch.equal(stored.P, result.weights.P)
    assert torch.equal(stored.Q, result.weights.Q)


@pytest.mark.parametrize(("steps", "each"), [(400, 2), (401, 3)])
def test_the_curve_is_the_mean_loss_since_the_last_point(steps: int, each: int) -> None:
    """At most 200 points at equal distances, and one at the last step of all."""
    losses: list[float] = []
    settings = replace(SHORT, steps=steps, batch=2, checkpoint_every=steps)
    curve = train(TASK, settings, progress=lambda _, loss: losses.append(loss)).curve
    ends = [*range(each, steps, each), steps]
    assert [step for step, _ in curve] == ends
    means = [losses[low:high] for low, high in zip([0, *ends], ends, strict=False)]
    assert [loss for _, loss in curve] == [sum(part) / len(part) for part in means]


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
    ("field", "value", "message"),
    [
        ("layers", 0, "layers must be an integer ≥ 1, got 0"),
        ("steps", -1, "steps must be an integer ≥ 1"),
        ("batch", 0, "batch must be an integer ≥ 1"),
        ("resample_every", 0, "resample_every must be an integer ≥ 1"),
        ("checkpoint_every", 0, "checkpoint_every must be an integer ≥ 1"),
        ("form", "dense", "form must be one of free, sparse, relaxed, got 'dense'"),
        ("learning_rate", 0.0, "learning_rate must be a finite number > 0, got 0.0"),
        ("learning_rate", float("nan"), "learning_rate must be a finite number > 0, got nan"),
        ("start_scale", float("inf"), "start_scale must be a finite number > 0"),
        ("clip_norm", -1.0, "clip_norm must be a finite number > 0"),
        ("start_beta", float("nan"), "start_beta must be a finite number, got nan"),
        ("learning_rate", float("inf"), "learning_rate must be a finite number > 0, got inf"),
        ("start_scale", 0, "start_scale must be a finite number > 0, got 0"),
        ("clip_norm", 0.0, "clip_norm must be a finite number > 0, or None, got 0.0"),
        ("start_beta", float("-inf"), "start_beta must be a finite number, got -inf"),
        ("average_from", -0.1, r"average_from must be in \[0, 1\), got -0.1"),
        ("average_from", float("nan"), r"average_from must be in \[0, 1\), got nan"),
        ("seed", -(2**63) - 1, r"seed must be in \[−2⁶³, 2⁶⁴\), got -9223372036854775809"),
        ("seed", 2**64, r"seed must be in \[−2⁶³, 2⁶⁴\), got 18446744073709551616"),
        ("average_from", 1.0, r"average_from must be in \[0, 1\), got 1.0"),
    ],
)
def test_bad_settings(field: str, value: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(SHORT, **{field: value})  # type: ignore[arg-type]


def test_a_number_of_steps_is_an_integer() -> None:
    with pytest.raises(TypeError, match=r"steps must be an integer ≥ 1, got 1\.5 of type float"):
        replace(SHORT, steps=1.5)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("tied", "no", "tied must be True or False, got 'no'"),
        ("integrate_query", 1, "integrate_query must be True or False, got 1"),
        ("learning_rate", None, "learning_rate must be a finite number > 0, got None of type NoneType"),
        ("learning_rate", "0.1", "learning_rate must be a finite number > 0, got '0.1' of type str"),
        ("start_scale", True, "start_scale must be a finite number > 0, got True of type bool"),
        ("clip_norm", "1", "clip_norm must be a finite number > 0, or None, got '1' of type str"),
        ("average_from", None, r"average_from must be in \[0, 1\), got None of type NoneType"),
        ("seed", 1.5, "seed must be an integer, got 1.5 of type float"),
        ("seed", True, "seed must be an integer, got True of type bool"),
        ("start_beta", None, "start_beta must be a finite number, got None of type NoneType"),
    ],
)
def test_settings_of_the_wrong_type(field: str, value: object, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        replace(SHORT, **{field: value})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("field", "value"),
    [("seed", -(2**63)), ("seed", 2**64 - 1), ("average_from", 0), ("start_beta", -1.0), ("snapshots", 0)],
)
def test_the_ends_of_a_range_are_in_it(field: str, value: object) -> None:
    train(TASK, replace(SHORT, steps=1, **{field: value}))  # type: ignore[arg-type]


def test_snapshots_are_the_weights_on_the_way(tmp_path: Path) -> None:
    """Dense at the start, from the start to the last step; a resumed run has the same, in memory and on disk."""
    settings = replace(SHORT, layers=2, form="sparse", snapshots=5)
    assert sorted(settings.snapshot_steps) == [0, 2, 8, 18, 32, 50]
    result = train(TASK, settings)
    assert [step for step, _ in result.snapshots] == [0, 2, 8, 18, 32, 50]
    shorter = train(TASK, replace(settings, average_from=0.99)).snapshots
    for (_, one), (_, other) in zip(result.snapshots, shorter, strict=True):
        assert torch.equal(one.Q, other.Q)
    with pytest.raises(KeyboardInterrupt):
        train(TASK, settings, directory=tmp_path, progress=interrupt_at(33))
    train(TASK, settings, directory=tmp_path)
    for (step, one), (kept, other) in zip(
        result.snapshots, load_trajectory(tmp_path / "trajectory.safetensors"), strict=True
    ):
        assert step == kept
        assert torch.equal(one.P, other.P)
        assert torch.equal(one.Q, other.Q)


def test_no_snapshots_no_file(tmp_path: Path) -> None:
    assert train(TASK, SHORT, directory=tmp_path).snapshots == ()
    assert not (tmp_path / "trajectory.safetensors").exists()


@pytest.mark.parametrize("value", [-1, 2.5, True])
def test_bad_snapshots(value: object) -> None:
    with pytest.raises(ValueError, match="snapshots must be an integer ≥ 0"):
        replace(SHORT, snapshots=value)  # type: ignore[arg-type]
