"""``compare``: trained weights beside the closed form, and the files it refuses."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from safetensors.torch import save_file

from icl_claims.claims import cli
from icl_claims.claims.calculators import commands, comparison
from icl_claims.models.attention import LinearTransformer
from icl_claims.models.files import read, save
from icl_claims.models.other_readings import LARGEST_DIMS
from icl_claims.models.parametrizations import relaxed
from icl_claims.models.weights import Weights
from icl_claims.numerics.decimals import decimal
from icl_claims.theory.algebra import exact
from icl_claims.theory.algebra.algebraic import number
from icl_claims.theory.algebra.validation import rational
from icl_claims.theory.many_layers.matrix_layers import MOST_LAYERS
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
        "distance_bound", "preconditioner", "closed_form", "closed_form_exact", "entry_bounds", "notes",
    ]  # fmt: skip
    assert found["loss_exact"] == found["minimum_exact"]
    assert found["excess"] == found["relative_excess"] == found["distance"] == found["distance_bound"] == 0
    assert found["preconditioner"] == found["closed_form"] == [[0.375, 0], [0, 0.1875]]
    assert found["closed_form_exact"] == [["3/8", "0"], ["0", "3/16"]]
    assert found["entry_bounds"] == [[0, 0], [0, 0]]
    assert found["notes"] == []


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


TASK = "--dim 5 --context 20"


def notebook_file(
    path: Path, seeds: int, steps: tuple[float, ...] = (0.4224, 0.6891, 1.7142), **more: Any
) -> Path:
    """As the notebooks of Ahn et al. save their runs: A_l = a_l Σ⁻¹ for Σ = U D² Uᵀ, in float32; B_l = 0."""
    generator = torch.Generator().manual_seed(0)
    hist, Us, Ds = {}, {}, {}
    for seed in range(seeds):
        U = torch.linalg.svd(torch.rand((5, 5), generator=generator) * 2 - 1)[0]
        D = torch.diag(torch.tensor([1, 1, 1 / 2, 1 / 4, 1]))
        inverse = U @ torch.linalg.inv(D @ D) @ U.T
        trained = torch.zeros(len(steps), 1, 2, 5, 5)
        trained[:, 0, 1] = torch.stack([-a * inverse for a in steps])
        hist[(seed,)] = [torch.zeros_like(trained), trained / 2, trained]
        Us[(seed,)], Ds[(seed,)] = U, D
    torch.save({"hist_dict": hist, "U_dict": Us, "D_dict": Ds, **more}, path)
    return path


def test_a_history_as_the_authors_save_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Σ comes from the file: float32 leaves the loss within a millionth of the minimum. Each seed has its own Σ."""
    path = notebook_file(tmp_path / "w.pth", 2)
    assert "seed must be one of 0, 1, got none: choose one by --seed" in refusal(
        f"compare {path} {TASK}", capsys
    )
    assert "w.pth: seed must be one of 0, 1, got 2" in refusal(f"compare {path} {TASK} --seed 2", capsys)
    for seed in (0, 1):
        found = answer(f"compare {path} {TASK} --seed {seed}")
        assert found["minimum_exact"] == "12138645/90852389"
        assert 0 < found["relative_excess"] < 1e-6
        assert found["notes"] == [
            "Σ = U D² Uᵀ, of the U and D in the file.",
            f"Of the runs by seed (0, 1), number {seed} was read.",
            "Of the 3 entries of the history, number 2, the last, was read.",
        ]
    start = answer(f"compare {path} {TASK} --seed 1 --snapshot 0")
    assert start["loss_exact"] == "5"
    assert "number 0 was read" in start["notes"][2]
    assert "snapshot must be from 0 to 2, got 3" in refusal(
        f"compare {path} {TASK} --seed 1 --snapshot 3", capsys
    )


def test_an_option_for_the_covariance_counts_before_the_file(tmp_path: Path) -> None:
    """Then the weights are far, and what they suggest is the Σ of the file."""
    path = notebook_file(tmp_path / "w.pth", 1)
    found = answer(f"compare {path} {TASK} --covariance 1,1,1,1,1")
    own, _, _, far, near = found["notes"]
    assert own == "The file's own Σ = U D² Uᵀ was not used, as Σ is given."
    assert found["loss"] > 1e6
    assert far == f"The loss is {found['loss']:.5e}, more than twice the minimum 0.133608.".replace(
        "e+0", "e+"
    )
    assert near == (
        "With Σ̂ and Ω = Σ̂⁻¹ the loss would be 0.133608, the minimum being 0.133608. Σ̂ is what the weights suggest "
        "for Σ; its eigenvalues are about 0.0625, 0.25, 1, 1, 1."
    )
    rows = tmp_path / "rows.csv"
    rows.write_text(
        "\n".join(",".join("1" if i == j else "0" for j in range(5)) for i in range(5)), encoding="utf-8"
    )
    assert answer(f"compare {path} {TASK} --covariance-file {rows}") == found


def test_the_covariance_of_a_file_goes_with_the_other_options(tmp_path: Path) -> None:
    path = notebook_file(tmp_path / "w.pth", 1, (0.75,))
    exactly = RegressionTask(read(path).covariance, 20, None, "1/3")
    found = answer(f"compare {path} {TASK} --task identity --noise 1/3")
    assert found["minimum_exact"] == str(single_layer.minimum(exactly))


@pytest.mark.parametrize(
    ("U", "message"),
    [
        (torch.eye(3), "U and D must be of dimension 2, that of the task, got 3"),
        (torch.zeros(2, 2), "U and D must be invertible where no option gives Σ, got a singular one"),
    ],
)
def test_a_covariance_of_a_file_that_does_not_fit(
    tmp_path: Path, U: torch.Tensor, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "w.pth"
    torch.save({"hist": [torch.ones(1, 1, 2, 2, 2)], "U": U, "D": torch.eye(len(U))}, path)
    assert f"'WEIGHTS': {message}" in refusal(f"compare {path} --dim 2 --context 3", capsys)
    assert answer(f"compare {path} --dim 2 --context 3 --covariance 1,1")["loss"] > 0


def test_notes_stand_below_the_answer(tmp_path: Path) -> None:
    path = weights_file(tmp_path, [[-0.625, 0.0], [0.0, -0.625]])
    result = CliRunner().invoke(cli.group, ["compare", str(path), "--dim", "2", "--context", "5"])
    *_, last, empty, far, near = result.output.splitlines()
    assert last.startswith(" " * len("preconditioner"))
    assert (empty, far) == ("", "The loss is 5.75, more than twice the minimum 0.75.")
    assert near == "With −Q_l in the place of Q_l the loss would be 0.75, the minimum being 0.75."


def test_what_the_weights_of_one_layer_suggest_is_no_proof(tmp_path: Path) -> None:
    path = weights_file(tmp_path, [[64.0, 0.0], [0.0, 16.0]])
    (far, *near) = answer(f"compare {path} --dim 2 --context 5")["notes"]
    assert far.endswith("more than twice the minimum 0.75.")
    assert len(near) == 2
    for said in near:
        assert said.endswith(". Any positive definite preconditioner of one layer is optimal for some Σ.")


def test_what_was_tried_in_vain_is_named(tmp_path: Path) -> None:
    path = layers_file(tmp_path, [0.0, 100.0], [0.0])
    (said,) = answer(f"compare {path} --dim 2 --context 5")["notes"]
    assert said.endswith("It is not near the minimum either with −Q_l in the place of Q_l; Σ̂ and Ω = Σ̂⁻¹.")


def test_with_covariate_updates_the_notes_are_on_the_projected_loss(tmp_path: Path) -> None:
    path = layers_file(tmp_path, [-0.5, -1.0], [0.125])
    found = answer(f"compare {path} --dim 2 --context 5")
    which = "loss at the nearest A_l = a_l Σ⁻¹, B_l = b_l I"
    far, near = found["notes"]
    assert far.startswith(
        f"The {which} is {decimal(number(rational('loss', found['projected_loss'])), 6)}, more than twice"
    )
    assert near.startswith(f"With −Q_l in the place of Q_l the {which} would be 0.")


def test_other_readings_are_tried_up_to_a_dimension(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit, lowered: of one layer, and of two."""
    one = weights_file(tmp_path, [[-2.0, 0.0], [0.0, -2.0]])
    two = layers_file(tmp_path, [-0.5, -1.0], [0.0])
    for most, tried in (((1, 2), (False, True)), ((2, 1), (True, False))):
        monkeypatch.setattr(comparison, "LARGEST_DIMS", most)
        for path, is_tried in zip((one, two), tried, strict=True):
            said = " ".join(answer(f"compare {path} --dim 2 --context 5")["notes"])
            assert said.endswith(" Other readings are tried up to dimension 1 only.") != is_tried
            assert ("−Q_l in the place of Q_l" in said) == is_tried


def test_there_is_a_limit_for_each_number_of_layers() -> None:
    assert len(LARGEST_DIMS) == MOST_LAYERS


@pytest.mark.parametrize("name", ["w.pt", "w.npz", "w.npy", "w.safetensors"])
def test_what_holds_no_weights_is_one_line(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Empty, text, cut short."""
    path = tmp_path / name
    for data in (b"", b"text", b"PK\x03\x04", b"\x93NUMPY\x01"):
        path.write_bytes(data)
        assert f"'WEIGHTS': {path}: " in refusal(f"compare {path} --dim 2 --context 3", capsys)


def test_a_module_as_a_whole_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "w.pt"
    torch.save(LinearTransformer.from_preconditioners(torch.eye(2)[None]), path)
    message = refusal(f"compare {path} --dim 2 --context 3", capsys)
    assert message.endswith("write the tensors alone, by torch.save(model.state_dict(), PATH)\n")
    assert "holds a pickled icl_claims.models.attention.LinearTransformer, which is code" in message


def test_what_people_hold_gives_one_answer(tmp_path: Path) -> None:
    """The same two layers as a state dict, in a checkpoint, as arrays and as factors."""
    A = torch.tensor([[[0.5, 0.25], [0.0, 1.0]], [[1.0, 0.0], [0.5, 0.5]]], dtype=torch.float64)
    model = LinearTransformer.from_preconditioners(A)
    P, Q = model.weights()
    state = {f"_orig_mod.module.{name}": value for name, value in model.state_dict().items()}
    torch.save(model.state_dict(), tmp_path / "bare.pt")
    torch.save({"epoch": 3, "model_state_dict": state}, tmp_path / "checkpoint.pth")
    torch.save({"P": P, "W_K": 2 * torch.eye(3).expand(2, 3, 3), "W_Q": Q / 2}, tmp_path / "factors.pt")
    np.savez(tmp_path / "w.npz", A=A.numpy())
    np.savez(tmp_path / "pq.npz", P=P.numpy(), Q=Q.numpy())
    save_file({"A": -A, "B": torch.zeros_like(A)}, tmp_path / "relaxed.safetensors")
    save(tmp_path / "w.safetensors", Weights(P, Q))
    line = "--dim 2 --context 5 --covariance 1,2"
    wanted = answer(f"compare {tmp_path / 'w.safetensors'} {line}")
    wanted.pop("notes")
    for path in sorted(tmp_path.iterdir()):
        found = answer(f"compare {path} {line}")
        found.pop("notes")
        assert found == wanted, path


def test_a_covariance_that_was_made_symmetric_is_noted(tmp_path: Path) -> None:
    path, sigma = weights_file(tmp_path, [[0.5, 0.0], [0.0, 0.5]]), tmp_path / "sigma.npy"
    np.save(sigma, np.array([[1.0, 0.25], [0.25 + 2**-54, 1.0]]))
    (note,) = answer(f"compare {path} --dim 2 --context 5 --covariance-file {sigma}")["notes"]
    assert note.startswith(f"{sigma} was made symmetric")
