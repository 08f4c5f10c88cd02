r"""One relaxed layer, P = diag(B, 1) and Q = diag(A, 0): what it does to any state, and what turns or whitens with it.

A state holds covariates X, x_q and labels y, t, the last being the query's slot. With the mask the layer is

    X ← (I + B S A) X,   x_q ← (I + B S A) x_q,   y ← y (I + Xᵀ A X/n),   t ← t + y Xᵀ A x_q/n,    S = XXᵀ/n.

All is symbolic in blocks: every statement holds for any d, n, any state and all weights of the shapes named, and, as
a layer may start from any state, it carries over to any number of layers by induction.

Source: Ahn et al. (2023), Eq. (11), Theorem 4 and Appendix B.3; GD++: von Oswald et al. (2023), Section 4. The proofs
are derived here.
"""

from __future__ import annotations

from typing import Any

import sympy

from icl_claims.theory.algebra.blocks import Blocks
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.gaussian import expectation
from icl_claims.theory.algebra.words import FIELD, Words, eye, letter, n, zero
from icl_claims.theory.transformer.attention import MASK, NO_MASK, X_QUERY, W, X, layer, prompt
from icl_claims.theory.transformer.parametrizations import relaxed
from icl_claims.theory.transformer.preconditioned_gd import LABELS, gradient
from icl_claims.theory.transformer.rotations import U, inverse_pairs, without_inverse_pairs
from icl_claims.theory.transformer.rotations import without_orthogonal_pairs as orthogonal

SLOT = letter("t", "1", "1")
"""The query's label slot, whatever it holds."""
STATE = prompt(LABELS, SLOT)
"""Any state."""
MATRICES = {
    (name, layers_before_the_end): letter(f"{name}_{layers_before_the_end}", "d", "d")
    for name in "AB"
    for layers_before_the_end in (1, 2)
}
"""A_{L−1}, A_{L−2}, B_{L−1}, B_{L−2}, by the name and how far from the end the layer stands."""
STEP, SHARE = letter("a", "1", "1"), letter("b", "1", "1")
"""a and b of a layer with A = aI, B = bI."""
COVARIATE, RESIDUAL = (letter(name, "d", "d", symmetric=True) for name in "pr")
S = X @ X.T / n

a, b, s, p = sympy.symbols("a b s p")
"""The letters of what a layer with A = aI, B = bI adds: s an eigenvalue of S, p that of what stands before X."""


def whitened_pair(A: Words, B: Words) -> tuple[Words, Words]:
    """A and B that on x = C x̄ do what A, B do on x̄; K = C⁻¹: Kᵀ A K and C B K."""
    C, K = letter("C", "d", "d"), letter("K", "d", "d")
    return K.T @ A @ K, C @ B @ K


def prove_change_of_basis(A: Words, B: Words, plain_A: Words, plain_B: Words, mask: Blocks = MASK) -> None:
    """The layer A, B on C X, C x_q gives C times the covariates, and the labels, of the plain layer on X, x_q.

    Args:
        A, B: words in C, K = C⁻¹ and the letters of the plain pair.
        plain_A, plain_B: d × d.
        mask: which columns are keys.

    Raises:
        Refuted: the covariates or the labels are others.
    """
    C, pairs = letter("C", "d", "d"), inverse_pairs("C", "K")
    after = layer(*relaxed(A, B), Blocks([[C @ X, C @ X_QUERY], [LABELS, SLOT]]), mask)
    plain = layer(*relaxed(plain_A, plain_B), STATE, mask)
    for column in range(2):
        if without_inverse_pairs(after[1, column], pairs) != plain[1, column]:
            raise Refuted("the change of basis changes the labels")
        if without_inverse_pairs(after[0, column], pairs) != C @ plain[0, column]:
            raise Refuted("the change of basis does not carry the covariates over")


def prove_whitens_to_multiples(A_power: int, B_power: int) -> None:
    """A = aΣ^k and B = bΣ^m are, for k = −1 and m = 0, what A = aI and B = bI are in the coordinates x̄ = Σ^{-1/2} x.

    Args:
        A_power, B_power: k and m.

    Raises:
        Refuted: a matrix is another.
    """
    C, K = (letter(name, "d", "d", symmetric=True) for name in "CK")
    pairs = inverse_pairs_of_symmetric()

    def power(exponent: int) -> Words:
        total = eye("d")
        for _ in range(2 * abs(exponent)):
            total = total @ (C if exponent > 0 else K)
        return total

    A, B = (eye("d") * x for x in (STEP, SHARE))
    if without_inverse_pairs(C @ power(A_power) @ C * STEP, pairs) != A:
        raise Refuted(f"A = aΣ^{A_power} is no multiple of I in whitened coordinates")
    if without_inverse_pairs(K @ power(B_power) @ C * SHARE, pairs) != B:
        raise Refuted(f"B = bΣ^{B_power} is no multiple of I in whitened coordinates")


def inverse_pairs_of_symmetric() -> Any:
    """C K and K C, for symmetric C = Σ^{1/2} and K = Σ^{-1/2}."""
    C, K = (next(iter(letter(name, "d", "d", symmetric=True).letters())) for name in "CK")
    return frozenset({(C, K), (K, C)})


def prove_rotation(turned_A: Words, turned_B: Words, mask: Blocks = MASK) -> None:
    """The layer U A Uᵀ, U B Uᵀ on U X, U x_q gives U times the covariates, and the labels, of A, B on X, x_q.

    Args:
        turned_A, turned_B: words in U (orthogonal), A and B.
        mask: which columns are keys.

    Raises:
        Refuted: a label changes, or the covariates are not turned.
    """
    A, B = letter("A", "d", "d"), letter("B", "d", "d")
    plain = layer(*relaxed(A, B), STATE, mask)
    turned = layer(*relaxed(turned_A, turned_B), Blocks([[U @ X, U @ X_QUERY], [LABELS, SLOT]]), mask)
    for column in range(2):
        if orthogonal(turned[1, column]) != plain[1, column]:
            raise Refuted("the labels change under a rotation")
        if orthogonal(turned[0, column]) != U @ plain[0, column]:
            raise Refuted("the covariates are not turned")


def prove_gd_plus_plus(gamma: Words, step: Words, mask: Blocks = MASK) -> None:
    """The layer A = aI, B = bI is one step of GD++ on any state, the query's column included.

    The step is x_j ← (I − γXXᵀ) x_j and y_j ← y_j − ⟨w_1, x_j⟩ with w_1 = −η∇R(0), R the least squares of the
    current covariates and labels.

    Args:
        gamma, step: γ and η, words in a and b.
        mask: which columns are keys.

    Raises:
        Refuted: the covariates or the labels after the layer are others.
    """
    w = -(gradient(zero("d", "1")) * step)
    moved = eye("d") - X @ X.T * gamma
    found = layer(*relaxed(eye("d") * STEP, eye("d") * SHARE), STATE, mask)
    for column, (x, y) in enumerate(((X, LABELS), (X_QUERY, SLOT))):
        if found[0, column] != moved @ x:
            raise Refuted("the covariates after the layer are not those of GD++")
        if found[1, column] != y - w.T @ x:
            raise Refuted("the labels after the layer are not those of GD++")


def prove_prediction_free_of(name: str, layers_before_the_end: int) -> None:
    """The query's label after the last two layers, from any state, holds no such matrix, with the mask or without.

    Args:
        name: "A" or "B".
        layers_before_the_end: 1 for the last layer, 2 for the one before.

    Raises:
        Refuted: it does.
    """
    for mask in (MASK, NO_MASK):
        Z = STATE
        for place in (2, 1):
            Z = layer(*relaxed(MATRICES["A", place], MATRICES["B", place]), Z, mask)
        if MATRICES[name, layers_before_the_end].letters() & Z[1, 1].letters():
            raise Refuted(
                f"the prediction depends on {name} of the layer {layers_before_the_end} before the end"
            )


def prove_scalar_layer(label: sympy.Expr, move: sympy.Expr) -> None:
    """The layer A = aI, B = bI takes covariates pX and residuals wᵀrX to p(1 + move)X and wᵀr(1 + label)X.

    p and r are any symmetric matrices here; a monomial sʲpᵏ of the arguments stands for the word SʲPᵏ behind p or r.
    The query's column holds p x_q and wᵀ(r − I) x_q.

    Args:
        label, move: polynomials in a, b, s, p.

    Raises:
        Refuted: the residuals or the covariates after the layer are others.
    """
    after = layer(*relaxed(eye("d") * STEP, eye("d") * SHARE), scalar_state(COVARIATE, RESIDUAL))
    moved, left = COVARIATE + in_words(COVARIATE, move), RESIDUAL + in_words(RESIDUAL, label)
    expected = scalar_state(moved, left)
    for column in range(2):
        if after[0, column] != expected[0, column]:
            raise Refuted("the covariates after the layer are others")
        if after[1, column] != expected[1, column]:
            raise Refuted("the residuals after the layer are others")


def prove_scalar_start() -> None:
    """The prompt is the state of p = r = I.

    Raises:
        Refuted: it is another state.
    """
    if scalar_state(eye("d"), eye("d")) != prompt(W.T @ X):
        raise Refuted("the prompt is not the state of p = r = 1")


def prove_expected_square(claimed: Words) -> None:
    """E (wᵀ r x_q)² over w and x_q of covariance I, for every symmetric r, is what is claimed: tr r².

    Raises:
        Refuted: it is another expectation.
    """
    error = W.T @ RESIDUAL @ X_QUERY
    averaged = expectation(expectation(error * error, X_QUERY, eye("d")), W, eye("d"))
    if averaged != claimed:
        raise Refuted("the expected square of the error is another")


def scalar_state(covariate: Words, residual: Words) -> Blocks:
    """Covariates pX and p x_q, labels wᵀrX, and wᵀ(r − I)x_q in the query's slot."""
    return Blocks(
        [
            [covariate @ X, covariate @ X_QUERY],
            [W.T @ residual @ X, W.T @ (residual - eye("d")) @ X_QUERY],
        ]
    )


def in_words(before: Words, polynomial: sympy.Expr) -> Words:
    """``before`` times a polynomial in a, b, s, p, with S for s and the letter p behind it."""
    total = zero("d", "d")
    for (i, j, k, m), c in sympy.Poly(polynomial, a, b, s, p).terms():
        part = before * FIELD(sympy.QQ.from_sympy(c))
        for word, power in ((S, k), (COVARIATE, m)):
            for _ in range(power):
                part = part @ word
        for scalar, power in ((STEP, i), (SHARE, j)):
            for _ in range(power):
                part = part * scalar
        total = total + part
    return total


def prove_covariates_see_no_labels(P: Blocks, Q: Blocks) -> None:
    """The covariates after one layer hold the letters of X, x_q, P and Q alone, on every state of a prompt.

    Args:
        P, Q: the weights of the layer in blocks.

    Raises:
        Refuted: another letter, one of a label, enters them.

    >>> prove_covariates_see_no_labels(*relaxed(letter("A", "d", "d"), letter("B", "d", "d")))
    """
    after = layer(P, Q, prompt(LABELS, letter("c", "1", "1")))
    given = {x.name for words in (X, X_QUERY) for x in words.letters()}
    given |= {x.name for m in (P, Q) for i in range(2) for j in range(2) for x in m[i, j].letters()}
    found = {x.name for column in range(2) for x in after[0, column].letters()}
    if found - given:
        raise Refuted(f"the covariates depend on {', '.join(sorted(found - given))}")
