"""The recorder: it gathers the evidence of a pytest session and stores it, once, when the session ends.

It lives in the one process of a plain run or in the controller of xdist, never in a worker, so that there
is one writer of ``build/claims.json``. It ends the session with the table of the claims that were touched.
What imports the registry or pydantic is imported inside hooks only, as in the plugin that registers it.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from icl_claims.claims.evidence_index import Index
    from icl_claims.claims.results import Level, Outcome, Results, Row
    from icl_claims.claims.sources import Sources

PROPERTY = "claim"
"""Key of a test's rows in its user properties, and of the mark."""

COLLECTED = pytest.StashKey[dict[str, list[str]]]()
"""The node ids of all parameter sets of each evidence function, by the node id of the function."""

LEFT_OUT = pytest.StashKey[int]()
"""How many tests the level left out."""


class Recorder:
    """Collects the reports of a session and, when it ends, stores rows and tells what is incomplete."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._reports: dict[str, list[pytest.TestReport]] = defaultdict(list)
        self._index: Index
        self._sources: Sources
        self._results: Results | None = None
        self._lost = ""
        self._unwritable = ""
        self._touched: list[str] = []
        self._incomplete: dict[str, tuple[str, ...]] = {}

    @property
    def _path(self) -> Path:
        given = self._config.option.claims_results
        return Path(given) if given is not None else self._config.rootpath / "build" / "claims.json"

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        """Index the evidence and digest its sources, before any test can change a file.

        A bad mark is refused here, from the source: an error raised in an xdist worker would reach
        the user as an internal error of xdist.
        """
        from icl_claims.claims import evidence_index, registry
        from icl_claims.claims.sources import Sources

        root, claims = self._config.rootpath, registry.registry()
        self._index = evidence_index.build(root, claims)
        for path, problem in self._index.problems.items():
            if isinstance(problem, evidence_index.BadEvidence) and self._is_asked_for(root / path):
                raise pytest.UsageError(str(problem))
        self._sources = Sources(root, claims)
        self._sources.snapshot()

    def _is_asked_for(self, file: Path) -> bool:
        """Whether the command line (or ``testpaths``) covers this test file."""
        start = self._config.invocation_params.dir
        return any(
            file.resolve().is_relative_to((start / argument.partition("::")[0]).resolve())
            for argument in self._config.args
        )

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the reports of evidence; subtests report under their parent's node id."""
        if "::test_claim_" in report.nodeid:
            self._reports[report.nodeid].append(report)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take over what a worker collected."""
        output = getattr(node, "workeroutput", None) or {}
        self._config.stash[COLLECTED].update(output.get("claims_collected", {}))
        self._config.stash[LEFT_OUT] = max(self._config.stash[LEFT_OUT], output.get("claims_left_out", 0))

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Merge the rows into the stored results; a claim that ran and is incomplete turns the run red."""
        fresh = tuple(self._rows())
        if not fresh:
            return
        from icl_claims.claims import registry, verdicts

        claims = registry.registry()
        self._results = self._merged(fresh)
        self._store(self._results)
        self._touched = [slug for slug in claims if any(row.slug == slug for row in fresh)]
        level: Level = self._config.option.claims_level
        at_level = self._results.at(level)
        for slug in self._touched:
            gaps = verdicts.judge(claims[slug], at_level, claims).gaps
            if gaps and not claims[slug].draft and self._all_ran(slug, level):
                self._incomplete[slug] = gaps
        if (self._incomplete or self._unwritable) and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """The table of the claims that this run touched, and what they owe."""
        terminalreporter.ensure_newline()
        hidden = self._config.stash[LEFT_OUT]
        if hidden:
            terminalreporter.write_line(
                f"Evidence of level full left out: {hidden}; --claims-level full runs it", yellow=True
            )
        if self._lost:
            terminalreporter.write_line(
                f"The stored results were unreadable and are replaced: {self._lost}", red=True
            )
        if self._unwritable:
            terminalreporter.write_line(
                f"The run fails: its results could not be stored in {self._unwritable}; "
                "--claims-results PATH stores them elsewhere",
                red=True,
            )
        if self._results is None or self._config.pluginmanager.has_plugin("claims-progress"):
            return  # ``icl-claims verify`` shows the verdicts itself.
        from icl_claims.claims import registry, table, verdicts

        claims = registry.registry()
        judgements = [verdicts.judge(claims[slug], self._results, claims) for slug in self._touched]
        terminalreporter.section("claims")
        for line in table.verdict_lines(judgements, color=terminalreporter.hasmarkup):
            terminalreporter.write_line(line)
        for judgement in judgements:
            if judgement.gaps:
                why = "INCOMPLETE" if judgement.slug in self._incomplete else judgement.verdict.upper()
                terminalreporter.write_line(f"{why} {judgement.slug}", red=True)
                for gap in judgement.gaps:
                    terminalreporter.write_line(f"  {gap}", red=True)
        if self._incomplete:
            terminalreporter.write_line(
                f"The run fails: all evidence ran, and is incomplete, for {', '.join(self._incomplete)}",
                red=True,
            )

    def _merged(self, fresh: tuple[Row, ...]) -> Results:
        """The fresh rows, and those of the stored ones whose tests are still there, stale or not."""
        from icl_claims.claims import results

        before = results.Results()
        try:
            before = results.read(self._path)
        except results.UnreadableResults as error:
            self._lost = str(error)
        except OSError as error:
            self._unwritable = f"{self._path}: {error.strerror}"
        current = {(row.nodeid, row.slug) for row in fresh}
        kept = (
            row if (row.nodeid, row.slug) in current else self._sources.refresh(row)
            for row in results.merge(before, fresh).rows
            if (row.nodeid, row.slug) in current or self._still_there(row)
        )
        return results.Results(rows=tuple(kept))

    def _store(self, found: Results) -> None:
        """Write the results; a folder that takes none is told of at the end, for the tests did run."""
        from icl_claims.claims import results

        if self._unwritable:
            return
        try:
            results.write(self._path, found)
        except OSError as error:
            self._unwritable = f"{self._path}: {error.strerror}"

    def _rows(self) -> Iterator[Row]:
        from icl_claims.claims.evidence_index import function_id
        from icl_claims.claims.results import Row

        for nodeid, reports in self._reports.items():
            reduced = _reduce(reports)
            if reduced is None:
                continue
            outcome, message = reduced
            path, function = nodeid.partition("::")[0], function_id(nodeid)
            rows = [Row.model_validate(entry) for entry in _payload(reports[-1])]
            if not rows:  # The worker died: only the static index knows what the test was evidence for.
                entries = [entry for entry in self._index.entries if entry.nodeid == function]
                rows = [entry.mark.row(nodeid, entry.summary, outcome) for entry in entries]
            for row in rows:
                digests = self._sources.digests_of(path, row.slug)
                kept = "refused" if outcome == "failed" and row.outcome == "refused" else outcome
                yield row.model_copy(update={"outcome": kept, "message": message, "digests": digests})

    def _still_there(self, row: Row) -> bool:
        from icl_claims.claims.evidence_index import function_id

        known = self._config.stash[COLLECTED].get(function_id(row.nodeid))
        return self._index.knows(row) and (known is None or row.nodeid in known)

    def _all_ran(self, slug: str, level: Level) -> bool:
        """Whether every piece of evidence for the claim at this level, with all its parameters, ran now."""
        ran = {nodeid for nodeid, reports in self._reports.items() if _reduce(reports) is not None}
        collected = self._config.stash[COLLECTED]
        entries = self._index.of(slug, level)
        return all(ran.issuperset(collected.get(entry.nodeid, [entry.nodeid])) for entry in entries)


def _payload(report: pytest.TestReport) -> list[dict[str, Any]]:
    found = [value for key, value in report.user_properties if key == PROPERTY]
    return json.loads(str(found[-1])) if found else []


def _reduce(reports: list[pytest.TestReport]) -> tuple[Outcome, str] | None:
    """The worst of a test's phases and subtests, with its message; None where the test did not finish."""
    for report in reports:
        if report.failed:
            return "failed", _message(report)
    for report in reports:
        if report.skipped or hasattr(report, "wasxfail"):  # An expected failure that passes decides nothing.
            return "skipped", _message(report)
    phases = {report.when for report in reports}
    return ("passed", "") if {"call", "teardown"} <= phases else None


def _message(report: pytest.TestReport) -> str:
    """The first line of what went wrong: the reason of a skip, the exception of a failure."""
    if isinstance(report.longrepr, tuple):
        return report.longrepr[2]
    crash: Any = getattr(report.longrepr, "reprcrash", None)
    text = getattr(report, "wasxfail", "") or (crash.message if crash is not None else report.longreprtext)
    lines = [line for line in str(text).splitlines() if line.strip()]
    return lines[0] if lines else ""
