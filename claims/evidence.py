"""The object that the fixture ``evidence`` hands to a test: it collects what the report shows.

A check is a callable that returns on a true object and raises ``AssertionError`` (in this project
``theory.Refuted``, a subclass) on a false one. Any other exception is an error of the check, never a
rejection: a check that crashes on a mutant has not understood it.

What it accepts is narrow on purpose, so that a report cannot say more than was shown. A mutant must be false at an
instance by the margin of the statement, which must be another route than the check, and must be refused for the
reason that it names. A necessary assumption needs an instance that satisfies all others and violates a part. A
counterexample must satisfy every assumption.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from icl_claims.claims.claim import Claim
from icl_claims.claims.edits import Edit
from icl_claims.claims.results import (
    Chart,
    Counterexample,
    Figure,
    Grade,
    LemmaRow,
    Mutant,
    Necessity,
    Tightness,
)
from icl_claims.claims.routes import MATHEMATICS, reached
from icl_claims.claims.statement import NoEvidence, Statement, is_negative, not_an_object

T = TypeVar("T")
I = TypeVar("I")  # noqa: E741

LONGEST_INSTANCE = 400
"""Letters of an instance in a report."""


class SurvivingMutant(AssertionError):
    """The check accepted a false variant of the statement, or refused it for another reason than the one named."""


class NotFalse(NoEvidence):
    """A mutant that is true, as far as its instance shows; or an instance that does not show what it is given for."""


class NoCheck(NoEvidence):
    """Text for an object, a check that calls no mathematics, or one route that is given for two."""


class LemmaLike(Protocol):
    """What evidence needs of :class:`icl_claims.theory.derivation.Lemma`, which this package does not import."""

    statement: str
    proof: str
    check: Callable[..., object] | None
    reach: str
    step: Any
    cites: tuple[str, ...]
    claim: str | None

    @property
    def checked_by(self) -> str | None:
        """The name of the check."""

    def run(self, stated: Any) -> None:
        """Run the check."""


class DerivationLike(Protocol):
    """What evidence needs of :class:`icl_claims.theory.derivation.Derivation`."""

    lemmas: tuple[Any, ...]

    @property
    def grade(self) -> Any:
        """``proof`` or ``argument``, by its lemmas."""


class Evidence:
    """What one test establishes about the claims that its marks name.

    Mutants, counterexamples and what is necessary belong to the claim of their statement; figures, lemmas,
    tightness and charts go to each of the claims; a check that an assumption is dispensable goes to those claims that
    have an assumption of this key.
    """

    def __init__(self, claims: Sequence[Claim], grades: Mapping[str, Grade] | None = None) -> None:
        self._claims = tuple(claims)
        self._grades = dict(grades or {})
        self._figures: dict[str, Figure] = {}
        self._mutants: dict[tuple[str, str], Mutant] = {}
        self._necessity: dict[tuple[str, str], Necessity] = {}
        self._counterexamples: list[tuple[str, Counterexample]] = []
        self._lemmas: tuple[LemmaRow, ...] = ()
        self._tightness: Tightness | None = None
        self._charts: list[Chart] = []

    def check(
        self,
        check: Callable[[T], object],
        statement: Statement[T, Any] | T,
        mutants: Iterable[Edit[T]],
        *,
        part: str | None = None,
        at: Any = None,
    ) -> None:
        """Run the check on the object of the statement, which it must accept, and on mutants, which it must refuse.

        Args:
            check: raises ``AssertionError`` on a false object. It calls the mathematics of this package.
            statement: the claim in code. Experiments, whose criteria are read off data, may give a plain object.
            mutants: edits of the object; each names the reason for which the check refuses it.
            part: the part that the mutants violate; may be left out where the statement has one only.
            at: an instance, or a list of them, at which each mutant is false, by the margin of the statement.

        Raises:
            SurvivingMutant: some mutant was accepted, or refused for another reason; all of them ran.
            NotFalse: a mutant is not false at its instance, or equals the object, or the instance is none of the
                statement's.
            NoCheck: the object is text; the check calls no mathematics; the margin calls the check.
        """
        self._require_mathematics(check)
        check(self._owner(statement)[1])
        self.mutants(check, statement, mutants, part=part, at=at)

    def prove(
        self,
        derivation: DerivationLike,
        statement: Statement[T, Any],
        mutants: Iterable[Edit[T]],
        *,
        part: str | None = None,
        at: Any = None,
    ) -> None:
        """Check every lemma of a derivation on the object of the statement; then as :meth:`check`.

        Each mutant must be refused by a lemma.

        Raises:
            NoEvidence: the mark says another grade than the lemmas give.
        """
        for slug, grade in self._grades.items():
            if grade in ("proof", "argument") and grade != derivation.grade:
                raise NoEvidence(
                    f"grade of {slug} must be {derivation.grade!r}, as its lemmas say, got {grade!r}"
                )
        for lemma in derivation.lemmas:
            if lemma.check is not None and not lemma.check.__module__.startswith(MATHEMATICS):
                raise NoCheck(f"a lemma must be checked by a function of the theory, got {lemma.checked_by}")
        _run_lemmas(derivation, self._owner(statement)[1])
        self._lemmas += tuple(
            LemmaRow(
                number=number,
                statement=lemma.statement,
                proof=lemma.proof,
                checked_by=lemma.checked_by,
                reach=lemma.reach,
                step=lemma.step,
                cites=lemma.cites,
                claim=lemma.claim,
            )
            for number, lemma in enumerate(derivation.lemmas, len(self._lemmas) + 1)
        )
        self.mutants(derivation, statement, mutants, part=part, at=at)

    def mutants(
        self,
        check: Callable[[T], object] | DerivationLike,
        statement: Statement[T, Any] | T,
        mutants: Iterable[Edit[T]],
        *,
        part: str | None = None,
        at: Any = None,
    ) -> None:
        """Only the mutants of :meth:`check` or :meth:`prove`: those that violate another part."""
        owner, stated = self._owner(statement)
        if callable(check):
            self._require_mathematics(check)
            self._run_mutants(check, check, owner, stated, mutants, part, at)
        else:
            checks = [lemma.check for lemma in check.lemmas if lemma.check is not None]
            self._run_mutants(lambda x: _run_lemmas(check, x), checks, owner, stated, mutants, part, at)

    def refute(self, statement: Statement[Any, I], part: str, instance: I) -> None:
        """Record a counterexample: it satisfies every assumption, and the margin of this part is negative.

        Raises:
            NotFalse: it is none.
        """
        claim = self._claim_of(statement)
        if violated := statement.violated(instance):
            raise NotFalse(f"{instance} is no instance of {claim.slug}: it violates {', '.join(violated)}")
        margin = statement.margin(part, instance)
        if not is_negative(margin):
            raise NotFalse(f"{instance} does not refute {part} of {claim.slug}: margin {margin}")
        found = Counterexample(part=part, instance=_shown(instance), margin=str(margin))
        self._counterexamples.append((claim.slug, found))

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

    def necessary(self, statement: Statement[Any, I], key: str, instance: I, part: str | None = None) -> None:
        """Record that a part fails at an instance that violates this assumption and satisfies all others.

        Raises:
            NotFalse: the instance violates other assumptions, or not this one, or no part fails there.
        """
        claim = self._claim_of(statement)
        part = _part(claim, part)
        violated = statement.violated(instance)
        if violated != (key,):
            raise NotFalse(
                f"an instance without {key} must violate this assumption of {claim.slug} alone, "
                f"{instance} violates {', '.join(violated) or 'none'}"
            )
        margin = statement.margin(part, instance)
        if not is_negative(margin):
            raise NotFalse(
                f"without {key} the part {part} of {claim.slug} does not fail at {instance}: {margin}"
            )
        text = f"{_shown(instance)}: margin {margin}"
        self._address(claim, Necessity(assumption=key, necessary=True, instance=text, part=part))

    def dispensable(self, key: str, check: Callable[[], object]) -> None:
        """Record that the statement holds without this assumption, as the check shows; its docstring says how.

        Raises:
            AssertionError: the check fails.
            NoEvidence: the check has no docstring, or calls no mathematics.
            ValueError: no claim of this test has such an assumption.
        """
        self._require_mathematics(check)
        text = " ".join((check.__doc__ or "").partition("\n\n")[0].split())
        if not text:
            raise NoEvidence(f"the check that {key} is dispensable must say in a docstring what it shows")
        check()
        claims = [claim for claim in self._claims if key in {a.key for a in claim.assumptions}]
        if not claims:
            slugs = ", ".join(claim.slug for claim in self._claims)
            raise ValueError(f"key must be an assumption of {slugs}, got {key!r}")
        for claim in claims:
            self._address(claim, Necessity(assumption=key, necessary=False, instance=text))

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
        return {
            "figures": tuple(self._figures.values()),
            "mutants": tuple(mutant for (slug, _), mutant in self._mutants.items() if slug == claim.slug),
            "necessity": tuple(said for (slug, _), said in self._necessity.items() if slug == claim.slug),
            "counterexamples": tuple(found for slug, found in self._counterexamples if slug == claim.slug),
            "lemmas": self._lemmas,
            "tightness": self._tightness,
            "charts": tuple(self._charts),
        }

    def _run_mutants(
        self,
        run: Callable[[T], object],
        check: Callable[..., object] | Sequence[Callable[..., object]],
        owner: Statement[T, Any] | None,
        stated: T,
        mutants: Iterable[Edit[T]],
        part: str | None,
        at: Any,
    ) -> None:
        """Each mutant is false at its instance, and refused for its reason."""
        claims = self._claims if owner is None else (self._claim_of(owner),)
        survivors = []
        edits = list(mutants)
        if owner is not None and edits:
            self._require_two_routes(owner, check, part)
        for edit in edits:
            if not isinstance(edit, Edit):
                raise NoCheck(f"a mutant must be an edit of the object, got {type(edit).__name__}")
            if _same(edit.mutant, stated):
                raise NotFalse(f"the mutant {edit.label!r} equals the object of the statement")
            shown = "" if owner is None else self._falsehood(owner, edit, part, at)
            reason = _refusal(run, edit.mutant)
            killed = reason is not None and edit.refused in reason
            for claim in claims:
                if (claim.slug, edit.label) in self._mutants:
                    raise ValueError(
                        f"mutants must have distinct names within a test, got {edit.label!r} twice"
                    )
                self._mutants[claim.slug, edit.label] = Mutant(
                    name=edit.label, killed=killed, reason=reason or "", false_at=shown, power=edit.power
                )
            if not killed:
                survivors.append(
                    f"{edit.label}: " + ("accepted" if reason is None else f"refused for {reason!r}")
                )
        if survivors:
            raise SurvivingMutant(
                f"the check does not refuse false variants as stated: {'; '.join(survivors)}"
            )

    def _require_two_routes(
        self,
        statement: Statement[T, Any],
        check: Callable[..., object] | Sequence[Callable[..., object]],
        part: str | None,
    ) -> None:
        """The margin of the part does not call the check."""
        claim = self._claim_of(statement)
        part = _part(claim, part)
        functions = reached(statement.margins[part])[0]
        for one in [check] if callable(check) else check:
            if getattr(one, "__wrapped__", one) in functions:
                raise NoCheck(
                    f"{claim.slug}: the margin of {part} calls the check {one.__qualname__}: one route, not two"
                )

    def _falsehood(
        self,
        statement: Statement[T, Any],
        edit: Edit[T],
        part: str | None,
        at: Any,
    ) -> str:
        """The instance at which the mutant is false, with its margin there."""
        claim = self._claim_of(statement)
        part = _part(claim, part)
        where = edit.at if edit.at is not None else at
        for instance in where if isinstance(where, list) else [where]:
            if instance is None:
                raise NotFalse(f"the mutant {edit.label!r} needs an instance at which it is false")
            if violated := statement.violated(instance):
                raise NotFalse(
                    f"{instance} is no instance of {claim.slug}: it violates {', '.join(violated)}"
                )
            if is_negative(statement.margin(part, instance)):
                raise NotFalse(f"the statement itself is false at {instance}")
            margin = statement.margin(part, instance, edit.mutant)
            if is_negative(margin):
                return f"{_shown(instance)}: margin {_shown(margin)}"
        raise NotFalse(f"the mutant {edit.label!r} is not false at {where}: margin {margin}")

    def _owner(self, statement: Any) -> tuple[Statement[Any, Any] | None, Any]:
        if isinstance(statement, Statement):
            return statement, statement.stated
        if theory := [claim.slug for claim in self._claims if claim.kind == "theory"]:
            raise NoCheck(f"{', '.join(theory)}: a check of theory needs a Statement, got {statement!r}")
        if problem := not_an_object(statement):
            raise NoCheck(f"what is checked must be an object, {problem}")
        return None, statement

    def _claim_of(self, statement: Statement[Any, Any]) -> Claim:
        for claim in self._claims:
            if claim.slug == statement.slug:
                return claim
        slugs = ", ".join(claim.slug for claim in self._claims)
        raise ValueError(
            f"statement must be of a claim that this test is marked for ({slugs}), got {statement.slug!r}"
        )

    def _require_mathematics(self, check: Callable[..., object]) -> None:
        if not reached(check)[1]:
            name = getattr(check, "__qualname__", repr(check))
            raise NoCheck(
                f"a check must call the theory, the numerics or the models, {name} calls none of them"
            )

    def _address(self, claim: Claim, necessity: Necessity) -> None:
        keys = [assumption.key for assumption in claim.assumptions]
        key = necessity.assumption
        if key not in keys:
            raise ValueError(
                f"key must be an assumption of {claim.slug} ({', '.join(keys) or 'none'}), got {key!r}"
            )
        if (claim.slug, key) in self._necessity:
            raise ValueError(f"an assumption must be addressed once within a test, got {key!r} twice")
        self._necessity[claim.slug, key] = necessity


def _run_lemmas(derivation: DerivationLike, stated: object) -> None:
    """Every lemma's check, its number put before the reason of a refusal."""
    for number, lemma in enumerate(derivation.lemmas, 1):
        try:
            lemma.run(stated)
        except AssertionError as refusal:
            raise type(refusal)(f"Lemma {number}: {refusal}") from refusal


def _part(claim: Claim, part: str | None) -> str:
    if part is None and len(claim.parts) == 1:
        return claim.parts[0]
    if part not in claim.parts:
        raise ValueError(f"part must be one of {', '.join(claim.parts)} of {claim.slug}, got {part!r}")
    return part


def _refusal(check: Callable[[T], object], mutant: T) -> str | None:
    """Why the check refuses it; None where it does not."""
    try:
        check(mutant)
    except AssertionError as refusal:
        return " ".join(str(refusal).partition("\n")[0].split())
    return None


def _same(mutant: object, stated: object) -> bool:
    return mutant is stated or bool(type(mutant) is type(stated) and mutant == stated)


def _shown(value: object) -> str:
    """An instance as text, which must say what it is."""
    text = " ".join(str(value).split())
    if " object at 0x" in text or " at 0x" in text:
        raise NoEvidence(f"an instance must print as what it is, got {text!r}")
    return text if len(text) <= LONGEST_INSTANCE else f"{text[:LONGEST_INSTANCE]} …"


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
