"""The origin of a stored run: which criteria its seed comes from, what it ran on, and the digests of all its files."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from icl_claims.files import replacing
from icl_claims.models import files, logs, states
from icl_claims.models.forged import Forged
from icl_claims.models.runs.run import Run
from icl_claims.models.training import LOG, STATES, WEIGHTS

MANIFEST = "manifest.json"
FILES = (LOG, STATES, WEIGHTS)
"""What is kept of every run beside its manifest."""

FROM_LOG = ("code", "versions", "processor", "threads", "chain")
"""What the manifest repeats from the log."""


def write(folder: Path, name: str, run: Run) -> None:
    """Write the manifest of the files in a folder, atomically."""
    log = json.loads((folder / LOG).read_text(encoding="utf-8"))
    content = {
        **header(name, run),
        **{key: log[key] for key in FROM_LOG},
        "files": {file: _digest(folder / file) for file in FILES},
    }
    with replacing(folder / MANIFEST) as temporary:
        temporary.write_text(_text(content), encoding="utf-8")


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
        Forged: there is none, or it is no JSON object as :func:`write` writes it.
    """
    try:
        text = (folder / MANIFEST).read_text(encoding="utf-8")
        found = json.loads(text)
    except (OSError, ValueError) as error:
        raise Forged(f"{folder}: {MANIFEST} cannot be read: {error}") from None
    if not isinstance(found, dict):
        raise Forged(f"{folder}: {MANIFEST} holds no object")
    if text != _text(found):
        raise Forged(f"{folder}: {MANIFEST} is not laid out as it is written")
    return found


def digest(folder: Path) -> str:
    """SHA-256 of the manifest: it stands for all files of the run, and the reports quote it."""
    return _digest(folder / MANIFEST)


def check(folder: Path, name: str, run: Run) -> None:
    """That the folder holds the files of this run: the manifest's origin, its digests, the log and the chain.

    Raises:
        Forged: it does not; the message names the file and what differs.
    """
    manifest, origin = read(folder), header(name, run)
    if set(manifest) != {*origin, *FROM_LOG, "files"}:
        raise Forged(f"{folder}: {MANIFEST} has other entries")
    for key in origin:
        if not _same(manifest[key], origin[key]):
            raise Forged(f"{folder}: {MANIFEST} has another {key} than the run of this name")
    found = {path.name for path in folder.iterdir()} - {MANIFEST}
    if found != set(FILES):
        raise Forged(f"{folder}: holds {', '.join(sorted(found))} in the place of {', '.join(FILES)}")
    digests = {file: _digest(folder / file) for file in FILES}
    if not _same(manifest["files"], digests):
        listed = manifest["files"] if isinstance(manifest["files"], dict) else {}
        differ = [file for file in {**digests, **listed} if listed.get(file) != digests.get(file)]
        raise Forged(f"{folder}: {', '.join(differ) or 'files'} has another digest than {MANIFEST} says")
    _check_content(folder, manifest, run)


def _check_content(folder: Path, manifest: dict[str, Any], run: Run) -> None:
    """What the files say, and that they say the same."""
    try:
        log = json.loads((folder / LOG).read_text(encoding="utf-8"))
        kept, losses, _ = states.load(folder / STATES)
        steps = [states.step_of(state) for state in kept]
        weights = files.load(folder / WEIGHTS)
        told = {key: log[key] for key in ("task", "settings", *FROM_LOG, "curve")}
    except (ValueError, KeyError, TypeError, SafetensorError) as error:
        raise Forged(f"{folder}: a file does not hold what its name says: {error!r}") from None
    for key in ("task", "settings", *FROM_LOG):
        if not _same(told[key], manifest[key]):
            raise Forged(f"{folder}: {LOG} and {MANIFEST} differ in {key}")
    if steps != sorted(run.settings.kept_steps):
        raise Forged(f"{folder}: {STATES} keeps other steps than the settings say")
    if not _same(states.chain(kept), manifest["chain"]):
        raise Forged(f"{folder}: {STATES} has another chain than {MANIFEST}")
    if losses.shape != (run.settings.steps,):
        raise Forged(f"{folder}: {STATES} does not hold one loss for each step")
    if not _same(logs.curve(losses.tolist()), told["curve"]):
        raise Forged(f"{folder}: {LOG} has another curve than the losses in {STATES}")
    if dict(weights.metadata) != {"run": logs.identity(run.task, run.settings)}:
        raise Forged(f"{folder}: {WEIGHTS} names another run")


def _same(one: object, other: object) -> bool:
    """As JSON: a number is not a truth value, and a tuple is a list."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _text(content: dict[str, Any]) -> str:
    return json.dumps(content, indent=1) + "\n"


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
