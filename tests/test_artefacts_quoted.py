"""The report that is checked in quotes the manifest of every stored training run, and no other."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from icl_claims.claims.claim import Claim
from icl_claims.claims.report import pages
from icl_claims.claims.results import Results
from tests import ROOT
from tests.shared.rows import passed

LINE = re.compile(r"^\| `([^`]+)` \| `([0-9a-f]{64})` \|", re.MULTILINE)


def quoted(report: str) -> list[tuple[str, str]]:
    """(run, digest) for each line of the section on training runs."""
    return LINE.findall(report.partition("\n## Training runs\n")[2])


def stored(root: Path) -> Iterator[tuple[str, str]]:
    """(run, digest) for each manifest under ``artefacts/``."""
    artefacts = root / "artefacts"
    for path in artefacts.rglob("manifest.json"):
        yield path.parent.relative_to(artefacts).as_posix(), hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_report_quotes_every_stored_manifest_and_no_other() -> None:
    report = (ROOT / "paper_claims.md").read_text(encoding="utf-8")
    assert sorted(quoted(report)) == sorted(stored(ROOT)), "make verify writes the report anew"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for run in ("paper/sparse/seed_1", "paper/sparse/seed_0", "paper/depth"):
        (tmp_path / "artefacts" / run).mkdir(parents=True)
        (tmp_path / "artefacts" / run / "manifest.json").write_text(run)
    return tmp_path


def test_what_the_report_quotes_is_read_off_it(root: Path) -> None:
    keys = [f"artefacts/{name}/manifest.json" for name, _ in sorted(stored(root))]
    row = passed("tests/a.py::test_claim_sum", "sum", digests=dict.fromkeys(keys, "0" * 16))
    report = pages.markdown(Results(rows=(row,)), {"sum": Claim("sum", "suite", "here", "$1+1=2$.")}, root)
    assert len(quoted(report)) == 3
    assert sorted(quoted(report)) == sorted(stored(root))
    (root / keys[0]).write_text("another byte")
    assert len(set(quoted(report)) ^ set(stored(root))) == 2
    (root / keys[0]).unlink()
    assert set(quoted(report)) - set(stored(root)) == {quoted(report)[0]}
