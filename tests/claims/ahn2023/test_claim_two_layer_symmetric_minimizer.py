"""Ahn et al. (2023), Theorem 2: two layers with symmetric matrices have a diagonal pair among their minimizers."""

import pytest
import sympy
from flint import fmpq, fmpq_mat
from hypothesis import given
from hypothesis import strategies as st

from icl_claims.claims.edits import changed
from icl_claims.claims.evidence import Evidence
from icl_claims.claims.statement import Statement
from icl_claims.theory.algebra import exact
from icl_claims.theory.derivations.two_layer_symmetric_minimizer import (
    DERIVATION,
    STATED,
    filled_slot,
    noise,
    query_as_key,
)
from icl_claims.theory.many_layers.averaging import FREE_B, DiagonalPairs
from icl_claims.theory.many_layers.matrix_layers import layered_loss
from icl_claims.theory.many_layers.two_symmetric_layers import loss_polynomial
from icl_claims.theory.task import RegressionTask, isotropic
from tests.shared.settings import Setting, conditions
from tests.shared.strategies import matrices
from tests.shared.two_layers import TURN, Pair, Turned, least_over_diagonal, pairs

SLUG = "two_layer_symmetric_minimizer"


def margin(stated: DiagonalPairs, at: Pair) -> fmpq:
    """By how much the pair exceeds a number that no pair of the stated form loses less than."""
    return at.loss() - least_over_diagonal(at.setting, stated)


STATEMENT = Statement(
    slug=SLUG,
    stated=STATED,
    margins={"statement": margin},
    conditions=conditions(SLUG, symmetric_preconditioners=lambda at: at.is_symmetric),
    instances=lambda corner: pairs(SLUG, corner),
    without=lambda key: pairs(SLUG, without=key),
    excluded={"L = 1": "the statement is about two layers"},
)


def diagonal(*entries: str) -> fmpq_mat:
    return exact.diagonal(entries)


def turned(setting: Setting, first: fmpq_mat, second: fmpq_mat) -> Pair:
    """The setting with RA_0Rᵀ and RA_1Rᵀ, which are not diagonal."""
    return Pair(setting, *(TURN * m * TURN.transpose() for m in (first, second)))


@pytest.mark.claim(slug="two_layer_symmetric_minimizer", grade="proof", range="all d, n ≥ 1")
def test_claim_two_layer_symmetric_minimizer(evidence: Evidence) -> None:
    """The loss does not change when both matrices are rotated, so A_0 may be diagonal; then the diagonal part of A_1
    loses no more than A_1. A minimizer exists, as `two_layer_symmetric_minimizer_scalar` names one."""
    reason = "Lemma 4: some pair of diagonal matrices is not of the stated form"
    good = Pair(Setting(isotropic(2, 2)), diagonal("1/4", "1/4"), diagonal("2/3", "2/3"))
    mutants = [
        changed(STATED, reason, first=sympy.Integer(0)),
        changed(STATED, reason, second=sympy.Integer(0)),
        changed(STATED, reason, first=-FREE_B),
    ]
    evidence.prove(DERIVATION, STATEMENT, mutants, at=good)
    evidence.figure("terms of the loss of two layers with any matrices", len(loss_polynomial().terms))
    evidence.figure("symmetric matrices that the argument needs", "one of the two")


@pytest.mark.claim(
    slug="two_layer_symmetric_minimizer", grade="exact", range="d ≤ 3, n ≤ 5, random rational pairs", parts=()
)
def test_claim_two_layer_symmetric_minimizer_no_worse() -> None:
    """By the loss of general layers, a second route: for diagonal A_0 and any A_1, symmetric or not, the diagonal part
    of A_1 loses no more; nor does that of A_0 where A_1 is diagonal."""

    def diagonal_part(m: fmpq_mat) -> fmpq_mat:
        return exact.diagonal([m[i, i] for i in range(m.nrows())])

    @given(st.integers(2, 3), st.integers(1, 5), st.data())
    def no_worse(d: int, n: int, data: st.DataObject) -> None:
        task, free = isotropic(d, n), data.draw(matrices(d, d)) / 4
        fixed, part = diagonal_part(data.draw(matrices(d, d)) / 4), diagonal_part(free)
        assert layered_loss(task, [fixed, part]) <= layered_loss(task, [fixed, free])
        assert layered_loss(task, [part, fixed]) <= layered_loss(task, [free, fixed])

    no_worse()


@pytest.mark.claim(slug="two_layer_symmetric_minimizer", grade="proof", range="all d, n, σ²", parts=())
def test_claim_two_layer_symmetric_minimizer_dispensable(evidence: Evidence) -> None:
    """Noise, a filled slot and a query that is a key leave the argument as it is."""
    evidence.dispensable("noiseless_labels", noise)
    evidence.dispensable("masked_query", query_as_key)
    evidence.dispensable("zero_query_label", filled_slot)


@pytest.mark.claim(
    slug="two_layer_symmetric_minimizer", grade="exact", range="one instance each, d = 2, n ≤ 2", parts=()
)
def test_claim_two_layer_symmetric_minimizer_necessity(evidence: Evidence) -> None:
    """Each other assumption dropped by itself: an exact instance in which a symmetric pair loses less than every
    diagonal pair, by a bound from least squares."""
    slanted = [TURN * diagonal("1", small) * TURN.transpose() for small in ("1/16", "1/100")]
    plain = isotropic(2, 1)
    instances = {
        "isotropic_covariates": (Setting(RegressionTask(slanted[0], 2)), "4/5 12/5", "1/5 6/5"),
        "identity_task": (
            Setting(RegressionTask(exact.identity(2), 1, slanted[1])),
            "11/20 1/100",
            "1/8 1/100",
        ),
        "gaussian_covariates": (Turned(plain, covariates="signs"), "3/5 2/5", "1/4 1/10"),
        "independent_task": (Turned(plain, weights="first_example"), "3/10 1/4", "1/12 1/9"),
    }
    for key, (setting, first, second) in instances.items():
        pair = turned(setting, diagonal(*first.split()), diagonal(*second.split()))
        evidence.necessary(STATEMENT, key, pair)
