"""What a wheel installs: one name, all that belongs to it, and commands that work far from the repository.

The wheel is built from a copy of the clone and again from the source distribution made of that copy, and
installed into a folder of its own. The commands run in a folder whose own ``theory/``, ``models/`` … raise when
they are imported; the dependencies are those of the interpreter that runs the tests.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests import ROOT

FOLDERS = ("theory", "numerics", "models", "claims")
COPIED = (
    "icl_claims",
    *FOLDERS,
    "tests",
    "benchmarks",
    "pyproject.toml",
    "MANIFEST.in",
    "README.md",
    "LICENSE",
)
WEIGHTS = ROOT / "artefacts" / "ahn2023" / "single_layer" / "context_16" / "weights.safetensors"
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
INFO = f"icl_claims-{VERSION}.dist-info"


def python(*arguments: str, cwd: Path) -> None:
    done = subprocess.run(
        [sys.executable, *arguments], cwd=cwd, capture_output=True, text=True, check=False, env=environment()
    )
    assert done.returncode == 0, done.stdout + done.stderr


def pip(*arguments: str, cwd: Path) -> None:
    offline = ("--no-index", "--no-deps", "--no-cache-dir", "--disable-pip-version-check", "--quiet")
    python("-m", "pip", *arguments, *offline, cwd=cwd)


def environment(**more: str) -> dict[str, str]:
    """The variables of this process without those that would change how Python finds or runs modules."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "PYTEST_"))}
    return {**kept, "PYTHONDONTWRITEBYTECODE": "1", **more}


def files_under(folder: Path) -> set[str]:
    """The files by their paths from the folder, without byte code."""
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a copy of the clone, ``wheel/`` made of it, ``sdist/`` too, and ``again/`` made of the sdist."""
    folder = tmp_path_factory.mktemp("built")
    source = folder / "clone"
    source.mkdir()
    for name in COPIED:
        if (ROOT / name).is_dir():
            left_out = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, source / name, symlinks=True, ignore=left_out)
        else:
            shutil.copy(ROOT / name, source / name)
    python("-c", "from setuptools.build_meta import build_sdist; build_sdist('../sdist')", cwd=source)
    pip("wheel", "--no-build-isolation", "-w", "../wheel", ".", cwd=source)
    (sdist,) = (folder / "sdist").glob("*.tar.gz")
    pip("wheel", "--no-build-isolation", "-w", "again", str(sdist), cwd=folder)
    return folder


@pytest.fixture(scope="module")
def installed(built: Path) -> Path:
    """The folder into which the wheel is installed, as it would be into site-packages."""
    (wheel,) = (built / "wheel").glob("*.whl")
    pip("install", "--no-compile", "--target", "installed", str(wheel), cwd=built)
    return built / "installed"


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's folder that happens to have packages of these names, none of which may be imported."""
    folder = tmp_path_factory.mktemp("hostile")
    for name in (*FOLDERS, "tests"):
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text(
            f"raise RuntimeError('the {name} of the user was imported')\n"
        )
    (folder / "tests" / "conftest.py").write_text(
        "raise RuntimeError('the conftest of the user was imported')\n"
    )
    shutil.copy(WEIGHTS, folder / "weights.safetensors")
    return folder


class Command:
    """The installed command line, run in the hostile folder."""

    def __init__(self, installed: Path, hostile: Path) -> None:
        self.installed = installed
        self.hostile = hostile

    def __call__(self, *arguments: str, script: bool = False) -> tuple[int, str, str]:
        start = [str(self.installed / "bin" / "icl-claims")] if script else ["-m", "icl_claims"]
        done = subprocess.run(
            [sys.executable, *start, *arguments],
            cwd=self.hostile,
            env=environment(PYTHONPATH=str(self.installed)),
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="module")
def command(installed: Path, hostile: Path) -> Command:
    return Command(installed, hostile)


# ---------------------------------------------------------------------- what is in it


def test_a_wheel_holds_the_package_whole_and_nothing_else(built: Path) -> None:
    (wheel,) = (built / "wheel").glob("*.whl")
    names = ZipFile(wheel).namelist()
    assert {name.partition("/")[0] for name in names} == {"icl_claims", INFO}
    packed = {name for name in names if not name.startswith(INFO)}
    own = {f"icl_claims/{file}" for file in files_under(ROOT / "icl_claims")}
    linked = {f"icl_claims/{name}/{file}" for name in FOLDERS for file in files_under(ROOT / name)}
    assert packed == own | linked
    assert {"icl_claims/py.typed", "icl_claims/claims/report/templates/report.css"} <= packed


def test_a_wheel_of_the_source_distribution_is_the_same(built: Path) -> None:
    (first,) = (built / "wheel").glob("*.whl")
    (second,) = (built / "again").glob("*.whl")
    contents = [
        {name: archive.read(name) for name in archive.namelist() if not name.startswith(INFO)}
        for archive in (ZipFile(first), ZipFile(second))
    ]
    assert contents[0] == contents[1]
    assert sorted(ZipFile(first).namelist()) == sorted(ZipFile(second).namelist())


def test_the_source_distribution_leaves_the_tests_out_and_the_licence_in(built: Path) -> None:
    (sdist,) = (built / "sdist").glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = [member.name.partition("/")[2] for member in archive.getmembers() if member.isfile()]
    assert {"LICENSE", "README.md", "pyproject.toml", "icl_claims/theory/task.py"} <= set(names)
    assert {name.partition("/")[0] for name in names if "/" in name} == {"icl_claims", "icl_claims.egg-info"}


def test_an_installation_takes_one_name(installed: Path) -> None:
    assert sorted(path.name for path in installed.iterdir()) == ["bin", "icl_claims", INFO]
    assert (installed / INFO / "licenses" / "LICENSE").is_file()
    assert not any(path.is_symlink() for path in installed.rglob("*"))


# ---------------------------------------------------------------------- what it answers, far from any clone


def test_only_the_installed_modules_are_imported(command: Command) -> None:
    code = (
        "import sys; from icl_claims import RegressionTask, compare; from icl_claims.claims import commands, verify; "
        "print(*[m.__file__ for n, m in sys.modules.items() if n.partition('.')[0] == 'icl_claims'], sep='\\n')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=command.hostile,
        env=environment(PYTHONPATH=str(command.installed)),
        capture_output=True,
        text=True,
        check=True,
    )
    files = done.stdout.split()
    assert len(files) > 20
    assert all(Path(file).is_relative_to(command.installed) for file in files)


@pytest.mark.parametrize("script", [False, True], ids=["module", "script"])
def test_list_is_pure_json_and_one_line_says_where_the_verdicts_are(command: Command, script: bool) -> None:
    status, out, err = command("list", "--json", script=script)
    assert status == 0
    assert {line["verdict"] for line in json.loads(out)} == {"unverified"}
    assert err.count("\n") == 1
    assert err.startswith("No results are stored in an installed package")
    assert "'make verify' in a clone of the repository" in err


def test_show_lists_no_evidence_and_says_so(command: Command) -> None:
    status, out, err = command("show", "global_minimizer", "--json")
    assert status == 0
    shown = json.loads(out)
    assert shown["statement"]
    assert shown["evidence"] == []
    assert "without evidence" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "key", "value"),
    [
        (("optimum", "--dim", "5", "--context", "20", "--layers", "1"), "loss_exact", "15/13"),
        (("loss", "--dim", "5", "--context", "20", "--steps", "10/13"), "loss_exact", "15/13"),
        (("moment", "1", "--dim", "2", "--context", "3"), "value", 6),
        (("compare", "weights.safetensors", "--dim", "3", "--context", "16"), "minimum_exact", "3/5"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_the_calculators_answer(
    command: Command, arguments: tuple[str, ...], key: str, value: object
) -> None:
    status, out, err = command(*arguments, "--json")
    assert (status, err) == (0, "")
    assert json.loads(out)[key] == value


@pytest.mark.parametrize(
    "arguments", [("verify",), ("verify", "global_minimizer"), ("new", "own_step")], ids=" ".join
)
def test_what_needs_the_repository_says_so_in_one_line(command: Command, arguments: tuple[str, ...]) -> None:
    status, out, err = command(*arguments)
    assert (status, out) == (2, "")
    assert err.startswith(f"Error: icl-claims {arguments[0]} needs a clone of the repository: ")
    assert err.count("\n") == 1


def test_nothing_was_written_beside_the_package_or_where_the_commands_ran(
    command: Command, built: Path
) -> None:
    (wheel,) = (built / "wheel").glob("*.whl")
    packed = {name for name in ZipFile(wheel).namelist() if name.startswith("icl_claims/")}
    assert {f"icl_claims/{name}" for name in files_under(command.installed / "icl_claims")} == packed
    theirs = {f"{name}/__init__.py" for name in (*FOLDERS, "tests")}
    assert files_under(command.hostile) == theirs | {"tests/conftest.py", "weights.safetensors"}
