r"""Single steps of a stored run, from a stored state to the next, within a bound on the rounding.

Another processor, or another build of torch, finds other last bits, and after many steps other numbers altogether. One
step it finds within the enclosure that this module computes: of the gradient by
:mod:`icl_claims.models.enclosures`, and from there on entry by entry, in intervals; 1 − β₂ᵗ ≥ 2⁻⁷ loses at most seven
bits to cancellation. L-BFGS decides by comparisons how far it goes, so that two machines may take different steps; of
its states the losses and the gradient are compared, at the iterates that they belong to, and the mean.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from icl_claims.models import enclosures, states
from icl_claims.models.enclosures import ROUNDING, Enclosure, loss_and_gradient
from icl_claims.models.forged import Forged
from icl_claims.models.parametrizations import trained_entries
from icl_claims.models.settings import Settings
from icl_claims.models.states import State
from icl_claims.models.training import Run
from icl_claims.models.weights import Weights
from icl_claims.theory.task import RegressionTask

Interval = tuple[Tensor, Tensor]
"""Lower and upper bounds."""

_FLAT_GRADIENT, _FLAT_DIRECTION = 1e-7, 1e-9
"""Where torch's L-BFGS stops: the largest entry of the gradient, and the slope along the direction."""

_LISTS, _COUNTS = ("old_dirs", "old_stps", "ro"), ("step", "func_evals", "mean_P", "mean_Q")
"""Of the state of L-BFGS: what has no fixed length, and what changes in a step that does not move."""


def check(task: RegressionTask, settings: Settings, before: State, after: State, loss: float) -> None:
    """That a stored state is the one after another by one step, but for rounding, and the loss that of its batch.

    Raises:
        Forged: some number lies outside of its interval.
        ValueError: see :func:`icl_claims.models.enclosures.prompts`.
    """
    step = states.step_of(before)
    if states.step_of(after) != step + 1:
        raise Forged(f"the states after {step} and {states.step_of(after)} steps are not one step apart")
    for state in (before, after):
        check_layout(task, settings, state)
    found, gradients = evaluate(task, settings, step, *(Enclosure.exactly(before[name]) for name in "PQ"))
    if not found.contains(torch.tensor(loss, dtype=torch.float64)):
        raise Forged(f"step {step + 1}: the loss is not that of the batch")
    if settings.optimizer == "lbfgs":
        _check_lbfgs(task, settings, before, after, gradients)
    else:
        fall = 1 - step / settings.steps if settings.schedule == "linear" else 1.0
        for place, index in _places(before):
            g = gradients[place][index]
            moved = _adam(settings, step, settings.learning_rate * fall, before, g, place, index)
            for name, interval in moved.items():
                if not _within(after[name][_row(name, place, index)], interval):
                    raise Forged(
                        f"step {step + 1}: {name} of layer {index} is not what one step of Adam gives"
                    )
    _check_mean(settings, before, after)


def check_layout(task: RegressionTask, settings: Settings, state: State) -> None:
    """That a state holds tensors of the names, types and shapes that those of the run have.

    Raises:
        Forged: it does not.
    """
    if _layout(settings, state) != _layout(settings, Run(task, settings).state()):
        raise Forged(
            f"the state after {states.step_of(state)} steps holds other tensors than those of this run"
        )


def check_start(task: RegressionTask, settings: Settings, start: State) -> None:
    """That a stored state is the start of the run, but for the last bits of its normal numbers.

    Raises:
        Forged: it is not.
    """
    for name, drawn in Run(task, settings).state().items():
        found = start.get(name, torch.zeros(0))
        if found.shape != drawn.shape or not Enclosure.about(drawn.to(torch.float64)).contains(found):
            raise Forged(f"{name} at the start is not what the seed gives")


def check_end(settings: Settings, end: State, weights: Weights) -> None:
    """That the stored weights are the mean that the last state holds, once for each loop.

    Raises:
        Forged: they are not.
    """
    for name in ("P", "Q"):
        mean = end[f"mean_{name}"].repeat(settings.layers if settings.tied else 1, 1, 1)
        if not torch.equal(getattr(weights, name), mean):
            raise Forged(f"the stored {name} is not the mean of the iterates")


def evaluate(
    task: RegressionTask, settings: Settings, step: int, P: Enclosure, Q: Enclosure
) -> tuple[Enclosure, dict[str, Enclosure]]:
    """The loss on the batch of a step, and its gradients in the trained entries of P and Q."""
    Z0, targets = enclosures.prompts(task, settings, step // settings.resample_every)
    loops = settings.layers if settings.tied else 1
    loss, in_P, in_Q = loss_and_gradient(
        P.repeated(loops), Q.repeated(loops), Z0, targets, task.context_length
    )
    free = trained_entries(settings.form, task.dim)
    found = {}
    for name, part in (("P", in_P), ("Q", in_Q)):
        if settings.tied:
            whole = part.summed()
            part = Enclosure(whole.middle[None], whole.radius[None])
        found[name] = Enclosure(part.middle * free[name], part.radius * free[name])
    return loss, found


def _layout(settings: Settings, state: State) -> dict[str, Any]:
    """Type and shape by name; the lists of L-BFGS grow."""
    lists = _LISTS if settings.optimizer == "lbfgs" else ()
    return {name: (x.dtype, x.shape[1:] if name in lists else x.shape) for name, x in state.items()}


def _check_lbfgs(
    task: RegressionTask, settings: Settings, before: State, after: State, gradients: dict[str, Enclosure]
) -> None:
    """The last loss and gradient that L-BFGS holds are those of the batch at the iterate that they belong to.

    That is the one before its last step, x − t d; where the last direction was too flat for a step, x itself. Where
    no direction was tried, because the gradient was already at most 10⁻⁷ at x, nothing else has changed.
    """
    step = states.step_of(after)
    if int(after["n_iter"]) == int(before["n_iter"]):
        least = max(float((g.middle.abs() - g.radius).max()) for g in gradients.values())
        same = {name: x for name, x in after.items() if name not in _COUNTS}
        if least > _FLAT_GRADIENT or not states.identical(same, {name: before[name] for name in same}):
            raise Forged(f"step {step}: L-BFGS did not move, without reason")
        return
    x = torch.stack([m for pair in zip(after["P"], after["Q"], strict=True) for m in pair])
    stored = after["prev_flat_grad"].reshape(x.shape)
    last = (after["t"] * after["d"]).reshape(x.shape)
    flat = float(after["prev_flat_grad"] @ after["d"]) > -2 * _FLAT_DIRECTION
    # The iterate is known up to the rounding of its last step.
    earlier = Enclosure(x - last, ROUNDING * (x.abs() + last.abs()))
    for iterate in (earlier, Enclosure.exactly(x)) if flat else (earlier,):
        loss, found = evaluate(task, settings, step - 1, iterate[::2], iterate[1::2])
        expected, held = (loss, found["P"], found["Q"]), (after["prev_loss"], stored[::2], stored[1::2])
        if all(ball.contains(tensor) for ball, tensor in zip(expected, held, strict=True)):
            return
    raise Forged(f"step {step}: the last loss and gradient of L-BFGS are not those of the batch")


def _places(state: State) -> list[tuple[str, int]]:
    return [(name, index) for index in range(len(state["P"])) for name in ("P", "Q")]


def _row(name: str, place: str, index: int) -> int:
    return 2 * index + (place == "Q") if name.startswith("exp") else index


def _adam(
    settings: Settings, step: int, rate: float, before: State, g: Enclosure, place: str, index: int
) -> dict[str, Interval]:
    """What one step makes of a matrix and its moments."""
    low, high = _widened((g.middle - g.radius, g.middle + g.radius), g.largest)
    if settings.clip_norm is not None:
        norm, spread = g.middle.norm(), g.radius.norm() + ROUNDING * g.largest.norm()
        scales = [(settings.clip_norm / (norm + sign * spread + 1e-6)).clamp(max=1.0) for sign in (1, -1)]
        if norm <= spread:
            scales[1] = torch.tensor(1.0, dtype=torch.float64)
        low, high = _hull([x * scale for x in (low, high) for scale in scales])
    b1, b2 = settings.beta_1, settings.beta_2
    row = 2 * index + (place == "Q")
    first, second = before["exp_avg"][row], before["exp_avg_sq"][row]
    m = _widened((b1 * first + (1 - b1) * low, b1 * first + (1 - b1) * high), first.abs())
    largest = torch.maximum(low.abs(), high.abs()) ** 2
    least = torch.where(low * high > 0, torch.minimum(low.abs(), high.abs()) ** 2, torch.zeros_like(low))
    v = _widened((b2 * second + (1 - b2) * least, b2 * second + (1 - b2) * largest), second)
    v = (v[0].clamp(min=0), v[1])
    one, two = 1 - b1 ** (step + 1), (1 - b2 ** (step + 1)) ** 0.5
    moves = [rate / one * x / (y.sqrt() / two + 1e-8) for x in m for y in v]
    move, theta = _hull(moves), before[place][index]
    new = _widened(
        (theta - move[1], theta - move[0]), theta.abs() + torch.maximum(move[0].abs(), move[1].abs())
    )
    return {"exp_avg": m, "exp_avg_sq": v, place: new}


def _check_mean(settings: Settings, before: State, after: State) -> None:
    """The mean of the iterates from the stored ones, which are exact."""
    averaged = states.step_of(after) - int(settings.average_from * settings.steps)
    for name in ("P", "Q"):
        old, new = before[f"mean_{name}"], after[f"mean_{name}"]
        wanted = old + (after[name] - old) / averaged if averaged > 0 else old
        if not _within(new, _widened((wanted, wanted), old.abs() + after[name].abs())):
            raise Forged(f"step {states.step_of(after)}: the mean of {name} is not that of the iterates")


def _hull(candidates: list[Tensor]) -> Interval:
    stacked = torch.stack(candidates)
    return stacked.amin(dim=0), stacked.amax(dim=0)


def _widened(interval: Interval, size: Tensor) -> Interval:
    """By the rounding of sums of a few numbers of this size."""
    slack = ROUNDING * (size + torch.maximum(interval[0].abs(), interval[1].abs()))
    return interval[0] - slack, interval[1] + slack


def _within(tensor: Tensor, interval: Interval) -> bool:
    return bool(((tensor >= interval[0]) & (tensor <= interval[1])).all())
