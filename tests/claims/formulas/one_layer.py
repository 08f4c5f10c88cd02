"""One layer with free weights: its loss, the products in it, and its critical points."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from flint import fmpq, fmpq_mat

from icl_claims.theory.algebra import exact
from icl_claims.theory.one_layer import single_layer
from icl_claims.theory.one_layer.exchanged_roles import exchanged_critical_point
from icl_claims.theory.task import RegressionTask
from tests.claims.formulas.minimizers import general_tasks
from tests.claims.formulas.points import Gaussians, Points, family, mean, rows, unit
from tests.claims.formulas.table import compares
from tests.claims.formulas.values import Matrix, plus, times

DIAG = r"\operatorname{diag}"


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


@compares(
    "loss_depends_on_last_row_and_first_columns", r"f(b,A)=\mathbb E\lVert(b^\top GA+w^\top)x_q\rVert^2"
)
def single_layer_loss() -> Iterator[dict[str, Any]]:
    """f: the loss of ``theory`` at b, the last row of P, and A, the first d columns of Q; E: over G, w and x_q."""
    for point in single_layer_points(((1, 1), (1, 2), (2, 1))):
        yield {**point, "f": lambda b, A, task=point["task"]: single_layer.loss(task, b.entries(), rows(A))}


@compares(
    "global_minimizer_isotropic global_minimizer_component_diagonal",
    r"f_j(X)=\mathbb E[(\langle G,X\rangle+w_j)^2]",
)
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


@compares("global_minimizer_uniqueness global_minimizer_spurious_local_minima", r"ba_j^\top")
def products() -> Iterator[dict[str, Any]]:
    """The (d+1) × (d+1) matrix with the entries b_i a_{kj}, from b, the last row of P, and a_j, a column of Q."""
    for d in (1, 2, 3):
        b, a = Points(d).columns(d + 1, 2)
        entries = Matrix([[x * y for y in a.entries()] for x in b.entries()])
        yield {"b": b, "a_j": a, "=": entries}


@compares("global_minimizer_uniqueness", r"(e_{d+1},\,(-\Gamma;0))")
def orbit() -> Iterator[dict[str, Any]]:
    """e: unit vectors. The pair (b, A) loses the minimum of ``theory``."""
    for task, point in general_tasks():

        def attains(pair: Any, task: RegressionTask = task) -> bool:
            b, A = pair
            return single_layer.loss(task, b.entries(), rows(A)) == single_layer.minimum(task)

        yield {**point, "e_": lambda k, d=task.dim: unit(d + 1, k), "=": attains}


@compares(
    "global_minimizer_uniqueness global_minimizer_spurious_local_minima",
    r"(b,A)\leftarrow(\gamma b,A/\gamma)",
)
def rescaled_weights() -> Iterator[dict[str, Any]]:
    """←: other weights with the loss of (b, A), any weights."""
    for task, point in general_tasks():
        d = task.dim
        b, A = Points(1).matrix(d + 1, 1), Points(2).matrix(d + 1, d)
        loss = single_layer.loss(task, b.entries(), A.tolist())

        def agrees(
            name: str, pair: Any, task: RegressionTask = task, loss: fmpq = loss, b: fmpq_mat = b
        ) -> bool:
            other, columns = pair
            moved = other.entries() != b.entries()
            return (
                name == "(b,A)" and moved and single_layer.loss(task, other.entries(), rows(columns)) == loss
            )

        yield {**point, "b": Matrix(b), "A": Matrix(A), r"\gamma": fmpq(-3, 2), r"\leftarrow": agrees}


@compares("global_minimizer_uniqueness", r"\gamma\ne0")
def factors() -> Iterator[dict[str, Any]]:
    """γ: a number by which A can be divided."""
    for gamma in (fmpq(-1), fmpq(0), fmpq(1), fmpq(2)):
        yield {r"\gamma": gamma, "true": bool(gamma)}


@compares("global_minimizer_uniqueness", r"\operatorname{rank}\Omega\ge2")
def higher_ranks() -> Iterator[dict[str, Any]]:
    """Ω, of a rank by construction that is not 1."""
    yield from ({r"\Omega": omega, "true": r != 1} for r, omega in of_ranks())


@compares("global_minimizer_uniqueness", r"\operatorname{rank}\Omega=1")
def rank_one() -> Iterator[dict[str, Any]]:
    """Ω, of rank 1 by construction, or not."""
    yield from ({r"\Omega": omega, "true": r == 1} for r, omega in of_ranks())


def of_ranks() -> Iterator[tuple[int, Matrix]]:
    """BB^⊤ for B with r independent columns."""
    for d in (1, 2, 3):
        for r in range(1, d + 1):
            B = Points(d).matrix(d, r)
            yield r, Matrix(B * B.transpose())


@compares(
    "relu_attention_minimizer_general_task global_minimizer_general_task",
    r"\operatorname{tr}(\Sigma\Omega)+\sigma^2>0",
)
def labels_that_vary() -> Iterator[dict[str, Any]]:
    """Whether ``theory`` has a minimizer to give: it refuses tasks with labels that are all 0."""
    first, second = exact.diagonal([1, 0]), exact.diagonal([0, 1])
    for sigma, omega, noise in (
        (first, first, 0),
        (first, second, 0),
        (first, second, fmpq(1, 9)),
        (first, first, 1),
    ):
        task = RegressionTask(sigma, 2, omega, noise)
        try:
            single_layer.minimizer(task)
            defined = True
        except ValueError:
            defined = False
        yield {r"\Sigma": Matrix(sigma), r"\Omega": Matrix(omega), r"\sigma^2": fmpq(noise), "true": defined}


@cache
def spurious() -> tuple[RegressionTask, dict[str, Any]]:
    """Σ = diag(1, 1/16), n = 4, and the critical point of ``theory`` at which labels and covariates change roles."""
    task = RegressionTask(exact.diagonal([1, "1/16"]), 4)
    b, A = exchanged_critical_point(task, 0)
    spectrum = {1: fmpq(1), 2: fmpq(1, 16)}
    return task, {
        **{r"\Sigma": Matrix(task.covariance), DIAG: lambda *x: Matrix(exact.diagonal(x)), "n": 4, "d": 2},
        **{"b": Matrix.column(b), "A": Matrix(A), "e_": lambda k: unit(3, k), r"\gamma_1": -A[2][0]},
        **{r"\lambda_": spectrum, "k∈": (1, 2), "f": single_layer.loss(task, b, A)},
        r"\min": lambda _: single_layer.minimum(task),
    }


@compares(
    "global_minimizer_spurious_local_minima",
    r"\Sigma=\operatorname{diag}(1,\tfrac1{16})",
    "b=e_1",
    r"f-\min f=\frac1{88}",
)
@compares("assumption:ill_conditioned", r"\lambda_1/\lambda_2=16")
def exchanged_point() -> Iterator[dict[str, Any]]:
    """See :func:`spurious`; f: the loss of the point."""
    yield spurious()[1]


@compares(
    "global_minimizer_spurious_local_minima",
    r"\gamma_1=\frac{1}{\frac{n+1}{n}\lambda_1+\frac1n\sum_k\lambda_k}",
)
def exchanged_eigenvalue() -> Iterator[dict[str, Any]]:
    """γ_1: minus the only entry of A at the critical point of ``theory``, for Σ = diag(λ_1, λ_2)."""
    for spectrum, n in (((1, fmpq(1, 16)), 4), ((fmpq(3, 2), 2), 1), ((5, fmpq(1, 3)), 7)):
        task = RegressionTask(exact.diagonal(spectrum), n)
        point = {"n": n, "d": 2, r"\lambda_": family(spectrum, 1), "k∈": (1, 2)}
        yield {**point, r"\gamma_1": -exchanged_critical_point(task, 0).A[2][0]}


@compares("global_minimizer_spurious_local_minima", r"A=-\gamma_1e_3e_1^\top")
def exchanged_columns() -> Iterator[dict[str, Any]]:
    """A is 3 × 2: e_3 is a unit vector of length 3, e_1 one of length 2."""
    yield {**spurious()[1], "e_": {1: unit(2, 1), 2: unit(2, 2), 3: unit(3, 3)}}
