"""Hankel systems by lifting, against elimination; and what is no solution is not returned."""

from __future__ import annotations

import pytest
from flint import fmpq, fmpz, fmpz_mat, fmpz_poly
from hypothesis import given
from hypothesis import strategies as st

from icl_claims.theory.algebra import hankel
from icl_claims.theory.algebra.orthogonal_polynomials import (
    kernel_polynomial,
    least_square_polynomial,
    recurrence,
)
from icl_claims.theory.wishart import trace_moments


def by_elimination(entries: list[fmpz], right: list[fmpz]) -> list[fmpq]:
    size = len(right)
    matrix = fmpz_mat([[entries[i + j] for j in range(size)] for i in range(size)])
    solved: list[fmpq] = matrix.solve(fmpz_mat([[x] for x in right])).entries()
    return solved


@given(
    st.dictionaries(st.integers(1, 10**9), st.integers(1, 10**6), min_size=1, max_size=6),
    st.lists(st.integers(-(10**30), 10**30), min_size=6, max_size=6),
)
def test_lifting_agrees_with_elimination(weights: dict[int, int], right: list[int]) -> None:
    """Moments of atoms, as many as unknowns: every positive definite Hankel matrix is such."""
    size = len(weights)
    entries = [fmpz(sum(w * a**k for a, w in weights.items())) for k in range(2 * size - 1)]
    wanted = list(map(fmpz, right[:size]))
    y, unit = hankel.solution(entries, wanted)
    assert unit > 0
    assert [fmpq(x, unit) for x in y] == by_elimination(entries, wanted)


@pytest.mark.parametrize(
    ("d", "n", "layers"), [(1, 1, 12), (7, 3, 12), (10**12, 10**17, 16), (10**17, 5, 24)]
)
def test_moments_of_wishart_matrices(d: int, n: int, layers: int) -> None:
    moments = trace_moments(2 * layers, d, n)
    y, unit = hankel.solution(moments[2:], moments[1 : layers + 1])
    assert [fmpq(x, unit) for x in y] == by_elimination(moments[2:], moments[1 : layers + 1])


def test_long_moments_take_this_route_and_agree_with_the_kernel() -> None:
    moments = trace_moments(61, 10**17, 10**17)
    assert moments[60].bit_length() > 3000
    assert least_square_polynomial(moments, 30) == kernel_polynomial(*recurrence(moments, 31))


def test_singular_systems_are_refused() -> None:
    """Two atoms and three unknowns."""
    with pytest.raises(ZeroDivisionError, match="singular modulo"):
        hankel.solution([fmpz(1 + 2**k) for k in range(5)], [fmpz(1), fmpz(2), fmpz(3)])


def test_the_next_prime_is_taken_where_one_divides_the_determinant() -> None:
    prime = 2**62 - 57
    entries = [fmpz(prime), fmpz(0), fmpz(1)]
    assert hankel.solution(entries, [fmpz(1), fmpz(1)]) == ([1, prime], prime)


def test_what_is_not_verified_is_not_returned(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong denominator, the denominator 0, for which 0 = H 0 holds, and a wrong inverse, each on its own."""
    entries, right = [fmpz(2), fmpz(1), fmpz(3)], [fmpz(1), fmpz(0)]
    assert hankel.solution(entries, right) == ([3, -1], 5)
    for wrong in (4, 0):
        with monkeypatch.context() as patch:
            patch.setattr(hankel, "_denominator", lambda x, modulus, wrong=wrong: fmpz(wrong))
            with pytest.raises(ArithmeticError, match="no solution of a Hankel system of 2 equations"):
                hankel.solution(entries, right)
    with monkeypatch.context() as patch:
        patch.setattr(hankel._Lifting, "_solved", lambda self, e: fmpz_poly([1]))
        with pytest.raises(ArithmeticError, match="no solution"):
            hankel.solution(entries, right)


@pytest.mark.parametrize("modulus", [1, 2, 3, 7, 8])
def test_balanced_residues_are_the_least(modulus: int) -> None:
    for value in range(-10, 11):
        found = int(hankel._balanced(fmpz(value), fmpz(modulus)))
        assert (found - value) % modulus == 0
        assert -modulus < 2 * found <= modulus
