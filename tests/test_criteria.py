"""Criteria of experiments: their text, their digest, and the seeds that come from it."""

from __future__ import annotations

import hashlib
from fractions import Fraction

import pytest

from icl_claims.criteria import Criterion, seed

NEAR = Criterion("The distance is at most ${near}$, on {runs} runs.", {"near": "1/50", "runs": "5"})
LATE = Criterion("From step {step} on.", {"step": "700"})


def test_the_text_holds_the_numbers_that_evidence_reads() -> None:
    assert NEAR.text == "The distance is at most $1/50$, on 5 runs."
    assert NEAR["near"] == Fraction(1, 50)
    assert NEAR.count("runs") == 5


def test_a_number_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="1/50"):
        NEAR.count("near")
    with pytest.raises(KeyError):
        NEAR["far"]


def test_the_digest_is_that_of_the_text_and_of_nothing_else() -> None:
    assert NEAR.digest == hashlib.sha256(NEAR.text.encode()).hexdigest()
    assert Criterion(NEAR.text).digest == NEAR.digest
    assert Criterion(NEAR.template, {**NEAR.numbers, "near": "1/20"}).digest != NEAR.digest


def test_a_seed_follows_from_every_criterion_their_order_and_the_name() -> None:
    digest = hashlib.sha256(f"{NEAR.digest}+{LATE.digest}:run 0".encode()).digest()
    assert seed([NEAR, LATE], "run 0") == int.from_bytes(digest[:8], "big") // 2
    others = [([LATE, NEAR], "run 0"), ([NEAR], "run 0"), ([NEAR, LATE], "run 1")]
    assert len({seed([NEAR, LATE], "run 0"), *(seed(*other) for other in others)}) == 4


def test_seeds_are_those_that_a_generator_takes() -> None:
    assert all(0 <= seed([NEAR], f"run {k}") < 2**63 for k in range(100))
