"""The pytest plugin, run on small projects of its own with a registry of three claims."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from tests import ROOT
from tests.shared.sum_evidence import HEAD

INI = """
[tool.pytest.ini_options]
testpaths = ["tests"]
pythonpath = ["."]
addopts = [
  "-p", "icl_claims.claims.pytest_plugin", "--strict-markers", "--doctest-modules", "--import-mode=importlib",
  # For speed: these plugins import Hypothesis and NumPy when pytest starts.
  "-p", "no:cacheprovider", "-p", "no:hypothesispytest", "-p", "no:jaxtyping",
]
filterwarnings = ["error"]
"""

CONFTEST = """
import os
from icl_claims.claims import registry, results
from icl_claims.claims.claim import Assumption, Claim

CLAIMS = [
    Claim("sum_of_two", "suite", "here", "$1+1=2$", (Assumption("positive", "$n>0$"),)),
    Claim("sum_of_two_parts", "suite", "here", "$1+1=2$", parts=("first", "second")),
    Claim("product", "suite", "here", "$2\\\\cdot 2=4$", severity="constant"),
]
registry.registry = lambda: {claim.slug: claim for claim in CLAIMS}

write = results.write
def counted(path, found):
    with open("writes.log", "a") as log:
        log.write(f"{os.getpid()}\\n")
    write(path, found)
results.write = counted
"""

SUM = '''
@pytest.mark.claim(slug="sum_of_two", grade="exact", complete=True, range="all n")
def test_claim_sum_of_two(evidence):
    """One and one
    is two.

    More of it."""
    evidence.check(is_two, SUM, mutants(3, 4, 5), at=ONE)
    evidence.necessary(SUM, "positive", Count(0))
    evidence.figure("value", 2)
'''

PARTS = '''
@pytest.mark.claim(slug="sum_of_two_parts", grade="exact", range="n < 3", parts=("first",))
def test_claim_sum_of_two_parts_first(evidence):
    """First."""
    evidence.check(is_two, stated("sum_of_two_parts", "first", "second"), mutants(3, 4, 5), part="first", at=ONE)

@pytest.mark.claim(slug="sum_of_two_parts", grade="float", range="one seed", parts=("second",))
@pytest.mark.parametrize("seed", [0, 1])
def test_claim_sum_of_two_parts_second(seed, evidence):
    """Second."""
    evidence.mutants(is_two, stated("sum_of_two_parts", "first", "second"), mutants(6 + seed), part="second", at=ONE)
'''

PRODUCT = '''
@pytest.mark.claim(slug="product", grade="float", range="all n", complete=True)
def test_claim_product(evidence):
    """Two times two."""
    evidence.mutants(is_two, stated("product"), mutants(3, 4, 5), at=ONE)
'''

DOES = 'evidence.mutants(is_two, stated("product"), mutants(3, 4, 5), at=ONE)'
"""What the evidence for ``product`` does."""

OTHERS = """
def test_nothing_claimed():
    pass
"""

LONG = '''
@pytest.mark.claim(slug="product", grade="exact", complete=True, range="all n", level="full")
def test_claim_product_long(evidence):
    """It takes long."""
    evidence.mutants(is_two, stated("product"), mutants(3, 4, 5), at=ONE)
'''


class Project:
    """A project in pytester's folder: its files, runs of pytest in it, and the results stored there."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self.pytester = pytester
        self.path = pytester.path
        pytester.makepyprojecttoml(INI)
        self.write("tests/conftest.py", CONFTEST)

    def write(self, path: str, text: str) -> None:
        file = self.path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def evidence(self, *parts: str, name: str = "test_arithmetic") -> None:
        self.write(f"tests/{name}.py", HEAD + "".join(parts))

    def run(self, *arguments: str) -> pytest.RunResult:
        return self.pytester.runpytest_subprocess(*arguments)

    @property
    def results(self) -> Path:
        return self.path / "build" / "claims.json"

    def rows(self) -> dict[str, dict[str, Any]]:
        """The stored rows by the name of the test, or by ``name: slug`` where several claims share it."""
        rows = json.loads(self.results.read_text(encoding="utf-8"))["rows"]
        names = [row["nodeid"].rpartition("::")[2] for row in rows]
        return {
            name if names.count(name) == 1 else f"{name}: {row['slug']}": row
            for name, row in zip(names, rows, strict=True)
        }

    def outcomes(self) -> dict[str, str]:
        return {name: row["outcome"] for name, row in self.rows().items()}


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    # A file rewritten within a second to the same length would be taken from its byte code.
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    return Project(pytester)


def table_of(result: pytest.RunResult) -> dict[str, str]:
    """Slug → the line of the table at the end of a run."""
    lines = result.outlines[result.outlines.index(title_of(result)) + 1 :] if title_of(result) else []
    return {
        slug: line
        for line in lines
        for slug in ("sum_of_two", "sum_of_two_parts", "product")
        if re.match(rf" ?(holds|holds-corrected|refuted|supported|open|unverified) .* {slug}$", line)
    }


def title_of(result: pytest.RunResult) -> str:
    return next((line for line in result.outlines if re.fullmatch("=+ claims =+", line)), "")


# ---------------------------------------------------------------------- what is recorded


def test_evidence_becomes_a_row_and_a_line_of_the_table(project):
    project.evidence(SUM)
    result = project.run()
    assert result.ret == 0
    row = project.rows()["test_claim_sum_of_two"]
    assert (row["slug"], row["grade"], row["range"], row["level"]) == (
        "sum_of_two",
        "exact",
        "all n",
        "quick",
    )
    assert (row["parts"], row["complete"], row["refutes"]) == (["statement"], True, False)
    assert (row["outcome"], row["summary"], row["stale"]) == ("passed", "One and one is two.", False)
    assert row["mutants"] == [
        {
            "name": f"total: 2 → {total}",
            "killed": True,
            "reason": f"must be 2, got {total}",
            "false_at": f"Count(n=1): margin -{total - 2}",
            "power": None,
        }
        for total in (3, 4, 5)
    ]
    said = {
        "assumption": "positive",
        "necessary": True,
        "instance": "Count(n=0): margin -1",
        "part": "statement",
    }
    assert row["necessity"] == [said]
    assert row["figures"] == [{"name": "value", "value": "2", "exact": True}]
    assert set(row["digests"]) == {"record:sum_of_two", "tests/conftest.py", "tests/test_arithmetic.py"}
    (line,) = table_of(result).values()
    assert line.split() == ["holds", "exact", "3/3", "all", "n", "sum_of_two"]
    shown = result.outlines[result.outlines.index(title_of(result)) :]
    assert all(len(line) <= 100 for line in shown)


def test_a_distributed_run_stores_and_shows_the_same_and_only_its_controller_writes(project):
    project.evidence(SUM, PARTS, PRODUCT)
    plain = project.run()
    stored = project.results.read_bytes()
    project.results.unlink()
    (project.path / "writes.log").unlink()
    distributed = project.run("-n", "2")
    assert plain.ret == distributed.ret == 0
    assert project.results.read_bytes() == stored
    assert table_of(distributed) == table_of(plain)
    assert len(table_of(plain)) == 3
    assert len((project.path / "writes.log").read_text().splitlines()) == 1


def test_evidence_that_asks_for_no_fixture_gets_a_row(project):
    project.evidence(PARTS)
    project.run("-k", "second")
    assert set(project.rows()) == {f"test_claim_sum_of_two_parts_second[{seed}]" for seed in (0, 1)}


def test_evidence_for_several_claims_goes_to_each_of_them(project):
    project.evidence('''
@pytest.mark.claim(slug="sum_of_two", grade="exact", complete=True, range="all n")
@pytest.mark.claim(slug="product", grade="exact", range="n = 2")
def test_claim_product_and_sum(evidence):
    """Both at once."""
    evidence.check(is_two, SUM, mutants(3, 4, 5), at=ONE)
    evidence.mutants(is_two, stated("product"), mutants(3, 4, 5), at=ONE)
    evidence.necessary(SUM, "positive", Count(0))
''')
    assert project.run().ret == 0
    rows = project.rows()
    of_sum, of_product = (rows[f"test_claim_product_and_sum: {slug}"] for slug in ("sum_of_two", "product"))
    assert (of_sum["grade"], of_product["grade"]) == ("exact", "exact")
    assert len(of_sum["mutants"]) == len(of_product["mutants"]) == 3
    assert (len(of_sum["necessity"]), len(of_product["necessity"])) == (1, 0)


def test_hypothesis_may_run_inside_evidence(project):
    project.evidence('''
@pytest.mark.claim(slug="product", grade="exact", range="100 integers")
def test_claim_product(evidence):
    """Squares."""
    from hypothesis import given, strategies as st
    @given(st.integers())
    def square_is_not_negative(n):
        evidence_seen.append(n)
        assert n * n >= 0
    evidence_seen = []
    square_is_not_negative()
    evidence.figure("tried", len(evidence_seen) > 9)
    evidence.mutants(is_two, stated("product"), mutants(3, 4, 5), at=ONE)
''')
    assert project.run().ret == 0
    assert project.rows()["test_claim_product"]["figures"][0]["value"] == "True"


def test_a_run_without_evidence_prints_and_writes_nothing(project):
    project.evidence(SUM, OTHERS)
    result = project.run("-k", "nothing_claimed")
    assert result.ret == 0
    assert not title_of(result)
    assert not project.results.exists()


@pytest.mark.parametrize("option", ["--collect-only", "--setup-only", "--setup-plan"])
def test_what_does_not_run_tests_records_nothing(project, option):
    project.evidence(SUM)
    result = project.run(option)
    assert result.ret == 0
    assert not title_of(result)
    assert not project.results.exists()


def test_collecting_says_nothing_about_what_a_run_would_leave_out(project):
    project.evidence(SUM, LONG)
    project.run("--collect-only").stdout.no_fnmatch_line("*level full left out*")


def test_the_results_can_go_elsewhere(project):
    project.evidence(SUM)
    project.run("--claims-results", "elsewhere/found.json")
    assert (project.path / "elsewhere" / "found.json").exists()
    assert not project.results.exists()


# ---------------------------------------------------------------------- outcomes

BODIES = {
    "surviving mutant": (
        "evidence.check(is_not_three, stated('product'), mutants(3, 4), at=ONE)",
        "failed",
        "open",
    ),
    "false statement": ("evidence.check(is_two, stated('product', total=3), [])", "failed", "open"),
    "error of the check": (
        "evidence.check(divides, stated('product'), mutants(0), at=ONE)",
        "failed",
        "open",
    ),
    "skip": (f"{DOES}; pytest.skip('no luck')", "skipped", "unverified"),
    "expected failure": ("pytest.xfail('known')", "skipped", "unverified"),
    "float as exact figure": ("evidence.figure('rate', 0.5)", "failed", "open"),
    "unknown assumption": ("evidence.dispensable('positiv', holds)", "failed", "open"),
}


OTHER_MARGIN = "Statement('product', Sum(2), {'statement': lambda s, at: MARGIN}, {}, None, None)"

DISGUISES = {
    "text compared": "evidence.check(lambda t: None, 'one and one is two', [])",
    "text in a tuple": "evidence.check(is_two, Statement('product', ('two',), {}, {}, None, None), [])",
    "no mathematics": "evidence.check(lambda s: s.total == 2, stated('product'), mutants(3, 4, 5), at=ONE)",
    "a margin that calls the check": (
        f"evidence.check(is_two, {OTHER_MARGIN.replace('MARGIN', 'is_two(s) or 0')}, mutants(3), at=ONE)"
    ),
    "strawmen by name": "evidence.check(is_two, stated('product'), {'three': 3, 'four': 4, 'five': 5})",
    "a mutant that is the statement": (
        "evidence.check(is_two, stated('product'), [Edit('k + 1', Sum(2), 'must')], at=ONE)"
    ),
    "a true mutant": f"evidence.check(is_two, {OTHER_MARGIN.replace('MARGIN', '0')}, mutants(3), at=ONE)",
    "a proof of one's own": (
        "own = Derivation((Lemma('$x$', 'Trust me.', is_two, 'all n'),)); "
        "evidence.prove(own, stated('product'), mutants(3), at=ONE)"
    ),
    "trust me": "evidence.dispensable('positive', lambda: None)",
    "an instance that shows nothing": "evidence.refute(stated('product'), 'statement', ONE)",
}


@pytest.mark.parametrize("body", DISGUISES.values(), ids=DISGUISES)
def test_a_check_that_checks_nothing_leaves_the_claim_unverified(project, body):
    """Neither supported nor open: nothing was checked."""
    project.evidence(PRODUCT.replace(DOES, body))
    result = project.run()
    assert result.ret == 1
    assert project.outcomes() == {"test_claim_product": "refused"}
    assert table_of(result)["product"].split()[0] == "unverified"


@pytest.mark.parametrize(("body", "outcome", "verdict"), BODIES.values(), ids=BODIES)
def test_outcomes(project, body, outcome, verdict):
    project.evidence(PRODUCT.replace(DOES, body))
    result = project.run()
    assert result.ret == 1
    assert project.outcomes() == {"test_claim_product": outcome}
    assert table_of(result)["product"].split()[0] == verdict


def test_a_surviving_mutant_is_recorded_and_named(project):
    project.evidence(PRODUCT.replace("is_two", "is_not_three").replace("mutants(3, 4, 5)", "mutants(3, 4)"))
    result = project.run()
    result.stdout.fnmatch_lines(
        ["*SurvivingMutant: the check does not refuse false variants as stated: total: 2 → 3: accepted"]
    )
    row = project.rows()["test_claim_product"]
    assert [m["killed"] for m in row["mutants"]] == [False, True]
    assert "total: 2 → 3" in row["message"]


def test_an_error_of_the_check_shows_as_itself(project):
    project.evidence(PRODUCT.replace("is_two", "divides").replace("mutants(3, 4, 5)", "mutants(0)"))
    result = project.run()
    result.stdout.fnmatch_lines(["*ZeroDivisionError*"])
    assert project.rows()["test_claim_product"]["mutants"] == []


def test_a_skip_is_unverified_loudly(project):
    project.evidence(PRODUCT.replace(DOES, "pytest.skip('no GPU')"))
    result = project.run()
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "INCOMPLETE product",
            "*skipped: tests/test_arithmetic.py::test_claim_product",
            "The run fails: *product",
        ]
    )
    assert "no GPU" in project.rows()["test_claim_product"]["message"]


@pytest.mark.parametrize("mark", ["skip(reason='later')", "xfail(strict=False)"])
def test_marks_that_excuse_a_test_leave_it_skipped(project, mark):
    """Also an expected failure that passes: what is excused from failing decides nothing."""
    project.evidence(f"\n@pytest.mark.{mark}" + PRODUCT)
    assert project.run().ret == 1
    assert project.outcomes() == {"test_claim_product": "skipped"}


def test_a_failing_subtest_fails_its_test(project):
    body = """for n in (1, 2):
        with subtests.test(n=n):
            assert n == 1
    evidence.mutants(is_two, stated("product"), mutants(3, 4, 5), at=ONE)"""
    text = PRODUCT.replace(DOES, body).replace("(evidence)", "(evidence, subtests)")
    project.evidence(text)
    for arguments in ((), ("-n", "1")):
        assert project.run(*arguments).ret == 1
        assert project.outcomes() == {"test_claim_product": "failed"}


@pytest.mark.parametrize("fixture", ["assert False\n    yield", "yield\n    assert False"])
def test_a_failure_around_the_test_fails_it(project, fixture):
    text = f"\n@pytest.fixture\ndef around():\n    {fixture}\n"
    project.evidence(text, PRODUCT.replace("(evidence)", "(evidence, around)"))
    assert project.run().ret == 1
    assert project.outcomes() == {"test_claim_product": "failed"}


def test_a_worker_that_dies_fails_the_test_it_ran(project):
    project.evidence(PRODUCT)
    assert project.run().ret == 0
    project.evidence(PRODUCT.replace(DOES, "os._exit(3)"))
    result = project.run("-n", "1", "--max-worker-restart", "0")
    assert result.ret == 1
    assert project.outcomes() == {"test_claim_product": "failed"}
    assert table_of(result)["product"].split()[0] == "open"


def test_an_interrupted_run_keeps_what_finished(project):
    project.evidence(SUM, name="test_a")
    project.evidence(PRODUCT.replace(DOES, "raise KeyboardInterrupt"), name="test_b")
    assert project.run().ret == pytest.ExitCode.INTERRUPTED
    assert project.outcomes() == {"test_claim_sum_of_two": "passed"}


# ---------------------------------------------------------------------- selection


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("-k", "claim_sum_of_two"), {"sum_of_two", "sum_of_two_parts"}),
        (("-k", "claim_sum_of_two_parts"), {"sum_of_two_parts"}),
        (("-m", "claim(slug='sum_of_two')"), {"sum_of_two"}),
        (("-m", "claim(slug='sum_of_two')", "-n", "1"), {"sum_of_two"}),
        (("-m", "claim(grade='float', range='all n')"), {"product"}),
        (("-m", "claim"), {"sum_of_two", "sum_of_two_parts", "product"}),
    ],
)
def test_selection_by_family_and_by_claim(project, arguments, expected):
    project.evidence(SUM, PARTS, PRODUCT, OTHERS)
    result = project.run(*arguments)
    assert set(table_of(result)) == {row["slug"] for row in project.rows().values()} == expected


def test_keywords_come_from_the_mark_not_from_the_names_alone(project):
    project.evidence('''
@pytest.mark.claim(slug="sum_of_two", grade="exact", complete=True, range="all n")
@pytest.mark.claim(slug="product", grade="exact", range="n = 2")
def test_claim_sum_of_two(evidence):
    """Both at once."""
''')
    project.run("-k", "claim_product")
    assert len(project.rows()) == 2


def test_the_full_level_is_left_out_unless_asked_for(project):
    project.evidence(PRODUCT, LONG)
    note = "Evidence of level full left out: 1; --claims-level full runs it"
    for workers in ((), ("-n", "1")):
        quick = project.run(*workers)
        quick.stdout.fnmatch_lines([note])
        assert (quick.ret, project.outcomes()) == (0, {"test_claim_product": "passed"})
    full = project.run("--claims-level", "full")
    full.stdout.no_fnmatch_line(note)
    assert full.ret == 0
    assert project.outcomes() == {"test_claim_product": "passed", "test_claim_product_long": "passed"}


def test_only_what_was_asked_for_counts_as_left_out(project):
    project.evidence(PRODUCT, LONG, OTHERS)
    project.run("-k", "nothing").stdout.no_fnmatch_line("*level full left out*")


# ---------------------------------------------------------------------- refusals

BAD = {
    "unknown slug": (
        'slug="product"',
        'slug="produkt"',
        "slug must be registered (near: product), got 'produkt'",
    ),
    "unknown grade": ('grade="float"', 'grade="sure"', "grade must be one of proof, *, got 'sure'"),
    "unknown level": ("complete=True", "level='slow'", "level must be one of quick, full, got 'slow'"),
    "unknown part": (
        "complete=True",
        "parts=('half',)",
        "parts must be a tuple of parts of product, *",
    ),
    "no range": (', range="all n"', "", "range must be given in the claim mark"),
    "no docstring": ('"""Two times two."""', "", "evidence must have a docstring*"),
    "wrong name": ("test_claim_product", "test_claim_sum", "* must start with test_claim_product, got *"),
    "no mark": ("@pytest.mark.claim", "#", "* must carry @pytest.mark.claim(slug=...)"),
}


@pytest.mark.parametrize(("old", "new", "message"), BAD.values(), ids=BAD)
def test_bad_evidence_is_a_usage_error_at_collection(project, old, new, message):
    project.evidence(SUM, PRODUCT.replace(old, new))
    result = project.run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        [f"ERROR: tests/test_arithmetic.py::test_claim_*: {message.replace('[', '[[]')}"]
    )
    assert not project.results.exists()


def test_bad_evidence_is_a_usage_error_of_a_distributed_run_too(project):
    project.evidence(PRODUCT.replace('slug="product"', 'slug="produkt"'))
    result = project.run("-n", "2")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: *slug must be registered (near: product), got 'produkt'"])
    assert "INTERNALERROR" not in result.stdout.str()


def test_bad_evidence_in_a_file_that_was_not_asked_for_does_not_matter(project):
    project.evidence(SUM, name="test_a")
    project.evidence(PRODUCT.replace('slug="product"', 'slug="produkt"'), name="test_b")
    assert project.run("tests/test_a.py").ret == 0
    assert project.run("tests/test_b.py::test_claim_product").ret == pytest.ExitCode.USAGE_ERROR


def test_evidence_outside_the_tests_folder_is_refused(project):
    project.write("test_claim_product.py", HEAD + PRODUCT)
    project.write("conftest.py", CONFTEST)
    result = project.run("test_claim_product.py")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: *evidence must stand in a file tests/[*][*]/test_[*].py, got *"])


def test_the_fixture_needs_a_mark(project):
    project.evidence("\ndef test_plain(evidence):\n    pass\n")
    result = project.run()
    assert result.ret != 0
    result.stdout.fnmatch_lines(["*test_plain: the fixture evidence needs @pytest.mark.claim(...)*"])


def test_the_plugin_imports_nothing_of_the_project_before_its_hooks_run(project):
    """An import hook such as jaxtyping's must be able to come before the registry and what it loads."""
    project.write(
        "probe.py", "import sys\nimport icl_claims.claims.pytest_plugin\nprint(sorted(sys.modules))\n"
    )
    loaded = project.pytester.runpython("probe.py").stdout.str()
    assert "'icl_claims.claims.pytest_plugin'" in loaded
    of_the_project = set(re.findall(r"'(icl_claims[\w.]*)'", loaded))
    assert of_the_project == {
        "icl_claims",
        "icl_claims.claims",
        *(f"icl_claims.claims.{name}" for name in ("one_name", "pytest_plugin", "recorder")),
    }
    assert not re.search(r"'(pydantic|rich|click|sympy)'", loaded)


# ---------------------------------------------------------------------- where it runs


def test_results_that_cannot_be_stored_turn_the_run_red_in_one_line(project):
    project.evidence(SUM)
    project.write("build", "A file where the folder should be.")
    result = project.run()
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert "Traceback" not in result.stdout.str() + result.stderr.str()
    result.stdout.fnmatch_lines(
        ["The run fails: its results could not be stored in */build/claims.json: *; --claims-results PATH *"]
    )
    assert project.run("--claims-results=elsewhere.json").ret == 0


def filters() -> str:
    """The project's own treatment of warnings, as its configuration writes it."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (found,) = re.findall(r"^filterwarnings = \[.*?^\]", text, re.MULTILINE | re.DOTALL)
    return str(found)


def test_a_clone_without_room_for_a_cache_gives_no_traceback(project):
    pyproject = project.path / "pyproject.toml"
    text = pyproject.read_text().replace('filterwarnings = ["error"]', filters())
    pyproject.write_text(text.replace('"-p", "no:cacheprovider", ', ""))
    project.evidence(SUM)
    result = project.run("-o", "cache_dir=/dev/null/cache")
    assert result.ret == 0
    assert "Traceback" not in result.stdout.str() + result.stderr.str()


def test_evidence_decides_the_same_where_python_skips_assertions(project, monkeypatch):
    """Library code raises, and pytest's own rewriting keeps the assertions of tests."""
    monkeypatch.setenv("PYTHONOPTIMIZE", "1")
    pyproject = project.path / "pyproject.toml"
    pyproject.write_text(pyproject.read_text().replace('filterwarnings = ["error"]', filters()))
    project.evidence(SUM, OTHERS.replace("pass", "assert 1 + 1 == 3"))
    result = project.run()
    assert "Traceback" not in result.stdout.str() + result.stderr.str()
    result.assert_outcomes(passed=1, failed=1)
    assert project.outcomes() == {"test_claim_sum_of_two": "passed"}


# ---------------------------------------------------------------------- merging and staleness


def test_a_partial_run_keeps_the_other_rows(project):
    project.evidence(SUM, PRODUCT)
    project.run()
    before = project.rows()
    result = project.run("-k", "claim_product")
    assert project.rows() == before
    assert set(table_of(result)) == {"product"}


def test_rows_whose_files_changed_are_stale_until_they_run_again(project):
    project.evidence(SUM, name="test_a")
    project.evidence("\nimport tests.helper\n", PRODUCT, name="test_b")
    project.write("tests/helper.py", "A = 1\n")
    project.run()

    def stale() -> tuple[bool, bool]:
        rows = project.rows()
        return rows["test_claim_sum_of_two"]["stale"], rows["test_claim_product"]["stale"]

    assert stale() == (False, False)
    project.write("tests/helper.py", "A = 2\n")
    project.run("tests/test_a.py")
    assert stale() == (False, True)
    project.run("tests/test_b.py")
    assert stale() == (False, False)


def test_the_record_is_among_what_a_row_rests_on(project):
    project.evidence(SUM)
    project.run()
    before = project.rows()["test_claim_sum_of_two"]["digests"]
    project.write("tests/conftest.py", CONFTEST.replace("$1+1=2$", "$1+1=3$", 1))
    project.run()
    after = project.rows()["test_claim_sum_of_two"]["digests"]
    assert {key for key in after if after[key] != before[key]} == {"record:sum_of_two", "tests/conftest.py"}


def test_a_file_edited_while_the_tests_run_leaves_the_row_stale(project):
    edit = f"open('tests/helper.py', 'w').write('A = 2'); {DOES}"
    project.write("tests/helper.py", "A = 1\n")
    project.evidence("\nimport tests.helper\n", PRODUCT.replace(DOES, edit), name="test_b")
    project.evidence(SUM, name="test_a")
    project.run("tests/test_b.py")
    project.run("tests/test_a.py")
    assert project.rows()["test_claim_product"]["stale"]


def test_rows_of_vanished_tests_and_parameters_go(project):
    project.evidence(SUM, PARTS)
    project.run()
    project.evidence(PARTS.replace("[0, 1]", "[0, 2]"))
    project.run("-k", "claim_sum_of_two_parts_second", "-n", "1")
    assert set(project.rows()) == {
        "test_claim_sum_of_two_parts_first",
        "test_claim_sum_of_two_parts_second[0]",
        "test_claim_sum_of_two_parts_second[2]",
    }


@pytest.mark.parametrize("workers", [(), ("-n", "1")], ids=["plain", "distributed"])
def test_naming_one_parameter_set_keeps_the_others(project, workers):
    project.evidence(PARTS)
    project.run()
    project.run("tests/test_arithmetic.py::test_claim_sum_of_two_parts_second[0]", *workers)
    assert len(project.rows()) == 3


def test_rows_of_a_file_that_does_not_parse_are_kept(project):
    project.evidence(SUM, name="test_a")
    project.evidence(PRODUCT, name="test_b")
    project.run()
    project.write("tests/test_b.py", "def (:\n")
    project.run("tests/test_a.py")
    assert project.rows()["test_claim_product"]["stale"]


def test_unreadable_results_are_replaced_loudly(project):
    project.evidence(SUM)
    project.write("build/claims.json", '{"schema_version": 99, "rows": []}')
    result = project.run()
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        ["The stored results were unreadable and are replaced: *must have schema_version 2, got 99*"]
    )
    assert project.outcomes() == {"test_claim_sum_of_two": "passed"}
    assert os.listdir(project.path / "build") == ["claims.json"]


FULL = """
from icl_claims.claims import results

def _full(*_):
    raise OSError(28, "No space left on device")

results.write = _full
"""


def test_a_disk_that_is_full_when_the_tests_have_run_turns_the_run_red(project):
    project.evidence(SUM, FULL)
    result = project.run()
    result.assert_outcomes(passed=1)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        ["The run fails: its results could not be stored in */build/claims.json: No space left on device; *"]
    )


def test_the_table_is_left_to_the_command_that_shows_progress(project):
    project.evidence(SUM)
    assert " claims =" in project.run().stdout.str()
    assert " claims =" not in project.run("-p", "icl_claims.claims.progress").stdout.str()


# ---------------------------------------------------------------------- what is incomplete

TOOTHLESS = SUM.replace("mutants(3, 4, 5)", "mutants(3, 4)")
UNADDRESSED = SUM.replace('evidence.necessary(SUM, "positive", Count(0))', "")
HALF = PARTS.partition('@pytest.mark.claim(slug="sum_of_two_parts", grade="float"')[0]
INCOMPLETE = {
    "teeth": (TOOTHLESS, "sum_of_two", "2 mutants killed, 3 required"),
    "necessity": (UNADDRESSED, "sum_of_two", "assumption positive: necessity not addressed"),
    "part": (HALF, "sum_of_two_parts", "part second: no evidence decides it"),
}


@pytest.mark.parametrize(("text", "slug", "gap"), INCOMPLETE.values(), ids=INCOMPLETE)
@pytest.mark.parametrize("workers", [(), ("-n", "1")], ids=["plain", "distributed"])
def test_an_incomplete_claim_fails_a_run_in_which_all_tests_pass(project, text, slug, gap, workers):
    project.evidence(text)
    result = project.run(*workers)
    result.assert_outcomes(passed=1)
    assert result.ret == 1
    result.stdout.fnmatch_lines([f"INCOMPLETE {slug}", f"  {gap}", f"The run fails: *{slug}"])
    assert table_of(result)[slug].split()[0] == "unverified"


def test_a_draft_that_owes_something_does_not_fail_the_run(project):
    project.write(
        "tests/conftest.py", CONFTEST.replace('severity="constant")', 'severity="constant", draft=True)')
    )
    project.evidence(PRODUCT.replace("mutants(3, 4, 5)", "mutants(3)"))
    result = project.run()
    assert result.ret == 0
    result.stdout.fnmatch_lines(["UNVERIFIED product", "  1 mutants killed, 3 required"])


def test_a_claim_of_which_only_some_evidence_ran_does_not_fail_the_run(project):
    project.evidence(PARTS)
    for selection, gap in (("first", "part second: *"), ("second and 0", "part first: *")):
        result = project.run("-k", selection)
        assert result.ret == 0
        result.stdout.fnmatch_lines(["UNVERIFIED sum_of_two_parts", f"  {gap}"])
        project.results.unlink()
    assert project.run().ret == 0


def test_a_quick_run_is_judged_by_the_quick_evidence_alone(project):
    """What full-level evidence fills in must not turn a run green that a fresh clone would find red."""
    quick = PRODUCT.replace("mutants(3, 4, 5)", "mutants(3)")
    project.evidence(quick, LONG)
    assert project.run("--claims-level", "full").ret == 0
    result = project.run()
    assert result.ret == 1
    result.stdout.fnmatch_lines(["The run fails: *product"])


def test_a_claim_with_full_level_evidence_only_is_not_started_at_the_quick_level(project):
    project.evidence(SUM, LONG)
    result = project.run()
    assert result.ret == 0
    assert set(table_of(result)) == {"sum_of_two"}


def test_a_counterexample_makes_its_test_pass_and_the_claim_refuted(project):
    body = "evidence.refute(stated('product', total=3), 'statement', ONE)"
    marks = PRODUCT.replace('range="all n"', 'range="n = 1", refutes=True, parts=("statement",)')
    project.evidence(marks.replace(DOES, body))
    result = project.run()
    assert result.ret == 0
    assert table_of(result)["product"].split()[:3] == ["refuted", "float,", "constant"]
    assert project.rows()["test_claim_product"]["counterexamples"] == [
        {"part": "statement", "instance": "Count(n=1)", "margin": "-1"}
    ]
