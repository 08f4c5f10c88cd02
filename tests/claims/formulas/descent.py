"""The forward pass of sparse layers: gradient descent, and the label slot of the query."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flint import fmpq, fmpq_mat

from icl_claims.theory.many_layers.matrix_layers import layered_loss
from icl_claims.theory.task import isotropic
from icl_claims.theory.transformer import attention, preconditioned_gd, query_label
from icl_claims.theory.transformer.parametrizations import sparse
from tests.claims.formulas.points import (
    SIZES,
    Gaussians,
    Points,
    at_numbers,
    block_diagonal,
    family,
    mean,
    unit,
)
from tests.claims.formulas.table import compares, refutes
from tests.claims.formulas.values import Matrix, plus, times

DIAG = r"\operatorname{diag}"


def forward(d: int, n: int, symmetric: bool = False) -> dict[str, Any]:
    """A prompt and three layers with matrices that are not symmetric, or are, multiplied out by ``theory``.

    Z_l: the state after l layers; w_l: the iterates of gradient descent with the preconditioners A_l^⊤.
    """
    points = Points(d * n)
    X, x_q, task = Matrix(points.matrix(d, n)), Matrix(points.matrix(d, 1)), Matrix(points.matrix(d, 1))
    y = task.T @ X
    drawn = points.definite if symmetric else lambda size: points.matrix(size, size)
    matrices = [Matrix(drawn(d)) for _ in range(3)]
    w = [Matrix(fmpq_mat(d, 1))]
    for A in matrices:
        slope = at_numbers(
            preconditioned_gd.gradient(preconditioned_gd.ITERATE), d, n, {"X": X, "w_l": w[-1], "y": y}
        )
        w.append(plus(w[-1], times(fmpq(-1), times(A.T, slope))))
    return {
        "X": X,
        "x_q": x_q,
        r"w_\star": task,
        "y": y,
        "A_": matrices,
        "Z_": states(X, x_q, y, matrices),
        "w_": w,
        "d": d,
        "n": n,
    }


def states(X: Matrix, x_q: Matrix, y: Matrix, matrices: list[Matrix]) -> list[Matrix]:
    """Z_0, Z_1, … of sparse layers, by ``theory``."""
    d, n = X.shape
    found = [at_numbers(attention.prompt(preconditioned_gd.LABELS), d, n, {"X": X, "x_q": x_q, "y": y})]
    for A in matrices:
        state = found[-1]
        values = {
            "X": Matrix([row[:n] for row in state.rows[:d]]),
            "x_q": Matrix([row[n:] for row in state.rows[:d]]),
            "Y": Matrix([state.rows[d][:n]]),
            "y": Matrix([state.rows[d][n:]]),
            "A": A,
        }
        found.append(at_numbers(attention.layer(*sparse(query_label.A), query_label.STATE), d, n, values))
    return found


@compares(
    "forward_pass_is_preconditioned_gd forward_pass_is_preconditioned_gd_transposed",
    r"P_l=\operatorname{diag}(0_{d\times d},1)",
    r"Q_l=-\operatorname{diag}(A_l,0)",
)
@compares("forward_pass_is_preconditioned_gd", r"A_l\in\mathbb R^{d\times d}")
def sparse_layer() -> Iterator[dict[str, Any]]:
    """P_l, Q_l: the sparse parametrization of ``theory`` with the matrix A_l; 0_{d×d}: zeros."""
    for d, n in SIZES:
        A = Matrix(Points(d).matrix(d, d))
        P, Q = (at_numbers(x, d, n, {"A": A}) for x in sparse(query_label.A))
        zeros = lambda size: Matrix(fmpq_mat(*size))  # noqa: E731
        yield {"P_l": P, "Q_l": Q, "A_l": A, "0_": zeros, "d": d, "n": n, DIAG: block_diagonal(d)}


@compares(
    "forward_pass_is_preconditioned_gd forward_pass_is_preconditioned_gd_transposed",
    r"[Z_l]_{d+1,n+1}=-\langle x_q,w_l\rangle",
    "w_0=0",
)
def query_entries() -> Iterator[dict[str, Any]]:
    """Z_l, w_l: see :func:`forward`."""
    for d, n in SIZES:
        for l in range(4):  # noqa: E741
            yield {**forward(d, n), "l": l}


@compares("forward_pass_is_preconditioned_gd_transposed", r"w_{l+1}=w_l-A_l^\top\nabla R(w_l)")
def iterates_of_any_layers() -> Iterator[dict[str, Any]]:
    """See :func:`iterates_of_the_layers`; the matrices A_l are not symmetric."""
    yield from iterates_of_the_layers(symmetric=False)


@refutes("forward_pass_is_preconditioned_gd", r"w_{l+1}=w_l-A_l\nabla R(w_l)")
def iterates_as_written() -> Iterator[dict[str, Any]]:
    """See :func:`iterates_of_the_layers`: true where the matrices A_l are symmetric, else false."""
    yield from iterates_of_the_layers(symmetric=False)
    yield from ({**point, "quoted": True} for point in iterates_of_the_layers(symmetric=True))


def iterates_of_the_layers(symmetric: bool) -> Iterator[dict[str, Any]]:
    """w_l: read off the layers, −[Z_l]_{d+1,n+1} with the query at each unit vector; ∇R: the gradient in ``theory``."""
    for d, n in SIZES:
        point = forward(d, n, symmetric)
        runs = [states(point["X"], unit(d, j), point["y"], point["A_"]) for j in range(1, d + 1)]
        w = [Matrix.column([-run[l].rows[d][n] for run in runs]) for l in range(4)]  # noqa: E741
        for l in range(3):  # noqa: E741
            yield {**point, "w_": w, r"\nabla R": gradient_of_risk(point), "l": l}


def gradient_of_risk(point: dict[str, Any]) -> Any:
    """w ↦ ∇R(w), by ``theory``."""
    X, y = point["X"], point["y"]
    words = preconditioned_gd.gradient(preconditioned_gd.ITERATE)
    return lambda w: at_numbers(words, *X.shape, {"X": X, "w_l": w, "y": y})


@compares(
    "forward_pass_is_preconditioned_gd",
    r"R(w)=\frac1{2n}\sum_i(\langle w,x_i\rangle-\langle w_\star,x_i\rangle)^2",
)
@compares(
    "forward_pass_is_preconditioned_gd_transposed", r"R(w)=\frac1{2n}\sum_i(\langle w,x_i\rangle-y_i)^2"
)
def risk() -> Iterator[dict[str, Any]]:
    """R: the least squares of ``theory`` with the labels y_i = ⟨w_⋆, x_i⟩."""
    for d, n in SIZES:
        point = forward(d, n)
        X, y, w = point["X"], point["y"], Matrix(Points(3).matrix(d, 1))
        words = preconditioned_gd.least_squares(preconditioned_gd.ITERATE)
        value = at_numbers(words, d, n, {"X": X, "w_l": w, "y": y}).rows[0][0]
        columns = family([Matrix.column(column) for column in X.T.rows], 1)
        more = {"w": w, "R": lambda _, value=value: value, "x_": columns, "y_": family(y.rows[0], 1)}
        yield {**point, **more, "i∈": range(1, n + 1)}


@compares("forward_pass_is_preconditioned_gd", r"-x_i^\top A_lx_q")
def score_of_the_query() -> Iterator[dict[str, Any]]:
    """The score of key i for the query, the entry (i, n+1) of Z^⊤QZ, with the Q of a sparse layer."""
    for d, n in SIZES:
        point = forward(d, n)
        values = {"X": point["X"], "x_q": point["x_q"], "y": point["y"], "A": point["A_"][0]}
        state = attention.prompt(preconditioned_gd.LABELS)
        scores = at_numbers(state.T @ sparse(query_label.A)[1] @ state, d, n, values)
        for i in range(n):
            column = Matrix.column(point["X"].T.rows[i])
            yield {"x_i": column, "A_l": point["A_"][0], "x_q": point["x_q"], "=": scores.rows[i][n]}


@compares("query_label_shift", r"f=\mathbb E[([\bar Y_L]_{n+1})^2]")
def loss_by_the_slot() -> Iterator[dict[str, Any]]:
    r"""f: the loss of L sparse layers in ``theory``; \bar Y_L: the label row after L layers, entry by entry, when the
    query's slot starts at ⟨w, x_q⟩."""
    for d, n, layers in ((1, 1, 1), (1, 1, 2), (1, 2, 1), (2, 1, 1)):
        points, g = Points(d + n), Gaussians(d * n + 2 * d)
        matrices = [points.matrix(d, d) for _ in range(layers)]
        X, x_q, w = g.matrix(d, n), g.matrix(d, 1), g.matrix(d, 1)
        covariates = Matrix([(*a, *b) for a, b in zip(X.rows, x_q.rows, strict=True)])
        label = w.T @ covariates
        masked = Matrix([(*row[:n], 0 * row[n]) for row in covariates.rows])
        for A in matrices:
            # ỹ ↦ ỹ − ỹ M X̃ᵀ A X̃/n, in coordinates.
            moved = label @ masked.T @ Matrix(A) @ covariates
            label = plus(label, times(fmpq(-1, n), moved))
        loss = layered_loss(isotropic(d, n), matrices)
        yield {"f": loss, r"\bar Y_L": label, "n": n, "d": d, r"\mathbb E": mean}


@compares("query_label_shift", r"\langle w,x_q\rangle")
def target() -> Iterator[dict[str, Any]]:
    """The target of ``theory``, what the slot holds."""
    for d in (1, 2, 3):
        w, x_q = Points(d).columns(d, 2)
        yield {
            "w": w,
            "x_q": x_q,
            "=": at_numbers(query_label.target(), d, 1, {"w": w, "x_q": x_q}).rows[0][0],
        }
