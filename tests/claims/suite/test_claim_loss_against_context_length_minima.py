"""Beside Ahn et al. (2023), Fig. 6: the order of the least losses of three layers or steps, for 2 to 22 examples."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import pytest
from flint import fmpq
from hypothesis import strategies as st

from icl_claims.claims.edits import changed
from icl_claims.claims.evidence import Evidence
from icl_claims.claims.statement import CORNERS, Statement
from icl_claims.models.runs import ahn2023
from icl_claims.theory.loops.loss_order import Order, prove_order
from icl_claims.theory.many_layers import gdpp
from icl_claims.theory.many_layers.loss_variance import prompts_needed
from icl_claims.theory.many_layers.step_sizes import loss_of_steps, optimal_steps
from icl_claims.theory.task import RegressionTask, isotropic
from tests.shared.experiment import D
from tests.shared.orders import CONDITIONS, Place, order_margin

SLUG = "loss_against_context_length_minima"


class Contexts(NamedTuple):
    """u < p < g for Σ with these eigenvalues, so many layers, and these context lengths."""

    eigenvalues: tuple[fmpq, ...] = ahn2023.SPECTRUM
    layers: int = 3
    lengths: range = range(2, 23)


def margin(stated: Contexts, at: Place) -> fmpq:
    return order_margin(stated.eigenvalues, replace(at, layers=stated.layers))


STATEMENT = Statement(
    slug=SLUG,
    stated=Contexts(),
    margins={"statement": margin},
    conditions=CONDITIONS,
    instances=lambda corner: st.integers(2, 22).map(lambda n: Place(n, 3)),
    without=lambda key: st.just(
        Place(20, 3, law="design") if key == "gaussian_covariates" else Place(2, 3, task="identity")
    ),
    excluded={corner.name: "the sizes and the eigenvalues are fixed" for corner in CORNERS},
)


def check(stated: Contexts) -> None:
    """The order at every context length."""
    for n in stated.lengths:
        prove_order(Order(RegressionTask.whitened(list(stated.eigenvalues), n), stated.layers))


@pytest.mark.claim(
    slug="loss_against_context_length_minima",
    grade="exact",
    range="d = 5, L = 3, n = 2..22: the instances that the claim names",
    complete=True,
)
def test_claim_loss_against_context_length_minima(evidence: Evidence) -> None:
    """u < p < g at each of the 21 context lengths: u is rational, p a certified minimum of a convex polynomial, and
    the loss of GD less p has no real root. With B_l = 0 the relaxed transformer attains u."""
    ones, twos = ((fmpq(k),) * D for k in (1, 2))
    mutants = [
        changed(STATEMENT.stated, "u is not below p", layers=1),
        changed(STATEMENT.stated, "g is not above p", eigenvalues=ones),
        changed(STATEMENT.stated, "g is not above p", eigenvalues=twos),
    ]
    evidence.check(check, STATEMENT, mutants, at=Place(2, 3))
    for n in (2, 6, 14, 22):
        steps = [step.lower for step in optimal_steps(isotropic(D, n), 3).steps]
        assert gdpp.loss(isotropic(D, n), [-a for a in steps], [0, 0]) == loss_of_steps(
            isotropic(D, n), steps
        )
    for n in (2, 6, 14, 22):
        steps = [step.lower for step in optimal_steps(isotropic(D, n), 3).steps]
        evidence.figure(
            f"n = {n}: prompts for 1 % at the optimal steps", prompts_needed(isotropic(D, n), steps)
        )


@pytest.mark.claim(
    slug="loss_against_context_length_minima", grade="exact", range="one instance each", parts=()
)
def test_claim_loss_against_context_length_minima_necessity(evidence: Evidence) -> None:
    """Each assumption dropped: with S = Σ always one step is exact, so u = p; with Ω = I gradient descent wins."""
    evidence.necessary(STATEMENT, "gaussian_covariates", Place(20, 3, law="design"))
    evidence.necessary(STATEMENT, "whitened_task", Place(2, 3, task="identity"))
