"""One spelling everywhere: British, with -ize where Greek has it, as in the slugs (minimizer, regularizer)."""

from __future__ import annotations

import re

from tests import ROOT

STEMS = (
    "character|derandom|diagonal|equal|factor|general|initial|linear|material|maxim|memo|minim|normal|optim|organ|"
    "orthogonal|parametr|penal|quant|random|real|recogn|regular|special|standard|summar|symmetr|synchron|util|visual"
)
OTHER = re.compile(
    rf"(?<![a-z])(?:re)?(?:{STEMS})is(?:e|es|ed|ing|er|ers|ation|ations)(?![a-z])", re.IGNORECASE
)
FOLDERS = ("theory", "numerics", "models", "claims", "tests", "benchmarks", "icl_claims")
TEXTS = [
    *(
        path
        for folder in FOLDERS
        for kind in ("*.py", "*.j2", "*.md")
        for path in (ROOT / folder).rglob(kind)
    ),
    ROOT / "README.md",
    ROOT / "paper_claims.md",
    ROOT / "Makefile",
    ROOT / "pyproject.toml",
]


def test_no_second_spelling() -> None:
    found = {str(path): OTHER.findall(path.read_text(encoding="utf-8")) for path in TEXTS}
    assert {path: words for path, words in found.items() if words} == {}


def test_a_second_spelling_is_seen() -> None:
    assert OTHER.search("batch_minimi" + "ser") is not None
    assert OTHER.search("Normali" + "sation") is not None
    assert OTHER.search("raise, otherwise, noise, precise, minimizer") is None
