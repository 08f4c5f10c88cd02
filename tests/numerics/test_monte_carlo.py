"""Sample sizes and half-widths from the exact variance, and samples of the right law."""

from __future__ import annotations

from fractions import Fraction
from math import prod
from typing import Any

import numpy as np
import pytest
from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from icl_claims.numerics import monte_carlo
from icl_claims.numerics.monte_carlo import Plan, estimate, plan, sample_losses, sample_mean
from icl_claims.theory.algebra.validation import rational
from icl_claims.theory.many_layers.loss_variance import loss_variance
from icl_claims.theory.many_layers.step_sizes import loss_of_steps, optimal_steps
from icl_claims.theory.task import RegressionTask, isotropic
from icl_claims.theory.wishart import trace_moments
from tests.shared.coordinates import Variables


@given(
    st.sampled_from([Fraction(9, 10), Fraction(1, 2), Fraction(1, 3), Fraction(1, 20), Fraction(1, 10**9)]),
    st.fractions(Fraction(1, 10**4), 2, max_denominator=10**4).filter(bool),
)
def test_a_plan_keeps_its_promise(delta: Fraction, epsilon: Fraction) -> None:
    """B(k, p) ≤ δ and Var v ≤ m p h², with h = ε f, exactly; and k is odd."""
    steps, d, n = ["1/2", "3/4"], 3, 5
    made = plan(isotropic(d, n), steps, epsilon, delta)
    groups, miss = monte_carlo._groups(rational("δ", delta))
    assert made.groups == groups
    assert groups % 2 == 1
    assert monte_carlo._tail(groups, miss) <= rational("δ", delta)
    width = rational("ε", epsilon) * loss_of_steps(isotropic(d, n), steps)
    assert loss_variance(isotropic(d, n), steps) <= made.group_size * miss * width**2
    assert rational("half_width", made.half_width) >= width
    assert rational("error_probability", made.error_probability) >= monte_carlo._tail(groups, miss)
    assert made.samples == made.groups * made.group_size


def test_medians_beat_the_mean_where_the_error_probability_is_small() -> None:
    """Chebyshev for one mean needs 1/δ; medians about log(1/δ)."""
    counts = [plan(isotropic(3, 5), [0.5], "1/100", fmpq(1, 10**k)).samples for k in (1, 2, 4, 8)]
    single = [
        (loss_variance(isotropic(3, 5), [0.5]) * 10 ** (k + 4) / loss_of_steps(isotropic(3, 5), [0.5]) ** 2)
        for k in (1, 2, 4, 8)
    ]
    assert counts[0] == single[0].ceil()
    assert all(count < one for count, one in zip(counts[1:], single[1:], strict=True))


@given(st.integers(0, 20), st.fractions(Fraction(1, 10**9), Fraction(9, 10), max_denominator=10**9))
def test_the_largest_miss_is_the_largest_to_twenty_bits(half: int, delta: Fraction) -> None:
    """B(k, p) ≤ δ < B(k, p (1 + 2⁻²⁰)): the first bracket is [p, 2p), halved 20 times."""
    k, bound = 2 * half + 1, rational("δ", delta)
    found = monte_carlo._largest_miss(k, bound)
    assert monte_carlo._tail(k, found) <= bound
    more = found * (1 + fmpq(1, 2**20))
    assert more > 1 or monte_carlo._tail(k, more) > bound


@given(st.integers(0, 30), st.floats(0.001, 0.999))
def test_the_tail_is_binomial(half: int, p: float) -> None:
    """Against SciPy's survival function, whose relative error is far below 1e-9."""
    k = 2 * half + 1
    tail = monte_carlo._tail(k, rational("p", p))
    assert int(tail.p) / int(tail.q) == pytest.approx(binom.sf(half, k, p), rel=1e-9)


@pytest.mark.parametrize(
    ("d", "n", "layers", "epsilon"),
    [(1, 1, 1, "1/50"), (5, 20, 3, "1/10"), (3, 2, 2, "1/30"), (7, 4, 2, "1/20")],
)
def test_estimates_hit(d: int, n: int, layers: int, epsilon: str) -> None:
    """Each misses with a probability of at most 1e-8, whatever the law of v: a sampler of another mean fails.

    n < d and min(d, n) = 1 are among them.
    """
    steps = [step.lower for step in optimal_steps(isotropic(d, n), layers).steps]
    made = plan(isotropic(d, n), steps, epsilon, "1e-8")
    found = estimate(isotropic(d, n), steps, made, np.random.default_rng(20231125))
    exact = loss_of_steps(isotropic(d, n), steps)
    assert abs(rational("value", found.value) - exact) <= rational("half_width", found.half_width)
    assert found.samples == made.samples
    assert found.error_probability <= 1e-8


class Given(np.random.Generator):
    """A generator whose chi-square numbers are given: squares, so that the matrices are integers."""

    def __init__(self, numbers: list[np.ndarray[Any, Any]]) -> None:
        super().__init__(np.random.PCG64(0))
        self.numbers = numbers
        self.asked: list[list[float]] = []

    def chisquare(self, df: Any, size: Any = None) -> Any:  # type: ignore[override]
        self.asked.append(np.asarray(df).tolist())
        return self.numbers.pop(0)


@pytest.mark.parametrize(("d", "n"), [(3, 5), (5, 3)])
def test_a_sample_is_the_trace_of_the_squared_residual(d: int, n: int) -> None:
    """BBᵀ multiplied out in integers, steps dyadic: the float64 result is exact, hence equal.

    The degrees of freedom asked for are those of the bidiagonal model, and d − n zero eigenvalues add 1 each.
    """
    roots, below = [3, 1, 2], [2, 1]
    generator = Given([np.array([[x * x] for x in roots], float), np.array([[x * x] for x in below], float)])
    steps = [fmpq(n, 4), fmpq(-n, 2)]
    found = sample_losses(isotropic(d, n), steps, 1, generator)
    assert generator.asked == [[[5], [4], [3]], [[2], [1]]]
    B = [[roots[0], 0, 0], [below[0], roots[1], 0], [0, below[1], roots[2]]]
    T = [[sum(x * y for x, y in zip(r, c, strict=True)) for c in B] for r in B]
    R = [[Fraction(i == j) for j in range(3)] for i in range(3)]
    for a in (Fraction(1, 4), Fraction(-1, 2)):
        factor = [[(i == j) - a * T[i][j] for j in range(3)] for i in range(3)]
        R = [[sum(x * factor[k][j] for k, x in enumerate(r)) for j in range(3)] for r in R]
    assert found.tolist() == [sum(x * x for r in R for x in r) + max(d - n, 0)]


@pytest.mark.parametrize(("d", "n"), [(1, 4), (2, 3), (3, 3), (4, 2)])
def test_the_bidiagonal_model_has_the_moments_of_wishart(d: int, n: int) -> None:
    """E tr (BBᵀ)^k with independent chi variables, multiplied out, is E tr W^k, k ≤ 4."""
    small, large = sorted((d, n))

    def chi(freedom: int) -> Any:
        return lambda k: prod(freedom + 2 * j for j in range(k // 2)) if k % 2 == 0 else 0

    laws = {f"b{i}": chi(large - i) for i in range(small)}
    laws |= {f"c{i}": chi(small - i) for i in range(1, small)}
    v = Variables(**laws)
    B = [[v.ring(0)] * small for _ in range(small)]
    for i in range(small):
        B[i][i] = v.of[f"b{i}"]
        if i:
            B[i][i - 1] = v.of[f"c{i}"]
    T = [[sum((x * y for x, y in zip(r, c, strict=True)), v.ring(0)) for c in B] for r in B]
    power, moments = T, trace_moments(4, d, n)
    for k in range(1, 5):
        assert v.mean(sum((power[i][i] for i in range(small)), v.ring(0))) == moments[k]
        power = [
            [sum((x * T[m][j] for m, x in enumerate(r)), v.ring(0)) for j in range(small)] for r in power
        ]


def test_samples_depend_on_the_generator_alone() -> None:
    def draw(seed: int) -> list[float]:
        return sample_losses(isotropic(3, 4), [0.5], 5, np.random.default_rng(seed)).tolist()

    assert draw(1) == draw(1) != draw(2)
    generator = np.random.default_rng(1)
    assert sample_mean(isotropic(3, 4), [0.5], 5, generator) == pytest.approx(
        np.mean(draw(1)), rel=8 * 2.0**-53
    )


def test_no_steps_need_one_sample() -> None:
    made = plan(isotropic(3, 2), [])
    assert made.group_size == 1
    assert estimate(isotropic(3, 2), [], made, np.random.default_rng(0)).value == 3


RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: plan(isotropic(2, 3), [1], 0), ValueError, "relative_half_width must be > 0"),
        (lambda: plan(isotropic(2, 3), [1], 1, 0), ValueError, "error_probability must be between 0 and 1"),
        (lambda: plan(isotropic(2, 3), [1], 1, 1), ValueError, "error_probability must be between 0 and 1"),
        (lambda: plan(RegressionTask([[2]], 3), [1]), ValueError, "task must be whitened"),
        (lambda: sample_mean(isotropic(2, 3), [1], 0, RNG), ValueError, "samples must be an integer ≥ 1"),
        (lambda: sample_losses((2, 3), [1], 1, RNG), TypeError, "task must be a RegressionTask"),
        (lambda: estimate((2, 3), [1], Plan(1, 1, 1.0, 0.5), RNG), TypeError, "task must be a RegressionTask"),
    ],
)  # fmt: skip
def test_errors(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
