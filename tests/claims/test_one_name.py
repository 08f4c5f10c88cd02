"""Each module is imported under one name: by path, by package, in doctests, in workers and by every tool."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import grimp
import pytest
from mypy.modulefinder import FindModuleCache, SearchPaths
from mypy.options import Options

from icl_claims.claims.one_name import is_linked_to, under_package
from tests import ROOT

FOLDERS = ("theory", "numerics", "models", "claims")

WATCH = f"""
import json, os, sys

def pytest_sessionfinish(session):
    config = session.config
    who = os.environ.get("PYTEST_XDIST_WORKER", "controller")
    bare = [name for name in sys.modules if name.partition(".")[0] in {FOLDERS!r}]
    ours = [name for name in sys.modules if name.startswith("icl_claims.theory.")]
    with open(os.environ["WATCH"] + "/" + who, "w") as file:
        json.dump([sorted(bare), sorted(ours)], file)
"""


def environment() -> dict[str, str]:
    """That of a run of its own: a worker of xdist hands its name to its children."""
    return {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}


def files() -> set[str]:
    """The dotted names of all Python files of the project outside the tests."""
    paths = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")]
    own = [path.relative_to(ROOT) for path in paths] + [
        path.relative_to(ROOT / "icl_claims") for path in (ROOT / "icl_claims").rglob("*.py")
    ]
    names = [".".join(("icl_claims", *path.with_suffix("").parts)) for path in own]
    return {name.removesuffix(".__init__") for name in names}


@pytest.mark.parametrize("processes", ["0", "1"])
def test_no_module_sits_under_a_second_name_after_a_run(tmp_path: Path, processes: str) -> None:
    """Paths that a user types, a doctest, a test and evidence in one run."""
    (tmp_path / "watch.py").write_text(WATCH)
    arguments = (
        "theory/algebra/exact.py",
        str(ROOT / "models" / "prompts.py"),
        "icl_claims/theory/task.py",
        "tests/theory/test_task.py",
        "tests/claims/test_verdicts.py",
    )
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "watch",
            "-p",
            "no:cacheprovider",
            "-n",
            processes,
            *arguments,
        ],
        cwd=ROOT,
        env={**environment(), "PYTHONPATH": str(tmp_path), "WATCH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    who = {"controller"} if processes == "0" else {"controller", "gw0"}
    said = {file.name: json.loads(file.read_text()) for file in tmp_path.iterdir() if file.suffix == ""}
    said.pop("__pycache__", None)
    assert set(said) == who
    assert all(bare == [] for bare, _ in said.values())
    assert "icl_claims.theory.task" in said["controller" if processes == "0" else "gw0"][1]


@pytest.mark.parametrize(
    ("argument", "folder", "led"),
    [
        ("theory/task.py", "", "icl_claims/theory/task.py"),
        ("theory", "", "icl_claims/theory"),
        ("theory/task.py::icl_claims.theory.task", "", "icl_claims/theory/task.py::icl_claims.theory.task"),
        ("algebra/exact.py", "theory", "icl_claims/theory/algebra/exact.py"),
        ("../models/prompts.py", "tests", "icl_claims/models/prompts.py"),
    ],
)
def test_a_path_that_a_user_types_leads_through_the_package(argument: str, folder: str, led: str) -> None:
    path, separator, test = led.partition("::")
    assert under_package(argument, ROOT / folder, ROOT) == f"{ROOT / path}{separator}{test}"


@pytest.mark.parametrize(
    "argument", ["tests/theory", "icl_claims/theory", ".", "..", "/", "theories", "README.md"]
)
def test_other_arguments_stay_as_they_are(argument: str) -> None:
    assert under_package(argument, ROOT, ROOT) == argument


def test_only_the_four_folders_are_met_twice(tmp_path: Path) -> None:
    met = [path.name for path in ROOT.iterdir() if is_linked_to(path, ROOT)]
    assert sorted(met) == sorted(FOLDERS)
    assert not is_linked_to(ROOT / "icl_claims" / "theory", ROOT)
    assert not is_linked_to(tmp_path / "theory", tmp_path)


def test_a_run_on_the_whole_folder_meets_no_file_twice() -> None:
    command = [sys.executable, "-m", "pytest", "-q", "--collect-only", "-p", "no:cacheprovider", "."]
    done = subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    tops = {line.partition("/")[0] for line in done.stdout.splitlines() if "::" in line}
    assert tops == {"benchmarks", "icl_claims", "tests"}


def test_the_type_checker_sees_every_file_once() -> None:
    cache = FindModuleCache(SearchPaths((str(ROOT),), (), (), ()), None, Options())
    sources = cache.find_modules_recursive("icl_claims")
    found = [source.module for source in sources if source.path is not None and source.path.endswith(".py")]
    assert sorted(found) == sorted(files())


def test_the_import_linter_sees_every_file_once() -> None:
    assert grimp.build_graph("icl_claims", cache_dir=None).modules == files()


def test_the_linter_sees_every_file_once() -> None:
    """By its place in the clone: the links are not followed."""
    command = [sys.executable, "-m", "ruff", "check", "--show-files"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    seen = [Path(line).relative_to(ROOT) for line in done.stdout.splitlines() if line.endswith(".py")]
    folders = (*FOLDERS, "tests", "benchmarks")
    expected = {path.relative_to(ROOT) for folder in folders for path in (ROOT / folder).rglob("*.py")}
    expected |= {path.relative_to(ROOT) for path in (ROOT / "icl_claims").rglob("*.py")}
    assert sorted(seen) == sorted(expected)
