"""The line that moves while evidence runs: in place on a terminal, at every tenth of the tests elsewhere."""

from __future__ import annotations

import io
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from icl_claims.claims.progress import WIDTH, Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def said(stream: io.StringIO, monkeypatch: pytest.MonkeyPatch, total: int, failing: int) -> str:
    """What a run of so many tests writes, of which this one fails."""
    monkeypatch.setattr(sys, "__stderr__", stream)
    progress, session = Progress(), SimpleNamespace(items=[None] * total)
    progress.pytest_collection_finish(session)  # type: ignore[arg-type]
    for k in range(total):
        report: Any = SimpleNamespace(failed=k == failing, nodeid=f"tests/t.py::test_{k}")
        progress.pytest_runtest_logreport(report)
        progress.pytest_runtest_logfinish(report.nodeid)
    progress.pytest_unconfigure()
    return stream.getvalue()


def test_every_tenth_has_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = said(io.StringIO(), monkeypatch, 25, 14).splitlines()
    done = [3, 5, 8, 10, 13, 15, 18, 20, 23, 25]
    failed = ["" if k < 15 else ", 1 failed" for k in done]
    assert lines == [f"{k}/25 checks{text}  test_{k - 1}" for k, text in zip(done, failed, strict=True)]


def test_a_few_tests_have_a_line_each(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(said(io.StringIO(), monkeypatch, 3, 9).splitlines()) == 3


def test_a_terminal_has_one_line_that_is_blank_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second, blank, rest = said(Terminal(), monkeypatch, 2, 9).split("\r")[1:]
    assert (first, second) == (f"{'1/2 checks  test_0':{WIDTH}}", f"{'2/2 checks  test_1':{WIDTH}}")
    assert (blank, rest) == (" " * WIDTH, "")


def test_a_controller_learns_the_number_from_a_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "__stderr__", stream)
    progress = Progress()
    progress.pytest_xdist_node_collection_finished(["a", "b"])
    progress.pytest_collection_finish(SimpleNamespace(items=[]))  # type: ignore[arg-type]
    progress.pytest_runtest_logfinish("tests/t.py::a")
    assert stream.getvalue() == "1/2 checks  a\n"
