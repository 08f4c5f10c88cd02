"""Stored results: the schema is strict, writing is atomic, merging replaces a row by its successor."""

import json
import os
import stat
from pathlib import Path

import pytest
from pydantic import ValidationError

from icl_claims.claims import results
from icl_claims.claims.results import Figure, Results, Row, Tightness, UnreadableResults
from tests.shared.rows import passed

ROW = passed("tests/test_a.py::test_claim_a", "a", summary="Σ ⪰ 0.")
OTHER = ROW.model_copy(update={"nodeid": "tests/test_a.py::test_claim_b"})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "build" / "claims.json"


def test_what_is_written_is_read_back(path):
    held = {
        "figures": (Figure(name="f", value="1/3"),),
        "tightness": Tightness(ratio="2"),
        "digests": {"x": "1"},
    }
    row = ROW.model_copy(update=held)
    results.write(path, Results(rows=(row, OTHER)))
    assert results.read(path) == Results(rows=(row, OTHER))


def test_no_file_is_no_results(path):
    assert results.read(path) == Results()


def test_rows_are_written_in_the_order_of_node_ids_whatever_order_they_ran_in(path):
    results.write(path, Results(rows=(ROW, OTHER)))
    one = path.read_bytes()
    results.write(path, Results(rows=(OTHER, ROW)))
    assert path.read_bytes() == one


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "must hold results of schema 2"),
        ('{"rows": [{"slug": "a"}]}', "must hold results of schema 2"),
        ('{"schema_version": 2, "rows": [], "verdicts": {}}', "must hold results of schema 2"),
        ('{"schema_version": 3, "rows": []}', "must have schema_version 2, got 3"),
    ],
)
def test_results_of_another_shape_are_refused_with_a_way_out(path, text, message):
    results.write_text(path, text)
    with pytest.raises(UnreadableResults, match=message) as caught:
        results.read(path)
    assert str(path) in str(caught.value)
    assert "delete it and run 'make verify'" in str(caught.value)


CHANGES = [{"grade": "proved"}, {"level": "slow"}, {"outcome": "xfailed"}, {"note": "n"}]


@pytest.mark.parametrize("change", CHANGES)
def test_rows_are_strict(change):
    with pytest.raises(ValidationError):
        Row.model_validate({**ROW.model_dump(), **change})


def test_merge_replaces_by_node_and_claim_and_keeps_the_rest():
    failed = ROW.model_copy(update={"outcome": "failed"})
    same_test_other_claim = ROW.model_copy(update={"slug": "b"})
    merged = results.merge(Results(rows=(ROW, OTHER, same_test_other_claim)), (failed,))
    assert merged.rows == (failed, OTHER, same_test_other_claim)


def test_quick_results_leave_out_full_rows():
    full = OTHER.model_copy(update={"level": "full"})
    assert Results(rows=(ROW, full)).at("quick").rows == (ROW,)
    assert Results(rows=(ROW, full)).at("full").rows == (ROW, full)


def test_a_write_that_fails_leaves_the_old_file_and_no_other(path, monkeypatch):
    results.write(path, Results(rows=(ROW,)))
    before = path.read_bytes()

    def broken(source, target):
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", broken)
    with pytest.raises(OSError, match="disk full"):
        results.write(path, Results())
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == ["claims.json"]


def test_the_file_is_replaced_by_a_rename_of_a_whole_one(path, monkeypatch):
    """What a reader can open at any moment is complete: the new text is all there before the rename."""
    seen = []
    rename = os.replace

    def watched(source, target):
        seen.append((json.loads(Path(source).read_text(encoding="utf-8"))["schema_version"], Path(target)))
        rename(source, target)

    monkeypatch.setattr(os, "replace", watched)
    results.write(path, Results(rows=(ROW,)))
    assert seen == [(results.SCHEMA, path)]


def test_others_may_read_the_file(path):
    results.write(path, Results())
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
