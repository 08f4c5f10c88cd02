"""Which files a piece of evidence rests on, and when their change makes its row stale."""

import ast
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pytest

from icl_claims.claims import sources
from icl_claims.claims.claim import Claim
from icl_claims.claims.evidence_index import BadEvidence
from icl_claims.claims.results import Results, Row
from icl_claims.claims.sources import Sources
from icl_claims.criteria import Criterion
from tests.shared.rows import passed

CLAIM = Claim("sum", "suite", "here", "$1+1=2$")
REGISTRY = {"sum": CLAIM}
TEST = "tests/test_claim_sum.py"
ALWAYS = {TEST, "record:sum"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path


def write(root: Path, **files: str) -> None:
    """Files by path, with __ for / and the suffix .py left out."""
    for name, text in files.items():
        path = root / (name.replace("__", "/") + ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def package(root: Path, name: str, init: str = "") -> None:
    (root / name).mkdir(parents=True, exist_ok=True)
    (root / name / "__init__.py").write_text(init, encoding="utf-8")


def rests_on(root: Path, test: str) -> set[str]:
    """What evidence of this text rests on, besides its own file and the record."""
    write(root, tests__test_claim_sum=test)
    found = set(Sources(root, REGISTRY).digests_of(TEST, "sum"))
    assert found >= ALWAYS
    return found - ALWAYS


@pytest.mark.parametrize(
    "text",
    [
        "from icl_claims.theory.sum import total",
        "import icl_claims.theory.sum",
        "import icl_claims.theory.sum as s",
        "from icl_claims.theory import sum",
        "def check():\n    from icl_claims.theory.sum import total",
        "class A:\n    def f(self):\n        if True:\n            import icl_claims.theory.sum",
        "import importlib\nimportlib.import_module('icl_claims.theory.sum')",
        "import pytest\nsum = pytest.importorskip('icl_claims.theory.sum')",
    ],
)
def test_every_way_to_import_a_module_is_followed_to_its_imports(root, text):
    package(root, "theory")
    write(root, theory__sum="from icl_claims.theory.exact import add", theory__exact="from . import rational")
    write(root, theory__rational="", theory__unrelated="")
    assert rests_on(root, text) == {
        "theory/__init__.py",
        "theory/sum.py",
        "theory/exact.py",
        "theory/rational.py",
    }


def test_imports_that_lead_outside_the_project_are_left_alone(root):
    assert rests_on(root, "import sympy\nfrom numpy import linalg\nfrom os.path import join") == set()


def test_import_cycles_end(root):
    package(root, "models")
    write(root, models__a="from icl_claims.models import b", models__b="from icl_claims.models import a")
    assert rests_on(root, "import icl_claims.models.a") == {
        "models/__init__.py",
        "models/a.py",
        "models/b.py",
    }


def test_of_a_package_only_the_names_asked_for_are_followed(root):
    package(
        root,
        "theory",
        "from icl_claims.theory.exact import Refuted\nfrom .moments import moment as wishart\n",
    )
    write(root, theory__exact="", theory__moments="from icl_claims.theory.words import w", theory__words="")
    init = {"theory/__init__.py"}
    assert rests_on(root, "from icl_claims.theory import Refuted") == init | {"theory/exact.py"}
    moments = {"theory/moments.py", "theory/words.py"}
    assert rests_on(root, "from icl_claims.theory import wishart") == init | moments
    assert rests_on(root, "from icl_claims.theory.exact import Refuted") == init | {"theory/exact.py"}
    assert rests_on(root, "import icl_claims.theory") == init | {"theory/exact.py"} | moments
    assert rests_on(root, "from icl_claims.theory import *") == init | {"theory/exact.py"} | moments


def test_a_name_defined_in_a_package_brings_all_that_its_init_imports(root):
    package(root, "theory", "from icl_claims.theory.exact import add\nTOTAL = add(1, 1)\n")
    write(root, theory__exact="", theory__other="")
    assert rests_on(root, "from icl_claims.theory import TOTAL") == {"theory/__init__.py", "theory/exact.py"}


def test_a_name_that_a_package_resolves_at_run_time_may_come_from_any_of_its_modules(root):
    package(root, "theory", "def __getattr__(name): ...\n")
    write(root, theory__exact="", theory__other="")
    everything = {"theory/__init__.py", "theory/exact.py", "theory/other.py"}
    assert rests_on(root, "from icl_claims.theory import whatever") == everything
    assert rests_on(root, "import icl_claims.theory") == everything
    assert rests_on(root, "from icl_claims.theory import exact") == everything - {"theory/other.py"}


@pytest.mark.parametrize("line", ["TOTAL = 1", "TOTAL: int = 1", "def TOTAL(): ...", "class TOTAL: ..."])
def test_a_name_that_such_a_package_defines_itself_comes_from_nowhere_else(root, line):
    package(root, "theory", f"def __getattr__(name): ...\n{line}\n")
    write(root, theory__exact="")
    assert rests_on(root, "from icl_claims.theory import TOTAL") == {"theory/__init__.py"}


def test_a_name_that_other_packages_make_at_run_time_comes_from_nowhere_else(root):
    package(root, "theory", "globals().update(TOTAL=1)\n")
    write(root, theory__exact="")
    assert rests_on(root, "from icl_claims.theory import TOTAL") == {"theory/__init__.py"}


def test_helpers_and_conftests_of_the_tests_count_with_their_imports(root):
    package(root, "theory")
    package(root, "tests")
    write(root, theory__task="", theory__exact="", tests__conftest="import icl_claims.theory.exact")
    write(root, tests__strategies="from icl_claims.theory.task import Task", tests__test_other="")
    expected = {"tests/__init__.py", "tests/strategies.py", "theory/__init__.py", "theory/task.py"}
    expected |= {"tests/conftest.py", "theory/exact.py"}
    assert rests_on(root, "from tests.strategies import tasks") == expected
    assert rests_on(root, "from .strategies import tasks") == expected


def test_of_the_registry_only_mathematical_content_counts(root):
    package(root, "claims")
    write(
        root,
        claims__claim="",
        claims__assumptions="from icl_claims.claims.claim import Assumption",
        claims__results="",
    )
    write(root, claims__evidence="from icl_claims.claims.results import Chart")
    text = (
        "from icl_claims.claims.evidence import Evidence\nfrom icl_claims.claims.results import Chart\n"
        "import icl_claims.claims.report"
    )
    assert rests_on(root, text) == set()
    assert rests_on(root, "from icl_claims.claims.assumptions import X") == {
        "claims/assumptions.py",
        "claims/claim.py",
    }
    assert rests_on(root, "from icl_claims.claims import assumptions") == {
        "claims/assumptions.py",
        "claims/claim.py",
    }


def test_criteria_count_and_the_rest_of_the_packages_own_folder_does_not(root):
    package(root, "icl_claims/criteria", "from icl_claims.criteria import text\nclass Criterion: ...\n")
    write(
        root,
        icl_claims__criteria__text="",
        icl_claims__criteria__runs="from . import Criterion",
        icl_claims__files="",
    )
    (root / "icl_claims" / "__init__.py").write_text("")
    package(root, "models")
    write(root, models__run="import icl_claims.files\nfrom icl_claims.criteria import runs")
    init, text, runs = (f"icl_claims/criteria/{name}.py" for name in ("__init__", "text", "runs"))
    assert rests_on(root, "from icl_claims.criteria import Criterion") == {init, text}
    assert rests_on(root, "from icl_claims import criteria") == {init, text}
    for statement in ("import icl_claims.criteria.runs", "from icl_claims.criteria.runs import NEAR"):
        assert rests_on(root, statement) == {init, text, runs}
    assert rests_on(root, "import icl_claims.models.run") == {
        *("models/__init__.py", "models/run.py"),
        *(init, text, runs),
    }


def test_declared_artefacts_count_also_while_they_are_absent(root):
    text = 'ARTEFACTS = ("data/weights.bin", "data/missing.bin")\n'
    (root / "data").mkdir()
    (root / "data" / "weights.bin").write_bytes(b"\x00\xff")
    assert rests_on(root, text) == {"data/weights.bin", "data/missing.bin"}
    digests = Sources(root, REGISTRY).digests_of(TEST, "sum")
    assert digests["data/missing.bin"] == "absent"
    (root / "data" / "missing.bin").write_bytes(b"")
    assert Sources(root, REGISTRY).current("data/missing.bin") != "absent"


def test_a_declared_folder_stands_for_all_files_below_it(root):
    text = 'ARTEFACTS = ("data",)\n'
    for name in ("b/log.json", "b/weights.bin", "a/log.json"):
        (root / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "data" / name).write_text(name)
    files = {"data/a/log.json", "data/b/log.json", "data/b/weights.bin"}
    assert rests_on(root, text) == {"data", *files}
    digests = Sources(root, REGISTRY).digests_of(TEST, "sum")
    assert list(digests) == sorted(digests)
    assert len({digests[key] for key in ("data", *files)}) == 4


def test_only_files_of_the_tests_declare_artefacts_and_all_that_are_imported_do(root):
    package(root, "theory")
    package(root, "tests")
    write(root, theory__sum="ARTEFACTS = list(NAMES)\n", tests__runs='ARTEFACTS = ("data/run.bin",)\n')
    assert rests_on(root, "from icl_claims.theory import sum\nfrom tests import runs") == {
        "theory/__init__.py", "theory/sum.py", "tests/__init__.py", "tests/runs.py", "data/run.bin",
    }  # fmt: skip


@pytest.mark.parametrize("value", ["['a']", "('a', 1)", "tuple(NAMES)", "'a'"])
def test_artefacts_must_be_a_literal_tuple_of_paths(root, value):
    with pytest.raises(BadEvidence, match=r"^tests/test_claim_sum\.py: ARTEFACTS must be a literal tuple"):
        rests_on(root, f"ARTEFACTS = {value}\n")


# ---------------------------------------------------------------------- staleness


def row(root: Path, test: str) -> Row:
    write(root, tests__test_claim_sum=test)
    return passed(f"{TEST}::test_claim_sum", "sum", digests=Sources(root, REGISTRY).digests_of(TEST, "sum"))


def is_stale(root: Path, stored: Row, registry: dict[str, Claim] = REGISTRY) -> bool:
    (refreshed,) = sources.refresh(Results(rows=(stored,)), root, registry).rows
    assert refreshed.model_copy(update={"stale": stored.stale}) == stored
    return refreshed.stale


def test_a_row_is_stale_exactly_while_a_file_differs(root):
    package(root, "theory")
    write(root, theory__sum="A = 1\n", theory__unrelated="")
    stored = row(root, "import icl_claims.theory.sum\n")
    assert not is_stale(root, stored)
    write(root, theory__unrelated="B = 1\n", tests__test_other="")
    assert not is_stale(root, stored)
    write(root, theory__sum="A = 2\n")
    assert is_stale(root, stored)
    write(root, theory__sum="A = 1\n")
    assert not is_stale(root, stored)
    assert not is_stale(root, stored.model_copy(update={"stale": True}))
    (root / "theory" / "sum.py").unlink()
    assert is_stale(root, stored)


def test_a_row_is_stale_while_its_folder_holds_another_file_or_lacks_one(root):
    run = root / "data" / "run"
    stored = row(root, 'ARTEFACTS = ("data",)\n')
    run.mkdir(parents=True)
    assert is_stale(root, stored)
    for name in ("log.json", "weights.bin"):
        (run / name).write_text(name)
    stored = row(root, 'ARTEFACTS = ("data",)\n')
    assert not is_stale(root, stored)
    (run / "more.json").write_text("")
    assert is_stale(root, stored)
    (run / "more.json").unlink()
    assert not is_stale(root, stored)
    (run / "log.json").rename(run / "log.txt")
    assert is_stale(root, stored)
    (run / "log.txt").rename(run / "log.json")
    (run / "log.json").write_text("other")
    assert is_stale(root, stored)


def test_a_change_of_the_record_makes_its_row_stale_and_no_other(root):
    stored = row(root, "")
    other = Claim("product", "suite", "there", "$1$")
    assert not is_stale(root, stored, {**REGISTRY, "product": other})
    assert is_stale(root, stored, {"sum": replace(CLAIM, statement="$1+1=3$")})
    assert is_stale(root, stored, {"product": other})


@pytest.mark.parametrize("kind", [dict, MappingProxyType])
def test_a_number_of_a_criterion_belongs_to_the_record(root, kind):
    def judged(near: str) -> dict[str, Claim]:
        return {"sum": replace(CLAIM, criterion=Criterion("At most {near}.", kind({"near": near})))}

    write(root, tests__test_claim_sum="")
    digests = Sources(root, judged("1/50")).digests_of(TEST, "sum")
    stored = passed(f"{TEST}::test_claim_sum", "sum", digests=digests)
    assert not is_stale(root, stored, judged("1/50"))
    assert is_stale(root, stored, judged("1/20"))
    assert is_stale(root, stored)


def test_a_record_or_a_file_that_is_not_there_is_absent(root):
    found = Sources(root, {"product": CLAIM})
    assert found.current("record:sum") == found.current("theory/sum.py") == "absent"
    assert found.current("record:product") != "absent"


@pytest.mark.parametrize("folder", ["theory", "numerics", "models", "tests", "claims", "icl_claims/criteria"])
def test_a_snapshot_covers_every_folder(root, folder):
    write(root, **{f"{folder}__deep__x": "A = 1\n"})
    key, began = f"{folder}/deep/x.py", Sources(root, REGISTRY)
    before = Sources(root, REGISTRY).current(key)
    began.snapshot()
    write(root, **{f"{folder}__deep__x": "A = 2\n"})
    assert began.current(key) == before != Sources(root, REGISTRY).current(key)


def test_a_snapshot_holds_what_the_files_were_when_the_session_began(root):
    package(root, "theory")
    write(root, theory__sum="A = 1\n", tests__test_claim_sum="import icl_claims.theory.sum\n")
    began = Sources(root, REGISTRY)
    began.snapshot()
    write(root, theory__sum="A = 2\n")
    stored = row(root, "import icl_claims.theory.sum\n").model_copy(
        update={"digests": began.digests_of(TEST, "sum")}
    )
    assert is_stale(root, stored)


def test_names_that_the_package_itself_offers_lead_to_their_homes(root):
    package(root, "theory")
    package(root, "numerics")
    write(root, theory__task="", theory__moments="from icl_claims.theory import task", numerics__sums="")
    (root / "icl_claims").mkdir()
    (root / "icl_claims" / "__init__.py").write_text(
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n"
        "    from icl_claims.theory.moments import moment as trace_moment\n"
        "    from icl_claims.numerics.sums import total\n"
    )
    init = "icl_claims/__init__.py"
    moments = {init, "theory/__init__.py", "theory/moments.py", "theory/task.py"}
    assert rests_on(root, "from icl_claims import trace_moment") == moments
    everything = moments | {"numerics/__init__.py", "numerics/sums.py"}
    assert rests_on(root, "import icl_claims") == everything
    assert rests_on(root, "from icl_claims import theory") == {"theory/__init__.py"}


@pytest.mark.parametrize(
    ("statement", "module"),
    [
        ("from . import y", "theory.a.b"),
        ("from .x import y", "theory.a.b.x"),
        ("from ..x import y", "theory.a.x"),
        ("from ...x import y", "theory.x"),
        ("from x.z import y", "x.z"),
    ],
)
def test_dots_are_resolved_from_the_folder_of_the_file(statement: str, module: str) -> None:
    (node,) = ast.parse(statement).body
    assert isinstance(node, ast.ImportFrom)
    assert sources._absolute(node, "theory/a/b/c.py") == module
