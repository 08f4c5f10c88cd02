"""The calculators as their users meet them: answers, keys, refusals, examples."""

from __future__ import annotations

import json
import math
import re
import shlex
import subprocess
import sys
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner
from flint import fmpq
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Poly, Rational, Symbol, sympify

from icl_claims.claims import cli
from icl_claims.models.attention import LinearTransformer
from icl_claims.models.files import save
from icl_claims.models.weights import Weights
from icl_claims.theory.algebra import exact
from icl_claims.theory.one_layer import single_layer
from icl_claims.theory.task import RegressionTask, isotropic
from tests import ROOT
from tests.shared import by_words

COMMANDS = ["optimum", "loss", "moment", "compare"]
LOSS_KEYS = ["loss", "loss_exact", "per_prompt_std", "squared_error_std", "prompts_for_1_percent"]
a = Symbol("a")


def answer(line: str) -> Any:
    """What ``icl-claims <line> --json`` writes."""
    result = CliRunner().invoke(cli.group, [*shlex.split(line), "--json"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def shown(line: str) -> dict[str, list[str]]:
    """What ``icl-claims <line>`` writes: the lines under each name."""
    result = CliRunner().invoke(cli.group, shlex.split(line), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    names: dict[str, list[str]] = {}
    for row in result.output.splitlines():
        name = row.split(" ")[0] or list(names)[-1]
        names.setdefault(name, []).append(row[row.index("  ") :].strip() if row[0] != " " else row.strip())
    return names


def weights_file(directory: Path, A: list[list[float]], **more: Any) -> Path:
    path = directory / "weights.safetensors"
    model = LinearTransformer.from_preconditioners(torch.tensor([A], dtype=torch.float64), **more)
    save(path, Weights(*model.weights()))
    return path


def same(number: float, text: str) -> bool:
    """Whether a float is the nearest one to an exact number."""
    return number == float(Fraction(text))


def half_a_unit(decimal: str) -> Fraction:
    """Half a unit in the last place of a decimal."""
    mantissa, _, exponent = decimal.partition("e")
    return Fraction(10) ** (int(exponent or 0) - len(mantissa.partition(".")[2])) / 2


def around(number: float | str) -> tuple[Fraction, Fraction]:
    """The ends of what rounds to a float64, or to a decimal."""
    if isinstance(number, str):
        return Fraction(number) - half_a_unit(number), Fraction(number) + half_a_unit(number)
    low, high = (Fraction(math.nextafter(number, end)) for end in (-math.inf, math.inf))
    return (low + Fraction(number)) / 2, (Fraction(number) + high) / 2


def root_text(text: str) -> tuple[Poly, Fraction, Fraction]:
    """Polynomial and interval of ``root of … in [l, u]``, checked: the interval holds exactly one root."""
    match = re.fullmatch(r"root of (.*) in \[(\S+), (\S+)\]", text)
    assert match is not None, text
    polynomial, lower, upper = Poly(sympify(match[1]), a), Fraction(match[2]), Fraction(match[3])
    assert polynomial.count_roots(rational(lower), rational(upper)) == 1
    return polynomial, lower, upper


def rational(x: Fraction) -> Rational:
    return Rational(x.numerator, x.denominator)


def holds_the_root(text: str, low: Fraction, high: Fraction) -> bool:
    """Whether the number that an exact text writes lies in [low, high]."""
    if not text.startswith("root"):
        return low <= Fraction(text) <= high
    polynomial, lower, upper = root_text(text)
    ends = rational(max(low, lower)), rational(min(high, upper))
    return ends[0] <= ends[1] and polynomial.count_roots(*ends) == 1


def moments(d: int, n: int) -> list[Fraction]:
    """E tr S^k for k = 0, …, 4, from the tables of E tr W^k in the literature."""
    W = [
        1,
        n,
        n * (n + d + 1),
        n * (n**2 + 3 * n * d + d**2 + 3 * n + 3 * d + 4),
        n
        * (
            n**3
            + 6 * n**2 * d
            + 6 * n * d**2
            + d**3
            + 6 * n**2
            + 17 * n * d
            + 6 * d**2
            + 21 * n
            + 21 * d
            + 20
        ),
    ]
    return [Fraction(d * m, n**k) for k, m in enumerate(W)]


@pytest.mark.parametrize("covariance", ["", "--covariance 1,1/4,3"])
@pytest.mark.parametrize("looped", ["", "--looped"])
def test_optimum_of_one_layer_with_noise(covariance: str, looped: str) -> None:
    found = answer(f"optimum --dim 3 --context 16 --layers 1 --noise 0.1 {covariance} {looped}")
    assert list(found) == ["steps", "steps_exact", "loss", "loss_exact"]
    task = RegressionTask.whitened(exact.diagonal([1, "1/4", 3]), 16, "1/10")
    step = fmpq(*map(int, found["steps_exact"][0].split("/")))
    # ΣΓ = a I: the layer A = a Σ⁻¹ is the minimiser of the task with its own Σ, not of a whitened one.
    assert task.covariance * single_layer.minimizer(task) == exact.identity(3) * step
    assert found["loss_exact"] == str(single_layer.minimum(task))
    assert len(found["steps"]) == 1
    assert same(found["steps"][0], found["steps_exact"][0])
    assert same(found["loss"], found["loss_exact"])


@given(st.integers(1, 40), st.integers(1, 40), st.sampled_from(["", "--looped"]))
def test_optimum_of_one_layer(d: int, n: int, looped: str) -> None:
    """f = d ((1 − a)² + a² (d + 1)/n), least at a = n/(n + d + 1)."""
    found = answer(f"optimum --dim {d} --context {n} --layers 1 {looped}")
    step = Fraction(n, n + d + 1)
    assert found["steps_exact"] == [str(step)]
    assert Fraction(found["loss_exact"]) == d * ((1 - step) ** 2 + step**2 * Fraction(d + 1, n))
    assert same(found["steps"][0], found["steps_exact"][0])
    assert same(found["loss"], found["loss_exact"])


@settings(max_examples=40)
@given(st.integers(1, 12), st.integers(1, 12))
def test_optimum_of_two_layers(d: int, n: int) -> None:
    """∫ (1 + c_1 s + c_2 s²)² dμ is least where ∫ q s = ∫ q s² = 0; the steps are the roots of a² + c_1 a + c_2."""
    m = moments(d, n)
    determinant = m[2] * m[4] - m[3] ** 2
    c1, c2 = (m[2] * m[3] - m[1] * m[4]) / determinant, (m[1] * m[3] - m[2] ** 2) / determinant
    found = answer(f"optimum --dim {d} --context {n} --layers 2")
    assert Fraction(found["loss_exact"]) == m[0] + c1 * m[1] + c2 * m[2]
    assert same(found["loss"], found["loss_exact"])
    for number, text in zip(found["steps"], found["steps_exact"], strict=True):
        assert holds_the_root(text, *around(number))
        if text.startswith("root"):
            assert root_text(text)[0].monic() == Poly(a**2 + rational(c1) * a + rational(c2), a)
        else:
            assert Fraction(text) ** 2 + c1 * Fraction(text) + c2 == 0
    assert sum(found["steps"]) == pytest.approx(float(-c1), rel=1e-14)


def test_rational_steps_are_written_as_such() -> None:
    """χ²_4/4 has moments 1, 3/2, 3, 15/2, and q = (1 − s)(1 − s/3) is orthogonal to s and s²."""
    found = answer("optimum --dim 1 --context 4 --layers 2")
    assert (found["steps_exact"], found["steps"]) == (["1/3", "1"], [1 / 3, 1.0])
    assert found["loss_exact"] == str(1 - Fraction(4, 3) + Fraction(1, 3) * Fraction(3, 2))
    found = answer("optimum --dim 4 --context 12 --layers 2 --looped")
    assert found["steps_exact"] == ["2/3"]
    assert same(found["loss"], found["loss_exact"])


@settings(max_examples=40)
@given(st.integers(1, 12), st.integers(1, 12))
def test_optimum_of_two_loops(d: int, n: int) -> None:
    """Differentiated and searched for roots by SymPy."""
    m = moments(d, n)
    f = Poly([rational((-1) ** k * math.comb(4, k) * m[k]) for k in (4, 3, 2, 1, 0)], a)
    found = answer(f"optimum --dim {d} --context {n} --layers 2 --looped")
    assert list(found) == ["steps", "steps_exact", "loss", "loss_exact"]
    (number,), (text,) = found["steps"], found["steps_exact"]
    low, high = map(rational, around(number))
    assert f.diff(a).count_roots(low, high) == f.diff(a).count_roots() == 1
    if text.startswith("root"):
        assert f.diff(a).rem(root_text(text)[0]).is_zero
        match = re.fullmatch(r"minimum of (.*) in \[(\S+), (\S+)\]", found["loss_exact"])
        assert match is not None
        assert Poly(sympify(match[1]), a) == f
        assert_is_minimum(f, rational(Fraction(number)), Fraction(match[2]), Fraction(match[3]))
    else:
        assert f.diff(a).eval(sympify(text)) == 0
        assert f.eval(sympify(text)) == sympify(found["loss_exact"])
    assert_is_minimum(f, rational(Fraction(number)), *around(found["loss"]))


def assert_is_minimum(f: Poly, near: Rational, low: Fraction, high: Fraction) -> None:
    """The least value of a convex polynomial is above ``low``, never met, and below ``high``, met near by."""
    assert (f - rational(low)).count_roots() == 0
    assert f.eval(near) <= rational(high)


@pytest.mark.parametrize(("d", "n"), [(1, 1), (3, 2), (5, 20), (40, 100)])
@pytest.mark.parametrize("layers", [3, 7, 30])
def test_optimum_of_many_layers(d: int, n: int, layers: int) -> None:
    found = answer(f"optimum --dim {d} --context {n} --layers {layers}")
    assert list(found) == ["steps", "steps_exact", "loss", "loss_exact"]
    assert len(found["steps"]) == len(found["steps_exact"]) == layers
    assert all(0 < low < high for low, high in pairwise([*found["steps"], math.inf]))
    assert same(found["loss"], found["loss_exact"])
    looped = answer(f"optimum --dim {d} --context {n} --layers {layers} --looped")
    assert len(looped["steps"]) == 1
    assert found["steps"][0] < looped["steps"][0] < found["steps"][-1]
    assert max(d - n, 0) < found["loss"] < looped["loss"]


@pytest.mark.parametrize("line", ["--dim 5 --context 20 --layers 3", "--dim 1 --context 21 --layers 3"])
def test_exact_steps_of_three_layers(line: str) -> None:
    """Every interval holds one root and the float64 beside it is the nearest to it; the second line has 7/5."""
    found = answer(f"optimum {line}")
    assert all(
        holds_the_root(t, *around(x)) for x, t in zip(found["steps"], found["steps_exact"], strict=True)
    )
    assert ("7/5" in found["steps_exact"]) == ("21" in line)
    assert answer(f"optimum {line}") == found


def test_optimum_does_not_depend_on_the_covariance() -> None:
    line = "optimum --dim 3 --context 7 --layers 4"
    assert answer(f"{line} --covariance 1,1/4,9") == answer(line)
    assert answer(f"{line} --covariance 1,1/4,9 --looped") == answer(f"{line} --looped")


def test_optimum_at_sizes_beyond_matrices() -> None:
    found = answer(f"optimum --dim {10**17} --context {10**18 - 1} --layers 5")
    assert len(found["steps"]) == 5
    assert same(found["loss"], found["loss_exact"])


def test_optimum_identity_keeps_the_order() -> None:
    found = answer("optimum --dim 3 --context 16 --layers 1 --task identity --covariance 1/4,1,1/16")
    assert list(found) == [
        "steps", "steps_exact", "preconditioner", "preconditioner_exact", "loss", "loss_exact",
    ]  # fmt: skip
    assert (found["steps"], found["steps_exact"]) == (None, None)
    task = RegressionTask(exact.diagonal(["1/4", 1, "1/16"]), 16)
    gamma = single_layer.minimizer(task)
    assert found["preconditioner_exact"] == [str(gamma[i, i]) for i in range(3)]
    assert all(map(same, found["preconditioner"], found["preconditioner_exact"]))
    assert found["loss_exact"] == str(single_layer.minimum(task))


def test_optimum_reads_decimals_exactly() -> None:
    line = "optimum --dim 2 --context 3 --layers 1 --task identity --noise {} --covariance {}"
    assert answer(line.format("0.1", "0.25,3e-1")) == answer(line.format("1/10", "1/4,3/10"))


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
    ["--dim 200 --context 200 --step 1/2 --loops 17", f"--dim 100 --context 100 --steps {'.7,' * 29}1e-300"],
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
                assert_is_minimum(f, rational(near), *around(decimal))
            else:
                assert holds_the_root(written, *around(decimal))


def test_moment() -> None:
    found = answer("moment 2,1 --dim 3 --context 8")
    assert list(found) == ["powers", "polynomial", "value"]
    assert found["powers"] == [2, 1]
    assert eval(found["polynomial"], {"d": 3, "n": 8}) == found["value"] == 8064
    assert answer("moment 1") == {"powers": [1], "polynomial": "d*n"}
    assert answer("moment 1,2")["polynomial"] == found["polynomial"]


@given(st.lists(st.integers(1, 6), min_size=1, max_size=4), st.integers(1, 10**18 - 1))
def test_moments_in_one_dimension_are_those_of_chi_squared(powers: list[int], n: int) -> None:
    found = answer(f"moment {','.join(map(str, powers))} --dim 1 --context {n}")
    assert found["value"] == math.prod(n + 2 * j for j in range(sum(powers)))
    assert eval(found["polynomial"], {"d": 1, "n": n}) == found["value"]


def test_moments_beyond_symbols() -> None:
    found = answer("moment 151 --dim 1 --context 3")
    assert found == {"powers": [151], "polynomial": None, "value": math.prod(range(3, 305, 2))}
    assert answer("moment 30,30 --dim 1 --context 1")["value"] == math.prod(range(1, 121, 2))


def test_compare_at_the_optimum(tmp_path: Path) -> None:
    """Σ = diag(1, 3), n = 3: Γ = diag(3/8, 3/16) is a float64 matrix, so nothing is left over."""
    path = weights_file(tmp_path, [[0.375, 0.0], [0.0, 0.1875]])
    found = answer(f"compare {path} --dim 2 --context 3 --covariance 1,3 --task identity")
    assert list(found) == [
        "loss", "loss_exact", "minimum", "minimum_exact", "excess", "relative_excess", "distance",
        "distance_bound", "preconditioner", "closed_form", "closed_form_exact", "entry_bounds",
    ]  # fmt: skip
    assert found["loss_exact"] == found["minimum_exact"]
    assert found["excess"] == found["relative_excess"] == found["distance"] == found["distance_bound"] == 0
    assert found["preconditioner"] == found["closed_form"] == [[0.375, 0], [0, 0.1875]]
    assert found["closed_form_exact"] == [["3/8", "0"], ["0", "3/16"]]
    assert found["entry_bounds"] == [[0, 0], [0, 0]]


def test_compare_takes_the_task(tmp_path: Path) -> None:
    """Each option matters: the minimum is that of the task they name."""
    path = weights_file(tmp_path, [[0.5, 0.0], [0.0, 0.5]])
    sigma = exact.diagonal([1, "1/4"])
    for options, task in (
        ("", isotropic(2, 6)),
        ("--covariance 1,0.25", RegressionTask.whitened(sigma, 6)),
        ("--covariance 1,0.25 --task identity", RegressionTask(sigma, 6)),
        ("--covariance 1,0.25 --noise 1/3", RegressionTask.whitened(sigma, 6, "1/3")),
    ):
        found = answer(f"compare {path} --dim 2 --context 6 {options}")
        assert found["minimum_exact"] == str(single_layer.minimum(task))
        loss = single_layer.loss(task, [0, 0, 1], [["-1/2", 0], [0, "-1/2"], [0, 0]])
        assert found["loss_exact"] == str(loss)
        assert same(found["excess"], str(loss - single_layer.minimum(task)))


ALL = "optimum --dim 2 --context 3 --layers 1"

NUMBER = "'{}': must be a finite number such as 0.25, 1/3 or 2e-3, got "
REFUSED = {
    "optimum --context 3 --layers 1": "Missing option '--dim'.",
    "optimum --dim 0 --context 3 --layers 1": "'--dim': must be an integer ≥ 1, got '0'",
    "optimum --dim 2.5 --context 3 --layers 1": "'--dim': must be an integer ≥ 1, got '2.5'",
    "optimum --dim 2 --context -3 --layers 1": "'--context': must be an integer ≥ 1, got '-3'",
    "optimum --dim 201 --context 3 --layers 1 --noise 1": "'--dim': must be at most 200 where d × d",
    "optimum --dim 201 --context 3 --layers 1 --task identity": "matrices are needed, got 201",
    "compare none --dim 201 --context 3": "'--dim': must be at most 200 where d × d matrices are needed",
    f"optimum --dim {10**18} --context 3 --layers 1": "'--dim': must be an integer ≥ 1 below 10^18, got",
    "optimum --dim 2 --context 3 --layers 31": "'--layers': must be an integer from 1 to 30, got 31",
    "optimum --dim 2 --context 3 --layers x --looped": "'--layers': must be an integer ≥ 1, got 'x'",
    "optimum --dim 2 --context 3 --layers 2 --noise 1/2": "'--layers': must be 1 with --noise above 0, got 2",
    "optimum --dim 2 --context 3 --layers 2 --task identity": "'--layers': must be 1 with --task identity,",
    "optimum --dim 2 --context 3 --layers 2 --covariance 1": "must hold one eigenvalue for each of the 2",
    "optimum --dim 2 --context 3 --layers 2 --covariance 1,0": "'--covariance': must hold numbers > 0, got 0",
    "optimum --dim 2 --context 3 --layers 2 --noise -1": "'--noise': must be ≥ 0, got -1",
    f"{ALL} --covariance 1": "'--covariance': must hold one eigenvalue for each of the 2 dimensions",
    f"{ALL} --covariance 1,0": "'--covariance': must hold numbers > 0, got 0",
    f"{ALL} --covariance 1,-1/2": "'--covariance': must hold numbers > 0, got -1/2",
    f"{ALL} --covariance 1,nan": NUMBER.format("--covariance") + "'nan'",
    f"{ALL} --covariance 1,inf": NUMBER.format("--covariance") + "'inf'",
    f"{ALL} --covariance 1,": NUMBER.format("--covariance") + "''",
    f"{ALL} --covariance ''": NUMBER.format("--covariance") + "''",
    f"{ALL} --covariance 1,1/0": NUMBER.format("--covariance") + "'1/0'",
    f"{ALL} --noise -1": "'--noise': must be ≥ 0, got -1",
    f"{ALL} --noise x": NUMBER.format("--noise") + "'x'",
    f"{ALL} --task other": "'--task': 'other' is not one of 'whitened', 'identity'.",
    f"{ALL} --task identity --covariance 1e-320,1e-320 --json": "keep the answer within the range of float64",
    "loss --dim 2 --context 3": "give either --steps a1,a2,… or --step a with --loops T",
    "loss --dim 2 --context 3 --steps 1 --step 1 --loops 1": "give either --steps a1,a2,… or --step a with",
    "loss --dim 2 --context 3 --step 1": "--step needs --loops beside it",
    "loss --dim 2 --context 3 --loops 1": "--loops needs --step beside it",
    "loss --dim 2 --context 3 --steps 1 --step 1": "give either --steps a1,a2,… or --step a with --loops",
    f"loss --dim 2 --context 3 --steps 1{',1' * 100}": "'--steps': must be at most 100 numbers, got 101",
    "loss --dim 2 --context 3 --step 1 --loops 101": "'--loops': must be an integer from 1 to 100, got 101",
    "loss --dim 2 --context 3 --step 1 --loops 0": "'--loops': must be an integer ≥ 1, got '0'",
    "loss --dim 2 --context 3 --steps 1e999999999": "'--steps': must be a finite number such as",
    "loss --dim 2 --context 3 --steps 1e300 --json": "keep the answer within the range of float64",
    f"loss --dim 2 --context 3 --steps {'9' * 5000}": f"got '{'9' * 40}…'",
    "moment 0": "'K1,K2,…': must be an integer ≥ 1, got '0'",
    "moment 2,": "'K1,K2,…': must be an integer ≥ 1, got ''",
    "moment 2,x": "'K1,K2,…': must be an integer ≥ 1, got 'x'",
    "moment 151": "'K1,K2,…': powers must sum to at most 150 where a size is a symbol, got (151,)",
    "moment 25,24": "'K1,K2,…': powers must sum to at most 48 over several powers ≥ 2 where",
    "moment 33,32 --dim 2 --context 3": "'K1,K2,…': powers must sum to at most 64 over several powers",
    "moment 2001 --dim 2 --context 3": "'K1,K2,…': powers[0] must be an integer from 0 to 2000, got 2001",
    "moment 2000 --dim 2 --context 3": "must keep the value below 10^4300, got a longer one",
    "moment 2 --dim 3": "--dim needs --context beside it",
    "moment 2 --context 3": "--context needs --dim beside it",
    "compare none --dim 2 --context 3": "'WEIGHTS': none: no such file",
    "compare . --dim 2 --context 3": "'WEIGHTS': .: is a folder, not a file",
}


@pytest.mark.parametrize("line", list(REFUSED), ids=lambda line: line[:80])
def test_bad_input_is_one_line_and_status_2(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(shlex.split(line)) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert REFUSED[line] in captured.err


@pytest.mark.parametrize("line", [f"{ALL[:-1]} 2 --task identity", f"{ALL[:-1]} 30 --looped --noise 0.1"])
def test_what_is_to_come_is_named(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(line.split()) == 2
    assert "not available yet" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "options", "message"),
    [
        ({}, "--dim 3 --context 3", "must be of dimension 3, that of the task, got 2"),
        ({"loops": 2}, "--dim 3 --context 3", "must be of dimension 3, that of the task, got 2"),
        ({"loops": 6}, "--dim 2 --context 3", "must be of at most 5 layers, got 6"),
    ],
)
def test_compare_refuses_weights_that_do_not_fit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], more: dict[str, int], options: str, message: str
) -> None:
    path = weights_file(tmp_path, [[1.0, 0.0], [0.0, 1.0]], **more)
    assert cli.run(["compare", str(path), *options.split()]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_compare_refuses_weights_beyond_float64(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "weights.safetensors"
    save(path, Weights(*torch.full((2, 1, 3, 3), 1e200, dtype=torch.float64)))
    assert cli.run(["compare", str(path), "--dim", "2", "--context", "3"]) == 2
    error = capsys.readouterr().err
    assert "'WEIGHTS': numbers must keep the answer within the range of float64" in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("command", COMMANDS)
def test_the_example_in_the_help_runs(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    help_text = CliRunner().invoke(cli.group, [command, "--help"]).output
    examples = re.findall(r"Example: icl-claims (.*?)\n\n", help_text, re.DOTALL)
    assert len(examples) == 1
    weights_file(tmp_path, torch.eye(3).tolist())
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(cli.group, shlex.split(examples[0]), catch_exceptions=False)
    assert result.exit_code == 0, result.output


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


def test_matrices_in_text(tmp_path: Path) -> None:
    """One row a line, columns aligned at the point, six digits; bounds are rounded up."""
    path = weights_file(tmp_path, [[0.5, 1e-3], [-30.0, 0.25]])
    result = CliRunner().invoke(cli.group, shlex.split(f"compare {path} --dim 2 --context 3"))
    rows = result.output.splitlines()
    at = next(i for i, row in enumerate(rows) if row.startswith("preconditioner"))
    assert [row[17:] for row in rows[at : at + 2]] == ["0.5         -30", "0.00100000    0.25"]
    found = answer(f"compare {path} --dim 2 --context 3")
    bounds = [Fraction(x) for row in rows[at + 4 : at + 6] for x in row[17:].split()]
    exactly = [Fraction(x) for row in found["entry_bounds"] for x in row]
    assert all(exactly[i] <= bounds[i] <= exactly[i] * (1 + Fraction(1, 10**5)) for i in range(4))


def test_a_process_of_its_own_with_light_imports() -> None:
    """As installed: standard output is JSON alone; optimum, loss and moment need flint and click alone."""
    program = (
        "import sys\n"
        "from icl_claims.claims.cli import run\n"
        "for line in sys.argv[1:]:\n"
        "    assert run([*line.split(), '--json']) == 0\n"
        "sys.exit(' '.join({'torch', 'sympy', 'numpy'} & sys.modules.keys()) or 0)\n"
    )
    lines = ["optimum --dim 2 --context 3 --layers 2", "loss --dim 2 --context 3 --steps 1", "moment 2"]
    root = ROOT
    done = subprocess.run(
        [sys.executable, "-c", program, *lines], cwd=root, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    decoder, rest, answers = json.JSONDecoder(), done.stdout.strip(), []
    while rest:
        value, end = decoder.raw_decode(rest)
        answers.append(value)
        rest = rest[end:].strip()
    assert [sorted(a)[0] for a in answers] == ["loss", "loss", "polynomial"]
