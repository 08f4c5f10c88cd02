"""What ``icl-claims list`` and ``show`` say about a claim, as data with stable keys."""

from __future__ import annotations

from typing import Any

from icl_claims.claims import clone, evidence_index, registry
from icl_claims.claims.claim import Claim
from icl_claims.claims.results import Results, Row
from icl_claims.claims.verdicts import Judgement, judge


def summary(claim: Claim, judgement: Judgement) -> dict[str, Any]:
    """The claim's line in the list: where it stands, its verdict, and what the verdict rests on."""
    return {
        "slug": claim.slug,
        "paper": claim.paper,
        "location": claim.location,
        "verdict": judgement.verdict,
        "grade": judgement.grade,
        "range": judgement.range,
        "mutants_killed": judgement.mutants_killed,
        "mutants": judgement.mutants,
        "tightness": judgement.tightness,
    }


def dossier(claim: Claim, results: Results) -> dict[str, Any]:
    """All that is known about one claim: its record, its evidence with what never ran, its corrected form."""
    claims = registry.registry()
    judgement = judge(claim, results, claims)
    rows = results.of(claim.slug)
    correction = registry.correction_of(claim.slug)
    return {
        **summary(claim, judgement),
        "kind": claim.kind,
        "provenance": claim.provenance,
        "statement": claim.statement,
        "parts": list(claim.parts),
        "reading": claim.reading,
        "reason": claim.reason,
        "corrects": claim.corrects,
        "gaps": list(judgement.gaps),
        "assumptions": [{"key": a.key, "text": a.text, "not_shown": a.not_shown} for a in claim.assumptions],
        "evidence": [_evidence(row) for row in rows] + _waiting(claim, rows),
        "necessity": [{**said.model_dump(), "nodeid": row.nodeid} for row in rows for said in row.necessity],
        "corrected": None
        if correction is None
        else {
            "slug": correction.slug,
            "statement": correction.statement,
            "verdict": judge(correction, results, claims).verdict,
        },
    }


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
    left_out = {"slug", "digests", "charts", "necessity", "outcome"}
    return {"outcome": state or row.outcome, **row.model_dump(mode="json", exclude=left_out)}
