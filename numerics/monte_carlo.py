r"""Monte Carlo estimates of the loss on 𝒮, with sample sizes and error bounds from the exact variance.

The loss of one prompt, v = tr ∏_l (I − a_l S)², is heavy-tailed: from L = 4 on, the standard error
that a sample reports of itself is unreliable. Here the half-width comes from Var v, known exactly
(:mod:`icl_claims.theory.many_layers.loss_variance`), and from an inequality that holds for every law with that
variance.

**Median of means.** With k groups of m samples each, a group's mean misses f by more than h with a
probability of at most p = Var v/(m h²) (Chebyshev); the median of an odd number k of means misses by more
than h only if at least (k + 1)/2 of them do, so with a probability of at most

    B(k, p) = Σ_{j ≥ (k+1)/2} C(k, j) p^j (1 − p)^{k−j}.

k = 1 is Chebyshev's inequality for the mean. For the error probability δ that is asked for, k and p are
chosen so that B(k, p) ≤ δ and k/p, hence the total number of samples Var v · k/(p h²), is least.

References:
    [1] O. Catoni (2012), Ann. Inst. H. Poincaré Probab. Statist. 48, 1148–1185.
    [2] I. Dumitriu, A. Edelman (2002), Matrix models for beta ensembles, J. Math. Phys. 43, 5830–5847:
        the eigenvalues of W have the law of those of BBᵀ, B bidiagonal with independent chi variables.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import comb, inf, nextafter
from typing import Any

import numpy as np
from flint import fmpq

from icl_claims.numerics.balls import Floats
from icl_claims.numerics.rounding import nearest
from icl_claims.theory.algebra.validation import positive_integer, rational
from icl_claims.theory.many_layers.loss_variance import loss_variance
from icl_claims.theory.many_layers.step_sizes import loss_of_steps, rational_steps
from icl_claims.theory.task import RegressionTask, whitened_sizes

_BATCH = 1 << 15
"""Numbers in one array of a batch of samples: small enough for a processor's cache."""


@dataclass(frozen=True)
class Plan:
    """How to sample: ``groups`` means of ``group_size`` samples each, and what their median guarantees.

    Attributes:
        groups: k, odd.
        group_size: m.
        half_width: h, rounded up, with Var v ≤ m p h².
        error_probability: B(k, p), rounded up: that the median misses by more than h.
    """

    groups: int
    group_size: int
    half_width: float
    error_probability: float

    @property
    def samples(self) -> int:
        """km, the prompts that are drawn."""
        return self.groups * self.group_size


@dataclass(frozen=True)
class Estimate:
    """An estimate that misses the loss by more than ``half_width`` with probability ≤ ``error_probability``.

    The half-width covers sampling; rounding in float64, about 1e-15 relative to the summands, comes on top.
    """

    value: float
    half_width: float
    error_probability: float
    samples: int


def plan(
    task: RegressionTask,
    steps: Sequence[Any],
    relative_half_width: Any = "1/100",
    error_probability: Any = "1/1000",
) -> Plan:
    """The least samples for |estimate − f| ≤ ε f except with probability δ, by the exact variance.

    Args:
        task, steps: see :func:`icl_claims.theory.many_layers.loss_variance.loss_variance`.
        relative_half_width: ε > 0.
        error_probability: δ, 0 < δ < 1.

    Raises:
        TypeError, ValueError: an argument is not of its type or range.

    >>> plan(RegressionTask.isotropic(2, 5), [0.625]).samples
    304812
    """
    epsilon = rational("relative_half_width", relative_half_width)
    if epsilon <= 0:
        raise ValueError(f"relative_half_width must be > 0, got {epsilon}")
    delta = rational("error_probability", error_probability)
    if not 0 < delta < 1:
        raise ValueError(f"error_probability must be between 0 and 1, got {delta}")
    variance = loss_variance(task, steps)
    width = epsilon * loss_of_steps(task, steps)
    groups, miss = _groups(delta)
    size = max(1, int((variance / (miss * width**2)).ceil()))
    return Plan(groups, size, *(nextafter(nearest(x), inf) for x in (width, _tail(groups, miss))))


def estimate(
    task: RegressionTask, steps: Sequence[Any], plan: Plan, generator: np.random.Generator
) -> Estimate:
    """The median of the plan's means of v, over fresh prompts from the generator.

    >>> task, steps = RegressionTask.isotropic(2, 5), [0.625]
    >>> found = estimate(task, steps, plan(task, steps), np.random.default_rng(0))
    >>> abs(found.value - 0.75) <= found.half_width
    True
    """
    means = [sample_mean(task, steps, plan.group_size, generator) for _ in range(plan.groups)]
    return Estimate(float(np.median(np.array(means))), plan.half_width, plan.error_probability, plan.samples)


def sample_mean(
    task: RegressionTask, steps: Sequence[Any], samples: int, generator: np.random.Generator
) -> float:
    """The mean of v over fresh prompts; batches bound the memory. Its standard error is √(Var v/samples)."""
    remaining, total = positive_integer("samples", samples), 0.0
    while remaining:
        batch = min(remaining, max(1, _BATCH // min(whitened_sizes(task)) ** 2))
        total += float(sample_losses(task, steps, batch, generator).sum())
        remaining -= batch
    return total / samples


def sample_losses(
    task: RegressionTask, steps: Sequence[Any], samples: int, generator: np.random.Generator
) -> Floats:
    """Independent copies of v = tr ∏_l (I − a_l S)², of shape (samples,).

    The N = min(d, n) eigenvalues of W that are not 0 for all X are drawn from the bidiagonal model [2]:
    BBᵀ is tridiagonal, with b_i² ~ χ²(M − i), M = max(d, n), on the diagonal of B and c_i² ~ χ²(N − i) below,
    which takes 2N − 1 random numbers in place of dn. v is then a product of tridiagonal matrices,
    |∏ (I − a_l T) e_j|² summed over j, and no eigenvalues are needed.
    """
    d, n = whitened_sizes(task)
    small, large = min(d, n), max(d, n)
    a = [nearest(step / n) for step in rational_steps(steps)]
    freedom = np.arange(large, large - small, -1)[:, np.newaxis]
    b = generator.chisquare(freedom, size=(small, samples))
    c = generator.chisquare(small - np.arange(1, small)[:, np.newaxis], size=(small - 1, samples))
    diagonal = b.copy()
    diagonal[1:] += c
    off = np.sqrt(b[:-1] * c)[:, np.newaxis]
    # Columns e_1, …, e_N at once, the samples along the last axis: (component, column, sample).
    columns = np.repeat(np.eye(small)[:, :, np.newaxis], samples, axis=2)
    for step in a:
        image = diagonal[:, np.newaxis] * columns
        image[1:] += off * columns[:-1]
        image[:-1] += off * columns[1:]
        columns -= step * image
    return np.einsum("ijs,ijs->s", columns, columns) + float(max(d - n, 0))


def _groups(delta: fmpq) -> tuple[int, fmpq]:
    """The odd k and the p with B(k, p) ≤ δ for which k/p is least."""
    return _groups_of(int(delta.p), int(delta.q))


@lru_cache(maxsize=256)
def _groups_of(numerator: int, denominator: int) -> tuple[int, fmpq]:
    delta = fmpq(numerator, denominator)
    k, p = 1, delta
    # B(k, 1/2) = 1/2. So p < 1/2 where δ < 1/2, and k/p > 2k: a k above half of the best k/p cannot win.
    tried, most = 3, k / p if delta < fmpq(1, 2) else 1
    while 2 * tried < most:
        miss = _largest_miss(tried, delta)
        if tried / miss < k / p:
            k, p = tried, miss
            most = k / p
        tried += 2
    return k, p


def _largest_miss(k: int, delta: fmpq) -> fmpq:
    """A p with B(k, p) ≤ δ, the largest to 20 bits: B increases in p."""
    high = fmpq(1)
    while _tail(k, high / 2) > delta:
        high /= 2
    low = high / 2
    for _ in range(20):
        middle = (low + high) / 2
        low, high = (middle, high) if _tail(k, middle) <= delta else (low, middle)
    return low


def _tail(k: int, p: fmpq) -> fmpq:
    """B(k, p) = P(Binomial(k, p) ≥ (k + 1)/2), exactly."""
    hit, miss = int(p.p), int(p.q - p.p)
    ways = sum(comb(k, j) * hit**j * miss ** (k - j) for j in range((k + 1) // 2, k + 1))
    return fmpq(ways, int(p.q) ** k)
