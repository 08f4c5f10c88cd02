"""Survivors run together: what stops a process is found by halves, the others by the tests that failed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from tests.mutants import run
from tests.mutants.operators import Mutant
from tests.mutants.reach import Reach
from tests.mutants.workers import Job, Report

FILES = ["tests/test_a.py", "tests/test_b.py"]
REACH = Reach({file: {"tests": {f"{file}::test": (1.0, [])}} for file in FILES})
KILLED, STOPPED = "tests/test_b.py::test", "tests/test_a.py"


def mutant(number: int) -> Mutant:
    return Mutant(f"theory/m{number}.py", "f", "constant", 1, 0, 1, "2", "1", "2")


class Fake:
    """Runs that know which mutants fail a test and which stop the process; it counts those against all tests."""

    def __init__(self, failing: set[int], stopping: set[int]) -> None:
        self.failing, self.stopping, self.whole = failing, stopping, 0

    def job(self, mutants: Sequence[Mutant], tests: Any, known: Any, files: Any = None) -> Any:
        return [int(m.file.removeprefix("theory/m").removesuffix(".py")) for m in mutants], tests, files

    def run_all(self, jobs: Sequence[Job], processes: int) -> Iterator[Report]:
        for job in jobs:
            numbers, tests, files = job.run  # type: ignore[misc]
            report = Report(job.key, ended=True)
            if files is not None:
                self.whole += 1
            if set(numbers) & self.stopping:
                report.ended, report.failed = False, [STOPPED]
            elif set(numbers) & self.failing and (KILLED in tests if files is None else FILES[1] in files):
                report.failed = [KILLED]
            yield report


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Fake:
    made = Fake({1, 6}, {4})
    monkeypatch.setattr(run, "of_mutants", made.job)
    monkeypatch.setattr(run.workers, "run_all", made.run_all)
    monkeypatch.setattr(run.workers, "test_files", lambda: FILES)
    return made


def test_one_that_stops_is_found_by_halves(fake: Fake) -> None:
    """8, then 4 and 4, of these 2 and 2, of these 1 and 1: seven runs of two processes, and not one for each mutant."""
    results = {r.mutant.file: r for r in run.against_all_tests([mutant(k) for k in range(8)], REACH, 2)}
    outcomes = {int(file[8:-3]): result.outcome for file, result in results.items()}
    assert outcomes == {k: "killed" if k in (1, 4, 6) else "survived" for k in range(8)}
    assert results["theory/m4.py"].by == STOPPED
    assert results["theory/m6.py"].by == KILLED
    assert fake.whole == 2 * 7


def test_without_one_that_stops_all_run_once(fake: Fake) -> None:
    fake.stopping = set()
    results = list(run.against_all_tests([mutant(k) for k in range(8)], REACH, 2))
    assert [r.mutant.file for r in results if r.outcome == "killed"] == ["theory/m1.py", "theory/m6.py"]
    assert fake.whole == 2


def test_nothing_that_fails_survives_in_one_run(fake: Fake) -> None:
    fake.stopping, fake.failing = set(), set()
    assert {r.outcome for r in run.against_all_tests([mutant(1), mutant(2)], REACH, 2)} == {"survived"}
    assert fake.whole == 2
