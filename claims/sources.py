"""What a piece of evidence rests on: the project files that its test imports, and its record.

A row stores a digest of each. When one changes, the row is stale until its test runs again. Imports
are followed statically, through functions too. Of a package's ``__init__`` only the names asked for are
followed, so that a convenience re-export does not tie every test to every module. Of the package
``claims`` only the modules that carry mathematical content count; the record of the claim is digested by
its content, and the machinery that runs tests and writes reports does not make evidence stale. The criteria
of experiments are mathematical content too: whoever changes one has to judge again.
"""

from __future__ import annotations

import ast
import dataclasses
import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from icl_claims.claims.claim import Claim
from icl_claims.claims.evidence_index import artefacts
from icl_claims.claims.results import Results, Row

PACKAGE = "icl_claims"
CRITERIA = f"{PACKAGE}.criteria"
PACKAGES = ("theory", "numerics", "models", "tests", CRITERIA)
CLAIMS_MODULES = ("claims.claim", "claims.assumptions")
RECORD = "record:"
ABSENT = "absent"
"""The digest of a file that is not there."""


class Sources:
    """The files under ``root`` as they are when first looked at; :meth:`snapshot` looks at all of them.

    Taking the snapshot before tests run means that a file edited meanwhile makes the row stale, not fresh.
    """

    def __init__(self, root: Path, registry: Mapping[str, Claim]) -> None:
        self._root = root
        self._registry = registry
        self._digests: dict[str, str] = {}
        self._trees: dict[str, ast.Module] = {}
        self._found_imports: dict[str, list[tuple[str, str | None]]] = {}
        self._closures: dict[str, frozenset[str]] = {}

    def snapshot(self) -> None:
        """Digest every Python file that evidence could rest on."""
        for package in (*PACKAGES, "claims"):
            for file in (self._root / package.replace(".", "/")).rglob("*.py"):
                self.current(file.relative_to(self._root).as_posix())

    def current(self, key: str) -> str:
        """The digest of a file, by its path from the root, or of ``record:<slug>``; else ``absent``.

        That of a folder is over the paths of the files below it: it changes when one is added or removed.
        """
        if key not in self._digests:
            self._digests[key] = self._digest(key)
        return self._digests[key]

    def digests_of(self, test_file: str, slug: str) -> dict[str, str]:
        """The digests of all that evidence for ``slug`` in ``test_file`` rests on.

        Raises:
            BadEvidence: a file of the tests declares its ``ARTEFACTS`` other than by a literal tuple.
        """
        if test_file not in self._closures:
            self._closures[test_file] = frozenset(self._closure(test_file))
        return {key: self.current(key) for key in sorted(self._closures[test_file] | {RECORD + slug})}

    def refresh(self, row: Row) -> Row:
        """The row with ``stale`` set by comparing its digests with the present files."""
        stale = any(self.current(key) != digest for key, digest in row.digests.items())
        return row if stale == row.stale else row.model_copy(update={"stale": stale})

    def _digest(self, key: str) -> str:
        if key.startswith(RECORD):
            claim = self._registry.get(key.removeprefix(RECORD))
            if claim is None:
                return ABSENT
            data = json.dumps(claim, sort_keys=True, default=_plain).encode()
        elif (self._root / key).is_dir():
            data = "\n".join(self._files_below(key)).encode()
        else:
            try:
                data = (self._root / key).read_bytes()
            except OSError:
                return ABSENT
        return hashlib.sha256(data).hexdigest()[:16]

    def _exists(self, path: str) -> bool:
        return self.current(path) != ABSENT

    def _files_below(self, folder: str) -> list[str]:
        """The files below a folder, by their paths from the root; none where it is a file or absent."""
        below = (self._root / folder).rglob("*")
        return sorted(file.relative_to(self._root).as_posix() for file in below if file.is_file())

    def _closure(self, test_file: str) -> set[str]:
        """The file, its conftests, all that they import within the project, the data files of the tests."""
        conftests = [(folder / "conftest.py").as_posix() for folder in Path(test_file).parents]
        waiting = [test_file, *filter(self._exists, conftests)]
        touched: set[str] = set()
        followed: set[str] = set()
        while waiting:
            path = waiting.pop()
            if path in followed:
                continue
            followed.add(path)
            touched.add(path)
            if path.startswith("tests/"):
                for artefact in artefacts(path, self._tree(path)):
                    touched.update([artefact, *self._files_below(artefact)])
            for module, name in self._imports(path):
                passed, next_files = self._resolve(module, name)
                touched.update(passed)
                waiting.extend(next_files)
        return touched

    def _tree(self, path: str) -> ast.Module:
        if path not in self._trees:
            self._trees[path] = ast.parse((self._root / path).read_bytes(), filename=path)
        return self._trees[path]

    def _imports(self, path: str) -> list[tuple[str, str | None]]:
        if path not in self._found_imports:
            self._found_imports[path] = list(_imports(path, self._tree(path)))
        return self._found_imports[path]

    def _resolve(self, module: str, name: str | None) -> tuple[list[str], list[str]]:
        """The files that an import touches without following them, and those to follow."""
        if module == PACKAGE:
            return self._resolve_in_root(name)
        module = _in_the_clone(module)
        if not _is_within((*PACKAGES, "claims"), module):
            return [], []
        passed = list(self._inits_above(module))
        submodule = self._file(f"{module}.{name}") if name else None
        if submodule is not None:
            followed = [submodule] if _counts(f"{module}.{name}") else []
            own = self._file(module)
            return passed + ([own] if own is not None and _is_within(PACKAGES, module) else []), followed
        file = self._file(module)
        if file is None or not _counts(module):
            return passed, []
        if name is None or not file.endswith("/__init__.py"):
            return passed, [file, *(self._all_of(module) if self._is_lazy(file) else [])]
        return self._resolve_in_package(module, file, name, passed)

    def _resolve_in_root(self, name: str | None) -> tuple[list[str], list[str]]:
        """What ``from icl_claims import name`` reaches; a plain ``import icl_claims`` may reach all it offers."""
        init = f"{PACKAGE}/__init__.py"
        home = _in_the_clone(f"{PACKAGE}.{name}")
        if name is not None and self._file(home) is not None:
            return self._resolve(home, None)
        if not self._exists(init):
            return [], []
        passed, followed = [init], []
        for module, offered, alias in _offered(self._tree(init)):
            if name in (None, alias):
                more, next_files = self._resolve(module, offered)
                passed += more
                followed += next_files
        return passed, followed

    def _resolve_in_package(
        self, module: str, init: str, name: str, passed: list[str]
    ) -> tuple[list[str], list[str]]:
        for node in self._tree(init).body:
            if isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    if (alias.asname or alias.name) == name:
                        more, followed = self._resolve(_absolute(node, init), alias.name)
                        return [*passed, init, *more], followed
        lazy = self._is_lazy(init) and name not in _defined(self._tree(init))
        return passed, [init, *(self._all_of(module) if lazy else [])]

    def _inits_above(self, module: str) -> Iterator[str]:
        parts = module.split(".")
        for length in range(1, len(parts)):
            init = "/".join(parts[:length]) + "/__init__.py"
            if _is_within(PACKAGES, ".".join(parts[:length])) and self._exists(init):
                yield init

    def _file(self, module: str) -> str | None:
        stem = module.replace(".", "/")
        for path in (f"{stem}.py", f"{stem}/__init__.py"):
            if self._exists(path):
                return path
        return None

    def _is_lazy(self, file: str) -> bool:
        """Whether a package resolves names at run time, so that a name may come from any of its modules."""
        return file.endswith("/__init__.py") and "__getattr__" in _defined(self._tree(file))

    def _all_of(self, package: str) -> list[str]:
        folder = self._root / package.replace(".", "/")
        return sorted(file.relative_to(self._root).as_posix() for file in folder.rglob("*.py"))


def refresh(results: Results, root: Path, registry: Mapping[str, Claim]) -> Results:
    """The results with every row's ``stale`` recomputed against the files under ``root``."""
    sources = Sources(root, registry)
    return Results(rows=tuple(sources.refresh(row) for row in results.rows))


def _imports(path: str, tree: ast.Module) -> Iterator[tuple[str, str | None]]:
    """Each import of a file, in functions too, as (absolute module, name taken from it or None)."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, None
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield _absolute(node, path), alias.name
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = ast.unparse(node.func).rpartition(".")[2]
            if called in ("import_module", "importorskip"):
                yield str(node.args[0].value), None


def _absolute(node: ast.ImportFrom, path: str) -> str:
    """The module that a ``from`` import in the file at ``path`` names, relative dots resolved."""
    package = Path(path).parts[:-1]
    base = package[: len(package) - node.level + 1] if node.level else ()
    return ".".join([*base, *([node.module] if node.module else [])])


def _offered(tree: ast.Module) -> Iterator[tuple[str, str, str]]:
    """The names that the package itself offers: (home, name there, name here), from its imports for type checkers."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(f"{PACKAGE}."):
            for alias in node.names:
                yield str(node.module), alias.name, alias.asname or alias.name


def _in_the_clone(module: str) -> str:
    """A module of the package by its place in the clone: ``icl_claims.theory.task`` is ``theory.task``.

    The criteria are at home in the package's own folder, to which no link leads.
    """
    return module if _is_within((CRITERIA,), module) else module.removeprefix(f"{PACKAGE}.")


def _is_within(packages: tuple[str, ...], module: str) -> bool:
    return any(f"{module}.".startswith(f"{package}.") for package in packages)


def _counts(module: str) -> bool:
    return _is_within(PACKAGES, module) or module in CLAIMS_MODULES


def _plain(value: Any) -> dict[str, Any]:
    """A record, or a part of it, for JSON: a mapping, or the fields of a dataclass."""
    if isinstance(value, Mapping):
        return dict(value)
    return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}


def _defined(tree: ast.Module) -> set[str]:
    names: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            names.update(target.id for target in node.targets if isinstance(target, ast.Name))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.add(node.target.id)
    return names
