"""What the rows about another reading of the print say of it."""

from __future__ import annotations

from typing import Any

import pytest

from icl_claims.claims.dossier import reading_state
from tests.shared.rows import passed

DOUBT = {"refutes": True, "grade": "statistical", "error_probability": 0.4}


@pytest.mark.parametrize(
    ("rows", "state"),
    [
        ([], "undecided"),
        ([{"outcome": "failed"}], "undecided"),
        ([{"stale": True}], "undecided"),
        ([{}], "true"),
        ([{"complete": False}], "supported"),
        ([{"grade": "statistical"}], "supported"),
        ([{"complete": False}, {}], "true"),
        ([{}, DOUBT], "doubted"),
        ([DOUBT, {}, {"refutes": True}], "false"),
    ],
)
def test_the_worst_row_that_counts_decides_a_reading(rows: list[dict[str, Any]], state: str) -> None:
    about = [passed(f"tests/a.py::test_claim_{k}", "sum", **row) for k, row in enumerate(rows)]
    assert reading_state(about) == state
