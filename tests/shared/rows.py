"""Stored rows of evidence for tests of what is made of them."""

from __future__ import annotations

from typing import Any

from icl_claims.claims.results import Counterexample, LemmaRow, Row

LEMMA = LemmaRow(
    number=1,
    statement="$1+1=2$.",
    proof="By counting.",
    checked_by="icl_claims.theory.sums.prove_sum",
    reach="all n",
    step=None,
)
COUNTEREXAMPLE = Counterexample(part="statement", instance="n = 0", margin="-1")


def passed(nodeid: str, slug: str, **changes: Any) -> Row:
    """A proof of a whole claim that passed; its fields but for the changes."""
    row = Row(
        nodeid=nodeid,
        slug=slug,
        parts=("statement",),
        grade="proof",
        range="all n",
        complete=True,
        refutes=False,
        level="quick",
        outcome="passed",
        summary="One and one.",
        lemmas=(LEMMA,),
    )
    return row.model_copy(update=changes)
