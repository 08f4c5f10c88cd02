"""Moments of W = XX^⊤."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

from flint import fmpq, fmpq_mat, fmpq_poly

from icl_claims.theory.algebra.words import one
from icl_claims.theory.evaluation import at_task
from icl_claims.theory.task import RegressionTask
from icl_claims.theory.transformer import prompts
from icl_claims.theory.wishart import spectral_moments, trace_moments
from icl_claims.theory.wishart.operator_words import moment as wishart_moment
from icl_claims.theory.wishart.zonal import trace_moment_zonal
from tests.claims.formulas.minimizers import rotated_tasks
from tests.claims.formulas.points import (
    SIZES,
    Gaussians,
    Points,
    S,
    at_numbers,
    identity,
    integrated,
    mean,
    rows,
    unit,
)
from tests.claims.formulas.table import compares
from tests.claims.formulas.values import Matrix, plus, times


@compares("wishart_trace_recurrence", "s=d+n", "p=dn", "m_1=p", "m_2=p(s+1)", "m_3=p(s^2+p+3s+4)")
@compares(
    "wishart_trace_recurrence",
    r"(k+1)m_k-(4k-1)(s-1)m_{k-1}+[-5k^3+16k^2-13k+1+(12-8k)p+(6k-9)s^2+(12-8k)s]\,m_{k-2}"
    r"+(s-1)[10k^3-68k^2+150k-107+(16k-44)p+(11-4k)s^2]\,m_{k-3}"
    r"+(k-4)[(k-2)^2-(d-n)^2][(2k-7)^2-(d-n)^2]\,m_{k-4}=0",
)
def moments_of_traces() -> Iterator[dict[str, Any]]:
    """m_k: E tr W^k by zonal polynomials, a route without the recurrence; s, p: sum and product of the sizes."""
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
def expected_traces() -> Iterator[dict[str, Any]]:
    """W = XX^⊤, entry by entry; m_k: the moments of ``theory``."""
    for d, n in ((1, 2), (2, 1), (2, 2)):
        X = Gaussians(d * n).matrix(d, n)
        for k, moment in enumerate(trace_moments(3, d, n)):
            yield {"W": X @ X.T, "k": k, "m_k": fmpq(moment), r"\mathbb E": mean}


@compares("two_layer_symmetric_minimizer_scalar", r"m_k=\mathbb E\operatorname{tr}S^k")
def expected_scaled_traces() -> Iterator[dict[str, Any]]:
    """S = XX^⊤/n, entry by entry; m_k: the moments of ``theory``."""
    for d, n in ((1, 2), (2, 1), (2, 2)):
        X = Gaussians(d * n).matrix(d, n)
        for k, moment in enumerate(spectral_moments(3, d, n)):
            yield {"S": times(fmpq(1, n), X @ X.T), "k": k, "m_k": moment, r"\mathbb E": mean}


@compares(
    "optimal_steps_global_minimum optimal_looped_step_unique sampled_loss_heavy_tails",
    r"\int s^k\,d\mu=\mathbb E\operatorname{tr}S^k",
)
def expected_spectral_measure() -> Iterator[dict[str, Any]]:
    """S = XX^⊤/n, entry by entry; ∫: that of ``theory``, of polynomials in s."""
    for d, n in ((1, 2), (2, 1), (2, 2)):
        X = Gaussians(d * n).matrix(d, n)
        for k in range(4):
            point = {"S": times(fmpq(1, n), X @ X.T), "k": k, r"\mathbb E": mean}
            yield {**point, "s": S, r"\int": integrated(d, n)}


@compares("wishart_covariance_operator wishart_trace_recurrence", r"W=XX^\top")
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
        W = times(fmpq(n), at_numbers(prompts.S, d, n, {"X": X}))
        yield {**point, "X": X, "W": W, **sums_of(point, (2, 1), W)}
        yield {**point, "X": X, "W": W, **sums_of(point, (3, 1, 1), W)}


def sums_of(point: dict[str, Any], parts: tuple[int, ...], W: Matrix) -> dict[str, Any]:
    """p_ν from the eigenvalues of Σ; p_ρ from those of W, by Newton's identities."""
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
    for d, n, i, nu in (
        (1, 1, 0, (1,)),
        (1, 2, 2, (2,)),
        (2, 1, 2, (3,)),
        (2, 3, 1, (2, 1)),
        (3, 2, 3, (2,)),
    ):
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
        if argument != H:
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
    total = Matrix(fmpq_mat(sigma.nrows(), sigma.nrows()))
    task = RegressionTask(sigma, n)
    for (closed, word), coefficient in wishart_moment(j, tuple(rho)).terms.items():
        number = at_task(one() * coefficient, task, {})[0, 0]
        image = by_derivative(sigma, n, len(word), tuple(len(part) for part in closed))
        total = plus(total, times(number, image))
    return total


@compares("wishart_covariance_operator", r"j\ge0")
def orders_of_the_operator() -> Iterator[dict[str, Any]]:
    """j: an order at which W^j is a polynomial in the entries of W."""
    for j in range(-2, 4):
        yield {"j": j, "true": j in range(4)}
