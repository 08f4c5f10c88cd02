"""The table of verdicts: what stands in its cells, and colours for a terminal only."""

from __future__ import annotations

from icl_claims.claims.table import verdict_lines
from icl_claims.claims.verdicts import Judgement

UNKNOWN = Judgement(
    slug="one",
    verdict="unverified",
    grade=None,
    range="",
    mutants_killed=0,
    mutants=0,
    tightness=None,
    gaps=("no evidence has run",),
    stale=False,
)
KNOWN = Judgement(
    slug="two",
    verdict="holds",
    grade="proof",
    range="all n",
    mutants_killed=3,
    mutants=4,
    tightness=None,
    gaps=(),
    stale=False,
)


def test_what_is_not_known_is_a_dash() -> None:
    rows = [line.split() for line in verdict_lines([UNKNOWN, KNOWN])[2:]]
    assert rows == [["unverified", "-", "-", "-", "one"], ["holds", "proof", "3/4", "all", "n", "two"]]


def test_colours_are_asked_for() -> None:
    plain, coloured = (verdict_lines([KNOWN], color) for color in (False, True))
    assert not any("\x1b" in line for line in plain)
    assert any("\x1b[32m" in line for line in coloured)
