"""The best step sizes on 𝒮 for every depth: orthogonal polynomials, not search."""

import numpy as np
import pytest
from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st

from icl_claims.claims.edits import changed
from icl_claims.claims.evidence import Evidence
from icl_claims.claims.results import Chart, Series
from icl_claims.claims.statement import Statement
from icl_claims.numerics.rounding import nearest
from icl_claims.numerics.spectral_density import spectral_density
from icl_claims.theory.algebra import exact
from icl_claims.theory.algebra.real_roots import count_real_roots
from icl_claims.theory.derivations.optimal_steps_global_minimum import DERIVATION, STATED
from icl_claims.theory.loops.step import optimal_looped_step
from icl_claims.theory.many_layers.step_certificate import LAYERS, Optimum
from icl_claims.theory.many_layers.step_sizes import loss_of_steps, optimal_steps
from icl_claims.theory.one_layer import single_layer
from icl_claims.theory.one_layer.large_context import CONTEXT
from icl_claims.theory.task import RegressionTask, isotropic
from tests.shared.scaled_set import NO_INVERSE, OnScaledSet, loss_in_sums, on_scaled_set, whitened_moments
from tests.shared.settings import Setting, conditions
from tests.shared.strategies import rationals

SLUG = "optimal_steps_global_minimum"


def minimizer_margin(optimum: Optimum, at: OnScaledSet) -> fmpq:
    """Minus the squared distance of the stated e_1, …, e_L from the vertex of the loss, a quadratic in them.

    −1 where the recipe names no polynomial or the quadratic has no single vertex, so that there are several
    minimizers; and where a stated root is not positive and real, or is double.
    """
    vertex = loss_in_sums(at.setting, at.layers).vertex()
    try:
        q, _ = claimed(optimum, at)
    except ZeroDivisionError:
        return fmpq(-1)
    if vertex is None or count_real_roots(q, lower=fmpq(0)) != at.layers:
        return fmpq(-1)
    return -sum(((q[k] * (-1) ** k - e) ** 2 for k, e in enumerate(vertex, 1)), fmpq(0))


def value_margin(optimum: Optimum, at: OnScaledSet) -> fmpq:
    """Minus the squared difference of the stated loss and the least value of the quadratic, attained or not."""
    f = loss_in_sums(at.setting, at.layers)
    vertex = f.vertex()
    return fmpq(-1) if vertex is None else -((claimed(optimum, at)[1] - f.at(vertex)) ** 2)


def claimed(optimum: Optimum, at: OnScaledSet):
    """q and its loss by the recipe, at the spectral measure of the law of the setting."""
    n = at.setting.task.context_length
    return optimum.at(lambda count, m: whitened_moments(at.setting, count, m), n, at.layers)


STATEMENT = Statement(
    slug=SLUG,
    stated=STATED,
    margins={"minimizer": minimizer_margin, "value": value_margin},
    conditions=conditions(SLUG),
    instances=lambda corner: on_scaled_set(SLUG, corner, most_layers=3),
    without=lambda key: on_scaled_set(SLUG, without=key),
    undefined_without={"positive_definite_covariance": NO_INVERSE},
)

TWO_LAYERS = OnScaledSet(Setting(RegressionTask.whitened([[2, 1], [1, 1]], 3)), 2)


@pytest.mark.claim(
    slug="optimal_steps_global_minimum",
    grade="argument",
    range="all d, n, L ≥ 1, Σ ≻ 0",
)
def test_claim_optimal_steps_global_minimum(evidence: Evidence) -> None:
    """∫ q² over all q with q(0) = 1 and degree ≤ L bounds f from below; its one minimizer is an orthogonal polynomial
    with L positive roots, and so a residual of L steps."""
    mutants = [
        changed(STATED, "Lemma 4: L = 1: the polynomial orthogonal for s^0 dμ", weight_power=0),
        changed(STATED, "Lemma 4: L = 1: the polynomial orthogonal for s^2 dμ", weight_power=2),
        changed(STATED, "the degree of q is not L", degree=LAYERS + 1),
        changed(STATED, "the degree of q is not L", degree=LAYERS - 1),
        changed(STATED, "q is not orthogonal", context=CONTEXT + 1),
    ]
    evidence.prove(DERIVATION, STATEMENT, mutants, part="minimizer", at=TWO_LAYERS)
    values = [
        changed(STATED, "the loss is not ∫ q² dμ", last=LAYERS - 1),
        changed(STATED, "the loss is not ∫ q² dμ", last=LAYERS + 1),
    ]
    evidence.mutants(DERIVATION, STATEMENT, values, part="value", at=TWO_LAYERS)
    for L in (1, 2, 3):
        evidence.figure(f"minimum at d = 5, n = 20, L = {L}", optimal_steps(isotropic(5, 20), L).loss)
    evidence.chart(loss_chart())
    evidence.chart(steps_chart())


@pytest.mark.claim(
    slug="optimal_steps_global_minimum",
    grade="exact",
    range="d ≤ 4, n ≤ 6, L ≤ 4, random rational steps",
    parts=(),
)
def test_claim_optimal_steps_global_minimum_no_steps_do_better() -> None:
    """No rational steps lose less than the minimum that the calculator gives, whatever their signs; one layer agrees
    with the minimum over all weights."""

    @given(st.integers(1, 4), st.integers(1, 6), st.lists(rationals, min_size=1, max_size=4))
    def at_least(d: int, n: int, steps: list[fmpq]) -> None:
        assert loss_of_steps(isotropic(d, n), steps) >= optimal_steps(isotropic(d, n), len(steps)).loss
        assert optimal_steps(isotropic(d, n), 1).loss == single_layer.minimum(isotropic(d, n))

    at_least()


@pytest.mark.claim(
    slug="optimal_steps_global_minimum", grade="exact", range="one instance per assumption", parts=()
)
def test_claim_optimal_steps_global_minimum_necessity(evidence: Evidence) -> None:
    """With x = ±1 one step is exact, so that two are not determined; for other tasks the minimizer stays, and the
    minimum is tr(ΣΩ)/d times the stated one."""
    one = isotropic(1, 1)
    scaled = RegressionTask(exact.diagonal([1, 4]), 2, [[2, 1], [1, 3]])
    instances = {
        ("gaussian_covariates", "minimizer"): OnScaledSet(Setting(isotropic(1, 2), covariates="signs"), 2),
        ("independent_task", "minimizer"): OnScaledSet(Setting(one, weights="first_example"), 1),
        ("whitened_task", "value"): OnScaledSet(Setting(scaled), 1),
        ("noiseless_labels", "minimizer"): OnScaledSet(Setting(isotropic(1, 1, noise_variance=1)), 1),
        ("masked_query", "minimizer"): OnScaledSet(Setting(one, masked=False), 2),
        ("zero_query_label", "value"): OnScaledSet(Setting(one, slot=fmpq(1)), 1),
    }
    for (key, part), instance in instances.items():
        evidence.necessary(STATEMENT, key, instance, part=part)


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
