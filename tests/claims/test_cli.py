"""The command line: what it answers, what it refuses in one line, and what it writes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from icl_claims.claims import clone as clone_of_the_package
from icl_claims.claims import registry, results, scaffold
from icl_claims.claims.cli import COMMANDS, run
from icl_claims.claims.evidence_index import Mark
from icl_claims.claims.results import Results
from icl_claims.claims.verdicts import VERDICTS
from tests import ROOT

NOTHING_STORED = (
    "No results are stored in this clone yet: every claim is shown as unverified. "
    "Run 'make verify', or read the verdicts in paper_claims.md.\n"
)

LIST_KEYS = [
    "slug",
    "paper",
    "location",
    "verdict",
    "grade",
    "range",
    "mutants_killed",
    "mutants",
    "tightness",
]

CLAIMS = """
from icl_claims.claims.claim import Assumption, Claim

CLAIMS = (
    Claim("sum_of_two", "suite", "here", "$1+1=2$", (Assumption("positive", "$n>0$"),)),
    Claim("long_sum", "suite", "here", "$1+1+1=3$"),
    Claim("waiting", "suite", "here", "$x=x$", reason="Needs a larger machine."),
)
"""

EVIDENCE = '''
import time
import pytest

def is_two(value):
    if value != 2:
        raise AssertionError(f"must be 2, got {value}")

MUTANTS = {"three": 3, "four": 4, "five": 5}

@pytest.mark.claim(slug="sum_of_two", grade="proof", range="all n")
def test_claim_sum_of_two(evidence):
    """One and one is two."""
    evidence.check(is_two, 2, MUTANTS)
    evidence.necessary("positive", "n = 0")

@pytest.mark.claim(slug="long_sum", grade="exact", range="n < 9", level="full")
def test_claim_long_sum(evidence):
    """It takes long."""
    evidence.mutants(is_two, MUTANTS)
'''


class Clone:
    """A small clone of the repository, with three claims of its own."""

    def __init__(self, path: Path) -> None:
        self.path = path
        left_out = shutil.ignore_patterns("__pycache__", "records")
        shutil.copytree(ROOT / "claims", path / "claims", ignore=left_out)
        shutil.copytree(ROOT / "icl_claims", path / "icl_claims", symlinks=True, ignore=left_out)
        files = (
            "pyproject.toml",
            *(f"theory/{name}.py" for name in ("__init__", "algebra/__init__", "algebra/exact")),
        )
        for file in files:
            self.write(file, (ROOT / file).read_text(encoding="utf-8"))
        self.write("claims/records/__init__.py", "")
        self.write("claims/records/suite/__init__.py", "")
        self.write("claims/records/suite/sums.py", CLAIMS)
        self.write("tests/conftest.py", "")
        self.write("tests/claims/suite/test_claim_sum.py", EVIDENCE)

    def write(self, name: str, text: str) -> None:
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def read(self, name: str) -> str:
        return (self.path / name).read_text(encoding="utf-8")

    def has(self, name: str) -> bool:
        return (self.path / name).exists()

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start ``python -m claims`` in the clone, in a process group of its own that Ctrl-C reaches.

        A shell starts background jobs with SIGINT ignored, and children inherit that: it is set back.
        """
        env = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_", "PYTHON"))}
        env["PYTHONDONTWRITEBYTECODE"] = "1"
        return subprocess.Popen(
            [sys.executable, "-m", "icl_claims", *arguments],
            cwd=self.path,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    def run(self, *arguments: str) -> tuple[int, str, str]:
        process = self.start(*arguments)
        out, err = process.communicate(timeout=120)
        return process.returncode, out, err

    def verdicts(self) -> dict[str, str]:
        status, out, _ = self.run("list", "--json")
        assert status == 0
        return {line["slug"]: line["verdict"] for line in json.loads(out)}


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return Clone(tmp_path / "clone")


@pytest.fixture
def no_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The real registry, with results of this test alone."""
    path = tmp_path / "claims.json"
    monkeypatch.setattr(clone_of_the_package, "results_path", lambda: path)
    return path


def answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What a command that succeeds in this process prints."""
    assert run(arguments) == 0
    out, err = capsys.readouterr()
    assert err in ("", NOTHING_STORED)
    return out


def refusal(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one line by which a command refuses its arguments."""
    assert run(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("Error: ")
    assert err.count("\n") == 1
    return err.strip()


# ---------------------------------------------------------------------- help and errors


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_one_example(command, capsys):
    text = answer(capsys, command, "--help")
    assert text.count("Example: icl-claims ") == 1
    assert f"Example: icl-claims {command}" in text
    assert "--json" in text


def test_the_help_of_the_group_lists_the_commands_and_loads_none():
    code = (
        "import sys; from icl_claims.claims.cli import run; "
        "run(['--help']); print(sorted(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert all(f"  {name} " in done.stdout for name in COMMANDS)
    heavy = (
        "pydantic",
        "rich",
        "jinja2",
        "numpy",
        "sympy",
        "torch",
        "flint",
        "icl_claims.claims.commands",
        "icl_claims.claims.results",
    )
    assert not [name for name in heavy if f"'{name}'" in done.stderr]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("show", "global_minimiser"),
            "slug must be registered, got 'global_minimiser'; did you mean global_mini",
        ),
        (("show", "xyz"), "slug must be registered, got 'xyz'; 'icl-claims list' shows all"),
        (("verify", "xyz"), "slug must be registered, got 'xyz'"),
        (("verify", "--level", "slow"), "Invalid value for '--level': 'slow' is not one of 'quick', 'full'"),
        (("list", "--paper", "x"), "Invalid value for '--paper': 'x' is not one of 'ahn2023', 'gatmiry2024'"),
        (("list", "--verdict", "x"), "Invalid value for '--verdict': 'x' is not one of 'holds', "),
        (("show",), "Missing argument 'SLUG'"),
        (("list", "--papers", "x"), "No such option '--papers'"),
        (("lst",), f"command must be one of {', '.join(COMMANDS)}, got 'lst'"),
        (("new", "Sum"), "SLUG must be lower-case words joined by underscores, no keyword, got 'Sum'"),
        (("new", "class"), "SLUG must be lower-case words joined by underscores, no keyword, got 'class'"),
        (("new", "global_minimizer"), "SLUG must be new, got 'global_minimizer', which is registered"),
        (("new", "task"), "SLUG must be new, got 'task', for which theory/task.py exists"),
    ],
)
def test_bad_input_is_refused_in_one_line(arguments, message, capsys):
    assert refusal(capsys, *arguments).startswith(f"Error: {message}")


def test_results_of_another_schema_are_refused_in_one_line(no_results, capsys):
    results.write_text(no_results, '{"schema_version": 2, "rows": []}')
    assert "must have schema_version 1, got 2" in refusal(capsys, "list")


def test_a_defect_is_not_dressed_up_as_bad_input(monkeypatch):
    def broken():
        raise KeyError("a defect")

    monkeypatch.setattr(registry, "registry", broken)
    with pytest.raises(KeyError, match="a defect"):
        run(["list"])


@pytest.mark.parametrize("arguments", [("list", "--json"), ("show", "global_minimizer", "--json")])
def test_without_results_one_line_says_how_to_get_them_and_the_json_stays_pure(arguments, no_results, capsys):
    assert run(arguments) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)
    assert err == NOTHING_STORED
    results.write(no_results, stored("global_minimizer"))
    assert run(arguments) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("redirection", "status", "message"),
    [(">&-", 0, ""), (">/dev/full", 1, "Error: No space left on device\n"), (">&- 2>&-", 0, "")],
)
def test_an_output_that_takes_nothing_gives_no_traceback(redirection, status, message):
    command = f"exec {sys.executable} -m icl_claims moment 1 {redirection}"
    done = subprocess.run(["sh", "-c", command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (status, message)


def test_a_reader_that_leaves_early_is_no_error(clone):
    process = clone.start("list")
    assert process.stdout is not None
    process.stdout.close()
    process.stdout = None
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (1, "")


# ---------------------------------------------------------------------- list and show


def test_list_gives_every_claim_with_the_agreed_keys(no_results, capsys):
    lines = json.loads(answer(capsys, "list", "--json"))
    assert [line["slug"] for line in lines] == list(registry.registry())
    assert all(list(line) == LIST_KEYS for line in lines)
    assert {line["verdict"] for line in lines} == {"unverified"}


def stored(slug: str, **changes: object) -> Results:
    """Results with one row for this claim; its digests are of no file, so it is never stale."""
    claim = registry.get(slug)
    mark = Mark(slug, "proof", "all n", claim.parts, complete=True, refutes=False, level="quick")
    row = mark.row("tests/test_x.py::test_claim_x", "Checked.", "passed")
    every = tuple(results.Mutant(name=name, killed=True) for name in "abc")
    said = tuple(
        results.Necessity(assumption=a.key, necessary=True, instance="n = 0") for a in claim.assumptions
    )
    return Results(rows=(row.model_copy(update={"mutants": every, "necessity": said, **changes}),))


def test_list_filters_by_paper_and_by_verdict(no_results, capsys):
    results.write(no_results, stored("global_minimizer"))
    held = json.loads(answer(capsys, "list", "--verdict", "holds", "--json"))
    assert [line["slug"] for line in held] == ["global_minimizer"]
    assert (held[0]["grade"], held[0]["mutants_killed"], held[0]["mutants"]) == ("proof", 3, 3)
    other = json.loads(answer(capsys, "list", "--paper", "fu2024", "--json"))
    assert {line["paper"] for line in other} == {"fu2024"}
    assert json.loads(answer(capsys, "list", "--paper", "fu2024", "--verdict", "holds", "--json")) == []


def test_list_prints_a_table_of_at_most_a_hundred_columns(no_results, capsys):
    results.write(no_results, stored("global_minimizer", range="all d, n; " * 30))
    lines = answer(capsys, "list").splitlines()
    assert max(map(len, lines)) <= 100
    assert lines[-1] == f"{len(registry.registry())} claims"
    (held,) = (line for line in lines if line.startswith(" holds"))
    assert held.endswith(" global_minimizer")


def test_show_adds_the_record_the_evidence_and_the_correction(no_results, capsys):
    figures = (results.Figure(name="value", value="1/3"),)
    results.write(no_results, stored("forward_pass_is_preconditioned_gd", refutes=True, figures=figures))
    shown = json.loads(answer(capsys, "show", "forward_pass_is_preconditioned_gd", "--json"))
    claim = registry.get("forward_pass_is_preconditioned_gd")
    assert list(shown)[: len(LIST_KEYS)] == LIST_KEYS
    assert shown["statement"] == claim.statement
    assert [a["key"] for a in shown["assumptions"]] == [a.key for a in claim.assumptions]
    assert [n["assumption"] for n in shown["necessity"]] == [a.key for a in claim.assumptions]
    row = shown["evidence"][0]
    assert (row["nodeid"], row["outcome"], row["refutes"]) == (
        "tests/test_x.py::test_claim_x",
        "passed",
        True,
    )
    assert row["figures"] == [{"name": "value", "value": "1/3", "exact": True}]
    assert {row["outcome"] for row in shown["evidence"][1:]} <= {"not run"}
    correction = registry.correction_of(claim.slug)
    assert correction is not None
    assert shown["corrected"] == {
        "slug": correction.slug,
        "statement": correction.statement,
        "verdict": "unverified",
    }


def test_show_says_in_words_what_its_json_holds(no_results, capsys):
    results.write(no_results, stored("global_minimizer", range="all d, n"))
    text = answer(capsys, "show", "global_minimizer")
    claim = registry.get("global_minimizer")
    assert text.startswith("global_minimizer: HOLDS\nahn2023, ")
    for expected in (claim.statement, "range: all d, n", "passed: Checked.", "necessary: n = 0"):
        assert expected in text


# ---------------------------------------------------------------------- verify, in a clone


def test_verify_runs_everything_and_writes_results_and_reports(clone):
    status, out, err = clone.run("verify")
    assert status == 0, err
    assert [line.split() for line in out.splitlines() if line.startswith(" holds")] == [
        ["holds", "proof", "3/3", "all", "n", "sum_of_two"]
    ]
    assert "UNVERIFIED: 2 of 3 claims, 2 of them without evidence at this level" in out
    assert "1/1 checks" in err
    assert "<html" in clone.read("build/report/index.html")
    markdown = clone.read("paper_claims.md")
    assert "sum_of_two" in markdown
    assert clone.verdicts() == {"sum_of_two": "holds", "long_sum": "unverified", "waiting": "unverified"}
    before = clone.read("build/claims.json")
    assert clone.run("verify")[0] == 0
    assert (clone.read("paper_claims.md"), clone.read("build/claims.json")) == (markdown, before)


def test_only_a_whole_quick_run_writes_the_checked_in_report(clone):
    for arguments in (("sum_of_two",), ("--level", "full")):
        status, _, err = clone.run("verify", *arguments)
        assert status == 0, err
        assert clone.has("build/report/index.html")
        assert not clone.has("paper_claims.md")
    assert clone.verdicts() == {"sum_of_two": "holds", "long_sum": "supported", "waiting": "unverified"}


def test_failed_evidence_is_shown_and_exits_1(clone):
    clone.write(
        "tests/claims/suite/test_claim_sum.py", EVIDENCE.replace("is_two, 2, MUTANTS", "is_two, 3, MUTANTS")
    )
    status, out, err = clone.run("verify", "sum_of_two")
    assert status == 1
    assert "AssertionError: must be 2, got 3" in err
    assert "FAULT some evidence failed or is incomplete" in out
    assert clone.verdicts()["sum_of_two"] == "open"


def test_an_incomplete_claim_exits_1_and_says_what_it_owes(clone):
    clone.write(
        "tests/claims/suite/test_claim_sum.py",
        EVIDENCE.replace('evidence.necessary("positive", "n = 0")', ""),
    )
    status, out, _ = clone.run("verify", "sum_of_two", "--json")
    assert status == 1
    answer = json.loads(out)
    assert (answer["level"], answer["passed"]) == ("quick", False)
    assert answer["faults"] == ["some evidence failed or is incomplete"]
    assert [(line["slug"], line["verdict"]) for line in answer["claims"]] == [("sum_of_two", "unverified")]
    assert (
        "  sum_of_two: assumption positive: necessity not addressed" in clone.run("verify", "sum_of_two")[1]
    )


def test_a_named_claim_without_evidence_is_a_fault(clone):
    status, out, _ = clone.run("verify", "waiting", "long_sum")
    assert status == 1
    assert "FAULT waiting: no evidence, Needs a larger machine." in out
    assert "FAULT long_sum: has evidence of level full only; run with --level full" in out


def test_a_claim_with_neither_evidence_nor_reason_is_a_fault_of_the_whole(clone):
    clone.write("claims/records/suite/sums.py", CLAIMS.replace(', reason="Needs a larger machine."', ""))
    status, out, _ = clone.run("verify")
    assert status == 1
    assert "FAULT waiting: no evidence, and no reason recorded" in out


def test_verify_without_the_tests_says_that_it_needs_a_clone(clone):
    shutil.rmtree(clone.path / "tests")
    status, out, err = clone.run("verify")
    assert (status, out) == (2, "")
    assert err.startswith("Error: icl-claims verify needs a clone of the repository: ")
    assert err.count("\n") == 1
    status, out, err = clone.run("new", "own_step")
    assert (status, out) == (2, "")
    assert err.startswith("Error: icl-claims new needs a clone of the repository: ")
    assert err.count("\n") == 1


def test_verify_in_a_clone_that_cannot_be_written_to_says_so_before_it_runs_anything(clone):
    clone.write("build", "A file where the folder should be.")
    status, out, err = clone.run("verify", "sum_of_two")
    assert (status, out) == (1, "")
    folder = clone.path.resolve() / "build"
    assert err == f"Error: icl-claims verify must be able to write to {folder}: File exists\n"


def test_what_is_listed_is_stale_as_soon_as_a_file_changes(clone):
    clone.run("verify", "sum_of_two")
    assert clone.verdicts()["sum_of_two"] == "holds"
    clone.write("tests/claims/suite/test_claim_sum.py", EVIDENCE + "\n")
    assert clone.verdicts()["sum_of_two"] == "unverified"
    assert (
        "owed: stale: tests/claims/suite/test_claim_sum.py::test_claim_sum_of_two"
        in clone.run("show", "sum_of_two")[1]
    )


SLOW = '''
@pytest.mark.claim(slug="waiting", grade="exact", range="x = 0")
def test_claim_waiting():
    """It says that it runs, and goes on."""
    open("started", "w").close()
    time.sleep(60)
'''


def test_an_interrupt_stores_what_has_finished_and_nothing_else(clone):
    clone.write("tests/claims/suite/test_claim_sum.py", EVIDENCE + SLOW)
    process = clone.start("verify", "sum_of_two", "waiting")
    deadline = time.monotonic() + 60
    while not clone.has("started"):
        assert time.monotonic() < deadline, "the evidence did not start"
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.endswith("Error: interrupted\n")
    assert os.listdir(clone.path / "build") == ["claims.json"]
    assert clone.verdicts() == {"sum_of_two": "holds", "long_sum": "unverified", "waiting": "unverified"}


# ---------------------------------------------------------------------- new


def test_new_scaffolds_a_proposition_that_runs_at_once_and_is_visibly_incomplete(clone):
    status, out, _ = clone.run("new", "own_step")
    assert status == 0
    assert out.startswith(
        "Written: claims/records/suite/own_step.py, theory/own_step.py, tests/claims/suite/test_claim_own_step.py\n"
    )
    assert "pytest -k claim_own_step" in out
    status, out, _ = clone.run("verify", "own_step")
    assert status == 1
    assert "own_step: 2 mutants killed, 3 required; assumption start_at_zero: necessity not addressed" in out
    test = clone.read("tests/claims/suite/test_claim_own_step.py")
    third = '"no target": STEP * CURVATURE - 1,\n        # Owed'
    addressed = 'evidence.dispensable("start_at_zero", "")\n'.replace('""', '"by a shift of w"')
    clone.write(
        "tests/claims/suite/test_claim_own_step.py", test.replace("# Owed", third, 1) + "    " + addressed
    )
    assert clone.run("verify", "own_step")[0] == 0
    assert clone.verdicts()["own_step"] == "holds"
    assert clone.run("new", "own_step")[0] == 2


@pytest.mark.parametrize("tool", [["ruff", "check"], ["ruff", "format", "--check"]], ids=" ".join)
def test_what_new_writes_follows_the_style_of_the_project(clone, tool):
    written = scaffold.scaffold("own_step", clone.path)
    command = [sys.executable, "-m", *tool, *map(str, written)]
    done = subprocess.run(command, cwd=clone.path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


TAKEN = ["theory/own_step.py", "tests/claims/suite/test_claim_own_step.py", "theory/own_step/__init__.py"]


@pytest.mark.parametrize("taken", TAKEN)
def test_new_overwrites_nothing(clone, taken):
    clone.write(taken, "mine")
    with pytest.raises(ValueError, match=f"for which {taken.removesuffix('/__init__.py')} exists"):
        scaffold.scaffold("own_step", clone.path)
    assert clone.read(taken) == "mine"
    assert not clone.has("claims/records/suite/own_step.py")


def test_new_writes_all_files_or_none(clone, monkeypatch):
    opened = Path.open

    def full_disk(self, mode="r", **options):
        if self.name == "test_claim_own_step.py":
            raise OSError("disk full")
        return opened(self, mode, **options)

    monkeypatch.setattr(Path, "open", full_disk)
    with pytest.raises(OSError, match="disk full"):
        scaffold.scaffold("own_step", clone.path)
    assert list(clone.path.rglob("*own_step*")) == []


def test_verdicts_on_the_command_line_are_those_of_the_project(capsys):
    text = answer(capsys, "list", "--help")
    assert "|".join(VERDICTS) in text
