"""Words in W and arbitrary matrices: the plan against symbolic words, coordinates and the operator."""

from __future__ import annotations

from functools import reduce
from itertools import product
from math import prod
from operator import matmul, mul
from typing import Any

import pytest
from flint import Ordering, fmpq, fmpq_mat, fmpq_mpoly_ctx, fmpz, fmpz_mat
from hypothesis import given, settings
from hypothesis import strategies as st

from icl_claims.theory.algebra import exact
from icl_claims.theory.algebra.gaussian import expectation
from icl_claims.theory.algebra.partitions import partitions
from icl_claims.theory.algebra.words import eye, letter
from icl_claims.theory.evaluation import at_task
from icl_claims.theory.task import RegressionTask
from icl_claims.theory.wishart import word_plans
from icl_claims.theory.wishart.covariance import covariance_trace_moment
from icl_claims.theory.wishart.matrix_words import word_moment, word_trace_moment
from icl_claims.theory.wishart.two_sided import two_sided_moment
from icl_claims.theory.wishart.word_plans import plan
from tests.shared.coordinates import gaussian
from tests.shared.strategies import matrices, semidefinite_matrices
from tests.shared.wishart_coordinates import over_ring, times, wishart_in_coordinates
from tests.shared.wishart_of_the_plane import Plane

X, SIGMA = letter("X", "d", "n"), letter("Sigma", "d", "d", symmetric=True)
W = X @ X.T
NAMES = "ABCDE"
LETTERS = [letter(name, "d", "d") for name in NAMES]


def drawn(data: st.DataObject, count: int) -> tuple[fmpq_mat, int, list[fmpq_mat]]:
    """Σ (singular ones too), n (below d too) and matrices, some of which are equal, transposed or symmetric."""
    size, n = data.draw(st.integers(1, 3)), data.draw(st.integers(1, 4))
    pool = [data.draw(matrices(size, size)) for _ in range(2)]
    pool += [pool[0].transpose(), pool[1] + pool[1].transpose(), exact.identity(size)]
    chosen = data.draw(st.lists(st.sampled_from(pool), min_size=count, max_size=count))
    return data.draw(semidefinite_matrices(size)), n, chosen


@pytest.mark.parametrize("k", range(4))
def test_words_agree_with_symbolic_words(k: int) -> None:
    """E[A W B W C W D]: the symbolic expectation, which holds for all d, n and matrices, at drawn ones."""
    mean = expectation(reduce(matmul, [LETTERS[0], *(W @ x for x in LETTERS[1 : k + 1])]), X, SIGMA)

    @settings(max_examples=20)
    @given(st.data())
    def check(data: st.DataObject) -> None:
        sigma, n, chosen = drawn(data, k + 1)
        given_values = dict(zip(NAMES, chosen, strict=False))
        assert word_moment(chosen, sigma, n) == at_task(mean, RegressionTask(sigma, n), given_values)

    check()


@pytest.mark.parametrize("lengths", [(1,), (2,), (3,), (4,), (1, 1), (2, 1), (2, 2), (1, 1, 2)], ids=str)
def test_traces_agree_with_symbolic_words(lengths: tuple[int, ...]) -> None:
    names = iter(LETTERS)
    words = [reduce(matmul, [next(names) @ W for _ in range(k)]).trace() for k in lengths]
    mean = expectation(reduce(mul, words), X, SIGMA)

    @settings(max_examples=15)
    @given(st.data())
    def check(data: st.DataObject) -> None:
        sigma, n, chosen = drawn(data, sum(lengths))
        rest = iter(chosen)
        cycles = [[next(rest) for _ in range(k)] for k in lengths]
        given_values = dict(zip(NAMES, chosen, strict=False))
        value = at_task(mean * eye("1"), RegressionTask(sigma, n), given_values)[0, 0]
        assert word_trace_moment(cycles, sigma, n) == value

    check()


@settings(max_examples=15)
@given(st.data())
def test_words_agree_with_coordinates(data: st.DataObject) -> None:
    """Multiplied out entry by entry, d = n = 2."""
    f, a, b, c = (data.draw(matrices(2, 2)) for _ in range(4))
    v, w = wishart_in_coordinates(f, 2)
    of = [over_ring(v, m) for m in (a, b, c)]
    sigma = f * f.transpose()
    word = reduce(times, [of[0], w, of[1], w, of[2]])
    assert word_moment([a, b, c], sigma, 2) == fmpq_mat([[v.mean(x) for x in row] for row in word])
    first, second = times(of[0], w), times(times(of[1], w), times(of[2], w))
    traces = (first[0][0] + first[1][1]) * (second[0][0] + second[1][1])
    assert word_trace_moment([[a], [b, c]], sigma, 2) == v.mean(traces)


def test_nine_letters_agree_with_coordinates() -> None:
    """Nine different matrices, none of them symmetric, in one word and in two traces; d = n = 2, Σ not diagonal."""
    factor = fmpq_mat([[1, 0], [fmpq(1, 2), 2]])
    ring = fmpq_mpoly_ctx.get(("z00", "z01", "z10", "z11"), Ordering.degrevlex)
    z = ring.gens()
    x = times([[ring.constant(c) for c in row] for row in factor.tolist()], [z[:2], z[2:]])
    w = times(x, [list(column) for column in zip(*x, strict=True)])
    chosen = [fmpq_mat([[k % 3 - 1, k], [fmpq(1, k + 1), 2 - k]]) for k in range(9)]
    steps = [times([[ring.constant(c) for c in row] for row in m.tolist()], w) for m in chosen]

    def mean(polynomial: Any) -> fmpq:
        laws = ((c, [gaussian(int(k)) for k in powers]) for powers, c in polynomial.terms())
        return sum((c * prod(law) for c, law in laws), fmpq(0))

    sigma = factor * factor.transpose()
    product_of_all = reduce(times, [w, *steps])
    word = fmpq_mat([[mean(entry) for entry in row] for row in product_of_all])
    identity = exact.identity(2)
    assert word_moment([identity, *chosen, identity], sigma, 2) == word
    first, second = reduce(times, steps[:4]), reduce(times, steps[4:])
    traces = mean((first[0][0] + first[1][1]) * (second[0][0] + second[1][1]))
    assert word_trace_moment([chosen[:4], chosen[4:]], sigma, 2) == traces


@pytest.mark.parametrize("powers", [p for total in range(8) for p in partitions(total)], ids=str)
def test_without_matrices_in_between_the_operator_says_the_same(powers: tuple[int, ...]) -> None:
    for sigma, n in ((exact.diagonal([1, "1/2"]), 1), (fmpq_mat([[2, 1, 0], [1, 2, 1], [0, 1, 5]]), 4)):
        unit = exact.identity(sigma.nrows())
        moment = covariance_trace_moment(powers, sigma, n)
        assert word_trace_moment([[unit] * k for k in powers], sigma, n) == moment


@settings(max_examples=20)
@given(st.data())
def test_one_matrix_in_between_is_a_two_sided_moment(data: st.DataObject) -> None:
    sigma, n, (middle,) = drawn(data, 1)
    unit = exact.identity(sigma.nrows())
    for i, j in product(range(4), range(4)):
        assert word_moment([unit] * i + [middle] + [unit] * j, sigma, n) == two_sided_moment(
            i, j, middle, sigma, n
        )


@given(st.data())
def test_six_matrices(data: st.DataObject) -> None:
    """tr of an open word is a closed one; rotation and transposition change nothing; a unit vector splits."""
    sigma, n, chosen = drawn(data, 6)
    value = word_trace_moment([chosen], sigma, n)
    assert exact.trace(word_moment([*chosen, exact.identity(sigma.nrows())], sigma, n)) == value
    assert word_trace_moment([chosen[2:] + chosen[:2]], sigma, n) == value
    assert word_trace_moment([[m.transpose() for m in reversed(chosen)]], sigma, n) == value


def test_divisors_of_products_with_sigma_leave_every_value() -> None:
    """M the numerator of Σ⁻¹, g = content(ΣM) = det Σ: gᵏ comes out of a value with k letters M, wherever they are."""
    sigma = fmpz_mat([[5, 1, 2], [1, 7, -3], [2, -3, 11]])
    inverse = fmpz_mat((sigma.inv() * sigma.det()).numer_denom()[0])
    g, other = exact.content(sigma * inverse), fmpz_mat([[1, 2, 0], [-1, 3, 5], [2, 0, 4]])
    assert g == sigma.det()
    letters, roots = [inverse, other, other.transpose()], [
        ((0, 1, 0), ()), ((1,), ((0,),)), ((0,), ((0, 1), (0,))), (None, ((0, 1, 1, 0),)), (None, ((1,), (0,)))
    ]  # fmt: skip
    layout = plan(roots, adjoint=(0, 2, 1))
    plain = layout.root_values(layout.values(letters, sigma, 4))
    shared = layout.root_values(layout.values(letters, sigma, 4, {0: g}))
    for (word, cycles), with_all, without in zip(roots, plain, shared, strict=True):
        assert with_all == without * g ** sum(
            letter == 0 for part in (word or (), *cycles) for letter in part
        )


def test_what_is_no_divisor_is_refused() -> None:
    sigma = fmpz_mat([[2, 0], [0, 4]])
    layout = plan([((0,), ())], adjoint=(0,))
    with pytest.raises(ArithmeticError, match="divisor must divide every entry, got 4"):
        layout.values([exact.identity(2).numer_denom()[0]], sigma, 3, {0: fmpz(4)})


def test_factors_of_rank_one_join_words() -> None:
    """tr(u vᵀ W A W) tr(u vᵀ W B W) = vᵀ W A W u · vᵀ W B W u, as one word and as two."""
    u, v = fmpq_mat([[1], [2]]), fmpq_mat([[1], [fmpq(-1, 3)]])
    a, b = fmpq_mat([[1, 2], [0, 1]]), fmpq_mat([[0, 1], [3, 1]])
    sigma = fmpq_mat([[2, 1], [1, 1]])
    outer = u * v.transpose()
    two = word_trace_moment([[outer, a], [outer, b]], sigma, 3)
    assert word_moment([v.transpose(), a, outer, b, u], sigma, 3)[0, 0] == two


def test_outer_matrices_need_not_be_square() -> None:
    row, column = fmpq_mat([[1, 2]]), fmpq_mat([[1, 0, 1], [0, 1, 1]])
    sigma = fmpq_mat([[2, 1], [1, 1]])
    assert word_moment([row, column], sigma, 3) == row * sigma * column * 3
    assert word_moment([row], sigma, 3) == row


def test_dimension_one_is_chi_squared() -> None:
    """E (2·W)(3·W)(5·W) = 30 · E W³ = 30 · n(n + 2)(n + 4) at n = 3."""
    assert word_trace_moment([[[[2]], [[3]]], [[[5]]]], [[1]], 3) == 30 * 3 * 5 * 7


def test_traces_without_matrices() -> None:
    assert word_trace_moment([], exact.identity(3), 2) == 1
    assert word_trace_moment([[], [], [exact.identity(3)]], exact.identity(3), 2) == 9 * 6


@pytest.mark.parametrize(("count", "states"), [(3, 9), (5, 59), (7, 563)])
def test_the_number_of_states(count: int, states: int) -> None:
    """For different matrices, none of them symmetric: 563 where there are (2·7 − 1)!! = 135 135 pairings."""
    adjoint = tuple(x ^ 1 for x in range(2 * count))
    assert len(plan([(tuple(range(0, 2 * count - 2, 2)), ())], adjoint).closed) == states


def test_equal_symmetric_matrices_go_far() -> None:
    """tr (BBW)^k = tr (BWB)^k, BWB being Wishart too: by tr W and det W alone, to 20 letters."""
    root, sigma = fmpq_mat([[1, 1], [1, 3]]) / 2, fmpq_mat([[2, 1], [1, 1]])
    for k, n in ((12, 1), (20, 2)):
        expected = Plane(root * sigma * root, n).traces([k])
        assert word_trace_moment([[root * root] * k], sigma, n) == expected
    split = Plane(root * sigma * root, 3).traces([9, 5])
    assert word_trace_moment([[root * root] * 9, [root * root] * 5], sigma, 3) == split


def test_too_long_a_word_is_refused_and_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(word_plans, "MOST_STATES", 1000)
    different = [fmpq_mat([[k, 1], [0, k * k]]) for k in range(2, 12)]
    with pytest.raises(ValueError, match="words must be short enough for 1000 states"):
        word_moment(different, exact.identity(2), 3)


@settings(max_examples=25)
@given(st.data())
def test_the_pullback_is_the_derivative(data: st.DataObject) -> None:
    """⟨gradient, D⟩ against the exact derivative of a polynomial in t along M + tD, all letters at once."""
    size = data.draw(st.integers(1, 2))
    entries = st.lists(st.integers(-3, 3), min_size=size * size, max_size=size * size)

    def drawn_integers() -> fmpz_mat:
        return fmpz_mat(size, size, data.draw(entries))

    root = drawn_integers()
    sigma, n = root * root.transpose(), data.draw(st.integers(1, 3))
    adjoint = (1, 0, 2, 4, 3)
    roots = [((0, 2, 3), ((1,), (2, 4))), (None, ((0, 3, 2), (4,))), ((4, 0), ())]
    laid_out = plan(roots, adjoint)  # type: ignore[arg-type]
    m, s, k = drawn_integers(), drawn_integers(), drawn_integers()
    dm, ds, dk = drawn_integers(), drawn_integers(), drawn_integers()
    weights: list[Any] = [drawn_integers(), fmpz(2), drawn_integers()]

    def letters(t: int) -> list[fmpz_mat]:
        a, b, c = m + dm * t, s + ds * t, k + dk * t
        return [a, a.transpose(), b + b.transpose(), c, c.transpose()]

    def total(t: int) -> fmpz:
        values = laid_out.root_values(laid_out.values(letters(t), sigma, n))
        return sum((inner(weight, value) for weight, value in zip(weights, values, strict=True)), fmpz(0))

    found = laid_out.values(letters(0), sigma, n)
    slopes = laid_out.pullback(letters(0), sigma, n, found, weights)
    moved = [x - y for x, y in zip(letters(1), letters(0), strict=True)]
    slope = sum((inner(x, y) for x, y in zip(slopes, moved, strict=True)), fmpz(0))
    # of degree at most 6: central differences over three nodes are exact
    ahead = [fmpq(total(t) - total(-t), 2) for t in (1, 2, 3)]
    assert slope == ahead[0] * fmpq(3, 2) - ahead[1] * fmpq(3, 10) + ahead[2] * fmpq(1, 30)


def inner(a: Any, b: Any) -> fmpz:
    if isinstance(a, fmpz):
        return a * b
    return sum((x * y for x, y in zip(a.entries(), b.entries(), strict=True)), fmpz(0))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: word_moment([], [[1]], 1), ValueError, "matrices must hold at least A_0"),
        (lambda: word_moment(3, [[1]], 1), TypeError, "matrices must be a sequence"),
        (lambda: word_moment([[[1, 2]], [[1]]], [[1]], 1), ValueError, "matrices must start with"),
        (
            lambda: word_moment([[[1]], [[1], [2]]], [[1]], 1),
            ValueError,
            "and end with one of 1 rows, got 1 and 2",
        ),
        (
            lambda: word_moment([[[1]], [[1, 2]], [[1]]], [[1]], 1),
            ValueError,
            r"matrices\[1\] must be of shape",
        ),
        (lambda: word_moment([[[1]], [["x"]], [[1]]], [[1]], 1), ValueError, r"matrices\[1\]\[0\]\[0\]"),
        (lambda: word_moment([[[1]], [[1]]], [[1]], 0), ValueError, "context_length must be"),
        (lambda: word_moment([[[1]], [[1]]], [[1]], 2.0), TypeError, "context_length must be"),
        (lambda: word_moment([[[1]], [[1]]], [[-1]], 1), ValueError, "covariance must be positive"),
        (lambda: word_trace_moment([[[[1]], 2]], [[1]], 1), TypeError, r"words\[0\]\[1\] must be a matrix"),
        (lambda: word_trace_moment([5], [[1]], 1), TypeError, r"words\[0\] must be a sequence"),
        (lambda: word_trace_moment("W", [[1]], 1), TypeError, "words must be a sequence"),
    ],
)
def test_wrong_arguments_are_refused(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize("words", [{1: 2}.keys(), iter([[[1]]])])
def test_what_has_no_order_or_no_length_is_no_sequence(words: Any) -> None:
    with pytest.raises(TypeError, match="matrices must be a sequence"):
        word_moment(words, [[1]], 1)
