"""Gatmiry et al. (2024), experiments: whether the matrix of a trained loop becomes a multiple of the identity."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from flint import fmpq, fmpq_mat

from icl_claims.claims.edits import changed
from icl_claims.claims.evidence import Evidence
from icl_claims.criteria.gatmiry2024 import IDENTITY as CRITERION
from icl_claims.numerics.rounding import nearest, nearest_root
from icl_claims.theory.algebra import exact
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.loops.step import optimal_looped_step
from icl_claims.theory.many_layers.matrix_layers import layered_loss
from icl_claims.theory.task import isotropic
from tests.shared.criteria import exactly
from tests.shared.looped_runs import LONG, LOOPS, SHORT, D, matrix, names, squared_distance, step

ARTEFACTS = ("artefacts/gatmiry2024/looped",)
NEAR, FAR = (exactly(CRITERION, name) for name in ("near", "far"))


class Ends(NamedTuple):
    """That all runs with these numbers of loops start beyond ``far`` and end within ``near``, in Dist(A, I)."""

    loops: tuple[int, ...]
    context: int
    near: fmpq = NEAR
    far: fmpq = FAR


def check_ends(stated: Ends) -> None:
    """Exactly, by squares."""
    for loops in stated.loops:
        for run in names(stated.context, loops):
            if squared_distance(run, start=True) < stated.far**2:
                raise Refuted(f"{run}: the start is nearer")
            if squared_distance(run) > stated.near**2:
                raise Refuted(f"{run}: the end is no multiple of I")


def figures(evidence: Evidence, n: int) -> None:
    """Distances, and the multiples beside the best."""
    for loops in LOOPS:
        best = nearest(optimal_looped_step(isotropic(D, n), loops).step.lower)
        distances = ", ".join(f"{nearest_root(squared_distance(run)):.3f}" for run in names(n, loops))
        steps = ", ".join(f"{nearest(step(run)):.4f}" for run in names(n, loops))
        skew = ", ".join(f"{nearest(skew_share(matrix(run))):.2f}" for run in names(n, loops))
        evidence.figure(f"n = {n}, L = {loops}: distances at the end", distances, exact=False)
        evidence.figure(
            f"n = {n}, L = {loops}: $\\operatorname{{tr}}A/d$ of the runs; the best step",
            f"{steps}; {best:.4f}",
            exact=False,
        )
        evidence.figure(f"n = {n}, L = {loops}: antisymmetric share of the squared distance", skew, False)


def skew_share(A: fmpq_mat) -> fmpq:
    """‖(A − Aᵀ)/2‖² over ‖A − (tr A/d)I‖²."""
    K = (A - A.transpose()) / 2
    rest = A - exact.identity(D) * (exact.trace(A) / D)
    return exact.trace(K * K.transpose()) / exact.trace(rest * rest.transpose())


@pytest.mark.claim(
    slug="trained_preconditioner_is_scaled_identity",
    grade="trained",
    scale="small",
    range="n = 5, L = 1, 2, 3, 5: three runs each",
    parts=("shorter",),
)
def test_claim_trained_preconditioner_is_scaled_identity_shorter(evidence: Evidence) -> None:
    """With fewer examples than coordinates every run ends within 1/20 of a multiple of I."""
    stated = Ends(LOOPS, SHORT)
    mutants = [
        changed(stated, "the end is no multiple of I", near=fmpq(1, 100)),
        changed(stated, "the end is no multiple of I", context=LONG),
        changed(stated, "the start is nearer", far=fmpq(1)),
    ]
    evidence.check(check_ends, stated, mutants)
    figures(evidence, SHORT)


class Elsewhere(NamedTuple):
    """That every run with so many loops ends beyond ``near``, in Dist(A, I)."""

    loops: tuple[int, ...]
    context: int = LONG
    near: fmpq = NEAR


def check_elsewhere(stated: Elsewhere) -> None:
    for loops in stated.loops:
        for run in names(stated.context, loops):
            if squared_distance(run) <= stated.near**2:
                raise Refuted(f"{run}: ends near to a multiple of I")


@pytest.mark.claim(
    slug="trained_preconditioner_is_scaled_identity",
    grade="trained",
    scale="small",
    range="n = 40, L = 3, 5: three runs each",
    parts=("longer",),
    refutes=True,
)
def test_claim_trained_preconditioner_is_scaled_identity_longer(evidence: Evidence) -> None:
    """With four times as many examples as coordinates and three loops or more, every run ends beyond 1/20 of every
    multiple of I, by an antisymmetric part."""
    stated = Elsewhere((3, 5))
    mutants = [
        changed(stated, "ends near to a multiple of I", loops=(1,)),
        changed(stated, "ends near to a multiple of I", context=SHORT),
        changed(stated, "ends near to a multiple of I", near=fmpq(1, 2)),
    ]
    evidence.check(check_elsewhere, stated, mutants)
    figures(evidence, LONG)


class Below(NamedTuple):
    """That every run loses less than a multiple of the least loss at multiples of I."""

    loops: int
    factor: fmpq = fmpq(1)
    context: int = LONG


def check_below(stated: Below) -> None:
    """The population loss of every run at its end, exactly."""
    task = isotropic(D, stated.context)
    least = optimal_looped_step(task, stated.loops).loss
    for run in names(stated.context, stated.loops):
        loss = layered_loss(task, [matrix(run)] * stated.loops)
        if not least.compare(loss / stated.factor) > 0:
            raise Refuted(f"{run}: does not lose less")


@pytest.mark.claim(
    slug="trained_preconditioner_is_scaled_identity",
    grade="trained",
    scale="small",
    range="n = 40, L = 3: three runs",
    parts=("longer",),
    refutes=True,
)
def test_claim_trained_preconditioner_is_scaled_identity_lower_loss(evidence: Evidence) -> None:
    """What three loops end at loses less, in the exact population loss, than every multiple of I does: training has no
    reason to go back to one."""
    stated, no = Below(3), "does not lose less"
    mutants = [
        *(changed(stated, no, loops=loops) for loops in (1, 2)),
        changed(stated, no, context=SHORT),
        changed(stated, no, factor=fmpq(49, 50)),
    ]
    evidence.check(check_below, stated, mutants)
    least = nearest(optimal_looped_step(isotropic(D, LONG), 3).loss.upper)
    for run in names(LONG, 3):
        value = nearest(layered_loss(isotropic(D, LONG), [matrix(run)] * 3))
        evidence.figure(
            f"{run}: population loss; least at multiples of $I$", f"{value:.5f}; {least:.5f}", False
        )
