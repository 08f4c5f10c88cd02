"""The papers' training runs, made again: ``python -m icl_claims.models.reproduce NAME…``; without names, their list.

Each run is resumable and seeded (:mod:`icl_claims.models.training`). What is kept of it goes to ``artefacts/NAME``,
the checkpoint to ``build/training/NAME``; a run that is interrupted goes on from there.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import click

from icl_claims.models import manifest
from icl_claims.models.forged import Forged
from icl_claims.models.logs import progress_bar
from icl_claims.models.replay import replay, retrain
from icl_claims.models.runs import ahn2023, gatmiry2024
from icl_claims.models.runs.run import Run
from icl_claims.models.training import Diverged, train

RUNS: dict[str, Run] = {**ahn2023.RUNS, **gatmiry2024.RUNS}
"""Every run of every paper."""

ROOT = Path(__file__).resolve().parents[1]
ARTEFACTS, SCRATCH = ROOT / "artefacts", ROOT / "build" / "training"


def reproduce(name: str, artefacts: Path, scratch: Path) -> Path:
    """Run what a name stands for, or finish it; the directory of the files that are kept.

    Raises:
        KeyError: there is no such run.
        ValueError, Diverged: see :func:`icl_claims.models.training.train`.
    """
    run = RUNS[name]
    with progress_bar(run.settings) as progress:
        train(run.task, run.settings, directory=scratch / name, progress=progress)
    target = artefacts / name
    target.mkdir(parents=True, exist_ok=True)
    for file in manifest.FILES:
        shutil.copyfile(scratch / name / file, target / file)
    manifest.write(target, name, run)
    return target


def attempt(name: str, steps: int, scratch: Path) -> Path:
    """A run of so many steps, for trying: nothing of it is an artefact. The directory of its files.

    Raises:
        ValueError, Diverged: see :func:`icl_claims.models.training.train`.
    """
    run, folder = RUNS[name], scratch / f"{name}_in_{steps}_steps"
    settings = replace(run.settings, steps=steps)
    with progress_bar(settings) as progress:
        train(run.task, settings, directory=folder, progress=progress)
    return folder


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("names", nargs=-1, metavar="[NAME]…")
@click.option(
    "--steps", type=click.IntRange(min=1), help="Train so many steps only, for trying; no artefact."
)
@click.option(
    "--replay", "again", flag_value="replay", help="Check stored runs: digests, first and last stretch."
)
@click.option(
    "--anew", "again", flag_value="anew", help="Check stored runs: train anew and compare every number."
)
def main(names: tuple[str, ...], steps: int | None, again: str | None) -> None:
    """Train the named runs, or go on with them; without names, list all.

    Example: python -m icl_claims.models.reproduce ahn2023/single_layer/context_16 --steps 50
    """
    for name in names:
        if name not in RUNS:
            _stop(2, f"NAME must be one of those that the command lists without arguments, got {name}")
    if steps is not None and again is not None:
        _stop(2, f"--steps must not stand beside --{again}")
    if not names:
        click.echo("\n".join(RUNS))
    for name in names:
        try:
            click.echo(_action(name, steps, again)())
        except KeyboardInterrupt:
            _stop(130, f"Interrupted. The same command goes on from the last checkpoint of {name}.")
        except (ValueError, Diverged, Forged) as error:
            _stop(2 if isinstance(error, ValueError) else 1, str(error))


def _action(name: str, steps: int | None, again: str | None) -> Callable[[], object]:
    folder = ARTEFACTS / name
    if again == "replay":
        return lambda: f"{name}: {replay(folder, name, RUNS[name])}"
    if again == "anew":
        return lambda: _anew(folder, name)
    return lambda: reproduce(name, ARTEFACTS, SCRATCH) if steps is None else attempt(name, steps, SCRATCH)


def _anew(folder: Path, name: str) -> str:
    retrain(folder, name, RUNS[name])
    return f"{name}: every number is the same"


def _stop(status: int, message: str) -> None:
    click.echo(message, err=True)
    sys.exit(status)


if __name__ == "__main__":
    main()
