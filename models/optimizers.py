"""The optimizers of the papers' experiments; their state is kept as tensors and can be taken up again, bit for bit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, Protocol

import torch
from torch import Tensor, nn

from icl_claims.models.settings import Settings

Name = Literal["adam", "lbfgs"]


class Optimizer(Protocol):
    """What a run needs of an optimizer."""

    def advance(self, rate: float, loss: Callable[[], Tensor]) -> float:
        """One step with this rate; the value of the loss before it. ``loss`` also sets the gradients."""

    def tensors(self) -> dict[str, Tensor]:
        """Everything that decides the next steps, beside the parameters."""

    def restore(self, state: dict[str, Tensor]) -> None:
        """Take up what :meth:`tensors` gave."""


def make(settings: Settings, parameters: Sequence[nn.Parameter]) -> Optimizer:
    """The optimizer that the settings name."""
    return {"adam": Adam, "lbfgs": Lbfgs}[settings.optimizer](settings, parameters)  # type: ignore[return-value]


class Adam:
    """Adam with the bias correction and ε = 10⁻⁸, each matrix's gradient clipped before the step."""

    def __init__(self, settings: Settings, parameters: Sequence[nn.Parameter]) -> None:
        self.parameters, self.clip_norm = list(parameters), settings.clip_norm
        self.optimizer = torch.optim.Adam(
            self.parameters, lr=settings.learning_rate, betas=(settings.beta_1, settings.beta_2)
        )

    def advance(self, rate: float, loss: Callable[[], Tensor]) -> float:
        """See :class:`Optimizer`."""
        value = loss().item()
        if self.clip_norm is not None:
            for parameter in self.parameters:
                nn.utils.clip_grad_norm_([parameter], self.clip_norm)
        self.optimizer.param_groups[0]["lr"] = rate
        self.optimizer.step()
        return value

    def tensors(self) -> dict[str, Tensor]:
        """The two moments of each matrix, stacked in the order of the parameters."""
        states = [self.optimizer.state.get(parameter, {}) for parameter in self.parameters]
        return {
            name: torch.stack([state.get(name, torch.zeros_like(p)) for p, state in self._with(states)])
            for name in ("exp_avg", "exp_avg_sq")
        }

    def restore(self, state: dict[str, Tensor]) -> None:
        """See :class:`Optimizer`."""
        for index, parameter in enumerate(self.parameters):
            self.optimizer.state[parameter] = {
                "step": state["step"].to(torch.float32),
                **{name: state[name][index].clone() for name in ("exp_avg", "exp_avg_sq")},
            }

    def _with(self, states: Sequence[Any]) -> list[tuple[nn.Parameter, Any]]:
        return list(zip(self.parameters, states, strict=True))


class Lbfgs:
    """L-BFGS with a line search for the strong Wolfe conditions; one step here is ``iterations`` of its own."""

    _LISTS = ("old_dirs", "old_stps", "ro")

    def __init__(self, settings: Settings, parameters: Sequence[nn.Parameter]) -> None:
        self.parameters = list(parameters)
        self.optimizer = torch.optim.LBFGS(
            self.parameters,
            lr=settings.learning_rate,
            max_iter=settings.iterations,
            history_size=settings.history,
            line_search_fn="strong_wolfe",
        )

    def advance(self, rate: float, loss: Callable[[], Tensor]) -> float:
        """See :class:`Optimizer`."""
        self.optimizer.param_groups[0]["lr"] = rate
        return self.optimizer.step(loss).item()  # type: ignore[no-untyped-call]

    def tensors(self) -> dict[str, Tensor]:
        """Direction, length of the last step, differences of iterates and of gradients, and the last gradient."""
        state = self.optimizer.state[self.parameters[0]]
        size = sum(p.numel() for p in self.parameters)
        nothing = torch.zeros(size, dtype=torch.float64)
        found = {
            "n_iter": torch.tensor(state.get("n_iter", 0)),
            "func_evals": torch.tensor(state.get("func_evals", 0)),
            "t": torch.tensor(float(state.get("t") or 0), dtype=torch.float64),
            "prev_loss": torch.tensor(float(state.get("prev_loss") or 0), dtype=torch.float64),
            "d": state.get("d", nothing).clone(),
            "prev_flat_grad": state.get("prev_flat_grad", nothing).clone(),
            "H_diag": torch.tensor(float(state.get("H_diag", 1)), dtype=torch.float64),
        }
        for name in self._LISTS:
            kept = state.get(name) or []
            empty = torch.zeros((0,) if name == "ro" else (0, size), dtype=torch.float64)
            found[name] = torch.stack(list(kept)) if kept else empty
        return found

    def restore(self, state: dict[str, Tensor]) -> None:
        """See :class:`Optimizer`."""
        if int(state["n_iter"]) == 0:
            self.optimizer.state[self.parameters[0]] = {"func_evals": 0, "n_iter": 0}
            return
        self.optimizer.state[self.parameters[0]] = {
            "n_iter": int(state["n_iter"]),
            "func_evals": int(state["func_evals"]),
            "t": float(state["t"]),
            "prev_loss": float(state["prev_loss"]),
            **{name: state[name].clone() for name in ("d", "prev_flat_grad", "H_diag")},
            **{name: [x.clone() for x in state[name]] for name in self._LISTS},
            "al": [None] * self.optimizer.param_groups[0]["history_size"],
        }
