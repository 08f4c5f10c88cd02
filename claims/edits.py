"""Mutants: false variants of a statement, made by an edit of its object, and named by this edit.

Each function makes one edit and derives the label from it, so that a name cannot say anything else than its code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, Generic, TypeVar

T = TypeVar("T")

LONGEST = 70
"""Letters of a value in a label: a longer one is no name."""


@dataclass(frozen=True)
class Edit(Generic[T]):
    """An edited object.

    ``refused`` is the reason for which the check must refuse it: a part of the message of its ``Refuted``. ``at`` is
    the instance at which the edited statement is false, where it differs from that of the whole check. ``power``, for
    a check on samples, is a lower bound of the probability that it refuses this mutant.
    """

    label: str
    mutant: T
    refused: str
    at: Any = None
    power: float | None = None

    def __post_init__(self) -> None:
        if not self.refused.strip():
            raise ValueError(f"refused must say why the check refuses {self.label!r}, got {self.refused!r}")


def changed(stated: T, refused: str, *, at: Any = None, power: float | None = None, **change: Any) -> Edit[T]:
    """One field of a named tuple or a dataclass, or one key of a mapping, replaced: ``name: old → new``."""
    name, old, mutant = _with(stated, change)
    return Edit(f"{name}: {_text(old)} → {_text(change[name])}", mutant, refused, at, power)


def _with(stated: Any, change: Mapping[str, Any]) -> tuple[str, Any, Any]:
    """The name of the one thing that changes, its old value, and the object with the new one."""
    if len(change) != 1:
        raise ValueError(f"an edit changes one field, got {', '.join(change) or 'none'}")
    ((name, new),) = change.items()
    mutant: Any
    if isinstance(stated, Mapping):
        old, mutant = stated[name], {**stated, name: new}
    elif is_dataclass(stated) and not isinstance(stated, type):
        if name not in {f.name for f in fields(stated)}:
            raise ValueError(f"{type(stated).__name__} has no field {name!r}")
        old, mutant = getattr(stated, name), replace(stated, **change)
    elif hasattr(stated, "_replace"):
        old, mutant = getattr(stated, name), stated._replace(**change)
    else:
        raise TypeError(
            f"stated must be a named tuple, a dataclass or a mapping, got {type(stated).__name__}"
        )
    return name, old, mutant


def item(stated: Any, index: int, new: Any, refused: str, *, at: Any = None) -> Edit[Any]:
    """One item of a tuple or a list replaced: ``[index]: old → new``."""
    items = list(stated)
    label = f"[{index}]: {_text(items[index])} → {_text(new)}"
    items[index] = new
    return Edit(label, type(stated)(items), refused, at)


def keyed(stated: Mapping[Any, Any], key: Any, new: Any, refused: str, *, at: Any = None) -> Edit[Any]:
    """The value of a key that is no name replaced: ``[key]: old → new``.

    Raises:
        KeyError: there is no such key.
    """
    label = f"[{_text(key)}]: {_text(stated[key])} → {_text(new)}"
    return Edit(label, {**stated, key: new}, refused, at)


def substituted(stated: Any, old: Any, new: Any, refused: str, *, at: Any = None) -> Edit[Any]:
    """A SymPy expression with one subexpression replaced, exactly where it stands: ``old → new``.

    Raises:
        ValueError: the subexpression does not occur.
    """
    mutant = stated.xreplace({old: new})
    if mutant == stated:
        raise ValueError(f"{old} does not stand in {stated}, or is replaced by itself")
    return Edit(f"{_text(old)} → {_text(new)}", mutant, refused, at)


def plus(stated: Any, term: Any, refused: str, *, at: Any = None, name: str | None = None) -> Edit[Any]:
    """The object with a term added: ``+ term``."""
    return Edit(f"+ {_text(term)}" if name is None else f"{name} + {_text(term)}", stated + term, refused, at)


def times(stated: Any, factor: Any, refused: str, *, at: Any = None, name: str | None = None) -> Edit[Any]:
    """The object multiplied: ``× factor``."""
    return Edit(
        f"× {_text(factor)}" if name is None else f"{name} × {_text(factor)}", stated * factor, refused, at
    )


def inside(stated: T, field_name: str, edit: Edit[Any]) -> Edit[T]:
    """An edit of one field of a named tuple, a dataclass or a mapping: ``name: what the inner edit says``."""
    _, _, mutant = _with(stated, {field_name: edit.mutant})
    return Edit(f"{field_name}: {edit.label}", mutant, edit.refused, edit.at, edit.power)


def _text(value: object) -> str:
    """A value in a label: a number or a short expression as it prints, a function by its name."""
    name = getattr(value, "__name__", None)
    if callable(value) and name is not None:
        if "<" in name:
            raise ValueError("a function in an edit must have a name, got a lambda")
        return str(name)
    text = " ".join(str(value).split())
    if len(text) > LONGEST or " at 0x" in text:
        raise ValueError(f"an edited value must print in at most {LONGEST} letters, got {text!r}")
    return text
