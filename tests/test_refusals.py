"""The places that refuse are found, and one that nothing reaches is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from icl_claims.models.forged import Forged
from icl_claims.theory.algebra.exact import Refuted
from tests.shared.refusals import Refusals, refusals, unreached

SOURCE = """
def check(value):
    if value == 1:
        raise Refuted("one")
    if value == 2:
        raise Forged(
            f"two: {value}"
        ) from None
    raise ValueError("Refuted")

@pytest.mark.claim(slug="sum", level="full")
def test_long():
    raise Refuted("long")
"""


def test_each_place_is_found_and_is_reached_on_any_of_its_lines(tmp_path: Path) -> None:
    (tmp_path / "theory").mkdir()
    (tmp_path / "theory" / "check.py").write_text(SOURCE, encoding="utf-8")
    sites = refusals(("theory",), tmp_path)
    assert sites == {
        ("theory/check.py", 4): ("theory/check.py", 4),
        ("theory/check.py", 6): ("theory/check.py", 8),
    }
    assert unreached(set(), sites) == ["theory/check.py:4", "theory/check.py:6"]
    assert unreached({("theory/check.py", 7), ("theory/other.py", 4)}, sites) == ["theory/check.py:4"]


def test_the_refusals_of_this_suite_are_among_them() -> None:
    for folder in ("theory/", "models/"):
        assert len([path for path, _ in refusals() if path.startswith(folder)]) > 20


@pytest.mark.parametrize("kind", [Refuted, Forged])
def test_a_refusal_is_noted_where_it_is_raised(
    kind: type[AssertionError], request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted = request.config.pluginmanager.get_plugin("refusals")
    assert isinstance(noted, Refusals)
    monkeypatch.setattr(noted, "_reached", set())
    with pytest.raises(kind, match="here") as refused:
        raise kind("here")
    here = Path(__file__).name
    assert noted._reached == {(f"tests/{here}", refused.traceback[-1].lineno + 1)}
