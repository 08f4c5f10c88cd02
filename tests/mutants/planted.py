"""Faults that were once overlooked, planted one by one: each must turn a named test red.

``python -m tests.mutants.planted`` prints the table. Two kinds: every lemma of every derivation, whose check is made
to fail, must fail the evidence of its claim; and the faults of ``planted.toml``, which survived in earlier versions.
Sources on disk never change.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import os
import sys
import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from tests import ROOT
from tests.mutants import workers
from tests.mutants.workers import Job, running

LIST = Path(__file__).with_name("planted.toml")
LIMIT = 300.0
"""Seconds for one test of a fault."""


@dataclass(frozen=True)
class Fault:
    """One edit of one file, and the tests of which at least one must fail (node ids, or files)."""

    what: str
    file: str
    before: str
    after: str
    tests: tuple[str, ...]

    def planted_in(self, source: str) -> str:
        """The source with the fault.

        Raises:
            ValueError: the text to be replaced does not stand in the source exactly once.
        """
        if source.count(self.before) != 1:
            raise ValueError(
                f"{self.what}: {self.before!r} must stand in {self.file} once, got {source.count(self.before)}"
            )
        return source.replace(self.before, self.after)

    @property
    def module(self) -> str:
        """The module that the file is."""
        parts = Path("icl_claims", self.file).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def listed(path: Path = LIST) -> list[Fault]:
    """The faults of the list."""
    entries: list[dict[str, Any]] = tomllib.loads(path.read_text(encoding="utf-8"))["fault"]
    return [Fault(**{**entry, "tests": tuple(entry["tests"])}) for entry in entries]


def of_lemmas() -> Iterator[Fault]:
    """For each lemma with a check, the fault that this check refuses everything."""
    from icl_claims.claims import evidence_index
    from icl_claims.claims.registry import registry

    index = evidence_index.build(ROOT, registry())
    for slug, claim in registry().items():
        tests = sorted({entry.nodeid for entry in index.of(slug, "quick") if entry.mark.parts})
        if claim.derivation is None or not tests:
            continue
        derivation = importlib.import_module(f"icl_claims.{claim.derivation}").DERIVATION
        for number, lemma in enumerate(derivation.lemmas, 1):
            if lemma.check is not None:
                yield failing(f"{slug}, Lemma {number}", lemma.check, tuple(tests))


def failing(what: str, check: Any, tests: tuple[str, ...]) -> Fault:
    """The fault that a check raises ``Refuted`` before it looks at anything."""
    file = Path(inspect.getsourcefile(check) or "").resolve().relative_to(ROOT).as_posix()
    source = inspect.getsource(check)
    (function,) = ast.parse(source).body
    assert isinstance(function, ast.FunctionDef)
    first = function.body[1 if ast.get_docstring(function) and len(function.body) > 1 else 0]
    lines = source.splitlines(keepends=True)
    indent = " " * first.col_offset
    planted = [
        f"{indent}from icl_claims.theory.algebra.exact import Refuted as Planted\n\n",
        f'{indent}raise Planted("planted")\n',
    ]
    return Fault(
        what, file, source, "".join([*lines[: first.lineno - 1], *planted, *lines[first.lineno - 1 :]]), tests
    )


def lemmas_in_a_child() -> list[Fault]:
    """:func:`of_lemmas`, told by a child: this process must not import what is to be changed."""

    def tell(send: Callable[[dict[str, Any]], None], folder: Path) -> None:
        for fault in of_lemmas():
            send(asdict(fault))

    (report,) = workers.run_all([Job(0, tell)], 1)
    told = [message for message in report.messages if "what" in message]
    return [Fault(**{**message, "tests": tuple(message["tests"])}) for message in told]


def run(faults: Sequence[Fault], processes: int) -> Iterator[tuple[Fault, str]]:
    """Each fault with the test that it turned red, or an empty text."""
    jobs = []
    for key, fault in enumerate(faults):
        source = fault.planted_in((ROOT / fault.file).read_text(encoding="utf-8"))
        files = list(dict.fromkeys(test.partition("::")[0] for test in fault.tests))
        tests = None if all("::" not in test for test in fault.tests) else fault.tests
        limits = dict.fromkeys(fault.tests, LIMIT)
        jobs.append(Job(key, running({fault.module: source}, files, tests, stop=True), limits))
    for report in workers.run_all(jobs, processes):
        yield faults[report.key], report.failed[0] if report.failed else ""


@click.command()
@click.option("--only", default="", help="Only faults whose name holds this text.")
@click.option("--processes", type=click.IntRange(min=1), default=2, show_default=True)
def main(only: str, processes: int) -> None:
    """Plant every fault, print the table, and exit with 1 if one is overlooked."""
    os.environ.setdefault("HYPOTHESIS_PROFILE", "ci")
    faults = [fault for fault in [*lemmas_in_a_child(), *listed()] if only in fault.what]
    table = Table("fault", "test that turns red")
    overlooked = 0
    for fault, test in run(faults, processes):
        overlooked += not test
        table.add_row(fault.what, test or "[bold red]overlooked[/]")
        print(f"{fault.what}: {test or 'OVERLOOKED'}", file=sys.stderr, flush=True)
    Console(width=160).print(table)
    click.echo(f"{len(faults)} faults, {overlooked} overlooked")
    sys.exit(1 if overlooked else 0)


if __name__ == "__main__":
    workers.preload()
    main()
