"""The object that the fixture ``evidence`` hands to a test: it collects what the report shows.

A check is a callable that returns on a true statement and raises ``AssertionError`` (in this project
``theory.Refuted``, a subclass) on a false one. Any other exception is an error of the check, never a
rejection: a check that crashes on a mutant has not understood it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from icl_claims.claims.claim import Claim
from icl_claims.claims.results import Chart, Figure, Mutant, Necessity, Tightness

T = TypeVar("T")


class SurvivingMutant(AssertionError):
    """The check accepted a false variant of the statement: it has no teeth there."""


class Evidence:
    """What one test establishes about the claims that its marks name.

    Figures, mutants, tightness and charts go to each of the claims; what is said about an assumption
    goes to those claims that have an assumption of this key.
    """

    def __init__(self, claims: Sequence[Claim]) -> None:
        self._claims = tuple(claims)
        self._figures: dict[str, Figure] = {}
        self._mutants: dict[str, Mutant] = {}
        self._necessity: dict[str, Necessity] = {}
        self._tightness: Tightness | None = None
        self._charts: list[Chart] = []

    def check(self, check: Callable[[T], object], stated: T, mutants: Mapping[str, T]) -> None:
        """Run the check on the statement, which it must accept, and on false variants, which it must reject.

        Raises:
            SurvivingMutant: some variant was accepted; all variants ran, and the message names all survivors.
            ValueError: a variant of this name was checked before in this test.
        """
        check(stated)
        self.mutants(check, mutants)

    def mutants(self, check: Callable[[T], object], mutants: Mapping[str, T]) -> None:
        """Only the false variants of :meth:`check`."""
        survivors = []
        for name, mutant in mutants.items():
            if name in self._mutants:
                raise ValueError(f"mutants must have distinct names within a test, got {name!r} twice")
            killed = _rejects(check, mutant)
            self._mutants[name] = Mutant(name=name, killed=killed)
            if not killed:
                survivors.append(name)
        if survivors:
            raise SurvivingMutant(f"the check accepts false variants: {', '.join(survivors)}")

    def figure(self, name: str, value: object, exact: bool = True) -> None:
        """Record a number that the check produced, as text. ``exact=False`` marks a measured one.

        Raises:
            TypeError: an exact figure is a binary floating-point number.
            ValueError: a figure of this name was recorded before in this test.
        """
        if exact and _is_float(value):
            raise TypeError(
                f"figure {name!r} must be exact (an integer, a fraction, a formula, text) or be recorded "
                f"with exact=False, got the float {value!r}"
            )
        if name in self._figures:
            raise ValueError(f"figures must have distinct names within a test, got {name!r} twice")
        self._figures[name] = Figure(name=name, value=str(value), exact=exact)

    def necessary(self, assumption_key: str, instance_text: str) -> None:
        """Record the instance in which this assumption is dropped and the conclusion fails."""
        self._address(Necessity(assumption=assumption_key, necessary=True, instance=instance_text))

    def dispensable(self, assumption_key: str, argument_text: str) -> None:
        """Record the argument by which the conclusion holds without this assumption."""
        self._address(Necessity(assumption=assumption_key, necessary=False, instance=argument_text))

    def tightness(self, ratio: object, vacuous_until: object = None) -> None:
        """Record, for an inequality, the infimum over the range of larger side / smaller side.

        ``vacuous_until`` says up to which parameters the inequality says nothing.
        """
        if self._tightness is not None:
            raise ValueError(f"tightness must be recorded once within a test, got {ratio!r} as a second one")
        self._tightness = Tightness(
            ratio=str(ratio), vacuous_until=None if vacuous_until is None else str(vacuous_until)
        )

    def chart(self, chart: Chart) -> None:
        """Add a figure to the report."""
        if not isinstance(chart, Chart):
            raise TypeError(f"chart must be an icl_claims.claims.results.Chart, got {type(chart).__name__}")
        self._charts.append(chart)

    def fields(self, claim: Claim) -> dict[str, Any]:
        """What was collected, as the fields of the claim's row."""
        keys = {assumption.key for assumption in claim.assumptions}
        return {
            "figures": tuple(self._figures.values()),
            "mutants": tuple(self._mutants.values()),
            "necessity": tuple(said for key, said in self._necessity.items() if key in keys),
            "tightness": self._tightness,
            "charts": tuple(self._charts),
        }

    def _address(self, necessity: Necessity) -> None:
        allowed = dict.fromkeys(assumption.key for claim in self._claims for assumption in claim.assumptions)
        key = necessity.assumption
        if key not in allowed:
            slugs = ", ".join(claim.slug for claim in self._claims)
            raise ValueError(
                f"assumption_key must be an assumption of {slugs} "
                f"({', '.join(allowed) or 'which has none'}), got {key!r}"
            )
        if key in self._necessity:
            raise ValueError(f"an assumption must be addressed once within a test, got {key!r} twice")
        if not necessity.instance.strip():
            raise ValueError(f"the instance or argument for {key!r} must be non-empty text")
        self._necessity[key] = necessity


def _rejects(check: Callable[[T], object], mutant: T) -> bool:
    try:
        check(mutant)
    except AssertionError:
        return True
    return False


def _is_float(value: object) -> bool:
    """Whether a value is or holds a binary float: of Python, NumPy, torch, mpmath or a SymPy expression."""
    if isinstance(value, float | complex) or type(value).__module__.startswith("mpmath."):
        return True
    if isinstance(value, Mapping):
        return any(_is_float(item) for item in value.values())
    if isinstance(value, list | tuple | set | frozenset):
        return any(_is_float(item) for item in value)
    dtype = getattr(value, "dtype", None)
    if getattr(dtype, "kind", None) in ("f", "c") or getattr(dtype, "is_floating_point", False):
        return True
    atoms = getattr(value, "atoms", None)
    return callable(atoms) and any(getattr(atom, "is_Float", False) for atom in atoms())
