"""Times of the looped flow: each refusal of its checks is reached."""

from __future__ import annotations

import pytest
import sympy

from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.derivations.gradient_flow_time import STATED
from icl_claims.theory.loops.dominance import RATIO
from icl_claims.theory.loops.flow import prove_limit_time, prove_slack
from icl_claims.theory.many_layers.step_certificate import LAYERS


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("exponent", (LAYERS - 1) / (2 * LAYERS - 1), "depends on φ"),
        ("divisor", 4 * LAYERS**2, "is not 1"),
        ("divisor", 2 * LAYERS * (LAYERS - 1), "is not 1"),
    ],
)
def test_another_time_is_refused(field: str, value: sympy.Expr, reason: str) -> None:
    prove_limit_time(STATED)
    with pytest.raises(Refuted, match=reason):
        prove_limit_time(STATED._replace(**{field: value}))


def test_another_limit_at_one_loop_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sympy, "limit", lambda *_: sympy.Rational(1, 3))
    with pytest.raises(Refuted, match="at L = 1"):
        prove_limit_time(STATED)


@pytest.mark.parametrize(
    ("field", "value", "reason"), [("slack", 1 + RATIO, "the slack"), ("radius", 2 * RATIO, "the radius")]
)
def test_another_slack_is_refused(field: str, value: sympy.Expr, reason: str) -> None:
    prove_slack(STATED)
    with pytest.raises(Refuted, match=reason):
        prove_slack(STATED._replace(**{field: value}))
