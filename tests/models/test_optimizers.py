"""Optimizers that are taken up again at any state go on bit for bit, and L-BFGS ends at exact minima.

Adam is compared with one written out in :mod:`tests.models.test_training_by_hand`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from flint import fmpq_mat
from torch import Tensor, nn

from icl_claims.models import optimizers, states
from icl_claims.models.optimizers import Adam, Lbfgs, Optimizer
from icl_claims.models.prompts import to_tensor
from icl_claims.models.settings import Settings
from icl_claims.theory.algebra.validation import rational

ADAM = Settings(optimizer="adam", clip_norm=2.0, learning_rate=0.25)
LBFGS = Settings(optimizer="lbfgs", schedule="constant", learning_rate=1.0, history=3, iterations=2)

Loss = Callable[[], Tensor]


def bent(x: Tensor) -> Tensor:
    """A valley that curves, with its minimum at (1, 1, 1, 1): L-BFGS needs many steps."""
    return (1 - x[:-1]).square().sum() + 10 * (x[1:] - x[:-1].square()).square().sum()


def problem(settings: Settings, start: float = -0.5) -> tuple[list[nn.Parameter], Loss, Optimizer]:
    """Two matrices of two entries, the loss that sets their gradients, and the optimizer."""
    parameters = [nn.Parameter(torch.full((1, 2), start, dtype=torch.float64)) for _ in range(2)]

    def loss() -> Tensor:
        for parameter in parameters:
            parameter.grad = None
        value = bent(torch.cat(parameters).reshape(-1))
        value.backward()  # type: ignore[no-untyped-call]
        return value

    return parameters, loss, optimizers.make(settings, parameters)


def everything(step: int, parameters: list[nn.Parameter], optimizer: Optimizer) -> dict[str, Tensor]:
    current = torch.stack([p.detach() for p in parameters])
    return {"step": torch.tensor(step), "x": current, **optimizer.tensors()}


@pytest.mark.parametrize(
    ("settings", "steps"),
    [
        (ADAM, 7),
        (replace(ADAM, clip_norm=None, beta_1=0.5, beta_2=0.25), 7),
        (LBFGS, 7),
        (replace(LBFGS, history=100), 7),
        (replace(LBFGS, history=1, iterations=1), 7),
        (replace(LBFGS, iterations=20), 7),
    ],
)
def test_it_goes_on_from_every_state(settings: Settings, steps: int) -> None:
    """Before the first step, with a history that is empty, filling, full and rolled over, and after convergence."""
    parameters, loss, optimizer = problem(settings)
    whole, values = [everything(0, parameters, optimizer)], []
    for step in range(steps):
        values.append(optimizer.advance(settings.learning_rate / (step + 1), loss))
        whole.append(everything(step + 1, parameters, optimizer))
    for first in range(steps + 1):
        parameters, loss, optimizer = problem(settings, start=7.0)
        with torch.no_grad():
            for parameter, tensor in zip(parameters, whole[first]["x"], strict=True):
                parameter.copy_(tensor)
        optimizer.restore({name: x.clone() for name, x in whole[first].items()})
        assert states.identical(everything(first, parameters, optimizer), whole[first])
        for step in range(first, steps):
            assert optimizer.advance(settings.learning_rate / (step + 1), loss) == values[step]
            assert states.identical(everything(step + 1, parameters, optimizer), whole[step + 1])


def test_the_cases_above_are_what_they_are_said_to_be() -> None:
    """The history of three rolls over, that of a hundred does not, and twenty iterations a step converge."""
    sizes = {}
    for name, settings in (("short", LBFGS), ("long", replace(LBFGS, history=100))):
        _, loss, optimizer = problem(settings)
        sizes[name] = []
        for _ in range(7):
            optimizer.advance(1.0, loss)
            sizes[name].append(len(optimizer.tensors()["old_dirs"]))
    assert sizes["short"][-1] == 3 < sizes["long"][-1]
    assert sizes["short"][0] < 3
    parameters, loss, optimizer = problem(replace(LBFGS, iterations=20))
    for _ in range(6):
        optimizer.advance(1.0, loss)
    before = int(optimizer.tensors()["n_iter"])
    optimizer.advance(1.0, loss)
    assert int(optimizer.tensors()["n_iter"]) <= before + 1
    assert max(float(p.grad.abs().max()) for p in parameters if p.grad is not None) < 1e-4


def test_a_state_is_a_copy() -> None:
    """What was kept does not change when the optimizer goes on."""
    for settings in (ADAM, LBFGS):
        _, loss, optimizer = problem(settings)
        for _ in range(5):
            kept = optimizer.tensors()
            before = {name: x.clone() for name, x in kept.items()}
            optimizer.advance(0.5, loss)
            assert states.identical(kept, before)


def test_a_state_holds_all_that_torch_holds() -> None:
    """A key that another version of torch adds, or leaves out, would be lost: then this fails."""
    _, loss, adam = problem(ADAM)
    adam.advance(0.1, loss)
    assert isinstance(adam, Adam)
    assert {key for kept in adam.optimizer.state_dict()["state"].values() for key in kept} == {
        "step", *adam.tensors(),
    }  # fmt: skip
    _, loss, lbfgs = problem(LBFGS)
    for _ in range(5):
        lbfgs.advance(1.0, loss)
    assert isinstance(lbfgs, Lbfgs)
    # "al" holds numbers that each iteration sets before it reads them.
    assert set(lbfgs.optimizer.state_dict()["state"][0]) == {"al", *lbfgs.tensors()}
    groups = lbfgs.optimizer.param_groups[0]
    assert (groups["tolerance_grad"], groups["tolerance_change"]) == (1e-7, 1e-9)
    assert (groups["max_iter"], groups["history_size"], groups["line_search_fn"]) == (2, 3, "strong_wolfe")


HESSIANS = {
    "diagonal": [[4, 0, 0, 0], [0, 1, 0, 0], [0, 0, "1/2", 0], [0, 0, 0, 2]],
    "full": [[3, 1, 0, "1/2"], [1, 2, "1/4", 0], [0, "1/4", 1, "1/8"], ["1/2", 0, "1/8", 1]],
}


@pytest.mark.parametrize("case", list(HESSIANS))
def test_lbfgs_ends_at_the_exact_minimum_of_a_quadratic_loss(case: str) -> None:
    r"""f = ½ xᵀ H x − bᵀ x. It stops where |∇f| ≤ 10⁻⁷, or a step or the decrease is below 10⁻⁹.

    With ‖x − H⁻¹b‖ ≤ ‖∇f‖/λ_min and λ_min > 1/4 (H − I/4 is positive definite), ∇f of at most 10⁻⁵ an entry puts x
    within 8 · 10⁻⁵ of the exact H⁻¹ b. One iteration of gradient descent is not there.
    """
    H = fmpq_mat([[rational("entry", x) for x in row] for row in HESSIANS[case]])
    b = fmpq_mat([[1], [-2], [3], [1]])
    quarter = fmpq_mat([[rational("entry", "1/4" if i == j else 0) for j in range(4)] for i in range(4)])
    assert all((-1) ** k * c > 0 for k, c in enumerate(reversed((H - quarter).charpoly().coeffs())))
    exact, matrix, vector = to_tensor(H.inv() * b).reshape(-1), to_tensor(H), to_tensor(b).reshape(-1)
    x = nn.Parameter(torch.zeros(4, dtype=torch.float64))

    def loss() -> Tensor:
        x.grad = None
        value = x @ matrix @ x / 2 - vector @ x
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimizer = optimizers.make(replace(LBFGS, history=10, iterations=4), [x])
    errors = []
    for _ in range(10):
        optimizer.advance(1.0, loss)
        errors.append(float((x.detach() - exact).norm()))
    assert float((matrix @ x.detach() - vector).abs().max()) < 1e-5
    assert errors[-1] < 8e-5 < errors[0]


def test_the_first_step_of_lbfgs_is_downhill() -> None:
    """Along −∇f, to a point where the loss is less; from 0, so that the sum is exact."""
    parameters, loss, optimizer = problem(replace(LBFGS, iterations=1), start=0.0)
    value = loss()
    gradient = torch.cat([p.grad for p in parameters if p.grad is not None]).reshape(-1)
    assert optimizer.advance(1.0, loss) == value.item()
    kept = optimizer.tensors()
    assert torch.equal(kept["d"], -gradient)
    assert torch.equal(kept["prev_flat_grad"], gradient)
    assert float(kept["prev_loss"]) == value.item()
    moved = torch.cat([p.detach() for p in parameters]).reshape(-1)
    assert torch.equal(moved, kept["t"] * kept["d"])
    assert loss().item() < value.item()


def test_the_rate_is_that_of_the_step() -> None:
    """Twice the rate is twice the first step of Adam, from 0; the settings' own rate does not count."""
    moves = []
    for rate in (0.5, 0.25):
        parameters, loss, optimizer = problem(ADAM, start=0.0)
        optimizer.advance(rate, loss)
        moves.append(parameters[0].detach().clone())
    assert torch.equal(moves[0], 2 * moves[1])
    assert float(moves[0].abs().max()) > 0
