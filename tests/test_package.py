"""What ``icl_claims`` itself offers: the names, their homes, and that importing it loads nothing heavy."""

from __future__ import annotations

import ast
import subprocess
import sys

import pytest

import icl_claims
from tests import ROOT

TREE = ast.parse((ROOT / "icl_claims" / "__init__.py").read_text(encoding="utf-8"))


def loaded_by(code: str) -> set[str]:
    """The modules that a fresh interpreter has loaded after this code."""
    command = [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("name", icl_claims.__all__)
def test_every_name_that_is_offered_is_there_and_listed(name: str) -> None:
    assert getattr(icl_claims, name) is not None
    assert name in dir(icl_claims)
    assert f"`{name}`" in str(icl_claims.__doc__)


def test_type_checkers_see_the_names_that_there_are() -> None:
    imports = [node for node in ast.walk(TREE) if isinstance(node, ast.ImportFrom)]
    seen = {
        alias.asname or alias.name: (str(node.module), alias.name)
        for node in imports
        for alias in node.names
        if str(node.module).startswith("icl_claims.")
    }
    assert sorted(seen) == sorted(icl_claims.__all__)
    for name, (module, attribute) in seen.items():
        home = __import__(module, fromlist=[attribute])
        assert getattr(icl_claims, name) is getattr(home, attribute)


def test_a_name_that_is_not_offered_is_refused() -> None:
    with pytest.raises(AttributeError, match="module 'icl_claims' has no attribute 'optimal_step'"):
        icl_claims.__getattr__("optimal_step")
    with pytest.raises(ImportError, match="optimal_step"):
        exec("from icl_claims import optimal_step")


def test_importing_the_package_loads_no_more_than_it_says() -> None:
    assert not loaded_by("import icl_claims") & {"numpy", "sympy", "flint", "torch", "pydantic", "click"}
    assert not loaded_by("import icl_claims.theory") & {"numpy", "torch", "pydantic", "click"}
    exact = loaded_by("from icl_claims import RegressionTask, optimal_steps, trace_moment")
    assert "flint" in exact
    assert not exact & {"numpy", "torch", "pydantic", "click"}
