"""Lemmas and the grade that they give."""

from __future__ import annotations

import typing

import pytest

from icl_claims.claims.results import STEP_MEANING
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.derivation import Derivation, Lemma, Step


def is_even(number: int) -> None:
    if number % 2:
        raise Refuted(f"{number} is odd")


def always() -> None:
    pass


EVEN = Lemma("$2\\mid n$.", "By division.", is_even, "all n")
FREE = Lemma("$1=1$.", "By reflection.", always, "always")
CITED = Lemma("$x$.", "As cited.", step="citation", cites=("Szegő, Theorem 3.3.1",))
BY_CLAIM = Lemma("$y$.", "As claimed.", step="claim", claim="other")
PROSE = Lemma("$z$.", "By induction.", step="induction")
CARRIED = Lemma(
    "$u$.", "By a theorem.", always, "n < 3", step="citation", cites=("Szegő, Theorem 3.3.1", "Lang")
)


@pytest.mark.parametrize(
    ("lemmas", "grade"),
    [
        ((EVEN, FREE), "proof"),
        ((EVEN, CITED, BY_CLAIM), "proof"),
        ((EVEN, PROSE), "argument"),
        ((EVEN, CARRIED), "argument"),
    ],
)
def test_the_grade_follows_from_the_lemmas(lemmas: tuple[Lemma, ...], grade: str) -> None:
    assert Derivation(lemmas).grade == grade


def test_what_it_uses_is_gathered_once() -> None:
    derivation = Derivation((EVEN, CITED, BY_CLAIM, CARRIED, BY_CLAIM))
    assert derivation.cites == ("Szegő, Theorem 3.3.1", "Lang")
    assert derivation.claims == ("other",)
    assert (EVEN.checked_by, CITED.checked_by) == (f"{__name__}.is_even", None)


def test_checks_run_on_the_object_or_on_nothing() -> None:
    derivation = Derivation((FREE, CITED, EVEN))
    derivation.run(4)
    with pytest.raises(Refuted, match="3 is odd"):
        derivation.run(3)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"statement": " "}, "statement of a lemma"),
        ({"proof": ""}, "proof of a lemma"),
        ({"step": "magic"}, "step must be one of induction, .*, got 'magic'"),
        ({"check": None, "reach": ""}, "must name its kind of prose"),
        ({"reach": ""}, "reach says what the check decides"),
        ({"check": None, "step": "induction"}, "reach says what the check decides"),
        ({"step": "citation"}, "must cite"),
        ({"step": "claim"}, "must name it"),
        ({"claim": "other"}, "must name it"),
        ({"check": lambda: None}, "must be a named function"),
    ],
)
def test_a_lemma_says_what_checks_it(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Lemma(**{"statement": "$x$.", "proof": "p", "check": always, "reach": "all", **changes})  # type: ignore[arg-type]


def test_a_derivation_without_a_check_is_none() -> None:
    with pytest.raises(ValueError, match="must have a lemma with a check"):
        Derivation((CITED, PROSE))


def test_every_kind_of_prose_has_a_meaning() -> None:
    assert tuple(STEP_MEANING) == typing.get_args(Step)
