"""Which functions each test enters, and how long it takes: one run of everything, kept and renewed file by file.

What is kept of a file of tests holds while that file, the shared parts of the tests, and every module that it entered
are as they were. An entry that is out of date costs time only: what survives the tests that are said to reach it
runs against all tests.
"""

from __future__ import annotations

import functools
import gc
import hashlib
import json
import time
from collections import defaultdict
from collections.abc import Callable, Generator, Iterable
from pathlib import Path
from typing import Any

import pytest

from icl_claims.files import replacing
from tests import ROOT
from tests.mutants import workers
from tests.mutants.hook import mutant_imports

STORED = ROOT / "build" / "mutants_reach.json"

Send = Callable[[dict[str, Any]], None]


class Failing(Exception):
    """Tests fail without any mutant."""


class Reach:
    """For each file of tests: its tests with their seconds, and the functions that each enters."""

    def __init__(self, files: dict[str, dict[str, Any]]) -> None:
        self._files = files
        self.seconds: dict[str, float] = {}
        self._tests: dict[str, set[str]] = defaultdict(set)
        for content in files.values():
            for test, (seconds, functions) in content["tests"].items():
                self.seconds[test] = seconds
                for function in functions:
                    self._tests[function].add(test)

    def tests(self, function: str) -> list[str]:
        """The tests that enter ``file::name``, fastest first."""
        return sorted(self._tests[function], key=lambda test: (self.seconds[test], test))

    def limits(self) -> dict[str, float]:
        """The seconds that each test may take: five times what it took, and no less than ten."""
        return {test: max(10.0, 5 * seconds) for test, seconds in self.seconds.items()}

    def time_of(self, file: str) -> float:
        """The seconds that the tests of a file took."""
        return sum(seconds for seconds, _ in self._files[file]["tests"].values())

    def time_of_all(self) -> float:
        """The seconds that all tests took."""
        return sum(self.seconds.values())


def digest(path: str) -> str:
    """The digest of a file under the root; "" where there is none."""
    file = ROOT / path
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else ""


@functools.cache
def _shared() -> str:
    shared = [
        *(ROOT / "tests" / "shared").rglob("*.py"),
        ROOT / "tests" / "conftest.py",
        ROOT / "pyproject.toml",
    ]
    return hashlib.sha256(b"".join(path.read_bytes() for path in sorted(shared))).hexdigest()


def basis(file: str, modules: Iterable[str]) -> dict[str, str]:
    """What an entry rests on: digests of the file of tests, of the modules that it enters, and of the shared parts."""
    return {"shared": _shared(), **{path: digest(path) for path in sorted({file, *modules})}}


def stale(stored: dict[str, dict[str, Any]], files: Iterable[str]) -> list[str]:
    """The files of tests whose entries are missing or out of date."""

    def holds(file: str) -> bool:
        if file not in stored:
            return False
        return bool(stored[file]["basis"] == basis(file, set(stored[file]["basis"]) - {"shared"}))

    return [file for file in files if not holds(file)]


def load() -> dict[str, dict[str, Any]]:
    """What is kept from earlier runs."""
    return json.loads(STORED.read_text(encoding="utf-8")) if STORED.is_file() else {}


def renewed(processes: int, tell: Callable[[int, int], None]) -> Reach:
    """The map of all tests, with what is out of date run again; ``tell`` hears how many files are done.

    Raises:
        Failing: a test fails although nothing is mutated.
    """
    files, stored = workers.test_files(), load()
    stored = {file: content for file, content in stored.items() if file in files}
    waiting = stale(stored, files)
    # Files in a few groups: each child loads the project once.
    size = max(1, min(40, -(-len(waiting) // processes)))
    groups = [waiting[k : k + size] for k in range(0, len(waiting), size)]
    limits: dict[str, float] = defaultdict(lambda: 900.0)
    done, failed = 0, []
    tell(0, len(waiting))
    jobs = (workers.Job(k, recording(group), limits) for k, group in enumerate(groups))
    for report in workers.run_all(jobs, processes):
        failed += report.failed + [report.timeout] * bool(report.timeout)
        if not (report.failed or report.timeout or report.ended):
            failed.append(f"a process that ran {groups[report.key]}")
        if not failed:
            _keep(stored, groups[report.key], report.messages)
        done += len(groups[report.key])
        tell(done, len(waiting))
    if failed:
        raise Failing("these fail without any mutant: " + ", ".join(failed))
    return Reach(stored)


def _keep(stored: dict[str, dict[str, Any]], files: list[str], messages: list[dict[str, Any]]) -> None:
    tests: dict[str, dict[str, Any]] = {file: {} for file in files}
    for message in messages:
        if "test" in message:
            tests[message["test"].partition("::")[0]][message["test"]] = (
                message["seconds"],
                message["functions"],
            )
    for file in files:
        entered = {
            function.partition("::")[0] for _, functions in tests[file].values() for function in functions
        }
        stored[file] = {"basis": basis(file, entered), "tests": tests[file]}
    with replacing(STORED) as temporary:
        temporary.write_text(json.dumps(stored), encoding="utf-8")


# ---------------------------------------------------------------------- in the child


class Recorder:
    """A pytest plugin: tells of each test how long it took and which functions it entered, itself or by a process.

    Caches are emptied before each test, so that each enters what it needs.
    """

    def __init__(self, send: Send, entered: set[str], folder: Path) -> None:
        self._send, self._entered, self._folder = send, entered, folder
        self._file = ""
        self._caches: list[Any] = []

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        if self._file != item.nodeid.partition("::")[0]:
            self._file = item.nodeid.partition("::")[0]
            self._caches = [
                each
                for each in gc.get_objects()
                if isinstance(each, functools._lru_cache_wrapper)
                and (getattr(each, "__module__", None) or "").startswith("icl_claims.")
            ]
        for cache in self._caches:
            cache.cache_clear()
        self._entered.clear()
        start = time.perf_counter()
        try:
            return (yield)
        finally:
            seconds = time.perf_counter() - start
            functions = set(self._entered)
            for written in self._folder.glob("*.json"):
                functions |= set(json.loads(written.read_text(encoding="utf-8")))
                written.unlink()
            self._send({"test": item.nodeid, "seconds": round(seconds, 4), "functions": sorted(functions)})


def recording(files: list[str]) -> Callable[[Send, Path], None]:
    """Run these files of tests and tell what each test enters."""

    def run(send: Send, folder: Path) -> None:
        entered = mutant_imports.record()
        mutant_imports.install(mutant_imports.marked)
        notes = folder / "entered"
        notes.mkdir()
        mutant_imports.hand_on(**{mutant_imports.ENTERED: str(notes)})
        plugins = [workers.Selection(send, None), Recorder(send, entered, notes)]
        status = pytest.main([*workers.QUIET, f"--basetemp={folder / 'tests'}", *files], plugins=plugins)
        if status not in (
            pytest.ExitCode.OK,
            pytest.ExitCode.TESTS_FAILED,
            pytest.ExitCode.NO_TESTS_COLLECTED,
        ):
            send({"failed": f"pytest, with status {int(status)}"})

    return run
