"""Relaxed layers on 𝒮′: the set, the layer as a step of GD++, the polynomials p_l and r_l, critical points."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

from flint import fmpq, fmpq_poly

from icl_claims.theory.algebra import exact
from icl_claims.theory.many_layers import gdpp
from icl_claims.theory.task import isotropic
from icl_claims.theory.transformer import attention, query_label
from icl_claims.theory.transformer.attention import MASK
from icl_claims.theory.transformer.parametrizations import relaxed
from tests.claims.formulas.minimizers import rotated_tasks
from tests.claims.formulas.points import SIZES, Points, S, at_numbers, identity, integrated, of_matrix
from tests.claims.formulas.table import compares
from tests.claims.formulas.values import Matrix, times


@compares(
    "gdpp_critical_points gdpp_loss gdpp_infimum_attained covariate_update_conditioning_threshold "
    "covariate_update_conditioning_typical trained_relaxed_published_numbers",
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


@compares("gdpp_critical_points", r"\inf\sum_l\lVert\nabla_{A_l}f\rVert_F^2+\lVert\nabla_{B_l}f\rVert_F^2=0")
def infimum_with_covariate_updates() -> Iterator[dict[str, Any]]:
    """Σ = I. The sum reaches over both terms. ∇_{A_l}f, ∇_{B_l}f at A_l = a_lI, B_l = b_lI: (∂f/∂a_l)/d and (∂f/∂b_l)/d
    times I, as f is invariant under rotations. The point that ``theory`` proves critical is among the points, or is
    not, and then it is false."""
    for d, n, layers in ((1, 1, 1), (2, 3, 2), (3, 1, 2)):
        critical = gdpp.explicit_critical_point(isotropic(d, n), layers)
        other = [fmpq(-2, 7)] * layers, [fmpq(1, 5)] * (layers - 1)
        for points in ((critical, other), (other,)):
            slopes = [gdpp.gradient(isotropic(d, n), *point) for point in points]
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


def relaxed_layer(d: int, n: int, A: Matrix, B: Matrix, X: Matrix) -> tuple[Matrix, Matrix]:
    """Covariates (the query's too) and labels after one relaxed layer of ``theory``, from X and the labels 1, 2, …"""
    values = {
        "X": Matrix([row[:n] for row in X.rows]),
        "x_q": Matrix([row[n:] for row in X.rows]),
        "Y": Matrix([[fmpq(i) for i in range(1, n + 1)]]),
        "y": Matrix([[fmpq(0)]]),
        "A": A,
        "B": B,
    }
    state = at_numbers(
        attention.layer(*relaxed(query_label.A, query_label.B), query_label.STATE), d, n, values
    )
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
    """←: x_j after the layer of ``theory``, for the columns of the context and for the query; γ: the layer changes the
    covariates by −γXX^⊤ times them."""
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
    """The step η of the gradient step from w = 0 that the layer of ``theory`` runs: y_1 becomes y_1 − η yX^⊤x_1/n."""
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


def relaxed_points() -> Iterator[tuple[int, list[fmpq], list[fmpq], dict[str, Any]]]:
    """L, a, b, and p_l, r_l as polynomials in s: r_L from ``theory``, p_L as the next layer would have it."""
    for a, b in (
        ([fmpq(-1, 2)], []),
        ([fmpq(-1, 2), fmpq(2, 3)], [fmpq(5, 7)]),
        ([fmpq(1, 3), fmpq(-2), fmpq(3, 5)], [fmpq(2), fmpq(-1, 4)]),
    ):
        more = [*b, fmpq(1)]
        p = gdpp.covariate_polynomials([*a, fmpq(1)], more)
        r = [fmpq_poly([1]), *(gdpp.residual(a[:k], b[: k - 1]) for k in range(1, len(a) + 1))]
        yield len(a), a, b, {"p_": p, "r_": r, "a_": a, "b_": more, "s": S, "L": len(a)}


@compares("covariate_update_conditioning_threshold", "p_0=1")
@compares("gdpp_loss gdpp_minimum_attained gdpp_minimizer_two_layers gdpp_norms_increase", "p_0=r_0=1")
@compares(
    "gdpp_loss gdpp_minimum_attained gdpp_minimizer_two_layers gdpp_norms_increase",
    r"r_{l+1}=r_l(1+a_lsp_l^2)",
)
@compares(
    "gdpp_loss gdpp_minimum_attained gdpp_minimizer_two_layers gdpp_norms_increase "
    "covariate_update_conditioning_threshold",
    r"p_{l+1}=p_l(1+a_lb_lsp_l^2)",
)
def recursion() -> Iterator[dict[str, Any]]:
    """p_l, r_l: the polynomials of ``theory``, whose layers it multiplies out."""
    for L, _, _, point in relaxed_points():
        for l in range(L):  # noqa: E741
            yield {**point, "l": l}


@compares(
    "gdpp_loss gdpp_minimum_attained gdpp_minimizer_two_layers gdpp_norms_increase",
    r"f(a,b)=\int r_L(s)^2\,d\mu(s)",
)
def relaxed_loss() -> Iterator[dict[str, Any]]:
    """f: the loss of ``theory``; r_L: its residual."""
    for (L, a, b, point), (d, n) in product(relaxed_points(), SIZES):
        f = gdpp.loss(isotropic(d, n), a, b)
        more = {"f": lambda *_, f=f: f, "a": tuple(a), "b": tuple(b), r"\int": integrated(d, n)}
        yield {**point, **more, "r_L": lambda s, r=point["r_"][L]: r(s)}


@compares("gdpp_loss", "3^L-1")
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


@compares("gdpp_infimum_attained", "a_l=0", r"b_l=-\frac12")
@compares("gdpp_infimum_attained", r"a_{L-1}=-\frac{n}{n+d+1}")
def explicit_point() -> Iterator[dict[str, Any]]:
    """a_l, b_l: the point that ``theory`` proves critical, for l < L − 1."""
    for d, n in SIZES:
        for L in (2, 3):
            a, b = gdpp.explicit_critical_point(isotropic(d, n), L)
            for l in range(L - 1):  # noqa: E741
                yield {"a_": a, "b_": b, "l": l, "L": L, "d": d, "n": n}


@compares("gdpp_infimum_attained gdpp_loss", "l<L-1")
def layers_before_the_last() -> Iterator[dict[str, Any]]:
    """l: a layer at which the explicit point has a_l = 0."""
    for L in (1, 2, 3, 4):
        a, _ = gdpp.explicit_critical_point(isotropic(2, 3), L)
        for l in range(L):  # noqa: E741
            yield {"l": l, "L": L, "true": a[l] == 0}


@compares("trained_relaxed_published_numbers trained_relaxed_batch_minimizer", r"\operatorname{tr}r_L(S)^2")
def relaxed_estimator() -> Iterator[dict[str, Any]]:
    """Σ r_L(λ)² over the eigenvalues λ of S, r_L of ``theory``."""
    a, b = [fmpq(-1, 2), fmpq(2, 3)], [fmpq(5, 7)]
    r = gdpp.residual(a, b)
    for _, point in rotated_tasks():
        value = sum((r(x) ** 2 for x in point[r"\lambda"]), fmpq(0))
        yield {"S": point[r"\Sigma"], "r_L": lambda m: of_matrix(r, m), "=": value}


@compares("loss_against_context_length_minima", "B_l=0")
def no_covariate_update() -> Iterator[dict[str, Any]]:
    """B_l: the factor with which a relaxed layer is one of the sparse layers: the covariates stay."""
    for b in (fmpq(0), fmpq(1), fmpq(-1, 2)):
        p = gdpp.covariate_polynomials([fmpq(-1), fmpq(-1)], [b])[1]
        yield {"B_l": times(b, identity(2)), "true": p == 1}
