r"""The training runs of Gatmiry et al. (2024): :data:`RUNS` by name.

A name is ``gatmiry2024/looped/context_<n>_loops_<L>_seed_<index>``.

d = 10 and Σ = I; one A is trained for all loops, and u = 0. Gradients are clipped, as without
this a rare prompt can throw a run far off. Seeds follow from the criteria that judge the runs.

What differs from the settings of the authors is listed with each claim.
"""

from __future__ import annotations

from dataclasses import replace

from icl_claims.criteria import gatmiry2024 as criteria
from icl_claims.criteria import seed
from icl_claims.models.runs.run import Run
from icl_claims.models.settings import Settings
from icl_claims.theory.task import isotropic

DIM = 10

CONTEXTS, LOOPS, SEEDS = (5, 40), (1, 2, 3, 5), 3
"""Context lengths below and above d, numbers of loops in training, and runs of each."""

LOOPED = Settings(
    form="sparse", tied=True, steps=400, batch=500, learning_rate=0.05, average_from=0.5, start_scale=0.02,
    clip_norm=0.1, snapshots=4, replayed=4,
)  # fmt: skip


def _runs() -> dict[str, Run]:
    found = {}
    for n in CONTEXTS:
        for loops in LOOPS:
            judged_by = (
                criteria.CONVERGES,
                criteria.IDENTITY,
                *((criteria.MATCHES,) if loops > 1 else ()),
                *((criteria.TEST_TIME,) if n == 40 and loops in (2, 5) else ()),
            )
            for index in range(SEEDS):
                full = f"gatmiry2024/looped/context_{n}_loops_{loops}_seed_{index}"
                settings = replace(LOOPED, layers=loops, seed=seed(judged_by, full))
                found[full] = Run(isotropic(DIM, n), settings, judged_by)
    return found


RUNS: dict[str, Run] = _runs()
