"""The papers' training runs, made again: ``python -m icl_claims.models.reproduce NAME…``; without names, their list.

Each run is resumable and seeded (:mod:`icl_claims.models.training`). What is kept of it goes to ``artefacts/NAME``,
the checkpoint to ``build/training/NAME``; a run that is interrupted goes on from there.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from icl_claims.models.logs import progress_bar
from icl_claims.models.runs import ahn2023
from icl_claims.models.runs.run import Run
from icl_claims.models.training import train

RUNS: dict[str, Run] = {**ahn2023.RUNS}
"""Every run of every paper."""


def reproduce(name: str, artefacts: Path, scratch: Path) -> Path:
    """Run what a name stands for, or finish it; the directory of the files that are kept.

    Raises:
        KeyError: there is no such run.
    """
    run = RUNS[name]
    with progress_bar(run.settings) as progress:
        train(run.task, run.settings, directory=scratch / name, progress=progress)
    target = artefacts / name
    target.mkdir(parents=True, exist_ok=True)
    for file in run.files:
        shutil.copyfile(scratch / name / file, target / file)
    return target


def main(names: Sequence[str]) -> int:
    """The command line: exit status 2 for a name that is none."""
    unknown = [name for name in names if name not in RUNS]
    if unknown:
        print(f"NAME must be one of {', '.join(RUNS)}, got {unknown[0]}", file=sys.stderr)
        return 2
    if not names:
        print("\n".join(RUNS))
    root = Path(__file__).resolve().parents[1]
    for name in names:
        print(reproduce(name, root / "artefacts", root / "build" / "training"))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
