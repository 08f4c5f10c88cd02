r"""The operator that takes a moment of W to the next one, on words of symbolic size.

W = XXᵀ with n independent columns N(0, Σ), p_ν = ∏ tr Σ^r over the parts r of ν. On a combination F of the Σ^i p_ν

    T(Σ^i p_ν) = (n + i) Σ^{i+1} p_ν + Σ_{m=1..i} p_m Σ^{i+1−m} p_ν + Σ_{r∈ν} 2r Σ^{i+r+1} p_{ν∖r}.

:mod:`icl_claims.theory.wishart.covariance` applies it to coefficients. Here it is an object whose constants can be
edited, and the checks raise :class:`~icl_claims.theory.algebra.exact.Refuted` where it is another operator.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache, reduce
from operator import matmul, mul
from typing import NamedTuple

from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.gaussian import expectation
from icl_claims.theory.algebra.partitions import partitions
from icl_claims.theory.algebra.words import Words, eye, letter, n, one, zero

SIGMA = letter("Sigma", "d", "d", symmetric=True)
_X, _G, _H = letter("X", "d", "n"), letter("g", "d", "1"), letter("h", "d", "1")


class Operator(NamedTuple):
    """T(Σ^i p_ν), with a constant for each choice in the formula.

    (n + ``own`` i + ``more``) Σ^{i+1} p_ν + ``split`` Σ_{m=1..i} p_m Σ^{i+1−m} p_ν
    + Σ_{r∈ν} ``joined`` r Σ^{i+r+``shift``} p_{ν∖r}.
    """

    own: int
    more: int
    split: int
    joined: int
    shift: int

    def on_basis(self, i: int, nu: Sequence[int]) -> Words:
        """T(Σ^i p_ν)."""
        image = basis(i + 1, nu) * (n + self.own * i + self.more)
        for m in range(1, i + 1):
            image = image + basis(i + 1 - m, [*nu, m]) * self.split
        for place, r in enumerate(nu):
            rest = [*nu[:place], *nu[place + 1 :]]
            image = image + basis(i + r + self.shift, rest) * (self.joined * r)
        return image

    def image(self, combination: Words) -> Words:
        """T of a combination of the Σ^i p_ν."""
        total = zero("d", "d")
        for (traces, word), c in combination.terms.items():
            total = total + self.on_basis(len(word), [len(t) for t in traces]) * c
        return total


def power(matrix: Words, k: int) -> Words:
    """The k-th power of a d × d polynomial."""
    return reduce(matmul, [matrix] * k, eye("d"))


def basis(i: int, nu: Sequence[int], matrix: Words = SIGMA) -> Words:
    """M^i ∏_{r∈ν} tr M^r, for Σ in the place of M by default."""
    return power(matrix, i) * reduce(mul, [power(matrix, r).trace() for r in nu], one())


@cache
def moment(j: int, rho: tuple[int, ...]) -> Words:
    """E[W^j ∏_{r∈ρ} tr W^r] by integration by parts on words: the definition."""
    return expectation(basis(j, rho, _X @ _X.T), _X, SIGMA)


def orders(degree: int) -> Iterator[tuple[int, tuple[int, ...]]]:
    """All (i, ν) with i + |ν| ≤ degree, ν a partition.

    >>> list(orders(1))
    [(0, ()), (1, ()), (0, (1,))]
    """
    for total in range(degree + 1):
        for nu in partitions(total) if total else [()]:
            yield from ((i, tuple(nu)) for i in range(degree + 1 - total))


@cache
def by_derivative(i: int, nu: tuple[int, ...]) -> Words:
    """nΣF + 2Σ(∂_Σ Σ)F for F = Σ^i p_ν, the derivative acting on F only.

    In coordinates 2 Σ_{xa} Σ_{yb} ∂_{ab} F_{yz}, with ∂_{ab} Σ_{cd} = ½(δ_ac δ_bd + δ_ad δ_bc). It is the mean of
    g hᵀ D_H F for independent g, h ~ N(0, Σ), where D_H F is the derivative of F in the direction H = ghᵀ + hgᵀ.
    """
    moved = basis(i, nu, SIGMA + _G @ _H.T + _H @ _G.T)
    linear = {
        (traces, word): c
        for (traces, word), c in moved.terms.items()
        if sum(x.name == "g" for part in (*traces, word) for x in part) == 1
    }
    product = _G @ _H.T @ Words("d", "d", linear)
    return SIGMA @ basis(i, nu) * n + expectation(expectation(product, _G, SIGMA), _H, SIGMA)


def prove_derivative(operator: Operator, degree: int) -> None:
    """T is nΣ + 2Σ ∂_Σ Σ on all Σ^i p_ν with i + |ν| ≤ ``degree``, identically in n, d and Σ.

    Raises:
        Refuted: on one of them it is not.

    >>> prove_derivative(Operator(own=1, more=0, split=1, joined=2, shift=1), 2)
    """
    for i, nu in orders(degree):
        if operator.on_basis(i, nu) != by_derivative(i, nu):
            raise Refuted(f"T is not nΣ + 2Σ∂Σ at i = {i}, ν = {nu}")


def prove_next_moment(operator: Operator, degree: int) -> None:
    """E[W^{j+1} p_ρ(W)] = T E[W^j p_ρ(W)] for all j + |ρ| ≤ ``degree``, identically in n, d and Σ.

    Raises:
        Refuted: for one of them it is not.

    >>> prove_next_moment(Operator(own=1, more=0, split=1, joined=2, shift=1), 2)
    """
    for j, rho in orders(degree):
        if moment(j + 1, rho) != operator.image(moment(j, rho)):
            raise Refuted(f"T does not give the moment at j = {j}, ρ = {rho}")
