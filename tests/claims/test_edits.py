"""Edits: the label says what the code does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import pytest
import sympy

from icl_claims.claims import edits
from icl_claims.claims.edits import Edit, changed, inside, item, keyed, plus, substituted, times

x, n = sympy.symbols("x n")


class Pair(NamedTuple):
    """Two fields."""

    first: object
    second: object = 0


@dataclass(frozen=True)
class Record:
    """One field."""

    value: object


def named() -> None:
    pass


@pytest.mark.parametrize(
    ("edit", "label", "mutant"),
    [
        (changed(Pair(1), "r", first=2), "first: 1 → 2", Pair(2)),
        (changed(Record(x), "r", value=x + 1), "value: x → x + 1", Record(x + 1)),
        (changed({"a": 1, "b": 2}, "r", b=3), "b: 2 → 3", {"a": 1, "b": 3}),
        (changed(Pair(1), "r", second=named), "second: 0 → named", Pair(1, named)),
        (item((1, 2, 3), 1, 5, "r"), "[1]: 2 → 5", (1, 5, 3)),
        (item([1, 2], -1, 5, "r"), "[-1]: 2 → 5", [1, 5]),
        (keyed({0: 1, (2, 1): 2}, (2, 1), 5, "r"), "[(2, 1)]: 2 → 5", {0: 1, (2, 1): 5}),
        (substituted(1 / (n + 1), n + 1, n, "r"), "n + 1 → n", 1 / n),
        (plus(x, n, "r"), "+ n", x + n),
        (plus(x, n, "r", name="the loss"), "the loss + n", x + n),
        (times(x, -1, "r"), "× -1", -x),
        (times(x, 2, "r", name="the loss"), "the loss × 2", 2 * x),
        (inside(Pair(x), "first", plus(x, n, "r")), "first: + n", Pair(x + n)),
    ],
    ids=lambda value: getattr(value, "label", ""),
)
def test_label_and_mutant_come_from_one_edit(edit: Edit[object], label: str, mutant: object) -> None:
    assert (edit.label, edit.mutant, edit.refused) == (label, mutant, "r")


def test_instance_and_power_are_kept() -> None:
    inner = changed(Pair(1), "why", first=2, at=Record(3), power=0.5)
    outer = inside(Record(Pair(1)), "value", inner)
    for edit in (inner, outer):
        assert (edit.refused, edit.at, edit.power) == ("why", Record(3), 0.5)
    assert (
        item((1,), 0, 2, "r", at=7).at == substituted(x, x, n, "r", at=7).at == plus(x, n, "r", at=7).at == 7
    )


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: changed(Pair(1), "r", first=2, second=3), "changes one field, got first, second"),
        (lambda: changed(Pair(1), "r"), "changes one field, got none"),
        (lambda: changed(Record(1), "r", other=2), "Record has no field 'other'"),
        (lambda: substituted(x, n, 2, "r"), "n does not stand in x"),
        (lambda: substituted(x, x, x, "r"), "or is replaced by itself"),
        (lambda: changed(Pair(1), "r", first=lambda: 1), "must have a name, got a lambda"),
        (lambda: changed(Pair(1), "r", first=object()), "must print in at most"),
        (lambda: changed(Pair(1), "r", first="y" * (edits.LONGEST + 1)), "must print in at most"),
        (lambda: changed(Pair(1), " ", first=2), "refused must say why"),
    ],
)
def test_an_edit_without_a_plain_label_is_refused(make: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()  # type: ignore[operator]


def test_only_objects_with_fields_are_changed() -> None:
    with pytest.raises(TypeError, match="named tuple, a dataclass or a mapping, got int"):
        changed(1, "r", real=2)
    with pytest.raises(TypeError, match="got type"):
        changed(Record, "r", value=2)
    assert changed(Pair(1), "r", first="y" * edits.LONGEST).mutant.first == "y" * edits.LONGEST
