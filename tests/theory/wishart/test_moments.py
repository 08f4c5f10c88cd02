"""E ∏ tr W^{k_i}: every route against the others, and against moments known otherwise."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from math import comb, prod
from typing import Any

import pytest
from flint import fmpq, fmpz, fmpz_mpoly
from hypothesis import given
from hypothesis import strategies as st
from sympy import Poly, symbols

from icl_claims.theory.algebra import exact
from icl_claims.theory.algebra.gaussian import expectation
from icl_claims.theory.algebra.partitions import partitions
from icl_claims.theory.algebra.words import eye, letter
from icl_claims.theory.wishart import (
    RING,
    spectral_moments,
    trace_moment,
    trace_moment_list,
    trace_moments,
)
from icl_claims.theory.wishart.pairings import trace_moment_pairings
from icl_claims.theory.wishart.partitions import LARGEST_DEGREE, LARGEST_SYMBOLIC_DEGREE, by_parts
from icl_claims.theory.wishart.recurrence import LARGEST_ORDER, LARGEST_SYMBOLIC_ORDER
from icl_claims.theory.wishart.zonal import shapes, trace_moment_zonal
from tests.shared.coordinates import Variables, gaussian
from tests.shared.wishart_of_the_plane import Plane

SIZES = [(1, 1), (1, 4), (4, 1), (2, 3), (3, 2), (5, 20), (6, 6)]
D, N = RING.gens()


def in_words(ks: tuple[int, ...]) -> fmpz_mpoly:
    """The definition-level symbolic route, on words in X."""
    x = letter("X", "d", "n")
    factors = []
    for k in ks:
        power = eye("d")
        for _ in range(k):
            power = power @ x @ x.T
        factors.append(power.trace())
    total = factors[0]
    for factor in factors[1:]:
        total = total * factor
    moment = expectation(total, x, eye("d")).terms[((), ())]
    return RING.from_dict({powers: int(c) for powers, c in Poly(moment.as_expr(), *symbols("d n")).terms()})


@pytest.mark.parametrize("ks", [ks for total in range(6) for ks in partitions(total)], ids=str)
def test_integration_by_parts_agrees_with_pairings(ks: tuple[int, ...]) -> None:
    moment = trace_moment_pairings(ks)
    assert trace_moment(ks) == moment
    for d, n in SIZES:
        assert trace_moment(ks, d, n) == trace_moment_pairings(ks, d, n) == moment(d, n)


def test_pairings_up_to_their_largest_degree() -> None:
    """At d = n = 1 each of the 13!! pairings counts once."""
    assert trace_moment_pairings([4, 3], 1, 1) == prod(range(1, 14, 2))
    with pytest.raises(ValueError, match="powers must sum to at most 7"):
        trace_moment_pairings([4, 4], 1, 1)


@pytest.mark.parametrize("ks", [[3], [2, 2], [3, 1, 1], [3, 2]], ids=str)
def test_pairings_agree_with_words(ks: tuple[int, ...]) -> None:
    assert trace_moment_pairings(ks) == in_words(ks)


@pytest.mark.parametrize(("d", "n"), [(2, 2), (1, 3), (3, 1)])
def test_integration_by_parts_agrees_with_coordinates(d: int, n: int) -> None:
    v = Variables(**dict.fromkeys([f"x{i}{a}" for i in range(d) for a in range(n)], gaussian))
    w = [[sum(v.of[f"x{i}{a}"] * v.of[f"x{j}{a}"] for a in range(n)) for j in range(d)] for i in range(d)]
    powers = [[[v.ring(int(i == j)) for j in range(d)] for i in range(d)]]
    for _ in range(4):
        powers.append([[sum(r[h] * w[h][j] for h in range(d)) for j in range(d)] for r in powers[-1]])
    traces = [sum(power[i][i] for i in range(d)) for power in powers]
    for ks in ([4], [3, 1], [2, 2], [2, 1, 1], [0, 2, 2]):
        assert trace_moment(ks, d, n) == v.mean(prod((traces[k] for k in ks), start=v.ring(1)))


@pytest.mark.parametrize(("d", "n"), SIZES)
def test_all_routes_agree_at_given_sizes(d: int, n: int) -> None:
    moments = trace_moments(40, d, n)
    assert moments == [trace_moment_zonal(k, d, n) for k in range(41)]
    parts = by_parts([(k,) for k in range(2, 41)], d + n, d * n, 1)
    assert moments == [d, d * n, *(parts[(k,)] for k in range(2, 41))]
    assert all(isinstance(m, fmpz) for m in moments)


def test_recurrence_is_the_zonal_sum_with_symbols() -> None:
    moments = trace_moments(60)
    assert all(moments[k] == trace_moment_zonal(k) for k in [*range(41), 60])


def test_integration_by_parts_is_the_zonal_sum_with_symbols() -> None:
    s, p = D + N, D * N
    parts = by_parts([(k,) for k in range(2, 17)], s, p, s**0)
    assert all(parts[(k,)] == trace_moment_zonal(k) for k in range(2, 17))


@given(st.lists(st.integers(0, 7), max_size=5), st.integers(1, 6), st.integers(1, 6))
def test_symbols_and_numbers_agree(ks: list[int], d: int, n: int) -> None:
    symbolic = trace_moment(ks)
    number = trace_moment(ks, d, n)
    assert isinstance(symbolic, fmpz_mpoly)
    assert isinstance(number, fmpz)
    assert symbolic(d, n) == number
    assert trace_moment(ks, dim=d) == symbolic.compose(RING.constant(d), N)
    assert trace_moment(ks, context_length=n) == symbolic.compose(D, RING.constant(n))
    assert trace_moment(sorted(ks), d, n) == number


@given(st.lists(st.integers(1, 9), max_size=5), st.integers(1, 8), st.integers(1, 8))
def test_both_products_of_x_have_the_same_traces(ks: list[int], d: int, n: int) -> None:
    """tr (XXᵀ)^k = tr (XᵀX)^k for k ≥ 1."""
    assert trace_moment(ks, d, n) == trace_moment(ks, n, d)


@given(st.lists(st.integers(0, 8), max_size=6), st.integers(1, 30))
def test_dimension_one_is_chi_squared(ks: list[int], n: int) -> None:
    """At d = 1 every trace is a power of a χ² variable with n degrees of freedom."""
    chi_squared = prod(n + 2 * j for j in range(sum(ks)))
    assert trace_moment(ks, 1, n) == chi_squared


@given(st.integers(0, 20), st.integers(1, 9), st.integers(1, 9))
def test_trace_is_chi_squared(count: int, d: int, n: int) -> None:
    """tr W is χ² with dn degrees of freedom."""
    assert trace_moment([1] * count, d, n) == prod(d * n + 2 * j for j in range(count))


def test_leading_terms_are_narayana() -> None:
    """To leading order E tr W^k = Σ_j N(k, j) d^j n^{k+1−j}: the Marchenko–Pastur law."""
    for k, moment in enumerate(trace_moments(12)[1:], start=1):
        leading = {powers: c for powers, c in moment.to_dict().items() if sum(powers) == k + 1}
        assert leading == {(j, k + 1 - j): comb(k, j) * comb(k, j - 1) // k for j in range(1, k + 1)}


def test_products_in_one_pass() -> None:
    products = [[5, 3], [2, 2, 2], [], [0], [1, 1], [7], [3, 5, 1], [5, 3]]
    for d, n in [(None, None), (3, None), (None, 2), (3, 2)]:
        assert trace_moment_list(products, d, n) == [trace_moment(ks, d, n) for ks in products]


@pytest.mark.parametrize(("d", "n"), [(5, 20), (3, 2)])
def test_spectral_moments_divide_by_powers_of_n(d: int, n: int) -> None:
    moments = spectral_moments(30, d, n)
    assert moments == [fmpq(m, n**k) for k, m in enumerate(trace_moments(30, d, n))]
    for k, (in_d_and_n, in_n) in enumerate(zip(spectral_moments(30), spectral_moments(30, d), strict=True)):
        assert in_d_and_n.to_dict() == {(i, k - j): c for (i, j), c in trace_moment([k]).to_dict().items()}
        assert in_n == in_d_and_n.compose(*_scaled_point(d, in_d_and_n))


def _scaled_point(d: int, of: Any) -> tuple[Any, Any]:
    ring = of.context()
    return ring.constant(d), ring.gen(1)


def test_degenerate_products() -> None:
    assert trace_moment([]) == RING.constant(1)
    assert trace_moment([], 3, 2) == 1
    assert trace_moment([0]) == D
    assert trace_moment([0, 0, 1]) == D**3 * N
    assert trace_moments(0) == [D]
    assert trace_moments(0, 3, 1) == [3]
    assert spectral_moments(0, 3, 1) == [3]
    assert trace_moment_zonal(0, context_length=2) == D


def test_large_products() -> None:
    """Deep, not recursive; and the χ² law at the largest degrees."""

    def chi_squared(degree: int) -> int:
        return prod(range(1, 2 * degree, 2))

    assert trace_moment([LARGEST_DEGREE // 2] * 2, 1, 1) == chi_squared(LARGEST_DEGREE)
    assert trace_moments(LARGEST_ORDER, 1, 1)[-1] == chi_squared(LARGEST_ORDER)
    assert trace_moment([LARGEST_ORDER - 900] + [1] * 900, 1, 1) == chi_squared(LARGEST_ORDER)
    symbolic = trace_moment([LARGEST_SYMBOLIC_ORDER - 50] + [1] * 50)
    assert symbolic(1, 1) == chi_squared(LARGEST_SYMBOLIC_ORDER)


@pytest.mark.parametrize("n", [1, 2, 5])
def test_long_moments_in_the_plane(n: int) -> None:
    """d = 2: the recurrence to order 300, and several traces to the largest degree, from tr W and det W alone."""
    plane = Plane(exact.identity(2), n)
    moments = trace_moments(300, 2, n)
    for k in (*range(42), 64, 65, 128, 299, 300):
        assert moments[k] == plane.traces([k])
    for powers in ([32, 32], [20, 20, 20, 4], [62, 1, 1], [16] * 4):
        assert sum(powers) == LARGEST_DEGREE
        assert trace_moment(powers, 2, n) == plane.traces(powers)


def test_the_largest_symbolic_products_in_the_plane() -> None:
    half = LARGEST_SYMBOLIC_DEGREE // 2
    moment = trace_moment([half, half])
    for n in (1, 3, 8):
        assert moment(2, n) == moment(n, 2) == Plane(exact.identity(2), n).traces([half, half])


def test_threads_do_not_disturb_each_other() -> None:
    products = [[i, j, 2] for i in range(2, 9) for j in range(2, 9)]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(trace_moment, products)) == trace_moment_list(products)


def test_shapes_are_the_partitions_without_the_box_of_content_zero() -> None:
    for k in range(1, 12):
        named = [tuple(part for part in (a, b, *[1] * c) if part) for a, b, c in shapes(k)]
        wanted = [parts for parts in partitions(k) if len(parts) < 3 or parts[2] < 2]
        assert sorted(named) == sorted(wanted)


BAD_SIZES = [0, -3, 2.0, True, "3", 1.5, fmpq(1, 2), [2]]


@pytest.mark.parametrize("value", BAD_SIZES, ids=repr)
@pytest.mark.parametrize(
    "function",
    [
        lambda **sizes: trace_moment([2], **sizes),
        lambda **sizes: trace_moments(3, **sizes),
        lambda **sizes: spectral_moments(3, **sizes),
        lambda **sizes: trace_moment_zonal(3, **sizes),
        lambda **sizes: trace_moment_pairings([2], **sizes),
    ],
    ids=["trace_moment", "trace_moments", "spectral_moments", "zonal", "pairings"],
)
def test_bad_sizes_are_refused(function: Callable[..., Any], value: Any) -> None:
    for sizes, name in (({"dim": value, "context_length": 2}, "dim"), ({"context_length": value}, "context")):
        with pytest.raises((TypeError, ValueError), match=f"^{name}.* must be an integer ≥ 1, got"):
            function(**sizes)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: trace_moment(3), TypeError, "powers must be a sequence of integers ≥ 0, got 3"),
        (lambda: trace_moment_list([[1], 2]), TypeError, r"products\[1\] must be a sequence of integers"),
        (lambda: trace_moment("21"), TypeError, "must be a sequence of integers ≥ 0, got '21'"),
        (lambda: trace_moment({2, 1}), TypeError, "must be a sequence of integers ≥ 0"),
        (lambda: trace_moment([2, -1]), ValueError, r"\[1\] must be an integer from 0 to 2000, got -1"),
        (
            lambda: trace_moment([2.0]),
            TypeError,
            "got 2.0 of type float",
        ),
        (lambda: trace_moment([True]), TypeError, "got True of type bool"),
        (lambda: trace_moments(-1), ValueError, "order must be an integer from 0 to 150, got -1"),
        (lambda: trace_moments(2.0), TypeError, "order must be an integer from 0 to 150, got 2.0"),
        (lambda: spectral_moments(LARGEST_SYMBOLIC_ORDER + 1, 2), ValueError, "order must be an integer"),
        (lambda: spectral_moments(2, context_length=3), ValueError, "dim must be an integer where"),
        (lambda: trace_moments(LARGEST_ORDER + 1, 2, 2), ValueError, "from 0 to 2000, got 2001"),
        (
            lambda: trace_moment([LARGEST_DEGREE - 1, 2], 2, 2),
            ValueError,
            "must sum to at most 64 over several",
        ),
        (
            lambda: trace_moment([LARGEST_SYMBOLIC_DEGREE - 1, 2]),
            ValueError,
            "at most 48 over .* is a symbol",
        ),
        (lambda: trace_moment([1] * 2001, 2, 2), ValueError, "at most 2000, got 2001 powers of sum 2001"),
        (lambda: trace_moment([140, 6, 5]), ValueError, "sum to at most 150 over several"),
        (lambda: trace_moment([151]), ValueError, "at most 150 where a size is a symbol, got .151,. of sum"),
        (lambda: trace_moment_zonal(151), ValueError, "k must be an integer from 0 to 150, got 151"),
        (lambda: trace_moment_pairings([4, 4]), ValueError, "powers must sum to at most 7"),
    ],
)
def test_bad_powers_are_refused(call: Callable[[], Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize("zeros", [1, 2])
def test_powers_zero_give_a_factor_d_each_by_pairings_too(zeros: int) -> None:
    assert trace_moment_pairings([2, *[0] * zeros], 3, 5) == 3**zeros * trace_moment_pairings([2], 3, 5)
    assert trace_moment_pairings([2, *[0] * zeros]) == trace_moment([2, *[0] * zeros])
