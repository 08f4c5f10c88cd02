r"""Symmetries of the sparse parametrization: exchange of layers on a ray, change of basis, signed permutations.

The layer with matrix A leaves the covariates and maps the label row ỹ = (y_1, …, y_n, y_q) of a state to

    ỹ ↦ ỹ (I − M X̃ᵀ A X̃/n),     X̃ = (x_1, …, x_n, x_q).

**Exchange.** Layers with matrices a_0 C, …, a_{L−1} C apply (I − a_l K) with one and the same K = M X̃ᵀCX̃/n.
These commute: the prediction does not depend on the order of the layers, prompt by prompt, whatever the labels,
the query's label slot and the mask. 𝒮 is the case C = Σ⁻¹. Off such a ray the order does matter, for
diagonal matrices too.

**Change of basis.** Covariates C X̃ and matrix A give the label row that covariates X̃ and matrix CᵀAC give. So with
C = Σ^{1/2} the loss at (A_l) with Σ and Ω is the loss at (Σ^{1/2}A_lΣ^{1/2}) with I and Σ^{1/2}ΩΣ^{1/2}, which is I
for Ω = Σ⁻¹; and, for Σ = Ω = I and orthogonal U, at (UᵀA_lU) the same as at (A_l).

What they say of derivatives on 𝒮: :mod:`icl_claims.theory.many_layers.directions`.

Source: Ahn et al. (2023), App. B.4, Lemma 4; App. B.2 for the change of basis.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from itertools import permutations, product
from math import factorial
from typing import Any

from flint import fmpq_mat

from icl_claims.theory.algebra.blocks import Blocks
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.gaussian import expectation
from icl_claims.theory.algebra.words import Words, eye, letter, sigma2, zero
from icl_claims.theory.transformer.attention import MASK, NO_MASK, NOISE, X_QUERY, W, X, layer, prompt
from icl_claims.theory.transformer.parametrizations import sparse

C = letter("C", "d", "d")
"""The common factor of the matrices on a ray, or a change of basis: any d × d matrix."""

LABEL_ROW = (letter("Y", "1", "n"), letter("y", "1", "1"))
"""The labels of any state, the query's slot last."""


def after_layers(matrices: Sequence[Words], mask: Blocks = MASK, basis: Words | None = None) -> Blocks:
    """The label row of any state, its covariates multiplied by ``basis``, after sparse layers A_0, A_1, …"""
    factor = eye("d") if basis is None else basis
    Z = Blocks([[factor @ X, factor @ X_QUERY], list(LABEL_ROW)])
    for A in matrices:
        Z = layer(*sparse(A), Z, mask)
    return Blocks([Z.parts[1]])


def step(index: int) -> Words:
    """a_l, a number."""
    return letter(f"a_{index}", "1", "1")


@cache
def derivative(layers: int, index: int) -> Words:
    """Df at A_m = a_m I in the direction R of A_l, l = ``index``, for Σ = Ω = I and noise of variance σ².

    A polynomial in R, the steps, n, d and σ², derived from the layers: f is the expected square of the query's
    label after L layers when its slot starts at ⟨w, x_q⟩ (:mod:`icl_claims.theory.transformer.query_label`).
    """
    direction = letter("R", "d", "d")
    matrices = [eye("d") * step(m) + (direction if m == index else zero("d", "d")) for m in range(layers)]
    Z = prompt(W.T @ X + NOISE.T, W.T @ X_QUERY)
    for A in matrices:
        Z = layer(*sparse(A), Z)
    error = Z[1, 1]
    change = of_degree(error, "R", 0) * of_degree(error, "R", 1) * 2
    over_query = expectation(expectation(change, X_QUERY, eye("d")), W, eye("d"))
    return expectation(expectation(over_query, NOISE, eye("n") * sigma2), X, eye("d"))


def of_degree(polynomial: Words, name: str, degree: int) -> Words:
    """The terms in which the letter of this name occurs so many times."""

    def count(term: Any) -> int:
        traces, word = term
        return sum(x.name == name for part in (*traces, word) for x in part)

    terms = {term: c for term, c in polynomial.terms.items() if count(term) == degree}
    return Words(polynomial.rows, polynomial.cols, terms)


def signed_permutation_mean(R: fmpq_mat) -> fmpq_mat:
    """The mean of UᵀRU over the 2^d d! signed permutations U: (tr R/d) I, computed one by one.

    >>> signed_permutation_mean(fmpq_mat([[1, 5], [7, 2]])).tolist()
    [[3/2, 0], [0, 3/2]]
    """
    d = R.nrows()
    total = fmpq_mat(d, d)
    for order in permutations(range(d)):
        for signs in product((1, -1), repeat=d):
            U = fmpq_mat([[signs[i] if j == order[i] else 0 for j in range(d)] for i in range(d)])
            total += U.transpose() * R * U
    return total / (2**d * factorial(d))


MATRICES = (letter("A_0", "d", "d"), letter("A_1", "d", "d"))
"""A_0 and A_1, any d × d matrices."""


def prove_exchange(exchanged: Sequence[Words]) -> None:
    """Layers a_0 C, a_1 C and these two do the same to the label row of any state, with the mask and without it.

    Args:
        exchanged: in the letters A_0 and A_1, which stand for a_0 C and a_1 C; (A_1, A_0) where it is true.

    Raises:
        Refuted: the label rows differ.

    >>> prove_exchange(MATRICES[::-1])
    """
    on_a_ray = {"A_0": C * step(0), "A_1": C * step(1)}
    plain, other = ([A.substitute(on_a_ray) for A in pair] for pair in (MATRICES, exchanged))
    for mask in (MASK, NO_MASK):
        if after_layers(plain, mask) != after_layers(other, mask):
            raise Refuted("the label rows differ")


def prove_orders(count: Callable[[int], int], layers: int) -> None:
    """Different steps have ``count`` orders, enumerated for up to so many layers.

    Raises:
        Refuted: another number.

    >>> prove_orders(factorial, 5)
    """
    for L in range(2, layers + 1):
        if len(set(permutations(range(L)))) != count(L):
            raise Refuted(f"L = {L}: different steps have another number of orders")
