"""The options that describe a task: which go together, and what is out of range."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import pytest
from flint import fmpq, fmpq_mat

from icl_claims.claims.calculators.task_options import Described, check_invertible, described_task
from icl_claims.theory.task import RegressionTask

ONE, TWO = fmpq(1), fmpq(2)
NOTHING: dict[str, Any] = {
    "covariance": None,
    "covariance_file": None,
    "task": None,
    "task_covariance": None,
    "task_covariance_file": None,
    "noise": fmpq(0),
}


def described(**options: Any) -> Described:
    return described_task(2, 4, **{**NOTHING, **options})


def test_nothing_is_the_whitened_task() -> None:
    assert described() == (RegressionTask.isotropic(2, 4), True, False, ())
    assert described(task="whitened").whitened
    assert described(task="identity") == (RegressionTask.isotropic(2, 4), False, False, ())


def test_each_option_reaches_the_task(tmp_path: Path) -> None:
    found = described(covariance=(ONE, fmpq(0)), task_covariance=(fmpq(0), TWO), noise=fmpq(1, 2))
    assert found == (RegressionTask.diagonal([1, 0], 4, [0, 2], "1/2"), False, False, ())
    rows = tmp_path / "rows.csv"
    rows.write_text("2,1\n1,1", encoding="utf-8")
    matrix = fmpq_mat([[2, 1], [1, 1]])
    both = described(covariance_file=rows, task_covariance_file=rows)
    assert both == (RegressionTask(matrix, 4, matrix), False, True, ())
    assert described(covariance_file=rows) == (RegressionTask.whitened(matrix, 4), True, True, ())
    assert described(task_covariance_file=rows) == (
        RegressionTask([[1, 0], [0, 1]], 4, matrix),
        False,
        True,
        (),
    )


def test_a_default_counts_where_no_option_gives_a_covariance(tmp_path: Path) -> None:
    default = fmpq_mat([[2, 1], [1, 1]])
    assert described(default=default) == described(default=default, task="whitened")
    assert described(default=default) == (RegressionTask.whitened(default, 4), True, False, ())
    rows = tmp_path / "rows.csv"
    rows.write_text("3,0\n0,1", encoding="utf-8")
    assert described(default=default, covariance=(ONE, TWO)) == described(covariance=(ONE, TWO))
    assert described(default=default, covariance_file=rows) == described(covariance_file=rows)


def test_a_note_is_there_for_each_file_that_was_made_symmetric(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("a.csv", "b.csv")]
    for path in paths:
        path.write_text("2,1e-17\n0,1", encoding="utf-8")
    found = described(covariance_file=paths[0], task_covariance_file=paths[1])
    assert [note.split()[0] for note in found.notes] == list(map(str, paths))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"covariance": (ONE,)}, "must hold one eigenvalue for each of the 2 dimensions of --dim, got 1"),
        (
            {"covariance": (ONE, ONE, ONE)},
            "must hold one eigenvalue for each of the 2 dimensions of --dim, got 3",
        ),
        ({"covariance": (ONE, fmpq(-1, 2))}, "must hold numbers ≥ 0, got -1/2"),
        ({"covariance": (ONE, fmpq(0))}, "must hold numbers > 0 where Ω = Σ⁻¹ (see --task), got 0"),
        ({"task_covariance": (ONE, fmpq(-1))}, "must hold numbers ≥ 0, got -1"),
        ({"noise": fmpq(-1)}, "must be ≥ 0, got -1"),
        (
            {"covariance": (ONE, ONE), "covariance_file": Path("x")},
            "give at most one of --covariance, --covariance-file, got --covariance and --covariance-file",
        ),
        (
            {"task": "whitened", "task_covariance": (ONE, ONE)},
            "give at most one of --task, --task-covariance, --task-covariance-file, got --task and --task-cov",
        ),
        (
            {"task_covariance_file": Path("x"), "task_covariance": (ONE, ONE)},
            "got --task-covariance and --task-covariance-file",
        ),
    ],
)
def test_refusals(options: dict[str, Any], message: str) -> None:
    with pytest.raises(click.UsageError) as refused:
        described(**options)
    assert message in refused.value.message


@pytest.mark.parametrize("option", ["covariance_file", "task_covariance_file"])
def test_a_file_that_is_gone_is_refused(tmp_path: Path, option: str) -> None:
    with pytest.raises(click.BadParameter) as refused:
        described(**{option: tmp_path / "gone.csv"})
    assert refused.value.message == f"{tmp_path / 'gone.csv'}: No such file or directory"
    assert refused.value.param_hint == f"'--{option.replace('_', '-')}'"


def test_the_two_matrices_of_a_log_are_told_apart(tmp_path: Path) -> None:
    log = tmp_path / "log.json"
    log.write_text('{"task": {"covariance": [[2, 0], [0, 1]], "task_covariance": [[3, 0], [0, 5]]}}')
    assert described(covariance_file=log, task_covariance_file=log).task == RegressionTask.diagonal(
        [2, 1], 4, [3, 5]
    )


def test_a_singular_matrix_is_refused_where_it_is_inverted(tmp_path: Path) -> None:
    path = tmp_path / "singular.csv"
    path.write_text("1,1\n1,1", encoding="utf-8")
    with pytest.raises(click.BadParameter, match="must be positive definite where Ω = Σ⁻¹"):
        described(covariance_file=path)
    task = described(covariance_file=path, task="identity").task
    with pytest.raises(
        click.BadParameter, match="must be positive definite somewhere, got a singular matrix"
    ):
        check_invertible(task, "somewhere", path)
