"""What the commands print about verdicts."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from itertools import takewhile

import pytest

from icl_claims.claims import registry
from icl_claims.claims.claim import Assumption, Claim, Departure
from icl_claims.claims.dossier import dossier
from icl_claims.claims.evidence_index import Index
from icl_claims.claims.printing import dossier_lines, verified
from icl_claims.claims.results import Figure, Mutant, Necessity, Results
from icl_claims.claims.verdicts import judge_all
from icl_claims.criteria import Criterion
from tests.shared.rows import passed

CLAIMS = {slug: Claim(slug, "suite", "here", "$1+1=2$.") for slug in ("decided", "incomplete", "without")}
KILLED = tuple(Mutant(name=name, killed=True) for name in "abc")
FOUND = Results(
    rows=(
        passed("tests/a.py::test_claim_decided", "decided", mutants=KILLED),
        passed("tests/b.py::test_claim_incomplete", "incomplete"),
    )
)


def test_the_table_holds_what_is_decided_and_the_rest_is_told_of_below() -> None:
    judgements = list(judge_all(FOUND, CLAIMS).values())
    *table, summary, incomplete = verified(judgements, FOUND, color=False)
    assert [line.split()[-1] for line in table if "─" not in line] == ["slug", "decided"]
    assert summary == "UNVERIFIED: 2 of 3 claims, 1 of them without evidence at this level"
    assert incomplete.startswith("  incomplete: ")


def test_a_claim_asked_for_alone_is_told_of_without_evidence_too() -> None:
    judgements = [judge_all(FOUND, CLAIMS)["without"]]
    summary, owed = verified(judgements, FOUND, color=False)
    assert summary == "UNVERIFIED: 1 of 1 claims, 0 of them without evidence at this level"
    assert owed.startswith("  without: ")


def test_where_everything_is_decided_only_the_table_is_printed() -> None:
    lines = verified([judge_all(FOUND, CLAIMS)["decided"]], FOUND, color=False)
    assert lines[-1].split()[-1] == "decided"


def test_a_corrected_claim_shows_its_correction(monkeypatch: pytest.MonkeyPatch) -> None:
    corrected = Claim("repaired", "suite", "here", "$1+1=3-1$.", corrects="decided")
    claims = {**CLAIMS, "repaired": corrected}
    monkeypatch.setattr(registry, "registry", lambda: claims)
    monkeypatch.setattr("icl_claims.claims.evidence_index.build", lambda *_: Index())
    lines = dossier_lines(dossier(CLAIMS["decided"], FOUND))
    assert lines[-3:] == ["", "corrected by repaired (unverified):", "$1+1=3-1$."]
    assert not any("corrected by" in line for line in dossier_lines(dossier(CLAIMS["without"], FOUND)))


def test_an_experiment_says_what_judges_it_and_in_what_it_departs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("icl_claims.claims.evidence_index.build", lambda *_: Index())
    departures = (Departure("batch", "20 000", "4000"), Departure("rate", "0.3", "0.1", "the notebook"))
    criterion = Criterion("At most {near}.", {"near": "1/50"})
    claim = replace(CLAIMS["decided"], criterion=criterion, departures=departures)
    known = {**dossier(claim, FOUND), "training_runs": [{"run": "paper/run", "digest": "f" * 64}]}
    lines = dossier_lines(known)
    start = lines.index(f"criterion, SHA-256 {sha256(b'At most 1/50.').hexdigest()[:16]}…: At most 1/50.")
    assert list(takewhile(lambda line: line != "evidence:", lines[start + 1 :])) == [
        "  It is older than the data: the seeds of the runs and of the samples that it judges come from its digest.",
        "",
        "departures: setting | in the paper | here",
        "  batch | 20 000 | 4000",
        "  rate | 0.3 (read in the notebook) | 0.1",
        "",
        "training runs, with SHA-256 of their manifests:",
        f"  paper/run: {'f' * 64}",
        "",
    ]


def test_assumptions_are_shown_with_what_dropping_them_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("icl_claims.claims.evidence_index.build", lambda *_: Index())
    assumptions = (
        Assumption("gaussian", "$x$ is Gaussian."),
        Assumption("even", "$n$ is even."),
        Assumption("large", "$n$ is large.", "It is only used to write less."),
        Assumption("small", "$d$ is small."),
    )
    said = (
        Necessity(assumption="gaussian", necessary=True, instance="n = 1", part="statement"),
        Necessity(assumption="even", necessary=False, instance="all n"),
    )
    row = passed("tests/a.py::test_claim_decided", "decided", necessity=said)
    known = dossier(replace(CLAIMS["decided"], assumptions=assumptions), Results(rows=(row,)))
    lines = dossier_lines(known)
    start = lines.index("assumptions (2 of 4 decided):")
    assert lines[start + 1 : lines.index("evidence:") - 1] == [
        "  gaussian: $x$ is Gaussian.",
        "    necessary for statement: n = 1",
        "  even: $n$ is even.",
        "    dispensable: all n",
        "  large: $n$ is large.",
        "    not tried: It is only used to write less.",
        "  small: $d$ is small.",
        "    not tried: no evidence",
    ]


def test_figures_are_shown_and_measured_ones_marked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("icl_claims.claims.evidence_index.build", lambda *_: Index())
    figures = (Figure(name="slope", value="1/3"), Figure(name="loss", value="0.25", exact=False))
    row = passed("tests/a.py::test_claim_decided", "decided", figures=figures)
    lines = dossier_lines(dossier(CLAIMS["decided"], Results(rows=(row,))))
    assert lines[-2:] == ["    slope = 1/3", "    loss = 0.25 (measured)"]


def test_other_claims_say_nothing_of_experiments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("icl_claims.claims.evidence_index.build", lambda *_: Index())
    text = "\n".join(dossier_lines(dossier(CLAIMS["decided"], FOUND)))
    assert not any(word in text for word in ("criterion", "departures", "training runs"))
