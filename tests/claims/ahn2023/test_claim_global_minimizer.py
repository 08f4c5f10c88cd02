"""Ahn et al. (2023), Theorem 1: the global minimizer of one linear attention layer."""

import pytest
import sympy
from hypothesis import given

from icl_claims.claims.edits import changed
from icl_claims.claims.evidence import Evidence
from icl_claims.theory.derivations.global_minimizer import DERIVATION, STATED
from icl_claims.theory.one_layer.single_layer import loss, minimum
from tests.shared.one_layer import Weights, weights
from tests.shared.theorem_one import SKEW, SLUG, STATEMENT, WITHOUT, false_eigenvalues, mask_is_dispensable


@pytest.mark.claim(
    slug="global_minimizer", grade="proof", range="all d, n ≥ 1, Σ ⪰ 0 with tr Σ > 0, all P, Q, γ ≠ 0"
)
def test_claim_global_minimizer(evidence: Evidence) -> None:
    """At the stated products the derivative of the loss vanishes in every direction, and the excess over it is an
    expected square; rescaling leaves the layer as it is."""

    mutants = false_eigenvalues(STATED, "Lemma 4: Ω − ΓN is not 0")
    evidence.prove(DERIVATION, STATEMENT, mutants, part="minimizer", at=SKEW)
    scales = [
        changed(STATED, "Lemma 5: the factors", A_power=1),
        changed(STATED, "Lemma 5: the factors", b_power=2),
    ]
    evidence.mutants(DERIVATION, STATEMENT, scales, part="rescaling", at=SKEW)
    evidence.figure("eigenvalue of the minimizer", f"${sympy.latex(sympy.factor(STATED.eigenvalue))}$")


@pytest.mark.claim(
    slug="global_minimizer", grade="exact", range="d ≤ 2, n ≤ 2, random rational Σ and weights", parts=()
)
def test_claim_global_minimizer_by_coordinates(evidence: Evidence) -> None:
    """A second route, the layer multiplied out in coordinates: the same losses, and none below the minimum."""

    @given(weights(SLUG))
    def agree(at: Weights) -> None:
        assert at.loss() == loss(at.setting.task, list(at.b), at.A) >= minimum(at.setting.task)

    agree()
    evidence.figure("minimum at Σ = diag(1, 4), n = 2", minimum(SKEW.setting.task))


@pytest.mark.claim(slug="global_minimizer", grade="exact", range="one instance per assumption", parts=())
def test_claim_global_minimizer_necessity(evidence: Evidence) -> None:
    """Each assumption dropped by itself: an exact instance where other weights win, or a proof."""
    for key, instance in WITHOUT.items():
        evidence.necessary(STATEMENT, key, instance, part="minimizer")
    evidence.dispensable("masked_query", mask_is_dispensable)
