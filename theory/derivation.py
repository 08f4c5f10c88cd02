"""Derivations: a proof as numbered lemmas, each with the function that checks it and to what size.

A module of :mod:`icl_claims.theory.derivations` holds the derivation of one claim. Evidence runs its checks, so that
what a report lists as checked is what was checked, and the grade follows from the lemmas: a derivation is a *proof*
where the program decides every lemma with all parameters symbolic, and an *argument* where prose carries a check
beyond the sizes that it reaches.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, get_args

Step = Literal["induction", "compactness", "convexity", "citation", "symmetry", "claim"]
"""The kinds of prose that may carry a lemma beyond what its check decides: induction on a checked step, continuity and
compactness, convexity, a cited theorem, invariance under a checked symmetry, another claim."""


@dataclass(frozen=True)
class Lemma:
    """One step of a proof.

    Attributes:
        statement: what it says: Markdown, TeX between dollar signs.
        proof: why, in whole sentences.
        check: the function that checks it, or None for pure prose. It raises ``Refuted`` where the lemma fails. It
            takes the object of the statement, or nothing where the lemma does not depend on it.
        reach: what the check decides: "all n, d, Σ", or the sizes.
        step: the kind of prose that carries it from there to the whole range; None where the check decides all of it.
        cites: theorems of the literature that it uses, with place.
        claim: the slug of the claim that it uses, for the step ``"claim"``.
    """

    statement: str
    proof: str
    check: Callable[..., object] | None = None
    reach: str = ""
    step: Step | None = None
    cites: tuple[str, ...] = ()
    claim: str | None = None

    def __post_init__(self) -> None:
        for name in ("statement", "proof"):
            if not getattr(self, name).strip():
                raise ValueError(f"{name} of a lemma must be non-empty text")
        if self.step is not None and self.step not in get_args(Step):
            raise ValueError(f"step must be one of {', '.join(get_args(Step))}, got {self.step!r}")
        if self.check is None and self.step is None:
            raise ValueError(f"a lemma without a check must name its kind of prose: {self.statement!r}")
        if (self.check is None) != (not self.reach.strip()):
            raise ValueError(f"reach says what the check decides, and only that: {self.statement!r}")
        if (self.step == "citation") and not self.cites:
            raise ValueError(f"a lemma by citation must cite: {self.statement!r}")
        if (self.step == "claim") != (self.claim is not None):
            raise ValueError(
                f"a lemma by another claim must name it, and only such a lemma: {self.statement!r}"
            )
        if self.check is not None and "<" in self.check.__qualname__:
            raise ValueError(f"check must be a named function of a module, got {self.check.__qualname__}")

    @property
    def checked_by(self) -> str | None:
        """The name of the check, from the package on."""
        return None if self.check is None else f"{self.check.__module__}.{self.check.__qualname__}"

    def run(self, stated: Any) -> None:
        """Run the check, if there is one, on the object of the statement."""
        if self.check is None:
            return
        if inspect.signature(self.check).parameters:
            self.check(stated)
        else:
            self.check()


@dataclass(frozen=True)
class Derivation:
    """The lemmas of one statement, in the order in which they are used; the last one is the statement."""

    lemmas: tuple[Lemma, ...]

    def __post_init__(self) -> None:
        if not any(lemma.check for lemma in self.lemmas):
            raise ValueError("a derivation must have a lemma with a check")

    @property
    def grade(self) -> Literal["proof", "argument"]:
        """``proof`` where every lemma is decided by its check, or is a cited theorem or another claim."""
        decided = all(lemma.step in (None, "citation", "claim") for lemma in self.lemmas)
        # A check of bounded reach that a theorem carries on is no decision.
        whole = all(lemma.step is None or lemma.check is None for lemma in self.lemmas)
        return "proof" if decided and whole else "argument"

    @property
    def cites(self) -> tuple[str, ...]:
        """Every cited theorem, once."""
        return tuple(dict.fromkeys(cited for lemma in self.lemmas for cited in lemma.cites))

    @property
    def claims(self) -> tuple[str, ...]:
        """The slugs of the claims that it uses."""
        return tuple(dict.fromkeys(lemma.claim for lemma in self.lemmas if lemma.claim is not None))

    def run(self, stated: Any) -> None:
        """Check every lemma on an object.

        Raises:
            Refuted: one of them fails.
        """
        for lemma in self.lemmas:
            lemma.run(stated)
