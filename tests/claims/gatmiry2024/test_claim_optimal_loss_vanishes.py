"""Gatmiry et al. (2024), a consequence of Theorem 3.2: the least looped loss tends to 0 with the context length."""

from itertools import pairwise

import pytest
from flint import fmpq

from icl_claims.claims.edits import changed
from icl_claims.claims.evidence import Evidence
from icl_claims.claims.statement import Statement
from icl_claims.numerics.decimals import decimal
from icl_claims.theory.algebra import exact
from icl_claims.theory.derivations.optimal_loss_vanishes import DERIVATION, STATED, Vanishing
from icl_claims.theory.loops.step import optimal_looped_step
from icl_claims.theory.task import RegressionTask, isotropic
from tests.shared.growing_context import in_context
from tests.shared.scaled_set import NO_INVERSE, OnScaledSet, on_scaled_set
from tests.shared.settings import Setting, conditions

SLUG = "optimal_loss_vanishes"


def limit_margin(stated: Vanishing, at: OnScaledSet) -> fmpq:
    """Minus the squared distance of the limit of the loss from the stated one, as its values at small n give it."""
    return -((in_context(at.setting, at.layers, stated.step)[0] - stated.limit) ** 2)


STATEMENT = Statement(
    slug=SLUG,
    stated=STATED,
    margins={"statement": limit_margin},
    conditions=conditions(SLUG),
    instances=lambda corner: on_scaled_set(SLUG, corner),
    without=lambda key: on_scaled_set(SLUG, without=key),
    undefined_without={"positive_definite_covariance": NO_INVERSE},
)

SKEW = OnScaledSet(Setting(RegressionTask.whitened([[2, 1], [1, 1]], 3)), 2)


@pytest.mark.claim(slug="optimal_loss_vanishes", grade="argument", range="all d, L ≥ 1, Σ ≻ 0")
def test_claim_optimal_loss_vanishes(evidence: Evidence) -> None:
    """At A = Σ⁻¹, u = 0 the loss is E tr(S − I)^{2L}, a polynomial in 1/n without powers below n^{−L}."""
    other = "the loss at this step does not tend"
    mutants = [
        changed(STATED, other, limit=fmpq(1)),
        changed(STATED, other, step=fmpq(1, 2)),
        changed(STATED, other, step=fmpq(2)),
    ]
    evidence.prove(DERIVATION, STATEMENT, mutants, at=SKEW)


@pytest.mark.claim(
    slug="optimal_loss_vanishes", grade="certified", range="d = 5, L ≤ 5, n = 10, 100, 1000, 10⁴", parts=()
)
def test_claim_optimal_loss_vanishes_in_numbers(evidence: Evidence) -> None:
    """The least loss on multiples of Σ⁻¹, enclosed: it falls with n, below 1/100 at n = 10⁴."""
    for L in range(1, 6):
        least = [optimal_looped_step(isotropic(5, n), L).refined(60).loss for n in (10, 100, 1000, 10_000)]
        assert all(small.upper < large.lower for large, small in pairwise(least))
        assert least[-1].upper < fmpq(1, 100)
        shown = ", ".join(decimal(m, 3) for m in least)
        evidence.figure(f"least loss at d = 5, L = {L}, n = 10, 100, 1000, 10⁴", shown)


def tends_to_zero(setting: Setting) -> None:
    """At A = Σ⁻¹, for one loop and two."""
    for L in (1, 2):
        assert in_context(setting, L, fmpq(1))[0] == 0


def signs_are_enough() -> None:
    """The loss at A = Σ⁻¹ tends to 0 for covariates ±1 before Σ, too (d = 1, L ≤ 2): S still tends to Σ."""
    tends_to_zero(Setting(isotropic(1, 1), covariates="signs"))


def task_may_depend() -> None:
    """It tends to 0 where w = x_1, too (d = 1, L ≤ 2): the residual still contracts."""
    tends_to_zero(Setting(isotropic(1, 1), weights="first_example"))


def any_task_covariance() -> None:
    """It tends to 0 for other Ω, too (one with d = 2, L ≤ 2)."""
    tends_to_zero(Setting(RegressionTask(exact.diagonal([1, 4]), 1, [[2, 1], [1, 3]])))


def noise_averages_out() -> None:
    """It tends to 0 with label noise, too (d = 2, σ² = 3, L ≤ 2): it enters through its mean over the context."""
    tends_to_zero(Setting(isotropic(2, 1, noise_variance=3)))


@pytest.mark.claim(
    slug="optimal_loss_vanishes", grade="exact", range="one setting per assumption, L ≤ 2", parts=()
)
def test_claim_optimal_loss_vanishes_necessity(evidence: Evidence) -> None:
    """No assumption on the law is needed for the limit: only that S tends to Σ."""
    evidence.dispensable("gaussian_covariates", signs_are_enough)
    evidence.dispensable("independent_task", task_may_depend)
    evidence.dispensable("whitened_task", any_task_covariance)
    evidence.dispensable("noiseless_labels", noise_averages_out)
