"""Which TeX is a formula, and the command that lists the formulas that nothing compares."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from icl_claims.claims import formulas
from icl_claims.claims.claim import Assumption, Claim
from icl_claims.claims.formulas import Formula, declared, displayed, fragments, is_formula

NAMES = [
    r"A_l^\top",
    r"\Sigma^{-1}",
    r"(b,A)",
    r"x_1,\dots,x_n,x_q",
    r"\mathcal S'",
    r"\operatorname{Dist}(A_l,I)",
    "0",
    "0_d",
    "A_{l+1}",
    r"\mathbb R^{d\times n}",
    r"\sigma^2",
]
SETTINGS = [
    "L=1",
    r"d,n,L\ge1",
    r"\Sigma=\Omega=I",
    r"\Sigma\succ0",
    r"\sigma^2=0",
    r"n=2,\dots,22",
    r"n\to\infty",
]
LAWS = [r"x\sim\mathcal N(0,\Sigma)", r"\mathcal N(0,\Sigma)", r"\varepsilon\sim\mathcal N(0,\sigma^2I)"]
FORMULAS = [
    *(
        "n-1",
        "2d^2",
        "L!",
        "0.11",
        "49",
        "-z_i",
        "t/s",
        "1,3,13,75",
        "(aI,bI)",
        r"ba_j^\top",
        r"\frac1n",
        "f(a)",
        "(a+b)_l",
        "(a+b)'",
        "a^2",
        r"(a+b)^\top",
        "f(a,1)",
        "2(a,b)",
        "I_d=I",
        r"d,k\ge1",
        "n=2,k",
        "a,2",
    ),
    *("w_0=0", "k\\ge4", "l=0,1,2", r"\gamma>0", r"S\succ0", r"\Omega=\Sigma^{-1}", r"x\in\{0,1\}", r"\to0"),
    *(
        r"\mathbb Ev",
        r"\operatorname{tr}S",
        r"\mathcal S=\{A_l=a_lI\}",
        r"\nosuchcommand",
        r"\sqrt n",
        "(d,n)=(1,1)",
    ),
]


@pytest.mark.parametrize("text", [*NAMES, *SETTINGS, *LAWS])
def test_names_settings_and_laws_are_no_formulas(text: str) -> None:
    assert not is_formula(text)


@pytest.mark.parametrize("text", FORMULAS)
def test_what_asserts_or_defines_a_value_is_a_formula(text: str) -> None:
    assert is_formula(text)


def test_fragments_are_what_stands_between_dollar_signs() -> None:
    assert fragments(r"For $d=1$ the $a\, b$ of it.") == ["d=1", "ab"]


def write(folder: Path, text: str) -> Path:
    (folder / "table.py").write_text(text, encoding="utf-8")
    return folder


def test_every_text_of_a_claim_displays_its_formulas_once() -> None:
    """Those of an assumption's text belong to the assumption."""
    one = Assumption("one", "$a=1$ and $a=1$", not_shown="$a=2$")
    claim = Claim(
        "x", "suite", "here", "$a=3$, $a=1$, $A$", reading="$a=4$", reason="$a=5$", assumptions=(one,)
    )
    assert list(displayed(claim)) == [
        *(Formula("x", f"a={k}") for k in (3, 1, 4, 5, 2)),
        Formula("assumption:one", "a=1"),
    ]


def test_declarations_are_read_without_importing(tmp_path: Path) -> None:
    source = '@compares("one two", "a=b", r"\\frac1 n")\n@refutes("three", "a" "=c")\ndef f():\n    raise SystemExit\n'
    assert declared(write(tmp_path, source)) == {
        Formula("one", "a=b"): "compares",
        Formula("two", "a=b"): "compares",
        Formula("one", r"\frac1n"): "compares",
        Formula("two", r"\frac1n"): "compares",
        Formula("three", "a=c"): "refutes",
    }


def test_other_decorators_declare_nothing(tmp_path: Path) -> None:
    assert (
        declared(write(tmp_path, '@cache\n@other("one", "a=b")\n@x.compares("one", "a=b")\ndef f(): ...\n'))
        == {}
    )


@pytest.mark.parametrize(
    "call",
    [
        'compares("one")',
        "compares(place, 'a=b')",
        'refutes("one", text)',
        'compares("one", "a=b", text)',
        'compares("one", "a=b", 1)',
    ],
)
def test_a_declaration_must_be_literal(tmp_path: Path, call: str) -> None:
    with pytest.raises(ValueError, match=r"literal, at table\.py:1"):
        declared(write(tmp_path, f"@{call}\ndef f():\n    pass\n"))


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(formulas.formulas, list(arguments))
    return result.exit_code, result.output


def test_the_list_is_empty_for_a_decided_paper() -> None:
    status, output = run("--paper", "ahn2023")
    assert status == 0
    assert output.startswith("0 of ")


def test_the_list_of_a_paper_that_is_not_decided() -> None:
    status, output = run("--paper", "gatmiry2024", "--json")
    found = json.loads(output)
    assert output == json.dumps(found, ensure_ascii=False, indent=1) + "\n", "laid out as all JSON here"
    assert status == 0
    assert found["uncompared"] == sum(map(len, found["claims"].values())) > 0
    assert found["displayed"] >= found["uncompared"]
    assert set(found) == {"displayed", "uncompared", "claims"}


def test_without_the_tables_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formulas.clone, "root", lambda command: tmp_path)
    status, output = run()
    assert status == 2
    assert "clone of the repository" in output


def test_a_relation_that_begins_with_what_is_given_is_no_setting() -> None:
    assert is_formula(r"I\succ\Sigma\succ0")
    assert not is_formula(r"\Sigma\succ I\succ0")
