"""The options that describe a task, and the task that they describe."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import click
from flint import fmpq, fmpq_mat

from icl_claims.claims.calculators import matrix_files
from icl_claims.claims.calculators.parameters import ExistingFile, ListOf, Rational, options
from icl_claims.theory.algebra.semidefinite import SemidefiniteMatrix
from icl_claims.theory.task import RegressionTask

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


class Described(NamedTuple):
    """A task, and the words in which it was described where an answer follows them.

    Attributes:
        task: the distribution of prompts.
        whitened: whether Ω is said to be Σ⁻¹; other options may describe the same task.
        in_files: whether a file gives Σ or Ω.
        notes: sentences on what was read otherwise than it stands in a file.
    """

    task: RegressionTask
    whitened: bool
    in_files: bool
    notes: tuple[str, ...]


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
    default: fmpq_mat | None = None,
) -> Described:
    """The task that the options of :data:`task_options` describe.

    ``default`` is Σ where no option gives it; None is the identity.

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
    notes: list[str] = []
    sigma = _covariance("covariance", covariance, covariance_file, dim, notes)
    if default is not None and covariance is None and covariance_file is None:
        sigma = SemidefiniteMatrix.of("covariance", default, dim)
    omega = _covariance("task_covariance", task_covariance, task_covariance_file, dim, notes)
    whitened = task != "identity" and task_covariance is None and task_covariance_file is None
    if whitened:
        if not sigma.is_definite:
            raise _singular("where Ω = Σ⁻¹ (see --task)", covariance_file)
        found = RegressionTask.whitened(sigma, context_length, noise)
    else:
        found = RegressionTask(sigma, context_length, omega, noise)
    in_files = covariance_file is not None or task_covariance_file is not None
    return Described(found, whitened, in_files, tuple(notes))


def check_invertible(task: RegressionTask, where: str, path: Path | None) -> None:
    """Refuse a singular Σ.

    Args:
        task: the distribution of prompts.
        where: in which case Σ must be invertible, for the message.
        path: the file that gives Σ; None where its eigenvalues are given.

    Raises:
        click.BadParameter: Σ has the eigenvalue 0.
    """
    if not task.has_definite_covariance:
        raise _singular(where, path)


def _singular(where: str, path: Path | None) -> click.BadParameter:
    if path is None:
        return click.BadParameter(f"must hold numbers > 0 {where}, got 0", param_hint="'--covariance'")
    return click.BadParameter(
        f"must be positive definite {where}, got a singular matrix", param_hint="'--covariance-file'"
    )


def _at_most_one(**given: Any) -> None:
    names = [name for name, value in given.items() if value is not None]
    if len(names) > 1:
        raise click.UsageError(f"give at most one of {', '.join(given)}, got {' and '.join(names)}")


def _covariance(
    name: str, eigenvalues: tuple[fmpq, ...] | None, path: Path | None, dim: int, notes: list[str]
) -> SemidefiniteMatrix:
    if path is not None:
        found = _in_file(name, path, dim)
        if found.note is not None and found.note not in notes:
            notes.append(found.note)
        return found.covariance
    if eigenvalues is None:
        return SemidefiniteMatrix.identity(dim)
    option = f"--{name.replace('_', '-')}"
    if len(eigenvalues) != dim:
        raise click.BadParameter(
            f"must hold one eigenvalue for each of the {dim} dimensions of --dim, got {len(eigenvalues)}",
            param_hint=f"'{option}'",
        )
    negative = next((x for x in eigenvalues if x < 0), None)
    if negative is not None:
        raise click.BadParameter(f"must hold numbers ≥ 0, got {negative}", param_hint=f"'{option}'")
    return SemidefiniteMatrix.of_eigenvalues(name, eigenvalues)


def _in_file(name: str, path: Path, dim: int) -> matrix_files.Read:
    option = f"--{name.replace('_', '-')}-file"
    if dim > matrix_files.LARGEST_DIM:
        raise click.BadParameter(
            f"must be at most {matrix_files.LARGEST_DIM} with {option}, got {dim}", param_hint="'--dim'"
        )
    try:
        return matrix_files.read(path, name, dim)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint=f"'{option}'") from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise click.BadParameter(f"{path}: {reason}", param_hint=f"'{option}'") from None
