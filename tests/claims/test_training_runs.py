"""The stored runs that rows rest on: which, read by which claims, and with which digest."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from icl_claims import criteria
from icl_claims.claims.results import Row
from icl_claims.claims.training_runs import ABOUT, TrainingRun, runs_of
from tests.shared.rows import passed

CONTENT = '{"seed": 1}\n'
DIGEST = hashlib.sha256(CONTENT.encode()).hexdigest()


def reading(slug: str, *paths: str) -> Row:
    return passed(f"tests/a.py::test_claim_{slug}", slug, digests=dict.fromkeys(paths, "0" * 16))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for run in ("paper/depth/two", "paper/depth/one", "paper/unread"):
        (tmp_path / "artefacts" / run).mkdir(parents=True)
        (tmp_path / "artefacts" / run / "manifest.json").write_text(CONTENT)
    return tmp_path


def test_each_run_is_listed_once_with_the_claims_that_read_it(root: Path) -> None:
    one, two = (f"artefacts/paper/depth/{name}/manifest.json" for name in ("one", "two"))
    rows = [reading("late", two, one), reading("early", one), reading("late", one)]
    assert runs_of(rows, root) == (
        TrainingRun("paper/depth/one", DIGEST, ("late", "early")),
        TrainingRun("paper/depth/two", DIGEST, ("late",)),
    )


def test_the_digest_is_that_of_the_file_as_it_is_now(root: Path) -> None:
    path = "artefacts/paper/depth/one/manifest.json"
    (root / path).write_text("{}")
    (run,) = runs_of([reading("sum", path)], root)
    assert run.digest == hashlib.sha256(b"{}").hexdigest()


@pytest.mark.parametrize(
    "path",
    [
        "artefacts/paper/gone/manifest.json",
        "artefacts/paper/depth/one",
        "artefacts/paper/depth/one/log.json",
        "tests/manifest.json",
    ],
)
def test_other_files_are_no_runs(root: Path, path: str) -> None:
    (root / "artefacts/paper/depth/one/log.json").write_text("{}")
    (root / "tests").mkdir()
    (root / "tests" / "manifest.json").write_text("{}")
    assert runs_of([reading("sum", path)], root) == ()


def test_without_a_clone_no_run_is_known() -> None:
    assert runs_of([reading("sum", "artefacts/paper/depth/one/manifest.json")], None) == ()


def test_the_reports_say_how_seeds_are_made_as_the_function_does() -> None:
    said = " ".join(" ".join(ABOUT).split())
    promised = " ".join(str(criteria.seed.__doc__).split())
    for words in ("SHA-256 of the ASCII text", "<digest>+…+<digest>:<name>"):
        assert words in said
        assert words in promised
    ending = "its first eight bytes, big-endian, without the last bit."
    assert ending in said
    assert ending in promised
