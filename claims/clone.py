"""The clone of the repository around this package, where there is one, and the results stored in it.

In a clone the folders ``claims/`` and ``tests/`` lie side by side, and ``icl_claims/`` holds links to the former.
A package installed from a wheel has no tests beside it: then there is no clone, and nothing is written or read.
"""

from __future__ import annotations

from pathlib import Path

from icl_claims.claims import registry, results, sources
from icl_claims.claims.results import Results

REPOSITORY = "a clone of the repository"


class NoClone(ValueError):
    """The package is installed without the repository's tests, and the command needs them."""


def find() -> Path | None:
    """The folder of the clone, or None where the package stands alone."""
    folder = Path(__file__).resolve().parents[1]
    is_clone = (folder / "tests" / "conftest.py").is_file() and (folder / "icl_claims").is_dir()
    return folder if is_clone else None


def root(command: str) -> Path:
    """The folder of the clone, for a command that cannot do without it.

    Raises:
        NoClone: there is none; the message names the command.
    """
    folder = find()
    if folder is None:
        raise NoClone(
            f"icl-claims {command} needs {REPOSITORY}: this installation, in {Path(__file__).resolve().parents[1]}, "
            "has no tests"
        )
    return folder


def results_path() -> Path | None:
    """Where the clone keeps its results, whether or not there are any yet; None without a clone."""
    folder = find()
    return None if folder is None else folder / "build" / "claims.json"


def stored() -> Results:
    """The stored results, each row stale or not as the files are now; empty where none are stored."""
    path, folder = results_path(), find()
    if path is None or folder is None:
        return Results()
    return sources.refresh(results.read(path), folder, registry.registry())


def nothing_stored() -> str | None:
    """One line that says why no verdict is known and how to get them; None where results are stored."""
    path = results_path()
    if path is None:
        return (
            "No results are stored in an installed package: every claim is shown as unverified and without "
            f"evidence. Run 'make verify' in {REPOSITORY}, or read the verdicts in its paper_claims.md."
        )
    if not path.exists():
        return (
            "No results are stored in this clone yet: every claim is shown as unverified. "
            "Run 'make verify', or read the verdicts in paper_claims.md."
        )
    return None
