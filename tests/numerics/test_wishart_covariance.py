"""Float64 moments against exact ones: within the bounds that the docstrings derive, and no wider."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from flint import fmpq_mat
from hypothesis import given, settings
from hypothesis import strategies as st

from icl_claims.numerics.rounding import nearest
from icl_claims.numerics.wishart_covariance import (
    Bounded,
    gamma,
    looped_loss,
    power_moments,
    two_sided_moments,
    word_moment,
)
from icl_claims.theory.algebra import exact
from icl_claims.theory.many_layers import looped_loss as exact_loss
from icl_claims.theory.task import RegressionTask
from icl_claims.theory.wishart import covariance as exact_moments
from icl_claims.theory.wishart import matrix_words

floats = st.floats(-4, 4, allow_subnormal=False).filter(lambda x: x == 0 or abs(x) > 1e-3)


def square_arrays(size: int) -> st.SearchStrategy[np.ndarray]:
    row = st.lists(floats, min_size=size, max_size=size)
    return st.lists(row, min_size=size, max_size=size).map(np.array)


@st.composite
def covariances(draw: st.DrawFn, size: int) -> np.ndarray:
    """Diagonally dominant, hence positive definite; off the diagonal of both signs, or none negative."""
    m = draw(square_arrays(size))
    m = np.abs(m) if draw(st.booleans()) else m
    off = np.tril(m, -1) + np.tril(m, -1).T
    return off + np.diag(np.abs(off).sum(axis=0) + np.abs(np.diagonal(m)) + 0.5)


def within(computed: Bounded, expected: fmpq_mat, at: Any = ...) -> None:
    """|computed − exact| ≤ bound, each compared as a rational number."""
    value, error = np.atleast_2d(computed.value[at]), np.atleast_2d(computed.error[at])
    for i, row in enumerate(expected.tolist()):
        for j, x in enumerate(row):
            difference = abs(Fraction(value[i, j]) - Fraction(int(x.p), int(x.q)))
            assert difference <= Fraction(error[i, j])


@settings(max_examples=25)
@given(st.data())
def test_power_moments_are_within_their_bound(data: st.DataObject) -> None:
    size, n = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 6))
    sigma = data.draw(covariances(size))
    computed = power_moments(12, sigma, n)
    for k, moment in enumerate(exact_moments.power_moments(12, sigma, n)):
        within(computed, moment, k)
    if (sigma >= 0).all():
        bounds = np.array([1.1 * gamma(k * (size + 1) + 1) for k in range(13)])
        assert (computed.error <= bounds[:, None, None] * computed.value).all()


def test_forty_orders_keep_their_digits() -> None:
    """E W^40 at d = 5, n = 20: about 1e60, and 13 digits of it guaranteed."""
    sigma = np.diag([1.0, 0.5, 2.0, 1.5, 0.1]) + 0.05
    computed = power_moments(40, sigma, 20)
    for k, moment in enumerate(exact_moments.power_moments(40, sigma, 20)):
        within(computed, moment, k)
    assert (computed.error <= 1e-13 * computed.value).all()


@settings(max_examples=20)
@given(st.lists(st.floats(0.01, 8), min_size=1, max_size=5), st.integers(1, 6))
def test_eigenvalues_give_the_moments_eigenvalues(eigenvalues: list[float], n: int) -> None:
    computed = power_moments(10, eigenvalues, n)
    for k, moment in enumerate(exact_moments.power_moments(10, exact.diagonal(eigenvalues), n)):
        diagonal = fmpq_mat([[moment[i, i] for i in range(len(eigenvalues))]])
        within(computed, diagonal, k)
        assert (computed.error[k] <= 1.1 * gamma(2 * k + 1) * computed.value[k]).all()


def test_many_eigenvalues() -> None:
    """d = 300 > n: the trace at order 8 is the exact one, within the bound."""
    eigenvalues = 1 / np.arange(1.0, 301.0)
    computed = power_moments(8, eigenvalues, 20)
    trace = exact_moments.covariance_trace_moment([8], exact.diagonal(eigenvalues), 20)
    difference = sum(map(Fraction, computed.value[8])) - Fraction(int(trace.p), int(trace.q))
    assert abs(difference) <= sum(map(Fraction, computed.error[8]))


@settings(max_examples=10)
@given(st.data())
def test_two_sided_moments_are_rounded_once(data: st.DataObject) -> None:
    sigma, middle = data.draw(covariances(2)), data.draw(square_arrays(2))
    computed = two_sided_moments(2, middle, sigma, 3)
    assert computed.shape == (3, 3, 2, 2)
    for i, row in enumerate(exact_moments.two_sided_moments(2, middle, sigma, 3)):
        for j, moment in enumerate(row):
            assert computed[i, j].tolist() == [[nearest(x) for x in line] for line in moment.tolist()]


@settings(max_examples=25)
@given(st.data())
def test_words_are_within_their_bound(data: st.DataObject) -> None:
    """Equal, transposed and symmetric matrices among them, of both signs."""
    size, n, k = data.draw(st.integers(1, 3)), data.draw(st.integers(1, 5)), data.draw(st.integers(0, 4))
    sigma = data.draw(covariances(size))
    pool = [data.draw(square_arrays(size)) for _ in range(2)]
    pool += [pool[0].T, pool[1] + pool[1].T]
    word = data.draw(st.lists(st.sampled_from(pool), min_size=k + 1, max_size=k + 1))
    computed = word_moment(word, sigma, n)
    within(computed, matrix_words.word_moment(word, sigma, n))


def test_words_of_seven_matrices_keep_their_digits() -> None:
    rng = np.random.default_rng(7)
    word = [rng.uniform(0, 1, (3, 3)) for _ in range(8)]
    computed = word_moment(word, np.eye(3) + 0.25, 10)
    within(computed, matrix_words.word_moment(word, np.eye(3) + 0.25, 10))
    assert (computed.error <= 1e-12 * computed.value).all()


@pytest.mark.parametrize("loops", [0, 1, 3])
def test_looped_losses_are_rounded_once(loops: int) -> None:
    task = RegressionTask([[2, 0.5], [0.5, 1]], 4, noise_variance=0.25)
    a = [[0.3, 0.1], [-0.2, 0.4]]
    value, slope = looped_loss(task, a, loops)
    assert value == nearest(exact_loss.looped_loss(task, a, loops))
    gradient = exact_loss.looped_gradient(task, a, loops)
    assert slope.tolist() == [[nearest(x) for x in row] for row in gradient.tolist()]


def test_gamma_is_an_upper_bound() -> None:
    for m in (1, 7, 1000, 2**40):
        share = Fraction(m, 2**53)
        assert share / (1 - share) <= Fraction(gamma(m)) <= share / (1 - share) * (1 + Fraction(1, 2**48))


def test_moments_beyond_float64_are_an_error() -> None:
    for sigma in (1e10, 1e7):
        with pytest.raises(OverflowError):
            power_moments(40, [[sigma]], 3)
    with pytest.raises(OverflowError):
        word_moment([[[1e200]], [[1e200]]], [[1.0]], 3)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: power_moments(2.0, [[1.0]], 1), TypeError, "order must be an integer from 0"),
        (lambda: power_moments(2, [[1.0]], 0), ValueError, "context_length must be an integer ≥ 1"),
        (lambda: power_moments(2, [[1.0, 2.0]], 1), ValueError, "covariance must be d × d"),
        (lambda: power_moments(2, [], 1), ValueError, "covariance must be d × d"),
        (lambda: power_moments(2, [[1.0, 2.0], [0.0, 1.0]], 1), ValueError, "covariance must be symmetric"),
        (lambda: power_moments(2, [[float("nan")]], 1), ValueError, "covariance must be finite"),
        (lambda: power_moments(2, [["x"]], 1), TypeError, "covariance must be an array"),
        (lambda: word_moment([], [[1.0]], 1), ValueError, "matrices must hold"),
        (
            lambda: word_moment([[[1.0]], [[1.0, 2.0]], [[1.0]]], [[1.0]], 1),
            ValueError,
            r"matrices\[1\] must",
        ),
        (lambda: word_moment([[[1.0]]], [1.0], 1), ValueError, "covariance must be a symmetric"),
        (lambda: gamma(2**52), ValueError, "roundings must be"),
    ],
)
def test_wrong_arguments_are_refused(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
