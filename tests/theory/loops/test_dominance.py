"""Gradient dominance: each refusal of its checks is reached."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sympy
from flint import fmpq, fmpq_mat, fmpq_poly

from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.derivations.gradient_dominance_sharp import STATED
from icl_claims.theory.loops import dominance
from icl_claims.theory.loops.dominance import (
    RATIO,
    prove_exponents,
    prove_gradient_on_multiples,
    prove_limit,
    prove_on_multiples,
    prove_probability_of_mean_one,
    prove_symmetric_gradient,
)
from icl_claims.theory.many_layers.step_certificate import LAYERS
from icl_claims.theory.task import RegressionTask

TASK = RegressionTask([[2, 1], [1, 1]], 1, [[1, 0], [0, 3]])
SKEW = fmpq_mat([[1, 2], [-1, fmpq(1, 3)]])
SYMMETRIC = fmpq_mat([[1, 2], [2, 0]])
ROOT = fmpq_mat([[2, 1], [1, 1]])


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("norm", 2 * LAYERS, "1/q is not"),
        ("exponent", sympy.Integer(2), "the power of the loss"),
        ("factor", 4 * LAYERS**2 + 1, "the two sides differ"),
    ],
)
def test_other_constants_of_the_limit_are_refused(field: str, value: sympy.Expr, reason: str) -> None:
    prove_exponents(STATED)
    with pytest.raises(Refuted, match=reason):
        prove_exponents(STATED._replace(**{field: value}))


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("exponent", sympy.Integer(2), "the powers of φ"),
        ("factor", LAYERS**2, "the factor"),
        ("slack", 1 - RATIO, "the slack"),
    ],
)
def test_other_constants_on_multiples_are_refused(field: str, value: sympy.Expr, reason: str) -> None:
    prove_on_multiples(STATED)
    with pytest.raises(Refuted, match=reason):
        prove_on_multiples(STATED._replace(**{field: value}))


@pytest.mark.parametrize(
    ("name", "wrong", "check", "reason"),
    [
        (
            "limit_loss",
            lambda task, matrix, loops: fmpq(0),
            lambda: prove_limit(TASK, SKEW, 1),
            "constant terms",
        ),
        (
            "looped_loss",
            lambda task, matrix, loops: fmpq(task.context_length) ** 2,
            lambda: prove_limit(TASK, SKEW, 1),
            "no polynomial",
        ),
        (
            "limit_loss",
            lambda task, matrix, loops: fmpq(0),
            lambda: prove_symmetric_gradient(ROOT, SYMMETRIC, 2),
            "is not tr",
        ),
        (
            "limit_gradient",
            lambda task, matrix, loops: fmpq_mat(2, 2),
            lambda: prove_symmetric_gradient(ROOT, SYMMETRIC, 2),
            "the gradient of the limit",
        ),
        (
            "looped_gradient",
            lambda task, matrix, loops: fmpq_mat(2, 2),
            lambda: prove_gradient_on_multiples(ROOT, 3, 1),
            "is not f'",
        ),
        (
            "looped_step_loss",
            lambda task, loops: fmpq_poly([task.dim, -1, 1]),
            lambda: prove_probability_of_mean_one([(2, 3, 1)]),
            "mean 1",
        ),
    ],
)
def test_a_wrong_loss_or_gradient_is_refused(
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    wrong: Callable[..., Any],
    check: Callable[[], None],
    reason: str,
) -> None:
    check()
    monkeypatch.setattr(dominance, name, wrong)
    with pytest.raises(Refuted, match=reason):
        check()


def test_a_matrix_that_is_not_symmetric_has_another_gradient() -> None:
    with pytest.raises(Refuted, match="is not tr"):
        prove_symmetric_gradient(ROOT, SKEW, 2)


def test_the_stated_powers_are_an_identity_at_one_loop() -> None:
    assert [STATED.exponent.subs(LAYERS, L) for L in (1, 2)] == [1, sympy.Rational(3, 2)]
    assert STATED.norm.subs(LAYERS, 2) == 4
