"""Criteria: their numbers stand in their texts, their digests seed the runs that they judge, each on its own."""

from __future__ import annotations

import re
from dataclasses import FrozenInstanceError
from fractions import Fraction
from hashlib import sha256

import pytest

from icl_claims import criteria
from icl_claims.criteria import Criterion, ahn2023, gatmiry2024
from icl_claims.models.reproduce import RUNS
from icl_claims.models.runs.ahn2023 import task
from icl_claims.theory.task import isotropic

ALL = {
    name: value
    for paper in (ahn2023, gatmiry2024)
    for name, value in vars(paper).items()
    if isinstance(value, Criterion)
}
NEAR = Criterion(r"$|x|\le{near}$ in {many} cases.", {"near": "1/50", "many": "24"})


def test_the_text_has_the_numbers() -> None:
    assert NEAR.text == r"$|x|\le1/50$ in 24 cases."
    assert NEAR.digest == sha256(rb"$|x|\le1/50$ in 24 cases.").hexdigest()
    assert (NEAR["near"], NEAR["many"]) == (Fraction(1, 50), 24)
    assert NEAR.count("many") == 24


def test_other_numbers_or_letters_are_another_digest() -> None:
    others = [
        Criterion(NEAR.template, {"near": "1/51", "many": "24"}),
        Criterion(NEAR.template, {"near": "1/50", "many": "25"}),
        Criterion(NEAR.template + " ", NEAR.numbers),
    ]
    assert len({x.digest for x in (NEAR, *others)}) == 4
    assert Criterion(NEAR.text).digest == NEAR.digest


def test_what_is_no_number() -> None:
    with pytest.raises(KeyError, match="far"):
        NEAR["far"]
    with pytest.raises(ValueError, match="1/50"):
        NEAR.count("near")
    with pytest.raises(FrozenInstanceError):
        NEAR.template = "other"  # type: ignore[misc]


def test_the_seed_by_the_recipe() -> None:
    """The first 63 bits of SHA-256 of the digests, joined by +, a colon and the name."""
    first, second = "a" * 64, Criterion("Some text.")
    for judged_by in ((NEAR,), (NEAR, second), (second, NEAR), ()):
        text = "+".join(x.digest for x in judged_by) + ":runs/one"
        bits = "".join(f"{byte:08b}" for byte in sha256(text.encode()).digest())
        assert criteria.seed(judged_by, "runs/one") == int(bits[:63], 2)
    assert criteria.seed((NEAR,), "runs/one") != criteria.seed((NEAR,), "runs/two")
    assert criteria.seed((NEAR, second), first) != criteria.seed((second, NEAR), first)


@pytest.mark.parametrize("name", list(ALL))
def test_every_number_of_a_criterion_stands_in_its_text(name: str) -> None:
    """Once or more; and no name is left without a number."""
    criterion = ALL[name]
    for key, value in criterion.numbers.items():
        assert "{" + key + "}" in criterion.template
        assert value in criterion.text
        assert criterion[key] == Fraction(value) > 0
    assert not re.search(
        r"\{[a-z_0-9]+\}", criterion.text.replace(r"\operatorname{", "").replace(r"{1/2}", "")
    )


@pytest.mark.parametrize("name", list(ALL))
def test_every_number_decides(name: str) -> None:
    criterion = ALL[name]
    for key in criterion.numbers:
        other = Criterion(criterion.template, {**criterion.numbers, key: "7/11"})
        assert other.digest != criterion.digest


def test_every_run_has_the_seed_that_its_criteria_give() -> None:
    """Several layers of Ahn et al. draw Σ by the same seed; the Σ of one layer is fixed, and Σ = I of loops."""
    known = {criterion.digest for criterion in ALL.values()}
    for name, run in RUNS.items():
        assert run.criteria
        assert run.settings.seed == criteria.seed(run.criteria, name)
        if run.settings.tied:
            assert run.task == isotropic(10, run.task.context_length)
        elif run.settings.form != "free":
            assert run.task.covariance == task(run.task.context_length, run.settings.seed).covariance
        assert {criterion.digest for criterion in run.criteria} <= known
    assert len({run.settings.seed for run in RUNS.values()}) == len(RUNS)


def test_each_criterion_of_runs_judges_five_of_a_kind() -> None:
    """But for one layer: one run for each of six context lengths; and of loops three of a kind."""
    kinds: dict[str, int] = {}
    for name in RUNS:
        kind, _, index = name.rpartition("seed_")
        kinds[kind or name.rpartition("/")[0]] = kinds.get(kind or name.rpartition("/")[0], 0) + 1
        assert index
    assert kinds.pop("ahn2023/single_layer") == 6
    assert {kinds.pop(kind) for kind in list(kinds) if kind.startswith("gatmiry2024/looped/")} == {3}
    assert set(kinds.values()) == {5}
    judging = {criterion.digest for run in RUNS.values() for criterion in run.criteria}
    assert {name for name, x in ALL.items() if x.digest not in judging} == {"BATCH_MINIMIZER"}
