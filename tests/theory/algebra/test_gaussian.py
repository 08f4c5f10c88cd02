"""Expectations over Gaussian letters against a second route (coordinates) and against published moments."""

import pytest
from flint import fmpq, fmpq_mat
from hypothesis import given
from hypothesis import strategies as st
from sympy import Poly, symbols

from icl_claims.theory.algebra.gaussian import expectation
from icl_claims.theory.algebra.words import Words, eye, letter, zero
from icl_claims.theory.evaluation import at_task
from icl_claims.theory.task import isotropic
from tests.shared.coordinates import Variables, gaussian
from tests.shared.strategies import matrices

Y = letter("Y", "d", "n")
A, B, C = (letter(name, "d", "d") for name in "ABC")
K = letter("K", "n", "n")
ROWS, COLS = letter("R", "d", "d", symmetric=True), letter("V", "n", "n", symmetric=True)

DIM, CONTEXT = 2, 2
TASK = isotropic(DIM, CONTEXT)


def in_coordinates(row_factor: fmpq_mat, col_factor: fmpq_mat) -> tuple[Variables, list[list[object]]]:
    """Y = F Z Hᵀ with standard normal Z, so R = F Fᵀ and V = H Hᵀ, as polynomials in Z."""
    v = Variables(**dict.fromkeys([f"z{i}{a}" for i in range(DIM) for a in range(CONTEXT)], gaussian))
    f, h = row_factor.tolist(), col_factor.tolist()

    def number(x: fmpq) -> object:
        return v.ring.domain(int(x.p), int(x.q))

    return v, [
        [
            sum(number(f[i][k] * h[a][b]) * v.of[f"z{k}{b}"] for k in range(DIM) for b in range(CONTEXT))
            for a in range(CONTEXT)
        ]
        for i in range(DIM)
    ]


def product(v: Variables, *factors: object) -> list[list[object]]:
    """A product of matrices over the ring, rational ones converted."""

    def rows(m: object) -> list[list[object]]:
        if not isinstance(m, fmpq_mat):
            return m  # type: ignore[return-value]
        return [[v.ring(v.ring.domain(int(x.p), int(x.q))) for x in row] for row in m.tolist()]

    result = rows(factors[0])
    for factor in map(rows, factors[1:]):
        result = [
            [sum(a * b for a, b in zip(r, c, strict=True)) for c in zip(*factor, strict=True)] for r in result
        ]
    return result


def trace(m: list[list[object]]) -> object:
    return sum(m[i][i] for i in range(len(m)))


@given(st.data())
def test_words_agree_with_coordinates(data: st.DataObject) -> None:
    """Every kind of contraction: same and opposite orientation, within a word, across traces."""
    f, h = data.draw(matrices(DIM, DIM)), data.draw(matrices(CONTEXT, CONTEXT))
    a, b, c = (data.draw(matrices(DIM, DIM)) for _ in range(3))
    k = data.draw(matrices(CONTEXT, CONTEXT))
    v, y = in_coordinates(f, h)
    yt = [list(row) for row in zip(*y, strict=True)]
    given_values = {"A": a, "B": b, "C": c, "K": k, "R": f * f.transpose(), "V": h * h.transpose()}

    def mean(words: Words) -> fmpq_mat:
        return at_task(expectation(words, Y, ROWS, COLS), TASK, given_values)

    def coordinates_mean(m: list[list[object]]) -> fmpq_mat:
        return fmpq_mat([[v.mean(x) for x in row] for row in m])

    assert mean(A @ Y @ K @ Y.T @ B) == coordinates_mean(product(v, a, y, k, yt, b))
    assert mean(Y @ K @ Y.T @ A @ Y @ Y.T) == coordinates_mean(product(v, y, k, yt, a, y, yt))
    assert mean(Y.T @ A @ Y @ K.T @ Y.T @ B @ Y) == coordinates_mean(
        product(v, yt, a, y, k.transpose(), yt, b, y)
    )
    traced = (Y @ K @ Y.T @ A).trace() * (Y @ Y.T @ B).trace() * C
    number = trace(product(v, y, k, yt, a)) * trace(product(v, y, yt, b))  # type: ignore[operator]
    assert mean(traced) == c * v.mean(number)
    assert mean(Y @ K @ Y.T @ A @ Y @ K) == fmpq_mat(DIM, CONTEXT)


def wishart_trace(k: int) -> Poly:
    """E tr W^k, W = XXᵀ with standard normal X (d × n), as a polynomial in d and n."""
    power = eye("d")
    for _ in range(k):
        power = power @ Y @ Y.T
    moment = expectation(power.trace(), Y, eye("d")).terms
    return Poly(moment[((), ())].as_expr(), *symbols("d n"))


def test_traces_of_powers_are_the_published_ones() -> None:
    """E tr W^k for k ≤ 4, for instance in Letac and Massam (2004), Scand. J. Statist. 31, 295–318."""
    d, n = symbols("d n")
    published = {
        1: d * n,
        2: d * n * (d + n + 1),
        3: d * n * (d**2 + n**2 + 3 * d * n + 3 * d + 3 * n + 4),
        4: d
        * n
        * (6 * d**2 * n + 6 * d * n**2 + d**3 + n**3 + 6 * d**2 + 6 * n**2 + 17 * d * n + 21 * (d + n) + 20),
    }
    for k, polynomial in published.items():
        assert wishart_trace(k) == Poly(polynomial, d, n)


@pytest.mark.parametrize("k", range(1, 7))
def test_traces_of_powers_are_symmetric_and_chi_squared_at_dimension_one(k: int) -> None:
    """tr (XXᵀ)^k = tr (XᵀX)^k; at d = 1, W is χ² with n degrees of freedom: E W^k = n(n+2)⋯(n+2k−2)."""
    d, n = symbols("d n")
    moment = wishart_trace(k)
    assert moment == Poly(moment.as_expr().subs({d: n, n: d}, simultaneous=True), d, n)
    chi_squared = Poly(1, d, n)
    for j in range(k):
        chi_squared *= Poly(n + 2 * j, d, n)
    assert Poly(moment.as_expr().subs(d, 1), d, n) == chi_squared


def test_odd_words_vanish() -> None:
    assert expectation(Y, Y, eye("d")) == zero("d", "n")
    assert expectation(Y @ Y.T @ A @ Y, Y, ROWS, COLS) == zero("d", "n")


def test_letters_that_are_not_averaged_stay() -> None:
    assert expectation(A @ B, Y, eye("d")) == A @ B
    assert expectation((A @ Y @ Y.T).trace() * C, Y, eye("d")) == A.trace() * C * wishart_size()


def wishart_size() -> Words:
    return eye("n").trace()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((Y, A @ B, eye("d")), "gaussian must be one letter"),
        ((Y, Y, A), "rows must be a symmetric"),
        ((Y, Y, eye("n")), "rows must be a symmetric"),
        ((Y, Y, eye("d"), K), "cols must be a symmetric"),
    ],
)
def test_wrong_laws_are_refused(arguments: tuple[Words, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        expectation(*arguments)
