"""The static index: which test functions are evidence for which claim, read without importing them.

Evidence is a function ``test_claim_<slug>...`` under ``tests/`` that carries one or more decorators

    @pytest.mark.claim(slug="...", grade="proof", range="all d, n")

whose arguments are literals. The index is what the controller of a distributed run (which collects
nothing), the conformance test and ``icl-claims show`` know about tests that did not run.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeGuard, cast, get_args

from icl_claims.claims.claim import Claim
from icl_claims.claims.results import GRADES, Grade, Level, Outcome, Row, Scale

ARGUMENTS = (
    *("slug", "grade", "range", "parts", "complete", "refutes", "level"),
    *("scale", "error_probability", "reading"),
)
PREFIX = "test_claim_"
TEST_FILE = re.compile(r"tests/(.+/)?test_[^/]*\.py")


class BadEvidence(ValueError):
    """A claim mark, or a test named like evidence, that breaks the contract of evidence."""


@dataclass(frozen=True)
class Mark:
    """One validated ``claim`` mark: what a test says it decides, about which claim, how firmly.

    ``parts`` may be empty: the test then decides nothing by itself, and brings necessity or figures, or it is about
    another ``reading`` of the print. ``scale`` belongs to the grade trained, ``error_probability`` to statistical.
    """

    slug: str
    grade: Grade
    range: str
    parts: tuple[str, ...]
    complete: bool
    refutes: bool
    level: Level
    scale: Scale | None = None
    error_probability: float | None = None
    reading: str = ""

    def row(self, nodeid: str, summary: str, outcome: Outcome, message: str = "") -> Row:
        """A row that records this mark and an outcome, and no figures."""
        return Row(
            nodeid=nodeid,
            slug=self.slug,
            parts=self.parts,
            grade=self.grade,
            range=self.range,
            complete=self.complete,
            refutes=self.refutes,
            level=self.level,
            scale=self.scale,
            error_probability=self.error_probability,
            reading=self.reading,
            outcome=outcome,
            summary=summary,
            message=message,
        )


@dataclass(frozen=True)
class Entry:
    """One evidence function and one of its marks. Its tests are ``nodeid`` itself or ``nodeid[...]``."""

    nodeid: str
    summary: str
    mark: Mark


@dataclass(frozen=True)
class Index:
    """All evidence under ``tests/``, and the files that could not be indexed, each with the reason."""

    entries: tuple[Entry, ...] = ()
    problems: Mapping[str, Exception] = field(default_factory=dict)

    def of(self, slug: str, level: Level = "full") -> tuple[Entry, ...]:
        """The evidence for one claim that runs at this level; ``full`` includes ``quick``."""
        return tuple(
            entry
            for entry in self.entries
            if entry.mark.slug == slug and (level == "full" or entry.mark.level == "quick")
        )

    def knows(self, row: Row) -> bool:
        """Whether the test of a stored row is still there (or stands in a file that cannot be read now)."""
        if row.nodeid.partition("::")[0] in self.problems:
            return True
        function = function_id(row.nodeid)
        return any(entry.nodeid == function and entry.mark.slug == row.slug for entry in self.entries)


def function_id(nodeid: str) -> str:
    """The node id of the test function, without the parameters in brackets."""
    path, separator, rest = nodeid.partition("::")
    return path + separator + rest.partition("[")[0]


def summary_of(docstring: str | None) -> str:
    """The first paragraph of a docstring, on one line."""
    return " ".join(inspect.cleandoc(docstring or "").partition("\n\n")[0].split())


def parse_marks(
    nodeid: str,
    docstring: str | None,
    marks: list[tuple[tuple[Any, ...], dict[str, Any]]],
    registry: Mapping[str, Claim],
) -> tuple[Mark, ...]:
    """The marks of one test function, each given by its positional and keyword arguments.

    Raises:
        BadEvidence: the message names the test, the argument, its value and what is allowed.
    """
    path, name = nodeid.partition("::")[0], function_id(nodeid).rpartition("::")[2]
    if not TEST_FILE.fullmatch(path):
        raise BadEvidence(f"{nodeid}: evidence must stand in a file tests/**/test_*.py, got {path!r}")
    parsed = tuple(_parse_mark(nodeid, args, kwargs, registry) for args, kwargs in marks)
    if not parsed:
        raise BadEvidence(f"{nodeid}: a function named {PREFIX}* must carry @pytest.mark.claim(slug=...)")
    slugs = [mark.slug for mark in parsed]
    if len(set(slugs)) != len(slugs):
        raise BadEvidence(f"{nodeid}: slug must differ between the claim marks of one test, got {slugs!r}")
    if len({mark.level for mark in parsed}) > 1:
        raise BadEvidence(f"{nodeid}: level must be the same in all claim marks of one test")
    if not any(_is_named_for(name, slug) for slug in slugs):
        allowed = " or ".join(PREFIX + slug for slug in slugs)
        raise BadEvidence(f"{nodeid}: the function's name must start with {allowed}, got {name!r}")
    if not summary_of(docstring):
        raise BadEvidence(
            f"{nodeid}: evidence must have a docstring; its first paragraph is the report's summary"
        )
    return parsed


def artefacts(path: str, tree: ast.Module) -> tuple[str, ...]:
    """The data files that a test module declares: ``ARTEFACTS``, a literal tuple of paths from the root.

    A path to a folder, as ``artefacts/ahn2023/depth``, stands for all files below it.

    Raises:
        BadEvidence: it is no literal tuple of texts.
    """
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id="ARTEFACTS")], value=value):
                pass
            case ast.AnnAssign(target=ast.Name(id="ARTEFACTS"), value=ast.expr() as value):
                pass
            case _:
                continue
        try:
            paths = ast.literal_eval(value)
        except ValueError:
            paths = None
        if not isinstance(paths, tuple) or not all(isinstance(item, str) for item in paths):
            raise BadEvidence(f"{path}: ARTEFACTS must be a literal tuple of paths, got {ast.unparse(value)}")
        return paths
    return ()


def build(root: Path, registry: Mapping[str, Claim]) -> Index:
    """The index of ``tests/**/test_*.py`` under ``root``."""
    entries: list[Entry] = []
    problems: dict[str, Exception] = {}
    for file in sorted((root / "tests").rglob("test_*.py")):
        path = file.relative_to(root).as_posix()
        try:
            tree = ast.parse(file.read_bytes(), filename=path)
            artefacts(path, tree)
            entries += _entries(path, tree, registry)
        except (BadEvidence, SyntaxError, ValueError) as error:
            problems[path] = error
    return Index(tuple(entries), problems)


def _entries(path: str, tree: ast.Module, registry: Mapping[str, Claim]) -> Iterator[Entry]:
    functions = list(_functions(tree.body, ()))
    decorators = [
        node for _, function in functions for node in function.decorator_list if _is_claim_mark(node)
    ]
    allowed = {id(inner) for decorator in decorators for inner in ast.walk(decorator)}
    for node in ast.walk(tree):
        if _is_claim_mark(node) and id(node) not in allowed:
            raise BadEvidence(
                f"{path}:{node.lineno}: a claim mark must be a decorator of a test function itself, not of a "
                "class, a module or a parameter set"
            )
    for names, function in functions:
        nodeid = "::".join((path, *names))
        marks = [_arguments(nodeid, node) for node in function.decorator_list if _is_claim_mark(node)]
        if not marks and not function.name.startswith(PREFIX):
            continue
        docstring = ast.get_docstring(function)
        # Decorators apply from the bottom up, and pytest lists marks in that order.
        for mark in parse_marks(nodeid, docstring, marks[::-1], registry):
            yield Entry(nodeid, summary_of(docstring), mark)


def _functions(
    body: list[ast.stmt], outer: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], ast.FunctionDef | ast.AsyncFunctionDef]]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield (*outer, node.name), node
        elif isinstance(node, ast.ClassDef):
            if node.name.startswith("Test"):
                yield from _functions(node.body, (*outer, node.name))
        else:  # Functions may stand under a condition.
            yield from _functions([n for n in ast.iter_child_nodes(node) if isinstance(n, ast.stmt)], outer)


def _is_claim_mark(node: ast.AST) -> TypeGuard[ast.Attribute | ast.Call]:
    target = node.func if isinstance(node, ast.Call) else node
    return (
        isinstance(target, ast.Attribute)
        and target.attr == "claim"
        and ast.unparse(target.value).rpartition(".")[2] == "mark"
    )


def _arguments(nodeid: str, node: ast.expr) -> tuple[tuple[Any, ...], dict[str, Any]]:
    if not isinstance(node, ast.Call):
        return (), {}
    kwargs: dict[str, Any] = {}
    for keyword in node.keywords:
        if keyword.arg is None:
            raise BadEvidence(
                f"{nodeid}: the claim mark must write out its arguments, got **{ast.unparse(keyword.value)}"
            )
        try:
            kwargs[keyword.arg] = ast.literal_eval(keyword.value)
        except ValueError:
            value = ast.unparse(keyword.value)
            raise BadEvidence(f"{nodeid}: {keyword.arg} must be a literal, got {value}") from None
    return tuple(ast.unparse(argument) for argument in node.args), kwargs


def _parse_mark(
    nodeid: str, args: tuple[Any, ...], kwargs: dict[str, Any], registry: Mapping[str, Claim]
) -> Mark:
    def refuse(argument: str, allowed: str, value: object) -> BadEvidence:
        return BadEvidence(f"{nodeid}: {argument} must be {allowed}, got {value!r}")

    if args:
        raise refuse("every argument of the claim mark", "given by keyword", args)
    for argument in kwargs:
        if argument not in ARGUMENTS:
            raise refuse("an argument of the claim mark", f"one of {', '.join(ARGUMENTS)}", argument)
    for argument in ("slug", "grade", "range"):
        if argument not in kwargs:
            raise BadEvidence(f"{nodeid}: {argument} must be given in the claim mark")
    slug, grade, range_ = kwargs["slug"], kwargs["grade"], kwargs["range"]
    if slug not in registry:
        near = get_close_matches(str(slug), registry, n=3)
        raise refuse("slug", "registered" + (f" (near: {', '.join(near)})" if near else ""), slug)
    if grade not in GRADES:
        raise refuse("grade", f"one of {', '.join(GRADES)}", grade)
    if not isinstance(range_, str) or not range_.strip():
        raise refuse("range", "non-empty text", range_)
    level = kwargs.get("level", "quick")
    if level not in get_args(Level):
        raise refuse("level", f"one of {', '.join(get_args(Level))}", level)
    allowed_parts = registry[slug].parts
    readings = [other.key for other in registry[slug].other_readings]
    reading = kwargs.get("reading", "")
    if reading and reading not in readings:
        raise refuse(
            "reading", f"another reading of {slug}, which are {', '.join(readings) or 'none'}", reading
        )
    parts = kwargs.get("parts", () if reading else allowed_parts)
    if not isinstance(parts, tuple | list) or any(part not in allowed_parts for part in parts):
        raise refuse("parts", f"a tuple of parts of {slug}, which are {', '.join(allowed_parts)}", parts)
    complete, refutes = kwargs.get("complete", grade in ("proof", "argument")), kwargs.get("refutes", False)
    for argument, value in (("complete", complete), ("refutes", refutes)):
        if not isinstance(value, bool):
            raise refuse(argument, "True or False", value)
    if refutes and not reading and not kwargs.get("parts"):
        raise refuse(
            "parts", f"named, at least one part of {slug}, in evidence that refutes", kwargs.get("parts")
        )
    if reading and parts:
        raise refuse("parts", "empty in evidence about another reading", parts)
    scale, error = kwargs.get("scale"), kwargs.get("error_probability")
    if (grade == "trained") != (scale is not None) or scale not in (None, *get_args(Scale)):
        raise refuse(
            "scale", f"one of {', '.join(get_args(Scale))} for grade trained, and for no other", scale
        )
    if (grade == "statistical") != (error is not None):
        raise refuse("error_probability", "given for grade statistical, and for no other", error)
    if error is not None and not (isinstance(error, float) and 0 < error < 1):
        raise refuse("error_probability", "a number between 0 and 1", error)
    return Mark(
        slug=slug,
        grade=cast(Grade, grade),
        range=range_,
        parts=tuple(parts),
        complete=complete,
        refutes=refutes,
        level=cast(Level, level),
        scale=scale,
        error_probability=error,
        reading=reading,
    )


def _is_named_for(name: str, slug: str) -> bool:
    stem = PREFIX + slug
    return name == stem or name.startswith(stem + "_")
