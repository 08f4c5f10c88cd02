"""Looped layers: the best symmetric matrix is the best multiple of Σ⁻¹; with one example, the best of all matrices."""

from dataclasses import dataclass

import pytest
from flint import fmpq, fmpq_mat
from hypothesis import strategies as st

from icl_claims.claims.edits import changed
from icl_claims.claims.evidence import Evidence
from icl_claims.claims.statement import ANYWHERE, Corner, Statement
from icl_claims.numerics.decimals import decimal
from icl_claims.theory.algebra import exact
from icl_claims.theory.derivations.looped_symmetric_minimizer import DERIVATION, STATED, Mean
from icl_claims.theory.loops.matrix import looped_hessian, looped_loss
from icl_claims.theory.loops.step import optimal_looped_step
from icl_claims.theory.task import RegressionTask, isotropic
from icl_claims.theory.transformer.parametrizations import sparse
from icl_claims.theory.transformer.preconditioned_gd import A
from icl_claims.theory.transformer.query_label import prove_slot_adds_its_square
from tests.shared.growing_context import with_context
from tests.shared.scaled_set import NO_INVERSE, loss, on_scaled_set
from tests.shared.settings import Setting, conditions
from tests.shared.strategies import matrices

SLUG = "looped_symmetric_minimizer"


@dataclass(frozen=True)
class Looped:
    """A setting, a matrix, and the number of loops."""

    setting: Setting
    matrix: fmpq_mat
    layers: int

    def __str__(self) -> str:
        return f"{self.setting}, A = {self.matrix.tolist()}, L = {self.layers}"


@st.composite
def looped(draw: st.DrawFn, corner: Corner = ANYWHERE, without: str | None = None) -> Looped:
    at = draw(on_scaled_set(SLUG, corner, without=without))
    return Looped(at.setting, draw(matrices(at.setting.task.dim, at.setting.task.dim)), at.layers)


def above_the_mean(setting: Setting, matrix: fmpq_mat, layers: int, scale: fmpq) -> fmpq:
    """f(A) − f(scale (tr ΣA/d) Σ⁻¹), both multiplied out."""
    sigma = setting.task.covariance
    step = scale * exact.trace(sigma * matrix) / setting.task.dim
    return loss(setting, [matrix] * layers) - loss(setting, [sigma.inv() * step] * layers)


def symmetric_margin(stated: Mean, at: Looped) -> fmpq:
    """At the symmetric part of the matrix."""
    return above_the_mean(at.setting, (at.matrix + at.matrix.transpose()) / 2, at.layers, stated.scale)


def one_example_margin(stated: Mean, at: Looped) -> fmpq:
    """At the matrix, with one example."""
    return above_the_mean(with_context(at.setting, 1), at.matrix, at.layers, stated.scale_of_one)


STATEMENT = Statement(
    slug=SLUG,
    stated=STATED,
    margins={"symmetric": symmetric_margin, "one_example": one_example_margin},
    conditions=conditions(SLUG),
    instances=looped,
    without=lambda key: looped(without=key),
    undefined_without={"positive_definite_covariance": NO_INVERSE},
)

SKEW = RegressionTask.whitened([[2, 1], [1, 1]], 3)
SCALED = Looped(Setting(SKEW), SKEW.covariance.inv() * fmpq(3, 8), 2)


@pytest.mark.claim(
    slug="looped_symmetric_minimizer",
    grade="argument",
    range="all d, n, L ≥ 1, Σ ≻ 0, symmetric A; n = 1: all A",
)
def test_claim_looped_symmetric_minimizer(evidence: Evidence) -> None:
    """Schur's inequality bounds the loss by a convex function of A that is invariant under rotations, with equality at
    multiples of I."""
    mutants = [
        changed(STATED, "(symmetric) is below", scale=fmpq(2)),
        changed(STATED, "(symmetric) is below", scale=fmpq(1, 2)),
        changed(STATED, "(symmetric) is below", scale=fmpq(0)),
    ]
    evidence.prove(DERIVATION, STATEMENT, mutants, part="symmetric", at=SCALED)
    of_one = [
        changed(STATED, "(any) is below", scale_of_one=fmpq(2)),
        changed(STATED, "(any) is below", scale_of_one=fmpq(0)),
    ]
    small = Looped(Setting(SKEW), SKEW.covariance.inv() * fmpq(1, 8), 2)
    evidence.mutants(DERIVATION, STATEMENT, of_one, part="one_example", at=small)


@pytest.mark.claim(slug="looped_symmetric_minimizer", grade="exact", range="d = 2, n = 3, L ≤ 3", parts=())
def test_claim_looped_symmetric_minimizer_in_numbers(evidence: Evidence) -> None:
    """Near the best step the loss rises in both symmetric directions, and at these sizes in the antisymmetric one."""
    for L in (1, 2, 3):
        best = optimal_looped_step(isotropic(2, 3), L)
        a = best.step.lower
        H = looped_hessian(isotropic(2, 3), exact.identity(2) * a, L)
        for direction in ([1, 0, 0, 1], [1, 0, 0, -1], [0, 1, 1, 0], [0, 1, -1, 0]):
            v = fmpq_mat(4, 1, direction)
            assert (v.transpose() * H * v)[0, 0] > 0
        for other in ([[1, 0], [0, -1]], [[0, 1], [1, 0]], [[1, 2], [2, 0]]):
            turned = exact.identity(2) * a + fmpq_mat(other) / 10
            assert looped_loss(isotropic(2, 3), turned, L) > best.loss.upper
        evidence.figure(f"best step at d = 2, n = 3, L = {L}", decimal(best.step, 10))
    evidence.tightness("1, attained at multiples of Σ⁻¹")


def slot_is_dispensable() -> None:
    """A number c in the slot adds the constant c² to the loss at every matrix: which one is best stays."""
    prove_slot_adds_its_square([sparse(A)] * 2)


@pytest.mark.claim(
    slug="looped_symmetric_minimizer", grade="exact", range="one instance per assumption", parts=()
)
def test_claim_looped_symmetric_minimizer_necessity(evidence: Evidence) -> None:
    """Laws that single out a direction make a diagonal matrix better than a multiple of Σ⁻¹."""
    half = exact.diagonal([fmpq(1, 2), 1])
    instances = {
        "gaussian_covariates": Looped(Setting(isotropic(2, 1), covariates="half_signs"), half, 1),
        "independent_task": Looped(Setting(isotropic(2, 1), weights="first_coordinate"), half, 1),
        "whitened_task": Looped(
            Setting(RegressionTask(exact.identity(2), 2, exact.diagonal([1, 4]))),
            exact.diagonal([0, fmpq(1, 4)]),
            1,
        ),
    }
    for key, instance in instances.items():
        evidence.necessary(STATEMENT, key, instance, part="symmetric")
    evidence.dispensable("zero_query_label", slot_is_dispensable)
