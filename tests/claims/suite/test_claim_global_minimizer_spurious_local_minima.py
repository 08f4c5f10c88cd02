"""Local minima of the single-layer loss that are not global: a strict one, in exact arithmetic."""

from typing import NamedTuple

import pytest
from flint import fmpq

from icl_claims.claims.evidence import Evidence
from icl_claims.models.settings import Settings
from icl_claims.models.training import train
from icl_claims.numerics.rounding import nearest
from icl_claims.theory.algebra import exact, validation
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.one_layer.exchanged_roles import Weights, derivatives, exchanged_critical_point
from icl_claims.theory.one_layer.single_layer import loss, minimizer, minimum
from icl_claims.theory.task import RegressionTask, isotropic

TASK = RegressionTask(exact.diagonal([1, "1/16"]), 4)


class Instance(NamedTuple):
    """A task, weights, and what their loss is claimed to exceed the minimum by."""

    task: RegressionTask
    weights: Weights
    excess: fmpq


STATED = Instance(TASK, exchanged_critical_point(TASK, 0), fmpq(1, 88))


def at(task: RegressionTask, k: int) -> Instance:
    """The exchanged critical point of a task, with the excess that it has."""
    weights = exchanged_critical_point(task, k)
    return Instance(task, weights, loss(task, *weights) - minimum(task))


def stretched(weights: Weights, factor: fmpq) -> Weights:
    return Weights(weights.b, [[x * factor for x in row] for row in weights.A])


def check_strict_local_minimum(instance: Instance) -> None:
    """Zero gradient; positive semidefinite Hessian; kernel of dimension one, the rescaling direction
    (b, −A); loss above the minimum by what is claimed, and not by 0.

    The orbit of the rescaling consists of critical points of equal loss and the Hessian is positive across
    it, so along a slice across the orbit the point is a strict minimum.
    """
    task, weights, excess = instance
    gradient, hessian = derivatives(task, weights)
    if any(gradient):
        raise Refuted("the gradient does not vanish")
    try:
        validation.semidefinite("Hessian", hessian)
    except ValueError:
        raise Refuted("the Hessian has a negative eigenvalue") from None
    if hessian.rank() != hessian.nrows() - 1:
        raise Refuted(f"the kernel of the Hessian has dimension {hessian.nrows() - hessian.rank()}")
    direction = validation.matrix(
        "direction", [[x] for x in weights.b] + [[-x] for row in weights.A for x in row]
    )
    if any((hessian * direction).entries()):
        raise Refuted("the rescaling direction is not in the kernel")
    if loss(task, *weights) - minimum(task) != excess or excess == 0:
        raise Refuted("the loss does not exceed the minimum by the claimed amount, or not at all")


def global_minimum(task: RegressionTask) -> Instance:
    columns = [[-x for x in row] for row in minimizer(task).tolist()] + [[fmpq(0)] * task.dim]
    return Instance(task, Weights([fmpq(0)] * task.dim + [fmpq(1)], columns), fmpq(0))


@pytest.mark.claim(
    slug="global_minimizer_spurious_local_minima",
    grade="exact",
    range="Σ = diag(1, 1/16), n = 4: the instance that the claim names",
    complete=True,
)
def test_claim_global_minimizer_spurious_local_minima(evidence: Evidence) -> None:
    """Gradient and Hessian in all nine coordinates of (b, A) are exact differences of the exact loss; the
    Hessian's characteristic polynomial decides its signs."""
    mutants = {
        "the second eigendirection": at(TASK, 1),
        "isotropic Σ": at(isotropic(2, 4), 0),
        "γ_1 doubled": STATED._replace(weights=stretched(STATED.weights, fmpq(2))),
        "γ_1 = 1/λ_1": STATED._replace(weights=stretched(STATED.weights, 1 / minimizer(TASK)[0, 0])),
        "excess 1/87": STATED._replace(excess=fmpq(1, 87)),
        "the global minimizer": global_minimum(TASK),
    }
    evidence.check(check_strict_local_minimum, STATED, mutants)
    evidence.figure("loss at the local minimum", loss(TASK, *STATED.weights))
    evidence.figure("global minimum", minimum(TASK))
    with pytest.raises(Refuted, match="negative eigenvalue"):
        check_strict_local_minimum(at(isotropic(2, 4), 0))
    evidence.necessary("ill_conditioned", "Σ = I, d = 2, n = 4: the same point is a saddle.")
    for n in (1, 2, 16, 64):
        check_strict_local_minimum(at(RegressionTask(exact.diagonal([1, "1/16"]), n), 0))
    evidence.figure("also a strict local minimum at n", "1, 2, 16, 64")


@pytest.mark.claim(
    slug="global_minimizer_spurious_local_minima",
    grade="trained",
    range="four random starts near 0, Σ = diag(1, 1/16), n = 4",
)
def test_claim_global_minimizer_spurious_local_minima_trained(evidence: Evidence) -> None:
    """Training P and Q from small random weights ends at either minimum, by the seed. A run counts as caught
    when its exact loss lies between the local minimum and halfway to the loss of predicting 0."""
    local = loss(TASK, *STATED.weights)
    losses = []
    for seed in range(4):
        weights = train(TASK, Settings(seed=seed, start_beta=0.0)).weights
        losses.append(loss(TASK, weights.P[0, -1], weights.Q[0, :, : TASK.dim]))
    caught = [value for value in losses if local <= value < (local + TASK.signal) / 2]
    if not 0 < len(caught) < len(losses):
        raise Refuted(f"{len(caught)} of {len(losses)} runs ended at the local minimum: not both kinds occur")
    evidence.figure("runs at the local minimum", f"{len(caught)} of {len(losses)}", exact=False)
    evidence.figure("losses", ", ".join(f"{nearest(value):.5f}" for value in losses), exact=False)
