"""The named runs: exactly orthogonal rotations, stored artefacts that are those runs, and the command line."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from flint import fmpq

from icl_claims.models import manifest, reproduce
from icl_claims.models.logs import Progress
from icl_claims.models.reproduce import RUNS
from icl_claims.models.runs.ahn2023 import DIM, SPECTRUM, rotation, task
from icl_claims.models.settings import Settings
from icl_claims.models.training import CHECKPOINT, LOG, WEIGHTS
from icl_claims.theory.algebra import exact
from tests import ROOT
from tests.shared.stored_runs import ADAM, run_of


@pytest.mark.parametrize("seed", range(5))
def test_rotations_are_orthogonal_and_differ(seed: int) -> None:
    U = rotation(DIM, seed)
    assert U * U.transpose() == exact.identity(DIM)
    assert U.det() == 1
    assert rotation(DIM, seed + 1) != U


def test_the_task_has_the_spectrum() -> None:
    sigma = task(20, 0).covariance
    assert sigma.charpoly() == exact.diagonal(SPECTRUM).charpoly()
    assert task(20, 0).task_covariance == sigma.inv()
    assert sorted(SPECTRUM) == [fmpq(1, 16), fmpq(1, 4), 1, 1, 1]


@pytest.mark.parametrize("name", list(RUNS))
def test_what_is_stored_is_the_run_of_this_name(name: str) -> None:
    """Every file that is kept of it and no other, their digests, and where its seed comes from."""
    manifest.check(ROOT / "artefacts" / name, name, RUNS[name])


@pytest.mark.parametrize("name", list(RUNS))
def test_every_run_can_be_replayed(name: str) -> None:
    """Its first and its last stretch."""
    settings = RUNS[name].settings
    assert 0 < settings.replayed < settings.steps
    assert {0, 1, settings.steps - 1, settings.steps} <= settings.kept_steps


def test_each_folder_of_weights_is_a_run() -> None:
    folders = {path.parent for path in (ROOT / "artefacts").rglob(WEIGHTS)}
    assert {folder.relative_to(ROOT / "artefacts").as_posix() for folder in folders} == set(RUNS)


def test_all_artefacts_take_less_than_25_megabytes() -> None:
    assert sum(path.stat().st_size for path in (ROOT / "artefacts").rglob("*") if path.is_file()) < 25 * 10**6


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Artefacts and checkpoints go elsewhere, a short run is among the named ones, and no bar is shown."""
    monkeypatch.setattr(reproduce, "ARTEFACTS", tmp_path / "artefacts")
    monkeypatch.setattr(reproduce, "SCRATCH", tmp_path / "scratch")
    monkeypatch.setattr(reproduce, "progress_bar", lambda _: contextlib.nullcontext(lambda *_: None))
    monkeypatch.setitem(RUNS, "short", run_of(ADAM))
    return tmp_path


def interrupted_at(step: int) -> Callable[[Settings], AbstractContextManager[Progress]]:
    """A bar at which Ctrl-C is pressed."""

    def progress(done: int, loss: float) -> None:
        if done == step:
            raise KeyboardInterrupt

    return lambda _: contextlib.nullcontext(progress)


def call(*arguments: str) -> tuple[int, str, str]:
    """Exit status, output and errors of the command; a traceback is none."""
    result = CliRunner().invoke(reproduce.main, arguments)
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.exit_code, result.stdout, result.stderr


def files_in(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_without_names_it_lists_them(folders: Path) -> None:
    assert call() == (0, "\n".join(RUNS) + "\n", "")
    assert files_in(folders) == set()


@pytest.mark.parametrize("options", [(), ("--steps", "2"), ("--replay",), ("--anew",)])
def test_an_unknown_name_is_refused_in_one_line(options: tuple[str, ...], folders: Path) -> None:
    """Before anything is trained for the names beside it."""
    wanted = "NAME must be one of those that the command lists without arguments, got ahn2023\n"
    assert call("short", "ahn2023", *options) == (2, "", wanted)
    assert files_in(folders) == set()


@pytest.mark.parametrize(
    "options", [("--steps", "0"), ("--steps", "x"), ("--steps", "2", "--replay"), ("--steps", "2", "--anew")]
)
def test_options_that_make_no_sense(options: tuple[str, ...], folders: Path) -> None:
    status, output, error = call("short", *options)
    assert (status, output) == (2, "")
    assert "--steps" in error
    assert files_in(folders) == set()


def test_a_run_goes_to_its_directory_and_is_checked_there(folders: Path) -> None:
    target = folders / "artefacts" / "short"
    assert call("short") == (0, f"{target}\n", "")
    assert files_in(folders / "artefacts") == {
        f"short/{name}" for name in (*manifest.FILES, manifest.MANIFEST)
    }
    assert files_in(folders / "scratch") == {f"short/{name}" for name in (*manifest.FILES, CHECKPOINT)}
    manifest.check(target, "short", RUNS["short"])
    assert call("short", "--replay") == (0, "short: bit for bit\n", "")
    assert call("short", "--anew") == (0, "short: every number is the same\n", "")


def test_names_are_run_in_their_order(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    def make(name: str, artefacts: Path, scratch: Path) -> Path:
        assert (artefacts, scratch) == (folders / "artefacts", folders / "scratch")
        made.append(name)
        return artefacts / name

    monkeypatch.setattr(reproduce, "reproduce", make)
    names = [f"ahn2023/depth/layers_{layers}_seed_0" for layers in (2, 1)]
    status, output, error = call(*names)
    assert (status, made, error) == (0, names, "")
    assert output.split() == [str(folders / "artefacts" / name) for name in names]


def test_the_folders_are_those_of_the_clone() -> None:
    assert (reproduce.ARTEFACTS, reproduce.SCRATCH) == (ROOT / "artefacts", ROOT / "build" / "training")


def test_a_few_steps_are_no_artefact(folders: Path) -> None:
    """The other settings are those of the run; the same command again finds it done."""
    target = folders / "scratch" / "short_in_3_steps"
    for _ in range(2):
        assert call("short", "--steps", "3") == (0, f"{target}\n", "")
        assert files_in(folders) == {f"scratch/short_in_3_steps/{x}" for x in (*manifest.FILES, CHECKPOINT)}
    log = json.loads((target / LOG).read_text(encoding="utf-8"))
    assert log["settings"] == asdict(replace(ADAM, steps=3))


@pytest.mark.parametrize("options", [(), ("--steps", "8")])
def test_an_interrupt_says_how_to_go_on(
    options: tuple[str, ...], folders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second time it does not come by the fourth step, where it would be interrupted again."""
    monkeypatch.setitem(RUNS, "short", run_of(replace(ADAM, checkpoint_every=2)))
    monkeypatch.setattr(reproduce, "progress_bar", interrupted_at(5))
    line = "Interrupted. The same command goes on from the last checkpoint of short.\n"
    assert call("short", *options) == (130, "", line)
    assert [Path(name).name for name in files_in(folders)] == [CHECKPOINT]
    monkeypatch.setattr(reproduce, "progress_bar", interrupted_at(4))
    status, output, error = call("short", *options)
    assert (status, error) == (0, "")
    assert (Path(output.strip()) / WEIGHTS).exists()


def test_a_checkpoint_of_other_settings_is_refused_in_one_line(
    folders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    call("short")
    monkeypatch.setitem(RUNS, "short", run_of(replace(ADAM, seed=6)))
    status, output, error = call("short")
    assert (status, output, error.count("\n")) == (2, "", 1)
    assert "with settings.seed 5 in the place of 6: choose another directory, or delete it" in error


def test_a_run_that_diverges_ends_in_one_line(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RUNS, "short", run_of(replace(ADAM, start_scale=1e200)))
    status, output, error = call("short")
    assert (status, output, error.count("\n")) == (1, "", 1)
    assert error.startswith("loss must be finite, got nan at step 1: try a learning_rate below")
    assert files_in(folders) == set()


@pytest.mark.parametrize("option", ["--replay", "--anew"])
def test_a_stored_run_that_is_not_genuine_ends_in_one_line(option: str, folders: Path) -> None:
    """None at all, and one whose log was changed."""
    status, output, error = call("short", option)
    assert (status, output, error.count("\n")) == (1, "", 1)
    assert "manifest.json cannot be read" in error
    call("short")
    (folders / "artefacts" / "short" / LOG).write_text("{}", encoding="utf-8")
    status, output, error = call("short", option)
    assert (status, output) == (1, "")
    assert (
        error == f"{folders / 'artefacts' / 'short'}: log.json has another digest than manifest.json says\n"
    )


def test_a_run_without_stretches_is_not_replayed(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RUNS, "short", run_of(replace(ADAM, replayed=0)))
    call("short")
    status, output, error = call("short", "--replay")
    assert (status, output, error.count("\n")) == (2, "", 1)
