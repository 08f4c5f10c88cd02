"""The variance of sampled losses: Pfaffians, integration by parts, words, and published figures."""

from __future__ import annotations

from typing import Any

import pytest
from flint import fmpq, fmpq_poly
from hypothesis import given
from hypothesis import strategies as st

from icl_claims.theory.algebra import exact
from icl_claims.theory.algebra.validation import rational
from icl_claims.theory.loops.step import optimal_looped_step
from icl_claims.theory.many_layers import loss_variance as loss_variance_module
from icl_claims.theory.many_layers.loss_variance import (
    LARGEST_BY_PARTS,
    LARGEST_BY_PFAFFIANS,
    loss_variance,
    mean_and_variance_by_pfaffians,
    prompts_needed,
    spread,
    squared_error_variance,
    variance_by_parts,
)
from icl_claims.theory.many_layers.step_sizes import loss_of_steps, optimal_steps, residual
from icl_claims.theory.task import isotropic
from icl_claims.theory.wishart import trace_moment, trace_moments
from tests.shared import by_words
from tests.shared.coordinates import Variables, gaussian
from tests.shared.strategies import rationals
from tests.shared.wishart_of_the_plane import Plane

sizes = st.integers(1, 6)
polynomials = st.lists(rationals, max_size=6).map(fmpq_poly)


def by_moments(g: fmpq_poly, d: int, n: int) -> fmpq:
    """E tr g(W)."""
    moments = trace_moments(max(g.degree(), 0), d, n)
    return sum((c * m for c, m in zip(g.coeffs(), moments, strict=False)), fmpq(0))


@pytest.mark.parametrize("n", range(1, 8))
@pytest.mark.parametrize("d", range(1, 8))
def test_powers_by_pfaffians(d: int, n: int) -> None:
    """Var tr W^k = E (tr W^k)² − (E tr W^k)², even and odd min(d, n), n = d, n < d."""
    for k in (1, 2, 5):
        power = fmpq_poly([0] * k + [1])
        mean = trace_moment([k], d, n)
        variance = trace_moment([k, k], d, n) - mean**2
        assert mean_and_variance_by_pfaffians(power, d, n) == (mean, variance)


@given(polynomials, st.integers(1, 12), st.integers(1, 12))
def test_mean_and_variance_by_two_routes(g: fmpq_poly, d: int, n: int) -> None:
    mean, variance = mean_and_variance_by_pfaffians(g, d, n)
    assert mean == by_moments(g, d, n)
    assert variance == variance_by_parts(g, d, n)
    assert mean_and_variance_by_pfaffians(g, n, d)[1] == variance
    assert (variance == 0) == (g.degree() <= 0)


@pytest.mark.parametrize(("d", "n"), [(20, 30), (31, 40), (12, 12), (40, 3)])
def test_larger_sizes_by_two_routes(d: int, n: int) -> None:
    q = residual(["1/2", "2/3", "3/2", "1/5", "4/3"])
    g = (q * q)(fmpq_poly([0, fmpq(1, n)]))
    mean, variance = mean_and_variance_by_pfaffians(g, d, n)
    assert (mean, variance) == (by_moments(g, d, n), variance_by_parts(g, d, n))


@given(sizes, sizes, st.lists(rationals, max_size=2))
def test_variances_by_words(d: int, n: int, steps: list[fmpq]) -> None:
    assert loss_variance(isotropic(d, n), steps) == by_words.context_variance(steps, d, n)
    assert squared_error_variance(isotropic(d, n), steps) == by_words.squared_error_variance(steps, d, n)
    assert spread(isotropic(d, n), steps).loss == by_words.loss(steps, d, n)


@pytest.mark.parametrize("n", [1, 2, 5])
@pytest.mark.parametrize("layers", [4, 8, 16])
def test_variances_of_many_layers_in_the_plane(n: int, layers: int) -> None:
    """E (tr g(W))² − (E tr g(W))², from tr W and det W alone."""
    steps = [fmpq(k, 9) for k in range(1, layers + 1)]
    q = residual(steps)
    g = (q * q)(fmpq_poly([0, fmpq(1, n)]))
    plane = Plane(exact.identity(2), n)
    mean = sum((c * plane.traces([k]) for k, c in enumerate(g.coeffs())), fmpq(0))
    square = sum(
        (a * b * plane.traces([i, j]) for i, a in enumerate(g.coeffs()) for j, b in enumerate(g.coeffs())),
        fmpq(0),
    )
    assert spread(isotropic(2, n), steps)[:2] == (mean, square - mean**2)
    assert mean_and_variance_by_pfaffians(g, 2, n) == (mean, square - mean**2)
    if g.degree() <= LARGEST_BY_PARTS:
        assert variance_by_parts(g, 2, n) == square - mean**2


def test_one_variance_gives_all_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is what takes the time."""
    calls = []
    variance = loss_variance_module._variance_of_trace
    monkeypatch.setattr(
        loss_variance_module, "_variance_of_trace", lambda *sizes: calls.append(sizes) or variance(*sizes)
    )
    found = spread(isotropic(2, 5), ["5/8"])
    assert (found.prompts("1/100"), len(calls)) == (3473, 1)
    assert found == (
        loss_of_steps(isotropic(2, 5), ["5/8"]),
        loss_variance(isotropic(2, 5), ["5/8"]),
        squared_error_variance(isotropic(2, 5), ["5/8"]),
    )


@pytest.mark.parametrize(
    ("d", "n", "steps"), [(1, 1, ["1/2"]), (2, 1, ["1/3"]), (2, 2, ["2/3"]), (1, 2, ["1/2", 2])]
)
def test_loss_and_variances_in_coordinates(d: int, n: int, steps: list[Any]) -> None:
    """e = wᵀ ∏(I − a W/n) x_q multiplied out: E e², Var e², and Var E[e² | X] = E (tr R²)² − (E tr R²)²."""
    names = [f"x{a}_{i}" for a in range(d) for i in range(n)]
    v = Variables(**dict.fromkeys([*names, *(f"{z}{a}" for z in "wq" for a in range(d))], gaussian))
    X = [[v.of[f"x{a}_{i}"] for i in range(n)] for a in range(d)]
    R = [[v.ring(int(a == b)) for b in range(d)] for a in range(d)]
    for step in map(v.ring.domain, map(str, steps)):
        factor = [
            [int(a == b) - step / n * sum(x * y for x, y in zip(X[a], X[b], strict=True)) for b in range(d)]
            for a in range(d)
        ]
        R = [[sum(row[c] * factor[c][b] for c in range(d)) for b in range(d)] for row in R]
    e = sum(v.of[f"w{a}"] * R[a][b] * v.of[f"q{b}"] for a in range(d) for b in range(d))
    trace = sum(x * x for row in R for x in row)
    loss = v.mean(e**2)
    assert loss_of_steps(isotropic(d, n), steps) == loss == v.mean(trace)
    assert loss_variance(isotropic(d, n), steps) == v.mean(trace**2) - loss**2
    assert squared_error_variance(isotropic(d, n), steps) == v.mean(e**4) - loss**2


@given(sizes, sizes, st.lists(rationals, max_size=3))
def test_averaging_over_w_and_the_query_lowers_the_variance(d: int, n: int, steps: list[fmpq]) -> None:
    """Rao and Blackwell; and a zero step changes nothing."""
    assert 0 <= loss_variance(isotropic(d, n), steps) < squared_error_variance(isotropic(d, n), steps)
    assert loss_variance(isotropic(d, n), [*steps, 0]) == loss_variance(isotropic(d, n), steps)


PUBLISHED = [(1, "0.084", "5e-4"), (2, "0.37", "5e-3"), (3, "1.6", "0.05"), (4, "9.3", "0.05"), (5, "70", "0.5"),
             (6, "619", "0.5")]  # fmt: skip
"""L, Var v/f² of the optimal loop at d = 5, n = 20, and half a unit of its last digit."""


def relative_variance(steps: list[fmpq]) -> fmpq:
    return loss_variance(isotropic(5, 20), steps) / loss_of_steps(isotropic(5, 20), steps) ** 2


@pytest.mark.parametrize(("layers", "published", "half"), PUBLISHED)
def test_published_relative_variances(layers: int, published: str, half: str) -> None:
    """At a* to 64 bits, which is far more than the published digits."""
    step = optimal_looped_step(isotropic(5, 20), layers).step.lower
    assert abs(relative_variance([step] * layers) - rational("", published)) <= rational("", half)


@pytest.mark.parametrize(("layers", "published", "half"), [(5, "1.2e3", "50"), (8, "1.5e7", "5e5")])
def test_published_relative_variances_untied(layers: int, published: str, half: str) -> None:
    steps = [step.lower for step in optimal_steps(isotropic(5, 20), layers).steps]
    assert abs(relative_variance(steps) - rational("", published)) <= rational("", half)


@given(sizes, sizes, st.lists(rationals, max_size=4))
def test_prompts_needed(d: int, n: int, steps: list[fmpq]) -> None:
    """The least N ≥ 1 with Var v/N ≤ (ε f)²."""
    count = prompts_needed(isotropic(d, n), steps, "1/30")
    variance, target = (
        loss_variance(isotropic(d, n), steps),
        (loss_of_steps(isotropic(d, n), steps) / 30) ** 2,
    )
    assert variance <= count * target
    assert count == 1 or variance > (count - 1) * target


def test_default_is_one_per_cent() -> None:
    assert (
        prompts_needed(isotropic(2, 5), ["5/8"]) == prompts_needed(isotropic(2, 5), ["5/8"], "0.01") == 3473
    )


def test_zero_steps_do_not_vary() -> None:
    assert loss_variance(isotropic(3, 2), [0, 0]) == loss_variance(isotropic(3, 2), []) == 0
    assert prompts_needed(isotropic(3, 2), []) == 1


def test_the_last_sizes_of_each_route(monkeypatch: pytest.MonkeyPatch) -> None:
    """min(d, n) + 2L = the limit of Pfaffians is within it; so is n < d, of which only the lesser counts."""
    layers = LARGEST_BY_PARTS // 2 + 1
    monkeypatch.setattr(loss_variance_module, "LARGEST_BY_PFAFFIANS", 3 + 2 * layers)
    steps = [fmpq(1, 9)] * layers
    for d, n in ((3, 3), (3, 9), (9, 3), (2, 2)):
        assert loss_variance(isotropic(d, n), steps) > 0
    for d, n in ((4, 4), (4, 9), (9, 4)):
        with pytest.raises(ValueError, match=f"got {layers} steps at {d} and {n}"):
            loss_variance(isotropic(d, n), steps)
        assert loss_variance(isotropic(d, n), steps[1:]) > 0


def test_integration_by_parts_reaches_half_of_the_lesser_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two steps give degree 4, which 8 // 2 is and 7 // 2 is not; the other route is shut."""
    monkeypatch.setattr(loss_variance_module, "LARGEST_BY_PFAFFIANS", 1)
    assert loss_variance(isotropic(8, 9), ["1/2", "1/3"]) > 0
    with pytest.raises(ValueError, match="got 2 steps at 7 and 9"):
        loss_variance(isotropic(7, 9), ["1/2", "1/3"])


def test_beyond_every_route() -> None:
    d, layers = LARGEST_BY_PFAFFIANS, LARGEST_BY_PARTS // 2
    assert loss_variance(isotropic(d, d), ["1/2"] * 2) > 0
    with pytest.raises(ValueError, match=rf"at most {layers}, or min\(dim, context_length\) \+ 2"):
        loss_variance(isotropic(d, d), ["1/2"] * (layers + 1))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: loss_variance(isotropic(0, 3), [1]),
            ValueError,
            "dim must be an integer ≥ 1",
        ),
        (
            lambda: loss_variance(isotropic(2, 2.0), [1]),
            TypeError,
            "context_length must be an integer ≥ 1",
        ),
        (
            lambda: loss_variance(isotropic(2, 2), ["x"]),
            ValueError,
            r"steps\[0\] must be a finite number",
        ),
        (
            lambda: squared_error_variance(isotropic(None, 3), [1]),
            TypeError,
            "dim must be an integer ≥ 1",
        ),
        (
            lambda: prompts_needed(isotropic(2, 3), [1], 0),
            ValueError,
            "relative_error must be > 0",
        ),
        (lambda: variance_by_parts(fmpq_poly([0, 1]), 2, None), TypeError, "context_length must be"),
        (lambda: mean_and_variance_by_pfaffians(fmpq_poly([1]), -1, 2), ValueError, "dim must be"),
    ],
)
def test_errors(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
