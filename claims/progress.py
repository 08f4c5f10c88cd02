"""The line that moves while ``icl-claims verify`` runs: a pytest plugin of its own, loaded by it alone.

It writes to standard error: in place on a terminal, at every tenth of the tests elsewhere.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import pytest

WIDTH = 78


class Progress:
    """Counts finished tests in the process that the user started (xdist's controller, where there is one)."""

    def __init__(self) -> None:
        self._total = 0
        self._done = 0
        self._failed: set[str] = set()
        self._tenth = 0

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Learn how many tests there are; a controller of xdist collects none itself."""
        self._total = self._total or len(session.items)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: Sequence[str]) -> None:
        """Learn how many tests there are from a worker."""
        self._total = len(ids)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a failure."""
        if report.failed:
            self._failed.add(report.nodeid)

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """Move the line."""
        self._done += 1
        failed = f", {len(self._failed)} failed" if self._failed else ""
        text = f"{self._done}/{self._total} checks{failed}  {nodeid.rpartition('::')[2]}"
        if sys.__stderr__ is None:
            return
        if sys.__stderr__.isatty():
            print(f"\r{text[:WIDTH]:{WIDTH}}", end="", file=sys.__stderr__, flush=True)
        elif (tenth := 10 * self._done // max(self._total, 1)) > self._tenth:
            self._tenth = tenth
            print(text[:WIDTH], file=sys.__stderr__, flush=True)

    def pytest_unconfigure(self) -> None:
        """Leave the cursor on a fresh line."""
        if self._done and sys.__stderr__ is not None and sys.__stderr__.isatty():
            print(f"\r{'':{WIDTH}}\r", end="", file=sys.__stderr__, flush=True)


def pytest_configure(config: pytest.Config) -> None:
    """Register the counter, in the process that the user started only."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Progress(), "claims-progress")
