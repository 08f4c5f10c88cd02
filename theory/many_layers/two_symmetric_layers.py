r"""Two layers with any two matrices, Σ = Ω = I: the loss as a polynomial in traces of words.

With S = XXᵀ/n, A_0 = A and A_1 = B (the layers run the transposes,
:mod:`icl_claims.theory.transformer.preconditioned_gd`), f(A, B) = E‖F‖², F = (I − BᵀS)(I − AᵀS). The loss is convex in
each matrix: its second-order part is the mean of a square. Variants: with noise, and without the mask.

What follows from it: :mod:`icl_claims.theory.derivations.two_layer_symmetric_minimizer` (some pair of diagonal
matrices is a minimizer) and :mod:`icl_claims.theory.derivations.two_layer_symmetric_minimizer_scalar` (the minimizers
are pairs of multiples of I).

Source: Ahn et al. (2023), Theorem 2, App. B.1.
"""

from __future__ import annotations

from functools import cache, lru_cache

from icl_claims.theory.algebra.blocks import Blocks
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.gaussian import expectation
from icl_claims.theory.algebra.words import FIELD, Term, Words, eye, letter, n, sigma2
from icl_claims.theory.transformer.attention import MASK, NO_MASK, X_QUERY, W, X, layer, prompt
from icl_claims.theory.transformer.parametrizations import sparse
from icl_claims.theory.transformer.prompts import LABELS, over_prompts

A = letter("A", "d", "d")
"""A_0, any d × d matrix."""
B = letter("B", "d", "d")
"""A_1, any d × d matrix."""

S = X @ X.T / n
I = eye("d")  # noqa: E741


def mean(words: Words) -> Words:
    """E over X, standard normal: term by term, each kept for the next time, traces without X taken out first."""
    total = Words(words.rows, words.cols, {})
    for (traces, word), c in words.terms.items():
        fixed = tuple(trace for trace in traces if not any(x.name == "X" for x in trace))
        random = tuple(trace for trace in traces if trace not in fixed)
        outside = Words("1", "1", {(fixed, ()): c})
        total = total + _mean_of_term((random, word), words.rows, words.cols) * outside
    return total


@lru_cache(maxsize=20_000)
def _mean_of_term(term: Term, rows: str, cols: str) -> Words:
    return expectation(Words(rows, cols, {term: FIELD.one}), X, I)


def error_of_two_layers(labels: Words, mask: Blocks = MASK) -> Words:
    """TF_2 − ⟨w, x_q⟩ up to its sign, for a row of labels."""
    state = layer(*sparse(B), layer(*sparse(A), prompt(labels), mask), mask)
    return state[1, 1] + W.T @ X_QUERY


@cache
def loss_polynomial() -> Words:
    """f(A_0, A_1) for any two matrices, symmetric or not, from two layers on the prompt. Σ = Ω = I, σ² = 0."""
    return _mean_square(error_of_two_layers(W.T @ X))


@cache
def noisy_loss_polynomial() -> Words:
    """The same with label noise of variance σ²."""
    return _mean_square(error_of_two_layers(LABELS))


def unmasked_error() -> Words:
    """The error where the query column takes part in the attention."""
    return error_of_two_layers(W.T @ X, NO_MASK)


@cache
def unmasked_loss_polynomial() -> Words:
    """The loss of :func:`unmasked_error`."""
    return _mean_square(unmasked_error())


def _mean_square(error: Words) -> Words:
    return over_prompts(error * error).substitute({"Sigma": I, "Omega": I})


def residual(a: Words, b: Words) -> Words:
    """F = (I − bᵀS)(I − aᵀS)."""
    return (I - b.T @ S) @ (I - a.T @ S)


def curvature_in_second(direction: Words) -> Words:
    """The second-order part of f(A, B + R) in R: E‖Rᵀ S (I − AᵀS)‖², a mean of squares."""
    moved = direction.T @ S @ (I - A.T @ S)
    return mean((moved.T @ moved).trace())


def curvature_in_first(direction: Words) -> Words:
    """The second-order part of f(A + R, B) in R: E‖(I − BᵀS) Rᵀ S‖², a mean of squares."""
    moved = (I - B.T @ S) @ direction.T @ S
    return mean((moved.T @ moved).trace())


def noise_curvature_in_second(direction: Words) -> Words:
    """What noise adds to the second-order part in R: (σ²/n) E tr M S Mᵀ with M = Rᵀ(I − SAᵀ), a mean of squares."""
    moved = direction.T @ (I - S @ A.T)
    return mean((moved @ S @ moved.T).trace()) * (sigma2 / n)


def prove_loss(f: Words) -> None:
    """The polynomial is E‖(I − BᵀS)(I − AᵀS)‖².

    Raises:
        Refuted: it is another one.
    """
    F = residual(A, B)
    if f != mean((F.T @ F).trace()):
        raise Refuted("the loss of two layers is not E‖(I − BᵀS)(I − AᵀS)‖²")


def prove_second_difference(f: Words, name: str, square: Words) -> None:
    """f with R added to, and taken from, one matrix, less 2f, is twice the square: f is convex in this matrix.

    Args:
        f: a polynomial in A and B.
        name: "A" or "B".
        square: in the letter R; the caller answers for its sign.

    Raises:
        Refuted: the second difference is another one.
    """
    matrix, R = {"A": A, "B": B}[name], letter("R", "d", "d")
    ahead, behind = (f.substitute({name: matrix + R * sign}) for sign in (1, -1))
    if ahead + behind - f * 2 != square * 2:
        raise Refuted(f"the second difference in {name} is not twice the square")
