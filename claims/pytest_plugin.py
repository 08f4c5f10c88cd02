"""The pytest plugin: claim marks, the fixture ``evidence``, stored results, the table after every run.

Loaded by ``-p icl_claims.claims.pytest_plugin``. Whatever imports the registry or pydantic is imported inside
hooks only: an import hook such as jaxtyping's must be able to come first. Each test's rows travel as
JSON in ``item.user_properties``, which xdist carries to its controller; only the controller (or the one
process of a plain run) merges them into ``build/claims.json``, once, when the session ends.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from icl_claims.claims.evidence import Evidence
    from icl_claims.claims.evidence_index import Index, Mark
    from icl_claims.claims.results import Level, Outcome, Results, Row
    from icl_claims.claims.sources import Sources

PROPERTY = "claim"
"""Key of a test's rows in its user properties, and of the mark."""

_marks = pytest.StashKey["tuple[Mark, ...]"]()
_evidence = pytest.StashKey["Evidence"]()
_collected = pytest.StashKey[dict[str, list[str]]]()
_left_out = pytest.StashKey[int]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of the plugin."""
    group = parser.getgroup("claims", "verification of claims")
    group.addoption(
        "--claims-level",
        choices=("quick", "full"),
        default="quick",
        help="run the quick evidence only (default), or the full evidence too",
    )
    group.addoption(
        "--claims-results",
        metavar="PATH",
        default=None,
        help="where to merge the results (default: build/claims.json under the root)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the mark; start recording, except where another process records or nothing runs."""
    config.addinivalue_line(
        "markers",
        "claim(slug, grade, range, parts, complete, refutes, level): this test is evidence for a claim",
    )
    config.stash[_collected] = {}
    config.stash[_left_out] = 0
    if not hasattr(config, "workerinput") and not config.option.collectonly:
        config.pluginmanager.register(Recorder(config), "claims-recorder")


@pytest.fixture
def evidence(request: pytest.FixtureRequest) -> Evidence:
    """Collector of what this test establishes: checks, mutants, figures, necessity, tightness, charts."""
    marks = request.node.stash.get(_marks, ())
    if not marks:
        raise pytest.UsageError(f"{request.node.nodeid}: the fixture evidence needs @pytest.mark.claim(...)")
    from icl_claims.claims import registry
    from icl_claims.claims.evidence import Evidence

    collector = Evidence([registry.registry()[mark.slug] for mark in marks])
    request.node.stash[_evidence] = collector
    return collector


# ---------------------------------------------------------------------- collection


@pytest.hookimpl(wrapper=True)
def pytest_pycollect_makeitem(
    collector: pytest.Module | pytest.Class, name: str, obj: object
) -> Generator[None, Any, Any]:
    """Note all parameter sets of each evidence function, also those that the command line leaves out."""
    made = yield
    if name.startswith("test_claim_") and isinstance(made, list) and made:
        collector.config.stash[_collected][f"{collector.nodeid}::{name}"] = [item.nodeid for item in made]
    return made


def pytest_itemcollected(item: pytest.Item) -> None:
    """Validate the claim marks of an item, and make it findable by ``-k claim_<slug>``."""
    marks = _validated(item)
    item.extra_keyword_matches.update(f"claim_{mark.slug}" for mark in marks)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Of the tests that were asked for, leave out what the level leaves out."""
    if config.option.claims_level == "full":
        return
    left_out = [item for item in items if any(mark.level == "full" for mark in item.stash.get(_marks, ()))]
    if left_out:
        config.stash[_left_out] = len(left_out)
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def _validated(item: pytest.Item) -> tuple[Mark, ...]:
    found = list(item.iter_markers(PROPERTY))
    function = getattr(item, "function", None)
    name = getattr(item, "originalname", None) or item.name
    if function is None or not (found or name.startswith("test_claim_")):
        return ()
    from icl_claims.claims import registry
    from icl_claims.claims.evidence_index import BadEvidence, parse_marks

    own = [mark for mark in getattr(function, "pytestmark", []) if mark.name == PROPERTY]
    if len(found) != len(own):
        raise pytest.UsageError(
            f"{item.nodeid}: a claim mark must be a decorator of the test function itself, not of a class, "
            "a module or a parameter set"
        )
    arguments = [(mark.args, dict(mark.kwargs)) for mark in own]
    try:
        marks = parse_marks(item.nodeid, function.__doc__, arguments, registry.registry())
    except BadEvidence as error:
        raise pytest.UsageError(str(error)) from None
    item.stash[_marks] = marks
    return marks


# ---------------------------------------------------------------------- in the process that runs the test


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Put what the test has established so far into the properties that its report carries."""
    marks = item.stash.get(_marks, ())
    if marks:
        from icl_claims.claims import registry
        from icl_claims.claims.evidence_index import summary_of

        summary = summary_of(item.function.__doc__)  # type: ignore[attr-defined]
        rows = []
        for mark in marks:
            row = mark.row(item.nodeid, summary, "passed")
            if (collector := item.stash.get(_evidence, None)) is not None:
                row = row.model_copy(update=collector.fields(registry.registry()[mark.slug]))
            rows.append(row.model_dump(mode="json"))
        others = [(key, value) for key, value in item.user_properties if key != PROPERTY]
        item.user_properties[:] = [*others, (PROPERTY, json.dumps(rows))]
    return (yield)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand the parameter sets seen by an xdist worker to its controller."""
    if hasattr(session.config, "workerinput"):
        session.config.workeroutput["claims_collected"] = session.config.stash[_collected]  # type: ignore[attr-defined]
        session.config.workeroutput["claims_left_out"] = session.config.stash[_left_out]  # type: ignore[attr-defined]


# ---------------------------------------------------------------------- in the process that records


class Recorder:
    """Collects the reports of a session and, when it ends, stores rows and tells what is incomplete."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._reports: dict[str, list[pytest.TestReport]] = defaultdict(list)
        self._index: Index
        self._sources: Sources
        self._results: Results | None = None
        self._lost = ""
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
        self._config.stash[_collected].update(output.get("claims_collected", {}))
        self._config.stash[_left_out] = max(self._config.stash[_left_out], output.get("claims_left_out", 0))

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Merge the rows into the stored results; a claim that ran and is incomplete turns the run red."""
        fresh = tuple(self._rows())
        if not fresh:
            return
        from icl_claims.claims import registry, results, verdicts

        claims = registry.registry()
        try:
            before = results.read(self._path)
        except results.UnreadableResults as error:
            before, self._lost = results.Results(), str(error)
        merged = results.merge(before, fresh)
        current = {(row.nodeid, row.slug) for row in fresh}
        kept = (
            row if (row.nodeid, row.slug) in current else self._sources.refresh(row)
            for row in merged.rows
            if (row.nodeid, row.slug) in current or self._still_there(row)
        )
        self._results = results.Results(rows=tuple(kept))
        results.write(self._path, self._results)
        self._touched = [slug for slug in claims if any(row.slug == slug for row in fresh)]
        level: Level = self._config.option.claims_level
        at_level = self._results.at(level)
        for slug in self._touched:
            gaps = verdicts.judge(claims[slug], at_level, claims).gaps
            if gaps and self._all_ran(slug, level):
                self._incomplete[slug] = gaps
        if self._incomplete and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """The table of the claims that this run touched, and what they owe."""
        terminalreporter.ensure_newline()
        hidden = self._config.stash[_left_out]
        if hidden:
            terminalreporter.write_line(
                f"Evidence of level full left out: {hidden}; --claims-level full runs it", yellow=True
            )
        if self._lost:
            terminalreporter.write_line(
                f"The stored results were unreadable and are replaced: {self._lost}", red=True
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
                yield row.model_copy(update={"outcome": outcome, "message": message, "digests": digests})

    def _still_there(self, row: Row) -> bool:
        from icl_claims.claims.evidence_index import function_id

        known = self._config.stash[_collected].get(function_id(row.nodeid))
        return self._index.knows(row) and (known is None or row.nodeid in known)

    def _all_ran(self, slug: str, level: Level) -> bool:
        """Whether every piece of evidence for the claim at this level, with all its parameters, ran now."""
        ran = {nodeid for nodeid, reports in self._reports.items() if _reduce(reports) is not None}
        collected = self._config.stash[_collected]
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
