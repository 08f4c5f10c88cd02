"""``compare``: trained weights beside the closed form, and the files it refuses."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import torch

from icl_claims.claims import cli
from icl_claims.claims.calculators import commands
from icl_claims.models.attention import LinearTransformer
from icl_claims.models.files import save
from icl_claims.models.parametrizations import relaxed
from icl_claims.models.weights import Weights
from icl_claims.theory.algebra import exact
from icl_claims.theory.one_layer import single_layer
from icl_claims.theory.task import RegressionTask
from tests import ROOT
from tests.shared.command_line import answer, refusal, same


def weights_file(directory: Path, A: list[list[float]], **more: Any) -> Path:
    path = directory / "weights.safetensors"
    model = LinearTransformer.from_preconditioners(torch.tensor([A], dtype=torch.float64), **more)
    save(path, Weights(*model.weights()))
    return path


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
        ("--covariance 1,0.25 --task-covariance 3,1/2", RegressionTask(sigma, 6, exact.diagonal([3, "1/2"]))),
        ("--covariance 1,0.25 --noise 1/3", RegressionTask.whitened(sigma, 6, "1/3")),
    ):
        found = answer(f"compare {path} --dim 2 --context 6 {options}")
        assert found["minimum_exact"] == str(single_layer.minimum(task))
        loss = single_layer.loss(task, [0, 0, 1], [["-1/2", 0], [0, "-1/2"], [0, 0]])
        assert found["loss_exact"] == str(loss)
        assert same(found["excess"], str(loss - single_layer.minimum(task)))


def test_compare_reads_the_covariances_of_a_log(tmp_path: Path) -> None:
    """Σ and Ω of a run, as its log has them; for Ω = Σ⁻¹ the same as the whitened task."""
    path = weights_file(tmp_path, [[0.5, 0.0], [0.25, 0.5]])
    log = tmp_path / "log.json"
    task = {"covariance": [["1", "1/2"], ["1/2", "1"]], "task_covariance": [["4/3", "-2/3"], ["-2/3", "4/3"]]}
    log.write_text(json.dumps({"task": task}), encoding="utf-8")
    line = f"compare {path} --dim 2 --context 6 --covariance-file {log}"
    found = answer(line)
    assert found == answer(f"{line} --task-covariance-file {log}")
    assert found["minimum_exact"] == str(single_layer.minimum(RegressionTask.whitened(task["covariance"], 6)))


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


def test_nothing_is_relative_to_a_minimum_of_0(tmp_path: Path) -> None:
    """Labels of noise alone: the best prediction is 0, and has no error."""
    path = weights_file(tmp_path, [[0.5, 0.0], [0.0, 0.5]])
    found = answer(f"compare {path} --dim 2 --context 6 --task-covariance 0,0 --noise 1")
    assert (found["minimum"], found["relative_excess"]) == (0, None)
    assert found["excess"] == found["loss"] > 0


@pytest.mark.parametrize(
    "options", ["--task identity --covariance 1,2", "--noise 1", "--task-covariance 1,2"]
)
def test_several_layers_need_the_whitened_task(
    tmp_path: Path, options: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = weights_file(tmp_path, [[1.0, 0.0], [0.0, 1.0]], loops=2)
    message = "several layers need the whitened task and --noise 0"
    assert message in refusal(f"compare {path} --dim 2 --context 3 {options}", capsys)


def test_what_is_no_file_is_refused_before_torch_is_imported() -> None:
    program = (
        "import sys\n"
        "from icl_claims.claims.cli import run\n"
        "assert run(['compare', '.', '--dim', '2', '--context', '3']) == 2\n"
        "assert run(['compare', 'none', '--dim', '2', '--context', '3']) == 2\n"
        "sys.exit('torch' in sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.splitlines() == [
        "Error: Invalid value for 'WEIGHTS': .: a folder, where a file is needed",
        "Error: Invalid value for 'WEIGHTS': none: no such file",
    ]


def test_distances_and_bounds_are_roots(tmp_path: Path) -> None:
    """Σ = I, n = 5: Γ = 5/8 I, and E = (0, −4; 3, 0) is all that the loss pays for: the bound 5 is attained."""
    path = weights_file(tmp_path, [[0.625, 3.0], [-4.0, 0.625]])
    found = answer(f"compare {path} --dim 2 --context 5")
    assert found["distance"] == 5
    for bound in (found["distance_bound"], *found["entry_bounds"][0], *found["entry_bounds"][1]):
        assert bound in (5, math.nextafter(5, 6))
    assert found["relative_excess"] == float(Fraction(found["excess"]) / Fraction(found["minimum_exact"]))


def layers_file(directory: Path, A: list[float], B: list[float]) -> Path:
    """Layers with the multiples A_l and B_l of I, d = 2."""
    path = directory / "layers.safetensors"
    one = torch.eye(2, dtype=torch.float64)
    save(path, Weights(*relaxed(torch.stack([-a * one for a in A]), torch.stack([b * one for b in B]))))
    return path


def test_a_layer_of_zeros_is_no_multiple_of_the_identity(tmp_path: Path) -> None:
    path = layers_file(tmp_path, [0.5, 0.0], [0.0])
    found = answer(f"compare {path} --dim 2 --context 5")
    assert (found["steps"], found["dist"], found["dist_raw"]) == ([0.5, 0], None, None)


def test_a_factor_of_zero_is_a_multiple_of_the_identity(tmp_path: Path) -> None:
    """The covariates move in the second layer alone: so there is no exact loss, and all factors but the last."""
    path = layers_file(tmp_path, [0.5, 0.5, 0.5], [0.0, 0.25, 7.0])
    found = answer(f"compare {path} --dim 2 --context 5")
    assert (found["loss"], found["factors"], found["dist_factors"]) == (None, [0, 0.25], [0, 0])


def test_the_largest_weights_are_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The limit, lowered."""
    monkeypatch.setattr(commands, "LARGEST_COMPARED", 2)
    path = weights_file(tmp_path, [[1.0, 0.0], [0.0, 1.0]])
    assert answer(f"compare {path} --dim 2 --context 3")["loss"] > 0
    assert "'--dim': must be at most 2 where" in refusal(f"compare {path} --dim 3 --context 3", capsys)


def test_large_weights_are_refused_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = weights_file(tmp_path, [[1.0]])
    message = "'--dim': must be at most 200 where d × d matrices are needed, got 201"
    assert message in refusal(f"compare {path} --dim 201 --context 3", capsys)
