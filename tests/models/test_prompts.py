"""Sampled prompts against the distribution of the task, by statistics whose laws are known exactly.

A sum of squares of N independent N(0, 1) variables is χ²_N: no normal approximation, no sample standard
error. Each test of such a sum errs with probability 1e-9 and there are fewer than 60: below 1e-7 in all.
Rounding (relative 1e-15) is far below the widths (relative 1e-2).
"""

from __future__ import annotations

from itertools import combinations

import pytest
import torch
from flint import fmpq
from scipy.stats import chi2

from icl_claims.models.attention import LinearTransformer
from icl_claims.models.prompts import sample_axis_prompts, sample_prompts, to_tensor
from icl_claims.numerics.rounding import nearest, nearest_root
from icl_claims.theory.algebra import validation
from icl_claims.theory.many_layers.loss_variance import squared_error_variance
from icl_claims.theory.many_layers.step_sizes import loss_of_steps
from icl_claims.theory.one_layer import single_layer
from icl_claims.theory.task import RegressionTask, isotropic

BATCH = 20_000
ERROR = 1e-9

TASK = RegressionTask(
    [[2, 1, 0], [1, 2, "1/2"], [0, "1/2", 1]],
    context_length=4,
    task_covariance=[[1, "-1/2", 0], ["-1/2", 1, 0], [0, 0, 3]],
    noise_variance="1/4",
)


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def standard_normal(values: torch.Tensor) -> bool:
    """Whether the sum of squares of values that should be independent N(0, 1) is in χ²'s central range."""
    total = values.square().sum().item()
    low, high = chi2.ppf([ERROR / 2, 1 - ERROR / 2], values.numel())
    return bool(low < total < high)


def directions(size: int) -> list[torch.Tensor]:
    """e_i and e_i ± e_j: their variances determine a covariance matrix."""
    unit = torch.eye(size, dtype=torch.float64)
    pairs = list(combinations(range(size), 2))
    return [*unit, *(unit[i] + unit[j] for i, j in pairs), *(unit[i] - unit[j] for i, j in pairs)]


def variance(covariance: torch.Tensor, vectors: torch.Tensor) -> torch.Tensor:
    """vᵀ C v for each row v."""
    return ((vectors @ covariance) * vectors).sum(dim=-1)


def test_shapes_and_query_slot() -> None:
    Z0, target = sample_prompts(TASK, 7, seeded(0))
    assert Z0.shape == (7, 4, 5)
    assert target.shape == (7,)
    assert Z0.dtype == target.dtype == torch.float64
    assert torch.equal(Z0[:, 3, 4], torch.zeros(7, dtype=torch.float64))


def test_one_seed_one_sample() -> None:
    generator = seeded(1)
    first, second = sample_prompts(TASK, 5, generator), sample_prompts(TASK, 5, generator)
    again = sample_prompts(TASK, 5, seeded(1))
    assert all(map(torch.equal, first, again))
    assert not torch.equal(first[0], second[0])


def test_covariates_are_centred_with_covariance_sigma() -> None:
    X = sample_prompts(TASK, BATCH, seeded(2))[0][:, :3].mT
    sigma = to_tensor(TASK.covariance)
    for v in directions(3):
        assert standard_normal(X @ v / variance(sigma, v).sqrt())
        scale = (X[..., 0].numel() * variance(sigma, v)).sqrt()
        assert standard_normal((X @ v).sum() / scale)


def test_the_covariance_test_has_teeth() -> None:
    """It rejects each entry of Σ that is off by a tenth."""
    X = sample_prompts(TASK, BATCH, seeded(2))[0][:, :3].mT
    for i in range(3):
        for j in range(i + 1):
            wrong = to_tensor(TASK.covariance)
            wrong[i, j] += 0.1
            wrong[j, i] = wrong[i, j]
            assert not all(standard_normal(X @ v / variance(wrong, v).sqrt()) for v in directions(3))


def test_covariates_of_a_prompt_are_independent() -> None:
    X = sample_prompts(TASK, BATCH, seeded(3))[0][:, :3]
    sigma = to_tensor(TASK.covariance)
    for i, j in combinations(range(5), 2):
        assert standard_normal((X[:, 0, i] - X[:, 0, j]) / (2 * sigma[0, 0]).sqrt())


def test_labels_and_target_share_one_task_vector() -> None:
    """Given the covariates, (y, target) is Gaussian with covariance XᵀΩX, plus σ² on the context."""
    Z0, target = sample_prompts(TASK, BATCH, seeded(4))
    omega, noise = to_tensor(TASK.task_covariance), 0.25
    columns = Z0[:, :3].mT
    labels = torch.cat([Z0[:, 3, :4], target[:, None]], dim=1)
    for i in range(5):
        own = noise if i < 4 else 0.0
        assert standard_normal(labels[:, i] / (variance(omega, columns[:, i]) + own).sqrt())
    for i, j in combinations(range(5), 2):
        both = 2 * noise if j < 4 else noise
        spread = variance(omega, columns[:, i] + columns[:, j]) + both
        assert standard_normal((labels[:, i] + labels[:, j]) / spread.sqrt())


def test_task_vectors_have_covariance_omega() -> None:
    """Without noise w is the solution of the first d equations ⟨w, x_i⟩ = y_i."""
    task = RegressionTask(TASK.covariance, 4, TASK.task_covariance)
    Z0, _ = sample_prompts(task, BATCH, seeded(5))
    w = torch.linalg.solve(Z0[:, :3, :3].mT, Z0[:, 3, :3])
    omega = to_tensor(task.task_covariance)
    for v in directions(3):
        assert standard_normal(w @ v / variance(omega, v).sqrt())


def test_one_dimensional_target_to_the_last_bits() -> None:
    """y_1 = fl(w x_1) and t = fl(w x_q), each within a factor 1 ± u, u = 2⁻⁵³; so are the two products
    below, which are equal over ℝ: they differ by at most 4u(1 + 2u) of their size."""
    Z0, target = sample_prompts(RegressionTask([[2]], 1, [["1/3"]]), 1000, seeded(6))
    left, right = Z0[:, 1, 0] * Z0[:, 0, 1], target * Z0[:, 0, 0]
    assert ((left - right).abs() <= 5 * 2.0**-53 * right.abs()).all()


def test_singular_covariances() -> None:
    """Draws lie in the range of Σ and Ω: exactly along axes, to rounding across them.

    An eigenvalue 0 of v vᵀ that came out of order u = 2⁻⁵³ would leave √u ≈ 2⁻²⁶ in the root, where a true
    zero leaves a small multiple of u: 2⁻⁴⁰ tells them apart.
    """
    Z0, target = sample_prompts(RegressionTask([[1, 0], [0, 0]], 3, [[0, 0], [0, 1]]), 100, seeded(7))
    assert Z0[:, 0].abs().min() > 0
    assert not Z0[:, 1].any()
    assert not target.any()
    for v in ([1, 1], [1, 2], [1, 3, 5], [1, 2, 3]):
        X = sample_prompts(RegressionTask([[a * b for b in v] for a in v], 3), 100, seeded(8))[0][:, : len(v)]
        for k in range(1, len(v)):
            assert (X[:, k] - v[k] * X[:, 0]).abs().max() < 2.0**-40


@pytest.mark.parametrize("v", [[1, 1, 2], [2, 3, 1]])
def test_an_eigenvalue_that_rounding_makes_negative_counts_as_zero(v: list[int]) -> None:
    """v vᵀ + 10⁻³⁰ I is definite, and in float64 it is v vᵀ, whose least eigenvalue comes out below 0."""
    tiny = fmpq(1, 10**30)
    sigma = [[a * b + tiny * (i == j) for j, b in enumerate(v)] for i, a in enumerate(v)]
    assert sample_prompts(RegressionTask(sigma, 3), 10, seeded(11))[0].isfinite().all()


def test_axis_prompts_share_context_and_weights() -> None:
    """The same draws as sample_prompts, with queries Σ^{1/2} e_j, whose targets mix to that of x_q."""
    axis, targets = sample_axis_prompts(TASK, 6, seeded(9))
    plain, _ = sample_prompts(TASK, 6, seeded(9))
    assert torch.equal(axis[:, :, :4], plain[:, :, :4])
    assert axis.shape == (6, 4, 4 + 3)
    assert not axis[:, 3, 4:].any()
    for root in axis[:, :3, 4:]:
        sigma = to_tensor(TASK.covariance)
        # R² = Σ and R = Rᵀ up to 32 roundings of numbers below 4.
        assert (root @ root - sigma).abs().max() < 2.0**-46
        assert (root - root.T).abs().max() < 2.0**-46
    assert targets.shape == (6, 3)


def median_of_means(values: torch.Tensor, blocks: int) -> float:
    return values.reshape(blocks, -1).mean(dim=1).median().item()


@pytest.mark.parametrize("axis", [True, False])
def test_losses_average_to_the_exact_loss(axis: bool) -> None:
    """Both samplers and the model against the exact loss, by the exact variance V of one squared error.

    Averaging over the query cannot raise the variance, so V bounds that of the axis prompts too.

    The mean of m prompts is off by 2√(V/m) with probability at most 1/4 (Chebyshev; nothing is assumed of
    the tail). The median of k such means is off only if half of them are: probability at most
    (4·¼·¾)^{k/2} = (3/4)^{k/2} (Chernoff), below 1e-9 for k = 145.
    """
    blocks, each, n, sigma = 145, 400, 6, validation.matrix("sigma", [[2, 1], [1, 1]])
    V = squared_error_variance(isotropic(2, n), [fmpq(3, 4)])
    task = RegressionTask.whitened(sigma, n)
    A = sigma.inv() * fmpq(3, 4)
    model = LinearTransformer.from_preconditioners(to_tensor(A)[None])
    prompts, targets = (sample_axis_prompts if axis else sample_prompts)(task, blocks * each, seeded(10))
    with torch.no_grad():
        predictions = model.predict(prompts, 2) if axis else model.predict(prompts)
    losses = (predictions - targets.reshape(predictions.shape)).square().sum(dim=-1)
    loss = single_layer.loss(task, [0, 0, 1], [*(-A).tolist(), [0, 0]])
    assert loss == loss_of_steps(isotropic(2, n), [fmpq(3, 4)])
    assert abs(median_of_means(losses, blocks) - nearest(loss)) < 2 * nearest_root(V / each)


def test_bad_batch() -> None:
    with pytest.raises(ValueError, match="batch must be an integer ≥ 1, got 0"):
        sample_prompts(TASK, 0, seeded(0))
