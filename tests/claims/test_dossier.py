"""What is known about one claim, as data: each field follows from the rows, and says no more than they do."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from icl_claims.claims import clone, dossier, evidence_index, registry
from icl_claims.claims.claim import Assumption, Claim, Departure, OtherReading
from icl_claims.claims.evidence_index import Entry, Index, Mark
from icl_claims.claims.results import Mutant, Necessity, Results, Row
from icl_claims.criteria import Criterion
from tests.shared.rows import LEMMA, passed

ASSUMPTIONS = tuple(Assumption(key, f"${key}$.", not_shown="no time") for key in ("first", "second", "third"))
CLAIM = Claim(
    "sum",
    "suite",
    "here",
    "$1+1=2$.",
    ASSUMPTIONS,
    reading="In the integers.",
    other_readings=(OtherReading("mod", "In the field of two elements."),),
    rests_on=("fallen", "absent"),
)
CLAIMS = {slug: Claim(slug, "suite", "here", "$1=1$.", severity="constant") for slug in ("fallen", "absent")}


def of_reading(**changes: object) -> Row:
    return passed("tests/a.py::test_claim_sum", "sum", parts=(), reading="mod", **changes)


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, "true"),
        ({"complete": False}, "supported"),
        ({"grade": "trained", "scale": "small"}, "supported"),
        ({"refutes": True}, "false"),
        ({"refutes": True, "grade": "trained", "scale": "small"}, "doubted"),
        ({"stale": True}, "undecided"),
        ({"outcome": "failed"}, "undecided"),
        ({"outcome": "skipped"}, "undecided"),
        ({"outcome": "refused"}, "undecided"),
    ],
)
def test_another_reading_is_judged_by_what_counts(changes: dict[str, object], state: str) -> None:
    assert dossier.reading_state([of_reading(**changes)]) == state


def test_the_worst_evidence_about_a_reading_wins() -> None:
    doubt = of_reading(refutes=True, grade="trained", scale="small")
    assert dossier.reading_state([of_reading(), doubt]) == "doubted"
    assert dossier.reading_state([of_reading(), doubt, of_reading(refutes=True)]) == "false"
    assert dossier.reading_state([]) == "undecided"


def test_a_lemma_is_listed_once_and_only_as_the_files_are_now() -> None:
    other = LEMMA.model_copy(update={"number": 2})
    rows = [
        passed("tests/a.py::test_claim_sum", "sum"),
        passed("tests/b.py::test_claim_sum", "sum"),
        passed("tests/c.py::test_claim_sum", "sum", stale=True, lemmas=(other,)),
    ]
    assert [lemma["number"] for lemma in dossier.lemmas(rows)] == [1]


def test_each_assumption_has_its_standing() -> None:
    said = (
        Necessity(assumption="first", necessary=True, instance="n = 0", part="statement"),
        Necessity(assumption="second", necessary=False, instance="by symmetry"),
    )
    found = dossier.necessity(
        CLAIM, [passed("tests/a.py::test_claim_sum", "sum", necessity=said)], false=False
    )
    assert [(one["assumption"], one["standing"], one["part"], one["instance"]) for one in found] == [
        ("first", "necessary", "statement", "n = 0"),
        ("second", "dispensable", None, "by symmetry"),
        ("third", "not tried", None, "no time"),
    ]


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The dossier of a claim with one row and one test that never ran; of what it rests on one failed."""
    claims = {"sum": CLAIM, **CLAIMS}
    mark = Mark("sum", "proof", "all n", ("statement",), complete=True, refutes=False, level="quick")
    entries = tuple(Entry(f"tests/{name}.py::test_claim_sum", "It is so.", mark) for name in "ab")
    monkeypatch.setattr(registry, "registry", lambda: claims)
    monkeypatch.setattr(evidence_index, "build", lambda *_: Index(entries))
    killed = tuple(Mutant(name=name, killed=True) for name in "abc")
    rows = (
        passed("tests/a.py::test_claim_sum[1]", "sum", mutants=killed),
        of_reading(refutes=True),
        passed("tests/a.py::test_claim_fallen", "fallen", outcome="failed"),
    )
    return dossier.dossier(CLAIM, Results(rows=rows))


def test_evidence_that_never_ran_stands_beside_what_did(shown: dict[str, Any]) -> None:
    assert [(row["nodeid"], row["outcome"]) for row in shown["evidence"]] == [
        ("tests/a.py::test_claim_sum[1]", "passed"),
        ("tests/a.py::test_claim_sum", "passed"),
        ("tests/b.py::test_claim_sum", "not run"),
    ]


def test_what_the_claim_rests_on_has_its_own_verdict(shown: dict[str, Any]) -> None:
    assert shown["rests_on"] == [
        {"slug": "fallen", "state": "fell"},
        {"slug": "absent", "state": "not run"},
    ]


def test_a_reading_lists_its_own_evidence(shown: dict[str, Any]) -> None:
    (reading,) = shown["other_readings"]
    assert (reading["verdict"], reading["nodeids"]) == ("false", ["tests/a.py::test_claim_sum"])


def test_an_experiment_shows_its_criterion_its_departures_and_its_runs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    criterion = Criterion("At most {near}.", {"near": "1/50"})
    departures = (Departure("batch", "20 000", "4000"), Departure("rate", "0.3", "0.1", "the notebook"))
    claim = replace(CLAIM, rests_on=(), criterion=criterion, departures=departures)
    monkeypatch.setattr(registry, "registry", lambda: {"sum": claim})
    monkeypatch.setattr(clone, "find", lambda: tmp_path)
    key = "artefacts/paper/run/manifest.json"
    (tmp_path / key).parent.mkdir(parents=True)
    (tmp_path / key).write_bytes(b"{}")
    rows = (passed("tests/a.py::test_claim_sum", "sum", digests={key: "0" * 16}),)
    shown = dossier.dossier(claim, Results(rows=rows))
    assert shown["criterion"] == {"text": "At most 1/50.", "digest": sha256(b"At most 1/50.").hexdigest()}
    assert shown["departures"] == [
        {"setting": "batch", "there": "20 000", "here": "4000", "read_in": None},
        {"setting": "rate", "there": "0.3", "here": "0.1", "read_in": "the notebook"},
    ]
    assert shown["training_runs"] == [{"run": "paper/run", "digest": sha256(b"{}").hexdigest()}]


def test_a_claim_of_the_theory_has_none_of_these(shown: dict[str, Any]) -> None:
    assert (shown["criterion"], shown["departures"], shown["training_runs"]) == (None, [], [])
