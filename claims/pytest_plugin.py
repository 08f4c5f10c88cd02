"""The pytest plugin: claim marks, the fixture ``evidence``, and what each test hands to the recorder.

Loaded by ``-p icl_claims.claims.pytest_plugin``. Whatever imports the registry or pydantic is imported inside
hooks only: an import hook such as jaxtyping's must be able to come first. Each test's rows travel as
JSON in ``item.user_properties``, which xdist carries to its controller, where
:class:`icl_claims.claims.recorder.Recorder` stores them.
"""

from __future__ import annotations

import json
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from icl_claims.claims import one_name
from icl_claims.claims.recorder import COLLECTED, LEFT_OUT, PROPERTY, Recorder

if TYPE_CHECKING:
    from icl_claims.claims.evidence import Evidence
    from icl_claims.claims.evidence_index import Mark

_marks = pytest.StashKey["tuple[Mark, ...]"]()
_evidence = pytest.StashKey["Evidence"]()
_refused = pytest.StashKey[bool]()


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
    """Register the mark; name modules as they are imported; record, unless another process does or nothing runs."""
    config.addinivalue_line(
        "markers",
        "claim(slug, grade, range, parts, complete, refutes, level, scale, error_probability, reading): "
        "this test is evidence for a claim",
    )
    config.stash[COLLECTED] = {}
    config.stash[LEFT_OUT] = 0
    config.args[:] = [
        one_name.under_package(argument, config.invocation_params.dir, config.rootpath)
        for argument in config.args
    ]
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

    collector = Evidence(
        [registry.registry()[mark.slug] for mark in marks], {mark.slug: mark.grade for mark in marks}
    )
    request.node.stash[_evidence] = collector
    return collector


# ---------------------------------------------------------------------- collection


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out a folder that is collected under ``icl_claims`` anyway, as ``pytest .`` meets it twice."""
    return True if one_name.is_linked_to(collection_path, config.rootpath) else None


@pytest.hookimpl(wrapper=True)
def pytest_pycollect_makeitem(
    collector: pytest.Module | pytest.Class, name: str, obj: object
) -> Generator[None, Any, Any]:
    """Note all parameter sets of each evidence function, also those that the command line leaves out."""
    made = yield
    if name.startswith("test_claim_") and isinstance(made, list) and made:
        collector.config.stash[COLLECTED][f"{collector.nodeid}::{name}"] = [item.nodeid for item in made]
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
        config.stash[LEFT_OUT] = len(left_out)
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
        from icl_claims.claims.statement import NoEvidence

        if call.excinfo is not None and issubclass(call.excinfo.type, NoEvidence):
            item.stash[_refused] = True
        summary = summary_of(item.function.__doc__)  # type: ignore[attr-defined]
        rows = []
        for mark in marks:
            row = mark.row(item.nodeid, summary, "refused" if item.stash.get(_refused, False) else "passed")
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
        session.config.workeroutput["claims_collected"] = session.config.stash[COLLECTED]  # type: ignore[attr-defined]
        session.config.workeroutput["claims_left_out"] = session.config.stash[LEFT_OUT]  # type: ignore[attr-defined]
