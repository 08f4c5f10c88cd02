"""One step size applied L times: the loss on 𝒮 is convex, with one positive critical point."""

from math import comb

import pytest
import sympy
from flint import fmpq, fmpq_poly
from hypothesis import given
from hypothesis import strategies as st

from icl_claims.claims.edits import changed
from icl_claims.claims.evidence import Evidence
from icl_claims.claims.statement import Statement
from icl_claims.theory.algebra import exact
from icl_claims.theory.algebra.real_roots import count_real_roots
from icl_claims.theory.algebra.words import eye
from icl_claims.theory.derivations.optimal_looped_step_unique import DERIVATION, STATED
from icl_claims.theory.loops.convexity import LoopedLoss
from icl_claims.theory.loops.step import looped_step_loss, optimal_looped_step
from icl_claims.theory.many_layers.scaled_layers import STEP
from icl_claims.theory.many_layers.step_certificate import LAYERS
from icl_claims.theory.many_layers.step_sizes import loss_of_steps, optimal_steps
from icl_claims.theory.one_layer import single_layer
from icl_claims.theory.task import RegressionTask, isotropic
from icl_claims.theory.transformer.parametrizations import sparse
from icl_claims.theory.transformer.query_label import prove_slot_adds_its_square
from tests.shared.scaled_set import (
    NO_INVERSE,
    OnScaledSet,
    loss_of_equal_steps,
    on_scaled_set,
    whitened_moments,
)
from tests.shared.settings import Setting, conditions

SLUG = "optimal_looped_step_unique"


def convexity_margin(stated: LoopedLoss, at: OnScaledSet) -> fmpq:
    """Minus the squared coefficients of f″ less the stated integral; −1 where f″ is not positive everywhere."""
    second = loss_of_equal_steps(at).derivative().derivative()
    factor, s_power, power = (int(x.subs(LAYERS, at.layers)) for x in stated[:3])
    n = at.setting.task.context_length
    m = whitened_moments(at.setting, s_power + power)
    integral = fmpq_poly(
        [
            factor * comb(power, k) * (-1) ** k * fmpq(m[s_power + k], n ** (s_power + k))
            for k in range(power + 1)
        ]
    )
    if count_real_roots(second) or second(fmpq(0)) <= 0:
        return fmpq(-1)
    return -sum((c**2 for c in (second - integral).coeffs()), fmpq(0))


def minimizer_margin(stated: LoopedLoss, at: OnScaledSet) -> fmpq:
    """Minus the number of critical points that are missing, too many, or of another sign than the stated one."""
    slope = loss_of_equal_steps(at).derivative()
    x = sympy.Symbol("x")
    polynomial = sympy.Poly([sympy.Rational(int(c.p), int(c.q)) for c in slope.coeffs()[::-1]], x)
    roots = polynomial.count_roots()
    positive = polynomial.count_roots(0, None)
    of_sign = positive if stated.sign > 0 else roots - positive
    return -fmpq(abs(int(roots) - stated.critical_points) + abs(int(roots - of_sign)))


STATEMENT = Statement(
    slug=SLUG,
    stated=STATED,
    margins={"convexity": convexity_margin, "minimizer": minimizer_margin},
    conditions=conditions(SLUG),
    instances=lambda corner: on_scaled_set(SLUG, corner),
    without=lambda key: on_scaled_set(SLUG, without=key),
    undefined_without={"positive_definite_covariance": NO_INVERSE},
)

TWO_LAYERS = OnScaledSet(Setting(RegressionTask.whitened([[2, 1], [1, 1]], 3)), 2)
ONE_LAYER = OnScaledSet(TWO_LAYERS.setting, 1)


@pytest.mark.claim(slug="optimal_looped_step_unique", grade="argument", range="all d, n, L ≥ 1, Σ ≻ 0")
def test_claim_optimal_looped_step_unique(evidence: Evidence) -> None:
    """f″ is a factor times the integral of a square, so f is strictly convex; f′(0) < 0 puts its critical point right
    of 0."""
    factor, powers = "f″ is not the stated factor", "the powers in f″"
    mutants = [
        changed(STATED, factor, factor=2 * LAYERS * (2 * LAYERS + 1)),
        changed(STATED, factor, factor=LAYERS * (2 * LAYERS - 1)),
        changed(STATED, factor, factor=-2 * LAYERS * (2 * LAYERS - 1)),
        changed(STATED, factor, s_power=sympy.Integer(1)),
        changed(STATED, powers, at=ONE_LAYER, exponent=LAYERS),
    ]
    evidence.prove(DERIVATION, STATEMENT, mutants, part="convexity", at=TWO_LAYERS)
    points = [
        changed(STATED, "f′ has another number of real roots", critical_points=3),
        changed(STATED, "a critical point has another sign", sign=-1),
    ]
    evidence.mutants(DERIVATION, STATEMENT, points, part="minimizer", at=TWO_LAYERS)
    step = optimal_looped_step(isotropic(5, 20), 3).refined(20).step
    evidence.figure("best step at d = 5, n = 20, L = 3 lies in", f"[{step.lower}, {step.upper}]")


@pytest.mark.claim(
    slug="optimal_looped_step_unique",
    grade="exact",
    range="d ≤ 4, n ≤ 6, L ≤ 4, random rational steps",
    parts=(),
)
def test_claim_optimal_looped_step_unique_in_numbers() -> None:
    """Looping is a case of untied steps: the same loss at equal steps, never below the untied minimum, and equal
    to it, and to the minimum over all weights, at L = 1."""

    @given(st.integers(1, 4), st.integers(1, 6), st.integers(1, 4), st.fractions(-2, 2, max_denominator=9))
    def agrees(d: int, n: int, L: int, step: object) -> None:
        a = fmpq(step.numerator, step.denominator)  # type: ignore[attr-defined]
        value, best = looped_step_loss(isotropic(d, n), L)(a), optimal_looped_step(isotropic(d, n), L)
        assert value == loss_of_steps(isotropic(d, n), [a] * L) >= best.loss.lower
        assert best.loss.upper >= optimal_steps(isotropic(d, n), L).loss
        if L == 1:
            assert best.loss.lower <= single_layer.minimum(isotropic(d, n)) <= best.loss.upper

    agrees()


def slot_is_dispensable() -> None:
    """A number c in the slot adds the constant c² to the loss, at every step: f″ and the critical point stay."""
    prove_slot_adds_its_square([sparse(eye("d") * STEP)] * 2)


@pytest.mark.claim(
    slug="optimal_looped_step_unique", grade="exact", range="one instance per assumption", parts=()
)
def test_claim_optimal_looped_step_unique_necessity(evidence: Evidence) -> None:
    """With x = ±1 f″ vanishes at a = 1, and with much noise f is not convex. For other tasks and models f″ is not the
    stated integral."""
    one = isotropic(1, 1)
    instances = {
        "gaussian_covariates": OnScaledSet(Setting(isotropic(1, 2), covariates="signs"), 2),
        "independent_task": OnScaledSet(Setting(one, weights="first_example"), 1),
        "whitened_task": OnScaledSet(Setting(RegressionTask(exact.diagonal([1, 4]), 2, [[2, 1], [1, 3]])), 1),
        "noiseless_labels": OnScaledSet(Setting(isotropic(1, 4, noise_variance=100)), 2),
        "masked_query": OnScaledSet(Setting(one, masked=False), 2),
    }
    for key, instance in instances.items():
        evidence.necessary(STATEMENT, key, instance, part="convexity")
    evidence.dispensable("zero_query_label", slot_is_dispensable)
