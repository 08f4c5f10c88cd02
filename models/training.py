"""Training of linear transformers on freshly sampled prompts: seeded, logged, resumable.

A run is a task and :class:`Settings`; the same run gives the same weights, bit for bit, on one machine,
whether or not it was interrupted. Mean squared error, Adam with a learning rate that falls linearly to 0,
and the mean of the iterates over the last part of the run as the result.

Two choices matter for the noise and for the landscape:

* The squared error of one prompt is heavy-tailed. Integrating the query out exactly
  (:func:`icl_claims.models.prompts.sample_axis_prompts`) and averaging the iterates each cut the excess loss of the
  result several times.
* With b = (u, β) the last row of P and A = (A_x; aᵀ) the first columns of Q, the layer learns its
  preconditioner as the sum of β A_x and the rank-one u aᵀ (both transposed). From random starts near 0
  (``start_beta=0``) many runs stop at u aᵀ alone, above the minimum: at Σ = diag(1, 1/4, 1/16) three of
  six seeds, 19 % above at n = 4 and 89 % above at n = 16. So β starts at 1.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from icl_claims.files import replacing
from icl_claims.models import logs
from icl_claims.models.attention import LinearTransformer
from icl_claims.models.files import save, save_trajectory
from icl_claims.models.logs import Progress
from icl_claims.models.parametrizations import trained_entries
from icl_claims.models.prompts import sample_axis_prompts, sample_prompts
from icl_claims.models.settings import Settings
from icl_claims.models.weights import Weights
from icl_claims.theory.task import RegressionTask

CHECKPOINT, LOG, WEIGHTS, TRAJECTORY = (
    "checkpoint.pt", "log.json", "weights.safetensors", "trajectory.safetensors"
)  # fmt: skip
"""What a run leaves in its directory."""

_CURVE_POINTS = 200
"""The loss curve is decimated to about this many points."""


@dataclass(frozen=True, eq=False)
class Trained:
    """The result of a run: averaged weights, the loss curve as (steps done, mean loss since the last), and
    the snapshots as (steps done, weights then)."""

    weights: Weights
    curve: tuple[tuple[int, float], ...]
    snapshots: tuple[tuple[int, Weights], ...] = ()


class Diverged(ArithmeticError):
    """A loss was NaN or infinite."""


def train(
    task: RegressionTask,
    settings: Settings,
    *,
    directory: Path | None = None,
    progress: Progress | None = None,
) -> Trained:
    """Train on one thread, from the last checkpoint in ``directory`` if there is one.

    With a directory, the run writes a checkpoint every ``checkpoint_every`` steps, and weights, log and
    snapshots (where there are any) at its end, each atomically; an interrupt (Ctrl-C) leaves the last
    checkpoint, from which the same call goes on to the same result. A finished run is read, not repeated.

    Raises:
        ValueError: the directory holds a checkpoint of another task, other settings or another torch.
        Diverged: a loss was not finite; the message names the step.
    """
    with _one_thread():
        run = _Run(task, settings)
        if directory is not None and (directory / CHECKPOINT).exists():
            run.restore(directory / CHECKPOINT)
        while run.step < settings.steps:
            loss = run.advance()
            if directory is not None and (
                run.step % settings.checkpoint_every == 0 or run.step == settings.steps
            ):
                run.store(directory / CHECKPOINT)
            if progress is not None:
                progress(run.step, loss)
        result = run.result()
    if directory is not None:
        save(directory / WEIGHTS, result.weights)
        logs.write(directory / LOG, task, settings, result.curve)
        if result.snapshots:
            save_trajectory(directory / TRAJECTORY, result.snapshots)
    return result


class _Run:
    """The state of a run between two steps."""

    def __init__(self, task: RegressionTask, settings: Settings) -> None:
        self.task, self.settings = task, settings
        self.generator = torch.Generator().manual_seed(settings.seed)
        self.model, self.trained = _start(task.dim, settings, self.generator)
        self.optimizer = torch.optim.Adam(self.trained, lr=settings.learning_rate, betas=(0.9, 0.99))
        self.mean = [torch.zeros_like(p) for p in self.model.parameters()]
        self.step = 0
        self.curve: list[tuple[int, float]] = []
        self.since: list[float] = []
        self.snapshots: list[tuple[int, Tensor, Tensor]] = []
        self._snapshot()
        self.batch: tuple[Tensor, Tensor] | None = None
        self.before_batch = self.generator.get_state()

    def advance(self) -> float:
        """One step; the loss of its batch before it."""
        settings = self.settings
        if self.batch is None or self.step % settings.resample_every == 0:
            self.batch = self._draw()
        prompts, targets = self.batch
        queries = self.task.dim if settings.integrate_query else 1
        errors = self.model.predict(prompts, queries) - targets.reshape(settings.batch, queries)
        loss = errors.square().sum() / settings.batch
        value = loss.item()
        if not abs(value) < float("inf"):
            raise Diverged(
                f"loss must be finite, got {value} at step {self.step + 1}: try a learning_rate below "
                f"{settings.learning_rate}"
            )
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        if settings.clip_norm is not None:
            for parameter in self.trained:
                nn.utils.clip_grad_norm_([parameter], settings.clip_norm)
        self.optimizer.param_groups[0]["lr"] = settings.learning_rate * (1 - self.step / settings.steps)
        self.optimizer.step()
        self.step += 1
        self._record(value)
        self._snapshot()
        return value

    def result(self) -> Trained:
        """The averaged weights, the curve and the snapshots."""
        with torch.no_grad():
            for parameter, mean in zip(self.model.parameters(), self.mean, strict=True):
                parameter.copy_(mean)
        # One entry: safetensors writes several in no fixed order.
        metadata = {"run": logs.identity(self.task, self.settings)}
        snapshots = tuple((step, Weights(P, Q)) for step, P, Q in self.snapshots)
        return Trained(Weights(*self.model.weights(), metadata), tuple(self.curve), snapshots)

    def store(self, path: Path) -> None:
        """Write the state, atomically. Of a batch in use, the generator's state before it is kept."""
        fresh = self.step % self.settings.resample_every == 0
        state = {
            "run": logs.identity(self.task, self.settings),
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "mean": self.mean,
            "step": self.step,
            "curve": self.curve,
            "since": self.since,
            "snapshots": self.snapshots,
            "generator": self.generator.get_state() if fresh else self.before_batch,
        }
        with replacing(path) as temporary:
            torch.save(state, temporary)

    def restore(self, path: Path) -> None:
        """Take up the state that :meth:`store` wrote."""
        state = torch.load(path, weights_only=True)
        if state["run"] != logs.identity(self.task, self.settings):
            raise ValueError(
                f"{path} must be a checkpoint of this run, {logs.identity(self.task, self.settings)}, "
                f"got one of {state['run']}: choose another directory, or delete it"
            )
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.mean, self.step = state["mean"], state["step"]
        self.curve, self.since = state["curve"], state["since"]
        self.snapshots = state["snapshots"]
        self.generator.set_state(state["generator"])

    def _draw(self) -> tuple[Tensor, Tensor]:
        self.before_batch = self.generator.get_state()
        sample = sample_axis_prompts if self.settings.integrate_query else sample_prompts
        return sample(self.task, self.settings.batch, self.generator)

    def _snapshot(self) -> None:
        if self.step in self.settings.snapshot_steps:
            self.snapshots.append((self.step, *self.model.weights()))

    def _record(self, loss: float) -> None:
        averaged = self.step - int(self.settings.average_from * self.settings.steps)
        if averaged > 0:
            for mean, parameter in zip(self.mean, self.model.parameters(), strict=True):
                mean += (parameter.detach() - mean) / averaged
        self.since.append(loss)
        if len(self.since) >= self.settings.steps / _CURVE_POINTS or self.step == self.settings.steps:
            self.curve.append((self.step, sum(self.since) / len(self.since)))
            self.since = []


def _start(
    d: int, settings: Settings, generator: torch.Generator
) -> tuple[LinearTransformer, list[nn.Parameter]]:
    """The model at the start; a hook keeps the gradient of the entries that are not trained at 0."""
    shape = (1 if settings.tied else settings.layers, d + 1, d + 1)
    free = trained_entries(settings.form, d)
    P, Q = (
        settings.start_scale * torch.randn(shape, generator=generator, dtype=torch.float64) * free[name]
        for name in ("P", "Q")
    )
    P[:, d, d] += settings.start_beta if settings.form == "free" else 1
    model = LinearTransformer.from_matrices(P, Q, loops=settings.layers if settings.tied else 1)
    for name, parameter in model.named_parameters():
        parameter.register_hook(lambda gradient, mask=free[name[-1]]: gradient * mask)  # type: ignore[no-untyped-call]
    return model, list(model.parameters())


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """The order of additions depends on the number of threads; so do the last bits."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
