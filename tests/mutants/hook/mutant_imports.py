"""Imports with changed sources, in memory: mutants, and functions that say when they are entered.

Only the standard library is used: processes that a test starts load this file by itself (see ``sitecustomize.py``
beside it), so that they run the same mutant, and report what they enter, as the test that started them.
"""

from __future__ import annotations

import ast
import atexit
import builtins
import importlib.machinery
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.abc import MetaPathFinder
from pathlib import Path
from types import CodeType
from typing import Any

MUTANTS = "ICL_CLAIMS_MUTANTS"
"""Environment variable: a JSON file of the changed sources by the names of their modules."""

ENTERED = "ICL_CLAIMS_ENTERED"
"""Environment variable: a folder in which each process leaves the functions that it entered."""

PACKAGE = "icl_claims."
FOLDERS = ("theory", "numerics", "models", "claims")
MARKER = "_function_entered"

Compile = Callable[[bytes, str, str], CodeType | None]
"""From the source, the name of the module and the path; None leaves the module to the usual import."""


class Finder(MetaPathFinder):
    """Finds the modules of the package whose sources are changed."""

    def __init__(self, compiled: Compile) -> None:
        self._compiled = compiled

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """The usual place of the module, with a loader that changes its source."""
        if not name.startswith(PACKAGE):
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is None or not isinstance(spec.loader, importlib.machinery.SourceFileLoader):
            return None
        code = self._compiled(spec.loader.get_data(spec.loader.path), name, spec.loader.path)
        if code is None:
            return None
        spec.loader = Loader(name, spec.loader.path, code)
        return spec


class Loader(importlib.machinery.SourceFileLoader):
    """Loads the given code, past the stored byte code."""

    def __init__(self, name: str, path: str, code: CodeType) -> None:
        super().__init__(name, path)
        self._code = code

    def get_code(self, fullname: str) -> CodeType:
        """The changed code."""
        return self._code


def mutated(sources: dict[str, str]) -> Compile:
    """Compile these modules from these sources."""

    def compiled(source: bytes, name: str, path: str) -> CodeType | None:
        return compile(sources[name], path, "exec", dont_inherit=True) if name in sources else None

    return compiled


def marked(source: bytes, name: str, path: str) -> CodeType | None:
    """Compile so that each function and method says its ``file::name`` when it is entered."""
    inside = name.removeprefix(PACKAGE).split(".")
    if inside[0] not in FOLDERS:
        return None
    stem = inside if Path(path).name != "__init__.py" else [*inside, "__init__"]
    tree = ast.parse(source)
    for label, function in _functions(tree.body, ""):
        first = function.body[0]
        call = ast.Call(ast.Name(MARKER, ast.Load()), [ast.Constant(f"{'/'.join(stem)}.py::{label}")], [])
        where = 1 if ast.get_docstring(function, clean=False) is not None else 0
        function.body.insert(where, ast.copy_location(ast.Expr(call), first))
    return compile(ast.fix_missing_locations(tree), path, "exec", dont_inherit=True)


def _functions(body: list[ast.stmt], prefix: str) -> Iterator[tuple[str, ast.FunctionDef]]:
    for node in body:
        if isinstance(node, ast.FunctionDef):
            yield prefix + node.name, node
        elif isinstance(node, ast.ClassDef):
            yield from _functions(node.body, f"{prefix}{node.name}.")


def install(compiled: Compile) -> Finder:
    """Change all imports from now on, also those that pytest's rewriting of asserts would take over.

    What of the package is loaded already is forgotten, to be imported anew.
    """
    for name in [name for name in sys.modules if f"{name}.".startswith(PACKAGE)]:
        del sys.modules[name]
    finder = Finder(compiled)
    sys.meta_path.insert(0, finder)
    rewriting = sys.modules.get("_pytest.assertion.rewrite")
    if rewriting is not None:
        usual = rewriting.AssertionRewritingHook.find_spec

        def find_spec(self: Any, name: str, path: Any = None, target: Any = None) -> Any:
            return finder.find_spec(name, path, target) or usual(self, name, path, target)

        rewriting.AssertionRewritingHook.find_spec = find_spec
    return finder


def record() -> set[str]:
    """The set in which marked functions note that they were entered."""
    entered: set[str] = set()
    setattr(builtins, MARKER, entered.add)
    return entered


def hand_on(**variables: str) -> None:
    """Have all processes that this one starts load this file, whatever environment they are given."""
    usual = subprocess.Popen.__init__

    def started(self: Any, *arguments: Any, env: Any = None, **more: Any) -> None:
        given = dict(os.environ if env is None else env)
        path = [str(Path(__file__).parent), *filter(None, [given.get("PYTHONPATH")])]
        usual(self, *arguments, env={**given, **variables, "PYTHONPATH": os.pathsep.join(path)}, **more)

    subprocess.Popen.__init__ = started


def install_from_environment() -> None:
    """What a process that was started by a test does: the same mutants, or the same notes."""
    if MUTANTS in os.environ:
        install(mutated(json.loads(Path(os.environ[MUTANTS]).read_text(encoding="utf-8"))))
        hand_on(**{MUTANTS: os.environ[MUTANTS]})
    if ENTERED in os.environ:
        folder, entered = Path(os.environ[ENTERED]), record()
        install(marked)
        hand_on(**{ENTERED: str(folder)})
        atexit.register(
            lambda: (folder / f"{os.getpid()}.json").write_text(json.dumps(sorted(entered)), encoding="utf-8")
        )
