"""What a named training run is."""

from __future__ import annotations

from dataclasses import dataclass

from icl_claims.models.settings import Settings
from icl_claims.models.training import LOG, WEIGHTS
from icl_claims.theory.task import RegressionTask


@dataclass(frozen=True)
class Run:
    """A task, the settings, and the files that are kept of the run."""

    task: RegressionTask
    settings: Settings
    files: tuple[str, ...] = (WEIGHTS, LOG)
