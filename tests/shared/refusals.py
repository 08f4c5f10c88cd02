"""Every ``raise Refuted`` or ``raise Forged`` is reached: by a mutant, or where its condition alone is violated.

A refusal that nothing reaches could be empty, and a check with such an arm has no teeth there. The places where a
statement is ``Refuted``, or a stored run ``Forged``, are noted while the tests run, in every process; a run of the
whole default tier fails and names those that no test reached.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from icl_claims.models.forged import Forged
from icl_claims.theory.algebra.exact import Refuted
from tests import ROOT

FOLDERS = ("theory", "numerics", "models", "claims", "tests/claims", "tests/shared")

REFUSALS: tuple[type[AssertionError], ...] = (Refuted, Forged)

Place = tuple[str, int]
"""A file, relative to the root, and a line."""


def refusals(folders: tuple[str, ...] = FOLDERS, root: Path = ROOT) -> dict[Place, Place]:
    """Each place that refuses: (file, first line) ↦ (file, last line)."""
    found = {}
    for folder in folders:
        for file in sorted((root / folder).rglob("*.py")):
            path = file.relative_to(root).as_posix()
            for node in raising(file.read_text(encoding="utf-8")):
                found[path, node.lineno] = (path, node.end_lineno or node.lineno)
    return found


def raising(source: str) -> Iterator[ast.Raise]:
    """The statements that refuse in a source text, as ``raise Refuted(...)``, but for tests of the level full."""
    tree, names = ast.parse(source), {kind.__name__ for kind in REFUSALS}
    full = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        and any("level='full'" in ast.unparse(decorator) for decorator in node.decorator_list)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        refuses = isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call)
        if refuses and id(node) not in full and ast.unparse(node.exc.func) in names:
            yield node


def unreached(reached: set[Place], sites: dict[Place, Place] | None = None) -> list[str]:
    """The places that refuse and were not reached, as ``file:line``."""
    every = refusals() if sites is None else sites
    lines: dict[str, set[int]] = {}
    for path, line in reached:
        lines.setdefault(path, set()).add(line)
    return [
        f"{path}:{first}"
        for (path, first), (_, last) in every.items()
        if not lines.get(path, set()) & set(range(first, last + 1))
    ]


class Refusals:
    """Notes where something is refused in this process; the controller gathers what its workers noted."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._reached: set[Place] = set()
        self._missed: list[str] = []
        for kind in REFUSALS:
            self._watch(kind)

    def _watch(self, kind: type[AssertionError]) -> None:
        original = kind.__init__

        def noted(error: AssertionError, *arguments: object) -> None:
            frame = sys._getframe(1)
            self._reached.add((self._relative(frame.f_code.co_filename), frame.f_lineno))
            original(error, *arguments)

        kind.__init__ = noted  # type: ignore[method-assign, assignment]
        self._config.add_cleanup(lambda: setattr(kind, "__init__", original))

    def _relative(self, filename: str) -> str:
        path = Path(filename).resolve()
        return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else filename

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Hand on what a worker noted; at the end of a run of everything demand that nothing was missed."""
        config = self._config
        if hasattr(config, "workerinput"):
            config.workeroutput["refusals"] = sorted(self._reached)  # type: ignore[attr-defined]
        elif self._is_whole():
            self._missed = unreached(self._reached)
            if self._missed and session.exitstatus == pytest.ExitCode.OK:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take over what a worker noted."""
        output = getattr(node, "workeroutput", None) or {}
        self._reached |= {(path, line) for path, line in output.get("refusals", [])}

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Name the refusals that nothing reached."""
        for place in self._missed:
            terminalreporter.line(f"REFUSAL NEVER REACHED {place}", red=True)

    def _is_whole(self) -> bool:
        """Whether this is a run of the whole default tier, and not of a selection."""
        options = self._config.option
        asked = {str(Path(argument).name) for argument in self._config.args}
        everything = {Path(path).name for path in self._config.getini("testpaths")}
        selects = options.keyword or options.markexpr or options.collectonly or getattr(options, "lf", False)
        return asked == everything and not selects and not options.deselect
