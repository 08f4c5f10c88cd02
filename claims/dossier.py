"""What ``icl-claims list`` and ``show`` say about a claim, as data with stable keys."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from icl_claims.claims import clone, evidence_index, registry
from icl_claims.claims.claim import Claim, OtherReading
from icl_claims.claims.results import Results, Row
from icl_claims.claims.training_runs import runs_of
from icl_claims.claims.verdicts import CONCLUSIVE, Judgement, judge, refutes


def summary(claim: Claim, judgement: Judgement) -> dict[str, Any]:
    """The claim's line in the list: where it stands, its verdict, and what the verdict rests on."""
    return {
        "slug": claim.slug,
        "paper": claim.paper,
        "location": claim.location,
        "verdict": judgement.verdict,
        "severity": judgement.severity,
        "grade": judgement.grade,
        "scale": judgement.scale,
        "provenance": claim.provenance,
        "draft": claim.draft,
        "range": judgement.range,
        "mutants_killed": judgement.mutants_killed,
        "mutants": judgement.mutants,
        "tightness": judgement.tightness,
        "necessity_decided": judgement.necessity_decided,
        "assumptions_stated": judgement.assumptions,
        "reading": "verbatim" if claim.reading is None else "reading",
        "rests_on": [{"slug": slug, "state": _state_below(slug, judgement)} for slug in claim.rests_on],
        "cites": list(claim.cites),
    }


def _state_below(slug: str, judgement: Judgement) -> str:
    """What became of a claim that another rests on: ``not run`` where no result of it is stored."""
    return "not run" if slug in judgement.not_run else "fell" if slug in judgement.fallen else "stands"


def dossier(claim: Claim, results: Results) -> dict[str, Any]:
    """All that is known about one claim: its record, its evidence with what never ran, its corrected form."""
    claims = registry.registry()
    judgement = judge(claim, results, claims)
    rows = results.of(claim.slug)
    correction = registry.correction_of(claim.slug)
    return {
        **summary(claim, judgement),
        "kind": claim.kind,
        "statement": claim.statement,
        "parts": list(claim.parts),
        "part_verdicts": dict(judgement.parts),
        "reading_text": claim.reading,
        "other_readings": [_reading(other, rows) for other in claim.other_readings],
        "reason": claim.reason,
        "corrects": claim.corrects,
        "criterion": None
        if claim.criterion is None
        else {"text": claim.criterion.text, "digest": claim.criterion.digest},
        "departures": [dataclasses.asdict(departure) for departure in claim.departures],
        "training_runs": [{"run": run.name, "digest": run.digest} for run in runs_of(rows, clone.find())],
        "gaps": list(judgement.gaps),
        "derivation": {"module": claim.derivation, "lemmas": lemmas(rows)},
        "assumptions": [{"key": a.key, "text": a.text, "not_shown": a.not_shown} for a in claim.assumptions],
        "evidence": [_evidence(row) for row in rows] + _waiting(claim, rows),
        "necessity": necessity(claim, rows, false=judgement.severity is not None),
        "counterexamples": [
            {**found.model_dump(), "nodeid": row.nodeid} for row in rows for found in row.counterexamples
        ],
        "corrected": None
        if correction is None
        else {
            "slug": correction.slug,
            "statement": correction.statement,
            "verdict": judge(correction, results, claims).verdict,
        },
    }


def necessity(claim: Claim, rows: Sequence[Row], false: bool) -> list[dict[str, Any]]:
    """For each assumption what the evidence says about dropping it; ``not tried`` with the reason of the record.

    Of a statement that is ``false`` as written its correction says what the assumptions are for.
    """
    found: list[dict[str, Any]] = []
    for assumption in claim.assumptions:
        said = [(row, one) for row in rows for one in row.necessity if one.assumption == assumption.key]
        found += [
            {
                "assumption": assumption.key,
                "standing": "necessary" if one.necessary else "dispensable",
                "part": one.part or None,
                "instance": one.instance,
                "nodeid": row.nodeid,
            }
            for row, one in said
        ]
        if not said:
            found.append(
                {
                    "assumption": assumption.key,
                    "standing": "not tried",
                    "part": None,
                    "instance": assumption.not_shown or ("false as written with it" if false else None),
                    "nodeid": None,
                }
            )
    return found


def lemmas(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """The numbered lemmas of the claim's derivation, as its evidence checked them; each once."""
    found = [lemma for row in rows for lemma in row.lemmas if not row.stale]
    return [lemma.model_dump(mode="json") for lemma in dict.fromkeys(found)]


def _reading(other: OtherReading, rows: Sequence[Row]) -> dict[str, Any]:
    """Another reading of the print, and what its own evidence found."""
    about = [row for row in rows if row.reading == other.key]
    state = reading_state(about)
    return {"key": other.key, "text": other.text, "verdict": state, "nodeids": [row.nodeid for row in about]}


def reading_state(rows: Sequence[Row]) -> str:
    """``false``, ``doubted``, ``true``, ``supported`` or ``undecided``, by the rows about one reading."""
    counted = [row for row in rows if not row.stale and row.outcome == "passed"]
    if any(refutes(row) for row in counted):
        return "false"
    if any(row.refutes for row in counted):
        return "doubted"
    if any(row.complete and row.grade in CONCLUSIVE for row in counted):
        return "true"
    return "supported" if counted else "undecided"


def _waiting(claim: Claim, rows: tuple[Row, ...]) -> list[dict[str, Any]]:
    """The evidence that never ran, as the tests of the clone name it; nothing is known of it without a clone."""
    folder = clone.find()
    if folder is None:
        return []
    ran = {evidence_index.function_id(row.nodeid) for row in rows}
    known = evidence_index.build(folder, registry.registry()).of(claim.slug)
    return [
        _evidence(entry.mark.row(entry.nodeid, entry.summary, "skipped"), "not run")
        for entry in known
        if entry.nodeid not in ran
    ]


def _evidence(row: Row, state: str | None = None) -> dict[str, Any]:
    left_out = {"slug", "digests", "charts", "necessity", "counterexamples", "lemmas", "outcome"}
    return {"outcome": state or row.outcome, **row.model_dump(mode="json", exclude=left_out)}
