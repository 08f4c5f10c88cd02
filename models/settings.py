"""What, beside the task, decides a training run."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Real
from typing import Any, Literal, get_args

from icl_claims.models.parametrizations import Form
from icl_claims.theory.algebra.validation import positive_integer

Optimizer = Literal["adam", "lbfgs"]
Schedule = Literal["linear", "constant"]


@dataclass(frozen=True)
class Settings:
    """What, beside the task, decides a run.

    Args:
        layers: L, the number of layers.
        tied: whether one layer is applied L times (looped).
        form: which entries are trained. "free": all of P and Q. "sparse": Q_l = −diag(A_l, 0) with
            P_l = diag(0, 1). "relaxed": P_l = diag(B_l, 1) and Q_l = diag(A_l, 0).
        optimizer: "adam", or "lbfgs" with a line search for the strong Wolfe conditions.
        steps: number of the optimizer's updates, not a step size. Stored logs have it under this name.
        batch: prompts (or contexts, where the query is integrated out) in a batch.
        resample_every: steps on one batch before the next is drawn.
        integrate_query: average over the query exactly, not by sampling it.
        learning_rate: at the start.
        schedule: of the rate: "linear" falls to 0 at the end, "constant" does not fall.
        beta_1, beta_2: Adam's rates of decay of its two moments, in [0, 1).
        history: pairs of differences that L-BFGS keeps.
        iterations: of L-BFGS in one step.
        average_from: the result is the mean of the iterates after this share of the steps, in [0, 1).
        clip_norm: largest Frobenius norm of the gradient of each matrix; None does not clip. For Adam only.
        start_scale: standard deviation of the trained entries at the start.
        start_beta: added to P's last diagonal entry at the start, where it is trained; the other forms
            fix it at 1.
        seed: of the start and the prompts, an integer in [−2⁶³, 2⁶⁴), which is what torch takes.
        checkpoint_every: steps between checkpoints.
        snapshots: K, how many times after the start the state is kept, after steps · (k/K)² steps for
            k = 0, …, K (fewer where these coincide): densely while much happens. 0 keeps none.
        replayed: r, where states are kept too: after 1 and r steps, and before the last r and the last one.
            0 keeps none of these.

    Raises:
        TypeError, ValueError: a value is of the wrong type or out of range.

    >>> sorted(Settings(steps=8, snapshots=2).kept_steps)
    [0, 2, 8]
    """

    layers: int = 1
    tied: bool = False
    form: Form = "free"
    optimizer: Optimizer = "adam"
    steps: int = 800
    batch: int = 1024
    resample_every: int = 1
    integrate_query: bool = True
    learning_rate: float = 0.1
    schedule: Schedule = "linear"
    beta_1: float = 0.9
    beta_2: float = 0.99
    history: int = 10
    iterations: int = 4
    average_from: float = 0.3
    clip_norm: float | None = None
    start_scale: float = 0.1
    start_beta: float = 1.0
    seed: int = 0
    checkpoint_every: int = 200
    snapshots: int = 0
    replayed: int = 0

    def __post_init__(self) -> None:
        for name in (
            "layers", "steps", "batch", "resample_every", "history", "iterations", "checkpoint_every",
        ):  # fmt: skip
            positive_integer(name, getattr(self, name))
        for name, kind in (("form", Form), ("optimizer", Optimizer), ("schedule", Schedule)):
            if getattr(self, name) not in get_args(kind):
                raise ValueError(
                    f"{name} must be one of {', '.join(get_args(kind))}, got {getattr(self, name)!r}"
                )
        for name in ("tied", "integrate_query"):
            if not isinstance(getattr(self, name), bool):
                raise TypeError(f"{name} must be True or False, got {getattr(self, name)!r}")
        for name in ("learning_rate", "start_scale"):
            _check_number(name, getattr(self, name), "a finite number > 0", above=0)
        if self.clip_norm is not None:
            _check_number("clip_norm", self.clip_norm, "a finite number > 0, or None", above=0)
        _check_number("start_beta", self.start_beta, "a finite number")
        for name in ("average_from", "beta_1", "beta_2"):
            _check_number(name, getattr(self, name), "in [0, 1)")
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} must be in [0, 1), got {getattr(self, name)!r}")
        if self.optimizer == "lbfgs" and self.clip_norm is not None:
            raise ValueError(f"clip_norm must be None for lbfgs, got {self.clip_norm!r}")
        if isinstance(self.seed, bool) or not isinstance(self.seed, int):
            raise TypeError(f"seed must be an integer, got {self.seed!r} of type {type(self.seed).__name__}")
        if not -(2**63) <= self.seed < 2**64:
            raise ValueError(f"seed must be in [−2⁶³, 2⁶⁴), got {self.seed}")
        for name in ("snapshots", "replayed"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 0:
                raise ValueError(f"{name} must be an integer ≥ 0, got {value!r}")

    @property
    def kept_steps(self) -> frozenset[int]:
        """After how many steps the state is kept.

        >>> sorted(Settings(steps=100, snapshots=2, replayed=10).kept_steps)
        [0, 1, 10, 25, 90, 99, 100]
        """
        parts = range(self.snapshots + 1) if self.snapshots else ()
        kept = {round(self.steps * (k / self.snapshots) ** 2) for k in parts}
        if self.replayed:
            near = (0, 1, min(self.replayed, self.steps))
            kept |= {*near, *(self.steps - x for x in near)}
        return frozenset(kept)


def _check_number(name: str, value: Any, wanted: str, above: float = -math.inf) -> None:
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} must be {wanted}, got {value!r} of type {type(value).__name__}")
    if not above < float(value) < math.inf:
        raise ValueError(f"{name} must be {wanted}, got {value!r}")
