"""``icl-claims verify`` in a clone: what it runs, stores, writes and refuses."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from pathlib import Path

import pytest

from tests.shared.small_clone import CLAIMS, EVIDENCE, Clone


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return Clone(tmp_path / "clone")


def test_verify_runs_everything_and_writes_results_and_reports(clone):
    status, out, err = clone.run("verify")
    assert status == 0, err
    assert [line.split() for line in out.splitlines() if line.startswith(" holds")] == [
        ["holds", "exact", "3/3", "all", "n", "sum_of_two"]
    ]
    assert "UNVERIFIED: 2 of 3 claims, 2 of them without evidence at this level" in out
    assert "1/1 checks" in err
    assert "<html" in clone.read("build/report/index.html")
    markdown = clone.read("paper_claims.md")
    assert "sum_of_two" in markdown
    assert clone.verdicts() == {"sum_of_two": "holds", "long_sum": "unverified", "waiting": "unverified"}
    before = clone.read("build/claims.json")
    assert clone.run("verify")[0] == 0
    assert (clone.read("paper_claims.md"), clone.read("build/claims.json")) == (markdown, before)


def test_only_a_whole_quick_run_writes_the_checked_in_report(clone):
    for arguments in (("sum_of_two",), ("--level", "full")):
        status, _, err = clone.run("verify", *arguments)
        assert status == 0, err
        assert clone.has("build/report/index.html")
        assert not clone.has("paper_claims.md")
    assert clone.verdicts() == {"sum_of_two": "holds", "long_sum": "supported", "waiting": "unverified"}


def test_failed_evidence_is_shown_and_exits_1(clone):
    clone.write(
        "tests/claims/suite/test_claim_sum.py",
        EVIDENCE.replace("positive=lambda", "total=3, positive=lambda"),
    )
    status, out, err = clone.run("verify", "sum_of_two")
    assert status == 1
    assert "AssertionError: must be 2, got 3" in err
    assert "FAULT some evidence failed or is incomplete" in out
    assert clone.verdicts()["sum_of_two"] == "open"


def test_an_incomplete_claim_exits_1_and_says_what_it_owes(clone):
    clone.write(
        "tests/claims/suite/test_claim_sum.py",
        EVIDENCE.replace('evidence.necessary(SUM, "positive", Count(0))', ""),
    )
    status, out, _ = clone.run("verify", "sum_of_two", "--json")
    assert status == 1
    answer = json.loads(out)
    assert (answer["level"], answer["passed"]) == ("quick", False)
    assert answer["faults"] == ["some evidence failed or is incomplete"]
    assert [(line["slug"], line["verdict"]) for line in answer["claims"]] == [("sum_of_two", "unverified")]
    assert (
        "  sum_of_two: assumption positive: necessity not addressed" in clone.run("verify", "sum_of_two")[1]
    )


def test_a_named_claim_without_evidence_is_a_fault(clone):
    status, out, _ = clone.run("verify", "waiting", "long_sum")
    assert status == 1
    assert "FAULT waiting: no evidence, Needs a larger machine." in out
    assert "FAULT long_sum: has evidence of level full only; run with --level full" in out


def test_a_claim_with_neither_evidence_nor_reason_is_a_fault_of_the_whole(clone):
    clone.write("claims/records/suite/sums.py", CLAIMS.replace(', reason="Needs a larger machine."', ""))
    status, out, _ = clone.run("verify")
    assert status == 1
    assert "FAULT waiting: no evidence, and no reason recorded" in out


def test_verify_without_the_tests_says_that_it_needs_a_clone(clone):
    shutil.rmtree(clone.path / "tests")
    status, out, err = clone.run("verify")
    assert (status, out) == (2, "")
    assert err.startswith("Error: icl-claims verify needs a clone of the repository: ")
    assert err.count("\n") == 1
    status, out, err = clone.run("new", "own_step")
    assert (status, out) == (2, "")
    assert err.startswith("Error: icl-claims new needs a clone of the repository: ")
    assert err.count("\n") == 1


def test_verify_in_a_clone_that_cannot_be_written_to_says_so_before_it_runs_anything(clone):
    clone.write("build", "A file where the folder should be.")
    status, out, err = clone.run("verify", "sum_of_two")
    assert (status, out) == (1, "")
    folder = clone.path.resolve() / "build"
    assert err == f"Error: icl-claims verify must be able to write to {folder}: File exists\n"


def test_what_is_listed_is_stale_as_soon_as_a_file_changes(clone):
    clone.run("verify", "sum_of_two")
    assert clone.verdicts()["sum_of_two"] == "holds"
    clone.write("tests/claims/suite/test_claim_sum.py", EVIDENCE + "\n")
    assert clone.verdicts()["sum_of_two"] == "unverified"
    assert (
        "owed: stale: tests/claims/suite/test_claim_sum.py::test_claim_sum_of_two"
        in clone.run("show", "sum_of_two")[1]
    )


SLOW = '''
@pytest.mark.claim(slug="waiting", grade="exact", range="x = 0")
def test_claim_waiting():
    """It says that it runs, and goes on."""
    open("started", "w").close()
    time.sleep(60)
'''


def test_an_interrupt_stores_what_has_finished_and_nothing_else(clone):
    clone.write("tests/claims/suite/test_claim_sum.py", EVIDENCE + SLOW)
    process = clone.start("verify", "sum_of_two", "waiting")
    deadline = time.monotonic() + 60
    while not clone.has("started"):
        assert time.monotonic() < deadline, "the evidence did not start"
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.endswith("Error: interrupted\n")
    assert os.listdir(clone.path / "build") == ["claims.json"]
    assert clone.verdicts() == {"sum_of_two": "holds", "long_sum": "unverified", "waiting": "unverified"}
