"""Two layers: both minimizers on 𝒮 are strict local minima over all pairs of matrices, for every d and n."""

from __future__ import annotations

import pytest
import sympy
from flint import arb, fmpq

from icl_claims.claims.edits import changed, inside, times
from icl_claims.claims.evidence import Evidence
from icl_claims.claims.statement import Statement
from icl_claims.theory.algebra.rational_functions import value_at
from icl_claims.theory.derivations.critical_points_local_minimum_two_layers import (
    DERIVATION,
    STATED,
    filled_slot,
)
from icl_claims.theory.many_layers.two_steps import M, TwoSteps
from icl_claims.theory.task import isotropic
from icl_claims.theory.wishart import spectral_moments
from tests.shared.bends import Bend, bends, not_critical, roots, unit
from tests.shared.settings import Setting, conditions

SLUG = "critical_points_local_minimum_two_layers"


def margin(steps: TwoSteps, at: Bend) -> arb:
    """How the loss bends along the directions, at both orders of the steps; negative where it falls to some side."""
    task = at.setting.task
    if at.sum_and_product is not None:
        return at.growth(roots(*at.sum_and_product))
    values = dict(zip(M, spectral_moments(4, task.dim, task.context_length), strict=True))
    return at.growth(roots(*(value_at(x, values, fmpq(1)) for x in steps)))


STATEMENT = Statement(
    slug=SLUG,
    stated=STATED,
    margins={"statement": margin},
    conditions=conditions(SLUG),
    instances=lambda corner: bends(SLUG, 2, corner),
    without=lambda key: bends(SLUG, 2, without=key),
    excluded={"L = 1": "the statement is about two layers"},
    undefined_without={"positive_definite_covariance": "without it there is no inverse of Σ, and no set 𝒮"},
)

ACROSS = (unit(1, 1), unit(-1, -1))
"""One step grows and the other falls."""


@pytest.mark.claim(
    slug="critical_points_local_minimum_two_layers", grade="proof", range="all d, n ≥ 1, Σ ≻ 0"
)
def test_claim_critical_points_local_minimum_two_layers(evidence: Evidence) -> None:
    """The Hessian, read off the loss of two layers, is three 2 × 2 blocks: on multiples of I, on traceless symmetric
    and on antisymmetric matrices. Their minors are positive at both orders of the steps."""
    mutants = [
        changed(STATED, "Lemma 2: e² − 4p", p=STATED.e**2 / 4),
        changed(STATED, "Lemma 2: p is not", p=sympy.Integer(0)),
        inside(STATED, "p", times(STATED.p, -1, "Lemma 2: p is not")),
        inside(STATED, "e", times(STATED.e, 2, "Lemma 3: the integral of s q is not 0")),
    ]
    evidence.prove(DERIVATION, STATEMENT, mutants, at=Bend(Setting(isotropic(2, 2)), ACROSS))


@pytest.mark.claim(
    slug="critical_points_local_minimum_two_layers", grade="exact", range="one instance each, d = 2", parts=()
)
def test_claim_critical_points_local_minimum_two_layers_necessity(evidence: Evidence) -> None:
    """Without one of three assumptions the best pair of multiples of I is not even a critical point; the slot does not
    matter."""
    for key, instance in not_critical().items():
        evidence.necessary(STATEMENT, key, instance)
    evidence.dispensable("zero_query_label", filled_slot)
