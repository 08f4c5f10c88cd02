"""The registry: every claim of the three papers and every proposition of the suite.

Each module of the folders of :mod:`icl_claims.claims.records` exports ``CLAIMS``, a tuple of
:class:`icl_claims.claims.claim.Claim`; adding a module there registers its claims.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from functools import cache
from types import MappingProxyType, ModuleType

from icl_claims.claims import records
from icl_claims.claims.claim import PAPERS, Claim


class UnknownClaim(LookupError):
    """A slug that nobody registered."""


@cache
def registry() -> MappingProxyType[str, Claim]:
    """Every registered claim by slug: paper by paper, in the order of the records.

    Raises:
        ValueError: two claims share a slug, ``corrects`` or ``rests_on`` names an unregistered one, or claims rest on
            one another in a circle.
    """
    found: dict[str, Claim] = {}
    for module in _modules():
        for claim in module.CLAIMS:
            if claim.slug in found:
                raise ValueError(f"slug must be unique, {claim.slug!r} is registered twice")
            found[claim.slug] = claim
    for claim in found.values():
        if claim.corrects is not None and claim.corrects not in found:
            raise ValueError(f"corrects must be a registered slug, got {claim.corrects!r} in {claim.slug!r}")
    require_grounded(found)
    order = list(PAPERS)
    return MappingProxyType(dict(sorted(found.items(), key=lambda item: order.index(item[1].paper))))


def require_grounded(claims: Mapping[str, Claim]) -> None:
    """Every claim rests, step by step, on claims that rest on nothing.

    Raises:
        ValueError: some ``rests_on`` names no claim, or leads back to its own claim.
    """
    grounded: set[str] = set()

    def visit(slug: str, path: tuple[str, ...]) -> None:
        if slug in path:
            raise ValueError(f"rests_on must not go in a circle, got {' → '.join((*path, slug))}")
        if slug not in claims:
            raise ValueError(f"rests_on must be a registered slug, got {slug!r} in {path[-1]!r}")
        if slug not in grounded:
            for below in claims[slug].rests_on:
                visit(below, (*path, slug))
            grounded.add(slug)

    for slug in claims:
        visit(slug, ())


def _modules() -> Iterator[ModuleType]:
    """The modules with claims, folder by folder: first those that the folder names in ``SECTIONS``, in that order."""
    for folder_info in pkgutil.iter_modules(records.__path__, f"{records.__name__}."):
        folder = importlib.import_module(folder_info.name)
        sections = getattr(folder, "SECTIONS", ())
        names = [info.name for info in pkgutil.iter_modules(folder.__path__)]
        for name in (*sections, *sorted(set(names) - set(sections))):
            module = importlib.import_module(f"{folder.__name__}.{name}")
            if hasattr(module, "CLAIMS"):
                yield module


def get(slug: str) -> Claim:
    """The claim of that slug.

    Raises:
        UnknownClaim: no claim has this slug; the message offers the nearest ones.
    """
    if slug not in registry():
        # Imported here: only a wrong slug needs it.
        from difflib import get_close_matches

        near = get_close_matches(slug, registry(), n=3)
        hint = f"; did you mean {', '.join(near)}?" if near else "; 'icl-claims list' shows all"
        raise UnknownClaim(f"slug must be registered, got {slug!r}{hint}")
    return registry()[slug]


def correction_of(slug: str) -> Claim | None:
    """The claim that repairs the statement of ``slug``, if one is registered."""
    return next((claim for claim in registry().values() if claim.corrects == slug), None)
