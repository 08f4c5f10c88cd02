"""``train`` beside an optimizer written out by hand: loss, gradient, clip, Adam, rate, averages and batches.

The hand computes in balls, and every float64 number of a run must lie in its ball. Why it has to: float64 evaluates a
sum of products, in any order and association, to Σ t (1 + η) over its terms t, with |η| ≤ k · 2⁻⁵³ for k roundings on
the way to a term (backward error); quotients and roots likewise. Here k < 1000. So, step by step, what float64 finds
lies in the ball that the same formula gives once its arguments are widened by a relative 2⁻⁴³ > 1000 · 2⁻⁵³. The
constants 1 − β₂ᵗ ≥ 0.009 lose at most 2⁻⁴⁶ to cancellation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import pytest
import torch
from flint import arb, arb_mat
from torch import Tensor

from icl_claims.models import training
from icl_claims.models.prompts import sample_axis_prompts, sample_prompts
from icl_claims.models.settings import Settings
from icl_claims.models.training import Trained, train
from icl_claims.theory.algebra import exact
from icl_claims.theory.task import RegressionTask

TASK = RegressionTask(exact.diagonal([1, "1/4"]), 3, noise_variance="1/8")
N = TASK.context_length
WIDE = arb(1, 2.0**-43)

Batch = tuple[Tensor, Tensor]
Gradient = Callable[[list[arb_mat], Batch], tuple[arb, list[arb_mat]]]


def widened(m: arb_mat) -> arb_mat:
    return arb_mat([[x * WIDE for x in row] for row in m.tolist()])


def balls(tensor: Tensor) -> arb_mat:
    return widened(arb_mat(tensor.tolist()))


def prompts(batch: Batch) -> Iterator[tuple[arb_mat, arb_mat, arb_mat, arb_mat]]:
    """Of each prompt: context, queries, targets as a row, and the last two beside their number."""
    Z0, targets = batch
    for Z, t in zip(Z0, targets.reshape(len(Z0), -1), strict=True):
        yield balls(Z[:, :N]), balls(Z[:, N:]), balls(t[None]), balls(Z[:-1, :N])


def one_free_layer(parameters: list[arb_mat], batch: Batch) -> tuple[arb, list[arb_mat]]:
    """f = mean Σ_j r_j², r = −b G Q z/n − t: b the last row of P, G = Σ_i z_i z_iᵀ over the context."""
    P, Q = map(widened, parameters)
    rows, size = Q.nrows(), len(batch[0])
    b = arb_mat(P.tolist()[-1:])
    loss, last_row, in_Q = arb(0), arb_mat(1, rows), arb_mat(rows, rows)
    for context, queries, targets, _ in prompts(batch):
        G = context * context.transpose()
        residual = widened(b * G * Q * queries * (arb(-1) / N) - targets)
        loss += sum((r**2 for r in residual.entries()), arb(0)) / size
        factor = arb(-2) / (N * size)
        last_row += residual * (G * Q * queries).transpose() * factor
        in_Q += (b * G).transpose() * residual * queries.transpose() * factor
    return loss, [arb_mat([[arb(0)] * rows] * (rows - 1) + last_row.tolist()), in_Q]


def two_sparse_layers(parameters: list[arb_mat], batch: Batch) -> tuple[arb, list[arb_mat]]:
    """r = ⟨w_2, x⟩ − t after two steps of descent, w_1 = A_0ᵀ c and w_2 = w_1 + A_1ᵀ (c − S w_1)."""
    Q = [widened(m) for m in parameters[1::2]]
    d, size, tied = Q[0].nrows() - 1, len(batch[0]), len(Q) == 1
    A = [arb_mat([row[:d] for row in m.tolist()[:d]]) * -1 for m in (Q * 2 if tied else Q)]
    loss, of_A = arb(0), [arb_mat(d, d), arb_mat(d, d)]
    for context, queries, targets, X in prompts(batch):
        labels, x = arb_mat(context.tolist()[d:]), arb_mat(queries.tolist()[:d])
        S, c = X * X.transpose() * (arb(1) / N), X * labels.transpose() * (arb(1) / N)
        w = widened(A[0].transpose() * c)
        slope = widened(c - S * w)
        residual = widened((w + A[1].transpose() * slope).transpose() * x - targets)
        loss += residual[0, 0] ** 2 / size
        factor = residual[0, 0] * 2 / size
        of_A[0] += c * (x - S * A[1] * x).transpose() * factor
        of_A[1] += slope * x.transpose() * factor
    blocks = [of_A[0] + of_A[1]] if tied else of_A
    gradients = []
    for block in blocks:
        rows = [[-x for x in row] + [arb(0)] for row in block.tolist()] + [[arb(0)] * (d + 1)]
        gradients += [arb_mat(d + 1, d + 1), arb_mat(rows)]
    return loss, gradients


@dataclass(frozen=True)
class Hand:
    """The optimizer that is written out; other values of its fields make others, which ``train`` is not.

    Fields that are None are those of the settings.
    """

    betas: tuple[float, float] | None = None
    epsilon: float = 1e-8
    corrected: bool = True
    falls: bool | None = None
    jointly: bool = False
    clips: bool = True
    resamples: int | None = None
    averages_from: int | None = None
    exponential: bool = False

    def run(
        self, start: list[arb_mat], batches: Sequence[Batch], gradient: Gradient, settings: Settings
    ) -> tuple[list[arb], list[list[arb_mat]], list[arb_mat]]:
        """The losses before each step, the iterates from the start on, and their mean."""
        theta, first, second = start, [m * 0 for m in start], [m * 0 for m in start]
        losses, iterates = [], [start]
        falls = settings.schedule == "linear" if self.falls is None else self.falls
        betas = self.betas or (settings.beta_1, settings.beta_2)
        for step in range(settings.steps):
            loss, found = gradient(theta, batches[step // (self.resamples or settings.resample_every)])
            losses.append(loss * WIDE)
            found = self.clipped(found, settings.clip_norm)
            rate = arb(settings.learning_rate) * (1 - arb(step) / settings.steps if falls else 1)
            entries = zip(theta, first, second, found, strict=True)
            moved = [self.adam(step, rate, betas, *state) for state in entries]
            theta, first, second = map(list, zip(*moved, strict=True))
            iterates.append(theta)
        return losses, iterates, self.mean(iterates, settings)

    def adam(
        self, step: int, rate: arb, betas: tuple[float, float], theta: arb_mat, first: arb_mat, second: arb_mat,
        gradient: arb_mat,
    ) -> list[arb_mat]:  # fmt: skip
        """θ − rate m̂/(√v̂ + ε), m = β₁m + (1 − β₁)g and v = β₂v + (1 − β₂)g², entry by entry; m̂ = m/(1 − β₁ᵗ)."""
        b1, b2 = map(arb, betas)
        one, two = ((1 - b ** (step + 1)) if self.corrected else arb(1) for b in (b1, b2))
        moved = []
        entries = [widened(x).entries() for x in (theta, first, second, gradient)]
        for t, m, v, g in zip(*entries, strict=True):
            m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
            moved.append((t - rate * (m / one) / ((v / two).sqrt() + self.epsilon), m, v))
        return [arb_mat(theta.nrows(), theta.ncols(), list(x)) for x in zip(*moved, strict=True)]

    def clipped(self, gradients: list[arb_mat], bound: float | None) -> list[arb_mat]:
        """g · min(1, c/(‖g‖ + 10⁻⁶)): torch adds this to every norm."""
        if bound is None or not self.clips:
            return gradients
        norms = [sum((x**2 for x in g.entries()), arb(0)) for g in gradients]
        if self.jointly:
            norms = [sum(norms, arb(0))] * len(norms)
        scales = [arb(1).min(bound * WIDE / (norm.sqrt() + 1e-6)) for norm in norms]
        return [g * scale for g, scale in zip(gradients, scales, strict=True)]

    def mean(self, iterates: list[list[arb_mat]], settings: Settings) -> list[arb_mat]:
        """Of the iterates after the given share of the steps."""
        after = int(settings.average_from * settings.steps)
        kept = iterates[1 + (after if self.averages_from is None else self.averages_from) :]
        if self.exponential:
            total = kept[0]
            for iterate in kept[1:]:
                total = [(a + b) * (arb(1) / 2) for a, b in zip(total, iterate, strict=True)]
            return total
        sums = [m * 0 for m in kept[0]]
        for iterate in kept:
            sums = [a + widened(b) for a, b in zip(sums, iterate, strict=True)]
        return [m * (arb(1) / len(kept)) for m in sums]


FREE = Settings(
    steps=6, batch=4, resample_every=2, learning_rate=0.0625, average_from=0.5, clip_norm=0.7, start_scale=0.25,
    snapshots=6,
)  # fmt: skip
SPARSE = replace(
    FREE,
    form="sparse",
    layers=2,
    integrate_query=False,
    resample_every=3,
    average_from=0.0,
    clip_norm=1.0,
    seed=3,
)
CASES: dict[str, tuple[Settings, Gradient]] = {
    "one free layer": (FREE, one_free_layer),
    "one free layer, not clipped": (replace(FREE, clip_norm=None, average_from=0.9), one_free_layer),
    "two sparse layers": (SPARSE, two_sparse_layers),
    "two loops": (replace(SPARSE, tied=True), two_sparse_layers),
    "a constant rate": (replace(FREE, schedule="constant"), one_free_layer),
    "other moments": (replace(FREE, beta_1=0.5, beta_2=0.75), one_free_layer),
    "no moments": (replace(FREE, beta_1=0.0, beta_2=0.0), one_free_layer),
}


@dataclass(frozen=True)
class Ran:
    """A run, the losses it reported, and the batches it was given."""

    result: Trained
    losses: list[float]
    batches: list[Batch]


def ran(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Ran:
    """Train on prepared batches, as many as the settings call for."""
    sampler = sample_axis_prompts if settings.integrate_query else sample_prompts
    generator = torch.Generator().manual_seed(7)
    count = -(-settings.steps // settings.resample_every)
    batches = [sampler(TASK, settings.batch, generator) for _ in range(count)]
    waiting = iter(batches)
    monkeypatch.setattr(training, sampler.__name__, lambda *_: next(waiting))
    losses: list[float] = []
    result = train(TASK, settings, progress=lambda _, loss: losses.append(loss))
    assert next(waiting, None) is None
    return Ran(result, losses, batches)


def agrees(found: Ran, settings: Settings, gradient: Gradient, hand: Hand) -> bool:
    """Whether losses, snapshots and averaged weights lie in their balls."""
    layers = 1 if settings.tied else settings.layers
    weights = dict(found.result.snapshots)
    start = [arb_mat(m.tolist()) for k in range(layers) for m in (weights[0].P[k], weights[0].Q[k])]
    # The batch that another optimizer would want is at hand as well.
    losses, iterates, mean = hand.run(start, [*found.batches, *found.batches * 6], gradient, settings)
    compared = [(iterates[step], kept) for step, kept in found.result.snapshots]
    return all(ball.contains(arb(x)) for ball, x in zip(losses, found.losses, strict=True)) and all(
        ball.contains(arb(x))
        for matrices, weights in [*compared, (mean, found.result.weights)]
        for k in range(layers)
        for m, tensor in zip(matrices[2 * k : 2 * k + 2], (weights.P[k], weights.Q[k]), strict=True)
        for ball, x in zip(m.entries(), tensor.flatten().tolist(), strict=True)
    )


@pytest.mark.parametrize("case", list(CASES))
def test_a_run_is_the_one_by_hand(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    settings, gradient = CASES[case]
    assert agrees(ran(settings, monkeypatch), settings, gradient, Hand())


OTHERS = {
    "constant rate": Hand(falls=False),
    "moments exchanged": Hand(betas=(0.99, 0.9)),
    "joint clip": Hand(jointly=True),
    "no clip, or one after the step": Hand(clips=False),
    "another beta_1": Hand(betas=(0.8, 0.99)),
    "another beta_2": Hand(betas=(0.9, 0.999)),
    "another epsilon": Hand(epsilon=1e-7),
    "no bias correction": Hand(corrected=False),
    "a batch for each step": Hand(resamples=1),
    "one batch for all steps": Hand(resamples=FREE.steps),
    "average from the start": Hand(averages_from=0),
    "average one step later": Hand(averages_from=4),
    "exponential average": Hand(exponential=True),
}


@pytest.mark.parametrize("other", list(OTHERS))
def test_another_optimizer_is_told_apart(other: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The balls are narrow enough. Where the clip is joint, so that norms add up over layers as well."""
    for settings, gradient in (FREE, one_free_layer), (SPARSE, two_sparse_layers):
        if settings is FREE or OTHERS[other].averages_from is None:
            assert not agrees(ran(settings, monkeypatch), settings, gradient, OTHERS[other])
            monkeypatch.undo()
