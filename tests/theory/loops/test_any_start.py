"""The flow from any start: each refusal of its checks is reached."""

from __future__ import annotations

import pytest
import sympy
from flint import fmpq, fmpq_mat

from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.derivations.gradient_flow_any_start import STATED
from icl_claims.theory.loops import any_start
from icl_claims.theory.loops.any_start import prove_homogeneous, prove_means, prove_rate, prove_two_loops
from icl_claims.theory.many_layers.step_certificate import LAYERS
from icl_claims.theory.task import RegressionTask

TASK = RegressionTask.whitened([[2, 1], [1, 1]], 1)
MATRIX = fmpq_mat([[1, 2], [-1, fmpq(1, 3)]])


def test_another_degree_is_refused() -> None:
    prove_homogeneous(STATED.degree, TASK, MATRIX, 2)
    with pytest.raises(Refuted, match="homogeneous of degree 3"):
        prove_homogeneous(2 * LAYERS - 1, TASK, MATRIX, 2)


def test_another_gradient_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(any_start, "limit_gradient", lambda *_: fmpq_mat(2, 2))
    with pytest.raises(Refuted, match="is not 4 g"):
        prove_homogeneous(STATED.degree, TASK, MATRIX, 2)
    with pytest.raises(Refuted, match="the gradient is not"):
        prove_two_loops(STATED.constant, MATRIX)


def test_another_divisor_is_refused() -> None:
    prove_rate(STATED)
    with pytest.raises(Refuted, match="twice the degree"):
        prove_rate(STATED._replace(divisor=5 * LAYERS))


def test_another_constant_is_refused() -> None:
    prove_two_loops(fmpq(8), MATRIX)
    with pytest.raises(Refuted, match="the constant"):
        prove_two_loops(fmpq(9), MATRIX)


def test_another_sum_of_squares_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    found = any_start.exact.inner
    monkeypatch.setattr(any_start.exact, "inner", lambda a, b: found(a, b) + 1)
    with pytest.raises(Refuted, match="sum of squares"):
        prove_two_loops(fmpq(8), MATRIX)


def test_other_means_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    prove_means()
    monkeypatch.setattr(sympy, "expand", lambda _: sympy.Integer(1))
    with pytest.raises(Refuted, match="no square"):
        prove_means()
