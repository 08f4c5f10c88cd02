"""The command line: what is chosen, what is printed, and with which status it ends."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.mutants import __main__ as command_line
from tests.mutants import results, sample
from tests.mutants.operators import Mutant

MUTANTS = [
    Mutant(file, "f", "comparison", 3, k, k, "<=", "x < 1", "x <= 1")
    for k, file in enumerate(["theory/a.py"] * 6 + ["models/a.py"] * 2)
]


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A project of eight mutants, and no trace of the command in this process."""
    monkeypatch.setattr(sample, "all_mutants", lambda: MUTANTS)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    environment = dict(os.environ)
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)
    os.environ.clear()
    os.environ.update(environment)


def run(monkeypatch: pytest.MonkeyPatch, outcomes: dict[str, results.Outcome], *arguments: str) -> Result:
    """The command, where the mutants of each file have this outcome."""

    def decide(mutants: Sequence[Mutant], *_: Any) -> list[results.Result]:
        return [results.Result(mutant, outcomes[mutant.file]) for mutant in mutants]

    monkeypatch.setattr(command_line, "_decide", decide)
    return CliRunner().invoke(command_line.main, list(arguments))


def test_survivors_are_shown_and_too_many_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    outcomes: dict[str, results.Outcome] = {"theory/a.py": "killed", "models/a.py": "survived"}
    done = run(monkeypatch, outcomes)
    assert done.exit_code == 1
    assert (
        done.stdout.count("--- models/a.py\n+++ models/a.py  comparison\n@@ line 3, f @@\n-x < 1\n+x <= 1\n")
        == 2
    )
    rows = [line.split()[:5] for line in done.stdout.splitlines()[-3:]]
    assert rows == [
        ["theory/", "6", "0", "0", "0"],
        ["models/", "0", "2", "0", "0"],
        ["all", "6", "2", "0", "0"],
    ]
    assert done.stderr == "killed: 75.0%, must be at least 95.0%\n"
    assert run(monkeypatch, outcomes, "--at-least", "0.75").exit_code == 0


def test_json_has_folders_and_mutants(monkeypatch: pytest.MonkeyPatch) -> None:
    done = run(monkeypatch, {"theory/a.py": "killed", "models/a.py": "timeout"}, "--json")
    found = json.loads(done.stdout)
    assert done.exit_code == 0
    assert {name: folder["rate"] for name, folder in found["folders"].items()} == {
        "theory/": 1.0,
        "models/": None,
        "all": 1.0,
    }
    assert [mutant["outcome"] for mutant in found["mutants"]] == ["killed"] * 6 + ["timeout"] * 2


@pytest.mark.parametrize(
    ("arguments", "count"),
    [((), 8), (("--sample", "3"), 3), (("--sample", "3", "--all"), 8), (("--only", "models/"), 2)],
)
def test_what_is_chosen(monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], count: int) -> None:
    done = run(monkeypatch, {"theory/a.py": "killed", "models/a.py": "killed"}, "--json", *arguments)
    assert len(json.loads(done.stdout)["mutants"]) == count


@pytest.mark.parametrize(("arguments", "base"), [(("--changed",), "HEAD"), (("--changed", "main"), "main")])
def test_functions_changed_since_a_revision(
    monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], base: str
) -> None:
    monkeypatch.setattr(sample, "changed_since", lambda b, mutants: mutants[:4] if b == base else [])
    done = run(monkeypatch, {"theory/a.py": "killed"}, "--json", *arguments)
    assert len(json.loads(done.stdout)["mutants"]) == 4


def test_an_interrupt_says_how_to_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(command_line, "_decide", interrupted)
    done = CliRunner().invoke(command_line.main, [])
    assert (done.exit_code, done.stderr) == (130, "Interrupted; the same command goes on from here.\n")


def test_a_revision_that_git_does_not_know_is_refused() -> None:
    done = CliRunner().invoke(command_line.main, ["--changed", "no-such-revision"])
    assert done.exit_code == 2
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1
