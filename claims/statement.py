"""What a claim says, in code: instances drawn by its assumptions, and a margin that measures an instance.

The record of a claim says it in TeX. Here the same words are executable: each assumption is a condition on an
instance, each part has a margin, and the object that the statement is about (an expression, a polynomial, a tuple of
parameters) is a value that mutants edit. No mathematics of its own stands here, and nothing draws at import.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

T = TypeVar("T")
I = TypeVar("I")  # noqa: E741


class NoEvidence(ValueError):
    """What a test offers shows nothing: the claim stays unverified, for nothing was checked."""


class NoObject(NoEvidence):
    """Text, or nothing, where the object of a statement should be."""


@dataclass(frozen=True)
class Corner:
    """A corner of the range: what is None is drawn freely.

    ``covariance`` is ``"scalar"`` for Σ = cI and ``"repeated"`` for an eigenvalue that occurs twice.
    ``context_length`` may be a number, ``"dim"`` for n = d or ``"below_dim"`` for n < d.
    """

    name: str
    dim: int | None = None
    context_length: int | str | None = None
    layers: int | None = None
    covariance: str | None = None


ANYWHERE = Corner("anywhere")

CORNERS = (
    Corner("d = 1", dim=1),
    Corner("n = 1", context_length=1),
    Corner("n < d", context_length="below_dim"),
    Corner("n = d", context_length="dim"),
    Corner("L = 1", layers=1),
    Corner("Σ = cI", covariance="scalar"),
    Corner("repeated eigenvalues", covariance="repeated"),
)
"""At these every statement about all sizes is tried."""


@dataclass(frozen=True)
class Statement(Generic[T, I]):
    """A claim in code.

    Attributes:
        slug: the claim.
        stated: the object that the statement is about. Mutants are edits of it, so it is no text.
        margins: for each part of the claim, (object, instance) ↦ how well the instance satisfies the part: ≥ 0 where
            it does (0 for an identity), < 0 where it does not. An exact number, or a ball whose sign is certain.
        conditions: for each assumption of the claim, whether an instance satisfies it.
        instances: corner ↦ instances that satisfy all assumptions.
        without: assumption ↦ instances that violate this one and satisfy the others.
        excluded: corners that the statement does not reach, each with the reason.
        undefined_without: assumptions without which the statement has no meaning, each with the reason.
    """

    slug: str
    stated: T
    margins: Mapping[str, Callable[[T, I], Any]]
    conditions: Mapping[str, Callable[[I], bool]]
    instances: Callable[[Corner], SearchStrategy[I]]
    without: Callable[[str], SearchStrategy[I]]
    excluded: Mapping[str, str] = field(default_factory=dict)
    undefined_without: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if problem := not_an_object(self.stated):
            raise NoObject(f"{self.slug}: stated must be the object of the statement, {problem}")

    def margin(self, part: str, instance: I, stated: T | None = None) -> Any:
        """How well the instance satisfies this part, of the statement or of the same with another object."""
        return self.margins[part](self.stated if stated is None else stated, instance)

    def violated(self, instance: I) -> tuple[str, ...]:
        """The assumptions that the instance does not satisfy."""
        return tuple(key for key, holds in self.conditions.items() if not holds(instance))


def not_an_object(value: object) -> str | None:
    """Why a value cannot be what a statement is about: text, a truth value, nothing, or made of these alone."""
    if value is None or isinstance(value, str | bytes | bool):
        return f"got {value!r}"
    if isinstance(value, Mapping):
        parts: list[object] = list(value.values())
    elif isinstance(value, list | tuple | set | frozenset):
        parts = list(value)
    elif hasattr(value, "__dataclass_fields__"):
        parts = [getattr(value, name) for name in value.__dataclass_fields__]
    elif hasattr(value, "value") and hasattr(value, "name"):  # A member of an enumeration.
        parts = [value.value]
    else:
        return None
    if all(not_an_object(part) for part in parts):
        return f"got {value!r}, which holds nothing but text or truth values"
    return None


def is_negative(margin: Any) -> bool:
    """Whether a margin is certainly below 0.

    Raises:
        TypeError: it is a floating-point number, whose sign is not certain.
    """
    if type(margin) is float or type(margin).__module__.partition(".")[0] in ("numpy", "torch", "mpmath"):
        raise TypeError(f"a margin must be exact or a ball, got {margin!r} of type {type(margin).__name__}")
    return bool(margin < 0)
