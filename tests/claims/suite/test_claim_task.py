"""REPLACE: evidence for ``task``: statement, instances and margin, mutants, check, necessity."""

from dataclasses import dataclass

import pytest
from flint import fmpq
from hypothesis import strategies as st

from icl_claims.claims.edits import changed
from icl_claims.claims.evidence import Evidence
from icl_claims.claims.statement import CORNERS, Statement
from icl_claims.theory.derivations.task import (
    CURVATURE,
    DERIVATION,
    STATED,
    STEP,
    TARGET,
    Step,
)


@dataclass(frozen=True)
class Instance:
    """A step of size a from w on the loss (s/power)(w − t)^power."""

    a: int
    s: int
    t: int
    start: int = 0
    power: int = 2


def margin(stated: Step, at: Instance) -> fmpq:
    """Minus the square of what is wrong with the stated error: another route than the check, in numbers."""
    moved = at.start - at.a * at.s * fmpq(at.start - at.t) ** (at.power - 1)
    values = {STEP: at.a, CURVATURE: at.s, TARGET: at.t}
    return -((moved - at.t - int(stated.error.subs(values))) ** 2)


numbers = st.integers(1, 5)

STATEMENT = Statement(
    slug="task",
    stated=STATED,
    margins={"statement": margin},
    conditions={
        "quadratic_loss": lambda at: at.power == 2,
        "start_at_zero": lambda at: at.start == 0,
    },
    instances=lambda corner: st.builds(Instance, numbers, numbers, numbers),
    without=lambda key: st.builds(
        Instance,
        numbers,
        numbers,
        numbers,
        st.just(int(key == "start_at_zero")),
        st.just(4 if key == "quadratic_loss" else 2),
    ),
    excluded={corner.name: "REPLACE: there are no sizes d, n, L" for corner in CORNERS},
)


@pytest.mark.claim(slug="task", grade="proof", range="all a, s, t")
def test_claim_task(evidence: Evidence) -> None:
    """REPLACE: the error is derived by differentiating the loss, and compared as a polynomial."""
    mutants = [
        changed(STATED, "stated minus derived error", error=(STEP * CURVATURE + 1) * TARGET),
        changed(STATED, "stated minus derived error", error=(STEP - 1) * TARGET),
        # Owed: a third false variant of the statement, which the check must refuse.
    ]
    evidence.prove(DERIVATION, STATEMENT, mutants, at=Instance(a=1, s=2, t=1))

    evidence.necessary(STATEMENT, "quadratic_loss", Instance(a=1, s=1, t=2, power=4))

    # Owed: the other assumption, start_at_zero. Show an instance in which the conclusion fails without it
    # (evidence.necessary), or why it holds all the same (evidence.dispensable); or say in its record, by
    # Assumption(..., not_shown="..."), why this was not tried.
