"""What the reports say about each claim: its record, its verdict, its rows and what these found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from icl_claims.claims.claim import Assumption, Claim
from icl_claims.claims.results import Chart, Mutant, Necessity, Results, Row, Tightness
from icl_claims.claims.verdicts import Judgement, judge_all

Standing = Literal["necessary", "dispensable", "disputed", "not shown necessary", "not addressed"]


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
        """The rows that the verdict rests on: neither stale nor skipped."""
        return tuple(row for row in self.rows if not row.stale and row.outcome != "skipped")

    @property
    def mutants(self) -> tuple[Mutant, ...]:
        """The distinct mutants of the counted rows."""
        return tuple(dict.fromkeys(mutant for row in self.counted for mutant in row.mutants))

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
            yield Hypothesis(assumption, _standing(assumption, findings), findings)

    @property
    def charts(self) -> Iterator[tuple[str, Chart]]:
        """The charts with the prefix of their ids; no slug holds a hyphen, so no two share one."""
        charts = (chart for row in self.rows for chart in row.charts)
        for number, chart in enumerate(charts):
            yield f"{self.claim.slug}-chart-{number}-", chart


def _standing(assumption: Assumption, findings: tuple[Necessity, ...]) -> Standing:
    said = {finding.necessary for finding in findings}
    if said == {True, False}:
        return "disputed"
    if said:
        return "necessary" if said == {True} else "dispensable"
    return "not addressed" if assumption.not_shown is None else "not shown necessary"


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
