"""What a table of formulas is made of: the decorators, and the environments behind them.

A table is a generator of environments (:mod:`tests.claims.formulas.evaluate`), decorated with the place of its formulas
(one or more slugs, or ``assumption:KEY``) and the formulas as they are printed. Its docstring and its keys say what
each symbol means; its values come from ``theory``, by another way than the formula that they are compared with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from icl_claims.claims import tex
from icl_claims.claims.formulas import Formula
from tests.claims.formulas.evaluate import Environment

Environments = Callable[[], Iterator[dict[str, Any]]]


@dataclass
class Table:
    """Formulas, and the environments in which they are evaluated."""

    places: tuple[str, ...]
    texts: tuple[str, ...]
    source: Environments
    false: bool

    @cached_property
    def environments(self) -> list[Environment]:
        """The environments, made once, their keys without blanks."""
        return [{_key(key): value for key, value in point.items()} for point in self.source()]

    def points(self, text: str) -> list[Environment]:
        """Where a formula is as the environments say: of a refuted one, where the key ``"quoted"`` says so.

        The key ``"= FORMULA"`` is the value of this formula alone.
        """
        return self._of(text, [e for e in self.environments if not self.false or e.get("quoted")])

    def counterexamples(self, text: str) -> list[Environment]:
        """The other environments of a refuted formula."""
        return self._of(text, [e for e in self.environments if self.false and not e.get("quoted")])

    def _of(self, text: str, chosen: list[Environment]) -> list[Environment]:
        own = _key(f"= {text}")
        return [{**e, "=": e[own]} if own in e else e for e in chosen]

    @property
    def formulas(self) -> list[Formula]:
        """Each formula at each place."""
        return [Formula(place, tex.normal(text)) for place in self.places for text in self.texts]


def _key(key: str) -> str:
    return "= " + tex.normal(key[2:]) if key.startswith("= ") else tex.normal(key)


TABLES: list[Table] = []
"""Every table, in the order of the modules that define them."""


def compares(places: str, *texts: str) -> Callable[[Environments], Environments]:
    """The decorated environments are those of these formulas, which are true in all of them."""
    return _registering(places, texts, false=False)


def refutes(places: str, *texts: str) -> Callable[[Environments], Environments]:
    """These formulas are quoted because they are false: in some of the environments they are.

    Environments with the key ``"quoted"`` show that they are quoted rightly: there they are true, by what their source
    assumes or prints.
    """
    return _registering(places, texts, false=True)


def _registering(
    places: str, texts: tuple[str, ...], *, false: bool
) -> Callable[[Environments], Environments]:
    def register(source: Environments) -> Environments:
        TABLES.append(Table(tuple(places.split()), texts, source, false))
        return source

    return register
