r"""What the symbols mean in the formulas of Ahn et al. (2023), theory: their values at exact points."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

from flint import fmpq, fmpq_mat

from icl_claims.theory.algebra import exact
from icl_claims.theory.algebra.blocks import Blocks
from icl_claims.theory.algebra.evaluation import at_task
from icl_claims.theory.many_layers import gdpp
from icl_claims.theory.many_layers.gdpp import relaxed
from icl_claims.theory.many_layers.looped_loss import layered_gradient, layered_loss
from icl_claims.theory.many_layers.step_sizes import optimal_steps
from icl_claims.theory.one_layer import relu_attention, single_layer
from icl_claims.theory.task import RegressionTask
from icl_claims.theory.transformer import attention, preconditioned_gd, query_label
from icl_claims.theory.transformer.attention import MASK, sparse
from icl_claims.theory.transformer.symmetries import directional_derivatives, reduced_direction
from tests.claims.formulas.evaluate import Matrix, plus, times
from tests.claims.formulas.table import (
    SIZES,
    Gaussians,
    Points,
    at_numbers,
    block_diagonal,
    compares,
    family,
    identity,
    mean,
    refutes,
    rows,
    unit,
)

DIAG = r"\operatorname{diag}"


# The model.


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
        y = at_numbers(single_layer.LABELS, d, n, values).rows[0]
        for i in range(n):
            yield {"y_i": y[i], "x_i": Matrix.column(X.T.rows[i]), "w": w}


@compares("assumption:sparse_or_relaxed", r"P_l=\operatorname{diag}(B_l,1)", "B_l=0", r"Q_l=\pm\operatorname{diag}(A_l,0)")
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


@compares("assumption:diagonal_covariance global_minimizer_component_diagonal", r"\Sigma=\operatorname{diag}(\lambda)")
def diagonal() -> Iterator[dict[str, Any]]:
    """λ: the entries of a diagonal Σ. With other entries off the diagonal it is false."""
    for d in (1, 2, 3):
        spectrum = tuple(fmpq(k, 2) for k in range(1, d + 1))
        sigma = exact.diagonal(spectrum)
        yield {r"\Sigma": Matrix(sigma), r"\lambda": spectrum, DIAG: block_diagonal(d)}
        full = Matrix(fmpq_mat([[sigma[i, j] + fmpq(int(i != j), 9) for j in range(d)] for i in range(d)]))
        yield {r"\Sigma": full, r"\lambda": spectrum, DIAG: block_diagonal(d), "true": d == 1}


# One layer.


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
        S, g, h = (single_layer.S, single_layer.CROSS, single_layer.LABEL_SQUARE)
        G = at_numbers(Blocks([[S, g], [g.T, h]]), d, n, values)
        tokens = at_numbers(attention.prompt(single_layer.LABELS), d, n, values).T.rows[:n]
        y = at_numbers(single_layer.LABELS, d, n, values).rows[0]
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


def single_layer_points(sizes: tuple[tuple[int, int], ...], sigma: Any = None) -> Iterator[dict[str, Any]]:
    """A task with Ω = I, generic b and A, and G, w and x_q as polynomials in standard normal variables."""
    for d, n in sizes:
        points = Points(d + n)
        factor = points.matrix(d, d) if sigma is None else sigma(d)
        task = RegressionTask(factor * factor.transpose(), n)
        b, A = Matrix(points.matrix(d + 1, 1)), Matrix(points.matrix(d + 1, d))
        g = Gaussians(d * n + 2 * d)
        X, x_q, w = Matrix(factor) @ g.matrix(d, n), Matrix(factor) @ g.matrix(d, 1), g.matrix(d, 1)
        z = Matrix([*X.rows, *(w.T @ X).rows])
        G = times(fmpq(1, n), z @ z.T)
        yield {"task": task, "b": b, "A": A, "G": G, "w": w, "x_q": x_q, "d": d, "n": n, r"\mathbb E": mean}


@compares("loss_depends_on_last_row_and_first_columns", r"f(b,A)=\mathbb E\lVert(b^\top GA+w^\top)x_q\rVert^2")
def single_layer_loss() -> Iterator[dict[str, Any]]:
    """f: the loss of ``theory`` at b, the last row of P, and A, the first d columns of Q; E: over G, w and x_q."""
    for point in single_layer_points(((1, 1), (1, 2), (2, 1))):
        yield {**point, "f": lambda b, A, task=point["task"]: single_layer.loss(task, b.entries(), rows(A))}


@compares("global_minimizer_isotropic global_minimizer_component_diagonal", r"f_j(X)=\mathbb E[(\langle G,X\rangle+w_j)^2]")
def component_loss() -> Iterator[dict[str, Any]]:
    r"""X = b a^⊤; f_j: from the loss of ``theory`` where a is column j of A and the other columns are 0, which leaves
    f = λ_jf_j(X) + Σ_{k≠j} λ_k for a diagonal Σ."""
    for point in single_layer_points(((1, 1), (2, 1)), lambda d: exact.diagonal(range(1, d + 1))):
        task, d, b = point["task"], point["d"], point["b"]
        a = Matrix(Points(7).matrix(d + 1, 1))
        spectrum = [task.covariance[k, k] for k in range(d)]

        def component(
            j: int, task: RegressionTask = task, b: Matrix = b, a: Matrix = a, spectrum: list[fmpq] = spectrum
        ) -> Any:
            A = [[x if k == j - 1 else fmpq(0) for k in range(task.dim)] for x in a.entries()]
            rest = sum(spectrum, fmpq(0)) - spectrum[j - 1]
            value = (single_layer.loss(task, b.entries(), A) - rest) / spectrum[j - 1]
            return lambda X: value

        for j in range(1, d + 1):
            yield {**point, "X": b @ a.T, "f_": component, "j": j, "w_": family(point["w"].entries(), 1)}


@compares("global_minimizer_component_diagonal", r"f(b,A)=\sum_j\lambda_jf_j(ba_j^\top)")
def decomposed_loss() -> Iterator[dict[str, Any]]:
    """f: the loss of ``theory``; f_j(X) = E(⟨G, X⟩ + w_j)², averaged monomial by monomial; a_j: column j of A."""
    for point in single_layer_points(((1, 1), (2, 1)), lambda d: exact.diagonal(range(1, d + 1))):
        G, w, d, task = point["G"], point["w"], point["d"], point["task"]

        def component(j: int, G: Matrix = G, w: Matrix = w) -> Any:
            return lambda X: mean(plus((G.T @ X).trace(), w.rows[j - 1][0]) ** 2)

        yield {
            **point,
            "f": lambda b, A, task=task: single_layer.loss(task, b.entries(), rows(A)),
            "f_": component,
            r"\lambda_": {k + 1: task.covariance[k, k] for k in range(d)},
            "a_": family([Matrix.column(column) for column in point["A"].T.rows], 1),
            "j∈": range(1, d + 1),
        }


def rotated_tasks() -> Iterator[tuple[RegressionTask, dict[str, Any]]]:
    """Tasks with Ω = I and Σ = U diag(λ) U^⊤, with d, n, λ_k, Σ, U and diag."""
    for d, n in (*SIZES, (2, 2), (3, 5)):
        U = Points(d).rotation(d)
        spectrum = tuple(fmpq(2 * k + 1, 3) for k in range(1, d + 1))
        task = RegressionTask(U * exact.diagonal(spectrum) * U.transpose(), n)

        def diagonal_of(entries: Any) -> Matrix:
            return Matrix(exact.diagonal(entries))

        diagonal_of.binds = [{"i": k} for k in range(1, d + 1)]  # type: ignore[attr-defined]
        yield (
            task,
            {
                "d": d,
                "n": n,
                "U": Matrix(U),
                r"\Sigma": Matrix(task.covariance),
                r"\lambda": spectrum,
                r"\lambda_": family(spectrum, 1),
                "k∈": range(1, d + 1),
                "I": identity(d),
                DIAG: block_diagonal(d),
                r"\operatorname{diag}_i": diagonal_of,
            },
        )


def stated_layer(task: RegressionTask, gamma: fmpq_mat) -> tuple[Matrix, Matrix]:
    """P and Q of the sparse layer of ``theory`` with the preconditioner Γ."""
    P, Q = sparse(single_layer.GAMMA)
    values = {"Gamma": gamma}
    return tuple(at_numbers(x, task.dim, task.context_length, values) for x in (P, Q))  # type: ignore[return-value]


@compares(
    "global_minimizer",
    r"\Sigma=U\operatorname{diag}(\lambda)U^\top",
    r"P_0=\operatorname{diag}(0,1)",
    r"Q_0=-\operatorname{diag}\bigl(U\operatorname{diag}_i\bigl("
    r"\frac{1}{\frac{n+1}{n}\lambda_i+\frac1n\sum_k\lambda_k}\bigr)U^\top,\,0\bigr)",
)
@compares("large_context_preconditioner", r"Q_0=-\operatorname{diag}(A,0)")
def minimizers() -> Iterator[dict[str, Any]]:
    """P_0, Q_0: the sparse layer with the minimiser that ``theory`` derives for any Σ; A: that minimiser."""
    for task, point in rotated_tasks():
        gamma = single_layer.minimizer(task)
        P, Q = stated_layer(task, gamma)
        yield {**point, "P_0": P, "Q_0": Q, "A": Matrix(gamma)}


@compares(
    "global_minimizer", r"P_0\leftarrow\gamma P_0", r"Q_0\leftarrow Q_0/\gamma", r"(\gamma P_0,Q_0/\gamma)"
)
def rescaled_minimizers() -> Iterator[dict[str, Any]]:
    """←: beside the other one of the pair, so scaled, the new matrix loses the minimum again; γ ≠ ±1."""
    gamma = fmpq(-3, 2)
    for task, point in rotated_tasks():
        P, Q = stated_layer(task, single_layer.minimizer(task))

        def attains(P: Matrix, Q: Matrix, task: RegressionTask = task) -> bool:
            d = task.dim
            loss = single_layer.loss(task, P.rows[d], [row[:d] for row in Q.rows])
            return bool(loss == single_layer.minimum(task))

        def replaced(name: str, value: Matrix, P: Matrix = P, Q: Matrix = Q, attains: Any = attains) -> bool:
            beside = {"P_0": (value, times(1 / gamma, Q)), "Q_0": (times(gamma, P), value)}
            return bool(attains(*beside[name]))

        def is_another(pair: Any, P: Matrix = P, attains: Any = attains) -> bool:
            return len(pair) == 2 and pair[0] != P and bool(attains(*pair))

        yield {**point, "P_0": P, "Q_0": Q, r"\gamma": gamma, r"\leftarrow": replaced, "=": is_another}


@compares(
    "global_minimizer_isotropic",
    r"Q_0=-\frac{1}{\frac{n-1}{n}+\frac{d+2}{n}}\operatorname{diag}(I,0)",
    r"X_j=-\frac{1}{\frac{n-1}{n}+\frac{d+2}{n}}\,E_{d+1,j}",
)
def isotropic_minimizers() -> Iterator[dict[str, Any]]:
    """Q_0: as in :func:`minimizers`, at Σ = I; X_j: the last row of P_0, e_{d+1}, times column j of its Q_0."""
    for d, n in SIZES:
        task = RegressionTask.isotropic(d, n)
        yield from minimizing_components(task, {"d": d, "n": n, "I": identity(d), DIAG: block_diagonal(d)})


@compares(
    "global_minimizer_component_diagonal",
    r"X_j=-\frac{1}{\frac{n+1}{n}\lambda_j+\frac1n\sum_k\lambda_k}\,E_{d+1,j}",
)
def diagonal_minimizers() -> Iterator[dict[str, Any]]:
    """X_j: e_{d+1} times column j of the minimising Q_0, for a diagonal Σ with the entries λ_k."""
    for d, n in SIZES:
        spectrum = [fmpq(2 * k + 1, 3) for k in range(1, d + 1)]
        task = RegressionTask(exact.diagonal(spectrum), n)
        point = {"d": d, "n": n, r"\lambda_": family(spectrum, 1), "k∈": range(1, d + 1)}
        yield from minimizing_components(task, point)


def minimizing_components(task: RegressionTask, point: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The point with X_j for each j, Q_0 and the matrix units E."""
    d = task.dim
    Q = stated_layer(task, single_layer.minimizer(task))[1]
    for j in range(1, d + 1):
        X = unit(d + 1, d + 1) @ Matrix.column([row[j - 1] for row in Q.rows]).T
        yield {**point, "Q_0": Q, "X_j": X, "j": j, "E_": lambda place: unit(d + 1, *place)}


@compares("large_context_preconditioner", r"\frac1n\sum_k\lambda_k")
def regularizer() -> Iterator[dict[str, Any]]:
    """What is added to every eigenvalue before inversion: what a singular Σ has at the eigenvalue 0."""
    for d, n in SIZES:
        spectrum = [fmpq(k + 1, 3) for k in range(1, d)] + [fmpq(0)]
        task = RegressionTask(exact.diagonal(spectrum), n)
        normal = at_task(single_layer.normal_matrix(), task, {})
        yield {"n": n, "d": d, r"\lambda_": family(spectrum, 1), "k∈": range(1, d + 1), "=": normal[d - 1, d - 1]}


@compares("relu_attention_minimizer", r"Q_0=-\frac{2n}{2(d+2)+(n-1)}\operatorname{diag}(I,0)")
@compares(
    "relu_attention_minimizer relu_attention_minimizer_general_task global_minimizer_general_task",
    r"P_0=\operatorname{diag}(0,1)",
)
def relu_minimizer() -> Iterator[dict[str, Any]]:
    """P_0, Q_0: the sparse layer with the minimiser that ``theory`` derives for ReLU attention."""
    for d, n in SIZES:
        task = RegressionTask.isotropic(d, n)
        P, Q = stated_layer(task, relu_attention.minimizer(task))
        yield {"P_0": P, "Q_0": Q, "I": identity(d), "d": d, "n": n, DIAG: block_diagonal(d)}


@compares(
    "relu_attention_minimizer relu_attention_drops_examples",
    r"\operatorname{Attn}^\sigma(Z)=PZM\sigma(Z^\top QZ)",
)
def relu_attention_by_tokens() -> Iterator[dict[str, Any]]:
    """Attn^σ, token by token: column c is Σ_{i≤n} P z_i σ(z_i^⊤ Q z_c); σ: max(·, 0), entrywise."""
    for d, n in SIZES:
        points = Points(d)
        P, Q, Z = (points.matrix(*size) for size in ((d + 1, d + 1), (d + 1, d + 1), (d + 1, n + 1)))
        yield {**relu_layer(P, Q, Z), "P": Matrix(P), "Q": Matrix(Q), "Z": Matrix(Z)}


def relu_layer(P: fmpq_mat, Q: fmpq_mat, Z: fmpq_mat) -> dict[str, Any]:
    """Attn^σ, σ and M for a state Z of n + 1 tokens."""
    n = Z.ncols() - 1
    z = [fmpq_mat([[Z[a, i]] for a in range(Z.nrows())]) for i in range(n + 1)]
    columns = []
    for query in z:
        scores = [(key.transpose() * Q * query)[0, 0] for key in z[:n]]
        parts = [P * key * max(score, fmpq(0)) for key, score in zip(z, scores, strict=False)]
        columns.append([x for x in sum(parts[1:], parts[0]).entries()])
    value = Matrix([list(row) for row in zip(*columns, strict=True)])
    return {
        r"\operatorname{Attn}^\sigma": lambda _: value,
        r"\sigma": relu,
        "M": at_numbers(MASK, Z.nrows() - 1, n, {}),
    }


def relu(value: Any) -> Any:
    """max(·, 0), entrywise."""
    return value.map(relu) if isinstance(value, Matrix) else max(value, fmpq(0))


@compares("stein_relu_halving", r"\mathbb E[\sigma(x^\top v)x]=\frac12v")
def halving() -> Iterator[dict[str, Any]]:
    """E: over the signs of x, uniform on {−1, 1}^d. The identity needs of the law that x and −x have the same, and
    that E xx^⊤ = I; both are so here, as for N(0, I), and the mean is a finite sum."""
    for d in (1, 2, 3):
        signs = [{"x": Matrix.column([fmpq(s) for s in x])} for x in product((-1, 1), repeat=d)]
        yield {"v": Matrix(Points(d).matrix(d, 1)), r"\sigma": relu, "E∈": signs}


@compares("stein_relu_halving", r"\sigma(\alpha)^2+\sigma(-\alpha)^2=\alpha^2")
def relu_squares() -> Iterator[dict[str, Any]]:
    """σ: max(·, 0)."""
    for alpha in (fmpq(-3, 2), fmpq(0), fmpq(5, 3)):
        yield {r"\sigma": relu, r"\alpha": alpha}


# Several sparse layers.


def forward(d: int, n: int, transposed: bool = True) -> dict[str, Any]:
    """A prompt and three layers with matrices that are not symmetric, multiplied out by ``theory``.

    Z_l: the state after l layers; w_l: the iterates of gradient descent with the preconditioners A_l^⊤.
    """
    points = Points(d * n)
    X, x_q, task = Matrix(points.matrix(d, n)), Matrix(points.matrix(d, 1)), Matrix(points.matrix(d, 1))
    y = task.T @ X
    matrices = [Matrix(points.matrix(d, d)) for _ in range(3)]
    w = [Matrix(fmpq_mat(d, 1))]
    for A in matrices:
        slope = at_numbers(preconditioned_gd.gradient(preconditioned_gd.ITERATE), d, n, {"X": X, "w_l": w[-1], "y": y})
        w.append(plus(w[-1], times(fmpq(-1), times(A.T if transposed else A, slope))))
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
    """P_l, Q_l: the sparse parametrisation of ``theory`` with the matrix A_l; 0_{d×d}: zeros."""
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
@refutes("forward_pass_is_preconditioned_gd", r"w_{l+1}=w_l-A_l\nabla R(w_l)")
def iterates_of_the_layers() -> Iterator[dict[str, Any]]:
    """w_l: read off the layers, −[Z_l]_{d+1,n+1} with the query at each unit vector; ∇R: the gradient in ``theory``."""
    for d, n in SIZES:
        point = forward(d, n)
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
@compares("forward_pass_is_preconditioned_gd_transposed", r"R(w)=\frac1{2n}\sum_i(\langle w,x_i\rangle-y_i)^2")
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


def any_layer() -> Iterator[tuple[dict[str, Any], Matrix, Matrix]]:
    """P, Q, Z and M, the attention of ``theory``, and its scores Z^⊤QZ."""
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
        free = single_layer.free_weights()
        state = query_label.STATE
        attended = at_numbers(attention.attention(*free, state), d, n, values)
        scores = at_numbers(state.T @ free[1] @ state, d, n, values)
        M = at_numbers(MASK, d, n, {})
        yield {"P": P, "Q": Q, "Z": Matrix(Z), "M": M, "d": d, "n": n}, attended, scores


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
        loss = layered_loss(RegressionTask.isotropic(d, n), matrices)
        yield {"f": loss, r"\bar Y_L": label, "n": n, "d": d, r"\mathbb E": mean}


@compares("query_label_shift", r"\langle w,x_q\rangle")
def target() -> Iterator[dict[str, Any]]:
    """The target of ``theory``, what the slot holds."""
    for d in (1, 2, 3):
        w, x_q = Points(d).columns(d, 2)
        yield {"w": w, "x_q": x_q, "=": at_numbers(query_label.target(), d, 1, {"w": w, "x_q": x_q}).rows[0][0]}


@compares(
    "critical_points_scaled_inverse_covariance invariant_direction_reduction permutation_symmetry",
    r"\mathcal S=\{A_l=a_l\Sigma^{-1}\text{ for all }l\}",
)
@compares(
    "optimal_steps_global_minimum optimal_looped_step_unique sampled_loss_heavy_tails critical_points_attained "
    "critical_points_local_minimum critical_points_local_minimum_two_layers",
    r"\mathcal S=\{A_l=a_l\Sigma^{-1}\}",
)
def scaled_set() -> Iterator[dict[str, Any]]:
    """𝒮: whether the matrices, brought to whitened coordinates with a rational Σ^{1/2}, are a_lI."""
    for d in (1, 2, 3):
        root, a = Points(d).definite(d), [fmpq(1, 2), fmpq(-3)]
        sigma, inverse = root * root, root.inv()
        inside = [inverse * (exact.identity(d) * x) * inverse for x in a]
        others = [inside[0], inside[1] + exact.identity(d)], [inside[0] * 2, inside[1]], [sigma * x for x in a]
        for matrices in (inside, *others):
            whitened = [root * A * root for A in matrices]
            member = all(m == exact.identity(d) * x for m, x in zip(whitened, a, strict=True))
            yield {
                r"\mathcal S": member,
                "A_": [Matrix(A) for A in matrices],
                "a_": a,
                r"\Sigma": Matrix(sigma),
                "l∈": range(2),
            }


@compares("assumption:scaled_set", r"A_l=a_l\Sigma^{-1}")
def scaled_matrix() -> Iterator[dict[str, Any]]:
    """A_l: what a_lI in whitened coordinates is without whitening."""
    for d in (1, 2, 3):
        root = Points(d).definite(d)
        A = root.inv() * fmpq(-3, 2) * root.inv()
        yield {"A_l": Matrix(A), "a_l": fmpq(-3, 2), r"\Sigma": Matrix(root * root)}


@compares(
    "critical_points_scaled_inverse_covariance critical_points_attained",
    r"\inf_{\mathcal S}\sum_l\lVert\nabla_{A_l}f\rVert_F^2=0",
)
def infimum_on_scaled_set() -> Iterator[dict[str, Any]]:
    """∇_{A_l}f: the gradient of ``theory`` in all entries; inf: over the points listed, on which the sum is that of
    ``theory``; the optimal steps, rational at these sizes, are among them, or are not, and then it is false."""
    for d, n, layers in ((1, 1, 1), (2, 3, 1), (3, 2, 1), (1, 4, 2), (4, 1, 2)):
        sigma = Points(d).definite(d)
        task = RegressionTask.whitened(sigma, n)
        best = [-f[0] / f[1] for f, _ in optimal_steps(d, n, layers).polynomial.factor()[1]]
        other = [x + fmpq(1, 5) for x in best]
        for points in ((best, other), (other,)):
            yield {r"\inf": least_squared_gradient(task, points), "l∈": range(layers), "true": len(points) == 2}


def least_squared_gradient(task: RegressionTask, points: tuple[list[fmpq], ...]) -> Any:
    """The function for inf, which gives ∇ its meaning at each point."""

    def least(body: Any) -> fmpq:
        values = []
        for steps in points:
            slopes = layered_gradient(task, [task.task_covariance * a for a in steps])
            value = body({r"\nabla": lambda f, A, l, slopes=slopes: Matrix(slopes[l])})  # noqa: E741
            if value != sum((exact.trace(m * m.transpose()) for m in slopes), fmpq(0)):
                return fmpq(-1)
            values.append(value)
        return min(values)

    return least


@compares("gdpp_critical_points", r"\inf\sum_l\lVert\nabla_{A_l}f\rVert_F^2+\lVert\nabla_{B_l}f\rVert_F^2=0")
def infimum_with_covariate_updates() -> Iterator[dict[str, Any]]:
    """Σ = I. The sum reaches over both terms. ∇_{A_l}f, ∇_{B_l}f at A_l = a_lI, B_l = b_lI: (∂f/∂a_l)/d and (∂f/∂b_l)/d
    times I, as f is invariant under rotations. The point that ``theory`` proves critical is among the points, or not."""
    for d, n, layers in ((1, 1, 1), (2, 3, 2), (3, 1, 2)):
        critical = gdpp.explicit_critical_point(d, n, layers)
        other = [fmpq(-2, 7)] * layers, [fmpq(1, 5)] * (layers - 1)
        for points in ((critical, other), (other,)):
            slopes = [gdpp.gradient(*point, d, n) for point in points]
            yield {r"\inf": least_of_both(slopes, d), "l∈": range(layers), "true": len(points) == 2}


def least_of_both(slopes: list[tuple[list[fmpq], list[fmpq]]], d: int) -> Any:
    """As :func:`least_squared_gradient`; ∇_{B_{L−1}}f = 0."""

    def least(body: Any) -> fmpq:
        values = []
        for of_a, of_b in slopes:
            by = {"A": of_a, "B": [*of_b, fmpq(0)]}
            value = body({r"\nabla": lambda f, name, l, by=by: times(by[name][l] / d, identity(d))})  # noqa: E741
            if value * d != sum((x * x for x in (*of_a, *of_b)), fmpq(0)):
                return fmpq(-1)
            values.append(value)
        return min(values)

    return least


@compares("invariant_direction_reduction", r"\tilde R_l=r_l\Sigma^{-1}")
@compares("invariant_direction_reduction", r"r_l=\frac1d\operatorname{tr}(\Sigma^{1/2}R_l\Sigma^{1/2})")
def reduced() -> Iterator[dict[str, Any]]:
    r"""\tilde R_l: the reduced direction of ``theory``; r_l: the ratio of the derivatives of f in the directions R_l and
    Σ^{-1}, at a point of 𝒮; Σ^{1/2}: rational."""
    for d, n in SIZES:
        points = Points(d)
        root, R = points.definite(d), points.matrix(d, d)
        task = RegressionTask.whitened(root * root, n)
        at = [task.task_covariance * fmpq(1, 7), task.task_covariance * fmpq(-2, 3)]
        along, inverse = (directional_derivatives(task, at, [m, m])[0] for m in (R, task.task_covariance))
        yield {
            r"\tilde R_l": Matrix(reduced_direction(task, R)),
            "r_l": along / inverse,
            "R_l": Matrix(R),
            r"\Sigma": Matrix(task.covariance),
            r"\Sigma^{1/2}": Matrix(root),
            "d": d,
            "n": n,
        }


# Relaxed layers.


@compares(
    "gdpp_critical_points gdpp_minimum_attained gdpp_norms_increase",
    r"\mathcal S'=\{A_l=a_l\Sigma^{-1},\,B_l=b_lI\}",
)
def scaled_pairs() -> Iterator[dict[str, Any]]:
    """𝒮′: whether the matrices are a_lI and b_lI in whitened coordinates, A ↦ Σ^{1/2}AΣ^{1/2}, B ↦ Σ^{-1/2}BΣ^{1/2}."""
    for d in (1, 2, 3):
        root, a, b = Points(d).definite(d), [fmpq(1, 2), fmpq(-3)], [fmpq(2), fmpq(1, 7)]
        inverse, one = root.inv(), exact.identity(d)
        A, B = [inverse * x * inverse for x in a], [root * (one * x) * inverse for x in b]
        wrong = ([A[0], A[1] + one], B), (A, [B[0] * 2, B[1]]), (A, [B[0], root])
        for first, second in ((A, B), *wrong):
            whitened = [root * m * root for m in first], [inverse * m * root for m in second]
            member = whitened == ([one * x for x in a], [one * x for x in b])
            given = {"A_": [Matrix(m) for m in first], "B_": [Matrix(m) for m in second], "a_": a, "b_": b}
            more = {"I": identity(d), r"\Sigma": Matrix(root * root), "l∈": range(2)}
            yield {**given, **more, r"\mathcal S'": member}


def relaxed_layer(d: int, n: int, A: Matrix, B: Matrix, X: Matrix) -> tuple[Matrix, Matrix]:
    """Covariates, the query's too, and labels after one relaxed layer of ``theory``, from covariates X and labels 1, 2, …"""
    values = {
        "X": Matrix([row[:n] for row in X.rows]),
        "x_q": Matrix([row[n:] for row in X.rows]),
        "Y": Matrix([[fmpq(i) for i in range(1, n + 1)]]),
        "y": Matrix([[fmpq(0)]]),
        "A": A,
        "B": B,
    }
    state = at_numbers(attention.layer(*relaxed(query_label.A, query_label.B), query_label.STATE), d, n, values)
    return Matrix(state.rows[:d]), Matrix([state.rows[d]])


def gd_plus_plus() -> Iterator[dict[str, Any]]:
    """One layer (aI, bI) from covariates X, x_q and the labels 1, 2, …, n."""
    for d, n in SIZES:
        X, a, b = Matrix(Points(n).matrix(d, n + 1)), fmpq(-3, 4), fmpq(5, 7)
        context = Matrix([row[:n] for row in X.rows])
        moved, labels = relaxed_layer(d, n, times(a, identity(d)), times(b, identity(d)), X)
        yield {
            **{"X": context, "a_l": a, "b_l": b, "n": n, "d": d, "I": identity(d)},
            **{"before": X, "after": moved, "labels": labels},
        }


@compares("gdpp_critical_points", r"x_j\leftarrow(I-\gamma XX^\top)x_j", r"\gamma=-a_lb_l/n")
def moved_covariates() -> Iterator[dict[str, Any]]:
    """←: x_j after the layer of ``theory``, for the columns of the context and for the query; γ: what the layer's change
    of the covariates has for a factor, minus that of XX^⊤X."""
    for point in gd_plus_plus():
        X, before, after = point["X"], point["before"], point["after"]
        cubic = (X @ X.T @ before).rows[0][0]
        gamma = -(after.rows[0][0] - before.rows[0][0]) / cubic
        for j, column in enumerate(before.T.rows):
            new = Matrix.column(after.T.rows[j])
            yield {
                **point,
                r"\gamma": gamma,
                "x_j": Matrix.column(column),
                r"\leftarrow": lambda name, value, new=new: name == "x_j" and value == new,
            }


@compares("gdpp_critical_points", "-a_l")
def label_step() -> Iterator[dict[str, Any]]:
    """The step η of the gradient step from w = 0 that the layer of ``theory`` runs: y_1 becomes y_1 − η (y X^⊤x_1)/n."""
    for point in gd_plus_plus():
        n, X = point["n"], point["X"]
        y = Matrix([[fmpq(i) for i in range(1, n + 1)]])
        change = point["labels"].rows[0][0] - 1
        yield {**point, "=": -change * n / (y @ X.T @ X).rows[0][0]}


@compares("covariate_update_conditioning", r"X_{l+1}=X_l+B_lX_lMX_l^\top A_lX_l")
def covariates() -> Iterator[dict[str, Any]]:
    """X_l, X_{l+1}: covariates, the query's too, before and after the layer of ``theory`` with the matrices nA_l and
    B_l: 1/n is absorbed; M: the mask."""
    for d, n in SIZES:
        points = Points(n + d)
        X, A, B = (Matrix(points.matrix(*size)) for size in ((d, n + 1), (d, d), (d, d)))
        after = relaxed_layer(d, n, times(fmpq(n), A), B, X)[0]
        yield {"X_": {1: X, 2: after}, "A_l": A, "B_l": B, "M": at_numbers(MASK, d, n, {}), "l": 1}


@compares("covariate_update_conditioning", "1/n")
def absorbed_factor() -> Iterator[dict[str, Any]]:
    """What the change of the covariates by the layer of ``theory`` is, as a multiple of B_lX_lMX_l^⊤A_lX_l."""
    for point in gd_plus_plus():
        X, before, after, n = point["X"], point["before"], point["after"], point["n"]
        whole = point["a_l"] * point["b_l"] * (X @ X.T @ before).rows[0][0]
        yield {"n": n, "d": point["d"], "=": (after.rows[0][0] - before.rows[0][0]) / whole}


@compares("covariate_update_conditioning covariate_update_conditioning_threshold", r"S\succ0", r"S_l\succ0")
def definite_gram() -> Iterator[dict[str, Any]]:
    """S, S_l: a Gram matrix with eigenvalues of known sign."""
    for d in (1, 2, 3):
        U = Points(d).rotation(d)
        for least in (-1, 0, 1):
            S = Matrix(U * exact.diagonal([least, *range(2, d + 1)]) * U.transpose())
            yield {"S": S, "S_l": S, "true": least > 0}
