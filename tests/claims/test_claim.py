"""What a record may not be."""

from __future__ import annotations

import pytest

from icl_claims.claims.claim import Assumption, Claim, Departure


@pytest.mark.parametrize("parts", [(), ("first", "first"), ("first", "second", "first")])
def test_parts_are_distinct_and_one_at_least(parts: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="parts must be distinct names, at least one"):
        Claim("sum", "suite", "here", "$1+1=2$.", parts=parts)


@pytest.mark.parametrize("field", ["location", "statement"])
@pytest.mark.parametrize("text", ["", " \n", None])
def test_a_claim_says_where_it_stands_and_what_it_states(field: str, text: str | None) -> None:
    stated = {"location": "here", "statement": "$1+1=2$.", field: text}
    with pytest.raises((TypeError, ValueError), match=f"{field} must be non-empty text"):
        Claim("sum", "suite", **stated)  # type: ignore[arg-type]


def test_assumptions_have_distinct_keys() -> None:
    twice = (Assumption("even", "$n$ is even."), Assumption("even", "$d$ is even."))
    with pytest.raises(ValueError, match=r"assumptions must have distinct keys, got \['even', 'even'\]"):
        Claim("sum", "suite", "here", "$1+1=2$.", assumptions=twice)


@pytest.mark.parametrize("field", ["setting", "there", "here"])
def test_a_departure_says_what_differs_and_how(field: str) -> None:
    with pytest.raises(ValueError, match=f"{field} must be non-empty text, got ' '"):
        Departure(**{"setting": "batch", "there": "20 000", "here": "4000", field: " "})
