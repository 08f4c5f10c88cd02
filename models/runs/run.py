"""What a named training run is."""

from __future__ import annotations

from dataclasses import dataclass

from icl_claims.criteria import Criterion
from icl_claims.models.settings import Settings
from icl_claims.theory.task import RegressionTask


@dataclass(frozen=True)
class Run:
    """A task, the settings, and the criteria that judge the run, from which its seed comes."""

    task: RegressionTask
    settings: Settings
    criteria: tuple[Criterion, ...] = ()
