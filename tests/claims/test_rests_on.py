"""What each claim rests on: the claims that fall with one of them, and what its derivation and evidence use."""

from __future__ import annotations

import ast
import importlib
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from icl_claims.claims import evidence_index
from icl_claims.claims.claim import Claim
from icl_claims.claims.registry import registry, require_grounded
from icl_claims.claims.results import Mutant, Necessity, Results, Row
from icl_claims.claims.verdicts import judge_all
from icl_claims.theory.derivation import Derivation, Lemma
from tests import ROOT
from tests.shared.rows import passed

INDEX = evidence_index.build(ROOT, registry())
DECIDED = [slug for slug, claim in registry().items() if INDEX.of(slug) and not claim.draft]
DERIVED = [slug for slug in DECIDED if registry()[slug].derivation]
RESTED_ON = sorted({below for claim in registry().values() for below in claim.rests_on})


def holding(claim: Claim) -> Row:
    """Evidence by which the claim holds."""
    return passed(
        f"tests/a.py::test_claim_{claim.slug}",
        claim.slug,
        parts=claim.parts,
        mutants=tuple(Mutant(name=name, killed=True) for name in "abc"),
        necessity=tuple(
            Necessity(assumption=a.key, necessary=True, instance="n = 0") for a in claim.assumptions
        ),
    )


def above(slug: str) -> set[str]:
    """All claims that rest on this one, step by step, itself included."""
    found = {slug}
    while more := {c.slug for c in registry().values() if found & set(c.rests_on)} - found:
        found |= more
    return found


def test_some_claims_rest_on_others() -> None:
    assert len(RESTED_ON) >= 4


@pytest.mark.parametrize("slug", RESTED_ON)
def test_with_a_claim_exactly_those_fall_that_rest_on_it(slug: str) -> None:
    rows = {each: holding(claim) for each, claim in registry().items()}
    assert {j.verdict for j in judge_all(Results(rows=tuple(rows.values())), registry()).values()} == {
        "holds"
    }
    rows[slug] = rows[slug].model_copy(update={"outcome": "failed"})
    judged = judge_all(Results(rows=tuple(rows.values())), registry())
    fallen = {each for each, judgement in judged.items() if judgement.verdict != "holds"}
    assert fallen == above(slug)
    assert all(judged[each].verdict == "open" for each in fallen)
    assert all(judged[each].fallen for each in fallen - {slug})


@pytest.mark.parametrize(
    ("rests_on", "message"),
    [
        ({"a": ("b",), "b": ("a",)}, "circle, got a → b → a"),
        ({"a": ("a",), "b": ()}, "circle, got a → a"),
        ({"a": ("b",), "b": ("c",)}, "must be a registered slug, got 'c' in 'b'"),
    ],
)
def test_a_circle_or_an_unknown_claim_is_an_error(rests_on: dict[str, tuple[str, ...]], message: str) -> None:
    claims = {slug: Claim(slug, "suite", "here", "$x$.", rests_on=below) for slug, below in rests_on.items()}
    with pytest.raises(ValueError, match=message):
        require_grounded(claims)
    require_grounded({slug: replace(claim, rests_on=()) for slug, claim in claims.items()})


def derivation(slug: str) -> Derivation:
    module = registry()[slug].derivation
    return importlib.import_module(f"icl_claims.{module}").DERIVATION


@pytest.mark.parametrize("slug", DERIVED)
def test_a_record_rests_on_and_cites_what_its_lemmas_do(slug: str) -> None:
    claim = registry()[slug]
    assert set(derivation(slug).claims) <= set(claim.rests_on)
    assert set(derivation(slug).cites) <= set(claim.cites)


@pytest.mark.parametrize("slug", DECIDED)
def test_a_claim_with_a_proof_or_an_argument_has_a_derivation(slug: str) -> None:
    marks = [entry.mark for entry in INDEX.of(slug)]
    proved = any(m.grade in ("proof", "argument") and m.parts and not m.refutes for m in marks)
    assert proved == (registry()[slug].derivation is not None)


@cache
def imported_from_derivations(file: Path) -> frozenset[tuple[str, str]]:
    """(module, name) of what a source file imports from derivations; the name is empty where a module is imported."""
    prefix, package = "icl_claims.theory.derivations", "icl_claims."
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {(alias.name, "") for alias in node.names if alias.name.startswith(f"{prefix}.")}
        elif isinstance(node, ast.ImportFrom) and node.module == prefix:
            found |= {(f"{prefix}.{alias.name}", "") for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith(f"{prefix}."):
            found |= {(node.module or "", alias.name) for alias in node.names}
    return frozenset((module.removeprefix(package), name) for module, name in found)


@pytest.mark.parametrize("slug", DECIDED)
def test_evidence_uses_no_theorem_of_a_claim_that_it_does_not_rest_on(slug: str) -> None:
    """Held against what the test file and the derivation import.

    Of a claim that it does not rest on it may use lemmas that its own derivation lists, which its evidence runs then,
    and functions; but neither the whole derivation nor a lemma that it does not list.
    """
    claim = registry()[slug]
    files = {ROOT / entry.nodeid.partition("::")[0] for entry in INDEX.of(slug)}
    own = {claim.derivation}
    for file in files:  # A correction stands beside what it corrects.
        own |= {other.derivation for other in registry().values() if file in files_of(other.slug)}
    if claim.derivation is not None:
        files.add(ROOT / Path(*claim.derivation.split(".")).with_suffix(".py"))
    allowed = own | {registry()[below].derivation for below in claim.rests_on}
    listed = derivation(slug).lemmas if claim.derivation else ()
    for module, name in frozenset().union(*map(imported_from_derivations, files)):
        if module in allowed:
            continue
        value = getattr(importlib.import_module(f"icl_claims.{module}"), name or "DERIVATION", None)
        assert not isinstance(value, Derivation), f"{slug} uses {module} and does not rest on its claim"
        assert not isinstance(value, Lemma) or value in listed, (
            f"{slug} uses {name} of {module}, not among its lemmas"
        )


@cache
def files_of(slug: str) -> frozenset[Path]:
    return frozenset(ROOT / entry.nodeid.partition("::")[0] for entry in INDEX.of(slug))
