r"""Which formulas the records display, and which of them the tests compare with the theory by value.

A *formula* is a piece of TeX between dollar signs, in a text of a record, that asserts or defines
a value. The rule that tells formulas from names and settings is :func:`is_formula`; it errs on the side of listing,
and what cannot be read is a formula.

The tables under ``tests/claims/formulas/`` say what each symbol of a formula means, and are decorated

    @compares("slug", r"formula", …)             true wherever the symbols have their meaning
    @refutes("slug", r"formula", …)              quoted because it is false: false at some exact point

whose arguments are literals, read here without importing anything. A formula is known by its TeX, blanks aside: when
its record is edited it is no longer found in a table, and is listed again.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import click

from icl_claims.claims import clone, registry, tex
from icl_claims.claims.claim import Claim, Paper
from icl_claims.claims.tex import Node

TABLES = "tests/claims/formulas"
"""Where the tables are, from the root of the repository."""
DECORATORS = ("compares", "refutes")
ASSUMPTION = "assumption:"
"""Before the key of an assumption where a table names one in the place of a claim."""

_DATA = frozenset({"d", "n", "L", "N", r"\Sigma", r"\Omega", r"\sigma^2"})
"""The data of a problem: sizes, covariances, the variance of the noise."""
_GIVEN = frozenset({"I", "I_d", r"\infty", r"\dots"})
_MARKS = frozenset({r"\top", r"\star", r"-1"})
"""Exponents that belong to a name: A^\\top, f^\\star, \\Sigma^{-1}."""


@dataclass(frozen=True)
class Formula:
    """A displayed formula: where it stands (a slug, or an assumption's key after ``assumption:``), and its TeX."""

    place: str
    text: str


def is_formula(text: str) -> bool:
    r"""Whether TeX asserts or defines a value. These do not:

    * a name: a letter, with subscripts, accents, primes, transposed or inverted, or with names as its arguments;
      a list, a tuple or a pair of names; the number 0 alone;
    * a law: x ∼ 𝒩(0, Σ);
    * a setting: d, n, L, N, Σ, Ω or σ² related to numerals, to I or to ∞ (L = 1; n = 2, …, 22; Σ ≻ 0).

    >>> [is_formula(text) for text in ("A_l", r"f(b,A)", r"\Sigma=I", r"d,n\ge1", r"x\sim\mathcal N(0,\Sigma)")]
    [False, False, False, False, False]
    >>> [is_formula(text) for text in ("A_l=aI", "n-1", "0.11", r"\gamma>0", r"x\nosuch y")]
    [True, True, True, True, True]
    """
    try:
        tree = tex.parse(text)
    except tex.Unreadable:
        return True
    return not (_is_name(tree) or _is_law(tree) or _is_setting(tree))


def _is_name(node: Node) -> bool:
    if node.head == "symbol" or node.text == "0":
        return True
    if node.head in ("sub", "prime"):
        return _is_name(node.parts[0])
    if node.head == "power":
        base, exponent = node.parts
        return _is_name(base) and (exponent.text in _MARKS or base.text == r"\mathbb R" or node.text in _DATA)
    if node.head in ("list", "tuple", "group"):
        return all(map(_is_name, node.parts))
    if node.head == "product":
        function, *arguments = node.parts
        return _is_name(function) and [x.head for x in arguments] == ["tuple"] and _is_name(arguments[0])
    return False


def _is_law(node: Node) -> bool:
    return node.head == r"relation\sim"


def _is_setting(node: Node) -> bool:
    if not node.head.startswith("relation"):
        return False
    *data, given = node.parts
    named = [part.text for side in data for part in (side.parts if side.head == "list" else (side,))]
    values = given.parts if given.head == "list" else (given,)
    known = _DATA | _GIVEN
    return named[0] in _DATA and set(named) <= known and all(map(_is_given, values))


def _is_given(node: Node) -> bool:
    return node.text in _GIVEN or node.head == "number"


def fragments(text: str) -> list[str]:
    """The TeX between dollar signs."""
    return [tex.normal(piece) for piece in text.split("$")[1::2]]


def displayed(claim: Claim) -> Iterator[Formula]:
    """The formulas of a claim's statement, reading, reasons and assumptions, each once."""
    own = [claim.statement, claim.reading, claim.reason, *(a.not_shown for a in claim.assumptions)]
    texts = [(claim.slug, text or "") for text in own]
    texts += [(ASSUMPTION + a.key, a.text) for a in claim.assumptions]
    found = (Formula(place, piece) for place, text in texts for piece in fragments(text) if is_formula(piece))
    yield from dict.fromkeys(found)


def declared(folder: Path) -> dict[Formula, str]:
    """The formulas that the tables in a folder compare or refute, with the decorator's name.

    Raises:
        FileNotFoundError: the folder has no table.
        ValueError: a decorator's argument is no literal text.
    """
    tables = sorted(folder.glob("*.py"))
    if not tables:
        raise FileNotFoundError(
            f"the tables of compared formulas must be in {folder}: run this in a clone of the repository"
        )
    found: dict[Formula, str] = {}
    for table in tables:
        for node in ast.walk(ast.parse(table.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                found |= _declared_by(node, table.name)
    return found


def _declared_by(function: ast.FunctionDef, file: str) -> dict[Formula, str]:
    found: dict[Formula, str] = {}
    for call in function.decorator_list:
        if not (
            isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in DECORATORS
        ):
            continue
        texts = [x.value for x in call.args if isinstance(x, ast.Constant) and isinstance(x.value, str)]
        if len(texts) != len(call.args) or len(texts) < 2:
            raise ValueError(
                f"{call.func.id} must have a place and formulas, all literal, at {file}:{call.lineno}"
            )
        places, *pieces = texts
        found |= {Formula(p, tex.normal(x)): call.func.id for p in places.split() for x in pieces}
    return found


def uncompared(claims: Mapping[str, Claim], folder: Path) -> dict[str, list[str]]:
    """For each claim, the formulas that no table compares. One of a shared assumption is listed with each claim."""
    known = declared(folder)
    left = {slug: [f.text for f in displayed(claim) if f not in known] for slug, claim in claims.items()}
    return {slug: texts for slug, texts in left.items() if texts}


@click.command()
@click.option("--paper", type=click.Choice(get_args(Paper)), help="Only the claims of this paper.")
@click.option("--json", "as_json", is_flag=True, help="Write JSON with stable keys.")
def formulas(paper: Paper | None, as_json: bool) -> None:
    """The formulas in records that no test compares with the theory.

    Example: icl-claims formulas --paper ahn2023
    """
    claims = {s: c for s, c in registry.registry().items() if paper in (None, c.paper)}
    try:
        left = uncompared(claims, clone.root("formulas") / TABLES)
    except FileNotFoundError as error:
        raise click.UsageError(str(error)) from None
    shown = sum(len(list(displayed(claim))) for claim in claims.values())
    count = sum(map(len, left.values()))
    if as_json:
        result = {"displayed": shown, "uncompared": count, "claims": left}
        click.echo(json.dumps(result, ensure_ascii=False, indent=1))
        return
    for slug, texts in left.items():
        click.echo(f"{slug}: {len(texts)}")
        for text in texts:
            click.echo(f"  {text}")
    click.echo(f"{count} of {shown} displayed formulas are compared with nothing")
