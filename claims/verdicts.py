"""Verdicts: computed from the claim and its evidence, never typed.

What each verdict means is said once, in :data:`VERDICT_MEANING`; every report and legend takes it from there.
The worst evidence wins over the best: one refutation outweighs every confirmation. A claim holds only while every
claim that it rests on holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, get_args

from icl_claims.claims.claim import Claim, Severity
from icl_claims.claims.results import GRADES, Grade, Results, Row, Scale

Verdict = Literal["holds", "holds-corrected", "refuted", "supported", "doubted", "open", "unverified"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)

VERDICT_MEANING: dict[Verdict, str] = {
    "holds": "every part of the statement is established over its whole range",
    "holds-corrected": "false as written; the corrected statement is linked and holds",
    "refuted": "a counterexample is stored, exact or with an error probability of at most one in a million",
    "supported": "only statistical or trained evidence, or a bounded range for an unbounded statement",
    "doubted": "weaker or trained evidence speaks against it, and nothing conclusive",
    "open": "checked, undecided: a check failed, or a claim that it rests on does not hold",
    "unverified": "no evidence counts: none ran, it was skipped or refused, it is stale, or the claim is incomplete",
}

CONCLUSIVE: frozenset[Grade] = frozenset({"proof", "argument", "exact", "certified", "float"})
"""Grades that establish a part over their range; the others only support it."""

REFUTING_ERROR_PROBABILITY = 1e-6
"""Up to this error probability sampled evidence refutes; beyond it, and for trained models, it raises doubt."""

MUTANTS_REQUIRED = 3
"""How many false variants the deciding checks of one claim must refuse before the claim counts as checked."""

PartState = Literal["holds", "supported", "refuted", "doubted", "failed", "undecided"]


@dataclass(frozen=True)
class Judgement:
    """The verdict on a claim, with the figures that the tables show.

    ``grade`` is that of the weakest part, each part taken at its strongest evidence; ``parts`` says what became of
    each part; ``gaps`` lists what the claim still owes (it is ``unverified`` while it owes anything). ``scale`` is
    that of the trained models among the deciding evidence. ``mutants`` counts each mutant once, from evidence that
    decides a part. ``necessity_decided`` of ``assumptions`` are shown necessary or dispensable. ``fallen`` names
    the claims that it rests on and that do not hold, ``not_run`` those without a stored result. ``deciding`` are the
    node ids of the rows that the verdict rests on.
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
    severity: Severity | None = None
    scale: Scale | None = None
    parts: tuple[tuple[str, PartState], ...] = ()
    necessity_decided: int = 0
    assumptions: int = 0
    fallen: tuple[str, ...] = ()
    not_run: tuple[str, ...] = ()
    deciding: tuple[str, ...] = ()


def judge(claim: Claim, results: Results, registry: Mapping[str, Claim]) -> Judgement:
    """The verdict on one claim.

    A claim whose counterexample is stored is ``holds-corrected`` when a claim that corrects it is
    registered and itself holds.
    """
    rows = results.of(claim.slug)
    about = [row for row in rows if not row.reading]
    counted = [row for row in about if counts(row)]
    parts = {part: _state(part, counted) for part in claim.parts}
    deciding = _deciding(claim, counted, parts)
    gaps = _gaps(claim, rows, counted, parts, deciding)
    killed = {mutant.name: mutant.killed for row in deciding for mutant in row.mutants}
    tight = [row.tightness for row in counted if row.tightness is not None]
    addressed = {said.assumption for row in counted for said in row.necessity}
    verdict = _verdict(claim, counted, parts, gaps, results, registry)
    shown = [] if verdict == "unverified" else deciding
    own = Judgement(
        slug=claim.slug,
        verdict=verdict,
        grade=max((row.grade for row in shown), key=GRADES.index, default=None),
        range="; ".join(dict.fromkeys(row.range for row in shown)),
        mutants_killed=sum(killed.values()),
        mutants=len(killed),
        tightness="; ".join(t.ratio for t in tight) or None,
        gaps=gaps,
        stale=any(row.stale for row in rows),
        scale=max((row.scale for row in deciding if row.scale), key=get_args(Scale).index, default=None),
        parts=tuple(parts.items()),
        necessity_decided=len(addressed & {a.key for a in claim.assumptions}),
        assumptions=len(claim.assumptions),
        deciding=tuple(row.nodeid for row in deciding),
    )
    if own.verdict in ("refuted", "holds-corrected"):
        own = replace(own, severity=claim.severity)
    return _resting(own, claim, results, registry)


def judge_all(results: Results, registry: Mapping[str, Claim]) -> dict[str, Judgement]:
    """The verdicts on every registered claim, in the order of the registry."""
    return {slug: judge(claim, results, registry) for slug, claim in registry.items()}


def counts(row: Row) -> bool:
    """Whether a row says anything: it ran, on the files as they are now, and what it offered is evidence."""
    return not row.stale and row.outcome not in ("skipped", "refused")


def refutes(row: Row) -> bool:
    """Whether this evidence alone refutes: of grade float or better, or sampled with a small error probability."""
    if not row.refutes or row.outcome == "failed":
        return False
    sampled = row.grade == "statistical" and (row.error_probability or 1.0) <= REFUTING_ERROR_PROBABILITY
    return row.grade in CONCLUSIVE or sampled


def _state(part: str, counted: list[Row]) -> PartState:
    """What the evidence that counts says about one part, the worst first."""
    rows = [row for row in counted if part in row.parts]
    if any(row.outcome == "failed" for row in rows):
        return "failed"
    if any(refutes(row) for row in rows):
        return "refuted"
    if any(row.refutes for row in rows):
        return "doubted"
    if not rows:
        return "undecided"
    best = _strongest(rows)
    return "holds" if best.complete and best.grade in CONCLUSIVE else "supported"


def _deciding(claim: Claim, counted: list[Row], parts: Mapping[str, PartState]) -> list[Row]:
    """The rows that the verdict rests on, each once."""
    if any(row.outcome == "failed" for row in counted):
        return [row for row in counted if row.outcome == "failed"]
    found: list[Row] = []
    if "refuted" in parts.values():
        found = [row for row in counted if refutes(row)]
    elif "doubted" in parts.values():
        found = [row for row in counted if row.refutes]
    else:
        for part in claim.parts:
            if rows := [row for row in counted if part in row.parts]:
                found.append(_strongest(rows))
    return list({row.nodeid: row for row in found}.values())


def _verdict(
    claim: Claim,
    counted: list[Row],
    parts: Mapping[str, PartState],
    gaps: tuple[str, ...],
    results: Results,
    registry: Mapping[str, Claim],
) -> Verdict:
    if not counted or claim.draft:
        return "unverified"
    if any(row.outcome == "failed" for row in counted):
        return "open"
    if gaps:
        return "unverified"
    states = set(parts.values())
    if "refuted" in states:
        correction = next((c for c in registry.values() if c.corrects == claim.slug), None)
        holds = correction is not None and judge(correction, results, registry).verdict == "holds"
        return "holds-corrected" if holds else "refuted"
    if "doubted" in states:
        return "doubted"
    return "holds" if states == {"holds"} else "supported"


def _resting(own: Judgement, claim: Claim, results: Results, registry: Mapping[str, Claim]) -> Judgement:
    """The same, held against the claims that it rests on: open where one of them fell."""
    below = [judge(registry[slug], results, registry) for slug in claim.rests_on]
    not_run = tuple(other.slug for other in below if not results.of(other.slug))
    fallen = tuple(other.slug for other in below if other.verdict != "holds" and other.slug not in not_run)
    owed = tuple(
        f"rests on {other.slug}: {other.gaps[0]}" for other in below if other.gaps and other.slug in fallen
    )
    if own.verdict not in ("holds", "supported"):
        return replace(own, fallen=fallen, not_run=not_run)
    if owed:
        return replace(
            own, verdict="unverified", grade=None, range="", gaps=owed, fallen=fallen, not_run=not_run
        )
    return replace(own, verdict="open" if fallen else own.verdict, fallen=fallen, not_run=not_run)


def _strongest(rows: list[Row]) -> Row:
    """The row that says most about a part: complete before bounded, then by grade."""
    return min(rows, key=lambda row: (not row.complete, GRADES.index(row.grade)))


def _gaps(
    claim: Claim,
    rows: tuple[Row, ...],
    counted: list[Row],
    parts: Mapping[str, PartState],
    deciding: list[Row],
) -> tuple[str, ...]:
    """What the claim owes before a verdict may be given: parts, lemmas, teeth, necessity, counterexamples.

    A stale row of level full just does not count: it opens no gap where the rest is complete, since
    every quick run after an edit would otherwise leave such a claim unverified.
    """
    if not rows:
        return (claim.reason or "no evidence has run",)
    gaps = [f"skipped: {row.nodeid}" for row in rows if row.outcome == "skipped"]
    gaps += [f"no evidence: {row.nodeid}: {row.message}" for row in rows if row.outcome == "refused"]
    gaps += [f"stale: {row.nodeid}" for row in rows if row.stale and row.level == "quick"]
    gaps += [f"mutant survives: {m.name}" for row in counted for m in row.mutants if not m.killed]
    gaps += [
        f"{row.grade} without lemmas: {row.nodeid}"
        for row in counted
        if row.grade in ("proof", "argument") and row.parts and not row.lemmas and not row.refutes
    ]
    gaps += [
        f"mutant of a sampled check without its power: {mutant.name}"
        for row in counted
        if row.grade == "statistical"
        for mutant in row.mutants
        if mutant.power is None
    ]
    if "refuted" in parts.values():
        gaps += _gaps_of_a_refutation(claim, [row for row in deciding if row.outcome != "failed"])
    elif "doubted" not in parts.values():
        gaps += [f"part {part}: no evidence decides it" for part in claim.parts if parts[part] == "undecided"]
        gaps += [f"deciding check without mutants: {row.nodeid}" for row in deciding if not row.mutants]
        killed = len({m.name for row in deciding for m in row.mutants if m.killed})
        if killed < MUTANTS_REQUIRED:
            gaps.append(f"{killed} mutants killed, {MUTANTS_REQUIRED} required")
        gaps += _assumptions_not_addressed(claim, counted)
    if gaps:
        gaps += [f"stale: {row.nodeid}" for row in rows if row.stale and row.level == "full"]
    return tuple(gaps)


def _gaps_of_a_refutation(claim: Claim, refuting: list[Row]) -> list[str]:
    """A refutation needs an instance and a severity. What the assumptions are for, its correction says."""
    gaps = [] if claim.severity is not None else ["severity of what is false is not stated"]
    if claim.kind == "theory":
        shown = {(row.nodeid, found.part) for row in refuting for found in row.counterexamples}
        gaps += [
            f"part {part}: refuted without a counterexample"
            for row in refuting
            for part in row.parts
            if (row.nodeid, part) not in shown
        ]
    return gaps


def _assumptions_not_addressed(claim: Claim, counted: list[Row]) -> list[str]:
    addressed = {said.assumption for row in counted for said in row.necessity}
    return [
        f"assumption {assumption.key}: necessity not addressed"
        for assumption in claim.assumptions
        if assumption.not_shown is None and assumption.key not in addressed
    ]
