"""Runs of pytest in forked processes: the parent has loaded what is slow to import, each child imports the project.

A child tells the parent which test it begins and how each ends. The parent kills it, with all that it started, when a
test takes too long.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import resource
import selectors
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests import ROOT
from tests.mutants.hook import mutant_imports

LEFT_OUT = {
    "tests/mutants": "tests of this tool; of the package they enter nothing",
    "tests/test_wheel.py": "builds and installs wheels of the files on disk, which no mutant changes",
    "tests/test_spelling.py": "reads the files on disk, which no mutant changes",
}
"""Tests that never run here, and why."""

LOADING = 120.0
"""Seconds that a child may take until its first test, and after its last."""

MEMORY = 8 * 2**30
"""Bytes that a child may hold: a mutant that collects without end fails, before the machine does."""

QUIET = [
    *("-q", "-n0", "--no-header", "--tb=no", "-p", "no:cacheprovider", "-p", "no:claims-recorder"),
    *("-W", "ignore:Module already imported:pytest.PytestAssertRewriteWarning"),
]
"""No cache and no results: runs leave no trace in the checkout, and several can go on at once.

The warning is about plugins that the parent has loaded; nothing in them asserts for the tests.
"""


@dataclass(frozen=True)
class Job:
    """One child: ``run(send, folder)`` in a new process; ``limits`` holds the seconds that a test may take."""

    key: int
    run: Callable[[Callable[[dict[str, Any]], None], Path], None]
    limits: Mapping[str, float] = field(default_factory=dict)


@dataclass
class Report:
    """What a child said: the tests that failed, the one that took too long, and whether it came to its end."""

    key: int
    messages: list[dict[str, Any]] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    timeout: str = ""
    ended: bool = False
    seconds: float = 0.0


def preload() -> None:
    """Import what the tests need and mutants do not touch."""
    import click.testing  # noqa: F401
    import flint  # noqa: F401
    import hypothesis.extra.numpy  # noqa: F401
    import jinja2  # noqa: F401
    import matplotlib.pyplot  # noqa: F401
    import pydantic  # noqa: F401
    import rich.progress  # noqa: F401
    import safetensors.torch  # noqa: F401
    import scipy.optimize  # noqa: F401
    import sympy  # noqa: F401
    import torch  # noqa: F401
    import xdist  # noqa: F401

    gc.freeze()


def test_files() -> list[str]:
    """The files of the default tier: tests, and modules with doctests."""
    found = [*(ROOT / "tests").rglob("test_*.py")]
    for folder in mutant_imports.FOLDERS:
        found += [
            path for path in (ROOT / "icl_claims" / folder).rglob("*.py") if ">>> " in path.read_text("utf-8")
        ]
    names = sorted(path.relative_to(ROOT).as_posix() for path in found)
    return [name for name in names if not any(name == out or name.startswith(f"{out}/") for out in LEFT_OUT)]


# ---------------------------------------------------------------------- in the child


class Selection:
    """A pytest plugin: runs the given tests in the given order, and tells the parent about each.

    A function stands for all its parameters. Tests that are not among the ``known`` run too, and first: their
    parameters come from the mutant. Without ``known`` the given tests are all that run.
    """

    def __init__(
        self,
        send: Callable[[dict[str, Any]], None],
        tests: Sequence[str] | None,
        known: Container[str] | None = None,
    ) -> None:
        self._send, self._known = send, known
        self._order = None if tests is None else {test: k for k, test in enumerate(tests)}

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        if self._order is None:
            return
        order, known = self._order, self._known
        ranks = [order.get(item.nodeid, order.get(item.nodeid.partition("[")[0], -1)) for item in items]
        chosen = [
            (rank, item)
            for rank, item in zip(ranks, items, strict=True)
            if rank >= 0 or (known is not None and item.nodeid not in known)
        ]
        items[:] = [item for _, item in sorted(chosen, key=lambda pair: pair[0])]

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self._send({"failed": report.nodeid})

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._send({"begins": nodeid})

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self._send({"failed": report.nodeid})

    def pytest_internalerror(self) -> None:
        self._send({"failed": "an internal error of pytest"})


def running(
    sources: dict[str, str],
    files: Sequence[str],
    tests: Sequence[str] | None,
    *,
    stop: bool,
    known: Container[str] | None = None,
) -> Callable[[Callable[[dict[str, Any]], None], Path], None]:
    """Run these tests (None: all) of these files on changed sources, up to the first failure if ``stop``.

    Args:
        known: the tests that there are without the changes; None: no others run.
    """

    def run(send: Callable[[dict[str, Any]], None], folder: Path) -> None:
        stored = folder / "mutants.json"
        stored.write_text(json.dumps(sources), encoding="utf-8")
        mutant_imports.install(mutant_imports.mutated(sources))
        mutant_imports.hand_on(**{mutant_imports.MUTANTS: str(stored)})
        arguments = [*QUIET, f"--basetemp={folder / 'tests'}", *(["-x"] if stop else []), *files]
        status = pytest.main(arguments, plugins=[Selection(send, tests, known)])
        # Tests failed, or collecting them did: then a report said so. Anything else is a fault of its own.
        if status not in (
            pytest.ExitCode.OK,
            pytest.ExitCode.TESTS_FAILED,
            pytest.ExitCode.NO_TESTS_COLLECTED,
        ):
            send({"failed": f"pytest, with status {int(status)}"})

    return run


def _in_child(job: Job, folder: Path, pipe: int) -> None:
    """Never returns: a child that went on would be a second parent."""
    status = 1
    try:
        os.setsid()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
        output = os.open(folder / "output", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        silence = os.open(os.devnull, os.O_RDONLY)
        for target, source in ((0, silence), (1, output), (2, output)):
            os.dup2(source, target)
        sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
        sys.stderr = os.fdopen(2, "w", encoding="utf-8", closefd=False)
        os.chdir(ROOT)

        def send(message: dict[str, Any]) -> None:
            os.write(pipe, json.dumps(message).encode() + b"\n")

        try:
            job.run(send, folder)
        except BaseException as error:
            traceback.print_exc()
            send({"failed": f"pytest, by {type(error).__name__}: {error}"})
        send({"ended": True})
        status = 0
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


# ---------------------------------------------------------------------- in the parent


class _Child:
    """A running child: its process, its pipe, and until when it must have said something."""

    def __init__(self, job: Job) -> None:
        self.job, self.report = job, Report(job.key)
        self.folder = Path(tempfile.mkdtemp(prefix="mutants-"))
        self._started = time.monotonic()
        self.pipe, writing = os.pipe()
        sys.stdout.flush()
        self.process = os.fork()
        if self.process == 0:
            os.close(self.pipe)
            _in_child(job, self.folder, writing)
        os.close(writing)
        self._rest = b""
        self._test = ""
        self.deadline = self._started + LOADING

    def hear(self) -> bool:
        """Read what the child has said; False at its end."""
        data = os.read(self.pipe, 1 << 16)
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            message = json.loads(line)
            self.report.messages.append(message)
            self.report.ended |= "ended" in message
            if "failed" in message:
                self.report.failed.append(message["failed"])
            if "begins" in message:
                self._test = message["begins"]
            self.deadline = time.monotonic() + self.job.limits.get(self._test, LOADING)
        return bool(data)

    def finish(self, *, late: bool) -> Report:
        """End the child and all that it started."""
        if late:
            self.report.timeout = self._test or "before the first test"
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process, signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.process, signal.SIGKILL) if late else None
        os.waitpid(self.process, 0)
        os.close(self.pipe)
        shutil.rmtree(self.folder, ignore_errors=True)
        self.report.seconds = time.monotonic() - self._started
        return self.report


def run_all(jobs: Iterable[Job], processes: int) -> Iterator[Report]:
    """Run jobs in this many processes at once; reports come as children end. Ctrl-C ends the children first."""
    waiting, children = iter(jobs), dict[int, _Child]()
    with selectors.DefaultSelector() as selector:
        try:
            while True:
                while len(children) < processes and (job := next(waiting, None)) is not None:
                    child = _Child(job)
                    children[child.pipe] = child
                    selector.register(child.pipe, selectors.EVENT_READ)
                if not children:
                    return
                soonest = min(child.deadline for child in children.values())
                ready = {key.fd for key, _ in selector.select(max(0.0, soonest - time.monotonic()))}
                for pipe, child in list(children.items()):
                    late = pipe not in ready and child.deadline <= time.monotonic()
                    if late or (pipe in ready and not child.hear()):
                        selector.unregister(pipe)
                        del children[pipe]
                        yield child.finish(late=late)
        finally:
            for child in children.values():
                child.finish(late=True)
