"""The best step sizes on 𝒮 for every depth: orthogonal polynomials, not search."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest
import sympy
from flint import fmpq, fmpq_poly
from hypothesis import given
from hypothesis import strategies as st

from icl_claims.claims.evidence import Evidence
from icl_claims.claims.results import Chart, Series
from icl_claims.numerics.rounding import nearest
from icl_claims.numerics.spectral_density import spectral_density
from icl_claims.theory.algebra import exact, validation
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.orthogonal_polynomials import monic, recurrence
from icl_claims.theory.algebra.words import eye, letter
from icl_claims.theory.evaluation import at_task
from icl_claims.theory.loops.step import optimal_looped_step
from icl_claims.theory.many_layers.spectral_loss import integral
from icl_claims.theory.many_layers.step_certificate import prove_optimal
from icl_claims.theory.many_layers.step_sizes import gradient, loss_of_steps, optimal_steps
from icl_claims.theory.one_layer import single_layer
from icl_claims.theory.task import RegressionTask, isotropic
from icl_claims.theory.transformer.attention import NO_MASK, X_QUERY, W, layer, prompt
from icl_claims.theory.transformer.parametrizations import sparse
from icl_claims.theory.transformer.prompts import LABELS, over_prompts
from icl_claims.theory.wishart import trace_moments
from icl_claims.theory.wishart.sizes import in_ring
from tests.shared import coordinates, prompts
from tests.shared.coordinates import Prompt, Variables, gaussian_prompt, layer_with
from tests.shared.strategies import rationals

GRID = [(d, n, L) for d in (1, 2, 3, 5) for n in (1, 2, 3, 8, 20) for L in (1, 2, 3, 5)]
"""Sizes for exact checks; d > n, d = 1 and n = 1 are among them."""


class Minimum(NamedTuple):
    """q(s) = ∏_l (1 − a_l s) and the loss that are claimed to be the minimum."""

    residual: fmpq_poly
    loss: fmpq


Claimed = Callable[[int, int, int], Minimum]
"""(d, n, L) ↦ what is claimed."""


def stated(d: int, n: int, L: int) -> Minimum:
    """What the calculator answers."""
    best = optimal_steps(isotropic(d, n), L)
    return Minimum(best.residual, best.loss)


def scaled(factor: fmpq) -> Claimed:
    """All steps multiplied."""
    return lambda d, n, L: Minimum(stated(d, n, L).residual(fmpq_poly([0, factor])), stated(d, n, L).loss)


def of_the_measure_itself(d: int, n: int, L: int) -> Minimum:
    """The orthogonal polynomial of μ in the place of that of s dμ."""
    alphas, betas = recurrence(trace_moments(2 * L + 1, d, n), L + 1)
    polynomial = monic(alphas, betas)[L](fmpq_poly([0, n]))
    residual = polynomial / polynomial[0]
    return Minimum(residual, integral(residual * residual, d, n))


MUTANTS: dict[str, Claimed] = {
    "n → n − 1 in the steps": scaled(fmpq(19, 20)),
    "steps doubled": scaled(fmpq(2)),
    "sign of the steps": scaled(fmpq(-1)),
    "orthogonal for μ, not s dμ": of_the_measure_itself,
    "one layer less": lambda d, n, L: stated(d, n, L - 1) if L > 1 else Minimum(fmpq_poly([1]), fmpq(d)),
    "value without k = L": lambda d, n, L: stated(d, n, L)._replace(
        loss=stated(d, n, L - 1).loss if L > 1 else fmpq(d)
    ),
}


def check_certificate(claimed: Claimed) -> None:
    """The four facts that make q the only minimizer, for each size in the grid, in exact arithmetic."""
    for d, n, L in GRID:
        prove_optimal(isotropic(d, n), *claimed(d, n, L), layers=L)


@pytest.mark.claim(
    slug="optimal_steps_global_minimum",
    grade="exact",
    range="d ≤ 5, n ≤ 20, L ≤ 5, n < d among them",
    complete=False,
)
def test_claim_optimal_steps_global_minimum_certificates(evidence: Evidence) -> None:
    """Orthogonality, simple positive roots and the value by a second route, exactly, at eighty sizes."""
    evidence.check(check_certificate, stated, MUTANTS)
    for L in (1, 2, 3):
        evidence.figure(f"minimum at d = 5, n = 20, L = {L}", optimal_steps(isotropic(5, 20), L).loss)
    evidence.chart(loss_chart())
    evidence.chart(steps_chart())


def check_symbolic(shift: int) -> None:
    """For L ≤ 3 and all d, n: the solution of the normal equations, and that they determine it.

    The Gram matrices (m_{i+j+2}) of s, …, s^L have leading minors that are polynomials in d and n with
    positive coefficients in d − 1 and n − 1: positive for all d, n ≥ 1. So the minimizer over polynomials is
    unique, and its orthogonality for s dμ (for moments shifted by ``shift``) is an identity.
    """
    d, n, u, v = sympy.symbols("d n u v")
    m = [in_ring(moment, d, n) for moment in trace_moments(8)]
    for L in (1, 2, 3):
        gram = sympy.Matrix(L, L, lambda i, j: m[i + j + 2])
        minor = sympy.Poly(sympy.expand(gram.det().subs({d: u + 1, n: v + 1})), u, v)
        if not all(c > 0 for c in minor.coeffs()):
            raise Refuted(f"L = {L}: the minor has a coefficient that is not positive")
        r = gram.adjugate() * sympy.Matrix([m[j + shift] for j in range(L)])
        for j in range(L):
            defect = m[j + 1] * gram.det() - sum(r[i] * m[i + j + 2] for i in range(L))
            if not sympy.Poly(sympy.expand(defect), d, n).is_zero:
                raise Refuted(f"L = {L}: 1 − s r(s) is not orthogonal for s dμ")


@pytest.mark.claim(
    slug="optimal_steps_global_minimum",
    grade="proof",
    range="all d, n, L ≥ 1 by the argument; its normal equations symbolically in d, n for L ≤ 3",
)
def test_claim_optimal_steps_global_minimum(evidence: Evidence) -> None:
    """∫ q² over all q with q(0) = 1 and degree ≤ L bounds f from below; its one minimizer is orthogonal to
    all lower degrees for s dμ, so has L simple positive roots (Szegő, Thm 3.3.1) and is itself a product
    ∏ (1 − a_l s): the bound is attained, for one multiset of steps, all positive and distinct."""
    evidence.check(check_symbolic, 1, {"moments shifted to m_j": 0, "moments shifted to m_{j+2}": 2})


@pytest.mark.claim(
    slug="optimal_steps_global_minimum", grade="exact", range="d ≤ 4, n ≤ 6, L ≤ 4, random rational steps"
)
def test_claim_optimal_steps_global_minimum_no_steps_do_better() -> None:
    """No rational steps lose less than the minimum, whatever their signs and order; one layer agrees with the
    minimum over all weights, and the gradient at rational points is that of the difference quotient."""

    @given(st.integers(1, 4), st.integers(1, 6), st.lists(rationals, min_size=1, max_size=4))
    def at_least(d: int, n: int, steps: list[fmpq]) -> None:
        loss = loss_of_steps(isotropic(d, n), steps)
        assert loss >= optimal_steps(isotropic(d, n), len(steps)).loss
        assert loss == loss_of_steps(isotropic(d, n), steps[::-1])
        assert optimal_steps(isotropic(d, n), 1).loss == single_layer.minimum(isotropic(d, n))
        h = fmpq(1, 7)
        ahead, behind = (loss_of_steps(isotropic(d, n), [steps[0] + t, *steps[1:]]) for t in (h, -h))
        assert (ahead - behind) / (2 * h) == gradient(isotropic(d, n), steps)[0]

    at_least()


def loss_chart() -> Chart:
    """Minimal loss against depth, looped and untied."""
    depths = range(1, 13)
    untied = [nearest(optimal_steps(isotropic(5, 20), L).loss) for L in depths]
    looped = [nearest(optimal_looped_step(isotropic(5, 20), L).loss.upper) for L in depths]
    x = tuple(map(float, depths))
    return Chart(
        title="What depth buys: exact minimal loss on 𝒮",
        caption="d = 5, n = 20. Untied steps against one step looped L times, both at their exact optimum. Each "
        "layer divides the untied loss by about the same factor; looping costs more with every layer.",
        x_label="layers or loops $L$",
        y_label="minimal loss",
        y_scale="log",
        series=(
            Series(label="one step, looped", x=x, y=tuple(looped)),
            Series(label="untied steps", x=x, y=tuple(untied)),
        ),
    )


def steps_chart() -> Chart:
    """Reciprocals of the optimal steps against the expected spectral density of S."""
    d, n = 4, 20
    points = np.linspace(0.02, 4.2, 160)
    density = spectral_density(points, d, n)
    rows = []
    for L in range(1, 11):
        reciprocals = [nearest(1 / step.upper) for step in optimal_steps(isotropic(d, n), L).steps]
        rows += [
            Series(
                label="reciprocal steps" if L == 1 else "",
                x=tuple(reciprocals),
                y=(float(L),) * L,
                style="points",
                group="steps",
            )
        ]
    height = 10 / float(density.max())
    curve = Series(
        label="expected spectral density of $S$ (scaled)",
        x=tuple(points.tolist()),
        y=tuple((height * density).tolist()),
        group="density",
    )
    return Chart(
        title="Where the optimal steps stand",
        caption="d = 4, n = 20. For each depth L = 1, …, 10 the reciprocals of the optimal step sizes, above the "
        "expected density of the eigenvalues of S: step l is tuned to kill the eigenvalue 1/a_l, and the "
        "steps spread over the spectrum, the smallest eigenvalues included, as layers are added.",
        x_label="eigenvalue $s$, or $1/a_l$",
        y_label="layers $L$",
        series=(curve, *rows),
    )


def beaten(model: str, stated_loss: fmpq, better_loss: fmpq, better: str) -> str:
    """The instance in words, once the better weights are strictly better."""
    if not better_loss < stated_loss:
        raise Refuted(f"{model}: {better_loss} does not beat {stated_loss}")
    return f"{model}: the stated step loses {stated_loss}, {better} loses {better_loss}."


@pytest.mark.claim(
    slug="optimal_steps_global_minimum", grade="exact", range="L = 1, one instance each", parts=()
)
@pytest.mark.claim(
    slug="optimal_looped_step_unique", grade="exact", range="L = 1, one instance each", parts=()
)
def test_claim_optimal_steps_global_minimum_necessity(evidence: Evidence) -> None:
    """Each assumption dropped by itself, at L = 1 (L = 2 for the mask), in exact arithmetic."""
    step = stated_step(1, 2)
    v, signs = prompts.signs()
    evidence.necessary(
        "gaussian_covariates",
        beaten("x = ±1, d = 1, n = 2", at_step(v, signs, step), at_step(v, signs, fmpq(1)), "a = 1"),
    )
    v, dependent = prompts.own_example()
    one = stated_step(1, 1)
    evidence.necessary(
        "independent_task",
        beaten(
            "w = x_1, d = n = 1", at_step(v, dependent, one), at_step(v, dependent, fmpq(1, 5)), "a = 1/5"
        ),
    )
    v, noisy = gaussian_prompt(1, [[1]], [[1]], noise=1)
    evidence.necessary(
        "noiseless_labels",
        beaten("σ² = 1, d = n = 1", at_step(v, noisy, one), at_step(v, noisy, fmpq(1, 4)), "a = 1/4"),
    )
    v, clean = gaussian_prompt(1, [[1]], [[1]])
    if (
        coordinates.loss(v, prompts.filled(clean, 1), *layer_with([[one]]))
        == optimal_steps(isotropic(1, 1), 1).loss
    ):
        raise Refuted("a filled label slot does not change the loss")
    evidence.necessary(
        "zero_query_label", "With 1 in the slot the loss at d = n = 1 is greater by exactly 1."
    )
    task = RegressionTask(exact.diagonal([1, 4]), 2, [[2, 1], [1, 3]])
    for step in (stated_step(2, 2), fmpq(1, 3), fmpq(-2)):
        if on_ray(task, step) != task.signal / 2 * loss_of_steps(isotropic(2, 2), [step]):
            raise Refuted("for another Ω the loss is not tr ΣΩ/d times the whitened one")
    evidence.dispensable(
        "whitened_task",
        "E q(S)² is a multiple of I (S and USUᵀ have one law), so for any Ω the loss on 𝒮 is tr(ΣΩ)/d times the "
        "stated one: the same steps are optimal.",
    )
    unmasked_layers_differ()
    evidence.necessary(
        "masked_query",
        "Without the mask, from the second layer on the query attends to itself: f gains terms and is no "
        "function of S alone.",
    )
    with pytest.raises(ValueError, match="covariance must be positive definite"):
        RegressionTask.whitened(exact.diagonal([1, 0]), 2)
    evidence.necessary("positive_definite_covariance", "For singular Σ neither Σ⁻¹ nor the set 𝒮 exists.")


def stated_step(d: int, n: int) -> fmpq:
    return -optimal_steps(isotropic(d, n), 1).residual[1]


def at_step(v: Variables, drawn: Prompt, step: fmpq) -> fmpq:
    return coordinates.loss(v, drawn, *layer_with([[step]]))


def on_ray(task: RegressionTask, step: fmpq) -> fmpq:
    """The loss of one layer with A = step · Σ⁻¹."""
    columns = [[-x for x in row] for row in (task.covariance.inv() * step).tolist()]
    return single_layer.loss(task, [0] * task.dim + [1], [*columns, [0] * task.dim])


def unmasked_layers_differ() -> None:
    """Two layers A_l = I with and without the mask, in symbolic blocks: the query entries differ."""
    identity = eye("d")
    masked = layer(*sparse(identity), layer(*sparse(identity), prompt(LABELS)))[1, 1]
    unmasked = layer(*sparse(identity), layer(*sparse(identity), prompt(LABELS), NO_MASK), NO_MASK)[1, 1]
    if masked == unmasked:
        raise Refuted("the mask makes no difference to two layers")


@pytest.mark.claim(
    slug="optimal_steps_global_minimum", grade="exact", range="all d, n; L = 2", parts=("value",)
)
def test_claim_optimal_steps_global_minimum_loss_of_two_layers() -> None:
    """The loss as a polynomial of the steps, against two layers multiplied out in symbolic blocks and averaged
    in closed form: for all d and n, as an identity in a_0 and a_1."""
    first, second = letter("a_0", "1", "1"), letter("a_1", "1", "1")
    entry = layer(
        *sparse(eye("d") * second), layer(*sparse(eye("d") * first), prompt(W.T @ letter("X", "d", "n")))
    )
    error = entry[1, 1] + W.T @ X_QUERY
    closed = over_prompts(error * error).substitute({"Sigma": eye("d"), "Omega": eye("d")})
    for d in (1, 2, 3):
        for n in (1, 2, 5):
            for steps in ((fmpq(1, 2), fmpq(1, 3)), (fmpq(-1), fmpq(2))):
                values = {
                    "a_0": validation.matrix("a_0", [[steps[0]]]),
                    "a_1": validation.matrix("a_1", [[steps[1]]]),
                }
                assert at_task(closed, isotropic(d, n), values)[0, 0] == loss_of_steps(isotropic(d, n), steps)
