"""The origin of a stored run: which criteria its seed comes from, what it ran on, and the digests of all its files."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from icl_claims.files import replacing
from icl_claims.models import logs, states
from icl_claims.models.runs.run import Run
from icl_claims.models.training import LOG, STATES, WEIGHTS

MANIFEST = "manifest.json"
FILES = (LOG, STATES, WEIGHTS)
"""What is kept of every run beside its manifest."""


class Forged(AssertionError):
    """A stored run is not what its name, its criteria or its manifest say."""


def write(folder: Path, name: str, run: Run) -> None:
    """Write the manifest of the files in a folder, atomically."""
    log = json.loads((folder / LOG).read_text(encoding="utf-8"))
    content = {
        **header(name, run),
        **{key: log[key] for key in ("code", "versions", "processor", "threads", "chain")},
        "files": {file: _digest(folder / file) for file in FILES},
    }
    with replacing(folder / MANIFEST) as temporary:
        temporary.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def header(name: str, run: Run) -> dict[str, Any]:
    """What the manifest of a run says of its origin, whoever ran it."""
    return {
        "run": name,
        "criteria": [criterion.digest for criterion in run.criteria],
        "seed": run.settings.seed,
        **json.loads(logs.identity(run.task, run.settings)),
    }


def read(folder: Path) -> dict[str, Any]:
    """The manifest in a folder.

    Raises:
        Forged: there is none, or it is no JSON object.
    """
    try:
        found = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Forged(f"{folder}: {MANIFEST} cannot be read: {error}") from None
    if not isinstance(found, dict):
        raise Forged(f"{folder}: {MANIFEST} holds no object")
    return found


def digest(folder: Path) -> str:
    """SHA-256 of the manifest: it stands for all files of the run, and the reports quote it."""
    return _digest(folder / MANIFEST)


def check(folder: Path, name: str, run: Run) -> None:
    """That the folder holds the files of this run: the manifest's origin, its digests, the log and the chain.

    Raises:
        Forged: it does not; the message names the file and what differs.
    """
    manifest = read(folder)
    if set(manifest) != {*header(name, run), "code", "versions", "processor", "threads", "chain", "files"}:
        raise Forged(f"{folder}: {MANIFEST} has other entries")
    for key, value in header(name, run).items():
        if manifest[key] != value:
            raise Forged(f"{folder}: {MANIFEST} has another {key} than the run of this name")
    found = {path.name for path in folder.iterdir()} - {MANIFEST}
    if found != set(FILES) or set(manifest["files"]) != set(FILES):
        raise Forged(f"{folder}: holds {', '.join(sorted(found))} in the place of {', '.join(FILES)}")
    for file in FILES:
        if manifest["files"][file] != _digest(folder / file):
            raise Forged(f"{folder}: {file} has another digest than its manifest says")
    log = json.loads((folder / LOG).read_text(encoding="utf-8"))
    for key in ("task", "settings", "code", "versions", "processor", "threads", "chain"):
        if log[key] != manifest[key]:
            raise Forged(f"{folder}: {LOG} and the manifest differ in {key}")
    kept, losses, _ = states.load(folder / STATES)
    if [list(link) for link in states.chain(kept)] != manifest["chain"]:
        raise Forged(f"{folder}: {STATES} has another chain than the manifest")
    if {states.step_of(state) for state in kept} != run.settings.kept_steps:
        raise Forged(f"{folder}: {STATES} keeps other steps than the settings say")
    if [list(point) for point in logs.curve(losses.tolist())] != log["curve"]:
        raise Forged(f"{folder}: {LOG} has another curve than the losses in {STATES}")


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
