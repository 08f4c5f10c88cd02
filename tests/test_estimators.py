"""Wishart moments, the loss of given steps and its variances, against averages taken in coordinates."""

from __future__ import annotations

from math import prod
from typing import Any

import pytest
from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st

from tests.coordinates import Variables, gaussian
from tests.strategies import rationals
from theory import estimators, single_layer
from theory.task import RegressionTask

sizes = st.integers(1, 6)


def wishart(d: int, n: int) -> tuple[Variables, list[list[Any]]]:
    """W = XXᵀ in coordinates, and the variables of X, w and x_q."""
    names = [f"x{a}_{i}" for a in range(d) for i in range(n)]
    names += [f"{letter}{a}" for letter in "wq" for a in range(d)]
    v = Variables(**dict.fromkeys(names, gaussian))
    X = [[v.of[f"x{a}_{i}"] for i in range(n)] for a in range(d)]
    return v, [[sum(x * y for x, y in zip(r, s, strict=True)) for s in X] for r in X]


def product(a: list[list[Any]], b: list[list[Any]]) -> list[list[Any]]:
    return [[sum(x * row[j] for x, row in zip(r, b, strict=True)) for j in range(len(b[0]))] for r in a]


@pytest.mark.parametrize(("d", "n"), [(1, 1), (1, 3), (2, 1), (2, 2), (3, 2)])
@pytest.mark.parametrize("powers", [(1,), (2,), (3,), (1, 1), (2, 1), (2, 2), (1, 1, 2)])
def test_moments_in_coordinates(powers: tuple[int, ...], d: int, n: int) -> None:
    v, W = wishart(d, n)
    traces = []
    for k in powers:
        power = W
        for _ in range(k - 1):
            power = product(power, W)
        traces.append(sum(power[a][a] for a in range(d)))
    assert estimators.at_sizes(estimators.trace_moment(powers), d, n) == v.mean(prod(traces))


@pytest.mark.parametrize("powers", [(5,), (3, 2), (4, 1, 1), (6, 6)])
def test_moments_are_symmetric_in_d_and_n(powers: tuple[int, ...]) -> None:
    """XXᵀ and XᵀX have the same traces of powers: an identity, of degrees out of reach above."""
    moment = estimators.trace_moment(powers)
    terms = dict(moment.numer.terms())
    assert moment.denom == 1
    assert len(terms) > 1
    assert terms == {(in_d, in_n, in_noise): c for (in_n, in_d, in_noise), c in terms.items()}


def test_moments_of_no_power() -> None:
    """tr W⁰ = d."""
    assert str(estimators.trace_moment((0, 0)).as_expr()) == "d**2"
    with pytest.raises(ValueError, match="powers must be integers ≥ 0"):
        estimators.trace_moment((1, -1))


@pytest.mark.parametrize(
    ("d", "n", "steps"), [(1, 1, ["1/2"]), (2, 1, ["1/3"]), (2, 2, ["2/3"]), (1, 2, ["1/2", 2])]
)
def test_loss_and_variances_in_coordinates(d: int, n: int, steps: list[Any]) -> None:
    """e = wᵀ ∏(I − a W/n) x_q multiplied out: E e², Var e², and Var E[e² | X] = E (tr R²)² − (E tr R²)²."""
    v, W = wishart(d, n)
    one = [[v.ring(int(a == b)) for b in range(d)] for a in range(d)]
    R = one
    for step in map(v.ring.domain, map(str, steps)):
        R = product(R, [[one[a][b] - step / n * W[a][b] for b in range(d)] for a in range(d)])
    e = sum(v.of[f"w{a}"] * R[a][b] * v.of[f"q{b}"] for a in range(d) for b in range(d))
    trace = sum(x * x for row in R for x in row)
    given = [fmpq(int(s.numerator), int(s.denominator)) for s in map(v.ring.domain, map(str, steps))]
    loss = v.mean(e**2)
    assert estimators.loss(given, d, n) == loss == v.mean(trace)
    assert estimators.context_variance(given, d, n) == v.mean(trace**2) - loss**2
    assert estimators.squared_error_variance(given, d, n) == v.mean(e**4) - loss**2


@given(sizes, sizes, rationals)
def test_one_step_is_the_single_layer(d: int, n: int, step: fmpq) -> None:
    """The loss from traces of S is that of the layer with P = diag(0, 1), Q = −diag(a I, 0)."""
    A = [[-step if i == j else 0 for j in range(d)] for i in range(d + 1)]
    layer = single_layer.loss(RegressionTask.isotropic(d, n), [0] * d + [1], A)
    assert estimators.loss([step], d, n) == layer


@given(sizes, sizes, st.lists(rationals, max_size=2))
def test_averaging_over_w_and_the_query_lowers_the_variance(d: int, n: int, steps: list[fmpq]) -> None:
    """Rao and Blackwell; and a zero step changes nothing."""
    inner, outer = (f(steps, d, n) for f in (estimators.context_variance, estimators.squared_error_variance))
    assert 0 <= inner < outer
    assert estimators.loss([*steps, fmpq(0)], d, n) == estimators.loss(steps, d, n)
