"""Single steps: those of a machine that rounds otherwise are accepted; each number that moves is refused by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn

from icl_claims.models import one_step, optimizers, states
from icl_claims.models.enclosures import Enclosure
from icl_claims.models.forged import Forged
from icl_claims.models.settings import Settings
from icl_claims.models.states import State
from icl_claims.models.training import Run
from icl_claims.models.weights import Weights
from icl_claims.theory.task import RegressionTask
from tests.shared.stored_runs import (
    ADAM,
    LBFGS,
    TASK,
    VARIANTS,
    nudged,
    state_after,
    trained,
    trained_elsewhere,
)


def exactly(state: State) -> list[Enclosure]:
    return [Enclosure.exactly(state[name]) for name in ("P", "Q")]


def pair(settings: Settings, step: int = 7) -> tuple[State, State, float]:
    """The states before and after a step, and the loss of its batch."""
    found = trained_elsewhere(settings)
    return state_after(found, step), state_after(found, step + 1), float(found.losses[step])


@cache
def converged(tied: bool) -> tuple[list[State], list[float]]:
    """Every state of a run of L-BFGS that ends in steps which do not move."""
    settings = longer(tied)
    run = Run(TASK, settings)
    kept = [run.state()]
    for _ in range(settings.steps):
        run.advance()
        kept.append(run.state())
    return kept, run.losses


def longer(tied: bool) -> Settings:
    return replace(LBFGS, layers=1 + tied, tied=tied, form="sparse", steps=14, resample_every=14)


@pytest.mark.parametrize("variant", list(VARIANTS))
@pytest.mark.parametrize("make", [trained, trained_elsewhere])
def test_genuine_steps_are_accepted(variant: str, make: Callable[[Settings], object]) -> None:
    settings = VARIANTS[variant]
    found = trained(settings) if make is trained else trained_elsewhere(settings)
    steps = 0
    for before, after in pairwise(found.states):
        if states.step_of(after) == states.step_of(before) + 1:
            loss = float(found.losses[states.step_of(before)])
            one_step.check(TASK, settings, before, after, loss)
            steps += 1
    assert steps == 4
    one_step.check_start(TASK, settings, found.states[0])
    one_step.check_end(VARIANTS[variant], found.states[-1], found.weights)


@pytest.mark.parametrize("settings", [ADAM, LBFGS])
def test_states_that_are_not_one_step_apart(settings: Settings) -> None:
    found = trained(settings)
    for first, second in ((2, 4), (4, 2), (2, 2)):
        with pytest.raises(Forged, match=f"after {first} and {second} steps are not one step apart"):
            one_step.check(TASK, settings, state_after(found, first), state_after(found, second), 0.5)


@pytest.mark.parametrize("settings", [ADAM, LBFGS])
@pytest.mark.parametrize(
    "change",
    [
        lambda state: {name: x for name, x in state.items() if name != "mean_P"},
        lambda state: {**state, "more": state["P"]},
        lambda state: {**state, "P": state["P"].float()},
        lambda state: {**state, "P": state["P"].repeat(2, 1, 1)},
    ],
)
@pytest.mark.parametrize("which", [0, 1])
def test_other_tensors(settings: Settings, change: Callable[[State], State], which: int) -> None:
    found: list[State] = list(pair(settings)[:2])
    found[which] = change(found[which])
    with pytest.raises(Forged, match=f"the state after {7 + which} steps holds other tensors"):
        one_step.check(TASK, settings, *found, pair(settings)[2])


@pytest.mark.parametrize("variant", list(VARIANTS))
def test_another_loss(variant: str) -> None:
    settings = VARIANTS[variant]
    before, after, loss = pair(settings)
    for other in (loss * (1 + 2.0**-20), loss * (1 - 2.0**-20), float("nan"), float("inf")):
        with pytest.raises(Forged, match="step 8: the loss is not that of the batch"):
            one_step.check(TASK, settings, before, after, other)


@pytest.mark.parametrize("variant", [name for name in VARIANTS if "lbfgs" not in name])
@pytest.mark.parametrize("step", [0, 8])
def test_every_number_that_a_step_of_adam_moves(variant: str, step: int) -> None:
    """Each entry that is trained, by 2⁻²⁰ of the largest; each that is not, by any amount."""
    settings = VARIANTS[variant]
    before, after, loss = pair(settings, step)
    for name in ("exp_avg", "exp_avg_sq", "P", "Q"):
        for place in range(after[name].numel()):
            moved = after[name].clone()
            moved.view(-1)[place] += 2.0**-20 * float(after[name].abs().max()) + 1e-9
            with pytest.raises(
                Forged, match=f"step {step + 1}: {name} of layer . is not what one step of Adam"
            ):
                one_step.check(TASK, settings, before, {**after, name: moved}, loss)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"learning_rate": 0.0500001}, "P of layer 0 is not what one step"),
        ({"schedule": "constant"}, "P of layer 0 is not what one step"),
        ({"steps": 10}, "P of layer 0 is not what one step"),
        ({"beta_1": 0.9000001}, "exp_avg of layer 0 is not what one step"),
        ({"beta_2": 0.9900001}, "exp_avg_sq of layer 0 is not what one step"),
        ({"clip_norm": 0.3000001}, "exp_avg of layer 0 is not what one step"),
        ({"clip_norm": None}, "exp_avg of layer 0 is not what one step"),
        ({"seed": 6}, "exp_avg of layer 0 is not what one step"),
        ({"resample_every": 2}, "exp_avg of layer 0 is not what one step"),
        ({"batch": 5}, "exp_avg of layer 0 is not what one step"),
        ({"integrate_query": False}, "exp_avg of layer 0 is not what one step"),
        ({"form": "sparse"}, "exp_avg of layer 0 is not what one step"),
        ({"average_from": 0.25}, "the mean of P is not that of the iterates"),
    ],
)
def test_a_step_of_other_settings(changed: dict[str, object], reason: str) -> None:
    """The loss is that of the other settings, so that nothing but the named number tells."""
    settings = replace(ADAM, **changed)  # type: ignore[arg-type]
    before, after, _ = pair(ADAM)
    loss = one_step.evaluate(TASK, settings, 7, *exactly(before))[0].middle
    with pytest.raises(Forged, match=reason):
        one_step.check(TASK, settings, before, after, float(loss))


@pytest.mark.parametrize("settings", [ADAM, LBFGS])
@pytest.mark.parametrize("name", ["mean_P", "mean_Q"])
def test_another_mean(settings: Settings, name: str) -> None:
    """In the part that is averaged, and before it, where the mean is 0."""
    for step in (1, 8):
        before, after, loss = pair(settings, step)
        for moved in (after[name] + 1e-9, after[name] * float("nan")):
            with pytest.raises(
                Forged, match=f"step {step + 1}: the mean of {name[-1]} is not that of the iter"
            ):
                one_step.check(TASK, settings, before, {**after, name: moved}, loss)


@pytest.mark.parametrize("settings", [ADAM, LBFGS])
def test_another_start(settings: Settings) -> None:
    start = trained(settings).states[0]
    changes: list[tuple[str, State]] = [
        (name, {**start, name: x + 2.0**-30 if x.is_floating_point() else x + 1})
        for name, x in start.items()
        if x.numel()
    ]
    changes += [
        ("Q", {name: x for name, x in start.items() if name != "Q"}),
        ("P", {**start, "P": start["P"][:1]}),
        ("P", {**start, "P": nudged(start["P"], 2.0**-41)}),
    ]
    for name, changed in changes:
        with pytest.raises(Forged, match=f"{name} at the start is not what the seed gives"):
            one_step.check_start(TASK, settings, changed)


def test_the_start_may_differ_in_last_bits() -> None:
    start = trained(ADAM).states[0]
    one_step.check_start(TASK, ADAM, {**start, "P": start["P"] * (1 + 2.0**-50)})


@pytest.mark.parametrize("variant", ["relaxed", "tied"])
@pytest.mark.parametrize("name", ["P", "Q"])
def test_other_weights_at_the_end(variant: str, name: str) -> None:
    """Of any layer: of a loop each copy counts."""
    found = trained(VARIANTS[variant])
    ends = {"P": found.weights.P, "Q": found.weights.Q}
    for layer in range(2):
        moved = ends[name].clone()
        moved[layer] = nudged(moved[layer], 2.0**-52)
        with pytest.raises(Forged, match=f"the stored {name} is not the mean of the iterates"):
            one_step.check_end(VARIANTS[variant], found.states[-1], Weights(**{**ends, name: moved}))
    with pytest.raises(Forged, match="the stored P is not the mean"):
        one_step.check_end(
            VARIANTS[variant], found.states[-1], Weights(*(x[:1].repeat(3, 1, 1) for x in ends.values()))
        )


@pytest.mark.parametrize("variant", ["lbfgs", "lbfgs, tied"])
@pytest.mark.parametrize("name", ["prev_loss", "prev_flat_grad", "d", "t", "P", "Q"])
def test_another_last_loss_or_gradient_of_lbfgs(variant: str, name: str) -> None:
    """What they belong to is found from the iterate, the direction and the length: these count as well."""
    settings = VARIANTS[variant]
    before, after, loss = pair(settings, 1)
    forged = {**after, name: nudged(after[name])}
    with pytest.raises(
        Forged, match="step 2: the last loss and gradient of L-BFGS are not those of the batch"
    ):
        one_step.check(TASK, settings, before, forged, loss)


@pytest.mark.parametrize("tied", [False, True])
def test_lbfgs_that_has_converged_is_accepted(tied: bool) -> None:
    """Steps along a direction that is too flat, and steps that do not even try one, are among them."""
    settings = longer(tied)
    kept, losses = converged(tied)
    for (before, after), loss in zip(pairwise(kept), losses, strict=True):
        one_step.check(TASK, settings, before, after, loss)
    assert any(torch.equal(a["Q"], b["Q"]) and a["n_iter"] != b["n_iter"] for a, b in pairwise(kept))


LINE = RegressionTask.isotropic(1, 3)
QUADRATIC = replace(LBFGS, layers=1, form="sparse", steps=4, resample_every=4, replayed=4, snapshots=4)


@cache
def idle() -> tuple[State, State, float]:
    """The states around a step that has nothing to do: the loss is a parabola, whose minimum was hit."""
    run = Run(LINE, QUADRATIC)
    for _ in range(3):
        before, loss = run.state(), run.advance()
    return before, run.state(), loss


def test_a_step_of_lbfgs_with_nothing_to_do_is_accepted() -> None:
    before, after, loss = idle()
    assert int(before["n_iter"]) == int(after["n_iter"])
    one_step.check(LINE, QUADRATIC, before, after, loss)


@pytest.mark.parametrize("name", ["d", "t", "prev_loss", "prev_flat_grad", "Q", "H_diag", "old_dirs", "ro"])
def test_a_step_with_nothing_to_do_changes_nothing(name: str) -> None:
    before, after, loss = idle()
    with pytest.raises(Forged, match="step 3: L-BFGS did not move, without reason"):
        one_step.check(LINE, QUADRATIC, before, {**after, name: after[name] + 1e-12}, loss)


def test_a_step_with_something_to_do_is_done() -> None:
    before, _, loss = pair(LBFGS, 1)
    with pytest.raises(Forged, match="step 2: L-BFGS did not move, without reason"):
        one_step.check(TASK, LBFGS, before, {**before, "step": torch.tensor(2)}, loss)


@pytest.mark.parametrize("clip_norm", [None, 0.3, 5.0])
@pytest.mark.parametrize(("middle", "radius"), [(1.0, 0.0), (1.0, 0.25), (0.0, 0.5), (0.25, 1.0), (0.0, 0.0)])
@pytest.mark.parametrize("step", [0, 3])
def test_a_step_of_adam_with_any_gradient_of_an_enclosure(
    clip_norm: float | None, middle: float, radius: float, step: int
) -> None:
    """Wide ones, some around 0, so that a norm may vanish; at the first step, where both moments are 0, and later."""
    settings = replace(ADAM, clip_norm=clip_norm, layers=1)
    source = torch.Generator().manual_seed(step)
    drawn = torch.randn((3, 3, 3), generator=source, dtype=torch.float64)
    moments = [x[None].repeat(2, 1, 1) for x in (drawn[1] / 8, drawn[2].square() / 64)]
    before = {
        "step": torch.tensor(step), "P": drawn[:1], "Q": drawn[:1],
        **{name: x * (step > 0) for name, x in zip(("exp_avg", "exp_avg_sq"), moments, strict=True)},
    }  # fmt: skip
    signs = torch.sign(drawn[0])
    ball = Enclosure(middle * signs, torch.full((3, 3), radius, dtype=torch.float64))
    intervals = one_step._adam(settings, step, 0.05, before, ball, "P", 0)
    for place in (-1.0, -0.5, 0.0, 0.5, 1.0, None):
        share = (
            place if place is not None else 2 * torch.rand((3, 3), generator=source, dtype=torch.float64) - 1
        )
        found = stepped(settings, before, ball.middle + share * ball.radius)
        for name, (low, high) in intervals.items():
            assert ((low <= found[name]) & (found[name] <= high)).all(), (place, name)


def stepped(settings: Settings, before: State, gradient: Tensor) -> State:
    """What torch's Adam makes of both matrices with this gradient: of the first, by name."""
    parameters = [nn.Parameter(before[name][0].clone()) for name in ("P", "Q")]
    adam = optimizers.make(settings, parameters)
    adam.restore(dict(before))

    def loss() -> Tensor:
        for parameter in parameters:
            parameter.grad = gradient.clone()
        return torch.tensor(0.0)

    adam.advance(0.05, loss)
    return {"P": parameters[0].detach(), **{name: x[0] for name, x in adam.tensors().items()}}
