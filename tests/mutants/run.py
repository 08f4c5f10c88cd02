"""Each mutant against the tests that reach it, and those that survive against all tests."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Container, Iterator, Sequence
from itertools import accumulate
from pathlib import PurePosixPath

from tests import ROOT
from tests.mutants import workers
from tests.mutants.operators import Mutant
from tests.mutants.reach import Reach
from tests.mutants.results import Result
from tests.mutants.workers import Job, Report, running

ENOUGH = 60.0
"""Seconds of tests that a mutant meets by itself: the longer ones it meets in company, when all tests run."""


def against_mapped_tests(mutants: Sequence[Mutant], reach: Reach, processes: int) -> Iterator[Result]:
    """Run each mutant against the tests that enter its function, in two rounds.

    First those of the test file that stands beside the module, and its doctests: they kill most, and load little.
    Then the others, fastest first, as many as run in a minute.
    """
    waiting = list(mutants)
    for first in (True, False):
        jobs = []
        for k, mutant in enumerate(waiting):
            own = own_files(mutant.file)
            tests = [
                test
                for test in reach.tests(f"{mutant.file}::{mutant.function}")
                if (test.partition("::")[0] in own) == first
            ]
            tests = fastest(tests, reach) if not first else tests
            if tests:
                jobs.append(Job(k, of_mutants([mutant], tests, reach.seconds), reach.limits()))
        survivors = dict(enumerate(waiting))
        for report in workers.run_all(jobs, processes):
            result = decided(waiting[report.key], report)
            if result.outcome != "survived":
                del survivors[report.key]
                yield result
        waiting = list(survivors.values())
    yield from (Result(mutant, "survived") for mutant in waiting)


def against_all_tests(survivors: Sequence[Mutant], reach: Reach, processes: int) -> Iterator[Result]:
    """Run survivors, at most one of each function at a time, against all tests; then one by one what failed."""
    for batch in batches(survivors):
        yield from _together(batch, reach, processes)


def _together(batch: Sequence[Mutant], reach: Reach, processes: int) -> Iterator[Result]:
    """Run mutants at once against all tests. What stops a process hides the tests behind it: then half of them."""
    files = sorted(workers.test_files(), key=reach.time_of, reverse=True)
    parts = [files[k::processes] for k in range(processes)]
    limits = defaultdict(lambda: workers.LOADING, reach.limits())
    jobs = [Job(k, of_mutants(batch, None, reach.seconds, part), limits) for k, part in enumerate(parts)]
    reports = list(workers.run_all(jobs, processes))
    failed = sorted(
        {test for report in reports for test in report.failed},
        key=lambda test: reach.seconds.get(test, 0.0),
    )
    stopped = any(
        report.timeout or not report.ended or any("::" not in test for test in report.failed)
        for report in reports
    )
    if not failed and not stopped:
        yield from (Result(mutant, "survived") for mutant in batch)
    elif stopped and len(batch) > 1:
        middle = len(batch) // 2
        yield from _together(batch[:middle], reach, processes)
        yield from _together(batch[middle:], reach, processes)
    elif stopped:
        found = [decided(batch[0], report) for report in reports]
        yield next((result for result in found if result.outcome != "survived"), found[0])
    else:
        singles = [
            Job(k, of_mutants([mutant], failed, reach.seconds), limits) for k, mutant in enumerate(batch)
        ]
        for report in workers.run_all(singles, processes):
            yield decided(batch[report.key], report)


def fastest(tests: Sequence[str], reach: Reach) -> list[str]:
    """The first of these tests, as many as run within :data:`ENOUGH` seconds, and one at least."""
    ends = accumulate(reach.seconds[test] for test in tests)
    return [test for k, (test, end) in enumerate(zip(tests, ends, strict=True)) if k == 0 or end <= ENOUGH]


def own_files(file: str) -> set[str]:
    """The files of tests of a module: the one beside it, and itself for its doctests."""
    path = PurePosixPath(file)
    return {f"icl_claims/{file}", f"tests/{path.parent}/test_{path.name}"}


def of_mutants(
    mutants: Sequence[Mutant],
    tests: Sequence[str] | None,
    known: Container[str],
    files: Sequence[str] | None = None,
) -> Callable[..., None]:
    """What a child does: run tests on sources with these mutants, up to the first failure if it is one mutant."""
    chosen = (
        list(dict.fromkeys(test.partition("::")[0] for test in tests or ())) if files is None else list(files)
    )
    return running(changed_sources(mutants), chosen, tests, stop=len(mutants) == 1, known=known)


def changed_sources(mutants: Sequence[Mutant]) -> dict[str, str]:
    """The sources with all these mutants, by the names of their modules; edits may not overlap."""
    sources: dict[str, str] = {}
    for mutant in sorted(mutants, key=lambda mutant: (mutant.file, -mutant.start)):
        parts = PurePosixPath("icl_claims", mutant.file).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        source = sources.get(name) or (ROOT / mutant.file).read_text(encoding="utf-8")
        sources[name] = mutant.applied_to(source)
    return sources


def batches(mutants: Sequence[Mutant]) -> list[list[Mutant]]:
    """The mutants in few groups, none with two of one function."""
    found: list[dict[tuple[str, str], Mutant]] = []
    for mutant in mutants:
        function = (mutant.file, mutant.function)
        group = next((group for group in found if function not in group), None)
        if group is None:
            found.append(group := {})
        group[function] = mutant
    return [list(group.values()) for group in found]


def decided(mutant: Mutant, report: Report) -> Result:
    """What a run of one mutant says about it; a process that died is a kill by the test that it was in."""
    if report.failed:
        return Result(mutant, "killed", report.failed[0])
    if report.timeout:
        return Result(mutant, "timeout", report.timeout)
    if not report.ended:
        begun = [message["begins"] for message in report.messages if "begins" in message]
        return Result(mutant, "killed", begun[-1] if begun else "the import")
    return Result(mutant, "survived")
