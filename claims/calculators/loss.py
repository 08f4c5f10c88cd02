"""What ``loss`` answers: the exact loss of given steps, and what sampling it would cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flint import fmpq

from icl_claims.claims.calculators.quantity import rational, root
from icl_claims.theory.many_layers.descent_on_any_task import plain_loss, preconditioned_loss
from icl_claims.theory.many_layers.loss_variance import spread
from icl_claims.theory.task import RegressionTask

LARGEST_WORK = 3 * 10**7
"""The largest :func:`work` for which variances are given: up to 10 s, and beyond it more than 2 s."""

SAMPLING = ("per_prompt_std", "squared_error_std", "prompts_for_1_percent")
"""The keys of what one prompt's loss varies by; null, with a note, where that is unknown or takes long."""


def loss(task: RegressionTask, steps: Sequence[fmpq], plain: bool) -> dict[str, Any]:
    """The answer for steps on a task.

    Args:
        task: the distribution of prompts, Σ ≻ 0 unless ``plain``.
        steps: a_1, …, a_L, at most 100; see :func:`icl_claims.theory.many_layers.descent_on_any_task.plain_loss`.
        plain: whether A_l = a_l I, instead of a_l Σ⁻¹.
    """
    if plain:
        mean, scale = plain_loss(task, steps), task.covariance_scalar
    else:
        mean, scale = preconditioned_loss(task, steps), fmpq(1)
    if task.is_whitened and scale is not None:
        sampling = _sampling(task, [scale * step for step in steps])
    else:
        sampling = _unknown("known for A_l = a_l Σ⁻¹ on the whitened task without noise only")
    return {"loss": rational(mean), **sampling}


def work(steps: Sequence[fmpq], dim: int, context_length: int) -> int:
    """About how much arithmetic the variances take: entries of the matrices times their bits.

    Beyond 16 steps theory takes Pfaffians over a basis that has bits of its own; up to there integration by parts
    takes over where both sizes are large, so that the work stops growing.
    """
    pfaffians = len(steps) > 16
    size = min(dim, context_length) if pfaffians else min(dim, context_length, 64)
    of_basis = size * max(dim, context_length).bit_length() if pfaffians else 0
    return size * (size + 2 * len(steps)) * (bits(steps) + of_basis)


def bits(steps: Sequence[fmpq]) -> int:
    """How many bits write all steps.

    >>> bits([fmpq(1, 4), fmpq(5)])
    6
    """
    return sum(int(max(step.p.bit_length(), step.q.bit_length())) for step in steps)


def _sampling(task: RegressionTask, steps: Sequence[fmpq]) -> dict[str, Any]:
    """For the layers A_l = a_l Σ⁻¹ on a whitened task."""
    if work(steps, task.dim, task.context_length) > LARGEST_WORK:
        return _unknown(
            f"exact values would take more than 2 s for {len(steps)} steps of {bits(steps)} bits together "
            f"at dim {task.dim} and context {task.context_length}"
        )
    try:
        found = spread(task, steps)
    except ValueError as error:
        return _unknown(str(error))
    values = (root(found.loss_variance), root(found.squared_error_variance), found.prompts("1/100"))
    return dict(zip(SAMPLING, values, strict=True))


def _unknown(reason: str) -> dict[str, Any]:
    return {**dict.fromkeys(SAMPLING), "note": f"{', '.join(SAMPLING)}: {reason}"}
