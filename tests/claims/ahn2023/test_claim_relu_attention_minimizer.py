"""Ahn et al. (2023), Theorem 5: the global minimizer of one layer of ReLU attention."""

from collections.abc import Callable
from typing import Any

import pytest
import sympy
from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st

from icl_claims.claims.evidence import Evidence
from icl_claims.claims.results import Chart, Series
from icl_claims.numerics.rounding import nearest
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.words import d, n, zero
from icl_claims.theory.one_layer.products import prove_bilinear, prove_gradient, prove_residual_vanishes
from icl_claims.theory.one_layer.single_layer import (
    LINEAR,
    RELU,
    TOKEN,
    isotropic_loss,
    isotropic_minimum,
    loss,
    minimizer,
    minimum,
    normal_matrix,
    product_gradient,
    score,
    value,
)
from icl_claims.theory.task import RegressionTask, isotropic
from icl_claims.theory.transformer.attention import X_QUERY
from tests.shared import prompts, relu_coins
from tests.shared.coordinates import layer_with
from tests.shared.instances import Instance
from tests.shared.relu_signs import literal_loss
from tests.shared.strategies import matrices, positive_rationals, rationals, tasks_of

Scalar = Callable[[sympy.Expr, sympy.Expr], sympy.Expr]
"""(n, d) ↦ the scalar c of Q_0 = −c diag(I, 0)."""

N, D = sympy.symbols("n d")


def stated(n: Any, d: Any) -> Any:
    """Theorem 5 as the paper writes it."""
    return 2 * n / (2 * (d + 2) + (n - 1))


MUTANTS: dict[str, Scalar] = {
    "n − 1 → n": lambda n, d: 2 * n / (2 * (d + 2) + n),
    "n − 1 → n + 1": lambda n, d: 2 * n / (2 * (d + 2) + n + 1),
    "d + 2 → d + 1": lambda n, d: 2 * n / (2 * (d + 1) + n - 1),
    "2(d + 2) → d + 2": lambda n, d: 2 * n / (d + 2 + n - 1),
    "factor 2 dropped": lambda n, d: n / (2 * (d + 2) + n - 1),
    "sign": lambda n, d: -stated(n, d),
    "scalar of linear attention": lambda n, d: n / (d + 1 + n),
}


def check_stationary(scalar: Scalar) -> None:
    """At Σ = Ω = I, σ² = 0 and Γ = c I the gradient vanishes in every product direction, for all n and d."""
    prove_bilinear(value() * score())
    prove_gradient(product_gradient(keep=RELU) * 2, normal_matrix(RELU))
    prove_residual_vanishes(
        normal_matrix(RELU), covariance=1, preconditioner=scalar(N, D), trace=D, context_length=N
    )


@pytest.mark.claim(slug="relu_attention_minimizer", grade="proof", range="all d, n ≥ 1, all P, Q")
def test_claim_relu_attention_minimizer(evidence: Evidence) -> None:
    """The loss, averaged exactly over the ReLU, is convex in the products b a_jᵀ (an expected square of an affine
    map of them), and at the stated point its gradient vanishes in every product direction: u, the last row of
    Q and every other block of the weights included. So the point is a global minimum over all P and Q."""
    evidence.check(check_stationary, stated, MUTANTS)
    if isotropic_loss(stated(n, d), RELU) != isotropic_minimum(RELU):
        raise Refuted("the stated weights do not attain the minimum")
    for name, least in (
        ("minimum", isotropic_minimum(RELU)),
        ("minimum of linear attention", isotropic_minimum(LINEAR)),
    ):
        evidence.figure(name, f"${sympy.latex(sympy.factor(least.as_expr()))}$")
    evidence.chart(chart())


def chart() -> Chart:
    """Minimal losses of ReLU and linear attention against n."""
    lengths = [2**k for k in range(12)]
    tasks = [isotropic(5, length) for length in lengths]
    x = tuple(map(float, lengths))
    return Chart(
        title="What the ReLU costs: exact minimal loss of one layer",
        caption="d = 5, Σ = Ω = I. A ReLU on the scores lets each example through with probability 1/2. At its best "
        "the layer loses what linear attention loses with (d + 1)/(2d + 3) of the examples, 6/13 of them here.",
        x_label="examples $n$",
        y_label="minimal loss",
        x_scale="log",
        y_scale="log",
        series=(
            Series(label="ReLU attention", x=x, y=tuple(nearest(minimum(task, RELU)) for task in tasks)),
            Series(label="linear attention", x=x, y=tuple(nearest(minimum(task, LINEAR)) for task in tasks)),
        ),
    )


@pytest.mark.claim(
    slug="relu_attention_minimizer",
    grade="exact",
    range="d ≤ 3, n ≤ 7, random rational weights, last row of Q free",
)
def test_claim_relu_attention_minimizer_no_weights_do_better() -> None:
    """No rational weights lose less than the stated ones, in exact arithmetic."""

    @given(st.data())
    def at_least_the_minimum(data: st.DataObject) -> None:
        task = data.draw(tasks_of("relu_attention_minimizer"))
        size = task.dim
        A, b = (
            data.draw(matrices(size + 1, size)),
            data.draw(st.lists(rationals, min_size=size + 1, max_size=size + 1)),
        )
        c = stated(fmpq(task.context_length), fmpq(size))
        columns = [[-c * int(i == j) for j in range(size)] for i in range(size + 1)]
        best = loss(task, [0] * size + [1], columns, RELU)
        assert best == minimum(task, RELU) <= loss(task, b, A, RELU)
        scale = data.draw(positive_rationals)
        assert loss(task, [0] * size + [scale], [[x / scale for x in row] for row in columns], RELU) == best

    at_least_the_minimum()


def check_literal(scalar: Scalar) -> None:
    """At d = 1 and n ≤ 3 the literal loss of the layer is stationary in c at c(n), and is that of the theory."""
    for length in (1, 2, 3):
        c, h = scalar(fmpq(length), fmpq(1)), fmpq(1, 7)
        at = {step: literal_loss(length, *layer_with([[c + step]])) for step in (-h, fmpq(0), h)}
        task = isotropic(1, length)
        if at[fmpq(0)] != loss(task, [0, 1], [[-c], [0]], RELU) or at[h] != at[-h] or at[h] <= at[fmpq(0)]:
            raise Refuted(f"n = {length}: the literal loss near c = {c} is {at}")


@pytest.mark.claim(slug="relu_attention_minimizer", grade="exact", range="d = 1, n ≤ 3")
def test_claim_relu_attention_minimizer_literally(evidence: Evidence) -> None:
    """A second route to the loss that uses no symmetry: the layer multiplied out on each pattern of signs, where
    the ReLU is known, averaged by moments of |g|; stationary at the stated scalar, where it is a parabola in c."""
    names = ("n − 1 → n", "d + 2 → d + 1", "factor 2 dropped")
    evidence.check(check_literal, stated, {f"{name}, literally": MUTANTS[name] for name in names})
    for u, beta, a in ((1, 2, 3), (-2, 1, 1), (1, 0, -1), (0, -1, 2)):
        P, Q = [[0, 0], [u, beta]], [[a, 0], [0, 0]]
        if literal_loss(2, P, Q) != loss(isotropic(1, 2), [u, beta], [[a], [0]], RELU):
            raise Refuted(f"the loss at u = {u}, β = {beta}, A = {a} is not the literal one")


def scaled(c: fmpq, size: int = 1) -> tuple[list[list[Any]], list[list[Any]]]:
    """P = diag(0, 1), Q = −c diag(I, 0)."""
    return layer_with([[c * int(i == j) for j in range(size)] for i in range(size)])


def against_minimizer(model: str, task: RegressionTask) -> Instance:
    """The stated weights against the minimizer of :mod:`icl_claims.theory.one_layer.single_layer` on another task."""
    size = task.dim
    c = stated(fmpq(task.context_length), fmpq(size))
    columns = [[-c * int(i == j) for j in range(size)] for i in range(size + 1)]
    return Instance(
        model,
        loss(task, [0] * size + [1], columns, RELU),
        minimum(task, RELU),
        f"Q = −diag(Γ, 0) with Γ = {minimizer(task, RELU).tolist()}",
    )


def without_gaussian_covariates() -> Instance:
    """d = 1, n = 2, x = ±1."""
    v, prompt = prompts.signs()
    return Instance(
        "x uniform on ±1, d = 1, n = 2",
        relu_coins.loss(v, prompt, *scaled(fmpq(4, 7))),
        relu_coins.loss(v, prompt, *scaled(fmpq(4, 3))),
        "Q = −diag(4/3, 0)",
    )


def without_independent_task() -> Instance:
    """d = 1, n = 1, w = x_1."""
    return Instance(
        "w = x_1, d = n = 1",
        literal_loss(1, *scaled(fmpq(1, 3)), task_is_first=True),
        literal_loss(1, *scaled(fmpq(1, 5)), task_is_first=True),
        "Q = −diag(1/5, 0)",
    )


def without_zero_query_label() -> Instance:
    """d = 1, n = 1, the slot holds 2: it pays to cancel the 2 rather than to predict."""
    return Instance(
        "query label slot 2, d = n = 1",
        literal_loss(1, *scaled(fmpq(1, 3)), slot=2),
        literal_loss(1, [[0, 0], [-1, 0]], [[0, fmpq(1, 3)], [0, 0]], slot=2),
        "b = (−1, 0) and Q with the one entry 1/3 at its top right",
    )


def without_gaussian_task() -> Instance:
    """d = 2, n = 1, w_j skewed, with mean 0 and variance 1: the last row of Q reads its skewness."""
    v, prompt = prompts.skewed_task()
    P, Q = scaled(fmpq(1, 4), 2)
    better = [*Q[:2], [fmpq(-1, 100), fmpq(-1, 100), fmpq(0)]]
    return Instance(
        "w_j skewed with mean 0 and variance 1, d = 2, n = 1",
        relu_coins.loss(v, prompt, P, Q),
        relu_coins.loss(v, prompt, P, better),
        "the same with −1/100 in the last row of Q",
    )


def check_query_as_a_key() -> None:
    """Without the mask the query's own contribution u·x_q σ(x_qᵀA_x x_q) holds neither w nor a label."""
    for part in (value(), score()):
        itself = part.substitute({"x": X_QUERY, "w": zero("d", "1"), "e": zero("1", "1")})
        labelled = part - part.substitute({"w": zero("d", "1"), "e": zero("1", "1")})
        if (
            any(x.name in ("w", "e", "beta", "a") for x in itself.letters())
            or TOKEN.letters() & itself.letters()
        ):
            raise Refuted("the query's own part depends on the task")
        if not all({x.name for t in traces for x in t} & {"beta", "a"} for traces, _ in labelled.terms):
            raise Refuted("a part with the label is not that of β or a")


MASK_ARGUMENT = (
    "Without the mask the query adds u·x_q σ(x_qᵀA_x x_q)/n, free of labels. Under (w, ε) ↦ (−w, −ε) the error "
    "splits into an odd and an even part, uncorrelated; the query only adds to the even one, which is 0 at the "
    "stated point, and the odd one is convex in the products with gradient 0 there: it is at its least."
)


@pytest.mark.claim(
    slug="relu_attention_minimizer", grade="exact", range="one instance per assumption", parts=()
)
@pytest.mark.claim(
    slug="relu_attention_minimizer_general_task", grade="exact", range="one instance per assumption", parts=()
)
def test_claim_relu_attention_minimizer_necessity(evidence: Evidence) -> None:
    """Each assumption dropped by itself: an exact instance where other weights win, or an argument."""
    for key, instance in {
        "gaussian_covariates": without_gaussian_covariates(),
        "independent_task": without_independent_task(),
        "zero_query_label": without_zero_query_label(),
        "gaussian_task": without_gaussian_task(),
        "isotropic_covariates": against_minimizer(
            "Σ = diag(1, 1/4), d = 2, n = 1", RegressionTask([[1, 0], [0, "1/4"]], 1)
        ),
        "identity_task": against_minimizer(
            "Ω = diag(1, 0), d = 2, n = 1", RegressionTask([[1, 0], [0, 1]], 1, [[1, 0], [0, 0]])
        ),
        "noiseless_labels": against_minimizer("σ² = 1, d = n = 1", RegressionTask([[1]], 1, [[1]], 1)),
    }.items():
        evidence.necessary(key, instance.require())
    check_query_as_a_key()
    evidence.dispensable("masked_query", MASK_ARGUMENT)
    prove_gradient(product_gradient(keep=RELU) * 2, normal_matrix(RELU))
    evidence.dispensable(
        "zero_query_row",
        "The gradient vanishes in the products with the last row of Q too (a above), and the loss is convex in all "
        "products: the point is a global minimum with the last row of Q free.",
    )
