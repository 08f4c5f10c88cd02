"""Stored rows of evidence for tests of what is made of them."""

from __future__ import annotations

from typing import Any

from icl_claims.claims.results import Row


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
    )
    return row.model_copy(update=changes)
