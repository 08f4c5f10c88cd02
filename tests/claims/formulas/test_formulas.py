"""Displayed formulas are compared by value, all those of a claim or none, and no slip of the pen would pass."""

from __future__ import annotations

from dataclasses import replace

import pytest

from icl_claims.claims import formulas, tex
from icl_claims.claims.formulas import Formula, declared, displayed, uncompared
from icl_claims.claims.registry import registry
from tests import ROOT
from tests.claims.formulas import (
    conditioning,
    covariate_updates,
    critical_points,
    descent,
    experiments,
    minimizers,
    one_layer,
    prompts,
    published,
    relu,
    scaled_set,
    wishart,
)
from tests.claims.formulas.evaluate import Environment, holds, parse
from tests.claims.formulas.perturb import is_same_expression, perturbations
from tests.claims.formulas.table import TABLES, Table
from tests.claims.formulas.values import Undefined

MODULES = (
    *(prompts, one_layer, minimizers, relu, descent, wishart),
    *(scaled_set, critical_points, covariate_updates, conditioning, experiments, published),
)
"""The modules that fill :data:`TABLES`."""
FOLDER = ROOT / formulas.TABLES


def named(tables: list[Table]) -> list[object]:
    return [
        pytest.param(table, text, id=f"{table.source.__name__}: {text}")
        for table in tables
        for text in table.texts
    ]


def passes(tree: tex.Node, points: list[Environment]) -> bool:
    """Whether a formula is as the table says in all of the environments; where it has no value it is not."""
    try:
        return all(holds(tree, point) for point in points)
    except Undefined:
        return False


@pytest.mark.parametrize(("table", "text"), named(TABLES))
def test_formula_is_as_the_theory_says(table: Table, text: str) -> None:
    points = table.points(text)
    assert points, "a formula is compared at one point at least"
    for point in points:
        assert holds(parse(text), point), (text, point)


@pytest.mark.parametrize(("table", "text"), named([table for table in TABLES if table.false]))
def test_formula_quoted_as_false_is_false(table: Table, text: str) -> None:
    assert not all(holds(parse(text), point) for point in table.counterexamples(text))


@pytest.mark.parametrize(("table", "text"), named(TABLES))
def test_a_perturbed_formula_fails(table: Table, text: str) -> None:
    """Or it is the same expression, as m + n and n + m are."""
    points, tried = table.points(text), 0
    for what, perturbed in perturbations(text):
        tried += 1
        assert not passes(perturbed, points) or is_same_expression(parse(text), perturbed), what
    assert tried


def test_every_displayed_formula_of_a_decided_paper_is_compared() -> None:
    claims = {slug: claim for slug, claim in registry().items() if claim.paper == "ahn2023"}
    assert uncompared(claims, FOLDER) == {}


def test_no_claim_is_compared_in_part() -> None:
    """A proposition that somebody adds is listed until its formulas have tables, and then all of them have."""
    places = {formula.place for table in TABLES for formula in table.formulas}
    left = uncompared(registry(), FOLDER)
    assert not places & left.keys()
    suite = {slug for slug, claim in registry().items() if claim.paper == "suite"}
    assert len(suite - left.keys()) >= 24, "the suite's decided claims are compared"


def test_the_tables_hold_what_they_declare_and_only_displayed_formulas() -> None:
    """So a formula whose record was edited has no table, and its old table is an error."""
    shown = {formula for claim in registry().values() for formula in displayed(claim)}
    tables = {
        formula: "refutes" if table.false else "compares" for table in TABLES for formula in table.formulas
    }
    assert declared(FOLDER) == tables
    assert set(tables) <= shown
    assert len(tables) == sum(len(table.formulas) for table in TABLES), "a formula has two tables"


def test_an_edited_formula_is_listed_again() -> None:
    claim = registry()["wishart_trace_recurrence"]
    edited = replace(claim, statement=claim.statement.replace("m_2=p(s+1)", "m_2=p(s+2)"))
    assert uncompared({claim.slug: edited}, FOLDER) == {claim.slug: ["m_2=p(s+2)"]}


def test_a_formula_is_known_by_its_place() -> None:
    """p is a product of sizes in one claim and of roots in another."""
    known = declared(FOLDER)
    assert Formula("wishart_trace_recurrence", "p=dn") in known
    assert Formula("two_layer_symmetric_minimizer_scalar", "p=dn") not in known


def test_perturbations_of_a_formula() -> None:
    found = dict(perturbations(r"a=-\frac{n}{n+2}x^\top"))
    assert found.keys() >= {
        "2 → 3 at token 10",
        "+ → − at token 9",
        "− left out at token 2",
        "d ↔ n",
        "without n",
    }
    assert (
        found["x not transposed"].outline() == "relation=(a, negative(product(quotient(n, sum_of(n, 2)), x)))"
    )


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("s=d+n", "s=n+d", True),
        ("x=(d-n)^2", "x=(n-d)^2", True),
        ("x=d-n", "x=n-d", False),
        ("x=0", "x=-0", True),
        ("(d,n)=(1,1)", "(n,d)=(1,1)", True),
        ("(d,n)=(1,2)", "(n,d)=(1,2)", False),
        ("a+b", "a-b", False),
        (r"\operatorname{tr}A", r"\operatorname{tr}B", False),
    ],
)
def test_sameness_of_expressions(one: str, other: str, same: bool) -> None:
    assert is_same_expression(parse(one), parse(other)) == same
