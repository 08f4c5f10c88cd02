"""Convexity of the loss of equal steps: each refusal of its checks is reached."""

from __future__ import annotations

import pytest
import sympy
from flint import fmpq_poly

from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.loops import convexity
from icl_claims.theory.loops.convexity import (
    prove_critical_points,
    prove_critical_points_at,
    prove_falls_at_zero,
    prove_second_derivative,
)
from icl_claims.theory.loops.step import looped_step_loss
from icl_claims.theory.many_layers.step_certificate import LAYERS
from icl_claims.theory.task import RegressionTask, isotropic

TWO, FACTOR = sympy.Integer(2), 2 * LAYERS * (2 * LAYERS - 1)


@pytest.mark.parametrize(
    ("factor", "s_power", "exponent", "reason"),
    [
        (FACTOR + 1, TWO, 2 * LAYERS - 2, "stated factor"),
        (FACTOR, TWO - 1, 2 * LAYERS - 2, "stated factor"),
        (FACTOR, TWO, 2 * LAYERS - 1, "stated factor"),
        (FACTOR, TWO, LAYERS, "powers"),
        (FACTOR, LAYERS, 2 * LAYERS - 2, "powers"),
    ],
)
def test_another_second_derivative_is_refused(
    factor: sympy.Expr, s_power: sympy.Expr, exponent: sympy.Expr, reason: str
) -> None:
    prove_second_derivative(FACTOR, TWO, 2 * LAYERS - 2)
    with pytest.raises(Refuted, match=reason):
        prove_second_derivative(factor, s_power, exponent)


@pytest.mark.parametrize("L", [1, 2, 4])
def test_the_second_derivative_at_numbers(L: int) -> None:
    """A route of its own: SymPy's derivative of the power multiplied out."""
    a, s = convexity.STEP, convexity.EIGENVALUE
    found = sympy.diff((1 - a * s) ** (2 * L), a, 2)
    assert sympy.expand(found - FACTOR.subs(LAYERS, L) * s**2 * (1 - a * s) ** (2 * L - 2)) == 0


def test_critical_points_are_counted_at_every_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """The loss of one size is replaced by that of the negative step."""

    def loss(task: RegressionTask, loops: int) -> fmpq_poly:
        honest = looped_step_loss(task, loops)
        return honest(fmpq_poly([0, -1])) if task.dim == 2 else honest

    monkeypatch.setattr(convexity, "looped_step_loss", loss)
    prove_critical_points_at([(1, 1, 2)], 1, 1)
    with pytest.raises(Refuted, match="f′\\(0\\) is not"):
        prove_critical_points_at([(1, 1, 2), (2, 1, 2)], 1, 1)


def test_critical_points_are_counted_with_their_sign() -> None:
    loss = looped_step_loss(isotropic(2, 3), 2)
    prove_critical_points(loss, 1, 1)
    prove_critical_points_at([(1, 1, 2)], 1, 1)
    for polynomial, count, sign, reason in (
        (loss, 3, 1, "another number"),
        (loss, 1, -1, "another sign"),
        (fmpq_poly([0, 0, 1]), 1, 1, "another sign"),
        (loss(fmpq_poly([0, -1])), 1, 1, "another sign"),
    ):
        with pytest.raises(Refuted, match=reason):
            prove_critical_points(polynomial, count, sign)


@pytest.mark.parametrize(
    ("loss", "reason"),
    [
        (fmpq_poly([2, -3, 1]), "not −2Ld"),
        (fmpq_poly([2, -4, -1]), "leading coefficient"),
        (fmpq_poly([2, -4]), "leading coefficient"),
    ],
)
def test_a_loss_of_another_shape_is_refused(
    monkeypatch: pytest.MonkeyPatch, loss: fmpq_poly, reason: str
) -> None:
    prove_falls_at_zero(2, 3, 1)
    monkeypatch.setattr(convexity, "looped_step_loss", lambda *_: loss)
    with pytest.raises(Refuted, match=reason):
        prove_falls_at_zero(2, 3, 1)
