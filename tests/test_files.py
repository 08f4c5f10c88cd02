"""Files that are replaced whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from icl_claims.files import replacing


def test_a_file_is_there_once_it_is_whole(tmp_path: Path) -> None:
    """In folders that need not exist; written beside its place, under a name that a listing hides."""
    path = tmp_path / "new" / "newer" / "x.json"
    with replacing(path) as temporary:
        temporary.write_text("whole", encoding="utf-8")
        assert not path.exists()
        assert temporary.parent == path.parent
        assert temporary.name.startswith(".x.json.")
    assert path.read_text(encoding="utf-8") == "whole"
    assert path.stat().st_mode & 0o777 == 0o644
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_a_failure_leaves_the_old_file_alone(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "x.json"
    path.write_text("old", encoding="utf-8")

    def fail() -> None:
        with replacing(path) as temporary:
            temporary.write_text("half", encoding="utf-8")
            raise error

    with pytest.raises(error):
        fail()
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_new_file_takes_the_place_of_the_old(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    for content in ("old", "new"):
        with replacing(path) as temporary:
            temporary.write_text(content, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == "new"
