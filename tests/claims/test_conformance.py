"""What the suite demands of every registered claim, before any evidence runs.

What only a run can show (three mutants killed, every assumption's necessity addressed, every part decided)
is demanded at its end: the plugin fails a run in which a claim's evidence ran whole and still owes something.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from icl_claims.claims import evidence_index
from icl_claims.claims.claim import PAPERS, Claim
from icl_claims.claims.registry import registry
from icl_claims.claims.report.prose import prose_html
from tests import ROOT

INDEX = evidence_index.build(ROOT, registry())
CLAIMS = [pytest.param(claim, id=slug) for slug, claim in registry().items()]
WITH_EVIDENCE = [slug for slug in registry() if INDEX.of(slug, "full")]


@pytest.mark.parametrize("claim", CLAIMS)
def test_has_a_statement_that_renders_and_a_source(claim: Claim) -> None:
    rendered = prose_html(claim.statement)
    assert rendered.count("<math") == claim.statement.count("$") / 2
    assert "merror" not in rendered
    assert "$" not in rendered
    assert claim.paper in PAPERS
    assert claim.location.strip()


@pytest.mark.parametrize("claim", CLAIMS)
def test_has_evidence_or_a_reason_why_not(claim: Claim) -> None:
    assert claim.draft or bool(INDEX.of(claim.slug, "full")) != bool(claim.reason), (
        "a claim has either evidence or a written reason for having none"
    )


@pytest.mark.parametrize("claim", [p for p in CLAIMS if p.values[0].kind == "theory"])  # type: ignore[attr-defined]
def test_a_theory_claim_states_its_assumptions(claim: Claim) -> None:
    """Or it is about the object of another claim, which states them."""
    assert claim.assumptions or claim.reason or claim.rests_on, (
        "a claim with evidence needs assumptions as data"
    )


def test_the_index_finds_no_problem_in_any_evidence() -> None:
    assert not INDEX.problems


def test_a_good_share_of_evidence_is_found() -> None:
    assert {"global_minimizer", "forward_pass_is_preconditioned_gd"} <= set(WITH_EVIDENCE)


@pytest.mark.parametrize("slug", WITH_EVIDENCE)
def test_has_a_file_of_its_own(slug: str) -> None:
    """One file per claim; a correction shares the file of what it corrects."""
    names = {slug, registry()[slug].corrects}
    files = {Path(entry.nodeid.split("::")[0]).stem for entry in INDEX.of(slug, "full")}
    assert any(file == f"test_claim_{name}" for name in names for file in files)


ON_TRAINED_MODELS = [
    slug
    for slug, claim in registry().items()
    if claim.kind == "experiment" and any(entry.mark.grade == "trained" for entry in INDEX.of(slug, "full"))
]


@pytest.mark.parametrize("slug", ON_TRAINED_MODELS)
def test_an_experiment_on_trained_models_has_a_criterion(slug: str) -> None:
    """In numbers, and older than the runs that it judges: their seeds come from it."""
    assert registry()[slug].criterion is not None


def test_every_number_of_a_criterion_stands_in_its_text() -> None:
    criteria = [(slug, claim.criterion) for slug, claim in registry().items() if claim.criterion is not None]
    assert [
        (slug, name)
        for slug, criterion in criteria
        for name in criterion.numbers
        if f"{{{name}}}" not in criterion.template
    ] == []


CLAIM_TESTS = sorted((ROOT / "tests" / "claims").rglob("test_claim_*.py"))


def imported_modules(source: str) -> Iterator[str]:
    """Every module that a source text may import, inside functions too: of ``from m import x`` also ``m.x``."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def is_claim_test(module: str) -> bool:
    """A relative import counts as one: the files beside a claim test are claim tests."""
    return module.startswith((".", "tests.claims.")) or "test_claim_" in module


@pytest.mark.parametrize("file", CLAIM_TESTS, ids=lambda file: file.stem.removeprefix("test_claim_"))
def test_a_claim_test_stands_alone(file: Path) -> None:
    """What two claims need belongs to the theory, or to tests/shared."""
    assert not [name for name in imported_modules(file.read_text(encoding="utf-8")) if is_claim_test(name)]


@pytest.mark.parametrize(
    "source",
    [
        "from tests.claims.suite.test_claim_sum import check",
        "import tests.claims.suite.test_claim_sum as other",
        "from tests.claims.suite import test_claim_sum",
        "from . import test_claim_sum",
        "from .test_claim_sum import check",
        "def f():\n    from tests.claims.suite.test_claim_sum import check",
    ],
)
def test_every_way_to_import_a_claim_test_is_seen(source: str) -> None:
    assert any(map(is_claim_test, imported_modules(source)))
    allowed = "from tests.shared import instances\nfrom icl_claims.claims.evidence import Evidence"
    assert not any(map(is_claim_test, imported_modules(allowed)))


@pytest.mark.parametrize("file", CLAIM_TESTS, ids=lambda file: file.stem.removeprefix("test_claim_"))
def test_labels_of_mutants_come_from_edits(file: Path) -> None:
    """An ``Edit`` written out by hand could have any name."""
    assert not by_hand(file.read_text(encoding="utf-8"))


def by_hand(source: str) -> list[int]:
    """The lines in which a source text makes an ``Edit`` itself, or changes the label of one."""
    found = []
    for call in ast.walk(ast.parse(source)):
        if isinstance(call, ast.Call):
            name = ast.unparse(call.func).rpartition(".")[2]
            relabels = "replace" in name and any(keyword.arg == "label" for keyword in call.keywords)
            found += [call.lineno] if name == "Edit" or relabels else []
    return sorted(found)


def test_edits_by_hand_are_seen() -> None:
    assert by_hand("Edit('k', 1, 'r')\nedits.Edit('k', 1, 'r')\nreplace(edit, label='k')") == [1, 2, 3]
    assert (
        by_hand("def f() -> Edit[int]:\n    return changed(s._replace(n=2), 'r', k=1), Series(label='k')")
        == []
    )


def named_claims(nodeid: str) -> list[str]:
    return [slug for slug in registry() if f"claim_{slug}" in nodeid]


def test_a_claim_by_name_selects_its_evidence_alone(request: pytest.FixtureRequest) -> None:
    """`pytest -k claim_SLUG` runs what is in claim test files, and no test about them."""
    elsewhere = (item for item in request.session.items if not item.path.stem.startswith("test_claim_"))
    assert [item.nodeid for item in elsewhere if named_claims(item.nodeid)] == []
    assert named_claims("tests/test_spelling.py::test_spelling[test_claim_global_minimizer.py]")


def test_all_claim_tests_are_looked_at() -> None:
    assert {file.stem for file in CLAIM_TESTS} >= {f"test_claim_{slug}" for slug in ("global_minimizer",)}
