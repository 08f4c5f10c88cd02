"""The calculators as their users meet them: answers, keys, refusals, examples."""

from __future__ import annotations

import json
import math
import re
import shlex
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner
from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st

from claims import calculators, cli
from models.attention import LinearTransformer
from models.weights import Weights, save
from theory import estimators, exact, single_layer
from theory.task import RegressionTask

COMMANDS = ["optimum", "loss", "moment", "compare"]


def answer(line: str) -> Any:
    """What ``icl-claims <line> --json`` writes."""
    result = CliRunner().invoke(cli.group, [*shlex.split(line), "--json"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def weights_file(directory: Path, A: list[list[float]], **more: Any) -> Path:
    path = directory / "weights.safetensors"
    model = LinearTransformer.from_preconditioners(torch.tensor([A], dtype=torch.float64), **more)
    save(path, Weights(*model.weights()))
    return path


def same(number: float, text: str) -> bool:
    """Whether a float is the nearest one to an exact number."""
    return number == float(Fraction(text))


@pytest.mark.parametrize("covariance", ["", "--covariance 1,1/4,3"])
@pytest.mark.parametrize("looped", ["", "--looped"])
def test_optimum_whitened(covariance: str, looped: str) -> None:
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


def test_optimum_identity_keeps_the_order() -> None:
    found = answer("optimum --dim 3 --context 16 --layers 1 --task identity --covariance 1/4,1,1/16")
    assert (found["steps"], found["steps_exact"]) == (None, None)
    task = RegressionTask(exact.diagonal(["1/4", 1, "1/16"]), 16)
    gamma = single_layer.minimizer(task)
    assert found["preconditioner_exact"] == [str(gamma[i, i]) for i in range(3)]
    assert all(map(same, found["preconditioner"], found["preconditioner_exact"]))
    assert found["loss_exact"] == str(single_layer.minimum(task))


def test_optimum_reads_decimals_exactly() -> None:
    line = "optimum --dim 2 --context 3 --layers 1 --task identity --noise {} --covariance {}"
    assert answer(line.format("0.1", "0.25,3e-1")) == answer(line.format("1/10", "1/4,3/10"))


@given(st.integers(1, 9), st.integers(1, 9), st.fractions(-3, 3, max_denominator=20))
def test_loss(d: int, n: int, step: Fraction) -> None:
    found = answer(f"loss --dim {d} --context {n} --steps {step}")
    assert list(found) == [
        "loss", "loss_exact", "per_prompt_std", "squared_error_std", "prompts_for_1_percent",
    ]  # fmt: skip
    a = [fmpq(step.numerator, step.denominator)]
    mean = estimators.loss(a, d, n)
    assert found["loss_exact"] == str(mean)
    assert same(found["loss"], str(mean))
    per_prompt, squared_error = (
        estimators.context_variance(a, d, n),
        estimators.squared_error_variance(a, d, n),
    )
    for key, variance in (("per_prompt_std", per_prompt), ("squared_error_std", squared_error)):
        root = exact.rational(key, found[key])
        above, below = (exact.rational(key, math.nextafter(found[key], end)) for end in (math.inf, 0))
        assert ((below + root) / 2) ** 2 <= variance <= ((root + above) / 2) ** 2
    prompts = found["prompts_for_1_percent"]
    # The relative standard error after N prompts is (V/N)^{1/2}/f: the least N ≥ 1 that makes it ≤ 1/100.
    assert per_prompt / prompts <= (mean / 100) ** 2
    assert prompts == 1 or per_prompt / (prompts - 1) > (mean / 100) ** 2


def test_loops_are_equal_steps() -> None:
    assert answer("loss --dim 2 --context 5 --step 0.5 --loops 2") == answer(
        "loss --dim 2 --context 5 --steps 1/2,1/2"
    )
    assert answer("loss --dim 2 --context 5 --steps -1/2")["loss"] > 2


def test_the_optimal_step_has_the_optimal_loss() -> None:
    best = answer("optimum --dim 4 --context 9 --layers 1")
    there = answer(f"loss --dim 4 --context 9 --steps {best['steps_exact'][0]}")
    assert there["loss_exact"] == best["loss_exact"]


def test_moment() -> None:
    found = answer("moment 2,1 --dim 3 --context 8")
    assert list(found) == ["powers", "polynomial", "value"]
    assert found["powers"] == [2, 1]
    assert eval(found["polynomial"], {"d": 3, "n": 8}) == found["value"] == 8064
    assert answer("moment 1") == {"powers": [1], "polynomial": "d*n"}
    assert answer("moment 1,2")["polynomial"] == found["polynomial"]


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
        ("", RegressionTask.isotropic(2, 6)),
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
    "optimum --dim 201 --context 3 --layers 1": "'--dim': must be at most 200, got 201",
    "optimum --dim 2 --context 3 --layers 2": "'--layers': must be 1, got 2: more layers are",
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
    f"{ALL} --task identity --covariance 1e-320,1e-320": "keep the answer within the range of float64",
    "loss --dim 2 --context 3": "give either --steps a1,a2,… or --step a with --loops T",
    "loss --dim 2 --context 3 --steps 1 --step 1 --loops 1": "give either --steps a1,a2,… or --step a with",
    "loss --dim 2 --context 3 --step 1": "--step needs --loops beside it",
    "loss --dim 2 --context 3 --loops 1": "--loops needs --step beside it",
    "loss --dim 2 --context 3 --steps 1,1,1,1": "'--steps': must be at most 3 steps, got 4",
    "loss --dim 2 --context 3 --step 1 --loops 9": "'--loops': must be at most 3 steps, got 9: more are",
    "loss --dim 2 --context 3 --steps 1e999999999": "'--steps': must be a finite number such as",
    "loss --dim 2 --context 3 --steps 1e300": "keep the answer within the range of float64",
    f"loss --dim 2 --context 3 --steps {'9' * 5000}": f"got '{'9' * 40}…'",
    "moment 0": "'K1,K2,…': must be an integer ≥ 1, got '0'",
    "moment 2,": "'K1,K2,…': must be an integer ≥ 1, got ''",
    "moment 2,x": "'K1,K2,…': must be an integer ≥ 1, got 'x'",
    "moment 12,1": "'K1,K2,…': must add up to at most 12, got 13: more is not available yet",
    "moment 2 --dim 3": "--dim needs --context beside it",
    "moment 2 --context 3": "--context needs --dim beside it",
    "compare none --dim 2 --context 3": "'WEIGHTS': none must be a safetensors file, got no such file",
    "compare . --dim 2 --context 3": "'WEIGHTS': . must be a safetensors file, got no such file",
}


@pytest.mark.parametrize("line", list(REFUSED), ids=lambda line: line[:80])
def test_bad_input_is_one_line_and_status_2(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(shlex.split(line)) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert REFUSED[line] in captured.err


@pytest.mark.parametrize(
    "line", [f"{ALL[:-1]} 2", "loss --dim 1 --context 1 --step 1 --loops 4", "moment 13"]
)
def test_what_is_to_come_is_named(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(line.split()) == 2
    assert "not available yet" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "options", "message"),
    [
        ({}, "--dim 3 --context 3", "must be of dimension 3, that of the task, got 2"),
        ({"loops": 2}, "--dim 2 --context 3", "not available yet for more than one layer"),
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
    result = CliRunner().invoke(cli.group, shlex.split("loss --dim 2 --context 5 --steps 5/8"))
    assert result.output.splitlines()[0].split() == ["loss", "0.75", "=", "3/4"]
    line = "optimum --dim 2 --context 3 --layers 1 --task identity --covariance 1,3"
    result = CliRunner().invoke(cli.group, shlex.split(line))
    assert result.output.splitlines()[0].split(maxsplit=1) == [
        "preconditioner",
        "0.375, 0.1875  = 3/8, 3/16",
    ]


def test_a_process_of_its_own_without_torch() -> None:
    """As installed: standard output is JSON alone; optimum, loss and moment leave torch out."""
    program = (
        "import sys\n"
        "from claims.cli import run\n"
        "for line in sys.argv[1:]:\n"
        "    assert run([*line.split(), '--json']) == 0\n"
        "sys.exit('torch' in sys.modules)\n"
    )
    lines = ["optimum --dim 2 --context 3 --layers 1", "loss --dim 2 --context 3 --steps 1", "moment 2"]
    root = Path(calculators.__file__).parent.parent
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
