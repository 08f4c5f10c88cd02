"""Two loops near a multiple of I: against exact losses of matrices, and each refusal of the checks is reached."""

from __future__ import annotations

import pytest
import sympy
from flint import fmpq, fmpq_mat

from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.loops import two_loops as module
from icl_claims.theory.loops.matrix import looped_loss
from icl_claims.theory.loops.two_loops import (
    CONTEXT,
    DIM,
    STATED,
    STEP,
    antisymmetric_terms,
    prove_curvature,
    prove_gain,
    prove_limit_of_loss,
    prove_saddle,
)
from icl_claims.theory.task import isotropic


@pytest.mark.parametrize("n", [1, 2, 9])
def test_the_loss_at_antisymmetric_parts(n: int) -> None:
    """By words in matrices with entries: d = 3 with a rational K, all terms of the expansion."""
    a, K = fmpq(2, 3), fmpq_mat(3, 3, [0, 1, -2, -1, 0, 3, 2, -3, 0])
    square = K * K
    traces = {2: sum(square[i, i] for i in range(3)), 4: sum((square * square)[i, i] for i in range(3))}
    total = fmpq(0)
    for (powers, steps), c in antisymmetric_terms().items():
        value = sympy.Rational(c.as_expr().subs({DIM: 3, CONTEXT: n}))
        term = fmpq(int(value.p), int(value.q)) * a**steps
        for k in powers:
            term *= traces[k]
        total += term
    A = K + fmpq_mat(3, 3, [a * int(i == j) for i in range(3) for j in range(3)])
    assert total == looped_loss(isotropic(3, n), A, 2)


@pytest.mark.parametrize("name", ["quadratic", "linear", "constant"])
def test_another_curvature_is_refused(name: str) -> None:
    prove_curvature(STATED)
    with pytest.raises(Refuted, match="in the curvature is another one"):
        prove_curvature(STATED._replace(**{name: getattr(STATED, name) + 1}))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"quadratic": -STATED.quadratic}, "convex in a"),
        ({"constant": STATED.constant + 10 * CONTEXT**2}, "at 1 is not shown"),
        (
            {"linear": STATED.linear - 10 * CONTEXT**3, "constant": STATED.constant + 10 * CONTEXT**3},
            "below a\\*",
        ),
    ],
)
def test_another_sign_is_refused(change: dict[str, sympy.Expr], reason: str) -> None:
    prove_saddle(STATED)
    with pytest.raises(Refuted, match=reason):
        prove_saddle(STATED._replace(**change))


@pytest.mark.parametrize(("sign", "shift", "reason"), [(-1, 0, "lie below a\\*"), (1, -1, "lie below 1")])
def test_another_place_of_the_minimum_is_refused(
    monkeypatch: pytest.MonkeyPatch, sign: int, shift: int, reason: str
) -> None:
    honest = module.loss_at_multiple()
    monkeypatch.setattr(module, "loss_at_multiple", lambda: sign * honest + shift * 10 * STEP * DIM)
    with pytest.raises(Refuted, match=reason):
        prove_saddle(STATED)


def test_another_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    prove_limit_of_loss()
    monkeypatch.setattr(module, "gaussian_moment", lambda _: [0, 5, 5, 3])
    with pytest.raises(Refuted, match="limit of the loss"):
        prove_limit_of_loss()


def test_another_gain_is_refused() -> None:
    prove_gain(sympy.Integer(2))
    with pytest.raises(Refuted, match="gains another"):
        prove_gain(sympy.Integer(3))
