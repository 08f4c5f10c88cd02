"""What the reports say about each claim: its record, its verdict, its rows and what these found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from icl_claims.claims.claim import Assumption, Claim, OtherReading
from icl_claims.claims.dossier import reading_state
from icl_claims.claims.results import (
    Chart,
    Counterexample,
    LemmaRow,
    Mutant,
    Necessity,
    Results,
    Row,
    Tightness,
)
from icl_claims.claims.verdicts import Judgement, counts, judge_all

Standing = Literal["necessary", "dispensable", "disputed", "not tried"]


@dataclass(frozen=True)
class Hypothesis:
    """An assumption of a claim with what the evidence says about dropping it."""

    assumption: Assumption
    standing: Standing
    findings: tuple[Necessity, ...]


@dataclass(frozen=True)
class Section:
    """Everything the reports say about one claim; rows in the order of their node ids."""

    claim: Claim
    judgement: Judgement
    rows: tuple[Row, ...]
    corrected_by: tuple[str, ...]

    @property
    def counted(self) -> tuple[Row, ...]:
        """The rows that the verdict rests on: neither stale, nor skipped or refused."""
        return tuple(filter(counts, self.rows))

    @property
    def mutants(self) -> tuple[Mutant, ...]:
        """The mutants of the rows that decide, each once, whatever else rejects it too."""
        rows = [row for row in self.counted if row.nodeid in self.judgement.deciding]
        return tuple({mutant.name: mutant for row in rows for mutant in row.mutants}.values())

    @property
    def lemmas(self) -> tuple[LemmaRow, ...]:
        """The numbered lemmas of the derivation, as the counted rows checked them."""
        return tuple(dict.fromkeys(lemma for row in self.counted for lemma in row.lemmas))

    @property
    def counterexamples(self) -> tuple[Counterexample, ...]:
        """The instances that refute a part."""
        return tuple(dict.fromkeys(found for row in self.counted for found in row.counterexamples))

    @property
    def other_readings(self) -> Iterator[tuple[OtherReading, str]]:
        """The other readings of the print, each with what its own evidence found."""
        for other in self.claim.other_readings:
            yield other, reading_state([row for row in self.counted if row.reading == other.key])

    @property
    def resting(self) -> Iterator[tuple[str, str]]:
        """The claims that this one rests on, with what the stored results say of each."""
        for slug in self.claim.rests_on:
            not_run = slug in self.judgement.not_run
            yield (
                slug,
                "no stored result" if not_run else "fell" if slug in self.judgement.fallen else "holds",
            )

    @property
    def tightness(self) -> tuple[Tightness, ...]:
        """How tight the counted rows found the inequality."""
        return tuple(row.tightness for row in self.counted if row.tightness is not None)

    @property
    def hypotheses(self) -> Iterator[Hypothesis]:
        """The assumptions in the order of the record."""
        for assumption in self.claim.assumptions:
            findings = tuple(
                necessity
                for row in self.counted
                for necessity in row.necessity
                if necessity.assumption == assumption.key
            )
            yield Hypothesis(assumption, _standing(findings), findings)

    @property
    def charts(self) -> Iterator[tuple[str, Chart]]:
        """The charts with the prefix of their ids; no slug holds a hyphen, so no two share one."""
        charts = (chart for row in self.rows for chart in row.charts)
        for number, chart in enumerate(charts):
            yield f"{self.claim.slug}-chart-{number}-", chart


def _standing(findings: tuple[Necessity, ...]) -> Standing:
    said = {finding.necessary for finding in findings}
    if said == {True, False}:
        return "disputed"
    if said:
        return "necessary" if said == {True} else "dispensable"
    return "not tried"


def sections(results: Results, registry: Mapping[str, Claim]) -> tuple[Section, ...]:
    """One section per registered claim, in the order of the registry, whatever the order of the rows."""
    ordered = Results(rows=tuple(sorted(results.rows, key=lambda row: (row.slug, row.nodeid))))
    judgements = judge_all(ordered, registry)
    return tuple(
        Section(
            claim=claim,
            judgement=judgements[slug],
            rows=ordered.of(slug),
            corrected_by=tuple(other.slug for other in registry.values() if other.corrects == slug),
        )
        for slug, claim in registry.items()
    )
