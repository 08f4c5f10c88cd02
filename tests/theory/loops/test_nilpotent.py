"""The zeros of the limit loss and what a dominance implies: each refusal of the checks is reached."""

from __future__ import annotations

import pytest
import sympy
from flint import fmpq_mat

from icl_claims.theory.algebra import exact
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.derivations.faster_than_polyak_lojasiewicz import STATED
from icl_claims.theory.derivations.gradient_dominance_sharp import STATED as DOMINANCE
from icl_claims.theory.loops import nilpotent
from icl_claims.theory.loops.nilpotent import prove_implied_time, prove_segment, segment
from icl_claims.theory.many_layers.step_certificate import LAYERS


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [("exponent", sympy.Integer(2), "the exponent"), ("coefficient", LAYERS, "the speed")],
)
def test_another_guarantee_is_refused(field: str, value: sympy.Expr, reason: str) -> None:
    prove_implied_time(STATED, DOMINANCE)
    with pytest.raises(Refuted, match=reason):
        prove_implied_time(STATED._replace(**{field: value}), DOMINANCE)


def test_an_exponent_that_is_not_1_at_one_loop_is_refused() -> None:
    two = DOMINANCE._replace(exponent=sympy.Integer(2))
    with pytest.raises(Refuted, match="L = 1"):
        prove_implied_time(STATED._replace(exponent=sympy.Integer(2), coefficient=sympy.Integer(1)), two)


def test_one_loop_is_refused() -> None:
    with pytest.raises(Refuted, match="at the ends for L = 1"):
        prove_segment(1, 3, exact.identity(2))


def test_a_middle_without_loss_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nilpotent, "limit_loss", lambda task, matrix, loops: 0)
    with pytest.raises(Refuted, match="in the middle"):
        prove_segment(2, 2, exact.identity(2))


def test_the_ends_are_nilpotent_in_any_coordinates() -> None:
    covariance = fmpq_mat([[2, 1], [1, 3]])
    for end in segment(covariance)[:2]:
        K = exact.identity(2) - end.transpose() * covariance
        assert K * K == fmpq_mat(2, 2) != K


def test_no_segment_in_one_dimension() -> None:
    with pytest.raises(ValueError, match="2 × 2"):
        segment(exact.identity(1))
