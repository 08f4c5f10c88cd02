"""Moments of W with a general covariance: near-hooks, operator, symbolic words and coordinates against each other."""

from __future__ import annotations

from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from functools import reduce
from math import prod
from operator import matmul, mul
from typing import Any

import pytest
from flint import fmpq, fmpq_mat, fmpq_poly, fmpz, fmpz_poly
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Poly, symbols

from icl_claims.theory.algebra import exact
from icl_claims.theory.algebra.gaussian import expectation
from icl_claims.theory.algebra.partitions import partitions
from icl_claims.theory.algebra.words import Words, eye, letter
from icl_claims.theory.evaluation import at_task
from icl_claims.theory.task import RegressionTask
from icl_claims.theory.wishart import covariance, near_hooks, two_sided
from icl_claims.theory.wishart.covariance import (
    LARGEST_ORDER,
    LARGEST_SYMBOLIC_DEGREE,
    by_operator,
    covariance_trace_moment,
    power_moment,
    power_moment_polynomial,
    power_moments,
    trace_moment_polynomial,
)
from icl_claims.theory.wishart.partitions import trace_moment
from icl_claims.theory.wishart.two_sided import LARGEST_TWO_SIDED_ORDER, two_sided_moment, two_sided_moments
from tests.shared.strategies import matrices, rationals, semidefinite_matrices
from tests.shared.wishart_coordinates import over_ring, times, wishart_in_coordinates
from tests.shared.wishart_of_the_plane import Plane

X, SIGMA = letter("X", "d", "n"), letter("Sigma", "d", "d", symmetric=True)
C = letter("C", "d", "d")


def power(words: Words, k: int) -> Words:
    return reduce(matmul, [words] * k, eye("d"))


def in_symbols(words: Words) -> dict[tuple[int, tuple[int, ...]], fmpz_poly]:
    """E of words in X as {(i, ν): polynomial in n} for Σ^i p_ν, by symbolic integration by parts."""
    found = {}
    for (traces, word), c in expectation(words, X, SIGMA).terms.items():
        coefficients = Poly(c.as_expr(), symbols("n")).all_coeffs()[::-1]
        parts = tuple(sorted(map(len, traces), reverse=True))
        found[len(word), parts] = fmpz_poly([int(x) for x in coefficients])
    return found


@pytest.mark.parametrize("powers", [p for total in range(1, 6) for p in partitions(total)], ids=str)
def test_traces_agree_with_symbolic_words(powers: tuple[int, ...]) -> None:
    """For all d, n and Σ: the operator, and near-hooks where there is one trace, against words in X."""
    words = reduce(mul, [power(X @ X.T, k).trace() for k in powers])
    expected = {parts: value for (_, parts), value in in_symbols(words).items()}
    assert by_operator(powers) == expected
    assert dict(covariance_trace_moment(powers)) == expected


@pytest.mark.parametrize("j", range(6))
def test_powers_agree_with_symbolic_words(j: int) -> None:
    assert dict(power_moment_polynomial(j)) == in_symbols(power(X @ X.T, j))


@pytest.mark.parametrize("k", range(1, 15))
def test_near_hooks_agree_with_the_operator(k: int) -> None:
    """For all d, n and Σ. The sum of the coefficients at n = 1 counts the pairings, (2k − 1)!!."""
    moment = near_hooks.in_power_sums(k)
    assert moment == by_operator((k,))
    assert sum(value(1) for value in moment.values()) == prod(range(1, 2 * k, 2))


@pytest.mark.parametrize("k", [20, 26])
def test_long_traces_reduce_to_standard_ones(k: int) -> None:
    """Σ = I turns each p_r into d: the coefficients summed by length are those of the standard moment."""
    by_length: defaultdict[int, fmpz_poly] = defaultdict(lambda: fmpz_poly([0]))
    for parts, value in covariance_trace_moment([k]).items():
        by_length[len(parts)] += value
    standard = {(d, n): int(c) for (d, n), c in trace_moment([k]).to_dict().items()}
    assert {(m, e): int(v[e]) for m, v in by_length.items() for e in range(len(v)) if v[e]} == standard


@pytest.mark.parametrize(("dim", "context_length"), [(1, 1), (1, 4), (3, 1), (2, 3), (4, 2)])
@pytest.mark.parametrize("powers", [(), (0,), (3,), (2, 0), (2, 1), (3, 2, 1, 0, 0), (12,)], ids=str)
def test_identity_covariance_gives_the_standard_moments(
    powers: tuple[int, ...], dim: int, context_length: int
) -> None:
    """d = 1, n = 1, n < d, powers 0 and none included."""
    assert covariance_trace_moment(powers, exact.identity(dim), context_length) == trace_moment(
        powers, dim, context_length
    )


@given(st.data())
def test_the_four_forms_of_a_trace_moment_agree(data: st.DataObject) -> None:
    """Symbols left or put in, with singular Σ and n < d among them."""
    powers = data.draw(st.lists(st.integers(0, 4), max_size=3).filter(lambda ks: sum(ks) <= 7))
    sigma, n = data.draw(semidefinite_matrices(data.draw(st.integers(1, 3)))), data.draw(st.integers(1, 5))
    value = covariance_trace_moment(powers, sigma, n)
    p = [exact.trace(reduce(mul, [sigma] * r, exact.identity(sigma.nrows()))) for r in range(9)]
    in_n = covariance_trace_moment(powers, sigma)
    in_sums = covariance_trace_moment(powers, context_length=n)
    in_both = covariance_trace_moment(powers)
    assert isinstance(in_n, fmpq_poly)
    assert in_n(fmpq(n)) == value
    assert sum((c * prod((p[r] for r in nu), start=fmpq(1)) for nu, c in in_sums.items()), fmpq(0)) == value
    assert {nu: c(fmpz(n)) for nu, c in in_both.items()} == dict(in_sums)


@given(st.data())
def test_near_hooks_agree_with_the_polynomial_at_any_power_sums(data: st.DataObject) -> None:
    """The identity is one of polynomials: power sums of no matrix, negative ones too, and derivatives."""
    order, n = data.draw(st.integers(0, 7)), data.draw(st.integers(1, 9))
    p = [fmpz(data.draw(st.integers(-9, 9))) for _ in range(order)]
    traces, rows, denominators = near_hooks.at_power_sums(order, n, p)
    for k in range(1, order + 1):
        terms = {key: value(fmpz(n)) for key, value in power_moment_polynomial(k).items()}
        for r in range(1, k + 1):
            expected = sum(
                (c * prod((p[s - 1] for s in nu), start=fmpz(1)) for (i, nu), c in terms.items() if i == r),
                fmpz(0),
            )
            assert fmpq(rows[k][r], denominators[k]) == expected
        moment = {nu: c(fmpz(n)) for nu, c in trace_moment_polynomial((k,)).items()}
        assert traces[k] == sum(
            (c * prod((p[s - 1] for s in nu), start=fmpz(1)) for nu, c in moment.items()), fmpz(0)
        )


@given(st.data())
def test_powers_agree_with_their_polynomials(data: st.DataObject) -> None:
    sigma, n = data.draw(semidefinite_matrices(data.draw(st.integers(1, 3)))), data.draw(st.integers(1, 5))
    moments = power_moments(5, sigma, n)
    assert power_moment(4, sigma, n) == moments[4]
    powers = [exact.identity(sigma.nrows())]
    for _ in range(5):
        powers.append(powers[-1] * sigma)
    for j, moment in enumerate(moments):
        expected = fmpq_mat(sigma.nrows(), sigma.nrows())
        for (i, nu), c in power_moment_polynomial(j).items():
            expected += powers[i] * prod((exact.trace(powers[r]) for r in nu), start=fmpq(c(fmpz(n))))
        assert moment == expected
        assert exact.trace(moment) == covariance_trace_moment([j], sigma, n)


def test_high_orders_agree_with_chi_squared() -> None:
    """At d = 1, W is Σ times χ² with n degrees of freedom: E W^j = Σ^j n(n + 2)⋯(n + 2j − 2)."""
    moments = power_moments(60, [["3/7"]], 5)
    for j, moment in enumerate(moments):
        assert moment[0, 0] == fmpq(3, 7) ** j * prod(range(5, 5 + 2 * j, 2))


def test_one_column_of_context() -> None:
    """At n = 1, W = xxᵀ and tr W^i tr W^j = tr W^{i+j} = |x|^{2(i+j)}."""
    sigma = exact.diagonal([1, "2/3", 5])
    assert covariance_trace_moment([2, 3], sigma, 1) == covariance_trace_moment([5], sigma, 1)
    assert covariance_trace_moment([1, 1, 1, 1, 1], sigma, 1) == covariance_trace_moment([5], sigma, 1)


def test_a_rotation_of_the_covariates_rotates_the_moments() -> None:
    q = fmpq_mat([[fmpq(3, 5), fmpq(4, 5)], [fmpq(-4, 5), fmpq(3, 5)]])
    sigma = exact.diagonal([2, "1/3"])
    turned = q * sigma * q.transpose()
    for j in (1, 4, 9):
        assert power_moment(j, turned, 3) == q * power_moment(j, sigma, 3) * q.transpose()


# Two-sided moments


def two_sided_words(i: int, j: int) -> Words:
    return power(X @ X.T, i) @ C @ power(X @ X.T, j)


@pytest.mark.parametrize(("i", "j"), [(i, j) for i in range(4) for j in range(4) if i + j <= 4], ids=str)
def test_two_sided_moments_agree_with_symbolic_words(i: int, j: int) -> None:
    """At given Σ, n and C the value of the symbolic expectation, which holds for all."""
    mean = expectation(two_sided_words(i, j), X, SIGMA)
    for size, n in ((1, 1), (2, 3), (3, 2)):
        root = fmpq_mat(size, size, [fmpq((3 * k + 1) % 5 - 1, 1 + k % 2) for k in range(size * size)])
        sigma = root * root.transpose()
        for middle in (root * 2 + exact.identity(size), sigma - exact.identity(size)):
            task = RegressionTask(sigma, n)
            assert two_sided_moment(i, j, middle, sigma, n) == at_task(mean, task, {"C": middle})


@settings(max_examples=15)
@given(st.data())
def test_two_sided_moments_agree_with_coordinates(data: st.DataObject) -> None:
    """X = F Z multiplied out entry by entry and averaged monomial by monomial, d = n = 2."""
    f, c = data.draw(matrices(2, 2)), data.draw(matrices(2, 2))
    v, w = wishart_in_coordinates(f, 2)
    table = two_sided_moments(2, c, f * f.transpose(), 2)
    middle = over_ring(v, c)
    unit = over_ring(v, exact.identity(2))
    for i, j in ((1, 0), (1, 1), (2, 1)):
        value = reduce(times, [*[w] * i, middle, *[w] * j], unit)
        assert table[i][j] == fmpq_mat([[v.mean(x) for x in row] for row in value])


@given(st.data())
def test_two_sided_moments_with_nothing_in_the_middle(data: st.DataObject) -> None:
    """E[W^i C W^j] at C = I is E W^{i+j}; the transpose exchanges the sides; C enters linearly."""
    size, n = data.draw(st.integers(1, 3)), data.draw(st.integers(1, 4))
    sigma = data.draw(semidefinite_matrices(size))
    c, e = data.draw(matrices(size, size)), data.draw(matrices(size, size))
    factor = data.draw(rationals)
    plain, moments = two_sided_moments(3, exact.identity(size), sigma, n), power_moments(6, sigma, n)
    of_c, of_turned = two_sided_moments(3, c, sigma, n), two_sided_moments(3, c.transpose(), sigma, n)
    of_e, of_sum = two_sided_moments(3, e, sigma, n), two_sided_moments(3, c + e * factor, sigma, n)
    for i in range(4):
        for j in range(4):
            assert plain[i][j] == moments[i + j]
            assert of_turned[i][j] == of_c[j][i].transpose()
            assert of_sum[i][j] == of_c[i][j] + of_e[i][j] * factor


# High orders, by a route of their own for d = 2


PLANE = fmpq_mat([[1, fmpq(1, 2)], [fmpq(1, 2), fmpq(3, 2)]])
MIDDLE = fmpq_mat([[1, 2], [0, -1]])


@pytest.mark.parametrize("n", [1, 2, 3])
def test_long_traces_in_the_plane(n: int) -> None:
    """Σ not diagonal; n < d among them; to the order 60, beyond what is symbolic, and 40 with several traces' Σ."""
    plane = Plane(PLANE, n)
    for k in (1, 7, 27, 40, 41, 60):
        assert covariance_trace_moment([k], PLANE, n) == plane.traces([k])
    for powers in ([6, 6], [10, 4, 2], [9, 0, 7], [12, 11, 1]):
        assert covariance_trace_moment(powers, PLANE, n) == plane.traces(powers)


def test_the_largest_symbolic_traces_in_the_plane() -> None:
    """As a polynomial in n, at two values of it."""
    moment = covariance_trace_moment([LARGEST_SYMBOLIC_DEGREE - 10], PLANE)
    for n in (2, 9):
        assert moment(fmpq(n)) == Plane(PLANE, n).traces([LARGEST_SYMBOLIC_DEGREE - 10])


@pytest.mark.parametrize("n", [1, 4])
def test_long_powers_in_the_plane(n: int) -> None:
    plane = Plane(PLANE, n)
    for k, moment in enumerate(power_moments(45, PLANE, n)):
        assert moment == plane.power(k)


def test_long_two_sided_moments() -> None:
    """To the largest order on both sides, C not symmetric."""
    plane, last = Plane(PLANE, 3), LARGEST_TWO_SIDED_ORDER
    table = two_sided_moments(last, MIDDLE, PLANE, 3)
    for i, j in ((0, 1), (1, 1), (2, 7), (9, 10), (last, 0), (0, last), (last, last - 1), (last, last)):
        assert table[i][j] == plane.two_sided(i, j, MIDDLE)


# Arguments and resources


def test_orders_from_zero() -> None:
    assert power_moments(0, [[2]], 3) == [exact.identity(1)]
    assert two_sided_moments(0, [[5]], [[2]], 3) == [[fmpq_mat([[5]])]]
    assert covariance_trace_moment([]) == {(): fmpz_poly([1])}
    assert covariance_trace_moment([0, 0], exact.identity(3)) == fmpq_poly([9])


def test_floats_count_as_dyadic_rationals() -> None:
    assert power_moment(1, [[0.1]], 2)[0, 0] == 2 * fmpq(3602879701896397, 36028797018963968)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: power_moment(2.0, [[1]], 1), TypeError, "j must be an integer from 0"),
        (lambda: power_moment(True, [[1]], 1), TypeError, "j must be an integer from 0"),
        (lambda: power_moments(-1, [[1]], 1), ValueError, "order must be an integer from 0"),
        (lambda: power_moments(LARGEST_ORDER + 1, [[1]], 1), ValueError, f"to {LARGEST_ORDER}, got"),
        (lambda: power_moment(1, [[1]], 1.0), TypeError, "context_length must be an integer ≥ 1"),
        (lambda: power_moment(1, [[1]], 0), ValueError, "context_length must be an integer ≥ 1"),
        (lambda: power_moment(1, [[1, 2]], 1), ValueError, "covariance must be square"),
        (lambda: power_moment(1, [[1, 2], [0, 1]], 1), ValueError, "covariance must be symmetric"),
        (lambda: power_moment(1, [[-1]], 1), ValueError, "covariance must be positive semidefinite"),
        (lambda: power_moment_polynomial(LARGEST_SYMBOLIC_DEGREE + 1), ValueError, "j must be an integer"),
        (lambda: covariance_trace_moment(2), TypeError, "powers must be a sequence"),
        (lambda: covariance_trace_moment("2"), TypeError, "powers must be a sequence"),
        (lambda: covariance_trace_moment([1, -1]), ValueError, r"powers\[1\] must be an integer"),
        (lambda: covariance_trace_moment([1.0]), TypeError, r"powers\[0\] must be an integer"),
        (lambda: covariance_trace_moment([20, 21]), ValueError, "the sum of powers must be"),
        (lambda: two_sided_moment(1, -1, [[1]], [[1]], 1), ValueError, "j must be an integer from 0"),
        (lambda: two_sided_moment(1, 1, [[1, 1]], [[1]], 1), ValueError, "middle must be of shape 1 × 1"),
        (
            lambda: two_sided_moments(LARGEST_TWO_SIDED_ORDER + 1, [[1]], [[1]], 1),
            ValueError,
            "order must be",
        ),
    ],
)
def test_wrong_arguments_are_refused(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


def test_results_do_not_depend_on_threads() -> None:
    """Eight threads at once, caches cold."""
    for cached in (covariance.trace_moment_polynomial, two_sided.two_sided_table, near_hooks.coefficients):
        cached.cache_clear()
    sigma, middle = [[2, 1], [1, 1]], [[0, 1], [0, 0]]

    def work(n: int) -> tuple[Any, ...]:
        table = two_sided_moments(2, middle, sigma, n % 3 + 1)
        return table, covariance_trace_moment([3, 2], sigma, n % 3 + 1), power_moment(6, sigma, n % 3 + 1)

    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(work, range(24)))
    assert together == [work(n) for n in range(24)]


def test_one_trace_is_refused_beyond_the_largest_order() -> None:
    with pytest.raises(ValueError, match=rf"powers\[0\] must be an integer from 0 to {LARGEST_ORDER}, got"):
        covariance_trace_moment([LARGEST_ORDER + 1], [[1]], 1)
