"""The commands as a whole: their help, what they import, and what every one of them refuses."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from icl_claims.claims import cli
from icl_claims.claims.calculators import loss
from icl_claims.claims.calculators.commands import LARGEST_FLOW, MOST_LOOPS, MOST_POINTS
from icl_claims.claims.calculators.flow import MOST_LOOPS_FOR_LEVEL
from icl_claims.models.attention import LinearTransformer
from icl_claims.models.files import save
from icl_claims.models.weights import Weights
from icl_claims.theory.many_layers import descent_on_any_task
from icl_claims.theory.wishart import partitions, recurrence
from tests import ROOT
from tests.shared.command_line import refusal

COMMANDS = ["optimum", "loss", "moment", "compare", "flow"]

ALL = "optimum --dim 2 --context 3 --layers 1"
NUMBER = "'{}': must be a finite number such as 0.25, 1/3 or 2e-3, got "
REFUSED = {
    "optimum --context 3 --layers 1": "Missing option '--dim'.",
    "optimum --dim 0 --context 3 --layers 1": "'--dim': must be an integer ≥ 1, got '0'",
    "optimum --dim 2 --context -3 --layers 1": "'--context': must be an integer ≥ 1, got '-3'",
    f"optimum --dim {10**18} --context 3 --layers 1": "'--dim': must be an integer ≥ 1 below 10^18, got",
    "optimum --dim 2 --context 3 --layers x --looped": "'--layers': must be an integer ≥ 1, got 'x'",
    f"{ALL} --covariance 1": "'--covariance': must hold one eigenvalue for each of the 2 dimensions",
    f"{ALL} --covariance 1,0": "'--covariance': must hold numbers > 0 where Ω = Σ⁻¹ (see --task), got 0",
    f"{ALL} --covariance 1,-1/2": "'--covariance': must hold numbers ≥ 0, got -1/2",
    f"{ALL} --covariance 1,nan": NUMBER.format("--covariance") + "'nan'",
    f"{ALL} --covariance ''": NUMBER.format("--covariance") + "''",
    f"{ALL} --covariance 1,1/0": NUMBER.format("--covariance") + "'1/0'",
    f"{ALL} --noise -1": "'--noise': must be ≥ 0, got -1",
    f"{ALL} --noise x": NUMBER.format("--noise") + "'x'",
    f"{ALL} --task other": "'--task': 'other' is not one of 'whitened', 'identity'.",
    f"{ALL} --task identity --covariance 1e-320,1e-320 --json": "got one above 1.7e308",
    f"{ALL} --task identity --task-covariance 1,1": "give at most one of --task, --task-covariance, --task-cov",
    f"{ALL} --covariance-file none.npy": "'--covariance-file': none.npy: no such file",
    "loss --dim 2 --context 3 --steps 1e999999999": NUMBER.format("--steps"),
    "loss --dim 2 --context 3 --steps 1e300 --json": "keep the answer within the range of float64",
    f"loss --dim 2 --context 3 --steps {'9' * 5000}": f"got '{'9' * 40}…'",
    "loss --dim 2 --context 3 --steps 1 --noise -1": "'--noise': must be ≥ 0, got -1",
    "compare none --dim 2 --context 3": "'WEIGHTS': none: no such file",
    "compare . --dim 2 --context 3": "'WEIGHTS': .: a folder, where a file is needed",
    "compare": "Missing argument 'WEIGHTS'.",
    "flow --dim 2 --context 3 --loops 2 --level 2": "'--level': must be between 0 and the dim, 2, got 2",
    "flow --dim 2 --context 3 --loops 2 --level 0": "'--level': must be between 0 and the dim, 2, got 0",
    "flow --dim 2 --context 3 --loops 11 --level 1": "'--loops': must be an integer from 1 to 10, got '11'",
    "flow --dim 1001 --context 3 --loops 2 --level 1": "'--dim': must be at most 1000, got 1001",
    "flow --dim 2 --context 3 --loops 2": "Missing option '--level'.",
}


@pytest.mark.parametrize("line", list(REFUSED), ids=lambda line: line[:80])
def test_bad_input_is_one_line_and_status_2(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert REFUSED[line] in refusal(line, capsys)


def help_of(command: str) -> str:
    return " ".join(CliRunner().invoke(cli.group, [command, "--help"]).output.split())


@pytest.mark.parametrize("command", COMMANDS)
def test_the_example_in_the_help_runs(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    help_text = CliRunner().invoke(cli.group, [command, "--help"]).output
    examples = re.findall(r"Example: icl-claims (.*?)\n\n", help_text, re.DOTALL)
    assert len(examples) == 1
    weights = LinearTransformer.from_preconditioners(torch.eye(3, dtype=torch.float64)[None]).weights()
    save(tmp_path / "weights.safetensors", Weights(*weights))
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(cli.group, shlex.split(examples[0]), catch_exceptions=False)
    assert result.exit_code == 0, result.output


def test_the_help_states_the_limits_that_hold() -> None:
    assert (
        f"may sum to {recurrence.LARGEST_SYMBOLIC_ORDER} for the polynomial and {recurrence.LARGEST_ORDER} for the "
        in (help_of("moment"))
    )
    limits = f"to {partitions.LARGEST_SYMBOLIC_DEGREE} and {partitions.LARGEST_DEGREE}."
    assert f"several powers above 1, {limits}" in help_of("moment")
    assert f"there may be up to {descent_on_any_task.MOST_PLAIN_STEPS} steps" in help_of("loss")
    assert f"up to {LARGEST_FLOW}" in help_of("flow")
    assert f"at most {MOST_POINTS}" in help_of("flow")
    assert f"from 1 to {MOST_LOOPS}" in help_of("flow")
    assert f"above {MOST_LOOPS_FOR_LEVEL} loops" in help_of("flow")
    for line in ("per_prompt_std", "squared_error_std", "prompts_for_1_percent"):
        assert line in help_of("loss")
        assert line in loss.SAMPLING


def test_a_process_of_its_own_with_light_imports(tmp_path: Path) -> None:
    """As installed: standard output is JSON alone; each command imports no more than it needs."""
    np.save(tmp_path / "sigma.npy", np.array([[2.0, 1.0], [1.0, 2.0]]))
    light = [
        "optimum --dim 2 --context 3 --layers 2",
        "optimum --dim 2 --context 3 --layers 2 --looped",
        "loss --dim 2 --context 3 --steps 1",
        "loss --dim 2 --context 3 --steps 1,1/2 --preconditioner identity --covariance 1,2 --noise 1",
        "moment 2",
        "flow --dim 2 --context 9 --loops 2 --level 1",
    ]
    sigma = f"--covariance-file {tmp_path / 'sigma.npy'}"
    for lines, loaded in (
        (light, set()),
        (["optimum --dim 2 --context 3 --layers 1 --noise 1"], {"sympy"}),
        ([f"loss --dim 2 --context 3 --steps 1 {sigma} --preconditioner identity"], {"numpy"}),
    ):
        assert loaded_by(lines) == loaded


def loaded_by(lines: list[str]) -> set[str]:
    """Which large packages a process that runs these lines has imported."""
    program = (
        "import sys\n"
        "from icl_claims.claims.cli import run\n"
        "for line in sys.argv[1:]:\n"
        "    assert run([*line.split(), '--json']) == 0\n"
        "print(' '.join({'torch', 'sympy', 'numpy'} & sys.modules.keys()), file=sys.stderr)\n"
    )
    done = run_python(program, *lines)
    decoder, rest, answers = json.JSONDecoder(), done.stdout.strip(), []
    while rest:
        value, end = decoder.raw_decode(rest)
        answers.append(value)
        rest = rest[end:].strip()
    assert len(answers) == len(lines)
    return set(done.stderr.split())


def run_python(program: str, *arguments: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done


def test_help_of_the_group_loads_no_mathematics() -> None:
    program = (
        "import sys\n"
        "from icl_claims.claims.cli import run\n"
        "assert run(['--help']) == 0\n"
        "sys.exit(' '.join({'torch', 'sympy', 'numpy', 'flint'} & sys.modules.keys()) or 0)\n"
    )
    assert "optimum" in run_python(program).stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_loads_no_large_package(command: str) -> None:
    program = (
        "import sys\n"
        "from icl_claims.claims.cli import run\n"
        f"assert run(['{command}', '--help']) == 0\n"
        "sys.exit(' '.join({'torch', 'sympy', 'numpy'} & sys.modules.keys()) or 0)\n"
    )
    assert "Example:" in run_python(program).stdout
