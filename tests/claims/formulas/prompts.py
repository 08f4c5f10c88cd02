"""The prompt, its mask and its tokens, one layer of attention, and the parametrizations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flint import fmpq, fmpq_mat

from icl_claims.theory.algebra import exact
from icl_claims.theory.algebra.blocks import Blocks
from icl_claims.theory.one_layer import linear_attention
from icl_claims.theory.task import RegressionTask
from icl_claims.theory.transformer import attention, prompts, query_label
from icl_claims.theory.transformer.attention import MASK
from icl_claims.theory.transformer.parametrizations import relaxed, sparse
from tests.claims.formulas.points import SIZES, Points, at_numbers, block_diagonal, family, identity
from tests.claims.formulas.table import compares
from tests.claims.formulas.values import Matrix

DIAG = r"\operatorname{diag}"


@compares("assumption:masked_query", r"M=\operatorname{diag}(I_n,0)")
def mask() -> Iterator[dict[str, Any]]:
    """M: the mask of the layers of ``theory``; I_n: the identity."""
    for d, n in SIZES:
        yield {"M": at_numbers(MASK, d, n, {}), "I_": identity, "n": n, DIAG: block_diagonal(n)}


@compares("assumption:noiseless_labels", r"y_i=\langle w,x_i\rangle")
def labels() -> Iterator[dict[str, Any]]:
    """y_i: the label that the prompt of ``theory`` holds without noise; x_i: the columns of X."""
    for d, n in SIZES:
        points = Points(n)
        X, w = Matrix(points.matrix(d, n)), Matrix(points.matrix(d, 1))
        values = {"X": X, "w": w, "epsilon": Matrix(fmpq_mat(n, 1))}
        y = at_numbers(prompts.LABELS, d, n, values).rows[0]
        for i in range(n):
            yield {"y_i": y[i], "x_i": Matrix.column(X.T.rows[i]), "w": w}


@compares(
    "assumption:sparse_or_relaxed",
    r"P_l=\operatorname{diag}(B_l,1)",
    "B_l=0",
    r"Q_l=\pm\operatorname{diag}(A_l,0)",
)
def parametrizations() -> Iterator[dict[str, Any]]:
    """P_l, Q_l: of a relaxed layer (sign +) with B_l = 0, and of a sparse one (sign −); B_l: the first block of P_l."""
    for d in (1, 2, 3):
        A = Matrix(Points(d).matrix(d, d))
        values = {"A": A, "B": Matrix(fmpq_mat(d, d))}
        for sign, (P, Q) in ((1, relaxed(query_label.A, query_label.B)), (-1, sparse(query_label.A))):
            P_l = at_numbers(P, d, 2, values)
            B = Matrix([row[:d] for row in P_l.rows[:d]])
            given = {"P_l": P_l, "Q_l": at_numbers(Q, d, 2, values), "A_l": A, "B_l": B}
            yield {**given, r"\pm": sign, DIAG: block_diagonal(d)}


@compares("assumption:whitened_task", r"\Omega=\Sigma^{-1}")
def whitened() -> Iterator[dict[str, Any]]:
    r"""Ω: the covariance of w in the whitened task of Σ."""
    for d in (1, 2, 3):
        sigma = Points(d).definite(d)
        yield {r"\Sigma": Matrix(sigma), r"\Omega": Matrix(RegressionTask.whitened(sigma, 2).task_covariance)}


@compares(
    "assumption:diagonal_covariance global_minimizer_component_diagonal",
    r"\Sigma=\operatorname{diag}(\lambda)",
)
def diagonal() -> Iterator[dict[str, Any]]:
    """λ: the entries of a diagonal Σ. With other entries off the diagonal it is false."""
    for d in (1, 2, 3):
        spectrum = tuple(fmpq(k, 2) for k in range(1, d + 1))
        sigma = exact.diagonal(spectrum)
        yield {r"\Sigma": Matrix(sigma), r"\lambda": spectrum, DIAG: block_diagonal(d)}
        full = Matrix(fmpq_mat([[sigma[i, j] + fmpq(int(i != j), 9) for j in range(d)] for i in range(d)]))
        yield {r"\Sigma": full, r"\lambda": spectrum, DIAG: block_diagonal(d), "true": d == 1}


@compares("loss_depends_on_last_row_and_first_columns", r"A\in\mathbb R^{(d+1)\times d}")
def first_columns() -> Iterator[dict[str, Any]]:
    """A: the first d columns of Q, which is (d+1) × (d+1)."""
    for d, n in SIZES:
        Q = Points(d).matrix(d + 1, d + 1)
        yield {"A": Matrix([row[:d] for row in Q.tolist()]), "d": d, "n": n}


def tokens_of_a_prompt() -> Iterator[tuple[dict[str, Any], list[Any], Matrix]]:
    """X and y, the columns of the context in the prompt of ``theory``, and its G = [[S, g], [g^⊤, h]]."""
    for d, n in SIZES:
        points = Points(n)
        X, w, noise = (Matrix(points.matrix(*size)) for size in ((d, n), (d, 1), (n, 1)))
        values = {"X": X, "w": w, "epsilon": noise, "x_q": Matrix(points.matrix(d, 1))}
        S, g, h = (prompts.S, prompts.CROSS, prompts.LABEL_SQUARE)
        G = at_numbers(Blocks([[S, g], [g.T, h]]), d, n, values)
        tokens = at_numbers(attention.prompt(prompts.LABELS), d, n, values).T.rows[:n]
        y = at_numbers(prompts.LABELS, d, n, values).rows[0]
        yield {"X": X, "y": y, "n": n, "d": d}, list(tokens), G


@compares("loss_depends_on_last_row_and_first_columns", r"G=\frac1n\sum_{i\le n}z_iz_i^\top")
def gram_of_tokens() -> Iterator[dict[str, Any]]:
    """G: the blocks S, g, h of ``theory``; z_i: the columns of the context of the prompt."""
    for point, tokens, G in tokens_of_a_prompt():
        z = [Matrix.column(token) for token in tokens]
        # The index runs on, so that the printed bound is what ends the sum.
        yield {**point, "G": G, "z_": family([*z, *z], 1), "i∈": range(1, 2 * len(z) + 1)}


@compares("loss_depends_on_last_row_and_first_columns assumption:symmetric_examples", "z_i=(x_i,y_i)")
def tokens() -> Iterator[dict[str, Any]]:
    """z_i: column i of the prompt of ``theory``, covariates and label; x_i: column i of X; y_i: its label."""
    for point, found, _ in tokens_of_a_prompt():
        for i, token in enumerate(found):
            pair = (Matrix.column(token[:-1]), token[-1])
            yield {"z_i": pair, "x_i": Matrix.column(point["X"].T.rows[i]), "y_i": point["y"][i]}


def any_layer() -> Iterator[tuple[dict[str, Any], Matrix, Matrix]]:
    """P, Q, Z, M and the state after the layer; the attention of ``theory``, and its scores Z^⊤QZ."""
    for d, n in SIZES:
        points = Points(d)
        Z = points.matrix(d + 1, n + 1).tolist()
        P, Q = (Matrix(points.matrix(d + 1, d + 1)) for _ in range(2))
        values = {
            **{"X": Matrix([r[:n] for r in Z[:d]]), "x_q": Matrix([r[n:] for r in Z[:d]])},
            **{"Y": Matrix([Z[d][:n]]), "y": Matrix([Z[d][n:]])},
            **dict(zip(("P_x", "p", "u", "beta"), split(P, d), strict=True)),
            **dict(zip(("A_x", "q", "a", "q_0"), split(Q, d), strict=True)),
        }
        free = linear_attention.free_weights()
        state = query_label.STATE
        attended = at_numbers(attention.attention(*free, state), d, n, values)
        scores = at_numbers(state.T @ free[1] @ state, d, n, values)
        M = at_numbers(MASK, d, n, {})
        after = at_numbers(attention.layer(*free, state), d, n, values)
        yield {"P": P, "Q": Q, "Z": Matrix(Z), "M": M, "d": d, "n": n, "after": after}, attended, scores


def split(m: Matrix, d: int) -> list[Matrix]:
    """The blocks of ((d+1) × (d+1)), the lower left one transposed."""
    upper, lower = m.rows[:d], m.rows[d]
    return [
        Matrix([row[:d] for row in upper]),
        Matrix([row[d:] for row in upper]),
        Matrix.column(lower[:d]),
        Matrix([lower[d:]]),
    ]


@compares("forward_pass_is_preconditioned_gd", r"PZM(Z^\top QZ)")
def attention_of_theory() -> Iterator[dict[str, Any]]:
    """The attention that ``theory`` multiplies out in blocks."""
    for point, attended, _ in any_layer():
        yield {**point, "=": attended}


@compares("forward_pass_is_preconditioned_gd", r"Z^\top QZ")
def scores_of_theory() -> Iterator[dict[str, Any]]:
    """The scores that ``theory`` multiplies out in blocks."""
    for point, _, scores in any_layer():
        yield {**point, "=": scores}
