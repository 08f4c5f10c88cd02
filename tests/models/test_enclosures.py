"""Enclosures hold what exact arithmetic finds, and autograd in any order; they are narrow and refuse all else."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch
from flint import fmpq, fmpq_mat
from torch import Tensor

from icl_claims.models import training
from icl_claims.models.attention import LinearAttention
from icl_claims.models.enclosures import (
    MOST_ROUNDINGS,
    ROUNDING,
    Enclosure,
    loss_and_gradient,
    product,
    prompts,
    root_of,
)
from icl_claims.models.parametrizations import trained_entries
from icl_claims.models.prompts import roots, to_tensor
from icl_claims.models.reproduce import RUNS
from icl_claims.models.settings import Settings
from icl_claims.models.training import Run
from icl_claims.theory.algebra.validation import rational
from icl_claims.theory.task import RegressionTask
from tests.shared.stored_runs import ADAM, LBFGS, TASK, VARIANTS

GENERATOR = torch.Generator().manual_seed(11)


def random(*shape: int) -> Tensor:
    return torch.randn(shape, generator=GENERATOR, dtype=torch.float64)


def around(tensor: Tensor, share: float) -> Enclosure:
    return Enclosure(tensor, share * tensor.abs())


def holds(ball: Enclosure, values: list[fmpq]) -> bool:
    """Whether the entries hold exact numbers, in exact arithmetic."""
    pairs = zip(ball.middle.flatten().tolist(), ball.radius.flatten().tolist(), values, strict=True)
    return all(abs(rational("m", m) - value) <= rational("r", r) for m, r, value in pairs)


def rationals(tensor: Tensor) -> list[fmpq]:
    return [rational("entry", x) for x in tensor.flatten().tolist()]


def within(ball: Enclosure, place: float) -> list[fmpq]:
    """Exact points of the entries: at −1 the lower ends, at 0 the middles, at 1 the upper ends."""
    return [
        rational("m", m) + rational("place", place) * rational("r", r)
        for m, r in zip(ball.middle.flatten().tolist(), ball.radius.flatten().tolist(), strict=True)
    ]


def test_what_a_number_is() -> None:
    x = torch.tensor([1.0, -3.0, 0.0], dtype=torch.float64)
    assert Enclosure.exactly(x).contains(x)
    assert not Enclosure.exactly(x).contains(x + torch.tensor([0, 0, 5e-324], dtype=torch.float64))
    near, far = x * (1 + 2.0**-43), x * (1 + 2.0**-42)
    assert Enclosure.about(x).contains(near)
    assert not Enclosure.about(x).contains(far)
    assert not Enclosure(x, x.abs() + math.inf).contains(torch.full_like(x, math.nan))


@pytest.mark.parametrize("place", [-1, 0, 1])
def test_sums_and_multiples(place: int) -> None:
    a, b = around(random(2, 3), 1e-3), around(random(2, 3), 1e-9)
    points = list(zip(within(a, place), within(b, -place), strict=True))
    assert holds(a + b, [x + y for x, y in points])
    assert holds(a * (1 / 3), [x / 3 for x, _ in points])
    columns = within(a, place)
    assert holds(a.summed(), [x + y for x, y in zip(columns[:3], columns[3:], strict=True)])


def test_a_sum_in_any_order() -> None:
    """Of numbers of very different sizes, which cancel."""
    numbers = random(600) * 10.0 ** (20 * torch.rand(600, generator=GENERATOR, dtype=torch.float64) - 10)
    numbers = torch.cat([numbers, -numbers[:500]])[:, None]
    ball = Enclosure.exactly(numbers).summed()
    assert holds(ball, [sum(rationals(numbers), fmpq(0))])
    for _ in range(20):
        order = torch.randperm(len(numbers), generator=GENERATOR)
        assert ball.contains(torch.tensor([sum(numbers[order].flatten().tolist())], dtype=torch.float64))


@pytest.mark.parametrize("place", [-1, 0, 1])
def test_a_product_in_any_association(place: int) -> None:
    factors = [around(random(3, 4), 1e-3), around(random(4, 5), 0.0), around(random(5, 2), 1e-6)]
    ball = product(*factors)
    A, B, C = (fmpq_mat(*x.middle.shape, within(x, place)) for x in factors)
    assert holds(ball, (A * B * C).entries())
    narrow = product(*(Enclosure.exactly(x.middle) for x in factors))
    a, b, c = (x.middle for x in factors)
    assert narrow.contains((a @ b) @ c)
    assert narrow.contains(a @ (b @ c))
    assert narrow.contains(torch.einsum("ij,jk,kl->il", a, b, c))


def test_a_product_that_is_too_long_is_refused() -> None:
    """250 roundings stay below a quarter of 2⁻⁴³ each time; the constants in the docstring."""
    u = fmpq(1, 2**53)
    bound = MOST_ROUNDINGS * u / (1 - MOST_ROUNDINGS * u)
    assert 4 * bound < rational("g", ROUNDING) < 4 * bound * fmpq(103, 100)
    left, right = (Enclosure.exactly(torch.ones(shape)) for shape in ((1, 125), (125, 125)))
    product(left, right, right.mT[:, :1])
    wide = Enclosure.exactly(torch.ones((126, 1)))
    with pytest.raises(ValueError, match="inner sums must have at most 250 terms together, got 251"):
        product(left, Enclosure.exactly(torch.ones((125, 126))), wide)


@pytest.mark.parametrize(
    "shape", sorted({(run.task.dim, run.task.context_length, run.settings.layers) for run in RUNS.values()})
)
def test_the_sizes_in_use_are_not_too_long(shape: tuple[int, int, int]) -> None:
    d, n, layers = shape
    # Small, so that no size of a state overflows after the layers.
    P, Q = (Enclosure.exactly(random(layers, d + 1, d + 1) / (d + n)) for _ in range(2))
    Z0, targets = Enclosure.exactly(random(1, d + 1, n + d)), Enclosure.exactly(random(1, d))
    assert torch.isfinite(loss_and_gradient(P, Q, Z0, targets, n)[0].radius)


ROOTS = {
    "full": [[3, 1, 0], [1, 2, "1/2"], [0, "1/2", 1]],
    "ill-conditioned": [[1, "1/2", 0], ["1/2", 1, 0], [0, 0, "1/64"]],
    "a small entry": [[2, "1/1073741824", 1], ["1/1073741824", 1, "1/2"], [1, "1/2", 2]],
    "singular": [[4, 2, 0], [2, 1, 0], [0, 0, "1/2"]],
    "identity": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    "zero": [[0, 0, 0], [0, 0, 0], [0, 0, 0]],
}


@pytest.mark.parametrize("case", list(ROOTS))
def test_roots_by_any_decomposition(case: str) -> None:
    """R is the exact root of R²; the others come from turned and rescaled matrices, as another library's might."""
    R = fmpq_mat([[rational("entry", x) for x in row] for row in ROOTS[case]])
    task = RegressionTask(R * R, 2)
    ball = root_of(task.covariance, roots(task)[0])
    assert holds(ball, R.entries())
    for order in ([2, 0, 1], [1, 2, 0], [2, 1, 0]):
        turn = fmpq_mat([[int(order[i] == j) for j in range(3)] for i in range(3)])
        other = roots(RegressionTask(turn * R * R * turn.transpose(), 2))[0]
        t = to_tensor(turn)
        assert ball.contains(t.mT @ other @ t)
    for factor in (3, 7):
        other = roots(RegressionTask(R * R * factor**2, 2))[0]
        assert ball.contains(other / factor)
    assert not ball.contains(roots(task)[0] + 3 * ball.radius + 1e-300)


def test_a_small_entry_of_a_root_is_not_known_to_a_share_of_itself() -> None:
    """Why the radius is the same for all entries: here 2⁻³⁰ is wrong by more than 2⁻⁴³ of itself."""
    R = fmpq_mat([[rational("entry", x) for x in row] for row in ROOTS["a small entry"]])
    assert not holds(Enclosure.about(roots(RegressionTask(R * R, 2))[0]), R.entries())


@pytest.mark.parametrize("integrate", [True, False])
def test_prompts_are_those_of_the_run(integrate: bool) -> None:
    settings = replace(ADAM, integrate_query=integrate, resample_every=2)
    run = Run(TASK, settings)
    for step, index in ((0, 0), (1, 0), (5, 2)):
        run.step = step
        Z0, targets = run.batch()
        balls = prompts(TASK, settings, index)
        assert balls[0].contains(Z0)
        assert balls[1].contains(targets.reshape(balls[1].middle.shape))
        assert not prompts(TASK, settings, index + 1)[0].contains(Z0)
        # The labels below the queries are exactly 0.
        n = TASK.context_length
        assert not balls[0].radius[:, -1, n:].any()


def test_prompts_with_noise_are_not_enclosed() -> None:
    with pytest.raises(ValueError, match="noise_variance must be 0, got 1/8"):
        prompts(RegressionTask.isotropic(2, 3, "1/8"), ADAM, 0)


def exact_gradient(
    P: list[fmpq_mat], Q: list[fmpq_mat], Z0: list[fmpq_mat], targets: list[list[fmpq]], n: int
) -> tuple[fmpq, list[fmpq], list[fmpq]]:
    """The loss, and its derivative along every entry of P and of Q, forwards: the product rule on each layer."""
    rows = P[0].nrows()
    units = [fmpq_mat([[int((i, j) == (a, b)) for j in range(rows)] for i in range(rows)])
             for a in range(rows) for b in range(rows)]  # fmt: skip
    zero = units[0] * 0
    loss, found = fmpq(0), {"P": [], "Q": []}
    for name in ("P", "Q"):
        for layer in range(len(P)):
            for unit in units:
                total = fmpq(0)
                for start, wanted in zip(Z0, targets, strict=True):
                    Z, dZ = start, start * 0
                    for index, (p, q) in enumerate(zip(P, Q, strict=True)):
                        here = index == layer
                        dp, dq = (
                            unit if here and name == "P" else zero,
                            unit if here and name == "Q" else zero,
                        )
                        C, dC = first(Z, n), first(dZ, n)
                        G, dG = C * C.transpose(), dC * C.transpose() + C * dC.transpose()
                        change = dp * G * q * Z + p * dG * q * Z + p * G * dq * Z + p * G * q * dZ
                        Z, dZ = Z + p * G * q * Z / n, dZ + change / n
                    errors = [x + t for x, t in zip(Z.tolist()[-1][n:], wanted, strict=True)]
                    total += sum(
                        (2 * e * x for e, x in zip(errors, dZ.tolist()[-1][n:], strict=True)), fmpq(0)
                    )
                    if name == "P" and layer == 0 and unit is units[0]:
                        loss += sum((e * e for e in errors), fmpq(0)) / len(Z0)
                found[name].append(total / len(Z0))
    return loss, found["P"], found["Q"]


def first(Z: fmpq_mat, n: int) -> fmpq_mat:
    return fmpq_mat([row[:n] for row in Z.tolist()])


@pytest.mark.parametrize("place", [-1, 0, 1])
@pytest.mark.parametrize("layers", [1, 2])
def test_the_exact_loss_and_gradient(layers: int, place: int) -> None:
    """By rational arithmetic and the product rule, at points of all boxes: weights, prompts and targets."""
    n, d, size, queries = 2, 1, 2, 2
    P, Q = (around(random(layers, d + 1, d + 1), 1e-12) for _ in range(2))
    Z0, targets = around(random(size, d + 1, n + queries), 1e-11), around(random(size, queries), 1e-13)
    balls = loss_and_gradient(P, Q, Z0, targets, n)
    wanted = exact_gradient(
        *([fmpq_mat(d + 1, d + 1, within(x[k], place)) for k in range(layers)] for x in (P, Q)),
        [fmpq_mat(d + 1, n + queries, within(Z0[k], -place)) for k in range(size)],
        [within(targets[k], place) for k in range(size)],
        n,
    )
    assert holds(balls[0], [wanted[0]])
    assert holds(balls[1], wanted[1])
    assert holds(balls[2], wanted[2])


def by_autograd(settings: Settings) -> tuple[Tensor, Tensor, Tensor]:
    run = Run(TASK, settings)
    loss = run.loss()
    gradients = [p.grad for p in run.parameters if p.grad is not None]
    return loss.detach(), torch.stack(gradients[::2]), torch.stack(gradients[1::2])


def enclosed(settings: Settings) -> tuple[Enclosure, Enclosure, Enclosure]:
    """All entries, of a run that is not tied."""
    run = Run(TASK, settings)
    P, Q = (Enclosure.exactly(torch.stack([p.detach() for p in run.parameters[k::2]])) for k in (0, 1))
    return loss_and_gradient(P, Q, *prompts(TASK, settings, 0), TASK.context_length)


FREE = [replace(x, form="free") for x in VARIANTS.values() if not x.tied]


def orders(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """As it is, with the prompts of a batch turned round, and with the products associated from the right."""
    yield "as it is"
    with monkeypatch.context() as patch:
        for name in ("sample_prompts", "sample_axis_prompts"):
            sample = getattr(training, name)
            patch.setattr(training, name, lambda *a, s=sample: tuple(x.flip(0) for x in s(*a)))
        yield "turned"
    with monkeypatch.context() as patch:
        patch.setattr(LinearAttention, "attend", from_the_right)
        yield "from the right"


def from_the_right(layer: LinearAttention, Z: Tensor, columns: Tensor, queries: int = 1) -> Tensor:
    seen = Z[..., : Z.shape[-1] - queries]
    return layer.P @ (seen @ (seen.mT @ (layer.Q @ columns)))


@pytest.mark.parametrize("settings", FREE)
def test_autograd_in_any_order(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = replace(settings, batch=40)
    balls, results = enclosed(settings), []
    for order in orders(monkeypatch):
        results.append(by_autograd(settings))
        assert all(ball.contains(x) for ball, x in zip(balls, results[-1], strict=True)), order
    assert len({tuple(in_P.flatten().tolist()) for _, in_P, _ in results}) == 3


def test_another_gradient_is_outside() -> None:
    """Each entry that moves by more than twice its radius, in either direction; another batch; another query."""
    settings = FREE[0]
    balls, found = enclosed(settings), by_autograd(settings)
    for ball, x in zip(balls, found, strict=True):
        for place in range(x.numel()):
            for sign in (-1, 1):
                moved = x.clone().reshape(-1)
                moved[place] += sign * (2.5 * float(ball.radius.reshape(-1)[place]) + 1e-300)
                assert not ball.contains(moved.reshape(x.shape))
    for other in (replace(settings, seed=6), replace(settings, batch=5)):
        assert not any(ball.contains(x) for ball, x in zip(balls, by_autograd(other), strict=True))


@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("size", [6, 60])
def test_the_radius_is_that_of_its_operations(layers: int, size: int) -> None:
    r"""Against the same formulas with every number replaced by its absolute value, S, where nothing cancels.

    Radii, as multiples of g S, of a number that is a polynomial: a sum has the larger of its terms' and 1 more, a
    product the sum of its factors' and 1 more. With ρ_l that of the state Z_l and s = 1 + 4 N m u/g of a long sum over
    N prompts with m columns,

        ρ_{l+1} = 3 ρ_l + 3,   ∂f/∂Z_L: δ_L = ρ_L + 2,   ∂f/∂(P_l, Q_l): δ_{l+1} + 3 ρ_l + 2 + s,
        δ_l = δ_{l+1} + 3 ρ_l + 6.

    Squares of g are left to a share of 1/1000.
    """
    settings = replace(FREE[0], layers=layers, batch=size)
    Z0, targets = prompts(TASK, settings, 0)
    P, Q = (random(layers, 3, 3) for _ in range(2))
    balls = loss_and_gradient(Enclosure.exactly(P), Enclosure.exactly(Q), Z0, targets, 3)
    absolute = loss_and_gradient(
        *(Enclosure.exactly(x.abs()) for x in (P, Q, Z0.middle, targets.middle)), TASK.context_length
    )
    share = float(max((x.radius / (ROUNDING * x.middle.abs())).nan_to_num().max() for x in (Z0, targets)))
    rho = [share]
    for _ in range(layers):
        rho.append(3 * rho[-1] + 3)
    delta, long = rho[-1] + 2, 1 + 4 * size * Z0.middle.shape[-1] * 2.0**-53 / ROUNDING
    for layer in reversed(range(layers)):
        bound = (delta + 3 * rho[layer] + 2 + long) * ROUNDING * 1.001
        for ball, whole in zip(balls[1:], absolute[1:], strict=True):
            assert (ball.radius[layer] <= bound * whole.middle[layer]).all()
        delta += 3 * rho[layer] + 6
    assert balls[0].radius <= (2 * rho[-1] + 5 + long) * ROUNDING * 1.001 * absolute[0].middle


def test_the_gradient_of_lbfgs_is_enclosed() -> None:
    settings = replace(LBFGS, layers=3)
    masked = [enclosed(settings)[k] for k in (1, 2)]
    free = trained_entries("relaxed", 2)
    for ball, name, x in zip(masked, ("P", "Q"), by_autograd(settings)[1:], strict=True):
        assert Enclosure(ball.middle * free[name], ball.radius * free[name]).contains(x)
