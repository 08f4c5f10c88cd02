"""The list of planted faults fits the sources, and a lemma that fails is planted where its check begins."""

from __future__ import annotations

from pathlib import Path

import pytest

from icl_claims.theory.derivations import global_minimizer
from tests import ROOT
from tests.mutants.planted import Fault, failing, listed


@pytest.mark.parametrize("fault", listed(), ids=lambda fault: fault.what)
def test_a_listed_fault_stands_in_its_source_once_and_names_tests_that_are_there(fault: Fault) -> None:
    source = (ROOT / fault.file).read_text(encoding="utf-8")
    compile(fault.planted_in(source), fault.file, "exec")
    assert fault.planted_in(source) != source
    for test in fault.tests:
        file, _, function = test.partition("::")
        assert f"def {function.partition('[')[0]}" in (ROOT / file).read_text(encoding="utf-8")


def test_names_of_faults_are_distinct() -> None:
    names = [fault.what for fault in listed()]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(("before", "count"), [("nowhere", 0), ("x", 2)], ids=["not there", "there twice"])
def test_a_fault_must_have_one_place(before: str, count: int) -> None:
    with pytest.raises(ValueError, match=f"must stand in theory/a.py once, got {count}"):
        Fault("f", "theory/a.py", before, "y", ()).planted_in("x = x")


def test_the_module_of_a_file() -> None:
    assert Fault("f", "theory/a.py", "", "", ()).module == "icl_claims.theory.a"
    assert Fault("f", "theory/wishart/__init__.py", "", "", ()).module == "icl_claims.theory.wishart"


def test_a_failing_lemma_refuses_before_it_looks() -> None:
    fault = failing("lemma", global_minimizer.residual, ("tests/a.py",))
    assert (fault.file, fault.tests) == ("theory/derivations/global_minimizer.py", ("tests/a.py",))
    planted = fault.planted_in(Path(ROOT / fault.file).read_text(encoding="utf-8"))
    compile(planted, fault.file, "exec")
    start = planted.index("def residual")
    assert planted.index('raise Planted("planted")', start) < planted.index("prove_residual_vanishes(", start)
