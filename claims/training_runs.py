"""The stored training runs that evidence rests on, each with the digest of its manifest.

A run is a folder of ``artefacts/`` with a manifest, which holds the digests of the run's other files: its own digest
stands for all of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from icl_claims.claims.results import Row

FOLDER = "artefacts/"
MANIFEST = "/manifest.json"

ABOUT = (
    "Every stored training run that the evidence rests on. Its manifest holds the digests of its other files, so that "
    "the digest of the manifest stands for all of them: `sha256sum artefacts/RUN/manifest.json` gives it again.",
    "The seed of a run, or of a sample, comes from the criteria that judge it and from its name: SHA-256 of the ASCII "
    "text `<digest>+…+<digest>:<name>` with the digests of these criteria; its first eight bytes, big-endian, without "
    "the last bit.",
    "`python -m icl_claims.models.reproduce RUN --anew` trains a run anew and compares every number.",
)
"""What the reports say of the runs: plain text with code between backticks, one paragraph each."""

SEEDED = (
    "It is older than the data: the seeds of the runs and of the samples that it judges come from its digest."
)
"""What the reports say of a criterion."""


@dataclass(frozen=True)
class TrainingRun:
    """A stored run by its name, ``<paper>/<run>``; SHA-256 of its manifest; the claims whose evidence reads it."""

    name: str
    digest: str
    slugs: tuple[str, ...]


def runs_of(rows: Iterable[Row], root: Path | None) -> tuple[TrainingRun, ...]:
    """The runs under ``root`` that rows rest on, by name, the claims of each in the order of the rows.

    Without a clone there are none, and of a run that is not there now nothing can be said.
    """
    readers: dict[str, dict[str, None]] = {}
    for row in rows:
        for key in row.digests:
            if key.startswith(FOLDER) and key.endswith(MANIFEST):
                readers.setdefault(key, {})[row.slug] = None
    return tuple(
        TrainingRun(
            name=key.removeprefix(FOLDER).removesuffix(MANIFEST),
            digest=hashlib.sha256((root / key).read_bytes()).hexdigest(),
            slugs=tuple(slugs),
        )
        for key, slugs in sorted(readers.items())
        if root is not None and (root / key).is_file()
    )
