"""The command line: ``python -m tests.mutants``, or ``make mutants``."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import asdict

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from tests import ROOT
from tests.mutants import reach, results, run, sample, workers
from tests.mutants.hook.mutant_imports import FOLDERS
from tests.mutants.operators import Mutant
from tests.mutants.results import Result, Store

# One thread in each process: threads of two processes on two cores would wait for one another.
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--sample", "size", type=click.IntRange(min=1), default=300, show_default=True, help="How many mutants."
)
@click.option("--seed", type=int, default=1, show_default=True, help="Of the sample.")
@click.option("--all", "everything", is_flag=True, help="All mutants in the place of a sample.")
@click.option(
    "--changed",
    metavar="[BASE]",
    is_flag=False,
    flag_value="HEAD",
    help="Only functions that differ from this git revision, all their mutants.",
)
@click.option("--only", metavar="PATH", multiple=True, help="Only files whose path starts so; repeatable.")
@click.option(
    "--at-least",
    type=click.FloatRange(0, 1),
    default=0.95,
    show_default=True,
    help="The share of kills below which the exit status is 1.",
)
@click.option("--quick", is_flag=True, help="Do not run survivors against all tests: faster, more survive.")
@click.option("--processes", type=click.IntRange(min=1), default=2, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON in the place of the table.")
def main(
    size: int,
    seed: int,
    everything: bool,
    changed: str | None,
    only: tuple[str, ...],
    at_least: float,
    quick: bool,
    processes: int,
    as_json: bool,
) -> None:
    """Mutate theory/, numerics/, models/ and claims/, and see whether the tests notice.

    Sources on disk never change. Results go to build/mutants.jsonl, and a run goes on where the last one stopped.
    Example: python -m tests.mutants --sample 300 --seed 1
    """
    for number in (signal.SIGINT, signal.SIGTERM):  # A shell starts background jobs with SIGINT ignored.
        signal.signal(number, signal.default_int_handler)
    os.environ.update(ONE_THREAD)
    os.environ.setdefault("HYPOTHESIS_PROFILE", "ci")
    console = Console(stderr=True)
    try:
        mutants = [m for m in sample.all_mutants() if not only or m.file.startswith(only)]
        if changed is not None:
            mutants = sample.changed_since(changed, mutants)
        elif not everything:
            mutants = sample.drawn(mutants, size, seed)
        found = _decide(mutants, processes, quick, console)
    except (sample.NoRevision, reach.Failing) as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(2)
    except KeyboardInterrupt:
        click.echo("Interrupted; the same command goes on from here.", err=True)
        sys.exit(130)
    _print(found, as_json)
    wrong = results.faults(found, at_least)
    for fault in wrong:
        click.echo(fault, err=True)
    sys.exit(1 if wrong else 0)


def _decide(mutants: Sequence[Mutant], processes: int, quick: bool, console: Console) -> list[Result]:
    """The results of all mutants, in their order: stored, on the list, or found now."""
    store, listed = Store(_state()), results.equivalents()
    found: dict[Mutant, Result] = {}
    for mutant in mutants:
        if why := results.reason(mutant, listed):
            found[mutant] = Result(mutant, "equivalent", why)
        elif stored := store.get(mutant):
            found[mutant] = stored
    waiting = [mutant for mutant in mutants if mutant not in found]
    if waiting:
        workers.preload()
        with _Progress(console) as progress:
            reached = reach.renewed(processes, progress.stage("Which tests reach what (files)"))
            told = progress.stage("Mutants")
            survivors = []
            for k, result in enumerate(run.against_mapped_tests(waiting, reached, processes)):
                if result.outcome == "survived" and not quick:
                    survivors.append(result.mutant)
                else:
                    found[result.mutant] = result
                    if result.outcome != "survived":
                        store.put(result)
                told(k + 1, len(waiting))
            told = progress.stage("Survivors, against all tests")
            told(0, len(survivors))
            for k, result in enumerate(run.against_all_tests(survivors, reached, processes)):
                found[result.mutant] = result
                store.put(result)
                told(k + 1, len(survivors))
    return [found[mutant] for mutant in mutants]


def _state() -> str:
    """One digest of all sources and tests."""
    files = sorted(
        path for folder in ("tests", "icl_claims", *FOLDERS) for path in (ROOT / folder).rglob("*.py")
    )
    return hashlib.sha256(
        "".join(reach.digest(str(path.relative_to(ROOT))) for path in files).encode()
    ).hexdigest()


class _Progress(Progress):
    """Bars that only this process draws, when told: a thread that draws would be cut in two by a fork."""

    def __init__(self, console: Console) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        super().__init__(*columns, console=console, auto_refresh=False)

    def stage(self, name: str) -> _Stage:
        return _Stage(self, self.add_task(name, total=None))


class _Stage:
    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress, self._task = progress, task

    def __call__(self, done: int, total: int) -> None:
        self._progress.update(self._task, completed=done, total=total)
        self._progress.refresh()


def _print(found: Sequence[Result], as_json: bool) -> None:
    parts = results.summaries(found)
    if as_json:
        listed = [{**asdict(r.mutant), "outcome": r.outcome, "by": r.by} for r in found]
        click.echo(
            json.dumps(
                {"folders": {part.name: part.as_json() for part in parts}, "mutants": listed}, indent=1
            )
        )
        return
    for result in found:
        if result.outcome == "survived":
            click.echo(results.as_diff(result.mutant))
    table = Table("folder", *results.OUTCOMES, "rate", "95 % interval", box=None)
    for part in parts:
        low, high = results.interval(part.killed, part.tried)
        rate = "" if part.rate is None else f"{part.rate:.1%}"
        counts = [str(getattr(part, outcome)) for outcome in results.OUTCOMES]
        table.add_row(part.name, *counts, rate, f"{low:.1%} to {high:.1%}")
    Console().print(table)


if __name__ == "__main__":
    main()
