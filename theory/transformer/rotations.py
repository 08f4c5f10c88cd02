r"""Rotations of the covariates: what turns with them in a layer, and what stays.

A layer with the matrix U A Uᵀ on covariates U X, U x_q and with any labels gives the labels that A gives on X, x_q,
and covariates U X', U x_q' in the place of X', x_q'. By induction any number of layers does. Where Σ = Ω = I the
turned covariates, queries and tasks have the same law, so that f(U A_0 Uᵀ, …, U A_{L−1} Uᵀ) = f(A_0, …, A_{L−1}).

Orthogonality is a rule for words: a matrix K and its inverse C that stand side by side are left out. With K = Uᵀ it
serves rotations; with K = C⁻¹ any change of basis.

Source: Ahn et al. (2023), Appendix B.2.
"""

from __future__ import annotations

from functools import reduce

from icl_claims.theory.algebra.blocks import Blocks
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.words import Letter, Word, Words, eye, letter, of_letter, zero
from icl_claims.theory.transformer.attention import X_QUERY, X, layer, prompt
from icl_claims.theory.transformer.parametrizations import sparse

U = letter("U", "d", "d")
"""Orthogonal, by :func:`without_orthogonal_pairs`."""


def without_inverse_pairs(polynomial: Words, pairs: frozenset[tuple[Letter, Letter]]) -> Words:
    """The polynomial with each neighbouring pair left out, in words and around traces, until none is left.

    Args:
        polynomial: any.
        pairs: pairs of letters whose product is the identity.

    >>> C, K = letter("C", "d", "d"), letter("K", "d", "d")
    >>> without_inverse_pairs((C @ X @ X.T @ K).trace(), inverse_pairs("C", "K")) == (X @ X.T).trace()
    True
    """
    total = zero(polynomial.rows, polynomial.cols)
    for (traces, word), c in polynomial.terms.items():
        part = _product(_shortened(word, pairs), polynomial.rows)
        for trace in traces:
            size = trace[0].rows
            part = part * _product(_closed(_shortened(trace, pairs), pairs), size).trace()
        total = total + part * c
    return total


def inverse_pairs(name: str, inverse: str) -> frozenset[tuple[Letter, Letter]]:
    """C K, K C, Cᵀ Kᵀ and Kᵀ Cᵀ, for d × d matrices C and K = C⁻¹ of these names."""
    C, K = (Letter(x, "d", "d") for x in (name, inverse))
    return frozenset({(C, K), (K, C), (C.T, K.T), (K.T, C.T)})


def without_orthogonal_pairs(polynomial: Words) -> Words:
    """The polynomial for orthogonal U: Uᵀ U and U Uᵀ left out.

    >>> without_orthogonal_pairs(X.T @ U.T @ U @ X) == X.T @ X
    True
    """
    plain = Letter("U", "d", "d")
    return without_inverse_pairs(polynomial, frozenset({(plain.T, plain), (plain, plain.T)}))


def prove_rotation(mask: Blocks) -> None:
    """One layer with U A Uᵀ on the turned prompt gives the labels of A on the prompt, and its covariates turned.

    Args:
        mask: which columns are keys.

    Raises:
        Refuted: a label changes, or a column of the covariates is not the turned one.

    >>> from icl_claims.theory.transformer.attention import MASK
    >>> prove_rotation(MASK)
    """
    A, labels, slot = letter("A", "d", "d"), letter("y", "1", "n"), letter("c", "1", "1")
    plain = layer(*sparse(A), prompt(labels, slot), mask)
    turned_prompt = Blocks([[U @ X, U @ X_QUERY], [labels, slot]])
    turned = layer(*sparse(U @ A @ U.T), turned_prompt, mask)
    for column in range(2):
        if without_orthogonal_pairs(turned[1, column]) != plain[1, column]:
            raise Refuted("the label row changes under a rotation")
        if turned[0, column] != U @ plain[0, column]:
            raise Refuted("the covariates are not turned")


def _shortened(word: Word, pairs: frozenset[tuple[Letter, Letter]]) -> Word:
    kept: list[Letter] = []
    for x in word:
        if kept and (kept[-1], x) in pairs:
            kept.pop()
        else:
            kept.append(x)
    return tuple(kept)


def _closed(word: Word, pairs: frozenset[tuple[Letter, Letter]]) -> Word:
    """The word of a trace, its last letter a neighbour of its first."""
    while len(word) > 1 and (word[-1], word[0]) in pairs:
        word = word[1:-1]
    return word


def _product(word: Word, size: str) -> Words:
    return reduce(Words.__matmul__, map(of_letter, word)) if word else eye(size)
