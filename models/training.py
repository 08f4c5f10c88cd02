"""Training of linear transformers on freshly sampled prompts: seeded, logged, resumable, and replayable.

A run is a task and :class:`Settings`; the same run gives the same weights, bit for bit, on one machine,
whether or not it was interrupted. Mean squared error, Adam with a learning rate that falls linearly to 0 or L-BFGS,
and the mean of the iterates over the last part of the run as the result. Each batch has a seed of its own, that of
the run and its number, so that a run can be taken up at any state that was kept.

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

from icl_claims.models import logs, optimizers, states
from icl_claims.models.attention import LinearTransformer
from icl_claims.models.files import save
from icl_claims.models.logs import Progress
from icl_claims.models.parametrizations import trained_entries
from icl_claims.models.prompts import sample_axis_prompts, sample_prompts
from icl_claims.models.seeds import generator
from icl_claims.models.settings import Settings
from icl_claims.models.states import State
from icl_claims.models.weights import Weights
from icl_claims.theory.task import RegressionTask

CHECKPOINT, LOG, WEIGHTS, STATES = (
    "checkpoint.safetensors", "log.json", "weights.safetensors", "states.safetensors"
)  # fmt: skip
"""What a run leaves in its directory."""


@dataclass(frozen=True, eq=False)
class Trained:
    """The result of a run: averaged weights, the loss of each step's batch before it, and the states that were kept."""

    weights: Weights
    losses: Tensor
    states: tuple[State, ...] = ()

    @property
    def snapshots(self) -> tuple[tuple[int, Weights], ...]:
        """(steps done, weights then) of each state: the iterates, not yet averaged."""
        return tuple((states.step_of(state), Weights(state["P"], state["Q"])) for state in self.states)


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
    states (where some are kept) at its end, each atomically; an interrupt (Ctrl-C) leaves the last
    checkpoint, from which the same call goes on to the same result. A finished run is read, not repeated.

    Raises:
        ValueError: the directory holds a checkpoint of another task, other settings, other code or another torch.
        Diverged: a loss was not finite; the message names the step.
    """
    with one_thread():
        run = Run(task, settings)
        if directory is not None and (directory / CHECKPOINT).exists():
            run.resume(directory / CHECKPOINT)
        while run.step < settings.steps:
            loss = run.advance()
            if directory is not None and (
                run.step % settings.checkpoint_every == 0 or run.step == settings.steps
            ):
                run.store(directory / CHECKPOINT)
            if progress is not None:
                progress(run.step, loss)
        result = Trained(run.result(), torch.tensor(run.losses, dtype=torch.float64), tuple(run.kept))
    if directory is not None:
        save(directory / WEIGHTS, result.weights)
        logs.write(directory / LOG, task, settings, result.losses.tolist(), states.chain(result.states))
        if result.states:
            states.save(directory / STATES, result.states, result.losses, {})
    return result


class Run:
    """A run between two steps: made at its start, and from then on advanced, or restored from a kept state."""

    def __init__(self, task: RegressionTask, settings: Settings) -> None:
        self.task, self.settings = task, settings
        self.model, self.parameters = _start(task.dim, settings)
        self.optimizer = optimizers.make(settings, self.parameters)
        self.mean = [torch.zeros_like(p) for p in self.parameters]
        self.step = 0
        self.losses: list[float] = []
        self.kept: list[State] = []
        self._keep()
        self._batch: tuple[int, tuple[Tensor, Tensor]] | None = None

    def advance(self) -> float:
        """One step; the loss of its batch before it."""
        settings = self.settings
        fall = 1 - self.step / settings.steps if settings.schedule == "linear" else 1.0
        value = self.optimizer.advance(settings.learning_rate * fall, self.loss)
        self.step += 1
        averaged = self.step - int(settings.average_from * settings.steps)
        if averaged > 0:
            for mean, parameter in zip(self.mean, self.parameters, strict=True):
                mean += (parameter.detach() - mean) / averaged
        self.losses.append(value)
        self._keep()
        return value

    def loss(self) -> Tensor:
        """The mean squared error on the batch of the next step; its gradient goes to the parameters.

        Raises:
            Diverged: it is not finite.
        """
        prompts, targets = self.batch()
        queries = self.task.dim if self.settings.integrate_query else 1
        errors = self.model.predict(prompts, queries) - targets.reshape(self.settings.batch, queries)
        loss = errors.square().sum() / self.settings.batch
        if not abs(loss.item()) < float("inf"):
            raise Diverged(
                f"loss must be finite, got {loss.item()} at step {self.step + 1}: try a learning_rate below "
                f"{self.settings.learning_rate}"
            )
        for parameter in self.parameters:
            parameter.grad = None
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    def batch(self) -> tuple[Tensor, Tensor]:
        """The prompts and targets of the next step."""
        index = self.step // self.settings.resample_every
        if self._batch is None or self._batch[0] != index:
            sample = sample_axis_prompts if self.settings.integrate_query else sample_prompts
            source = generator(self.settings.seed, f"batch {index}")
            self._batch = index, sample(self.task, self.settings.batch, source)
        return self._batch[1]

    def result(self) -> Weights:
        """The averaged weights."""
        P, Q = torch.stack(self.mean[::2]), torch.stack(self.mean[1::2])
        loops = self.settings.layers if self.settings.tied else 1
        # One entry: safetensors writes several in no fixed order.
        metadata = {"run": logs.identity(self.task, self.settings)}
        return Weights(P.repeat(loops, 1, 1), Q.repeat(loops, 1, 1), metadata)

    def state(self) -> State:
        """Everything that decides how the run goes on, copied."""
        current = [p.detach() for p in self.parameters]
        return {
            "step": torch.tensor(self.step),
            "P": torch.stack(current[::2]),
            "Q": torch.stack(current[1::2]),
            "mean_P": torch.stack(self.mean[::2]),
            "mean_Q": torch.stack(self.mean[1::2]),
            **self.optimizer.tensors(),
        }

    def restore(self, state: State) -> None:
        """Take up what :meth:`state` gave."""
        self.step = states.step_of(state)
        with torch.no_grad():
            for index, (parameter, mean) in enumerate(zip(self.parameters, self.mean, strict=True)):
                name = "PQ"[index % 2]
                parameter.copy_(state[name][index // 2])
                mean.copy_(state[f"mean_{name}"][index // 2])
        self.optimizer.restore(dict(state))

    def store(self, path: Path) -> None:
        """Write the kept states and the present one, atomically."""
        losses = torch.tensor(self.losses, dtype=torch.float64)
        identity = {"run": logs.identity(self.task, self.settings, code=True)}
        states.save(path, [*self.kept, self.state()], losses, identity)

    def resume(self, path: Path) -> None:
        """Take up the run that :meth:`store` wrote.

        Raises:
            ValueError: it is another one; the message says in what.
        """
        kept, losses, metadata = states.load(path)
        wanted = logs.identity(self.task, self.settings, code=True)
        if metadata.get("run") != wanted:
            raise ValueError(
                f"{path} must be a checkpoint of this run, got one with "
                f"{logs.differences(metadata.get('run', '{}'), wanted)}: choose another directory, or delete it"
            )
        *self.kept, last = kept
        self.restore(last)
        self.losses = losses.tolist()

    def _keep(self) -> None:
        if self.step in self.settings.kept_steps:
            self.kept.append(self.state())


def _start(d: int, settings: Settings) -> tuple[LinearTransformer, list[nn.Parameter]]:
    """The model at the start; a hook keeps the gradient of the entries that are not trained at 0."""
    shape = (1 if settings.tied else settings.layers, d + 1, d + 1)
    free, source = trained_entries(settings.form, d), generator(settings.seed, "start")
    P, Q = (
        settings.start_scale * torch.randn(shape, generator=source, dtype=torch.float64) * free[name]
        for name in ("P", "Q")
    )
    P[:, d, d] += settings.start_beta if settings.form == "free" else 1
    model = LinearTransformer.from_matrices(P, Q, loops=settings.layers if settings.tied else 1)
    for name, parameter in model.named_parameters():
        parameter.register_hook(lambda gradient, mask=free[name[-1]]: gradient * mask)  # type: ignore[no-untyped-call]
    return model, list(model.parameters())


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """The order of additions depends on the number of threads; so do the last bits."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
