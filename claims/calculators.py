"""The calculators: ``optimum``, ``loss``, ``moment`` and ``compare``.

Numbers are read exactly (0.1 is a tenth) and answers are exact; each float shown is the exact number
rounded once, to nearest.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from flint import fmpq

from numerics.rounding import nearest, nearest_root
from theory import exact
from theory.task import RegressionTask

if TYPE_CHECKING:
    from models.weights import Comparison

T = TypeVar("T")

MOST_STEPS = 3
"""Steps that ``loss`` takes: the variance needs Wishart moments of four times that degree."""
MOST_DEGREE = 12
"""Total degree that ``moment`` takes: about a second."""

LARGEST_DIM = 200
"""Where exact d × d matrices are needed: about a second."""

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE](?P<exponent>[+-]?\d{1,3}))?|[+-]?\d+/\d+")


class Rational(click.ParamType[fmpq]):
    """A decimal or a fraction, read exactly."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> fmpq:
        """The rational number that the text writes."""
        if isinstance(value, fmpq):
            return value
        text = str(value).strip()
        match = _NUMBER.fullmatch(text)
        try:
            if match is None or len(text) > 1000 or abs(int(match["exponent"] or 0)) > 400:
                raise ValueError
            return exact.rational("number", text)
        except ValueError:
            shown = text if len(text) <= 40 else f"{text[:40]}…"
            self.fail(f"must be a finite number such as 0.25, 1/3 or 2e-3, got {shown!r}", param, ctx)


class ListOf(click.ParamType[tuple[T, ...]]):
    """Values of one type, separated by commas."""

    def __init__(self, item: click.ParamType[T]) -> None:
        self.item = item
        self.name = f"{item.name},…"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[T, ...]:
        """The values in their order."""
        if isinstance(value, tuple):
            return value
        return tuple(self.item.convert(part, param, ctx) for part in str(value).split(","))


class Positive(click.ParamType[int]):
    """An integer of at least 1."""

    name = "integer"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The integer."""
        text = str(value).strip()
        if not re.fullmatch(r"\+?0*[1-9]\d{0,17}", text):
            shown = text if len(text) <= 40 else f"{text[:40]}…"
            self.fail(f"must be an integer ≥ 1, got {shown!r}", param, ctx)
        return int(text)


F = TypeVar("F", bound=Callable[..., Any])


def _options(*options: Callable[[F], F]) -> Callable[[F], F]:
    def decorate(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


_json = click.option("--json", "as_json", is_flag=True, help="Write JSON with stable keys.")
_prompt = _options(
    click.option("--dim", type=Positive(), required=True, help="d, the dimension of the covariates."),
    click.option("--context", type=Positive(), required=True, help="n, the number of labelled examples."),
)
_task = _options(
    click.option(
        "--covariance", type=ListOf(Rational()), help="Eigenvalues of Σ = diag(λ1, …, λd). [default: all 1]"
    ),
    click.option(
        "--task",
        type=click.Choice(["whitened", "identity"]),
        default="whitened",
        show_default=True,
        help="Covariance of the task vector: Ω = Σ⁻¹ or Ω = I.",
    ),
    click.option("--noise", type=Rational(), default="0", show_default=True, help="σ², of the label noise."),
)


@click.command()
@_prompt
@click.option("--layers", type=Positive(), required=True, help="L, the number of layers; only 1 for now.")
@click.option("--looped", is_flag=True, help="One step, shared by all layers.")
@_task
@_json
def optimum(
    dim: int,
    context: int,
    layers: int,
    looped: bool,
    covariance: tuple[fmpq, ...] | None,
    task: str,
    noise: fmpq,
    as_json: bool,
) -> None:
    """The optimal linear transformer and its loss, exactly.

    Task whitened: the steps a_l of the layers A_l = a_l Σ⁻¹, the same for every Σ. Task identity: the
    eigenvalues of the preconditioner Γ of one layer, in the order of the λ given.

    Example: icl-claims optimum --dim 3 --context 16 --layers 1 --task identity --covariance 1,1/4,1/16
    """
    if layers > 1:
        raise click.BadParameter(
            f"must be 1, got {layers}: more layers are not available yet", param_hint="'--layers'"
        )
    from theory.single_layer import minimizer, minimum

    eigenvalues = _eigenvalues(dim, covariance)
    _check_noise(noise)
    if task == "whitened":
        # The loss and a = ΣΓ do not change under x ↦ Σ^{-1/2} x.
        regression = RegressionTask.isotropic(dim, context, noise)
        steps = [minimizer(regression)[0, 0]]
        answer = {"steps": _floats(steps), "steps_exact": _texts(steps)}
    else:
        regression = RegressionTask(exact.diagonal(eigenvalues), context, noise_variance=noise)
        closed_form = minimizer(regression)
        steps = [closed_form[i, i] for i in range(dim)]
        answer = {
            "steps": None,
            "steps_exact": None,
            "preconditioner": _floats(steps),
            "preconditioner_exact": _texts(steps),
        }
    least = minimum(regression)
    _write({**answer, "loss": _float(least), "loss_exact": str(least)}, as_json)


@click.command()
@_prompt
@click.option("--steps", type=ListOf(Rational()), help="a_1,a_2,… of the layers A_l = a_l Σ⁻¹.")
@click.option("--step", type=Rational(), help="The step shared by all loops.")
@click.option("--loops", type=Positive(), help="How often the step is applied.")
@_json
def loss(
    dim: int,
    context: int,
    steps: tuple[fmpq, ...] | None,
    step: fmpq | None,
    loops: int | None,
    as_json: bool,
) -> None:
    """The in-context loss of given steps on the whitened task, exactly, and what sampling it would cost.

    per_prompt_std is the standard deviation of the loss of one prompt with its task vector and query
    averaged out; prompts_for_1_percent the number of prompts after which the mean of that has a
    relative standard error of at most 1 %. squared_error_std is the standard deviation of one
    prompt's squared error itself.

    Example: icl-claims loss --dim 5 --context 20 --steps 10/13
    """
    if (steps is None) == (step is None and loops is None):
        raise click.UsageError("give either --steps a1,a2,… or --step a with --loops T")
    if steps is None:
        if step is None or loops is None:
            missing, given = ("--step", "--loops") if step is None else ("--loops", "--step")
            raise click.UsageError(f"{given} needs {missing} beside it")
        if loops > MOST_STEPS:
            raise click.BadParameter(_too_many(loops), param_hint="'--loops'")
        steps = (step,) * loops
    if len(steps) > MOST_STEPS:
        raise click.BadParameter(_too_many(len(steps)), param_hint="'--steps'")
    from theory import estimators

    mean = estimators.loss(steps, dim, context)
    variance = estimators.context_variance(steps, dim, context)
    squared_error = estimators.squared_error_variance(steps, dim, context)
    _write(
        {
            "loss": _float(mean),
            "loss_exact": str(mean),
            "per_prompt_std": _float(variance, nearest_root),
            "squared_error_std": _float(squared_error, nearest_root),
            "prompts_for_1_percent": max(1, int((variance / mean**2 * 10**4).ceil())),
        },
        as_json,
    )


@click.command()
@click.argument("powers", metavar="K1,K2,…", type=ListOf(Positive()))
@click.option("--dim", type=Positive(), help="d; with --context, the number as well.")
@click.option("--context", type=Positive(), help="n; with --dim, the number as well.")
@_json
def moment(powers: tuple[int, ...], dim: int | None, context: int | None, as_json: bool) -> None:
    """The joint moment E[∏ tr(W^{K_i})] for W = XXᵀ, X d × n standard normal, as a polynomial in d and n.

    Example: icl-claims moment 2,1 --dim 3 --context 8
    """
    degree = sum(powers)
    if degree > MOST_DEGREE:
        raise click.BadParameter(
            f"must add up to at most {MOST_DEGREE}, got {degree}: more is not available yet",
            param_hint="'K1,K2,…'",
        )
    if (dim is None) != (context is None):
        raise click.UsageError(
            f"{'--context' if dim is None else '--dim'} needs "
            f"{'--dim' if dim is None else '--context'} beside it"
        )
    from theory.estimators import at_sizes, trace_moment

    polynomial = trace_moment(tuple(sorted(powers)))
    answer: dict[str, Any] = {"powers": list(powers), "polynomial": str(polynomial.as_expr())}
    if dim is not None and context is not None:
        answer["value"] = int(at_sizes(polynomial, dim, context).p)
    _write(answer, as_json)


@click.command()
@click.argument("weights", type=click.Path(path_type=Path))
@_prompt
@_task
@_json
def compare(
    weights: Path,
    dim: int,
    context: int,
    covariance: tuple[fmpq, ...] | None,
    task: str,
    noise: fmpq,
    as_json: bool,
) -> None:
    """Trained weights against the closed form: exact loss at them, and their distance.

    WEIGHTS is a safetensors file with the tensors P and Q, each layers × (d+1) × (d+1); one layer for now.
    The distance is ‖E‖_F for E = the weights' effective preconditioner minus Γ; distance_bound is what the
    excess loss alone says about it.

    Example: icl-claims compare weights.safetensors --dim 3 --context 16 --covariance 1,1/4,1/16
    """
    eigenvalues = _eigenvalues(dim, covariance)
    _check_noise(noise)
    sigma = exact.diagonal(eigenvalues)
    if task == "whitened":
        regression = RegressionTask.whitened(sigma, context, noise)
    else:
        regression = RegressionTask(sigma, context, noise_variance=noise)
    from models.weights import WeightsError, load
    from models.weights import compare as measure

    try:
        found = measure(regression, load(weights))
    except WeightsError as error:
        raise click.BadParameter(str(error), param_hint="'WEIGHTS'") from None
    _write(_comparison(found), as_json)


def _comparison(found: Comparison) -> dict[str, Any]:
    return {
        "loss": _float(found.loss),
        "loss_exact": str(found.loss),
        "minimum": _float(found.minimum),
        "minimum_exact": str(found.minimum),
        "excess": _float(found.excess),
        "relative_excess": _float(found.excess / found.minimum),
        "distance": found.distance,
        "distance_bound": found.distance_bound,
        "preconditioner": [_floats(row) for row in found.preconditioner.tolist()],
        "closed_form": [_floats(row) for row in found.closed_form.tolist()],
        "closed_form_exact": [_texts(row) for row in found.closed_form.tolist()],
        "entry_bounds": found.entry_bounds,
    }


def _eigenvalues(dim: int, covariance: tuple[fmpq, ...] | None) -> tuple[fmpq, ...]:
    if dim > LARGEST_DIM:
        raise click.BadParameter(f"must be at most {LARGEST_DIM}, got {dim}", param_hint="'--dim'")
    if covariance is None:
        return (fmpq(1),) * dim
    if len(covariance) != dim:
        raise click.BadParameter(
            f"must hold one eigenvalue for each of the {dim} dimensions of --dim, got {len(covariance)}",
            param_hint="'--covariance'",
        )
    for value in covariance:
        if value <= 0:
            raise click.BadParameter(f"must hold numbers > 0, got {value}", param_hint="'--covariance'")
    return covariance


def _check_noise(noise: fmpq) -> None:
    if noise < 0:
        raise click.BadParameter(f"must be ≥ 0, got {noise}", param_hint="'--noise'")


def _too_many(steps: int) -> str:
    return f"must be at most {MOST_STEPS} steps, got {steps}: more are not available yet"


def _float(value: fmpq, rounded: Callable[[fmpq], float] = nearest) -> float:
    try:
        return rounded(value)
    except OverflowError:
        raise click.UsageError(
            "numbers must keep the answer within the range of float64, got one above 1.7e308"
        ) from None


def _floats(values: Sequence[fmpq]) -> list[float]:
    return [_float(value) for value in values]


def _texts(values: Sequence[fmpq]) -> list[str]:
    return [str(value) for value in values]


def _write(answer: dict[str, Any], as_json: bool) -> None:
    """JSON, or one line for each number: name, float, and the exact number where it is short."""
    if as_json:
        click.echo(json.dumps(answer, ensure_ascii=False, indent=1))
        return
    width = max(map(len, answer))
    for key, value in answer.items():
        if value is None or key.endswith("_exact"):
            continue
        line = f"{key:<{width}}  {_shown(value)}"
        beside = answer.get(f"{key}_exact")
        if beside is not None and len(_shown(beside)) <= 60 and _shown(beside) != _shown(value):
            line += f"  = {_shown(beside)}"
        click.echo(line)


def _shown(value: Any) -> str:
    if isinstance(value, list | tuple):
        nested = any(isinstance(item, list | tuple) for item in value)
        return ("; " if nested else ", ").join(map(_shown, value))
    return str(value)
