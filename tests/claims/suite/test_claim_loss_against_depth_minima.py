"""Propositions beside Fig. 7 of Ahn et al. (2023): the least losses of two to four layers, and of one."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from flint import fmpq
from hypothesis import strategies as st

from icl_claims.claims.edits import changed
from icl_claims.claims.evidence import Evidence
from icl_claims.claims.statement import CORNERS, Statement
from icl_claims.models.runs import ahn2023
from icl_claims.numerics.rounding import nearest
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.loops.loss_order import Order, prove_order
from icl_claims.theory.loops.step import optimal_looped_step
from icl_claims.theory.many_layers.loss_variance import prompts_needed
from icl_claims.theory.many_layers.step_sizes import optimal_steps
from icl_claims.theory.one_layer import single_layer
from icl_claims.theory.task import RegressionTask, isotropic
from tests.shared.experiment import D, N, least_descent_loss
from tests.shared.orders import CONDITIONS, Place, order_margin


class Minima(NamedTuple):
    """u < p < g for these depths; u = p = value < g for one layer; Σ has these eigenvalues."""

    depths: tuple[int, ...] = (2, 3, 4)
    context_length: int = N
    eigenvalues: tuple[fmpq, ...] = ahn2023.SPECTRUM
    value: fmpq = fmpq(15, 13)

    @property
    def task(self) -> RegressionTask:
        return RegressionTask.whitened(list(self.eigenvalues), self.context_length)


def deeper_margin(stated: Minima, at: Place) -> fmpq:
    """The least over the depths."""
    places = [Place(stated.context_length, L, at.law, at.task) for L in stated.depths]
    return min(order_margin(stated.eigenvalues, place) for place in places)


def one_layer_margin(stated: Minima, at: Place) -> fmpq:
    """Of u = p < g, or minus the squared defect of the value, by the quadratic loss of one step."""
    place = Place(stated.context_length, 1, at.law, at.task)
    order = order_margin(stated.eigenvalues, place, equal=True)
    d, n = len(stated.eigenvalues), stated.context_length
    return min(order, -((stated.value - d + fmpq(d * n, n + d + 1)) ** 2))


STATEMENT = Statement(
    slug="loss_against_depth_minima",
    stated=Minima(),
    margins={"deeper": deeper_margin, "one_layer": one_layer_margin},
    conditions=CONDITIONS,
    instances=lambda corner: st.just(HERE),
    without=lambda key: st.just(WITHOUT[key]),
    excluded={corner.name: "the sizes and the eigenvalues are fixed" for corner in CORNERS},
)
HERE = Place(N, 2)
WITHOUT = {
    "gaussian_covariates": Place(N, 2, law="design"),
    "whitened_task": Place(N, 2, task="identity"),
}


def check_deeper(stated: Minima) -> None:
    for L in stated.depths:
        prove_order(Order(stated.task, L))


def check_one_layer(stated: Minima) -> None:
    prove_order(Order(stated.task, 1, equal=True))
    minimum = single_layer.minimum(stated.task)
    if not optimal_steps(stated.task, 1).loss == minimum == stated.value:
        raise Refuted(f"the minimum is {minimum}, not {stated.value}")


@pytest.mark.claim(
    slug="loss_against_depth_minima",
    grade="exact",
    range="d = 5, n = 20, L = 1, 2, 3, 4: the instances that the claim names",
    complete=True,
)
def test_claim_loss_against_depth_minima(evidence: Evidence) -> None:
    """Strict order for two, three and four layers: u is rational, p a certified minimum of a convex polynomial, and the
    loss of GD less p has no real root. For one layer u = p = 15/13 is the minimum over all P and Q."""
    stated, ones = STATEMENT.stated, (fmpq(1),) * D
    deeper = [
        changed(stated, "L = 1, n = 20: u is not below p", depths=(1, 2, 3, 4)),
        changed(stated, "g is not above p", eigenvalues=ones),
    ]
    evidence.check(check_deeper, STATEMENT, deeper, part="deeper", at=HERE)
    check_one_layer(stated)
    one = [
        changed(stated, "the minimum is", value=fmpq(15, 14)),
        changed(stated, "the minimum is", context_length=19),
        changed(stated, "g is not above p", eigenvalues=(fmpq(2),) * D),
    ]
    evidence.mutants(check_one_layer, STATEMENT, one, part="one_layer", at=HERE)
    for L in (1, 2, 3, 4):
        u, p = optimal_steps(isotropic(D, N), L), optimal_looped_step(isotropic(D, N), L)
        evidence.figure(
            f"L = {L}: u, p, g",
            f"{nearest(u.loss):.5f}, {nearest(p.loss.upper):.5f}, {least_descent_loss(L):.5f}",
            exact=False,
        )
        evidence.figure(
            f"L = {L}: prompts for a standard error of 1 % at the optimal steps, and at the best constant step",
            f"{prompts_needed(isotropic(D, N), [s.lower for s in u.steps])}, "
            f"{prompts_needed(isotropic(D, N), [p.step.lower] * L)}",
        )


@pytest.mark.claim(slug="loss_against_depth_minima", grade="exact", range="one instance each", parts=())
def test_claim_loss_against_depth_minima_necessity(evidence: Evidence) -> None:
    """Each assumption dropped: with S = Σ always one step is exact, so u = p; with Ω = I one step of
    gradient descent is better than one that is preconditioned."""
    evidence.necessary(STATEMENT, "gaussian_covariates", WITHOUT["gaussian_covariates"], part="deeper")
    evidence.necessary(STATEMENT, "whitened_task", WITHOUT["whitened_task"], part="one_layer")
