"""Verdicts: computed from the claim and its evidence, never typed.

What each verdict means is said once, in :data:`VERDICT_MEANING`; every report and legend takes it from there.
The worst evidence wins over the best: one refutation outweighs every confirmation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from icl_claims.claims.claim import Claim
from icl_claims.claims.results import GRADES, Grade, Results, Row

Verdict = Literal["holds", "holds-corrected", "refuted", "supported", "open", "unverified"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)

VERDICT_MEANING: dict[Verdict, str] = {
    "holds": "every part of the statement is established over its whole range",
    "holds-corrected": "false as written; the corrected statement is linked and holds",
    "refuted": "a counterexample is stored",
    "supported": "only statistical or trained evidence, or a bounded range for an unbounded statement",
    "open": "checked, undecided: a check failed",
    "unverified": "no evidence counts: none ran, it was skipped, it is stale, or the claim is incomplete",
}

CONCLUSIVE: frozenset[Grade] = frozenset({"proof", "exact", "certified", "float"})
"""Grades that establish a part over their range; the others only support it."""

MUTANTS_REQUIRED = 3
"""How many false variants the checks of one claim must reject before the claim counts as checked."""


@dataclass(frozen=True)
class Judgement:
    """The verdict on a claim, with the figures that the tables show.

    ``grade`` is that of the weakest part, each part taken at its strongest evidence; ``gaps`` lists
    what the claim still owes (it is ``unverified`` while it owes anything).
    """

    slug: str
    verdict: Verdict
    grade: Grade | None
    range: str
    mutants_killed: int
    mutants: int
    tightness: str | None
    gaps: tuple[str, ...]
    stale: bool


def judge(claim: Claim, results: Results, registry: Mapping[str, Claim]) -> Judgement:
    """The verdict on one claim.

    A claim whose counterexample is stored is ``holds-corrected`` when a claim that corrects it is
    registered and itself holds.
    """
    rows = results.of(claim.slug)
    counted = [row for row in rows if not row.stale and row.outcome != "skipped"]
    gaps = _gaps(claim, rows, counted)
    verdict, deciding = _verdict(claim, counted, gaps, results, registry)
    mutants = {(row.nodeid, mutant.name): mutant.killed for row in counted for mutant in row.mutants}
    tight = [row.tightness for row in counted if row.tightness is not None]
    return Judgement(
        slug=claim.slug,
        verdict=verdict,
        grade=_grade(deciding),
        range="; ".join(dict.fromkeys(row.range for row in deciding)),
        mutants_killed=sum(mutants.values()),
        mutants=len(mutants),
        tightness="; ".join(t.ratio for t in tight) or None,
        gaps=gaps,
        stale=any(row.stale for row in rows),
    )


def judge_all(results: Results, registry: Mapping[str, Claim]) -> dict[str, Judgement]:
    """The verdicts on every registered claim, in the order of the registry."""
    return {slug: judge(claim, results, registry) for slug, claim in registry.items()}


def _verdict(
    claim: Claim, counted: list[Row], gaps: tuple[str, ...], results: Results, registry: Mapping[str, Claim]
) -> tuple[Verdict, list[Row]]:
    if not counted:
        return "unverified", []
    if any(row.outcome == "failed" for row in counted):
        return "open", [row for row in counted if row.outcome == "failed"]
    if gaps:
        return "unverified", []
    refutations = [row for row in counted if row.refutes]
    if refutations:
        correction = next((c for c in registry.values() if c.corrects == claim.slug), None)
        if correction is not None and judge(correction, results, registry).verdict == "holds":
            return "holds-corrected", refutations
        return "refuted", refutations
    best = [_strongest([row for row in counted if part in row.parts]) for part in claim.parts]
    conclusive = all(row.complete and row.grade in CONCLUSIVE for row in best)
    return ("holds" if conclusive else "supported"), best


def _strongest(rows: list[Row]) -> Row:
    """The row that says most about a part: complete before bounded, then by grade."""
    return min(rows, key=lambda row: (not row.complete, GRADES.index(row.grade)))


def _grade(deciding: list[Row]) -> Grade | None:
    return max((row.grade for row in deciding), key=GRADES.index) if deciding else None


def _gaps(claim: Claim, rows: tuple[Row, ...], counted: list[Row]) -> tuple[str, ...]:
    """What the claim owes before a verdict may be given: parts, teeth, necessity.

    A stale row of level full just does not count: it opens no gap where the rest is complete, since
    every quick run after an edit would otherwise leave such a claim unverified.
    """
    if not rows:
        return (claim.reason or "no evidence has run",)
    gaps = [f"skipped: {row.nodeid}" for row in rows if row.outcome == "skipped"]
    gaps += [f"stale: {row.nodeid}" for row in rows if row.stale and row.level == "quick"]
    refuted = any(row.refutes for row in counted)
    decided = {part for row in counted for part in row.parts}
    if not refuted:
        gaps += [f"part {part}: no evidence decides it" for part in claim.parts if part not in decided]
    survivors = [mutant.name for row in counted for mutant in row.mutants if not mutant.killed]
    gaps += [f"mutant survives: {name}" for name in survivors]
    killed = sum(mutant.killed for row in counted for mutant in row.mutants)
    if killed < MUTANTS_REQUIRED:
        gaps.append(f"{killed} mutants killed, {MUTANTS_REQUIRED} required")
    addressed = {necessity.assumption for row in counted for necessity in row.necessity}
    gaps += [
        f"assumption {assumption.key}: necessity not addressed"
        for assumption in claim.assumptions
        if assumption.not_shown is None and assumption.key not in addressed
    ]
    if gaps:
        gaps += [f"stale: {row.nodeid}" for row in rows if row.stale and row.level == "full"]
    return tuple(gaps)
