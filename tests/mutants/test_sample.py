"""Samples: the same from the same seed, every mutant with the same chance, folders and files in proportion."""

from __future__ import annotations

import subprocess
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from tests.mutants.operators import Mutant, mutants_of
from tests.mutants.sample import NoRevision, changed_since, drawn

SOURCE = "def f(x):\n    return x + 1\n\n\ndef g(x):\n    return -x\n"


def mutants(**files: int) -> list[Mutant]:
    """So many mutants in each file."""
    return [Mutant(f, "f", "", k, k, k, "", "", str(k)) for f, count in files.items() for k in range(count)]


def test_the_same_seed_gives_the_same_sample_and_another_another() -> None:
    population = mutants(a=50, b=30)
    assert drawn(population, 20, 1) == drawn(population, 20, 1)
    assert drawn(population, 20, 1) != drawn(population, 20, 2)
    assert len(set(drawn(population, 20, 1))) == 20


def test_a_sample_as_large_as_everything_is_everything() -> None:
    population = mutants(a=5)
    assert drawn(population, 5, 1) == drawn(population, 6, 1) == population


@pytest.mark.parametrize("seed", range(20))
def test_each_file_has_its_share_to_within_one(seed: int) -> None:
    counts = Counter(mutant.file for mutant in drawn(mutants(a=100, b=47, c=3), 30, seed))
    assert abs(counts["a"] - 20) < 1
    assert abs(counts["b"] - 9.4) < 1
    assert abs(counts["c"] - 0.6) < 1


def test_a_mutant_in_a_small_file_is_drawn_too() -> None:
    drawn_files = Counter(m.file for seed in range(200) for m in drawn(mutants(a=98, b=1, c=1), 10, seed))
    # Each has the chance 1/10 for each seed: none in 200 seeds has the probability 0.9^200 < 1e-9.
    assert drawn_files["b"] > 0
    assert drawn_files["c"] > 0


@pytest.mark.parametrize("seed", range(20))
def test_an_edit_of_a_file_changes_the_sample_there_and_elsewhere_by_one_in_a_file(seed: int) -> None:
    """Lines that move change nothing."""
    before, after = (drawn(mutants(a=90 + more, b=47, c=63), 40, seed) for more in (0, 4))
    moved = drawn(
        [replace(m, line=m.line + 7, start=m.start + 9) for m in mutants(a=90, b=47, c=63)], 40, seed
    )
    assert [(m.file, m.after) for m in moved] == [(m.file, m.after) for m in before]
    for file in "bc":
        one, other = ({m for m in sample if m.file == file} for sample in (before, after))
        assert len(one ^ other) <= 1


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A git repository with one file under ``theory/``."""
    (tmp_path / "theory").mkdir()
    (tmp_path / "theory" / "a.py").write_text(SOURCE, encoding="utf-8")
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    for command in (["init", "-q"], ["add", "-A"], [*identity, "commit", "-qm", "one"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    return tmp_path


def changed(clone: Path) -> set[str]:
    found = [
        mutant
        for path in sorted((clone / "theory").glob("*.py"))
        for mutant in mutants_of(f"theory/{path.name}", path.read_text(encoding="utf-8"))
    ]
    return {f"{m.file}::{m.function}" for m in changed_since("HEAD", found, clone)}


def test_only_functions_that_changed_count(clone: Path) -> None:
    assert changed(clone) == set()
    (clone / "theory" / "a.py").write_text(SOURCE.replace("return -x", "return -x - 1"), encoding="utf-8")
    assert changed(clone) == {"theory/a.py::g"}


def test_every_function_of_a_new_file_has_changed(clone: Path) -> None:
    (clone / "theory" / "b.py").write_text(SOURCE, encoding="utf-8")
    assert changed(clone) == {"theory/b.py::f", "theory/b.py::g"}


def test_an_unknown_revision_is_refused(clone: Path) -> None:
    with pytest.raises(NoRevision, match="nowhere"):
        changed_since("nowhere", [], clone)
