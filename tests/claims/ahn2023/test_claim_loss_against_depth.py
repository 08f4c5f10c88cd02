"""Ahn et al. (2023), App. D, Fig. 7: transformer, preconditioned GD and GD of equal depth, by exact minima."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from flint import fmpq, fmpq_poly

from icl_claims.claims.evidence import Evidence
from icl_claims.claims.results import Chart, Series
from icl_claims.numerics.rounding import nearest
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.loops.descent import descent_loss, is_above
from icl_claims.theory.loops.loss_order import Order, prove_order
from icl_claims.theory.loops.step import looped_step_loss, optimal_looped_step
from icl_claims.theory.many_layers.loss_variance import prompts_needed
from icl_claims.theory.many_layers.step_sizes import optimal_steps
from icl_claims.theory.one_layer import single_layer
from icl_claims.theory.task import RegressionTask, isotropic
from tests.shared import trained_runs
from tests.shared.experiment import (
    SIGMA,
    D,
    N,
    least_descent_loss,
    least_looped_loss,
    least_loss,
    whitened_task,
)
from tests.shared.prompts import one_exact_step_on_signs

ARTEFACTS = (
    "artefacts/ahn2023/depth/layers_1/weights.safetensors",
    "artefacts/ahn2023/depth/layers_2/weights.safetensors",
    "artefacts/ahn2023/sparse_three_layers/seed_0/weights.safetensors",
    "artefacts/ahn2023/depth/layers_4/weights.safetensors",
)


class OneLayer(NamedTuple):
    """That no weights of these layers lose less than so many steps of preconditioned GD."""

    layers: int = 1
    context_length: int = N


def check_none_is_below(one: OneLayer) -> None:
    """min f over the weights, all P and Q for one layer, is not below p: an exact rational against a root."""
    L, n = one
    task = whitened_task(n)
    least = single_layer.minimum(task) if L == 1 else optimal_steps(isotropic(D, n), L).loss
    if optimal_looped_step(isotropic(D, n), L).loss.compare(least) > 0:
        raise Refuted(f"L = {L}: some weights lose less than preconditioned GD")


@pytest.mark.claim(
    slug="loss_against_depth",
    grade="exact",
    range="L = 1, d = 5, n = 20, the experiment's Σ",
    complete=True,
    refutes=True,
)
def test_claim_loss_against_depth_one_layer(evidence: Evidence) -> None:
    """At L = 1 the transformer cannot be below preconditioned GD: 15/13 is the minimum over all P and Q, and one
    step of preconditioned GD with the best step attains it. For L = 2, 3, 4 some weights are below."""
    mutants = {f"L = {L}": OneLayer(L) for L in (2, 3, 4)}
    evidence.check(check_none_is_below, OneLayer(), mutants)
    evidence.figure("minimum over all $P$, $Q$", single_layer.minimum(whitened_task()))
    evidence.figure("preconditioned GD, one best step", optimal_steps(isotropic(D, N), 1).loss)


@pytest.mark.claim(
    slug="loss_against_depth_minima",
    grade="exact",
    range="d = 5, n = 20, L = 2, 3, 4: the instances that the claim names",
    parts=("deeper",),
    complete=True,
)
def test_claim_loss_against_depth_minima_deeper(evidence: Evidence) -> None:
    """Strict order for two, three and four layers: u is rational, p a certified minimum of a convex polynomial, and
    GD's loss minus p has no real root. Trained weights, one seed each, lie between u and p."""

    def check(orders: tuple[Order, ...]) -> None:
        for order in orders:
            prove_order(order)

    task = whitened_task()
    stated = tuple(Order(task, L) for L in (2, 3, 4))
    mutants = {
        "strict at L = 1 too": (Order(task, 1), *stated),
        "Σ = I": tuple(order._replace(task=isotropic(D, N)) for order in stated),
        "equality for L = 2": (Order(task, 2, equal=True), *stated[1:]),
    }
    evidence.check(check, stated, mutants)
    for L in (1, 2, 3, 4):
        u, p = (
            optimal_steps(isotropic(D, N), L),
            optimal_looped_step(isotropic(D, N), L),
        )
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
    evidence.chart(depth_chart())


@pytest.mark.claim(
    slug="loss_against_depth_minima",
    grade="exact",
    range="d = 5, n = 20, L = 1: the instance that the claim names",
    parts=("one_layer",),
    complete=True,
)
def test_claim_loss_against_depth_minima_one_layer(evidence: Evidence) -> None:
    """u = p = 15/13 is the single-layer minimum over all P and Q, and GD's loss minus 15/13 has no real root."""

    def check(claimed: tuple[Order, fmpq]) -> None:
        order, value = claimed
        prove_order(order)
        minimum = single_layer.minimum(order.task)
        if not optimal_steps(order.task, 1).loss == minimum == value:
            raise Refuted(f"the minimum is {minimum}")

    order = Order(whitened_task(), 1, equal=True)
    stated = (order, fmpq(15, 13))
    mutants = {
        "n = 19": (order._replace(task=whitened_task(19)), fmpq(15, 13)),
        "15/14": (order, fmpq(15, 14)),
        "u < p": (order._replace(equal=False), fmpq(15, 13)),
        "Σ = I": (order._replace(task=isotropic(D, N)), fmpq(15, 13)),
    }
    evidence.check(check, stated, mutants)


@pytest.mark.claim(slug="loss_against_depth_minima", grade="exact", range="one instance each", parts=())
def test_claim_loss_against_depth_minima_necessity(evidence: Evidence) -> None:
    """Each assumption dropped: no order where S is always I, another where w does not whiten the covariates."""
    evidence.necessary("gaussian_covariates", one_exact_step_on_signs())
    task = RegressionTask(SIGMA, N)
    plain, preconditioned = descent_loss(task, 1), descent_loss(task, 1, SIGMA.inv())
    between = fmpq(76, 100)
    if not (is_above(preconditioned, between) and plain(fmpq(83, 100)) < between):
        raise Refuted("for Ω = I one step of GD is not better than one of preconditioned GD")
    evidence.necessary(
        "whitened_task",
        "Ω = I, L = 1, n = 20: one best step of GD loses less than 0.76, preconditioned with Σ⁻¹ more.",
    )


@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("n", [2, 20])
def test_preconditioned_descent_by_two_routes(layers: int, n: int) -> None:
    """Words at the covariance Σ against the spectral measure of the whitened problem."""
    task = whitened_task(n)
    assert descent_loss(task, layers, SIGMA.inv()) == looped_step_loss(isotropic(D, n), layers)
    assert descent_loss(isotropic(D, n), layers) == looped_step_loss(isotropic(D, n), layers)


def test_above_is_decided_exactly() -> None:
    """x² − 2x + 2 has the minimum 1, at 1."""
    parabola = fmpq_poly([2, -2, 1])
    assert is_above(parabola, fmpq(10**30 - 1, 10**30))
    assert not is_above(parabola, fmpq(1))
    assert not is_above(parabola, fmpq(3))


@pytest.mark.parametrize(
    ("loops", "message"), [(0, "loops must be"), (7, "loops must be an integer from 1 to 6")]
)
def test_bad_loops(loops: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        descent_loss(isotropic(1, 2), loops)


RUNS = {1: "depth/layers_1", 2: "depth/layers_2", 3: "sparse_three_layers/seed_0", 4: "depth/layers_4"}
"""The run of each depth."""


@pytest.mark.claim(
    slug="loss_against_depth", grade="trained", range="L = 1..4, one run each, seed 0", parts=("statement",)
)
def test_claim_loss_against_depth_trained(evidence: Evidence) -> None:
    """Trained sparse layers lose, exactly, within a per cent of the minimum on 𝒮: below preconditioned GD for
    L = 2, 3, 4, and above it, by a hundred-thousandth, for L = 1."""
    for L in (1, 2, 3, 4):
        run, looped = trained_runs.compared(RUNS[L]), optimal_looped_step(isotropic(D, N), L).loss
        assert run.loss is not None
        if not run.minimum <= run.loss <= run.minimum * fmpq(101, 100):
            raise Refuted(f"L = {L}: the loss is not within a per cent of the minimum")
        if (looped.compare(run.loss) > 0) != (L > 1):
            raise Refuted(f"L = {L}: on the other side of preconditioned GD")
        evidence.figure(
            f"L = {L}: relative excess over the minimum",
            f"{nearest(run.loss / run.minimum - 1):.1e}",
            exact=False,
        )


def depth_chart() -> Chart:
    """Exact curves, trained points on top."""
    depths = (1, 2, 3, 4)
    x = tuple(map(float, depths))
    return Chart(
        title="Loss against depth",
        caption="d = 5, n = 20, Σ with the eigenvalues 1, 1, 1/4, 1/16, 1. Curves: exact minima, GD and preconditioned "
        "GD with the best constant step. Points: trained sparse layers, population loss at the weights, exact. At "
        "one layer the transformer and preconditioned GD are the same thing.",
        x_label="layers or steps $L$",
        y_label="population loss",
        y_scale="log",
        series=(
            Series(label="GD", x=x, y=tuple(map(least_descent_loss, depths))),
            Series(
                label="preconditioned GD",
                x=x,
                y=tuple(map(least_looped_loss, depths)),
            ),
            Series(
                label="optimal steps",
                x=x,
                y=tuple(map(least_loss, depths)),
                group="u",
            ),
            Series(
                label="trained transformer",
                x=x,
                y=tuple(nearest(trained_runs.compared(RUNS[L]).loss or fmpq(0)) for L in depths),
                style="points",
                group="u",
            ),
        ),
    )
