"""The checks of every derivation call all that it imports to prove something."""

from __future__ import annotations

import importlib
import inspect
from types import ModuleType

import pytest

from icl_claims.theory.derivation import Derivation, Lemma
from tests import ROOT


def lemmas(module: ModuleType) -> list[Lemma]:
    """The lemmas of a module, those of its derivations and those that it holds for others."""
    found: list[Lemma] = []
    for value in vars(module).values():
        found += value.lemmas if isinstance(value, Derivation) else ()
        found += [value] if isinstance(value, Lemma) else []
    return found


def proofs(module: ModuleType) -> list[str]:
    """The names of what raises where a lemma fails, but for lemmas' own checks and for what else the module calls."""
    checks = [lemma.check for lemma in lemmas(module)]
    own = [value for value in vars(module).values() if inspect.isfunction(value) and value not in checks]
    elsewhere = {name for function in own for name in function.__code__.co_names}
    return [
        name
        for name, value in vars(module).items()
        if name.startswith("prove_") and value not in checks and name not in elsewhere
    ]


NAMES = sorted(path.stem for path in (ROOT / "theory" / "derivations").glob("*.py"))
MODULES = {name: importlib.import_module(f"icl_claims.theory.derivations.{name}") for name in NAMES}


@pytest.mark.parametrize("name", [name for name in NAMES if proofs(MODULES[name])])
def test_every_imported_proof_is_run_by_a_check(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """False statements are refused by the first lemma that fails: a later one might check nothing, and nobody see."""
    module, called = MODULES[name], set()
    wanted = set(proofs(module))
    for proof in wanted:
        monkeypatch.setattr(module, proof, lambda *_, proof=proof, **__: called.add(proof))
    for lemma in lemmas(module):
        if lemma.check is not None and lemma.check.__module__ == module.__name__:
            lemma.run(getattr(module, "STATED", None))
    assert called == wanted
