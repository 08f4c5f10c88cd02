"""Which mutants run: all, those of changed functions, or a sample with its parts in proportion."""

from __future__ import annotations

import ast
import hashlib
import re
import subprocess
from collections.abc import Sequence
from fractions import Fraction
from math import floor
from pathlib import Path

from tests import ROOT
from tests.mutants.hook.mutant_imports import FOLDERS
from tests.mutants.operators import Mutant, functions, mutants_of


class NoRevision(ValueError):
    """Git does not know the revision."""


def all_mutants() -> list[Mutant]:
    """All mutants of the four folders, by folder, file and place."""
    found: list[Mutant] = []
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "templates" not in path.parts:
                found += mutants_of(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))
    return found


def drawn(mutants: Sequence[Mutant], size: int, seed: int) -> list[Mutant]:
    """A sample in which every mutant has the same chance, and every folder and file its share, to within one.

    Files in order, each has as many places as the multiples of M / size, from a random start on, fall on its mutants.
    Within a file the mutants with the least random numbers are taken, which depend on their own text alone: an edit of
    one file changes the sample in this file, and elsewhere by one in a file at most.
    """
    if size >= len(mutants):
        return list(mutants)
    files: dict[str, list[Mutant]] = {}
    for mutant in mutants:
        files.setdefault(mutant.file, []).append(mutant)
    start, seen, found = Fraction(_number(seed, "start"), 2**64), 0, []
    for own in files.values():
        before = floor(Fraction(seen * size, len(mutants)) + start)
        seen += len(own)
        places = floor(Fraction(seen * size, len(mutants)) + start) - before
        order = sorted(own, key=lambda m: _number(seed, m.file, m.function, m.operator, m.before, m.after))
        found += order[:places]
    return found


def _number(*parts: object) -> int:
    """64 bits that depend on all parts."""
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:8], "big")


def changed_since(base: str, mutants: Sequence[Mutant], root: Path = ROOT) -> list[Mutant]:
    """The mutants of the functions that differ from the revision ``base``, in the working tree.

    Raises:
        NoRevision: git does not know ``base``, or there is no git.
    """
    lines = changed_lines(base, root)
    touched: dict[str, set[str]] = {}
    for file in {mutant.file for mutant in mutants} & set(lines):
        tree = ast.parse((root / file).read_text(encoding="utf-8"))
        touched[file] = {
            name
            for name, node in functions(tree)
            if lines[file] is None
            or any(node.lineno <= k <= (node.end_lineno or 0) for k in lines[file] or ())
        }
    return [mutant for mutant in mutants if mutant.function in touched.get(mutant.file, ())]


def changed_lines(base: str, root: Path = ROOT) -> dict[str, set[int] | None]:
    """The changed lines of each file by their numbers now; None for a file that git does not have."""
    found: dict[str, set[int] | None] = {}
    file = ""
    for line in _git(
        root, "diff", "--unified=0", "--no-color", "--no-ext-diff", base, "--", *FOLDERS
    ).splitlines():
        if line.startswith("+++ "):
            file = line.removeprefix("+++ ").removeprefix("b/").rstrip("\t")
            found[file] = set()
        elif hunk := re.match(r"@@ -\S+ \+(\d+)(?:,(\d+))? @@", line):
            start, count = int(hunk[1]), int(hunk[2] or 1)
            lines = found[file]
            if lines is not None:
                lines |= set(range(start, start + max(count, 1)))
    for name in _git(root, "ls-files", "--others", "--exclude-standard", "--", *FOLDERS).splitlines():
        found[name] = None
    return found


def _git(root: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-c", "core.quotepath=off", *arguments],
            cwd=root,
            capture_output=True,
            text=True,
            check=True,
        )
    except FileNotFoundError:
        raise NoRevision("--changed needs git") from None
    except subprocess.CalledProcessError as error:
        raise NoRevision(error.stderr.strip().splitlines()[0]) from None
    return done.stdout
