"""Results of mutants: stored line by line, set against the list of equivalent mutants, and summed up."""

from __future__ import annotations

import json
import tomllib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from statistics import NormalDist
from typing import Any, Literal

from tests import ROOT
from tests.mutants.operators import Mutant
from tests.mutants.reach import digest

STORED = ROOT / "build" / "mutants.jsonl"
EQUIVALENT = ROOT / "tests" / "mutants" / "equivalent.toml"

MOST_EQUIVALENT = 0.03
"""The share of a sample that may be on the list of equivalent mutants."""

Outcome = Literal["killed", "survived", "timeout", "equivalent"]
OUTCOMES: tuple[Outcome, ...] = ("killed", "survived", "timeout", "equivalent")


@dataclass(frozen=True)
class Result:
    """What became of a mutant; ``by`` is the test that killed it or took too long, or the reason on the list."""

    mutant: Mutant
    outcome: Outcome
    by: str = ""


# ---------------------------------------------------------------------- stored


class Store:
    """Results in a file of JSON lines: each is written when it is known, the last one counts.

    A kill holds while the mutated file and the file of the test that killed are as they were; a mutant that survived
    or ran into a time limit counts only while no source and no test has changed.
    """

    def __init__(self, state: str, path: Path = STORED) -> None:
        self._path, self._state = path, state
        self._lines: dict[str, dict[str, Any]] = {}
        if path.is_file():
            for line in path.read_text(encoding="utf-8").splitlines():
                try:
                    content = json.loads(line)
                    self._lines[content["key"]] = content
                except (ValueError, KeyError, TypeError):
                    continue  # A line that an interrupt cut.

    def get(self, mutant: Mutant) -> Result | None:
        """The stored result of a mutant that still counts."""
        found = self._lines.get(_key(mutant))
        if found is None:
            return None
        if found["outcome"] == "killed":
            counts = found["by_digest"] == digest(_file(found["by"]))
        else:
            counts = found["state"] == self._state
        return Result(mutant, found["outcome"], found["by"]) if counts else None

    def put(self, result: Result) -> None:
        """Append a result."""
        content = {
            "key": _key(result.mutant),
            "outcome": result.outcome,
            "by": result.by,
            "by_digest": digest(_file(result.by)),
            "state": self._state,
        }
        self._lines[content["key"]] = content
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(content) + "\n")


def _key(mutant: Mutant) -> str:
    edit = (
        mutant.file,
        mutant.function,
        mutant.operator,
        mutant.start,
        mutant.end,
        mutant.text,
        digest(mutant.file),
    )
    return json.dumps(edit)


def _file(test: str) -> str:
    return test.partition("::")[0]


# ---------------------------------------------------------------------- equivalent mutants


@dataclass(frozen=True)
class Equivalent:
    """An entry of the list: the mutants of a function that change the line ``before`` to ``after``, and the reason."""

    file: str
    function: str
    before: str
    after: str
    reason: str

    def covers(self, mutant: Mutant) -> bool:
        """Whether the mutant is one of these."""
        return (self.file, self.function, self.before, self.after) == (
            mutant.file,
            mutant.function,
            mutant.before,
            mutant.after,
        )


def equivalents(path: Path = EQUIVALENT) -> list[Equivalent]:
    """The list of equivalent mutants."""
    return [
        Equivalent(**entry) for entry in tomllib.loads(path.read_text(encoding="utf-8")).get("mutant", [])
    ]


def reason(mutant: Mutant, listed: Iterable[Equivalent]) -> str:
    """Why a mutant is equivalent; "" where the list does not have it."""
    return next((entry.reason for entry in listed if entry.covers(mutant)), "")


# ---------------------------------------------------------------------- summed up


def interval(killed: int, tried: int, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson's interval for a share of which ``killed`` in ``tried`` were seen; [0, 1] where none was tried."""
    if tried == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share, spread = killed / tried, z * z / tried
    middle = (share + spread / 2) / (1 + spread)
    half = sqrt(share * (1 - share) * spread + spread * spread / 4) / (1 + spread)
    return max(0.0, middle - half), min(1.0, middle + half)


@dataclass(frozen=True)
class Summary:
    """Counts of a folder, and the share of kills among those that were killed or survived."""

    name: str
    killed: int
    survived: int
    timeout: int
    equivalent: int

    @property
    def tried(self) -> int:
        """How many were killed or survived: a time limit decides nothing."""
        return self.killed + self.survived

    @property
    def rate(self) -> float | None:
        """The share of kills; None where nothing was tried."""
        return self.killed / self.tried if self.tried else None

    def as_json(self) -> dict[str, Any]:
        """Counts, rate and interval."""
        counts = {outcome: getattr(self, outcome) for outcome in OUTCOMES}
        return {**counts, "rate": self.rate, "interval": list(interval(self.killed, self.tried))}


def summaries(results: Sequence[Result]) -> list[Summary]:
    """One summary for each folder, and the last for all."""
    folders = list(dict.fromkeys(result.mutant.file.split("/")[0] for result in results))
    chosen = [(f"{name}/", [r for r in results if r.mutant.file.startswith(f"{name}/")]) for name in folders]
    return [
        Summary(name, **{o: Counter(r.outcome for r in part)[o] for o in OUTCOMES})
        for name, part in [*chosen, ("all", list(results))]
    ]


def faults(results: Sequence[Result], at_least: float) -> list[str]:
    """Why the results are not good enough."""
    total = summaries(results)[-1]
    found = []
    if total.rate is not None and total.rate < at_least:
        found.append(f"killed: {total.rate:.1%}, must be at least {at_least:.1%}")
    if total.equivalent > MOST_EQUIVALENT * len(results):
        found.append(
            f"on the list of equivalent mutants: {total.equivalent} of {len(results)}, "
            f"must be at most {MOST_EQUIVALENT:.0%}"
        )
    return found


def as_diff(mutant: Mutant) -> str:
    """The mutant in the form of a unified diff, of the lines that it touches."""
    place = f"--- {mutant.file}\n+++ {mutant.file}  {mutant.operator}\n@@ line {mutant.line}, {mutant.function} @@"
    return f"{place}\n-{mutant.before}\n+{mutant.after}"
