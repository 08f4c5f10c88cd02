"""Counts and intervals, what is stored and for how long, and that the list of equivalent mutants is one."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from tests import ROOT
from tests.mutants import results
from tests.mutants.operators import Mutant, mutants_of
from tests.mutants.results import Equivalent, Result, Store, equivalents, faults, interval, reason, summaries

ONE, TWO, THREE = (
    Mutant(file, "f", "comparison", 3, 20, 21, "<=", "if x < 1:", "if x <= 1:")
    for file in ("theory/a.py", "theory/b.py", "models/a.py")
)


@pytest.mark.parametrize(("killed", "tried"), [(0, 5), (3, 5), (5, 5), (95, 100), (287, 300)])
def test_the_ends_of_the_interval_are_the_shares_at_distance_z(killed: int, tried: int) -> None:
    """Wilson's ends p solve (p̂ - p)² = z² p (1 - p) / n: the difference changes sign within 1e-9 of each."""
    z = Fraction(1.959963984540054)

    def excess(p: Fraction) -> Fraction:
        return (Fraction(killed, tried) - p) ** 2 - z * z * p * (1 - p) / tried

    low, high = map(Fraction, interval(killed, tried))
    assert low <= Fraction(killed, tried) <= high
    near = Fraction(1, 10**9)
    assert excess(low + near) < 0 <= excess(low - near)
    assert excess(high - near) < 0 <= excess(high + near)


def test_nothing_tried_says_nothing() -> None:
    assert interval(0, 0) == (0, 1)
    assert summaries([Result(ONE, "timeout")])[-1].rate is None


def test_a_time_limit_is_no_kill_and_counted_apart() -> None:
    found = [
        Result(ONE, "killed"),
        Result(TWO, "timeout"),
        Result(THREE, "survived"),
        Result(THREE, "equivalent"),
    ]
    theory, models, total = summaries(found)
    assert (theory.name, theory.killed, theory.timeout, theory.rate) == ("theory/", 1, 1, 1)
    assert (models.name, models.survived, models.equivalent, models.rate) == ("models/", 1, 1, 0)
    assert (total.name, total.tried, total.rate) == ("all", 2, 1 / 2)
    assert total.as_json()["timeout"] == 1


def test_too_few_kills_and_too_many_equivalent_ones_are_faults() -> None:
    killed, survived, equivalent = (Result(ONE, o) for o in ("killed", "survived", "equivalent"))
    assert faults([killed] * 19 + [survived], 0.95) == []
    assert faults([killed] * 18 + [survived], 0.95) == ["killed: 94.7%, must be at least 95.0%"]
    assert faults([killed] * 97 + [equivalent] * 3, 0.95) == []
    assert faults([killed] * 96 + [equivalent] * 3, 0.95) == [
        "on the list of equivalent mutants: 3 of 99, must be at most 3%"
    ]


@pytest.fixture
def digests(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Digests of files that a test changes at will."""
    found: dict[str, str] = {}
    monkeypatch.setattr(results, "digest", lambda path: found.get(path, ""))
    return found


def test_a_kill_holds_until_the_source_or_the_killing_test_changes(
    tmp_path: Path, digests: dict[str, str]
) -> None:
    killed = Result(ONE, "killed", "tests/t.py::test_a")
    Store("one", tmp_path / "r").put(killed)
    assert Store("two", tmp_path / "r").get(ONE) == killed
    digests["tests/t.py"] = "changed"
    assert Store("one", tmp_path / "r").get(ONE) is None
    del digests["tests/t.py"]
    digests["theory/a.py"] = "changed"
    assert Store("one", tmp_path / "r").get(ONE) is None


@pytest.mark.parametrize("outcome", ["survived", "timeout"])
def test_what_is_no_kill_holds_until_anything_changes(
    tmp_path: Path, digests: dict[str, str], outcome: results.Outcome
) -> None:
    Store("one", tmp_path / "r").put(Result(ONE, outcome))
    assert Store("one", tmp_path / "r").get(ONE) == Result(ONE, outcome)
    assert Store("two", tmp_path / "r").get(ONE) is None


def test_the_last_line_counts_and_a_cut_one_does_not(tmp_path: Path, digests: dict[str, str]) -> None:
    store = Store("one", tmp_path / "r")
    store.put(Result(ONE, "survived"))
    store.put(Result(ONE, "killed", "tests/t.py::test_a"))
    with (tmp_path / "r").open("a", encoding="utf-8") as stream:
        stream.write('{"key": ')
    assert Store("one", tmp_path / "r").get(ONE) == Result(ONE, "killed", "tests/t.py::test_a")
    assert Store("one", tmp_path / "r").get(TWO) is None


def test_an_entry_covers_one_change_of_one_function() -> None:
    entry = Equivalent("theory/a.py", "f", "if x < 1:", "if x <= 1:", "x is never 1")
    assert reason(ONE, [entry]) == "x is never 1"
    assert reason(TWO, [entry]) == ""


def test_every_entry_of_the_list_has_a_mutant_and_a_reason() -> None:
    listed = equivalents()
    sources = {entry.file: (ROOT / entry.file).read_text(encoding="utf-8") for entry in listed}
    mutants = [mutant for file, source in sources.items() for mutant in mutants_of(file, source)]
    idle = [entry for entry in listed if not any(entry.covers(mutant) for mutant in mutants)]
    assert idle == []
    assert [entry for entry in listed if len(entry.reason.split()) < 4] == []
    assert len({(e.file, e.function, e.before, e.after) for e in listed}) == len(listed)
