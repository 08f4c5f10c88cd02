"""Every cross-reference in a docstring or in the README leads somewhere: no name outlives what it named."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path

import pytest

from tests import ROOT

FOLDERS = ("theory", "numerics", "models", "claims", "icl_claims")
MODULES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
ROLE = re.compile(r":(?:mod|func|class|data|meth|attr):`~?([\w.]+)`")
LINK = re.compile(r"\]\((?!https?:|#)([^)\s]+)\)")


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    parts = parts[1:] if parts[0] == "icl_claims" else parts
    return ".".join(("icl_claims", *(parts[:-1] if parts[-1] == "__init__" else parts)))


def resolves(reference: str, module: str, classes: tuple[str, ...]) -> bool:
    """Whether a dotted name is a module, or leads to one and then along attributes, from here or absolutely."""
    names = reference.split(".")
    starts = [module, *(f"{module}:{name}" for name in classes)]
    for depth in range(len(names), 0, -1):
        try:
            found = importlib.import_module(".".join(names[:depth]))
        except ModuleNotFoundError:
            continue
        return leads(found, names[depth:])
    for start in starts:
        where, _, inner = start.partition(":")
        found = importlib.import_module(where)
        if leads(getattr(found, inner) if inner else found, names):
            return True
    return False


def leads(start: object, names: list[str]) -> bool:
    for name in names:
        fields = getattr(start, "__annotations__", {})
        if hasattr(start, name):
            start = getattr(start, name)
        elif name in fields:
            start = fields[name]
        else:
            return False
    return True


def references(path: Path) -> list[str]:
    """The references of a file that lead nowhere."""
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    classes = tuple(node.name for node in tree.body if isinstance(node, ast.ClassDef))
    return [name for name in ROLE.findall(text) if not resolves(name, module_name(path), classes)]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_reference_in_a_module_leads_somewhere(path: Path) -> None:
    assert references(path) == []


def test_a_reference_that_leads_nowhere_is_seen() -> None:
    assert not resolves("icl_claims.theory.task.RegressionTusk", "icl_claims.theory.task", ())
    assert not resolves("icl_claims.theory.tusk", "icl_claims.theory.task", ())
    assert not resolves("isotropique", "icl_claims.theory.task", ("RegressionTask",))
    assert resolves("isotropic", "icl_claims.theory.task", ("RegressionTask",))


def test_every_link_of_the_readme_leads_to_a_file() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    links = LINK.findall(readme)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
