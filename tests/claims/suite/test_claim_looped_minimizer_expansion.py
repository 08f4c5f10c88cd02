"""The best looped step for long contexts: its expansion in 1/n."""

import pytest
import sympy
from flint import fmpq, fmpq_mat, fmpq_poly

from icl_claims.claims.edits import changed
from icl_claims.claims.evidence import Evidence
from icl_claims.claims.results import Chart, Series
from icl_claims.claims.statement import Statement
from icl_claims.theory.algebra import exact
from icl_claims.theory.algebra.words import eye
from icl_claims.theory.derivations.looped_minimizer_expansion import DERIVATION, STATED, Expansion
from icl_claims.theory.loops.step import looped_step_loss, optimal_looped_step
from icl_claims.theory.loops.step_expansion import DIM, distance_bound, truncated
from icl_claims.theory.many_layers.scaled_layers import STEP
from icl_claims.theory.task import RegressionTask, isotropic
from icl_claims.theory.transformer.parametrizations import sparse
from icl_claims.theory.transformer.query_label import prove_slot_adds_its_square
from tests.shared.growing_context import with_context
from tests.shared.scaled_set import NO_INVERSE, OnScaledSet, loss_of_equal_steps, on_scaled_set
from tests.shared.settings import Setting, conditions

SLUG = "looped_minimizer_expansion"


def expansion_margin(stated: Expansion, at: OnScaledSet) -> fmpq:
    """Minus the squared coefficients below n^{−L−K} of f′(a_K), a polynomial in 1/n, from losses multiplied out.

    ``truncated`` puts the stated coefficients at a d and an n.
    """
    L, d = at.layers, at.setting.task.dim
    alphas = stated.of(L)
    degree = 2 * L - 1 + len(alphas) * (2 * L - 1)
    values = []
    for n in range(1, degree + 2):
        slope = loss_of_equal_steps(OnScaledSet(with_context(at.setting, n), L)).derivative()
        values.append(slope(truncated(alphas, d, n)))
    powers = fmpq_mat([[fmpq(1, n) ** k for k in range(degree + 1)] for n in range(1, degree + 2)])
    found = fmpq_poly(powers.solve(fmpq_mat([[x] for x in values])).entries())
    return -sum((found[k] ** 2 for k in range(L + len(alphas))), fmpq(0))


STATEMENT = Statement(
    slug=SLUG,
    stated=STATED,
    margins={"statement": expansion_margin},
    conditions=conditions(SLUG),
    instances=lambda corner: on_scaled_set(SLUG, corner),
    without=lambda key: on_scaled_set(SLUG, without=key),
    undefined_without={"positive_definite_covariance": NO_INVERSE},
)

SKEW = RegressionTask.whitened([[2, 1], [1, 1]], 3)
ONE, TWO = (OnScaledSet(Setting(SKEW), L) for L in (1, 2))


@pytest.mark.claim(slug="looped_minimizer_expansion", grade="argument", range="all d, n, L ≥ 1, Σ ≻ 0")
def test_claim_looped_minimizer_expansion(evidence: Evidence) -> None:
    """The slope at 1 + z/n, divided by n^{−L}, is a polynomial in 1/n and z, linear in z at 1/n = 0."""
    mutants = [
        changed(STATED, "α_1 is another one for L = 1", at=ONE, one_first=-DIM),
        changed(STATED, "α_2 is another one for L = 1", at=ONE, one_second=(DIM + 1) * (DIM + 2)),
        changed(STATED, "α_1 is another one for L = 2", at=TWO, two_first=-DIM - 2),
    ]
    evidence.prove(DERIVATION, STATEMENT, mutants)


@pytest.mark.claim(
    slug="looped_minimizer_expansion", grade="certified", range="d = 5, L ≤ 3, n = 30, …, 10⁶", parts=()
)
def test_claim_looped_minimizer_expansion_in_numbers(evidence: Evidence) -> None:
    """The distance of a* from the truncated expansion, and its bound."""
    series, ratios = [], []
    for L in (1, 2, 3):
        alphas, sizes = STATED.of(L), [30, 100, 1000, 10**4, 10**5, 10**6]
        distances, bounds = [], []
        for n in sizes:
            step = truncated(alphas, 5, n)
            best = optimal_looped_step(isotropic(5, n), L).refined(120).step
            distance, bound = abs(best.lower - step), distance_bound(L, 5, n, step)
            assert distance <= bound + (best.upper - best.lower)
            ratios.append(float((bound / distance).p) / float((bound / distance).q))
            for values, x in ((distances, distance), (bounds, bound)):
                values.append(float(x.p) / float(x.q))
        x = tuple(map(float, sizes))
        series += [
            Series(label=f"bound, $L={L}$", x=x, y=tuple(bounds), group=f"{L}"),
            Series(label=f"distance, $L={L}$", x=x, y=tuple(distances), style="points", group=f"{L}"),
        ]
    evidence.tightness(f"{min(ratios):.3g} over the grid")
    evidence.chart(
        Chart(
            title="The best looped step against its expansion",
            caption="$|a^\\star-a_K|$ and $|f'(a_K)|/\\kappa$ at $d=5$; $K=2$ for $L\\le2$, $K=1$ for $L=3$.",
            x_label="$n$",
            y_label="distance",
            x_scale="log",
            y_scale="log",
            series=tuple(series),
        )
    )
    for L in (1, 2, 3):
        evidence.figure(f"α_1, L = {L}", f"${sympy.latex(sympy.factor(STATED.of(L)[0]))}$")


def slot_is_dispensable() -> None:
    """A number c in the slot adds the constant c² to the loss, at every step: the best one stays."""
    prove_slot_adds_its_square([sparse(eye("d") * STEP)] * 2)


def any_task_scales() -> None:
    """With another Ω the loss on multiples of Σ⁻¹ is tr(ΣΩ)/d times the same function: the mean of a power of S is a
    multiple of I in whitened coordinates (one Ω, L ≤ 2)."""
    task = RegressionTask(exact.diagonal([1, 4]), 2, [[2, 1], [1, 3]])
    scale = exact.trace(task.covariance * task.task_covariance) / 2
    for L in (1, 2):
        assert (
            loss_of_equal_steps(OnScaledSet(Setting(task), L)) == looped_step_loss(isotropic(2, 2), L) * scale
        )


@pytest.mark.claim(
    slug="looped_minimizer_expansion", grade="exact", range="one instance per assumption", parts=()
)
def test_claim_looped_minimizer_expansion_necessity(evidence: Evidence) -> None:
    """Another law of the prompt, or noise, change the coefficients for one loop."""
    one = isotropic(1, 1)
    instances = {
        "gaussian_covariates": Setting(one, covariates="signs"),
        "independent_task": Setting(one, weights="first_example"),
        "noiseless_labels": Setting(isotropic(1, 1, noise_variance=1)),
    }
    for key, setting in instances.items():
        evidence.necessary(STATEMENT, key, OnScaledSet(setting, 1))
    evidence.dispensable("zero_query_label", slot_is_dispensable)
    evidence.dispensable("whitened_task", any_task_scales)
