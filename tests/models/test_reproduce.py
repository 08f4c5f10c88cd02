"""The named runs: exactly orthogonal rotations, stored artefacts that are those runs, and the command line."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from flint import fmpq

from icl_claims.models import reproduce
from icl_claims.models.files import load
from icl_claims.models.reproduce import RUNS
from icl_claims.models.runs.ahn2023 import DIM, SPECTRUM, rotation, task
from icl_claims.models.runs.run import Run
from icl_claims.models.settings import Settings
from icl_claims.models.training import LOG, TRAJECTORY, WEIGHTS
from icl_claims.theory.algebra import exact
from icl_claims.theory.task import isotropic
from tests import ROOT


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
    """Settings and task of the log and of the weights' metadata; every file that the run keeps, and no other."""
    folder, run = ROOT / "artefacts" / name, RUNS[name]
    assert {path.name for path in folder.iterdir()} == set(run.files)
    log = json.loads((folder / "log.json").read_text(encoding="utf-8"))
    # A log is older than a setting that it lacks, which then had its default.
    assert {**asdict(Settings()), **log["settings"]} == asdict(run.settings)
    assert log["task"]["covariance"] == [[str(x) for x in row] for row in run.task.covariance.tolist()]
    assert log["task"]["context_length"] == run.task.context_length
    weights = load(folder / "weights.safetensors")
    assert json.loads(weights.metadata["run"])["settings"] == log["settings"]
    assert weights.depth == run.settings.layers


def test_each_folder_of_weights_is_a_run() -> None:
    folders = {path.parent for path in (ROOT / "artefacts").rglob(WEIGHTS)}
    assert {folder.relative_to(ROOT / "artefacts").as_posix() for folder in folders} == set(RUNS)


def test_all_artefacts_take_less_than_a_megabyte() -> None:
    assert sum(path.stat().st_size for path in (ROOT / "artefacts").rglob("*") if path.is_file()) < 10**6


def test_a_run_goes_to_its_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = RUNS["ahn2023/depth/layers_1"]
    short = Run(isotropic(2, 3), replace(first.settings, steps=3, batch=4))
    monkeypatch.setitem(RUNS, "short", short)
    folder = reproduce.reproduce("short", tmp_path / "artefacts", tmp_path / "scratch")
    assert {path.name for path in folder.iterdir()} == {"weights.safetensors", "log.json"}
    assert (tmp_path / "scratch" / "short" / "checkpoint.pt").exists()


def test_the_command_line_lists_names_and_refuses_others(capsys: pytest.CaptureFixture[str]) -> None:
    assert reproduce.main([]) == 0
    assert capsys.readouterr().out.split() == list(RUNS)
    assert reproduce.main(["ahn2023"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("NAME must be one of ahn2023/single_layer/dim_3_context_16, ")
    assert error.endswith("got ahn2023\n")


def test_the_command_line_makes_the_runs_in_order(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made: list[tuple[str, Path, Path]] = []

    def make(name: str, artefacts: Path, scratch: Path) -> Path:
        made.append((name, artefacts, scratch))
        return artefacts / name

    monkeypatch.setattr(reproduce, "reproduce", make)
    names = [f"ahn2023/depth/layers_{layers}" for layers in (2, 1)]
    assert reproduce.main(names) == 0
    assert made == [(name, ROOT / "artefacts", ROOT / "build" / "training") for name in names]
    assert capsys.readouterr().out.split() == [str(ROOT / "artefacts" / name) for name in names]
    assert reproduce.main([names[0], "ahn2023"]) == 2
    assert len(made) == 2


def test_every_file_of_a_run_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = (WEIGHTS, LOG, TRAJECTORY)
    settings = replace(RUNS["ahn2023/depth/layers_1"].settings, steps=3, batch=4, snapshots=1)
    monkeypatch.setitem(RUNS, "short", Run(isotropic(2, 3), settings, files))
    folder = reproduce.reproduce("short", tmp_path / "artefacts", tmp_path / "scratch")
    assert {path.name for path in folder.iterdir()} == set(files)
