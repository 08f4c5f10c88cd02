"""The value row of a looped block: each refusal of its checks is reached."""

from __future__ import annotations

import pytest

from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.words import eye, n
from icl_claims.theory.loops import value_row as module
from icl_claims.theory.loops.value_row import STEP, A, U, prove_added_square, prove_loop
from icl_claims.theory.transformer.attention import X
from icl_claims.theory.transformer.prompts import SIGMA


@pytest.mark.parametrize("step", [eye("d") - A @ X @ X.T / n, eye("d") + A.T @ X @ X.T / n])
def test_another_step_is_refused(step: object) -> None:
    prove_loop(STEP)
    with pytest.raises(Refuted, match="does not take the state"):
        prove_loop(step)  # type: ignore[arg-type]


def test_another_start_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = module.state
    monkeypatch.setattr(module, "state", lambda v: honest(v + U))
    with pytest.raises(Refuted, match="not the state of w \\+ u"):
        prove_loop()


def test_another_mean_square_is_refused() -> None:
    prove_added_square()
    with pytest.raises(Refuted, match="another one"):
        prove_added_square(U.T @ SIGMA @ U)
