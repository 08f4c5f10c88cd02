"""Sparse layers on 𝒮 = {A_l = a_lΣ^{-1}}: the set, derivatives there, losses, orthogonal polynomials."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flint import fmpq, fmpq_mat, fmpq_poly

from icl_claims.theory.algebra import exact
from icl_claims.theory.algebra.orthogonal_polynomials import monic, recurrence
from icl_claims.theory.loops.descent import descent_loss
from icl_claims.theory.loops.step import looped_step_loss
from icl_claims.theory.many_layers.directions import directional_derivatives, reduced_direction
from icl_claims.theory.many_layers.loss_variance import loss_variance
from icl_claims.theory.many_layers.matrix_layers import layered_gradient, layered_loss
from icl_claims.theory.many_layers.step_sizes import loss_of_steps, optimal_steps, residual
from icl_claims.theory.task import RegressionTask, isotropic
from icl_claims.theory.wishart import trace_moments
from tests.claims.formulas.minimizers import rotated_tasks
from tests.claims.formulas.points import SIZES, Gaussians, Points, S, identity, integrated, mean
from tests.claims.formulas.table import compares
from tests.claims.formulas.values import Matrix, plus, times


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
        others = (
            [inside[0], inside[1] + exact.identity(d)],
            [inside[0] * 2, inside[1]],
            [sigma * x for x in a],
        )
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
        best = [-f[0] / f[1] for f, _ in optimal_steps(isotropic(d, n), layers).polynomial.factor()[1]]
        other = [x + fmpq(1, 5) for x in best]
        for points in ((best, other), (other,)):
            yield {
                r"\inf": least_squared_gradient(task, points),
                "l∈": range(layers),
                "true": len(points) == 2,
            }


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


@compares("invariant_direction_reduction", r"\tilde R_l=r_l\Sigma^{-1}")
@compares("invariant_direction_reduction", r"r_l=\frac1d\operatorname{tr}(\Sigma^{1/2}R_l\Sigma^{1/2})")
def reduced() -> Iterator[dict[str, Any]]:
    r"""\tilde R_l: the reduced direction of ``theory``; r_l: the derivative of f in the direction R_l over that in the
    direction Σ^{-1}, at a point of 𝒮; Σ^{1/2}: rational."""
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


@compares(
    "loss_against_depth_minima loss_against_context_length_minima",
    r"A_l=a_l\Sigma^{-1}",
    r"A_l=a\Sigma^{-1}",
)
def preconditioned_layers() -> Iterator[dict[str, Any]]:
    """A_l: what aI in whitened coordinates is without whitening: two such layers lose what ``theory`` gives for two
    steps a of preconditioned gradient descent."""
    for d, n in SIZES:
        a, root = fmpq(-3, 2), Points(d).definite(d)
        task, A = RegressionTask.whitened(root * root, n), root.inv() * a * root.inv()
        if layered_loss(task, [A, A]) != looped_step_loss(isotropic(d, n), 2)(a):
            raise ValueError("the layers are no steps of preconditioned gradient descent")
        yield {"A_l": Matrix(A), "a_l": a, "a": a, r"\Sigma": Matrix(task.covariance)}


@compares("loss_against_depth_minima loss_against_context_length_minima", "A_l=aI")
def plain_layers() -> Iterator[dict[str, Any]]:
    """A_l: a matrix with which two layers lose what ``theory`` gives for two steps a of gradient descent."""
    for d, n in SIZES:
        a, task = fmpq(-3, 2), RegressionTask.whitened(Points(d).definite(d), n)
        A = exact.diagonal([a] * d)
        if layered_loss(task, [A, A]) != descent_loss(task, 2)(a):
            raise ValueError("the layers are no steps of gradient descent")
        yield {"A_l": Matrix(A), "a": a, "I": identity(d)}


@compares(
    "optimal_steps_global_minimum optimal_looped_step_unique sampled_loss_heavy_tails",
    r"f=\int\prod_l(1-a_ls)^2\,d\mu(s)",
)
def loss_on_scaled_set() -> Iterator[dict[str, Any]]:
    """f: the loss of layers with the matrices a_lΣ^{-1}, by words, Σ not diagonal; μ: by its moments."""
    for d, n in SIZES:
        task = RegressionTask.whitened(Points(d).definite(d), n)
        for a in ([fmpq(2, 3)], [fmpq(-1, 2), fmpq(3, 5)]):
            f = layered_loss(task, [task.task_covariance * x for x in a])
            yield {"f": f, "a_": a, "s": S, "l∈": range(len(a)), r"\int": integrated(d, n)}


@compares("optimal_looped_step_unique", r"f(a)=\int(1-as)^{2L}\,d\mu(s)")
@compares("optimal_looped_step_unique", r"f''(a)=2L(2L-1)\int s^2(1-as)^{2L-2}\,d\mu(s)>0")
def loss_of_equal_steps() -> Iterator[dict[str, Any]]:
    """f: the loss of L layers with aΣ^{-1}, by words; f'': of the polynomial through its values."""
    for d, n, L in ((1, 1, 1), (2, 1, 2), (2, 3, 1), (3, 2, 2), (1, 60, 2)):
        task = RegressionTask.whitened(Points(d).definite(d), n)
        at = [layered_loss(task, [task.task_covariance * k] * L) for k in range(2 * L + 1)]
        f = interpolated(at)
        # For long contexts the curvature at a = 1 is less than 1.
        for a in (fmpq(-1, 2), fmpq(2, 7), fmpq(1)):
            second = f.derivative().derivative()(a)
            yield {
                **{"f": lambda a, f=f: f(a), "f''": lambda _, second=second: second, "a": a, "L": L, "s": S},
                r"\int": integrated(d, n),
            }


def interpolated(values: list[fmpq]) -> fmpq_poly:
    """The polynomial with these values at 0, 1, 2, …"""
    size = len(values)
    vandermonde = fmpq_mat([[fmpq(x) ** k for k in range(size)] for x in range(size)])
    solution: Any = vandermonde.solve(fmpq_mat([[value] for value in values]))
    return fmpq_poly(solution.entries())


def orthogonal(d: int, n: int, size: int) -> tuple[list[fmpq_poly], list[fmpq]]:
    """π_0, …, π_N and h_0, …, h_{N−1} of μ: those of W, in units of n."""
    alphas, betas = recurrence(trace_moments(2 * size, d, n), size)
    h, norms = fmpq(1), []
    for k, beta in enumerate(betas):
        h *= beta
        norms.append(h / n ** (2 * k))
    return [p(fmpq_poly([0, n])) / n**k for k, p in enumerate(monic(alphas, betas))], norms


@compares("optimal_steps_global_minimum", r"1/\sum_{k\le L}\pi_k(0)^2/h_k")
def minimum_by_polynomials() -> Iterator[dict[str, Any]]:
    """The minimum on 𝒮 by ``theory``, at the optimal steps; π_k, h_k: orthogonal polynomials of μ and their norms."""
    for d, n in SIZES:
        p, h = orthogonal(d, n, 6)
        for L in (1, 2, 3):
            value = optimal_steps(isotropic(d, n), L).loss
            values = lambda k, p=p: lambda x: p[k](x)  # noqa: E731
            yield {r"\pi_": values, "h_": h, "k∈": range(6), "L": L, "=": value}


@compares("optimal_steps_global_minimum", r"h_k=\int\pi_k^2\,d\mu")
def norms_of_polynomials() -> Iterator[dict[str, Any]]:
    """π_k, h_k: from the recurrence of the orthogonal polynomials of μ."""
    for d, n in SIZES:
        p, h = orthogonal(d, n, 4)
        for k in range(4):
            yield {r"\pi_k": p[k], "h_k": h[k], r"\int": integrated(d, n)}


@dataclass(frozen=True)
class Measure:
    """A weight times μ."""

    weight: fmpq_poly

    def __rmul__(self, factor: Any) -> Measure:
        return Measure(factor * self.weight)


@compares("optimal_steps_global_minimum", r"s\,d\mu(s)")
def measure_of_the_steps() -> Iterator[dict[str, Any]]:
    """The measure, positive, for which the residual at the optimal steps is orthogonal to lower degrees."""
    for d, n in SIZES:
        integral = integrated(d, n)
        q = optimal_steps(isotropic(d, n), 3).residual

        def is_orthogonal(measure: Measure, q: fmpq_poly = q, integral: Any = integral) -> bool:
            products = [integral(q * measure.weight * S**j) for j in range(3)]
            return not any(products) and integral(measure.weight) > 0

        yield {"s": S, r"d\mu(s)": Measure(fmpq_poly([1])), "=": is_orthogonal}


@compares("sampled_loss_heavy_tails", r"v=\operatorname{tr}\prod_l(I-a_lS)^2")
def one_prompt_estimator() -> Iterator[dict[str, Any]]:
    """v: Σ q(λ)^2 over the eigenvalues λ of S, q the residual of ``theory``."""
    for _, point in rotated_tasks():
        a = [fmpq(2, 3), fmpq(-1, 5)]
        v = sum((residual(a)(x) ** 2 for x in point[r"\lambda"]), fmpq(0))
        yield {"v": v, "a_": a, "S": point[r"\Sigma"], "I": point["I"], "l∈": range(2)}


@compares("sampled_loss_heavy_tails", r"\operatorname{Var}v/(\mathbb Ev)^2")
def relative_variance() -> Iterator[dict[str, Any]]:
    """v: entry by entry, for one layer; its relative variance: by the exact variance of ``theory``."""
    for d, n in ((1, 1), (1, 2), (2, 1)):
        a = fmpq(2, 3)
        X = Gaussians(d * n).matrix(d, n)
        factor = plus(identity(d), times(fmpq(-a, n), X @ X.T))
        yield {
            **{"v": (factor @ factor).trace(), r"\mathbb E": mean},
            r"\operatorname{Var}": lambda v: mean(v * v) - mean(v) ** 2,
            "=": loss_variance(isotropic(d, n), [a]) / loss_of_steps(isotropic(d, n), [a]) ** 2,
        }
