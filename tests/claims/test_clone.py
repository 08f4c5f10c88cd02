"""The clone around the package: found where there is one, and missed in plain words where there is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from icl_claims.claims import clone, results
from icl_claims.claims.evidence_index import Mark
from icl_claims.claims.results import Results
from tests import ROOT


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The package as it stands in site-packages, beside a user's tests."""
    package = tmp_path / "site-packages" / "icl_claims"
    (package / "claims").mkdir(parents=True)
    (package.parent / "tests").mkdir()
    (package.parent / "tests" / "conftest.py").touch()
    monkeypatch.setattr(clone, "__file__", str(package / "claims" / "clone.py"))
    return package


@pytest.fixture
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone in which nothing has run, the package reached through its link."""
    for folder in ("claims", "tests", "icl_claims"):
        (tmp_path / folder).mkdir()
    (tmp_path / "tests" / "conftest.py").touch()
    (tmp_path / "claims" / "clone.py").touch()
    (tmp_path / "icl_claims" / "claims").symlink_to("../claims")
    monkeypatch.setattr(clone, "__file__", str(tmp_path / "icl_claims" / "claims" / "clone.py"))
    return tmp_path.resolve()


def test_the_clone_is_found_through_the_links() -> None:
    assert clone.find() == clone.root("verify") == ROOT
    assert clone.results_path() == ROOT / "build" / "claims.json"


def test_an_installed_package_has_no_clone(alone: Path) -> None:
    assert clone.find() is None
    assert clone.results_path() is None
    assert clone.stored() == Results()
    with pytest.raises(
        clone.NoClone, match="icl-claims new needs a clone of the repository: this installation, in "
    ):
        clone.root("new")
    assert "in an installed package" in str(clone.nothing_stored())
    assert list(alone.rglob("*")) == [alone / "claims"]


def test_a_fresh_clone_says_that_nothing_has_run_until_something_has(fresh: Path) -> None:
    assert clone.find() == fresh
    assert "Run 'make verify'" in str(clone.nothing_stored())
    row = Mark("x", "proof", "all n", ("statement",), True, False, "quick").row(
        "tests/test_x.py::test_x", "", "passed"
    )
    kept = Results(rows=(row.model_copy(update={"digests": {"tests/test_x.py": "0"}}),))
    results.write(fresh / "build" / "claims.json", kept)
    assert clone.nothing_stored() is None
    assert [row.stale for row in clone.stored().rows] == [True]
