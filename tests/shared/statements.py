"""The statements of the claims' test files, found by their slug."""

from __future__ import annotations

import importlib
from functools import cache
from types import MappingProxyType
from typing import Any

from icl_claims.claims.statement import Statement
from tests import ROOT

CLAIM_TESTS = tuple(sorted((ROOT / "tests" / "claims").glob("*/test_claim_*.py")))


@cache
def statements() -> MappingProxyType[str, Statement[Any, Any]]:
    """Every ``Statement`` at the top of a claim's test file, by slug.

    Raises:
        ValueError: two files state the same claim.
    """
    found: dict[str, Statement[Any, Any]] = {}
    for file in CLAIM_TESTS:
        name = ".".join(file.relative_to(ROOT).with_suffix("").parts)
        for value in vars(importlib.import_module(name)).values():
            if isinstance(value, Statement) and found.setdefault(value.slug, value) is not value:
                raise ValueError(f"{value.slug} is stated twice, the second time in {name}")
    return MappingProxyType(found)
