"""Stored results: one row per evidence, in ``build/claims.json``, the one source of every report.

The schema is versioned. A row says what one pytest test established about one claim, with which
figures, and carries the digests of the files that it rests on; a row whose files have changed
since is *stale* and counts for nothing until it runs again.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, ValidationError

from icl_claims.files import replacing

SCHEMA = 2

Grade = Literal["proof", "argument", "exact", "certified", "float", "statistical", "trained"]
Level = Literal["quick", "full"]
Outcome = Literal["passed", "failed", "skipped", "refused"]
Scale = Literal["paper", "small"]

GRADES: tuple[Grade, ...] = get_args(Grade)
"""Strongest first."""

GRADE_MEANING: dict[Grade, str] = {
    "proof": "the program checks every step, all parameters symbolic; cited theorems are listed",
    "argument": "a written proof over the whole range: numbered lemmas, each with what checks it and to what size",
    "exact": "exact arithmetic at the listed parameters",
    "certified": "an interval or rational enclosure over a box",
    "float": "floating point with a derived error bound",
    "statistical": "sampled, with a stated error probability",
    "trained": "observed on a trained model",
}


STEP_MEANING: dict[str, str] = {
    "induction": "induction on a checked step",
    "compactness": "continuity and compactness",
    "convexity": "convexity",
    "citation": "a cited theorem",
    "symmetry": "invariance under a checked symmetry",
    "claim": "another claim",
}
"""The kinds of prose that may carry a lemma beyond what its check decides."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Figure(_Strict):
    """One number that a check produced. ``exact`` ones are the same on every machine."""

    name: str
    value: str
    exact: bool = True


class Mutant(_Strict):
    """A false variant of the statement: whether the check refused it and why, and where it is seen to be false.

    ``false_at`` names an instance and the mutant's margin there. It is empty for experiments, whose criteria are read
    off the data that the check reads. ``power`` is that of a check on samples: a lower bound of the probability that
    it refuses this mutant.
    """

    name: str
    killed: bool
    reason: str = ""
    false_at: str = ""
    power: float | None = None


class Necessity(_Strict):
    """What happens when one assumption is dropped.

    ``necessary``: ``instance`` satisfies the others and violates ``part``. Dispensable: ``instance`` says what was
    checked without the assumption, and ``part`` is empty.
    """

    assumption: str
    necessary: bool
    instance: str
    part: str = ""


class Counterexample(_Strict):
    """An instance that satisfies every assumption and violates a part of the claim, by ``margin``."""

    part: str
    instance: str
    margin: str


class LemmaRow(_Strict):
    """One numbered lemma of a derivation as the run checked it."""

    number: int
    statement: str
    proof: str
    checked_by: str | None
    reach: str
    step: str | None
    cites: tuple[str, ...] = ()
    claim: str | None = None


class Tightness(_Strict):
    """For an inequality: infimum of larger/smaller side over the range; where it first says anything."""

    ratio: str
    vacuous_until: str | None = None


class Series(_Strict):
    """One curve or point set of a chart. Series of one ``group`` share a colour."""

    label: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    style: Literal["line", "points", "dashed"] = "line"
    group: str | None = None


class Chart(_Strict):
    """A figure for the report. Labels may hold TeX between dollar signs."""

    title: str
    caption: str
    x_label: str
    y_label: str
    x_scale: Literal["linear", "log"] = "linear"
    y_scale: Literal["linear", "log"] = "linear"
    series: tuple[Series, ...]


class Row(_Strict):
    """What one test established about one claim.

    The outcome ``refused`` says that what the test offers is no evidence, so that nothing was checked.

    ``reading`` names another reading of the print, where the row is about that and not about the judged statement.
    """

    nodeid: str
    slug: str
    parts: tuple[str, ...]
    grade: Grade
    range: str
    complete: bool
    refutes: bool
    level: Level
    outcome: Outcome
    summary: str
    message: str = ""
    figures: tuple[Figure, ...] = ()
    mutants: tuple[Mutant, ...] = ()
    necessity: tuple[Necessity, ...] = ()
    counterexamples: tuple[Counterexample, ...] = ()
    lemmas: tuple[LemmaRow, ...] = ()
    scale: Scale | None = None
    error_probability: float | None = None
    reading: str = ""
    tightness: Tightness | None = None
    charts: tuple[Chart, ...] = ()
    digests: dict[str, str] = {}
    stale: bool = False


class Results(_Strict):
    """The content of ``build/claims.json``."""

    schema_version: int = SCHEMA
    rows: tuple[Row, ...] = ()

    def of(self, slug: str) -> tuple[Row, ...]:
        """The rows that bear on one claim."""
        return tuple(row for row in self.rows if row.slug == slug)

    def at(self, level: Level) -> Results:
        """What a run at this level establishes: ``full`` is everything, ``quick`` only the quick rows."""
        return (
            self if level == "full" else Results(rows=tuple(row for row in self.rows if row.level == level))
        )


class UnreadableResults(ValueError):
    """The stored results are not of this schema."""


def read(path: Path) -> Results:
    """The stored results, empty where there are none yet.

    Raises:
        UnreadableResults: the file is no JSON of this schema version.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Results()
    try:
        results = Results.model_validate_json(text)
    except ValidationError as error:
        raise UnreadableResults(
            f"{path} must hold results of schema {SCHEMA} ({error.errors()[0]['msg']}); "
            "delete it and run 'make verify'"
        ) from None
    if results.schema_version != SCHEMA:
        raise UnreadableResults(
            f"{path} must have schema_version {SCHEMA}, got {results.schema_version}; "
            "delete it and run 'make verify'"
        )
    return results


def write(path: Path, results: Results) -> None:
    """Write the results atomically, rows in the order of their node ids."""
    ordered = Results(rows=tuple(sorted(results.rows, key=lambda row: (row.nodeid, row.slug))))
    write_text(path, ordered.model_dump_json(indent=1) + "\n")


def write_text(path: Path, text: str) -> None:
    """Replace a file in one step: readers see the old text or the new, never a part."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def merge(stored: Results, fresh: tuple[Row, ...]) -> Results:
    """Stored rows with the fresh ones put in the place of their predecessors."""
    rows = {(row.nodeid, row.slug): row for row in stored.rows}
    rows.update({(row.nodeid, row.slug): row for row in fresh})
    return Results(rows=tuple(rows.values()))
