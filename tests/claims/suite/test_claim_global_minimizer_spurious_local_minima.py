"""Local minima of the single-layer loss that are not global: a strict one, in exact arithmetic."""

from dataclasses import dataclass
from typing import NamedTuple

import pytest
import sympy
from flint import fmpq
from hypothesis import strategies as st

from icl_claims.claims.edits import changed, inside, substituted, times
from icl_claims.claims.evidence import Evidence
from icl_claims.claims.statement import CORNERS, Statement
from icl_claims.models.settings import Settings
from icl_claims.models.training import train
from icl_claims.numerics.rounding import nearest
from icl_claims.theory.algebra import exact
from icl_claims.theory.derivations.global_minimizer import STATED as THEOREM
from icl_claims.theory.evaluation import at_task
from icl_claims.theory.one_layer.exchanged_roles import (
    Weights,
    exchanged_critical_point,
    exchanged_weights,
    prove_excess,
    prove_strict_local_minimum,
)
from icl_claims.theory.one_layer.large_context import CONTEXT, EIGENVALUE
from icl_claims.theory.one_layer.linear_attention import loss_from_layer
from icl_claims.theory.one_layer.single_layer import loss, minimum, weight_blocks
from icl_claims.theory.task import RegressionTask, isotropic
from tests.shared.one_layer import of_covariance, predictor
from tests.shared.settings import Setting, conditions
from tests.shared.strategies import positive_rationals, rationals

SLUG = "global_minimizer_spurious_local_minima"
TASK = RegressionTask(exact.diagonal([1, "1/16"]), 4)


class Exchanged(NamedTuple):
    """b = e_k, A = −γ_k e_3 e_kᵀ with the eigenvalue γ_k of the minimizer, k counted from 0; and f − min f there."""

    k: int
    eigenvalue: sympy.Expr
    excess: fmpq

    def weights(self, task: RegressionTask) -> Weights:
        """The stated weights at a task."""
        return exchanged_weights(task.dim, self.k, of_covariance(self.eigenvalue, task)[self.k, self.k])


STATED = Exchanged(0, THEOREM.eigenvalue, fmpq(1, 88))


@dataclass(frozen=True)
class Step:
    """A setting, and a direction in which b and then the rows of A move away from the stated weights."""

    setting: Setting
    direction: tuple[fmpq, ...]

    def __str__(self) -> str:
        return f"{self.setting}; a small step along ({', '.join(map(str, self.direction))})"

    def loss(self, weights: Weights, step: fmpq) -> fmpq:
        """The loss of the layer itself after a step along the direction."""
        v = [step * x for x in self.direction]
        d = self.setting.task.dim
        b = [x + y for x, y in zip(weights.b, v, strict=False)]
        A = [[x + v[d + 1 + d * i + j] for j, x in enumerate(row)] for i, row in enumerate(weights.A)]
        task = self.setting.task
        return at_task(loss_from_layer(), task, weight_blocks(task, b, A))[0, 0]


def local_minimum_margin(stated: Exchanged, at: Step) -> fmpq:
    """What the loss gains by a millionth of the direction, forwards or backwards."""
    point = stated.weights(at.setting.task)
    return min(at.loss(point, fmpq(sign, 10**6)) for sign in (1, -1)) - at.loss(point, fmpq(0))


def excess_margin(stated: Exchanged, at: Step) -> fmpq:
    """Minus the square of f − min f − what is stated, both losses those of the layer itself."""
    task = at.setting.task
    b, A = predictor(of_covariance(THEOREM.eigenvalue, task))
    least = at.loss(Weights(list(b), A.tolist()), fmpq(0))
    return -((at.loss(stated.weights(task), fmpq(0)) - least - stated.excess) ** 2)


directions = st.tuples(*[rationals] * 9)

STATEMENT = Statement(
    slug=SLUG,
    stated=STATED,
    margins={"local_minimum": local_minimum_margin, "excess": excess_margin},
    conditions=conditions(SLUG),
    instances=lambda corner: directions.map(lambda v: Step(Setting(TASK), v)),
    without=lambda key: st.builds(
        lambda x, v: Step(Setting(RegressionTask(exact.diagonal([1, x]), 4)), v),
        positive_rationals,
        directions,
    ),
    excluded={
        corner.name: "the statement is about d = 2, n = 4, Σ = diag(1, 1/16), one layer" for corner in CORNERS
    },
)


def along(setting: Setting, **parts: int) -> Step:
    """A direction by its coordinates: ``b3`` for the third of b, ``a32`` for the entry of A in row 3, column 2."""
    names = [f"b{i}" for i in (1, 2, 3)] + [f"a{i}{j}" for i in (1, 2, 3) for j in (1, 2)]
    return Step(setting, tuple(fmpq(parts.get(name, 0)) for name in names))


def is_strict_minimum(stated: Exchanged) -> None:
    """Gradient and Hessian in all nine coordinates of (b, A), as exact differences of the exact loss."""
    prove_strict_local_minimum(TASK, stated.weights(TASK))


def exceeds(stated: Exchanged) -> None:
    """The loss is above the minimum by the stated number."""
    prove_excess(TASK, stated.weights(TASK), stated.excess)


@pytest.mark.claim(
    slug="global_minimizer_spurious_local_minima",
    grade="exact",
    range="Σ = diag(1, 1/16), n = 4: the instance that the claim names",
    complete=True,
)
def test_claim_global_minimizer_spurious_local_minima(evidence: Evidence) -> None:
    """The gradient vanishes in all nine coordinates of (b, A); the Hessian is positive semidefinite, its kernel the
    direction of the rescaling alone; all in exact arithmetic, as is the loss."""
    not_critical = "the gradient does not vanish"
    shrinking = along(Setting(TASK), a31=1)

    def eigenvalue(old: sympy.Expr, new: sympy.Expr):
        return inside(
            STATED, "eigenvalue", substituted(STATED.eigenvalue, old, new, not_critical, at=shrinking)
        )

    saddle = along(Setting(TASK), b1=-2, a31=3)
    points = [
        changed(STATED, "the Hessian has a negative eigenvalue", k=1, at=saddle),
        eigenvalue(CONTEXT + 1, CONTEXT),
        inside(STATED, "eigenvalue", times(STATED.eigenvalue, 2, not_critical, at=shrinking)),
        changed(STATED, not_critical, eigenvalue=1 / EIGENVALUE, at=shrinking),
    ]
    evidence.check(is_strict_minimum, STATEMENT, points, part="local_minimum")
    numbers = [
        changed(STATED, "the loss does not exceed the minimum by this number", excess=x)
        for x in (fmpq(1, 87), fmpq(1, 44), fmpq(0))
    ]
    evidence.check(exceeds, STATEMENT, numbers, part="excess", at=shrinking)
    evidence.figure("loss at the local minimum", loss(TASK, *STATED.weights(TASK)))
    evidence.figure("global minimum", minimum(TASK))


@pytest.mark.claim(
    slug="global_minimizer_spurious_local_minima",
    grade="exact",
    range="Σ = I; and Σ = diag(1, 1/16) at other n",
    parts=(),
)
def test_claim_global_minimizer_spurious_local_minima_elsewhere(evidence: Evidence) -> None:
    """For Σ = I the same point is a saddle; for the ill-conditioned Σ it is a strict local minimum at other n too."""
    round_ = along(Setting(isotropic(2, 4)), b3=-1, a11=-1, a22=3)
    evidence.necessary(STATEMENT, "ill_conditioned", round_, part="local_minimum")
    contexts = (1, 2, 16, 64)
    for n in contexts:
        task = RegressionTask(TASK.covariance, n)
        prove_strict_local_minimum(task, exchanged_critical_point(task, 0))
    evidence.figure("also a strict local minimum at n", ", ".join(map(str, contexts)))


@pytest.mark.claim(
    slug="global_minimizer_spurious_local_minima",
    grade="trained",
    range="four random starts near 0, Σ = diag(1, 1/16), n = 4",
    parts=(),
    scale="small",
)
def test_claim_global_minimizer_spurious_local_minima_trained(evidence: Evidence) -> None:
    """Training P and Q from small random weights ends at either minimum, by the seed. A run counts as caught
    when its exact loss lies between the local minimum and halfway to the loss of predicting 0."""
    local = loss(TASK, *STATED.weights(TASK))
    losses = []
    for seed in range(4):
        weights = train(TASK, Settings(seed=seed, start_beta=0.0)).weights
        losses.append(loss(TASK, weights.P[0, -1], weights.Q[0, :, : TASK.dim]))
    caught = [value for value in losses if local <= value < (local + TASK.signal) / 2]
    assert 0 < len(caught) < len(losses), "both kinds of ends occur"
    evidence.figure("runs at the local minimum", f"{len(caught)} of {len(losses)}", exact=False)
    evidence.figure("losses", ", ".join(f"{nearest(value):.5f}" for value in losses), exact=False)
