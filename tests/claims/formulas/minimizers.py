"""The minimizers of one layer, of linear and of ReLU attention."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flint import fmpq, fmpq_mat

from icl_claims.theory.algebra import exact
from icl_claims.theory.evaluation import at_task
from icl_claims.theory.one_layer import single_layer
from icl_claims.theory.task import RegressionTask, isotropic
from icl_claims.theory.transformer.parametrizations import sparse
from tests.claims.formulas.points import SIZES, Points, at_numbers, block_diagonal, family, identity, unit
from tests.claims.formulas.table import compares
from tests.claims.formulas.values import Matrix, times

DIAG = r"\operatorname{diag}"


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
    """P_0, Q_0: the sparse layer with the minimizer that ``theory`` derives for any Σ; A: that minimizer."""
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
        task = isotropic(d, n)
        yield from minimizing_components(task, {"d": d, "n": n, "I": identity(d), DIAG: block_diagonal(d)})


@compares(
    "global_minimizer_component_diagonal",
    r"X_j=-\frac{1}{\frac{n+1}{n}\lambda_j+\frac1n\sum_k\lambda_k}\,E_{d+1,j}",
)
def diagonal_minimizers() -> Iterator[dict[str, Any]]:
    """X_j: e_{d+1} times column j of the minimizing Q_0, for a diagonal Σ with the entries λ_k."""
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
        yield {
            "n": n,
            "d": d,
            r"\lambda_": family(spectrum, 1),
            "k∈": range(1, d + 1),
            "=": normal[d - 1, d - 1],
        }


def general_tasks(keep: Any = None) -> Iterator[tuple[RegressionTask, dict[str, Any]]]:
    """Tasks with any Σ, Ω and σ²; Γ and min f by ``theory``, for linear attention or, at the chance given, for ReLU."""
    for d, n in SIZES:
        points = Points(n)
        low = points.matrix(d, 1)
        for omega in (points.definite(d), low * low.transpose()):
            task = RegressionTask(points.definite(d), n, omega, fmpq(2, 3))
            if keep is None:
                gamma, least = single_layer.minimizer(task), single_layer.minimum(task)
            else:
                # The record writes Q_0 = −2 diag(Γ, 0): its Γ is half of the minimizer.
                gamma, least = single_layer.minimizer(task, keep) / 2, single_layer.minimum(task, keep)
            yield (
                task,
                {
                    **{
                        r"\Sigma": Matrix(task.covariance),
                        r"\Omega": Matrix(omega),
                        r"\sigma^2": task.noise_variance,
                    },
                    **{r"\Gamma": Matrix(gamma), r"\min": lambda body: body({}), "f": least, "d": d, "n": n},
                    **{"I": identity(d), DIAG: block_diagonal(d)},
                },
            )


@compares(
    "global_minimizer_general_task",
    r"\Gamma=\Omega\bigl(\frac{n+1}{n}\Sigma\Omega+\frac{\operatorname{tr}(\Sigma\Omega)+\sigma^2}{n}I\bigr)^{-1}",
    r"Q_0=-\operatorname{diag}(\Gamma,0)",
    r"\min f=\operatorname{tr}(\Sigma\Omega)-\operatorname{tr}(\Sigma\Gamma\Sigma\Omega)",
)
def linear_minimum() -> Iterator[dict[str, Any]]:
    """Γ, min f: by ``theory``, from the moments of the prompt; Ω is of full rank, or of rank one."""
    for task, point in general_tasks():
        yield {**point, "Q_0": stated_layer(task, single_layer.minimizer(task))[1]}


@compares(
    "relu_attention_minimizer_general_task",
    r"\Gamma=\Omega\bigl(\frac{n+3}{n}\Sigma\Omega+\frac{2(\operatorname{tr}(\Sigma\Omega)+\sigma^2)}{n}I\bigr)^{-1}",
    r"Q_0=-2\operatorname{diag}(\Gamma,0)",
    r"\min f=\operatorname{tr}(\Sigma\Omega)-\operatorname{tr}(\Sigma\Gamma\Sigma\Omega)",
)
def relu_minimum() -> Iterator[dict[str, Any]]:
    """The same for ReLU attention; Γ: half of the minimizer of ``theory``."""
    for task, point in general_tasks(single_layer.RELU):
        yield {**point, "Q_0": stated_layer(task, single_layer.minimizer(task, single_layer.RELU))[1]}


@compares("relu_attention_minimizer", r"Q_0=-\frac{2n}{2(d+2)+(n-1)}\operatorname{diag}(I,0)")
@compares(
    "relu_attention_minimizer relu_attention_minimizer_general_task global_minimizer_general_task",
    r"P_0=\operatorname{diag}(0,1)",
)
def relu_minimizer() -> Iterator[dict[str, Any]]:
    """P_0, Q_0: the sparse layer with the minimizer that ``theory`` derives for ReLU attention."""
    for d, n in SIZES:
        task = isotropic(d, n)
        P, Q = stated_layer(task, single_layer.minimizer(task, single_layer.RELU))
        yield {"P_0": P, "Q_0": Q, "I": identity(d), "d": d, "n": n, DIAG: block_diagonal(d)}


@compares("relu_attention_minimizer_general_task", r"\frac{d(2d+3)}{n+2d+3}")
def isotropic_relu_minimum() -> Iterator[dict[str, Any]]:
    """The minimum for ReLU attention at Σ = Ω = I, by ``theory``."""
    for d, n in SIZES:
        yield {"d": d, "n": n, "=": single_layer.minimum(isotropic(d, n), single_layer.RELU)}


@compares("relu_attention_minimizer_general_task", r"\frac{d+1}{2d+3}\,n")
def examples_of_linear_attention() -> Iterator[dict[str, Any]]:
    """The context length at which linear attention loses what ReLU attention loses at n, where it is an integer."""
    for d, k in ((1, 1), (2, 1), (2, 3), (3, 2)):
        n = (2 * d + 3) * k
        least = single_layer.minimum(isotropic(d, n), single_layer.RELU)

        def loses_as_much(few: fmpq, d: int = d, least: fmpq = least) -> bool:
            return few.q == 1 and few > 0 and single_layer.minimum(isotropic(d, int(few))) == least

        yield {"d": d, "n": n, "=": loses_as_much}
