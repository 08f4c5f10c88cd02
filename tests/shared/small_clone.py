"""A small clone of the repository, with claims and evidence of its own, in which the command line is run."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from tests import ROOT
from tests.shared.sum_evidence import HEAD

CLAIMS = """
from icl_claims.claims.claim import Assumption, Claim

CLAIMS = (
    Claim("sum_of_two", "suite", "here", "$1+1=2$", (Assumption("positive", "$n>0$"),)),
    Claim("long_sum", "suite", "here", "$1+1+1=3$"),
    Claim("waiting", "suite", "here", "$x=x$", reason="Needs a larger machine."),
)
"""

EVIDENCE = (
    HEAD
    + '''
@pytest.mark.claim(slug="sum_of_two", grade="exact", range="all n", complete=True)
def test_claim_sum_of_two(evidence):
    """One and one is two."""
    evidence.check(is_two, SUM, mutants(3, 4, 5), at=ONE)
    evidence.necessary(SUM, "positive", Count(0))

@pytest.mark.claim(slug="long_sum", grade="exact", range="n < 9", level="full")
def test_claim_long_sum(evidence):
    """It takes long."""
    evidence.mutants(is_two, stated("long_sum"), mutants(3, 4, 5), at=ONE)
'''
)


class Clone:
    """A small clone of the repository, with three claims of its own."""

    def __init__(self, path: Path) -> None:
        self.path = path
        left_out = shutil.ignore_patterns("__pycache__", "records")
        shutil.copytree(ROOT / "claims", path / "claims", ignore=left_out)
        shutil.copytree(ROOT / "icl_claims", path / "icl_claims", symlinks=True, ignore=left_out)
        shutil.copytree(ROOT / "theory" / "algebra", path / "theory" / "algebra", ignore=left_out)
        for file in (
            "pyproject.toml",
            "theory/__init__.py",
            "theory/derivation.py",
            "theory/derivations/__init__.py",
        ):
            self.write(file, (ROOT / file).read_text(encoding="utf-8"))
        self.write("claims/records/__init__.py", "")
        self.write("claims/records/suite/__init__.py", "")
        self.write("claims/records/suite/sums.py", CLAIMS)
        self.write("tests/conftest.py", "")
        self.write("tests/claims/suite/test_claim_sum.py", EVIDENCE)

    def write(self, name: str, text: str) -> None:
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def read(self, name: str) -> str:
        return (self.path / name).read_text(encoding="utf-8")

    def has(self, name: str) -> bool:
        return (self.path / name).exists()

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start ``python -m icl_claims`` in the clone, in a process group of its own that Ctrl-C reaches.

        A shell starts background jobs with SIGINT ignored, and children inherit that: it is set back.
        """
        env = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_", "PYTHON"))}
        env["PYTHONDONTWRITEBYTECODE"] = "1"
        return subprocess.Popen(
            [sys.executable, "-m", "icl_claims", *arguments],
            cwd=self.path,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    def run(self, *arguments: str) -> tuple[int, str, str]:
        process = self.start(*arguments)
        out, err = process.communicate(timeout=120)
        return process.returncode, out, err

    def verdicts(self) -> dict[str, str]:
        status, out, _ = self.run("list", "--json")
        assert status == 0
        return {line["slug"]: line["verdict"] for line in json.loads(out)}
