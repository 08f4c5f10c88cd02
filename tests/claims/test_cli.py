"""The command line: what it answers, what it refuses in one line, and what it writes."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from icl_claims.claims import clone as clone_of_the_package
from icl_claims.claims import commands, registry, results
from icl_claims.claims.claim import Assumption, Claim, OtherReading
from icl_claims.claims.cli import COMMANDS, run
from icl_claims.claims.dossier import summary
from icl_claims.claims.evidence_index import Index, Mark
from icl_claims.claims.results import Results
from icl_claims.claims.verdicts import VERDICTS, judge
from tests import ROOT
from tests.shared.rows import COUNTEREXAMPLE, LEMMA, passed
from tests.shared.small_clone import Clone

NOTHING_STORED = (
    "No results are stored in this clone yet: every claim is shown as unverified. "
    "Run 'make verify', or read the verdicts in paper_claims.md.\n"
)

LIST_KEYS = [
    "slug",
    "paper",
    "location",
    "verdict",
    "severity",
    "grade",
    "scale",
    "provenance",
    "draft",
    "range",
    "mutants_killed",
    "mutants",
    "tightness",
    "necessity_decided",
    "assumptions_stated",
    "reading",
    "rests_on",
    "cites",
]


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


class Terminal(io.StringIO):
    """What a terminal says of itself."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("output", "colours"), [(Terminal(), True), (io.StringIO(), False), (None, False)])
def test_colours_are_for_a_terminal(
    monkeypatch: pytest.MonkeyPatch, output: io.StringIO | None, colours: bool
) -> None:
    """A program without a console has no output at all."""
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", output)
        found = commands._in_color()
    assert found is colours


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
            ("show", "global_minimzer"),
            "slug must be registered, got 'global_minimzer'; did you mean global_mini",
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
    ],
)
def test_bad_input_is_refused_in_one_line(arguments, message, capsys):
    assert refusal(capsys, *arguments).startswith(f"Error: {message}")


def test_results_of_another_schema_are_refused_in_one_line(no_results, capsys):
    results.write_text(no_results, '{"schema_version": 1, "rows": []}')
    assert "must have schema_version 2, got 1" in refusal(capsys, "list")


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
    whole = {"mutants": every, "necessity": said, "lemmas": (LEMMA,), **changes}
    return Results(rows=(row.model_copy(update=whole),))


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
    assert {n["standing"] for n in shown["necessity"]} == {"necessary"}
    for key in ("reading", "rests_on", "cites", "derivation", "counterexamples", "part_verdicts"):
        assert key in shown
    assert [lemma["checked_by"] for lemma in shown["derivation"]["lemmas"]] == [LEMMA.checked_by]
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
    assert text.startswith("global_minimizer: HOLDS (proof)\nahn2023, ")
    for expected in (
        claim.statement,
        "range: all d, n",
        "passed: Checked.",
        "necessary: n = 0",
        "assumptions (6 of 6 decided):",
        "part rescaling: holds",
        "derivation: theory.derivations.global_minimizer\n  Lemma 1. $1+1=2$.\n    By counting.\n",
        "    checked by icl_claims.theory.sums.prove_sum: all n",
    ):
        assert expected in text


def test_verdicts_on_the_command_line_are_those_of_the_project(capsys):
    text = answer(capsys, "list", "--help")
    assert "|".join(VERDICTS) in text


def test_what_is_not_tried_undecided_or_read_otherwise_is_shown(no_results, capsys, monkeypatch):
    """A claim of which only one part of two is refuted, that rests on one that never ran."""
    other = OtherReading("mod", "In the field of two elements.")
    claim = Claim(
        "sum",
        "suite",
        "here",
        "$1+1=3$.",
        (Assumption("finite", "$n<9$.", not_shown="no time"), Assumption("positive", "$n>0$.")),
        parts=("first", "second"),
        reading="In the integers.",
        other_readings=(other,),
        rests_on=("below",),
        cites=("Euclid",),
        severity="constant",
        provenance="secondary",
    )
    below = Claim("below", "suite", "here", "$1=1$.", draft=True)
    monkeypatch.setattr(registry, "registry", lambda: {"sum": claim, "below": below})
    monkeypatch.setattr("icl_claims.claims.evidence_index.build", lambda *_: Index())
    found = COUNTEREXAMPLE.model_copy(update={"part": "first"})
    rows = (
        passed("tests/a.py::test_claim_sum", "sum", parts=("first",), refutes=True, counterexamples=(found,)),
        passed("tests/b.py::test_claim_sum", "sum", parts=(), reading="mod"),
    )
    results.write(no_results, Results(rows=rows))
    text = answer(capsys, "show", "sum")
    assert text.startswith("sum: REFUTED (proof, constant)\n")
    for expected in (
        "As recorded from a secondary source",
        "reading: In the integers.",
        "read otherwise: In the field of two elements. TRUE",
        "part first: refuted",
        "part second: undecided",
        "counterexample to first: n = 0; margin -1",
        "rests on below: not run",
        "cites Euclid",
        "\nassumptions:\n",
        "not tried: no time",
        "not tried: false as written with it",
    ):
        assert expected in text
    shown = json.loads(answer(capsys, "show", "sum", "--json"))
    assert (shown["severity"], shown["reading"], shown["provenance"]) == ("constant", "reading", "secondary")
    assert [other["verdict"] for other in shown["other_readings"]] == ["true"]
    assert shown["rests_on"] == [{"slug": "below", "state": "not run"}]
    assert "A draft" in answer(capsys, "show", "below")


def test_a_claim_below_stands_or_fell_or_did_not_run():
    claim = Claim("sum", "suite", "here", "$1=1$.", rests_on=("first", "second", "third"))
    judgement = judge(
        claim, Results(), {slug: replace(claim, slug=slug, rests_on=()) for slug in claim.rests_on}
    )
    told = summary(claim, replace(judgement, fallen=("second",), not_run=("third",)))
    assert [below["state"] for below in told["rests_on"]] == ["stands", "fell", "not run"]
