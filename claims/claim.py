"""What a claim is: one falsifiable statement, its place in the literature, its assumptions.

Plain validated data. Statements are Markdown with TeX between dollar signs, in one notation for
all papers (the legend of the report lists it), and stand as the paper writes them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, get_args

from icl_claims.criteria import Criterion

Paper = Literal["ahn2023", "gatmiry2024", "fu2024", "suite"]
Kind = Literal["theory", "experiment"]
Severity = Literal["edge", "notation", "constant", "substance"]

SEVERITY_MEANING: dict[Severity, str] = {
    "edge": "false at a boundary case only",
    "notation": "a transposition, an index or a sign convention",
    "constant": "a constant, a coefficient or an exponent",
    "substance": "the conclusion",
}

PAPERS: dict[str, str] = {
    "ahn2023": "Ahn, Cheng, Daneshmand, Sra (2023), Transformers learn to implement preconditioned "
    "gradient descent for in-context learning, arXiv:2306.00297v2",
    "gatmiry2024": "Gatmiry, Saunshi, Reddi, Jegelka, Kumar (2024), Can looped transformers learn to "
    "implement multi-step gradient descent for in-context learning?, arXiv:2410.08292",
    "fu2024": "Fu, Chen, Jia, Sharan (2024), Transformers learn to achieve second-order convergence "
    "rates for in-context linear regression, arXiv:2310.17086",
    "suite": "Propositions of this suite",
}

SLUG = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


@dataclass(frozen=True)
class Assumption:
    """One hypothesis of a claim.

    ``key`` names it in evidence and in the Hypothesis strategies; ``text`` states it (Markdown, TeX).
    Every assumption is either shown necessary (or dispensable) by evidence, or carries in
    ``not_shown`` the reason why the suite has no instance in which dropping it breaks the conclusion.
    """

    key: str
    text: str
    not_shown: str | None = None

    def __post_init__(self) -> None:
        _require_slug("key", self.key)
        _require_text("text", self.text)


@dataclass(frozen=True)
class OtherReading:
    """A reading of the print that is not the judged one and that somebody would defend.

    ``text`` says in one line how it reads; evidence about it carries ``reading=key`` in its mark.
    """

    key: str
    text: str

    def __post_init__(self) -> None:
        _require_slug("key", self.key)
        _require_text("text", self.text)


@dataclass(frozen=True)
class Departure:
    """In what an experiment here differs from the paper's: a setting, its value there, and its value here.

    ``read_in`` says where the paper's value was read, as "the authors' notebook", where this is not the text.
    """

    setting: str
    there: str
    here: str
    read_in: str | None = None

    def __post_init__(self) -> None:
        for name in ("setting", "there", "here"):
            _require_text(name, getattr(self, name))


@dataclass(frozen=True)
class Claim:
    """One falsifiable statement, recorded as its source writes it.

    ``parts`` names the clauses that must each be established for the claim to hold; evidence says
    which of them it decides. ``reading`` says how an ambiguous wording is read; without it the print is judged
    verbatim. ``other_readings`` are those that somebody else would defend. ``corrects`` is the
    slug of the claim whose false statement this one repairs. ``reason`` says why there is no
    evidence yet; a claim has either evidence or a reason. ``provenance`` is ``secondary`` where
    constants come from a secondary reading of the paper: nobody here has read what is printed.
    ``rests_on`` are the slugs of the claims that the evidence uses: this claim holds only while they do.
    ``cites`` are the facts of the literature that it uses. ``derivation`` is the module of the package in which the
    derivation stands, as ``theory.derivations.<slug>``. ``severity`` says how badly a statement is false that the
    evidence refutes. ``criterion`` is what an experiment must show, in numbers: a text that is older than the data,
    whose seeds come from it. ``departures`` are all differences between the experiment here and the paper's. A
    ``draft`` is a claim that its author has not finished: unverified, and failing nothing.
    """

    slug: str
    paper: Paper
    location: str
    statement: str
    assumptions: tuple[Assumption, ...] = ()
    parts: tuple[str, ...] = ("statement",)
    kind: Kind = "theory"
    reading: str | None = None
    corrects: str | None = None
    reason: str | None = None
    provenance: Literal["primary", "secondary"] = "primary"
    other_readings: tuple[OtherReading, ...] = ()
    rests_on: tuple[str, ...] = ()
    cites: tuple[str, ...] = ()
    derivation: str | None = None
    severity: Severity | None = None
    criterion: Criterion | None = None
    departures: tuple[Departure, ...] = ()
    draft: bool = False

    def __post_init__(self) -> None:
        _require_slug("slug", self.slug)
        if self.paper not in get_args(Paper):
            raise ValueError(f"paper must be one of {', '.join(get_args(Paper))}, got {self.paper!r}")
        if self.kind not in get_args(Kind):
            raise ValueError(f"kind must be one of {', '.join(get_args(Kind))}, got {self.kind!r}")
        _require_text("location", self.location)
        _require_text("statement", self.statement)
        if not self.parts or len(set(self.parts)) != len(self.parts):
            raise ValueError(f"parts must be distinct names, at least one, got {self.parts!r}")
        for part in self.parts:
            _require_slug("parts", part)
        keys = [assumption.key for assumption in self.assumptions]
        if len(set(keys)) != len(keys):
            raise ValueError(f"assumptions must have distinct keys, got {keys!r}")
        if self.corrects is not None:
            _require_slug("corrects", self.corrects)
        for slug in self.rests_on:
            _require_slug("rests_on", slug)
        for cited in self.cites:
            _require_text("cites", cited)
        if self.severity is not None and self.severity not in get_args(Severity):
            raise ValueError(
                f"severity must be one of {', '.join(get_args(Severity))}, got {self.severity!r}"
            )
        if self.derivation is not None and not self.derivation.startswith("theory."):
            raise ValueError(f"derivation must be a module theory.…, got {self.derivation!r}")
        readings = [other.key for other in self.other_readings]
        if len(set(readings)) != len(readings):
            raise ValueError(f"other_readings must have distinct keys, got {readings!r}")


def _require_slug(name: str, value: str) -> None:
    if not isinstance(value, str) or not SLUG.fullmatch(value):
        raise ValueError(f"{name} must be lower-case words joined by underscores, got {value!r}")


def _require_text(name: str, value: str) -> None:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{name} must be non-empty text, got {value!r}")
