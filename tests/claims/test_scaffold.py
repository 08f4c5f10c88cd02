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
        "Written: claims/records/suite/own_step.py, theory/own_step.py, tests/claims/suite/test_claim_own_step.py\n"
    )
    assert "pytest -k claim_own_step" in out
    status, out, _ = clone.run("verify", "own_step")
    assert status == 1
    assert "own_step: 2 mutants killed, 3 required; assumption start_at_zero: necessity not addressed" in out
    test = clone.read("tests/claims/suite/test_claim_own_step.py")
    third = '"no target": STEP * CURVATURE - 1,\n        # Owed'
    addressed = 'evidence.dispensable("start_at_zero", "")\n'.replace('""', '"by a shift of w"')
    clone.write(
        "tests/claims/suite/test_claim_own_step.py", test.replace("# Owed", third, 1) + "    " + addressed
    )
    assert clone.run("verify", "own_step")[0] == 0
    assert clone.verdicts()["own_step"] == "holds"
    assert clone.run("new", "own_step")[0] == 2


@pytest.mark.parametrize("tool", [["ruff", "check"], ["ruff", "format", "--check"]], ids=" ".join)
def test_what_new_writes_follows_the_style_of_the_project(clone, tool):
    written = scaffold.scaffold("own_step", clone.path)
    command = [sys.executable, "-m", *tool, *map(str, written)]
    done = subprocess.run(command, cwd=clone.path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


TAKEN = ["theory/own_step.py", "tests/claims/suite/test_claim_own_step.py", "theory/own_step/__init__.py"]


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
