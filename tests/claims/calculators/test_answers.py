"""Answers as JSON and as text: what is rounded, what is exact, what does not fit."""

from __future__ import annotations

import json
import re
from fractions import Fraction
from pathlib import Path

import click
import pytest
import torch
from click.testing import CliRunner
from flint import fmpq
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Poly, sympify

from icl_claims.claims import cli
from icl_claims.claims.calculators.answers import json_text, plain_text, write
from icl_claims.claims.calculators.quantity import Quantity, measured, rational, root, upper_bound
from icl_claims.models.attention import LinearTransformer
from icl_claims.models.files import save
from icl_claims.models.weights import Weights
from tests.shared import command_line
from tests.shared.command_line import (
    a,
    answer,
    around,
    assert_is_minimum,
    holds_the_root,
    refusal,
    shown,
)  # fmt: skip


@settings(max_examples=25)
@given(
    st.sampled_from(["optimum --layers 1", "optimum --layers 3", "optimum --layers 4 --looped", "loss"]),
    st.integers(1, 30), st.integers(1, 30),
    st.fractions(min_value=-(10**6), max_value=10**6, max_denominator=1000),
)  # fmt: skip
def test_decimals_in_text_are_correct_to_the_last_digit(line: str, d: int, n: int, step: Fraction) -> None:
    line = f"{line} --dim {d} --context {n}" + f" --steps {step}" * (line == "loss")
    exactly, text = answer(line), shown(line)
    for name in [name for name in ("steps", "loss") if name in text]:
        texts = exactly[f"{name}_exact"]
        for row, written in zip(text[name], texts if isinstance(texts, list) else [texts], strict=True):
            decimal = row.partition("  = ")[0].strip()
            assert len(re.sub(r"e.*|[-.]", "", decimal).lstrip("0")) <= 15
            if written.startswith("minimum"):
                f, near = (
                    Poly(sympify(written[11 : written.index(" in [")]), a),
                    Fraction(exactly["steps"][0]),
                )
                assert_is_minimum(f, command_line.rational(near), *around(decimal))
            else:
                assert holds_the_root(written, *around(decimal))


def test_plain_answers() -> None:
    assert shown("loss --dim 2 --context 5 --steps 5/8")["loss"] == ["0.75  = 3/4"]
    line = "optimum --dim 2 --context 3 --layers 1 --task identity --covariance 1,3"
    assert shown(line)["preconditioner"] == ["0.375   = 3/8", "0.1875  = 3/16"]
    assert list(shown(line)) == ["preconditioner", "loss"]
    assert shown("optimum --dim 5 --context 20 --layers 3")["steps"] == [
        "0.422408533928580", "0.689126087404637", "1.71421737953051",
    ]  # fmt: skip
    assert shown("moment 2,1 --dim 3 --context 8")["powers"] == ["2, 1"]


def test_numbers_beyond_float64_in_text() -> None:
    assert shown("loss --dim 2 --context 3 --steps 1e300")["loss"][0] == "4.00000000000000e+600"


def test_a_number_below_float64_is_refused_in_json_and_shown_in_text(
    capsys: pytest.CaptureFixture[str],
) -> None:
    line = "optimum --dim 2 --context 3 --layers 1 --task identity --covariance 1e-200,3e-200"
    assert float(shown(line)["preconditioner"][0].split()[0]) > 1e199
    tiny = "optimum --dim 1 --context 3 --layers 1 --covariance 1e-200 --task-covariance 1e-217"
    assert "got one that is not 0 and below 2.5e-324" in refusal(f"{tiny} --json", capsys)
    # tr ΣΩ (d + 1)/(n + d + 1)
    assert shown(tiny)["loss"][0].split()[0] == "4e-418"


@given(st.integers(-420, -300), st.integers(1, 9), st.sampled_from([1, -1]))
def test_json_holds_the_nearest_float_or_refuses(exponent: int, digit: int, sign: int) -> None:
    """A nonzero number rounds to 0 exactly up to half of the least float64, 2⁻¹⁰⁷⁵."""
    value = sign * digit * fmpq(10) ** exponent
    if abs(value) <= fmpq(1, 2**1075):
        with pytest.raises(click.UsageError, match="not 0 and below"):
            json_text({"x": measured(value)})
    else:
        assert json.loads(json_text({"x": measured(value)}))["x"] == float(
            Fraction(int(value.p), int(value.q))
        )


def test_what_is_0_is_written_as_0() -> None:
    assert json.loads(json_text({"x": rational(fmpq(0)), "y": root(fmpq(0))})) == {
        "x": 0.0, "x_exact": "0", "y": 0.0,
    }  # fmt: skip


def test_a_tiny_root_is_refused_too() -> None:
    with pytest.raises(click.UsageError, match="not 0 and below"):
        json_text({"x": root(fmpq(2, 10**700))})
    assert plain_text({"x": root(fmpq(2, 10**700))}) == "x  1.41421356237310e-350"


def test_the_shape_of_an_answer() -> None:
    """Names in one column; None takes no line and no width; bounds round up; a long exact text is left out."""
    third = rational(fmpq(1, 3))
    long = Quantity(third.value, "1" * 61)
    answer = {
        "a": [third, long],
        "much_longer_name": None,
        "bb": [[measured(fmpq(2)), upper_bound(0.1)]],
        "n": [1, 2],
    }
    assert plain_text(answer) == (
        "a   0.333333333333333  = 1/3\n    0.333333333333333\nbb  2  0.100001\nn   1, 2"
    )
    assert json.loads(json_text(answer)) == {
        "a": [1 / 3, 1 / 3], "a_exact": ["1/3", "1" * 61], "much_longer_name": None, "bb": [[2.0, 0.1]], "n": [1, 2],
    }  # fmt: skip


def test_notes_stand_below_all_else() -> None:
    """An empty list leaves no line; in JSON it stays."""
    answer = {"x": rational(fmpq(3)), "notes": ["First.", "Second."]}
    assert plain_text(answer) == "x  3\n\nFirst.\nSecond."
    assert json.loads(json_text(answer))["notes"] == ["First.", "Second."]
    assert plain_text({**answer, "notes": []}) == "x  3"
    assert json.loads(json_text({**answer, "notes": []}))["notes"] == []


def test_notes_on_the_task_come_before_those_of_the_answer(capsys: pytest.CaptureFixture[str]) -> None:
    answer = {"x": rational(fmpq(3))}
    for held, added, shown_notes in (
        ({"notes": ["Of the answer."]}, ["Of the task."], "\n\nOf the task.\nOf the answer."),
        ({}, ["Of the task."], "\n\nOf the task."),
        ({}, [], ""),
    ):
        write({**answer, **held}, False, added)
        assert capsys.readouterr().out == f"x  3{shown_notes}\n"


def test_the_longest_exact_text_beside_a_decimal() -> None:
    """60 characters; and none that repeats the decimal."""
    third = rational(fmpq(1, 3)).value
    assert plain_text({"x": Quantity(third, "1" * 60)}) == f"x  0.333333333333333  = {'1' * 60}"
    assert plain_text({"x": Quantity(third, "1" * 61)}) == "x  0.333333333333333"
    assert plain_text({"x": rational(fmpq(3))}) == "x  3"


def test_json_writes_letters_as_they_are() -> None:
    assert json_text({"x": "Σ⁻¹"}) == '{\n "x": "Σ⁻¹"\n}'


def weights_file(directory: Path, A: list[list[float]]) -> Path:
    path = directory / "weights.safetensors"
    model = LinearTransformer.from_preconditioners(torch.tensor([A], dtype=torch.float64))
    save(path, Weights(*model.weights()))
    return path


def test_matrices_in_text(tmp_path: Path) -> None:
    """One row a line, columns aligned at the point, six digits; bounds are rounded up."""
    path = weights_file(tmp_path, [[0.5, 1e-3], [-30.0, 0.25]])
    rows = (
        CliRunner()
        .invoke(cli.group, ["compare", str(path), "--dim", "2", "--context", "3"])
        .output.splitlines()
    )
    at = next(i for i, row in enumerate(rows) if row.startswith("preconditioner"))
    assert [row[17:] for row in rows[at : at + 2]] == ["0.5         -30", "0.00100000    0.25"]
    found = answer(f"compare {path} --dim 2 --context 3")
    bounds = [Fraction(x) for row in rows[at + 4 : at + 6] for x in row[17:].split()]
    exactly = [Fraction(x) for row in found["entry_bounds"] for x in row]
    assert all(exactly[i] <= bounds[i] <= exactly[i] * (1 + Fraction(1, 10**5)) for i in range(4))
