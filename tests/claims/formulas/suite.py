r"""What the symbols mean in the suite's own propositions, theory: their values at exact points."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import product
from typing import Any

from flint import fmpq, fmpq_mat, fmpq_poly

from icl_claims.theory.algebra import exact
from icl_claims.theory.algebra.orthogonal_polynomials import monic, recurrence
from icl_claims.theory.many_layers import gdpp
from icl_claims.theory.many_layers.critical_points import critical_points_by_index
from icl_claims.theory.many_layers.looped_loss import layered_gradient, layered_hessian, layered_loss
from icl_claims.theory.many_layers.loss_variance import loss_variance
from icl_claims.theory.many_layers.step_sizes import looped_loss, loss_of_steps, optimal_steps, residual
from icl_claims.theory.one_layer import relu_attention, single_layer
from icl_claims.theory.one_layer.exchanged_roles import exchanged_critical_point
from icl_claims.theory.task import RegressionTask
from icl_claims.theory.wishart import spectral_moments, trace_moments
from icl_claims.theory.wishart.zonal import trace_moment_zonal
from tests.claims.formulas.ahn2023 import relaxed_layer, relu_layer, rotated_tasks, stated_layer
from tests.claims.formulas.evaluate import Matrix, holds, parse, plus, times
from tests.claims.formulas.table import (
    SIZES,
    Gaussians,
    Points,
    at_numbers,
    block_diagonal,
    compares,
    family,
    identity,
    integrated,
    mean,
    rows,
    unit,
)

DIAG = r"\operatorname{diag}"
S = fmpq_poly([0, 1])
"""s, the variable of integration."""


# Wishart moments.


@compares("wishart_trace_recurrence", "s=d+n", "p=dn", "m_1=p", "m_2=p(s+1)", "m_3=p(s^2+p+3s+4)")
@compares(
    "wishart_trace_recurrence",
    r"(k+1)m_k-(4k-1)(s-1)m_{k-1}+[-5k^3+16k^2-13k+1+(12-8k)p+(6k-9)s^2+(12-8k)s]\,m_{k-2}"
    r"+(s-1)[10k^3-68k^2+150k-107+(16k-44)p+(11-4k)s^2]\,m_{k-3}"
    r"+(k-4)[(k-2)^2-(d-n)^2][(2k-7)^2-(d-n)^2]\,m_{k-4}=0",
)
def moments_of_traces() -> Iterator[dict[str, Any]]:
    """m_k: E tr W^k by zonal polynomials, a route without the recurrence; s, p: the sum and the product of the sizes."""
    for d, n in (*SIZES, (4, 3)):
        m = [fmpq(d), *(fmpq(trace_moment_zonal(k, d, n)) for k in range(1, 9))]
        for k in range(4, 9):
            yield {"m_": lambda i, m=m: m[i], "d": d, "n": n, "s": sum((d, n)), "p": d * n, "k": k}


@compares("wishart_trace_recurrence", r"k\ge4")
def orders_of_the_recurrence() -> Iterator[dict[str, Any]]:
    """k: an order at which all moments of the recurrence, m_k to m_{k−4}, are moments of order at least 0."""
    for k in range(8):
        yield {"k": k, "true": k in range(8)[4:]}


@compares("wishart_trace_recurrence", r"m_k=\mathbb E\operatorname{tr}W^k")
@compares("two_layer_symmetric_minimizer_scalar", r"m_k=\mathbb E\operatorname{tr}S^k")
def expected_traces() -> Iterator[dict[str, Any]]:
    """W = XX^⊤, S = W/n, entry by entry; m_k: the moments of ``theory``, of W in one table and of S in the other."""
    for d, n in ((1, 2), (2, 1), (2, 2)):
        X = Gaussians(d * n).matrix(d, n)
        W = X @ X.T
        of_w, of_s = trace_moments(3, d, n), spectral_moments(3, d, n)
        for k in (1, 2, 3):
            yield {"W": W, "S": W, "k": k, "m_k": of_w[k], r"\mathbb E": mean}
            if n == 1:
                # There S = W, and the two moments are one.
                yield {"W": W, "S": W, "k": k, "m_k": of_s[k], r"\mathbb E": mean}


@compares("wishart_covariance_operator", "W=XX^\\top")
@compares(
    "wishart_covariance_operator",
    r"p_\nu=\prod_{r\in\nu}\operatorname{tr}\Sigma^r",
    r"p_\rho(W)=\prod_{r\in\rho}\operatorname{tr}W^r",
)
def power_sums() -> Iterator[dict[str, Any]]:
    """W: n times the S of ``theory``; p: products of power sums of eigenvalues, which Σ and W have by construction."""
    for task, point in rotated_tasks():
        d, n = task.dim, task.context_length
        X = Matrix(Points(n).matrix(d, n))
        W = times(fmpq(n), at_numbers(single_layer.S, d, n, {"X": X}))
        yield {**point, "X": X, "W": W, **sums_of(point, (2, 1), W)}
        yield {**point, "X": X, "W": W, **sums_of(point, (3, 1, 1), W)}


def sums_of(point: dict[str, Any], parts: tuple[int, ...], W: Matrix) -> dict[str, Any]:
    """p_ν from the eigenvalues of Σ, p_ρ from those of W, as the coefficients of its characteristic polynomial give them."""
    of_sigma = [sum((x**r for x in point[r"\lambda"]), fmpq(0)) for r in parts]
    of_w = [newton_sum(fmpq_mat(rows(W)).charpoly(), r) for r in parts]
    whole, other = fmpq(1), fmpq(1)
    for x, y in zip(of_sigma, of_w, strict=True):
        whole, other = whole * x, other * y
    nu = tuple(map(fmpq, parts))
    return {r"p_\nu": whole, r"p_\rho": lambda _: other, r"\nu": nu, r"\rho": nu}


def newton_sum(characteristic: fmpq_poly, r: int) -> fmpq:
    """The r-th power sum of the roots, by Newton's identities."""
    c = characteristic.coeffs()[::-1]
    sums: list[fmpq] = []
    for k in range(1, r + 1):
        own = -k * (c[k] if k < len(c) else fmpq(0))
        sums.append(own - sum((c[i] * sums[k - i - 1] for i in range(1, min(k, len(c)))), fmpq(0)))
    return sums[-1]


@compares(
    "wishart_covariance_operator",
    r"T(\Sigma^ip_\nu)=(n+i)\Sigma^{i+1}p_\nu+\sum_{m=1}^ip_m\Sigma^{i+1-m}p_\nu"
    r"+\sum_{r\in\nu}2r\,\Sigma^{i+r+1}p_{\nu\setminus r}",
)
def operator_on_powers() -> Iterator[dict[str, Any]]:
    """T: nΣH + 2Σ(∂_Σ Σ)H, the derivative along each symmetric direction, at H = Σ^ip_ν; p_m: tr Σ^m."""
    for d, n, i, nu in ((1, 1, 0, (1,)), (1, 2, 2, (2,)), (2, 1, 2, (3,)), (2, 3, 1, (2, 1)), (3, 2, 3, (2,))):
        sigma = Points(d).definite(d)
        own = Matrix(sigma)
        operator = knowing(times(traces(own, nu), power(own, i)), by_derivative(sigma, n, i, nu))
        yield {
            **{"n": n, "d": d, "i": i, r"\Sigma": own, r"\nu": tuple(map(fmpq, nu)), "T": operator},
            "p_": lambda place, own=own: traces(own, place),
        }


def knowing(argument: Matrix, value: Matrix) -> Any:
    """An operator that is known at one argument."""

    def operator(H: Any) -> Matrix:
        if H != argument:
            raise ValueError("the operator is known at another argument only")
        return value

    return operator


def traces(matrix: Matrix, place: Any) -> Any:
    """∏ tr of the powers in a tuple, or the trace of one power."""
    value: Any = fmpq(1)
    for r in place if isinstance(place, tuple) else (place,):
        value = value * power(matrix, int(r)).trace()
    return value


def power(matrix: Matrix, k: int) -> Matrix:
    """The k-th power."""
    result = identity(matrix.shape[0])
    for _ in range(k):
        result = result @ matrix
    return result


def by_derivative(sigma: fmpq_mat, n: int, i: int, nu: tuple[int, ...]) -> Matrix:
    """(TH)_{xz} = n(ΣH)_{xz} + 2 Σ_{aby} Σ_{xa}Σ_{by} ∂_{ab}H_{yz}, with ∂_{ab}Σ_{cd} = ½(δ_acδ_bd + δ_adδ_bc)."""
    d, t = sigma.nrows(), fmpq_poly([0, 1])

    def value(matrix: Matrix) -> Matrix:
        return times(traces(matrix, nu), power(matrix, i))

    own = Matrix(sigma)
    total = times(fmpq(n), own @ value(own))
    for a, b in product(range(d), repeat=2):
        half = fmpq(1, 2)
        direction = plus(times(half, unit(d, a + 1, b + 1)), times(half, unit(d, b + 1, a + 1)))
        along = value(plus(own.map(lambda x: fmpq_poly([x])), times(t, direction)))
        slope = along.map(lambda x: fmpq_poly([x])[1] if isinstance(x, fmpq) else x[1])
        total = plus(total, times(fmpq(2), own @ unit(d, a + 1, b + 1) @ own @ slope))
    return total


@compares("wishart_covariance_operator", r"\mathbb E[W^{j+1}p_\rho(W)]=T\,\mathbb E[W^jp_\rho(W)]")
def operator_on_moments() -> Iterator[dict[str, Any]]:
    r"""E: entry by entry; T: as in :func:`operator_on_powers`, term by term on E[W^jp_ρ(W)] in the Σ^ip_ν, which
    integration by parts gives."""
    for d, n, j, rho in ((1, 1, 1, (1,)), (1, 2, 0, (2,)), (2, 1, 1, (1,)), (2, 1, 0, (2,)), (2, 2, 2, ())):
        factor = Points(d).matrix(d, d)
        X = Matrix(factor) @ Gaussians(d * n).matrix(d, n)
        moment = mean(times(traces(X @ X.T, rho), power(X @ X.T, j)))
        operator = knowing(moment, image_of_moment(factor * factor.transpose(), n, j, rho))
        yield {
            **{"W": X @ X.T, "j": j, r"\mathbb E": mean, "n": n, "d": d, "T": operator},
            r"p_\rho": lambda W, rho=rho: traces(W, rho),
        }


def image_of_moment(sigma: fmpq_mat, n: int, j: int, rho: tuple[int, ...]) -> Matrix:
    """T E[W^jp_ρ(W)]."""
    from tests.claims.suite.test_claim_wishart_covariance_operator import expected

    total = Matrix(fmpq_mat(sigma.nrows(), sigma.nrows()))
    task = RegressionTask(sigma, n)
    for (closed, word), coefficient in expected(j, rho).terms.items():
        number = single_layer.at_task(single_layer.one() * coefficient, task, {})[0, 0]
        image = by_derivative(sigma, n, len(word), tuple(len(part) for part in closed))
        total = plus(total, times(number, image))
    return total


@compares("wishart_covariance_operator", r"j\ge0")
def orders_of_the_operator() -> Iterator[dict[str, Any]]:
    """j: an order at which W^j is a polynomial in the entries of W."""
    for j in range(-2, 4):
        yield {"j": j, "true": j in range(4)}


# Steps on 𝒮.


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
    for d, n, L in ((1, 1, 1), (2, 1, 2), (2, 3, 1), (3, 2, 2)):
        task = RegressionTask.whitened(Points(d).definite(d), n)
        at = [layered_loss(task, [task.task_covariance * k] * L) for k in range(2 * L + 1)]
        f = interpolated(at)
        for a in (fmpq(-1, 2), fmpq(2, 7)):
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
            value = optimal_steps(d, n, L).loss
            values = lambda k, p=p: lambda x: p[k](x)  # noqa: E731
            yield {r"\pi_": values, "h_": h, "k∈": range(6), "L": L, "=": value}


@compares("optimal_steps_global_minimum", r"h_k=\int\pi_k^2\,d\mu")
def norms_of_polynomials() -> Iterator[dict[str, Any]]:
    """π_k, h_k: from the recurrence of the orthogonal polynomials of μ."""
    for d, n in SIZES:
        p, h = orthogonal(d, n, 4)
        for k in range(4):
            yield {r"\pi_k": p[k], "h_k": h[k], r"\int": integrated(d, n)}


@compares("optimal_steps_global_minimum", r"s\,d\mu(s)")
def weight_of_the_steps() -> Iterator[dict[str, Any]]:
    """The weight, as a factor before dμ, for which the residual at the optimal steps is orthogonal to lower degrees."""
    for d, n in SIZES:
        integral = integrated(d, n)
        q = optimal_steps(d, n, 3).residual

        def is_orthogonal(weight: Any, q: fmpq_poly = q, integral: Any = integral) -> bool:
            return all(integral(q * weight * S**j) == 0 for j in range(3))

        yield {"s": S, r"d\mu(s)": fmpq_poly([1]), "=": is_orthogonal}


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
            "=": loss_variance([a], d, n) / loss_of_steps([a], d, n) ** 2,
        }


@compares("critical_points_attained", "L-k")
def indices() -> Iterator[dict[str, Any]]:
    """An index that ``theory`` gives to as many critical points as there are maps of the L layers onto k blocks."""
    for L in (1, 2, 3, 4):
        for k in range(1, L + 1):
            onto = sum(len(set(x)) == k for x in product(range(k), repeat=L))
            by_index = critical_points_by_index(L)
            yield {"L": L, "k": k, "=": lambda i, onto=onto, by=by_index, L=L, k=k: by.get(int(i)) == onto and has_blocks(L, int(i), k)}


def has_blocks(layers: int, index: int, blocks: int) -> bool:
    """The index has a place of its own: places in the list run as the numbers of blocks do, the most blocks first."""
    return list(critical_points_by_index(layers)).index(index) == list(range(layers, 0, -1)).index(blocks)


@compares("critical_points_attained critical_points_local_minimum", "L!")
def minimisers_on_scaled_set() -> Iterator[dict[str, Any]]:
    """How many critical points of index 0 ``theory`` counts."""
    for L in (1, 2, 3, 4, 5):
        yield {"L": L, "=": critical_points_by_index(L)[0]}


@compares("critical_points_attained", "1,3,13,75")
def numbers_of_critical_points() -> Iterator[dict[str, Any]]:
    """How many critical points ``theory`` counts for L = 1, 2, 3, 4."""
    yield {"=": tuple(sum(critical_points_by_index(L).values()) for L in (1, 2, 3, 4))}


@compares("critical_points_local_minimum_two_layers", "2d^2")
@compares("critical_points_local_minimum", "Ld^2")
def entries_of_the_hessian() -> Iterator[dict[str, Any]]:
    """How many rows the Hessian of ``theory`` in all matrix entries has, for two layers."""
    for d, n in ((1, 2), (2, 1), (3, 1)):
        task = RegressionTask.isotropic(d, n)
        yield {"d": d, "n": n, "L": 2, "=": layered_hessian(task, [exact.identity(d)] * 2).nrows()}


# Two symmetric layers.


def two_steps(d: int, n: int) -> dict[str, Any]:
    """e, p: sum and product of the two optimal steps of ``theory``; m_k: the moments; f^⋆: the minimum; I."""
    best = optimal_steps(d, n, 2)
    e, p = -best.polynomial[1], best.polynomial[0]
    moments = spectral_moments(4, d, n)
    return {"e": e, "p": p, "m_": moments, r"f^\star": best.loss, "I": identity(d), "d": d, "n": n}


@compares(
    "two_layer_symmetric_minimizer_scalar",
    r"e=\frac{m_1m_4-m_2m_3}{m_2m_4-m_3^2}",
    r"p=\frac{m_1m_3-m_2^2}{m_2m_4-m_3^2}",
    r"f^\star=m_0-e\,m_1+p\,m_2",
)
def sum_and_product_of_steps() -> Iterator[dict[str, Any]]:
    """See :func:`two_steps`."""
    for d, n in SIZES:
        yield two_steps(d, n)


@compares("two_layer_symmetric_minimizer_scalar", "z^2-ez+p")
def polynomial_of_steps() -> Iterator[dict[str, Any]]:
    """The monic polynomial of ``theory`` whose roots are the optimal steps, at z."""
    for d, n in SIZES:
        for z in (fmpq(0), fmpq(2, 3), fmpq(-4)):
            yield {**two_steps(d, n), "z": z, "=": optimal_steps(d, n, 2).polynomial(z)}


def rational_pairs() -> Iterator[tuple[RegressionTask, fmpq, fmpq]]:
    """Sizes at which the two optimal steps are rational, with them."""
    for d, n in ((1, 4), (1, 14), (4, 1)):
        roots = [-f[0] / f[1] for f, _ in optimal_steps(d, n, 2).polynomial.factor()[1]]
        yield (RegressionTask.isotropic(d, n), *roots)


@compares("two_layer_symmetric_minimizer_scalar", "(aI,bI)", "(bI,aI)")
def minimising_pairs() -> Iterator[dict[str, Any]]:
    """a, b: the two steps, rational at these sizes. The pair loses the minimum, and its gradient is 0."""
    for task, a, b in rational_pairs():

        def is_minimiser(pair: Any, task: RegressionTask = task) -> bool:
            matrices = [fmpq_mat(rows(m)) for m in pair]
            slopes = layered_gradient(task, matrices)
            least = optimal_steps(task.dim, task.context_length, 2).loss
            return layered_loss(task, matrices) == least and not any(x for m in slopes for x in m.entries())

        yield {"a": a, "b": b, "I": identity(task.dim), "=": is_minimiser}


@compares("two_layer_symmetric_minimizer_scalar", r"a\ne b")
def different_steps() -> Iterator[dict[str, Any]]:
    """a, b: as in :func:`minimising_pairs`."""
    for _, a, b in rational_pairs():
        yield {"a": a, "b": b}


# One layer.


def general_tasks(keep: Any = None) -> Iterator[tuple[RegressionTask, dict[str, Any]]]:
    """Tasks with any Σ, Ω and σ², and what the letters mean; Γ and min f by ``theory``, for linear or ReLU attention."""
    for d, n in SIZES:
        points = Points(n)
        low = points.matrix(d, 1)
        for omega in (points.definite(d), low * low.transpose()):
            task = RegressionTask(points.definite(d), n, omega, fmpq(2, 3))
            if keep is None:
                gamma, least = single_layer.minimizer(task), single_layer.minimum(task)
            else:
                # The record writes Q_0 = −2 diag(Γ, 0): its Γ is half of the minimiser.
                gamma, least = relu_attention.minimizer(task) / 2, relu_attention.minimum(task)
            yield (
                task,
                {
                    **{r"\Sigma": Matrix(task.covariance), r"\Omega": Matrix(omega), r"\sigma^2": task.noise_variance},
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
    """Γ, min f: by ``theory``, from the moments of the prompt; without label noise in Σ and Ω where it is singular."""
    for task, point in general_tasks():
        yield {**point, "Q_0": stated_layer(task, single_layer.minimizer(task))[1]}


@compares(
    "relu_attention_minimizer_general_task",
    r"\Gamma=\Omega\bigl(\frac{n+3}{n}\Sigma\Omega+\frac{2(\operatorname{tr}(\Sigma\Omega)+\sigma^2)}{n}I\bigr)^{-1}",
    r"Q_0=-2\operatorname{diag}(\Gamma,0)",
    r"\min f=\operatorname{tr}(\Sigma\Omega)-\operatorname{tr}(\Sigma\Gamma\Sigma\Omega)",
)
def relu_minimum() -> Iterator[dict[str, Any]]:
    """The same for ReLU attention; Γ: half of the minimiser of ``theory``."""
    for task, point in general_tasks(relu_attention.RELU):
        yield {**point, "Q_0": stated_layer(task, relu_attention.minimizer(task))[1]}


@compares(
    "relu_attention_minimizer_general_task global_minimizer_general_task",
    r"\operatorname{tr}(\Sigma\Omega)+\sigma^2>0",
)
def labels_that_vary() -> Iterator[dict[str, Any]]:
    """Whether ``theory`` has a minimiser to give: it refuses tasks with labels that are all 0."""
    first, second = exact.diagonal([1, 0]), exact.diagonal([0, 1])
    for sigma, omega, noise in ((first, first, 0), (first, second, 0), (first, second, fmpq(1, 9)), (first, first, 1)):
        task = RegressionTask(sigma, 2, omega, noise)
        try:
            single_layer.minimizer(task)
            defined = True
        except ValueError:
            defined = False
        yield {r"\Sigma": Matrix(sigma), r"\Omega": Matrix(omega), r"\sigma^2": fmpq(noise), "true": defined}


@compares("relu_attention_minimizer_general_task", r"\frac{d(2d+3)}{n+2d+3}")
def isotropic_relu_minimum() -> Iterator[dict[str, Any]]:
    """The minimum for ReLU attention at Σ = Ω = I, by ``theory``."""
    for d, n in SIZES:
        yield {"d": d, "n": n, "=": relu_attention.minimum(RegressionTask.isotropic(d, n))}


@compares("relu_attention_minimizer_general_task", r"\frac{d+1}{2d+3}\,n")
def examples_of_linear_attention() -> Iterator[dict[str, Any]]:
    """The context length with which linear attention loses what ReLU attention loses with n, where both are integers."""
    for d, k in ((1, 1), (2, 1), (2, 3), (3, 2)):
        n = (2 * d + 3) * k
        least = relu_attention.minimum(RegressionTask.isotropic(d, n))

        def loses_as_much(few: fmpq, d: int = d, least: fmpq = least) -> bool:
            return few.q == 1 and few > 0 and single_layer.minimum(RegressionTask.isotropic(d, int(few))) == least

        yield {"d": d, "n": n, "=": loses_as_much}


@compares("relu_attention_drops_examples", r"\frac12")
def chance_of_an_example() -> Iterator[dict[str, Any]]:
    """ρ, the chance at which ``theory`` has the loss of ReLU attention."""
    yield {"=": fmpq(relu_attention.RELU.numerator, relu_attention.RELU.denominator)}


@compares("relu_attention_drops_examples", r"\frac1n\sum_i\kappa_i\,(b^\top z_i)(z_i^\top Ax_q)")
def query_entry_of_relu() -> Iterator[dict[str, Any]]:
    """The query entry of ReLU attention over n; κ_i: 1 where the score of example i is positive, else 0."""
    for d, n in SIZES:
        point, entry = relu_prompt(d, n)
        yield {**point, "=": entry / n, "i∈": range(1, n + 1)}


@compares("relu_attention_drops_examples", r"\kappa_i\in\{0,1\}")
def coins() -> Iterator[dict[str, Any]]:
    """κ_i: by how much σ multiplies the score s of an example, σ(s)/s; other numbers than these are no values of it."""
    values = {max(score, fmpq(0)) / score for score in (fmpq(-2, 3), fmpq(5, 7))}
    for value in (fmpq(-1), fmpq(0), fmpq(1, 2), fmpq(1), fmpq(2)):
        yield {r"\kappa_i": value, "true": value in values}


@compares("relu_attention_drops_examples", r"\frac1n")
def share_of_an_example() -> Iterator[dict[str, Any]]:
    """The query entry over n, as a multiple of what the examples with positive scores contribute."""
    for d, n in SIZES:
        point, entry = relu_prompt(d, n)
        yield {"d": d, "n": n, "=": entry / n / entry}


def relu_prompt(d: int, n: int) -> tuple[dict[str, Any], fmpq]:
    """b, A, x_q, z_i and κ_i of a layer on a prompt, and the entry [Attn^σ]_{d+1,n+1} that is not 0."""
    points = Points(11 * d + n)
    P, Q = (points.matrix(d + 1, d + 1) for _ in range(2))
    Z = points.matrix(d + 1, n + 1).tolist()
    Z[d][n] = fmpq(0)
    state = fmpq_mat(Z)
    entry = relu_layer(P, Q, state)[r"\operatorname{Attn}^\sigma"](None).rows[d][n]
    z = [Matrix.column([Z[a][i] for a in range(d + 1)]) for i in range(n)]
    A = Matrix([row[:d] for row in Q.tolist()])
    x_q = Matrix.column([Z[a][n] for a in range(d)])
    coins = [fmpq(int((token.T @ A @ x_q).rows[0][0] > 0)) for token in z]
    if entry == 0:
        flipped = fmpq_mat([[-x for x in row[:n]] + [row[n]] for row in Z])
        z = [token.map(lambda x: -x) for token in z]
        entry = relu_layer(P, Q, flipped)[r"\operatorname{Attn}^\sigma"](None).rows[d][n]
        coins = [1 - coin for coin in coins]
    b = Matrix.column(P.tolist()[d])
    more = {"z_": family(z, 1), r"\kappa_": family(coins, 1)}
    return {"b": b, "A": A, "x_q": x_q, "n": n, "d": d, **more}, entry


@compares("assumption:symmetric_examples", "-z_i")
def reflected_token() -> Iterator[dict[str, Any]]:
    """The token at which the value b^⊤z and the score z^⊤Ax_q of ``theory`` have the other sign, for all b and A."""
    for d in (1, 2, 3):
        z = Matrix(Points(d).matrix(d + 1, 1))

        def is_reflected(other: Matrix, z: Matrix = z, d: int = d) -> bool:
            return token_numbers(other, d) == [-x for x in token_numbers(z, d)]

        yield {"z_i": z, "=": is_reflected}


def token_numbers(z: Matrix, d: int) -> list[fmpq]:
    """b^⊤z and z^⊤Ax_q in ``theory``, for a basis of b and for a generic A."""
    points = Points(5)
    w, x_q, a = (points.matrix(d, 1) for _ in range(3))
    x = fmpq_mat([[v] for v in z.entries()[:d]])
    noise = z.entries()[d] - (w.transpose() * x)[0, 0]
    values = {"x": x, "w": w, "e": fmpq_mat([[noise]]), "x_q": x_q, "a": a, "A_x": points.matrix(d, d)}
    found = [at_numbers(relu_attention.score(), d, 1, values).rows[0][0]]
    for k in range(d + 1):
        b = {"u": fmpq_mat([[int(i == k)] for i in range(d)]), "beta": fmpq_mat([[int(k == d)]])}
        found.append(at_numbers(relu_attention.value(), d, 1, {**values, **b}).rows[0][0])
    return found


# The set of minimisers.


@compares("global_minimizer_uniqueness global_minimizer_spurious_local_minima", r"ba_j^\top")
def products() -> Iterator[dict[str, Any]]:
    """The (d+1) × (d+1) matrix with the entries b_i a_{kj}, from b, the last row of P, and a_j, a column of Q."""
    for d in (1, 2, 3):
        b, a = Points(d).columns(d + 1, 2)
        entries = Matrix([[x * y for y in a.entries()] for x in b.entries()])
        yield {"b": b, "a_j": a, "=": entries}


@compares("global_minimizer_uniqueness assumption:rank_two_task", r"\operatorname{rank}\Omega\ge2")
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

        def agrees(name: str, pair: Any, task: RegressionTask = task, loss: fmpq = loss, b: fmpq_mat = b) -> bool:
            other, columns = pair
            moved = other.entries() != b.entries()
            return name == "(b,A)" and moved and single_layer.loss(task, other.entries(), rows(columns)) == loss

        yield {**point, "b": Matrix(b), "A": Matrix(A), r"\gamma": fmpq(-3, 2), r"\leftarrow": agrees}


@compares("global_minimizer_uniqueness", r"\gamma\ne0")
def factors() -> Iterator[dict[str, Any]]:
    """γ: a number by which A can be divided."""
    for gamma in (fmpq(-1), fmpq(0), fmpq(1), fmpq(2)):
        yield {r"\gamma": gamma, "true": bool(gamma)}


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
    r"\gamma_1=\frac{1}{\frac{n+1}{n}\lambda_1+\frac1n\sum_k\lambda_k}",
    r"f-\min f=\frac1{88}",
)
@compares("assumption:ill_conditioned", r"\lambda_1/\lambda_2=16")
def exchanged_point() -> Iterator[dict[str, Any]]:
    """See :func:`spurious`; f: the loss of the point."""
    yield spurious()[1]


@compares("global_minimizer_spurious_local_minima", r"A=-\gamma_1e_3e_1^\top")
def exchanged_columns() -> Iterator[dict[str, Any]]:
    """A is 3 × 2: e_3 is a unit vector of length 3, e_1 one of length 2."""
    yield {**spurious()[1], "e_": {1: unit(2, 1), 2: unit(2, 2), 3: unit(3, 3)}}


# Covariate updates.


def relaxed_points() -> Iterator[tuple[int, list[fmpq], list[fmpq], dict[str, Any]]]:
    """L, a, b, and p_l, r_l as polynomials in s: r_L from ``theory``, p_L as the next layer would have it."""
    for a, b in (([fmpq(-1, 2)], []), ([fmpq(-1, 2), fmpq(2, 3)], [fmpq(5, 7)]), ([fmpq(1, 3), fmpq(-2), fmpq(3, 5)], [fmpq(2), fmpq(-1, 4)])):
        more = [*b, fmpq(1)]
        p = gdpp.covariate_polynomials([*a, fmpq(1)], more)
        r = [fmpq_poly([1]), *(gdpp.residual(a[:k], b[: k - 1]) for k in range(1, len(a) + 1))]
        yield len(a), a, b, {"p_": p, "r_": r, "a_": a, "b_": more, "s": S, "L": len(a)}


@compares("gdpp_minimum_attained gdpp_norms_increase", "p_0=r_0=1")
@compares("gdpp_minimum_attained gdpp_norms_increase", r"r_{l+1}=r_l(1+a_lsp_l^2)")
@compares(
    "gdpp_minimum_attained gdpp_norms_increase covariate_update_conditioning_threshold",
    r"p_{l+1}=p_l(1+a_lb_lsp_l^2)",
)
def recursion() -> Iterator[dict[str, Any]]:
    """p_l, r_l: the polynomials of ``theory``, whose layers it multiplies out."""
    for L, _, _, point in relaxed_points():
        for l in range(L):  # noqa: E741
            yield {**point, "l": l}


@compares("gdpp_minimum_attained gdpp_norms_increase", r"f(a,b)=\int r_L(s)^2\,d\mu(s)")
def relaxed_loss() -> Iterator[dict[str, Any]]:
    """f: the loss of ``theory``; r_L: its residual."""
    for (L, a, b, point), (d, n) in product(relaxed_points(), SIZES):
        f = gdpp.loss(a, b, d, n)
        more = {"f": lambda *_, f=f: f, "a": tuple(a), "b": tuple(b), r"\int": integrated(d, n)}
        yield {**point, **more, "r_L": lambda s, r=point["r_"][L]: r(s)}


@compares("gdpp_minimum_attained gdpp_norms_increase", "3^L-1")
def degree_of_the_loss() -> Iterator[dict[str, Any]]:
    """The degree of r_L² in s."""
    for L, _, _, point in relaxed_points():
        yield {"L": L, "=": 2 * point["r_"][L].degree()}


@compares("covariate_update_conditioning_threshold", "(3^{l+1}-1)/2")
def degree_of_covariates() -> Iterator[dict[str, Any]]:
    """The degree of p_{l+1} in s."""
    for L, _, _, point in relaxed_points():
        for l in range(L):  # noqa: E741
            yield {"l": l, "=": point["p_"][l + 1].degree()}


@compares("gdpp_minimum_attained", "a_l=0", r"b_l=-\frac12")
@compares("gdpp_minimum_attained", r"a_{L-1}=-\frac{n}{n+d+1}")
def explicit_point() -> Iterator[dict[str, Any]]:
    """a_l, b_l: the point that ``theory`` proves critical, for l < L − 1."""
    for d, n in SIZES:
        for L in (2, 3):
            a, b = gdpp.explicit_critical_point(d, n, L)
            for l in range(L - 1):  # noqa: E741
                yield {"a_": a, "b_": b, "l": l, "L": L, "d": d, "n": n}


@compares("gdpp_minimum_attained", "l<L-1")
def layers_before_the_last() -> Iterator[dict[str, Any]]:
    """l: a layer at which the explicit point has a_l = 0."""
    for L in (1, 2, 3, 4):
        a, _ = gdpp.explicit_critical_point(2, 3, L)
        for l in range(L):  # noqa: E741
            yield {"l": l, "L": L, "true": a[l] == 0}


# What a layer does to the condition number.


def map_of_the_gram(gamma: fmpq) -> fmpq_poly:
    """s p_1(s)² for one layer with a_0b_0 = −γ: what the covariate update makes of an eigenvalue of the Gram matrix."""
    p = gdpp.covariate_polynomials([-gamma, fmpq(1)], [1])[1]
    return S * p * p


def of_matrix(polynomial: fmpq_poly, matrix: Matrix) -> Matrix:
    """p(M)."""
    value = fmpq_mat(*matrix.shape)
    for c in reversed(polynomial.coeffs()):
        value = value * fmpq_mat(rows(matrix)) + exact.identity(matrix.shape[0]) * c
    return Matrix(value)


@compares("covariate_update_conditioning_threshold", "X_l=p_l(S_0)X_0", r"S_{l+1}=\varphi(S_l)")
@compares("covariate_update_conditioning_threshold", r"\gamma=-a_lb_l")
def run_of_covariates() -> Iterator[dict[str, Any]]:
    """X_l, S_l: by the layers of ``theory``; φ: see :func:`map_of_the_gram`; γ: minus what the change of X_l has for a
    factor before S_lX_l."""
    for d, n in SIZES:
        a, b = [fmpq(-1, 2), fmpq(2, 3)], [fmpq(5, 7), fmpq(-1, 4)]
        X = [Matrix(Points(n + d).matrix(d, n + 1))]
        for step, share in zip(a, b, strict=True):
            X.append(relaxed_layer(d, n, times(step, identity(d)), times(share, identity(d)), X[-1])[0])
        context = [Matrix([row[:n] for row in x.rows]) for x in X]
        grams = [times(fmpq(1, n), x @ x.T) for x in context]
        p = gdpp.covariate_polynomials([*a, fmpq(1)], b)
        for l in (0, 1):  # noqa: E741
            shift = (X[l + 1].rows[0][0] - X[l].rows[0][0]) / (grams[l] @ X[l]).rows[0][0]
            yield {
                **{"a_l": a[l], "b_l": b[l], r"\gamma": -shift, "X_": X, "S_": grams, "l": l},
                "p_": lambda k, p=p: lambda m: of_matrix(p[k], m),
                r"\varphi": lambda m, g=-a[l] * b[l]: of_matrix(map_of_the_gram(g), m),
            }


@compares("covariate_update_conditioning_threshold", r"\varphi(s)=s(1-\gamma s)^2")
def map_of_eigenvalues() -> Iterator[dict[str, Any]]:
    """φ: see :func:`map_of_the_gram`."""
    for gamma in (fmpq(-1, 2), fmpq(3, 4)):
        for s in (fmpq(1, 3), fmpq(5)):
            yield {r"\gamma": gamma, "s": s, r"\varphi": lambda s, g=gamma: map_of_the_gram(g)(s)}


def come_closer(s: fmpq, t: fmpq, gamma: fmpq) -> int:
    """1, 0 or −1: the images of s < t have a ratio, the larger by the smaller, below, equal to or above t/s."""
    low, high = sorted(map_of_the_gram(gamma)(x) for x in (s, t))
    return int(high * s < low * t) - int(high * s > low * t)


GRID = [fmpq(k, 12) for k in range(1, 30)]
"""Eigenvalues, and 1/γ is among them."""

@compares("covariate_update_conditioning_threshold", r"s+t<2/\gamma")
def larger_image_stays_below() -> Iterator[dict[str, Any]]:
    """See :func:`where_only`."""
    yield from where_only(r"(1-\gamma(s+t))((s+t)-\gamma(s^2+t^2))>0")


@compares("covariate_update_conditioning_threshold", r"(1-\gamma(s+t))((s+t)-\gamma(s^2+t^2))>0")
def smaller_image_stays_above() -> Iterator[dict[str, Any]]:
    """See :func:`where_only`."""
    yield from where_only(r"s+t<2/\gamma")


def where_only(other: str) -> Iterator[dict[str, Any]]:
    """s < t: eigenvalues; γ > 0. True exactly where the images come closer, at pairs at which the other one of the two
    conditions is true; so there this one decides alone."""
    tree = parse(other)
    for gamma in (fmpq(1), fmpq(3, 4)):
        for s, t in product(GRID, repeat=2):
            point = {"s": s, "t": t, r"\gamma": gamma}
            if s < t and holds(tree, point):
                yield {**point, "true": come_closer(s, t, gamma) > 0}


@compares("covariate_update_conditioning_threshold", "0<s<t")
def pairs_of_eigenvalues() -> Iterator[dict[str, Any]]:
    """s, t: the two eigenvalues of a Gram matrix that is definite and no multiple of I, the smaller first."""
    for s, t in product((fmpq(-1), fmpq(0), fmpq(1), fmpq(3, 2)), repeat=2):
        gram = exact.diagonal([s, t])
        fit = exact.is_positive_definite(gram) and gram != exact.identity(2) * s and max(s, t) == t
        yield {"s": s, "t": t, "true": fit}


@compares("covariate_update_conditioning_threshold", "t/s")
def condition_number() -> Iterator[dict[str, Any]]:
    """The condition number of a Gram matrix with the eigenvalues s < t: ‖S‖ ‖S^{-1}‖, in 2 × 2 by trace and determinant.

    It is the κ > 1 with κ + 1/κ = (tr S)²/det S − 2."""
    for s, t in ((fmpq(1), fmpq(2)), (fmpq(1, 3), fmpq(7, 2))):
        U = Points(2).rotation(2)
        gram = U * exact.diagonal([s, t]) * U.transpose()
        both = exact.trace(gram) ** 2 / gram.det() - 2
        yield {"s": s, "t": t, "=": lambda x, both=both: x > 1 and x + 1 / x == both}


@compares("covariate_update_conditioning_threshold", r"\gamma>0")
def falling() -> Iterator[dict[str, Any]]:
    """Whether the condition number of a small Gram matrix falls."""
    yield from by_sign(1)


@compares("covariate_update_conditioning_threshold", r"\gamma=0")
def staying() -> Iterator[dict[str, Any]]:
    """Whether the condition number of a small Gram matrix stays."""
    yield from by_sign(0)


@compares("covariate_update_conditioning_threshold", r"\gamma<0")
def rising() -> Iterator[dict[str, Any]]:
    """Whether the condition number of a small Gram matrix rises."""
    yield from by_sign(-1)


def by_sign(wanted: int) -> Iterator[dict[str, Any]]:
    """γ of each sign, and what it does to the eigenvalues 1/100 and 1/50."""
    for gamma in (fmpq(-2), fmpq(-1), fmpq(0), fmpq(1), fmpq(2)):
        yield {r"\gamma": gamma, "true": come_closer(fmpq(1, 100), fmpq(1, 50), gamma) == wanted}


@compares("covariate_update_conditioning_threshold", r"0\prec S_l\preceq\frac1{2\gamma}I")
def prompts_that_improve() -> Iterator[dict[str, Any]]:
    """S_l, not diagonal, with eigenvalues s < t: true exactly where s > 0 and t comes closer to all smaller eigenvalues."""
    U = Points(2).rotation(2)
    gamma = fmpq(2, 3)
    for t in (fmpq(k, 8) for k in range(1, 12)):
        for s in (fmpq(-1), fmpq(0), t / 2):
            S_l = Matrix(U * exact.diagonal([s, t]) * U.transpose())
            true = s > 0 and all_smaller_come_closer(t, gamma)
            yield {"S_l": S_l, r"\gamma": gamma, "I": identity(2), "true": true}


def all_smaller_come_closer(t: fmpq, gamma: fmpq) -> bool:
    """Whether t and each smaller eigenvalue come closer, tried down to a distance of t/2^40."""
    return all(come_closer(t * (1 - fmpq(1, 2**k)), t, gamma) > 0 for k in range(1, 41))


@compares("covariate_update_conditioning_threshold", r"c>\frac1{2\gamma}")
def bounds_that_do_not_help() -> Iterator[dict[str, Any]]:
    """c: a bound below which there is a prompt that gets worse, with eigenvalues near to c."""
    gamma = fmpq(2, 3)
    for c in (fmpq(k, 8) for k in range(1, 12)):
        yield {"c": c, r"\gamma": gamma, "true": not all_smaller_come_closer(c, gamma)}


@compares("covariate_update_conditioning_threshold", r"S_l\preceq cI")
def bounded_gram() -> Iterator[dict[str, Any]]:
    """S_l with known eigenvalues, not diagonal."""
    U = Points(2).rotation(2)
    S_l = Matrix(U * exact.diagonal([1, 2]) * U.transpose())
    for c in (fmpq(1), fmpq(3, 2), fmpq(2), fmpq(5, 2)):
        yield {"S_l": S_l, "c": c, "I": identity(2), "true": c >= 2}


@compares("trained_relaxed_published_numbers trained_relaxed_batch_minimizer", r"\operatorname{tr}r_L(S)^2")
def relaxed_estimator() -> Iterator[dict[str, Any]]:
    """Σ r_L(λ)² over the eigenvalues λ of S, r_L of ``theory``."""
    a, b = [fmpq(-1, 2), fmpq(2, 3)], [fmpq(5, 7)]
    r = gdpp.residual(a, b)
    for _, point in rotated_tasks():
        value = sum((r(x) ** 2 for x in point[r"\lambda"]), fmpq(0))
        yield {"S": point[r"\Sigma"], "r_L": lambda m: of_matrix(r, m), "=": value}


@compares(
    "loss_against_depth_minima loss_against_context_length_minima", r"A_l=a_l\Sigma^{-1}", r"A_l=a\Sigma^{-1}"
)
@compares("loss_against_depth_minima loss_against_context_length_minima", "A_l=aI")
def compared_layers() -> Iterator[dict[str, Any]]:
    """A_l: a matrix with which one layer loses what ``theory`` gives for a step a on 𝒮, at Σ ≠ I and at I."""
    a = fmpq(-3, 2)
    for d, n in SIZES:
        sigma = Points(d).definite(d)
        task = RegressionTask.whitened(sigma, n)
        A = task.task_covariance * a
        if layered_loss(task, [A]) != looped_loss(d, n, 1)(a):
            raise ValueError("the loss on 𝒮 is another")
        yield {"A_l": Matrix(A), "a_l": a, "a": a, r"\Sigma": Matrix(sigma), "I": Matrix(task.task_covariance)}
