"""``loss``: the answers against words of matrices, and what is unknown."""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path

import pytest
from flint import fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

from icl_claims.theory.algebra import exact, validation
from icl_claims.theory.many_layers.matrix_layers import layered_loss
from icl_claims.theory.task import RegressionTask
from tests.shared import by_words
from tests.shared.command_line import answer, around, refusal, same, shown

LOSS_KEYS = ["loss", "loss_exact", "per_prompt_std", "squared_error_std", "prompts_for_1_percent"]
DENSE = "2,1,0\n1,3/2,-0.25\n0,-0.25,1\n"


@settings(max_examples=50)
@given(
    st.integers(1, 9), st.integers(1, 9),
    st.lists(st.fractions(-3, 3, max_denominator=20), min_size=1, max_size=2),
)  # fmt: skip
def test_loss(d: int, n: int, steps: list[Fraction]) -> None:
    found = answer(f"loss --dim {d} --context {n} --steps {','.join(map(str, steps))}")
    assert list(found) == LOSS_KEYS
    given_steps = [fmpq(step.numerator, step.denominator) for step in steps]
    mean = by_words.loss(given_steps, d, n)
    assert found["loss_exact"] == str(mean)
    assert same(found["loss"], str(mean))
    variance = by_words.context_variance(given_steps, d, n)
    of_squares = by_words.squared_error_variance(given_steps, d, n)
    for key, square in (("per_prompt_std", variance), ("squared_error_std", of_squares)):
        low, high = (max(end, Fraction(0)) ** 2 for end in around(found[key]))
        assert low <= Fraction(int(square.p), int(square.q)) <= high
    prompts = found["prompts_for_1_percent"]
    # The relative standard error after N prompts is (V/N)^{1/2}/f: the least N ≥ 1 that makes it ≤ 1/100.
    assert variance / prompts <= (mean / 100) ** 2
    assert prompts == 1 or variance / (prompts - 1) > (mean / 100) ** 2


def test_loops_are_equal_steps() -> None:
    assert answer("loss --dim 2 --context 5 --step 0.5 --loops 2") == answer(
        "loss --dim 2 --context 5 --steps 1/2,1/2"
    )
    assert answer("loss --dim 2 --context 5 --steps -1/2")["loss"] > 2


def test_thirty_loops() -> None:
    """On d = n = 1, f = Σ_k C(60, k) (−1/9)^k (2k − 1)!!."""
    found = answer("loss --dim 1 --context 1 --step 1/9 --loops 30")
    assert list(found) == LOSS_KEYS
    terms = [math.comb(60, k) * Fraction(-1, 9) ** k * math.prod(range(1, 2 * k, 2)) for k in range(61)]
    assert Fraction(found["loss_exact"]) == sum(terms)
    assert found["per_prompt_std"] > found["loss"]


@pytest.mark.parametrize(
    "line",
    [
        "--dim 200 --context 200 --step 1/2 --loops 17",
        f"--dim 100 --context 100 --steps {'.7,' * 26}{'1e-300,' * 3}.7",
    ],
)
def test_what_would_take_too_long_is_null_with_a_note(line: str) -> None:
    found = answer(f"loss {line}")
    assert list(found) == [*LOSS_KEYS, "note"]
    assert [found[key] for key in LOSS_KEYS[2:]] == [None] * 3
    assert same(found["loss"], found["loss_exact"])
    assert (
        "per_prompt_std, squared_error_std, prompts_for_1_percent: exact values would take" in found["note"]
    )
    assert list(shown(f"loss {line}")) == ["loss", "note"]


def test_the_optimal_steps_have_the_optimal_loss() -> None:
    for line in ("--dim 4 --context 9 --layers 1", "--dim 1 --context 4 --layers 2"):
        best = answer(f"optimum {line}")
        there = answer(f"loss {line.partition(' --layers')[0]} --steps {','.join(best['steps_exact'])}")
        assert there["loss_exact"] == best["loss_exact"]


def test_sampling_figures_of_steps_of_many_digits() -> None:
    """Thirty steps of 16 digits, written with 20 decimals, at any larger size: within reach."""
    steps = ",".join(f"0.0001{k:016}" for k in range(1234567890, 1234567920))
    assert answer(f"loss --dim 3 --context 40 --steps {steps}")["per_prompt_std"] > 0
    assert "note" not in answer(f"loss --dim 30 --context 30 --steps {steps}")


def test_sampling_figures_beyond_the_range_of_theory() -> None:
    found = answer("loss --dim 9 --context 9 --step 1/2 --loops 80")
    assert found["per_prompt_std"] is None
    assert "steps must be at most 16, or min(dim, context_length) + 2" in found["note"]


@pytest.mark.parametrize("preconditioner", ["inverse-covariance", "identity"])
@pytest.mark.parametrize(
    ("options", "noise"), [("", "0"), ("--task identity", "0"), ("--noise 0.3", "3/10"), ("--omega", "1/7")]
)
def test_loss_on_any_task(tmp_path: Path, preconditioner: str, options: str, noise: str) -> None:
    """Σ and Ω that do not commute; compared with the loss of layers of any matrices."""
    sigma = tmp_path / "sigma.csv"
    sigma.write_text(DENSE, encoding="utf-8")
    covariance = validation.matrix("Σ", [["2", "1", "0"], ["1", "3/2", "-1/4"], ["0", "-1/4", "1"]])
    omega = {"": covariance.inv(), "--noise 0.3": covariance.inv()}.get(options)
    if options == "--omega":
        options, omega = "--task-covariance 1,0,5/2 --noise 1/7", exact.diagonal([1, 0, "5/2"])
    task = RegressionTask(covariance, 4, omega, noise)
    line = f"loss --dim 3 --context 4 --covariance-file {sigma} --preconditioner {preconditioner} {options}"
    found = answer(f"{line} --steps 0.1,-1/3,1/2")
    direction = exact.identity(3) if preconditioner == "identity" else covariance.inv()
    layers = [direction * step for step in (fmpq(1, 10), fmpq(-1, 3), fmpq(1, 2))]
    assert found["loss_exact"] == str(layered_loss(task, layers))
    assert same(found["loss"], found["loss_exact"])
    known = preconditioner == "inverse-covariance" and options == ""
    assert list(found) == [*LOSS_KEYS, *["note"] * (not known)]
    assert known == (found["per_prompt_std"] is not None) == (found["prompts_for_1_percent"] is not None)


def test_the_whitened_loss_is_the_same_for_every_covariance(tmp_path: Path) -> None:
    sigma = tmp_path / "sigma.csv"
    sigma.write_text(DENSE, encoding="utf-8")
    line = "loss --dim 3 --context 4 --steps 1/2,1/3"
    assert answer(line) == answer(f"{line} --covariance-file {sigma}") == answer(f"{line} --covariance 1,2,3")
    assert answer(f"{line} --noise 1") == answer(f"{line} --noise 1 --covariance-file {sigma}")


def test_the_sampling_figures_know_the_whitened_task_by_any_name() -> None:
    line = "loss --dim 2 --context 5 --steps 1/4,1/3"
    assert answer(f"{line} --task identity") == answer(f"{line} --task-covariance 1,1") == answer(line)
    assert answer(f"{line} --task identity --covariance 1,2")["per_prompt_std"] is None


def test_a_multiple_of_the_identity_rescales_the_steps() -> None:
    plain = answer("loss --dim 2 --context 5 --steps 1/8,1/6 --covariance 2,2 --preconditioner identity")
    assert plain == answer("loss --dim 2 --context 5 --steps 1/4,1/3")


def test_plain_descent_needs_no_inverse() -> None:
    """Σ = diag(1, 0): f = 1 − 2a + a² (n + 2)/n with one coordinate alone, at n = 3 and a = 1/2: 5/12."""
    line = "loss --dim 2 --context 3 --steps 1/2 --task identity --covariance 1,0 --preconditioner identity"
    assert answer(line)["loss_exact"] == "5/12"


def test_noise_at_sizes_beyond_matrices() -> None:
    """One layer: f = d ((1 − a)² + a² (d + 1 + σ²)/n)."""
    d, n, step, noise = 10**17, 10**18 - 1, Fraction(3, 4), Fraction(1, 3)
    found = answer(f"loss --dim {d} --context {n} --steps {step} --noise {noise}")
    assert Fraction(found["loss_exact"]) == d * ((1 - step) ** 2 + step**2 * (d + 1 + noise) / n)
    assert math.isclose(found["loss"], float(Fraction(found["loss_exact"])))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("", "give either --steps a1,a2,… or --step a with --loops T"),
        ("--steps 1 --step 1 --loops 1", "give either --steps a1,a2,… or --step a with"),
        (f"--steps 1{',1' * 100}", "'--steps': must be at most 100 numbers, got 101"),
        ("--step 1 --loops 101", "'--loops': must be an integer from 1 to 100, got '101'"),
        ("--steps 1 --task identity --covariance 1,0", "must hold numbers > 0 where A_l = a_l Σ⁻¹"),
        ("--steps 1 --preconditioner none", "'--preconditioner': 'none' is not one of"),
        (
            "--step 1 --loops 13 --preconditioner identity --covariance 1,2",
            "steps must be at most 12 numbers where A_l = a_l I and Σ is no multiple of I, got 13",
        ),
        (
            f"--step 1 --loops 12 --preconditioner identity --covariance 1,1/{10**800}",
            "steps must be fewer where Σ and Ω have so many digits: 12 allow tr Σ and tr ΣΩ 2411 bits",
        ),
    ],
)
def test_refusals(options: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert message in refusal(f"loss --dim 2 --context 3 {options}", capsys)
