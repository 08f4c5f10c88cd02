"""``icl-claims new``: what it writes runs at once, follows the style of the project and overwrites nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from icl_claims.claims import scaffold
from tests.shared.small_clone import Clone


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return Clone(tmp_path / "clone")


def test_new_scaffolds_a_proposition_that_runs_at_once_and_is_visibly_incomplete(clone):
    status, out, _ = clone.run("new", "own_step")
    assert status == 0
    assert out.startswith(
        "Written: claims/records/suite/own_step.py, theory/derivations/own_step.py, "
        "tests/claims/suite/test_claim_own_step.py\n"
    )
    assert "pytest -k claim_own_step" in out
    status, out, _ = clone.run("verify", "own_step")
    assert status == 0, "a draft fails nothing"
    assert "own_step: 2 mutants killed, 3 required; assumption start_at_zero: necessity not addressed" in out
    record = clone.read("claims/records/suite/own_step.py")
    finished = "".join(line for line in record.splitlines(keepends=True) if "draft=True" not in line)
    clone.write("claims/records/suite/own_step.py", finished)
    assert clone.run("verify", "own_step")[0] == 1
    test = clone.read("tests/claims/suite/test_claim_own_step.py")
    third = 'changed(STATED, "stated minus derived error", error=STEP * CURVATURE - 1),\n        # Owed'
    addressed = '\n    evidence.necessary(STATEMENT, "start_at_zero", Instance(a=1, s=2, t=2, start=1))\n'
    test = test.replace("# Owed", third, 1).replace("a=1, s=2, t=1)", "a=1, s=2, t=2)")
    clone.write("tests/claims/suite/test_claim_own_step.py", test + addressed)
    status, _, err = clone.run("verify", "own_step")
    assert status == 0, err
    assert clone.verdicts()["own_step"] == "holds"
    assert clone.run("new", "own_step")[0] == 2


def test_new_tells_each_step_that_is_left(clone):
    _, out, _ = clone.run("new", "own_step")
    assert out.splitlines()[1:] == [
        "Next:",
        "  1. State the proposition and its assumptions in claims/records/suite/own_step.py.",
        "  2. Derive it in theory/derivations/own_step.py: lemmas, each with a check that raises Refuted where it "
        "fails.",
        "  3. Bring the evidence in tests/claims/suite/test_claim_own_step.py: instances, margin, three mutants, "
        "necessity.",
        "  4. pytest -k claim_own_step       tells what is still owed",
        "     icl-claims verify own_step    puts it into the report",
        "  5. Take draft=True away from the record when nothing is owed: until then it fails nothing.",
    ]


@pytest.mark.parametrize("tool", [["ruff", "check"], ["ruff", "format", "--check"]], ids=" ".join)
def test_what_new_writes_follows_the_style_of_the_project(clone, tool):
    written = scaffold.scaffold("own_step", clone.path)
    command = [sys.executable, "-m", *tool, *map(str, written)]
    done = subprocess.run(command, cwd=clone.path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


TAKEN = [
    "theory/derivations/own_step.py",
    "tests/claims/suite/test_claim_own_step.py",
    "theory/derivations/own_step/__init__.py",
]


@pytest.mark.parametrize("taken", TAKEN)
def test_new_overwrites_nothing(clone, taken):
    clone.write(taken, "mine")
    with pytest.raises(ValueError, match=f"for which {taken.removesuffix('/__init__.py')} exists"):
        scaffold.scaffold("own_step", clone.path)
    assert clone.read(taken) == "mine"
    assert not clone.has("claims/records/suite/own_step.py")


def test_new_writes_all_files_or_none(clone, monkeypatch):
    opened = Path.open

    def full_disk(self, mode="r", **options):
        if self.name == "test_claim_own_step.py":
            raise OSError("disk full")
        return opened(self, mode, **options)

    monkeypatch.setattr(Path, "open", full_disk)
    with pytest.raises(OSError, match="disk full"):
        scaffold.scaffold("own_step", clone.path)
    assert list(clone.path.rglob("*own_step*")) == []
