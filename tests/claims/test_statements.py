"""Every theory claim says in code what it says in TeX; its statement is tried on drawn instances and at the corners."""

from __future__ import annotations

from typing import Any

import pytest
from flint import arb, fmpq
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from icl_claims.claims import evidence_index
from icl_claims.claims.registry import registry
from icl_claims.claims.statement import ANYWHERE, CORNERS, Corner, Statement, is_negative
from icl_claims.theory.algebra import exact
from icl_claims.theory.task import RegressionTask
from tests import ROOT
from tests.shared.statements import statements

INDEX = evidence_index.build(ROOT, registry())
STATED = [
    slug
    for slug, claim in registry().items()
    if claim.kind == "theory" and INDEX.of(slug) and not claim.draft
]
TRUE = [slug for slug in STATED if registry()[slug].severity is None]
"""A claim with a severity is false as written: its evidence holds the instance that violates it."""

at_few = settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck), database=None)
at_two = settings(at_few, max_examples=2)


def of(slug: str) -> Statement[Any, Any]:
    if slug not in statements():
        pytest.fail(f"{slug}: its test file must hold a Statement")
    return statements()[slug]


@pytest.mark.parametrize(
    ("margin", "negative"),
    [
        (fmpq(-1, 10**9), True),
        (fmpq(0), False),
        (fmpq(1, 10**9), False),
        (arb(-1, 0.5), True),
        (arb(-1, 2), False),
    ],
)
def test_a_margin_is_negative_where_it_is_certainly_below_zero(margin: fmpq | arb, negative: bool) -> None:
    assert is_negative(margin) is negative


@pytest.mark.parametrize("slug", STATED)
def test_conditions_and_margins_are_those_of_the_record(slug: str) -> None:
    claim, statement = registry()[slug], of(slug)
    assert list(statement.conditions) == [assumption.key for assumption in claim.assumptions]
    assert set(statement.margins) == set(claim.parts)
    assert set(statement.undefined_without) <= set(statement.conditions)
    assert set(statement.excluded) <= {corner.name for corner in CORNERS}
    undefined = [a for a in claim.assumptions if a.key in statement.undefined_without]
    assert slug not in TRUE or all(a.not_shown for a in undefined), (
        "no instance can show it necessary: the record says why"
    )
    reasons = [*statement.excluded.values(), *statement.undefined_without.values()]
    assert all(reason.strip() for reason in reasons)


@pytest.mark.parametrize("slug", STATED)
def test_assumptions_draw_instances_that_satisfy_the_statement(slug: str) -> None:
    statement = of(slug)

    @at_few
    @given(st.data())
    def tried(data: st.DataObject) -> None:
        try_at(statement, data.draw(statement.instances(ANYWHERE)), true=slug in TRUE)

    tried()


@pytest.mark.parametrize("slug", STATED)
def test_each_assumption_can_be_dropped_alone(slug: str) -> None:
    statement = of(slug)

    @at_two
    @given(st.data())
    def dropped(data: st.DataObject) -> None:
        for key in statement.conditions.keys() - statement.undefined_without.keys():
            instance = data.draw(statement.without(key))
            assert statement.violated(instance) == (key,), (key, str(instance))

    dropped()


@pytest.mark.parametrize("corner", CORNERS, ids=lambda corner: corner.name)
@pytest.mark.parametrize("slug", TRUE)
def test_the_statement_holds_at_the_corners(slug: str, corner: Corner) -> None:
    statement = of(slug)
    if corner.name in statement.excluded:
        return

    @at_two
    @given(st.data())
    def tried(data: st.DataObject) -> None:
        instance = data.draw(statement.instances(corner))
        setting = getattr(instance, "setting", None)
        task = getattr(setting, "task", None) or getattr(instance, "task", None)
        if task is not None:
            assert is_at(task, corner), (corner, str(instance))
        try_at(statement, instance, true=True)

    tried()


def try_at(statement: Statement[Any, Any], instance: object, true: bool) -> None:
    assert " at 0x" not in str(instance)
    assert statement.violated(instance) == ()
    for part in statement.margins:
        violated = is_negative(statement.margin(part, instance))
        assert not (true and violated), f"{part} is false at {instance}"


def is_at(task: RegressionTask, corner: Corner) -> bool:
    d, n = task.dim, task.context_length
    sizes = {None: True, "dim": n == d, "below_dim": n < d}.get(
        corner.context_length, n == corner.context_length
    )
    values = task.covariance.charpoly().complex_roots() if corner.covariance == "repeated" else []
    repeated = corner.covariance != "repeated" or any(multiplicity > 1 for _, multiplicity in values)
    scalar = corner.covariance != "scalar" or task.covariance == exact.identity(d) * task.covariance[0, 0]
    return sizes and repeated and scalar and corner.dim in (None, d)


def test_corners_are_recognized() -> None:
    task = RegressionTask(exact.diagonal([1, 1, 2]), 3)
    assert [corner.name for corner in CORNERS if is_at(task, corner)] == [
        "n = d",
        "L = 1",
        "repeated eigenvalues",
    ]
    assert [c.name for c in CORNERS if is_at(RegressionTask([[4]], 1), c)] == [
        "d = 1",
        "n = 1",
        "n = d",
        "L = 1",
        "Σ = cI",
    ]
    assert [c.name for c in CORNERS if is_at(RegressionTask(exact.diagonal([1, 2]), 1), c)] == [
        "n = 1",
        "n < d",
        "L = 1",
    ]
