r"""Single steps of a stored run, from a stored state to the next, within a bound on the rounding.

Another processor, or another build of torch, finds other last bits, and after many steps other numbers altogether.
One step it finds within the enclosure that this module computes: of the gradient by
:mod:`icl_claims.models.enclosures`, and from there on entry by entry, in intervals. L-BFGS decides by comparisons how
far it goes, so that two machines may take different steps; of its states the loss and the gradient are compared, at the
iterate that they belong to.
"""

from __future__ import annotations

import torch
from torch import Tensor

from icl_claims.models import enclosures, states
from icl_claims.models.enclosures import ROUNDING, Enclosure, loss_and_gradient
from icl_claims.models.manifest import Forged
from icl_claims.models.parametrizations import trained_entries
from icl_claims.models.settings import Settings
from icl_claims.models.states import State
from icl_claims.models.training import Run
from icl_claims.models.weights import Weights
from icl_claims.theory.task import RegressionTask

Interval = tuple[Tensor, Tensor]
"""Lower and upper bounds."""


def check(task: RegressionTask, settings: Settings, before: State, after: State) -> None:
    """That a stored state is the one after another by one step of Adam, but for rounding.

    Raises:
        Forged: some number lies outside of its interval.
    """
    step = states.step_of(before)
    if states.step_of(after) != step + 1:
        raise Forged(f"the states after {step} and {states.step_of(after)} steps are not one step apart")
    if settings.optimizer == "lbfgs":
        check_gradient(task, settings, after)
        return
    fall = 1 - step / settings.steps if settings.schedule == "linear" else 1.0
    gradients = gradient(task, settings, step, before["P"], before["Q"])
    for place, index in _places(settings, before):
        found = _adam(
            settings, step, settings.learning_rate * fall, before, gradients[place][index], place, index
        )
        for name, interval in found.items():
            stored = after[name][_row(name, place, index)]
            if not _within(stored, interval):
                raise Forged(f"step {step + 1}: {name} of layer {index} is not what one step of Adam gives")
    _check_mean(settings, before, after)


def check_start(task: RegressionTask, settings: Settings, start: State) -> None:
    """That a stored state is the start of the run, but for the last bits of its normal numbers.

    Raises:
        Forged: it is not.
    """
    drawn = Run(task, settings).state()
    for name in drawn:
        if name not in start or not Enclosure.about(drawn[name].to(torch.float64)).contains(start[name]):
            raise Forged(f"{name} at the start is not what the seed gives")


def check_end(end: State, weights: Weights) -> None:
    """That the stored weights are the mean that the last state holds.

    Raises:
        Forged: they are not.
    """
    for name in ("P", "Q"):
        if not torch.equal(getattr(weights, name)[: len(end[f"mean_{name}"])], end[f"mean_{name}"]):
            raise Forged(f"the stored {name} is not the mean of the iterates")


def check_gradient(task: RegressionTask, settings: Settings, state: State) -> None:
    """That the last gradient of L-BFGS is that of the loss at the iterate before its last step, x − t d.

    Raises:
        Forged: it is not.
    """
    parameters = [x for pair in zip(state["P"], state["Q"], strict=True) for x in pair]
    moved = (torch.cat([x.reshape(-1) for x in parameters]) - state["t"] * state["d"]).reshape(
        -1, *parameters[0].shape
    )
    found = gradient(task, settings, states.step_of(state) - 1, moved[::2], moved[1::2])
    stored = state["prev_flat_grad"].reshape(moved.shape)
    for name, part in (("P", stored[::2]), ("Q", stored[1::2])):
        # The iterate itself is known up to the rounding of its last step, far below the radius of the gradient.
        if not found[name].contains(part):
            raise Forged(f"the stored gradient in {name} is not that of the batch")


def gradient(
    task: RegressionTask, settings: Settings, step: int, P: Tensor, Q: Tensor
) -> dict[str, Enclosure]:
    """The gradients in the trained entries of P and Q on the batch of a step."""
    Z0, targets = enclosures.prompts(task, settings, step // settings.resample_every)
    loops = settings.layers if settings.tied else 1
    _, in_P, in_Q = loss_and_gradient(
        P.repeat(loops, 1, 1), Q.repeat(loops, 1, 1), Z0, targets, task.context_length
    )
    free = trained_entries(settings.form, task.dim)
    found = {}
    for name, part in (("P", in_P), ("Q", in_Q)):
        if settings.tied:
            part = Enclosure(part.middle.sum(0, keepdim=True), part.radius.sum(0, keepdim=True))
        found[name] = Enclosure(part.middle * free[name], part.radius * free[name])
    return found


def _places(settings: Settings, state: State) -> list[tuple[str, int]]:
    return [(name, index) for index in range(len(state["P"])) for name in ("P", "Q")]


def _row(name: str, place: str, index: int) -> int:
    return 2 * index + (place == "Q") if name.startswith("exp") else index


def _adam(
    settings: Settings, step: int, rate: float, before: State, g: Enclosure, place: str, index: int
) -> dict[str, Interval]:
    """What one step makes of a matrix and its moments."""
    low, high = g.middle - g.radius, g.middle + g.radius
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
