"""The options that describe a task, and the task that they describe."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from flint import fmpq

from icl_claims.claims.calculators import matrix_files
from icl_claims.claims.calculators.parameters import ExistingFile, ListOf, Rational, options
from icl_claims.claims.calculators.tasks import Covariance, Task

_FILE = "JSON (rows, or the log.json of a training run), .npy or .csv"

task_options = options(
    click.option(
        "--covariance", type=ListOf(Rational()), help="Eigenvalues λ1,…,λd of a diagonal Σ.  [default: all 1]"
    ),
    click.option("--covariance-file", type=ExistingFile(), help=f"Σ, d × d: {_FILE}."),
    click.option(
        "--task",
        type=click.Choice(["whitened", "identity"]),
        help="Covariance of the task vector: Ω = Σ⁻¹ or Ω = I.  [default: whitened]",
    ),
    click.option("--task-covariance", type=ListOf(Rational()), help="Eigenvalues of a diagonal Ω."),
    click.option("--task-covariance-file", type=ExistingFile(), help=f"Ω, d × d: {_FILE}."),
    click.option("--noise", type=Rational(), default="0", show_default=True, help="σ², of the label noise."),
)


def described_task(
    dim: int,
    context_length: int,
    *,
    covariance: tuple[fmpq, ...] | None,
    covariance_file: Path | None,
    task: str | None,
    task_covariance: tuple[fmpq, ...] | None,
    task_covariance_file: Path | None,
    noise: fmpq,
) -> Task:
    """The task that the options of :data:`task_options` describe.

    Raises:
        click.UsageError: two options say what one says, a matrix does not fit, or a number is out of range.
    """
    _at_most_one(**{"--covariance": covariance, "--covariance-file": covariance_file})
    _at_most_one(
        **{
            "--task": task,
            "--task-covariance": task_covariance,
            "--task-covariance-file": task_covariance_file,
        }
    )
    if noise < 0:
        raise click.BadParameter(f"must be ≥ 0, got {noise}", param_hint="'--noise'")
    whitened = task != "identity" and task_covariance is None and task_covariance_file is None
    sigma = _covariance("covariance", covariance, covariance_file, dim)
    omega = _covariance("task_covariance", task_covariance, task_covariance_file, dim)
    found = Task(dim, context_length, sigma, omega, whitened, noise)
    if whitened:
        check_invertible(found, "where Ω = Σ⁻¹ (see --task)")
    return found


def check_invertible(task: Task, where: str) -> None:
    """Refuse a singular Σ.

    Raises:
        click.BadParameter: Σ has the eigenvalue 0; the message says where that is not allowed.
    """
    sigma = task.covariance
    if isinstance(sigma, tuple):
        if 0 in sigma:
            raise click.BadParameter(f"must hold numbers > 0 {where}, got 0", param_hint="'--covariance'")
    elif sigma is not None and sigma.det() == 0:
        raise click.BadParameter(
            f"must be positive definite {where}, got a singular matrix", param_hint="'--covariance-file'"
        )


def _at_most_one(**given: Any) -> None:
    names = [name for name, value in given.items() if value is not None]
    if len(names) > 1:
        raise click.UsageError(f"give at most one of {', '.join(given)}, got {' and '.join(names)}")


def _covariance(name: str, eigenvalues: tuple[fmpq, ...] | None, path: Path | None, dim: int) -> Covariance:
    option = f"--{name.replace('_', '-')}"
    if path is not None:
        if dim > matrix_files.LARGEST_DIM:
            raise click.BadParameter(
                f"must be at most {matrix_files.LARGEST_DIM} with {option}-file, got {dim}",
                param_hint="'--dim'",
            )
        try:
            return matrix_files.read(path, name, dim)
        except ValueError as error:
            raise click.BadParameter(str(error), param_hint=f"'{option}-file'") from None
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise click.BadParameter(f"{path}: {reason}", param_hint=f"'{option}-file'") from None
    if eigenvalues is not None:
        if len(eigenvalues) != dim:
            raise click.BadParameter(
                f"must hold one eigenvalue for each of the {dim} dimensions of --dim, got {len(eigenvalues)}",
                param_hint=f"'{option}'",
            )
        negative = next((x for x in eigenvalues if x < 0), None)
        if negative is not None:
            raise click.BadParameter(f"must hold numbers ≥ 0, got {negative}", param_hint=f"'{option}'")
    return eigenvalues
