r"""The row u of a looped block's value matrix: what it adds to the loss, for every law of the covariates.

With P = [[0, 0], [uᵀ, 1]] the loop predicts what it predicts with u = 0 from the labels of the task w + u, so that

    TF_L − ⟨w, x_q⟩ = −wᵀ G x_q + uᵀ (I − G) x_q + ε-part,     G = (I − SA)^L,

and, as w and ε have mean 0 given the covariates, the loss is 𝓛(A, u) = 𝓛(A, 0) + E(uᵀ(I − G)x_q)². The addend is a
quadratic form in u, positive definite unless A = 0: the part of I − G of degree 2 in X is L · SA.

Each step is an identity in words, of any size. Source: derived here, for Theorem 3.2 of Gatmiry et al. (2024).
"""

from __future__ import annotations

from icl_claims.theory.algebra.blocks import Blocks
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.gaussian import expectation
from icl_claims.theory.algebra.words import Words, eye, letter, n, sigma2
from icl_claims.theory.transformer.attention import NOISE, X_QUERY, W, X
from icl_claims.theory.transformer.looped import NO_VALUE_ROW, VALUE_ROW, label_row, loop
from icl_claims.theory.transformer.preconditioned_gd import A
from icl_claims.theory.transformer.prompts import OMEGA, S, over_prompts
from icl_claims.theory.transformer.query_label import STATE
from icl_claims.theory.transformer.symmetries import of_degree

PREDICTOR = letter("G", "d", "d")
"""G, any matrix that the prompt's covariates determine."""
ROW = letter("r", "d", "1")
SCALE = letter("t", "1", "1")
COUNT = letter("k", "1", "1")


def prove_row_shifts_the_task(task: Words) -> None:
    """On any state a loop with u does what one with u = 0 does with (task − w)ᵀ(X, x_q) added to the labels.

    Less that row again: so it does for any number of loops, in which this row stays.

    Args:
        task: w + u where it is true.

    Raises:
        Refuted: it does not.

    >>> prove_row_shifts_the_task(W + VALUE_ROW)
    """
    shift = label_row(task - W)
    if loop(A, VALUE_ROW, STATE) + shift != loop(A, NO_VALUE_ROW, STATE + shift):
        raise Refuted("the loop with u is not the loop with u = 0 on the labels of the stated task")


def prove_row_moves_by(factor: Words) -> None:
    """A loop with u = 0 takes labels rᵀ(X, x_q), and others beside them, to rᵀ ``factor`` (X, x_q) and what it makes of
    the others.

    Args:
        factor: d × d; I − SA where it is true.

    Raises:
        Refuted: it does not.

    >>> prove_row_moves_by(eye("d") - S @ A)
    """
    after = loop(A, NO_VALUE_ROW, STATE + label_row(ROW)) - loop(A, NO_VALUE_ROW, STATE)
    if after != label_row(factor.T @ ROW):
        raise Refuted("the labels rᵀ(X, x_q) do not move by the stated factor")


def prove_slot_stays() -> None:
    """A number in the query's label slot stays where it is in a loop with u = 0.

    Raises:
        Refuted: it does not.

    >>> prove_slot_stays()
    """
    slot = letter("c", "1", "1")
    filled = STATE + Blocks([[X - X, X_QUERY - X_QUERY], [STATE[1, 0] * 0, slot]])
    if loop(A, NO_VALUE_ROW, filled) - loop(A, NO_VALUE_ROW, STATE) != filled - STATE:
        raise Refuted("the query's label slot moves")


def error(task: Words) -> Words:
    """TF_L − ⟨w, x_q⟩, task a vector in w and u: taskᵀ(I − G)x_q − wᵀx_q, and the noise on any vector of the prompt."""
    noise = NOISE.T @ letter("h", "n", "1")
    return task.T @ (eye("d") - PREDICTOR) @ X_QUERY - W.T @ X_QUERY + noise


def prove_excess(task: Words) -> None:
    """Given the covariates, E(error of ``task``)² − E(error of w)² = (uᵀ(I − G)x_q)², for every Ω and σ².

    Raises:
        Refuted: it is not so.

    >>> prove_excess(W + VALUE_ROW)
    """

    def mean(words: Words) -> Words:
        return expectation(expectation(words, W, OMEGA), NOISE, eye("n") * sigma2)

    with_u, without, added = (
        error(task),
        error(W),
        VALUE_ROW.T @ (eye("d") - PREDICTOR) @ X_QUERY,
    )
    if mean(with_u * with_u - without * without) != added * added:
        raise Refuted("the loss with u exceeds the loss without it by another amount")


def prove_first_order(factor: Words) -> None:
    """If factorᵏ = I − k SA + parts of higher degree in X, so is factorᵏ⁺¹, with k + 1 for k.

    t counts the degree: S stands with one t, and the rest with t².

    Raises:
        Refuted: the part of the first degree is another one.

    >>> prove_first_order(eye("d") - S @ A)
    """
    step = eye("d") - (eye("d") - factor) * SCALE
    power = eye("d") - S @ A * COUNT * SCALE + PREDICTOR * SCALE * SCALE
    product = power @ step
    if of_degree(product, "t", 0) != eye("d") or of_degree(product, "t", 1) != -(
        S @ A * COUNT * SCALE + S @ A * SCALE
    ):
        raise Refuted("the part of the lowest degree in X is another one than L SA")


def prove_visible() -> None:
    """uᵀSA = ⟨u, x⟩ xᵀA/n for X = (x, 0, …, 0): zero for every x only where u = 0 or A = 0.

    Raises:
        Refuted: it is something else.

    >>> prove_visible()
    """
    x, first = letter("x", "d", "1"), letter("e", "n", "1")
    found = (VALUE_ROW.T @ S @ A).substitute({"X": x @ first.T})
    if found != (VALUE_ROW.T @ x) * (first.T @ first) * (x.T @ A) / n:
        raise Refuted("uᵀSA of one example is another row")


def prove_slope_at_zero(slope: Words) -> None:
    """The part of the loss that is linear in A, for one loop and to be multiplied by L: ``slope``, for every Σ, Ω, σ².

    It uses second moments of independent factors only, so it holds for every law of them.

    Args:
        slope: −2 tr(ΣΩΣA) where it is true.

    Raises:
        Refuted: it is another one.
    """
    first = -(W.T @ X_QUERY) + W.T @ S @ A @ X_QUERY + NOISE.T @ X.T @ A @ X_QUERY / n
    if over_prompts(of_degree(first * first, "A", 1)) != slope:
        raise Refuted("the slope of the loss at A = 0 is another one")
