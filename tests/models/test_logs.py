"""Logs: the digest of the code sees numbers and not words, differences are named, processors have names."""

from __future__ import annotations

import ast
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from icl_claims.models import logs
from icl_claims.models.logs import CODE, code_digest, curve, differences, identity
from icl_claims.models.settings import Settings
from icl_claims.theory.task import RegressionTask
from tests import ROOT

TASK = RegressionTask([["1", "1/4"], ["1/4", "1/2"]], 3, noise_variance="1/8")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The modules of CODE, in a tree of their own."""
    for file in CODE:
        (tmp_path / file).parent.mkdir(exist_ok=True)
        shutil.copyfile(ROOT / file, tmp_path / file)
    return tmp_path


def edited(path: Path, change: Callable[[str], str]) -> None:
    before = path.read_text(encoding="utf-8")
    after = change(before)
    assert after != before
    path.write_text(after, encoding="utf-8")


@pytest.mark.parametrize("file", CODE)
def test_words_and_layout_do_not_count(copy: Path, file: str) -> None:
    """Every docstring of a module, of its classes and functions and under its constants; comments and blank lines."""
    assert code_digest(copy) == code_digest()

    def reworded(source: str) -> str:
        lines = source.split("\n")
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
                first, last = node.lineno - 1, node.end_lineno or node.lineno
                for place in range(first, last):
                    lines[place] = ""
                lines[first] = " " * node.col_offset + '"""Other words."""'
        return "# A comment.\n" + "\n\n".join(lines) + "\n# Another.\n"

    edited(copy / file, reworded)
    code_digest.cache_clear()
    assert code_digest(copy) == code_digest()


def constants(source: str) -> Iterator[tuple[int, int, int, str]]:
    """Line, first and last column, and another text, of each number."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and type(node.value) in (int, float):
            assert node.end_col_offset is not None
            yield node.lineno - 1, node.col_offset, node.end_col_offset, repr(node.value + 1)


@pytest.mark.parametrize("file", CODE)
def test_every_number_counts(copy: Path, file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "CODE", (file,))
    code_digest.cache_clear()
    source = (copy / file).read_text(encoding="utf-8")
    found = {code_digest(copy)}
    for line, start, end, other in constants(source):
        lines = source.split("\n")
        row = lines[line].encode()
        lines[line] = (row[:start] + other.encode() + row[end:]).decode()
        (copy / file).write_text("\n".join(lines), encoding="utf-8")
        code_digest.cache_clear()
        found.add(code_digest(copy))
    assert len(found) == 1 + len(list(constants(source)))
    code_digest.cache_clear()


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("models/attention.py", "Z + layer.attend", "Z - layer.attend"),
        ("models/optimizers.py", '"strong_wolfe"', "None"),
        ("models/training.py", 'f"batch {index}"', 'f"batch{index}"'),
        ("models/settings.py", 'Optimizer = "adam"', 'Optimizer = "lbfgs"'),
        ("numerics/rounding.py", "def nearest(", "def closest("),
    ],
)
def test_other_code_counts(copy: Path, file: str, old: str, new: str) -> None:
    edited(copy / file, lambda source: source.replace(old, new))
    code_digest.cache_clear()
    assert code_digest(copy) != code_digest()


EXCEPTIONS = {
    "icl_claims/files.py": "how files are written",
    "models/files.py": "how weights are written",
    "models/forged.py": "what is refused",
    "models/histories.py": "how weights of others are read",
    "models/layouts.py": "how weights of others are read",
    "models/tensor_files.py": "how weights of others are read",
    "models/logs.py": "what is said of a run, and digests",
    "models/states.py": "how states are written, and their digests",
    "models/weights.py": "copies of weights, unchanged",
    "models/__init__.py": "nothing but words",
    "numerics/__init__.py": "nothing but words",
    "theory/__init__.py": "nothing but words",
    "icl_claims/__init__.py": "names for users",
    "theory/algebra/__init__.py": "nothing but words",
    "theory/algebra/definiteness.py": "what is refused",
    "theory/algebra/exact.py": "exact matrices, which the log has in full",
    "theory/algebra/semidefinite.py": "exact matrices, which the log has in full",
    "theory/algebra/validation.py": "what is refused",
}
"""Modules that training imports and that decide none of its numbers, with the reason."""


def source_of(module: str) -> Path | None:
    """The file of a module of the package."""
    parts = module.split(".")
    if parts[0] != "icl_claims":
        return None
    base = (
        ROOT.joinpath(*parts[1:]) if len(parts) > 1 and (ROOT / parts[1]).is_dir() else ROOT.joinpath(*parts)
    )
    return next((x for x in (base.with_suffix(".py"), base / "__init__.py") if x.is_file()), None)


def imported(path: Path) -> set[Path]:
    """The files of the package that a file imports, with the packages that they are in."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    whole = {".".join(name.split(".")[: k + 1]) for name in names for k in range(name.count(".") + 1)}
    return {file for file in map(source_of, whole) if file is not None}


def test_the_code_is_all_that_decides_numbers() -> None:
    """Every module that training imports, however indirectly, is digested, or is one of the exceptions."""
    found, waiting = set(), [ROOT / "models" / "training.py"]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            # What only users' names import is no part of training.
            waiting += [] if path.name == "__init__.py" else imported(path)
    names = {path.relative_to(ROOT).as_posix() for path in found}
    assert set(CODE) <= names
    assert names - set(CODE) == set(EXCEPTIONS) & names
    assert set(EXCEPTIONS) - names <= {"models/forged.py", "numerics/__init__.py"}
    assert not set(CODE) & set(EXCEPTIONS)


def test_an_identity_is_task_and_settings_and_what_it_runs_on() -> None:
    short, long = (json.loads(identity(TASK, Settings(), code=code)) for code in (False, True))
    assert list(short) == ["task", "settings"]
    assert list(long) == ["task", "settings", "code", "versions", "processor"]
    assert {key: long[key] for key in short} == short
    assert long["code"] == code_digest()


@pytest.mark.parametrize(
    ("one", "other", "said"),
    [
        ({"a": 1}, {"a": 1}, ""),
        ({"a": 1}, {"a": 2}, "a 1 in the place of 2"),
        ({"a": {"b": {"c": 1, "d": 2}}}, {"a": {"b": {"c": 1, "d": 3}}}, "a.b.d 2 in the place of 3"),
        ({"a": 1, "z": 1}, {"a": 2, "z": 2}, "a 1 in the place of 2; z 1 in the place of 2"),
        ({}, {"a": {"b": 1}}, "a.b None in the place of 1"),
        ({"a": {"b": 1}}, {}, "a.b 1 in the place of None"),
        ({"a": [1, 2]}, {"a": [1, 3]}, "a [1, 2] in the place of [1, 3]"),
    ],
)
def test_differences_are_named(one: object, other: object, said: str) -> None:
    assert differences(json.dumps(one), json.dumps(other)) == said


@pytest.mark.parametrize(
    ("content", "processor", "machine", "name"),
    [
        ("flags: a\nmodel name\t: Some CPU @ 2 GHz\nmodel name\t: Another\n", "x", "y", "Some CPU @ 2 GHz"),
        ("Features : fp\n", "arm", "aarch64", "arm"),
        ("Features : fp\n", "", "aarch64", "aarch64"),
        (None, "i386", "y", "i386"),
        (None, "", "x86_64", "x86_64"),
    ],
)
def test_the_name_of_a_processor(
    content: str | None,
    processor: str,
    machine: str,
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As Linux tells it; a system without its file, or without that line in it, has the platform module."""
    if content is not None:
        (tmp_path / "cpuinfo").write_text(content, encoding="utf-8")
    monkeypatch.setattr(logs, "_CPUINFO", tmp_path / "cpuinfo")
    monkeypatch.setattr(logs.platform, "processor", lambda: processor)
    monkeypatch.setattr(logs.platform, "machine", lambda: machine)
    assert logs._processor() == name


@pytest.mark.parametrize(("steps", "each"), [(1, 1), (200, 1), (201, 2), (400, 2), (401, 3), (1500, 8)])
def test_the_curve_is_the_mean_loss_since_the_last_point(steps: int, each: int) -> None:
    """At most 200 points at equal distances, and one at the last step of all."""
    losses = [float(step * step % 17) for step in range(steps)]
    ends = [*range(each, steps, each), steps]
    found = curve(losses)
    assert [step for step, _ in found] == ends
    assert len(found) <= 200
    means = [losses[low:high] for low, high in zip([0, *ends], ends, strict=False)]
    assert [loss for _, loss in found] == [sum(part) / len(part) for part in means]
