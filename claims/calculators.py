"""The calculators: ``optimum``, ``loss``, ``moment`` and ``compare``.

Numbers are read exactly (0.1 is a tenth) and answers are exact. What is shown of one is rounded once: in
JSON to the nearest float64, as text to decimals that are correct to the last digit.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click
from flint import fmpq, fmpq_mat

from icl_claims.numerics.decimals import DIGITS, decimal
from icl_claims.numerics.rounding import Enclosed, nearest_real, root_above
from icl_claims.theory.algebra import exact
from icl_claims.theory.algebra.algebraic import number, square_root, written, written_minimum
from icl_claims.theory.task import RegressionTask

if TYPE_CHECKING:
    from icl_claims.theory.many_layers.distance import LayersComparison
    from icl_claims.theory.one_layer.distance import Distance

T = TypeVar("T")

MOST_LAYERS = 30
"""Layers that ``optimum`` takes: a tenth of a second, a few at sizes of 18 digits."""

MOST_WORK = 10**7
"""The largest product of sizes, degree and digits for which ``loss`` gives variances: about 3 s."""

LARGEST_DIM = 200
"""Where exact d × d matrices are needed: about a second for diagonal Σ. ``compare`` with a dense Σ of float64
entries takes some 5 s at d = 80 and 20 s at d = 120, for one layer as for three."""

SHORT = 60
"""Characters of the longest exact number that text shows beside its decimals."""

MATRIX_DIGITS = 6
"""Significant digits of the entries of a matrix in text."""

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
        shown = text if len(text) <= 40 else f"{text[:40]}…"
        if not re.fullmatch(r"\+?0*[1-9]\d*", text):
            self.fail(f"must be an integer ≥ 1, got {shown!r}", param, ctx)
        if len(text.lstrip("+0")) > 18:
            self.fail(f"must be an integer ≥ 1 below 10^18, got {shown!r}", param, ctx)
        return int(text.lstrip("+0"))


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


class Quantity(NamedTuple):
    """A number of an answer: what it is exactly, how that is written, and whether it is an upper bound."""

    value: Enclosed
    exactly: str | None = None
    bound: bool = False


@click.command()
@_prompt
@click.option(
    "--layers", type=Positive(), required=True, help=f"L, the number of layers, 1 to {MOST_LAYERS}."
)
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

    Task whitened: the steps a_l of the layers A_l = a_l Σ⁻¹, ascending, the same for every Σ: the global
    minimum among such layers. steps_exact holds rational numbers or roots of polynomials. Task identity,
    for one layer: the eigenvalues of its preconditioner Γ, in the order of the λ given.

    Example: icl-claims optimum --dim 5 --context 20 --layers 3
    """
    if layers > MOST_LAYERS:
        raise click.BadParameter(
            f"must be an integer from 1 to {MOST_LAYERS}, got {layers}", param_hint="'--layers'"
        )
    _check_covariance(dim, covariance)
    _check_noise(noise)
    if task == "whitened" and noise == 0:
        longest = None if as_json else SHORT
        _write(
            _optimal_loops(dim, context, layers) if looped else _optimal(dim, context, layers, longest),
            as_json,
        )
        return
    if layers > 1:
        asked = "--task identity" if task == "identity" else "--noise above 0"
        raise click.BadParameter(
            f"must be 1 with {asked}, got {layers}: more layers are not available yet",
            param_hint="'--layers'",
        )
    _write(_optimal_layer(dim, context, covariance, task, noise), as_json)


def _optimal(dim: int, context: int, layers: int, longest: int | None) -> dict[str, Any]:
    from icl_claims.theory.many_layers.step_sizes import optimal_steps

    best = optimal_steps(RegressionTask.isotropic(dim, context), layers)
    return {
        "steps": list(map(Quantity, best.steps, written(best.steps, longest))),
        "loss": _rational(best.loss),
    }


def _optimal_loops(dim: int, context: int, layers: int) -> dict[str, Any]:
    from icl_claims.theory.loops.step import optimal_looped_step

    best = optimal_looped_step(RegressionTask.isotropic(dim, context), layers)
    return {
        "steps": [Quantity(best.step, written([best.step])[0])],
        "loss": Quantity(best.loss, written_minimum(best.loss)),
    }


def _optimal_layer(
    dim: int, context: int, covariance: tuple[fmpq, ...] | None, task: str, noise: fmpq
) -> dict[str, Any]:
    from icl_claims.theory.one_layer.single_layer import minimizer, minimum

    _check_matrix_size(dim)
    if task == "whitened":
        # The loss and a = ΣΓ do not change under x ↦ Σ^{-1/2} x.
        regression = RegressionTask.isotropic(dim, context, noise)
        return {
            "steps": [_rational(minimizer(regression)[0, 0])],
            "loss": _rational(minimum(regression)),
        }
    regression = RegressionTask(_covariance(dim, covariance), context, noise_variance=noise)
    closed_form = minimizer(regression)
    return {
        "steps": None,
        "steps_exact": None,
        "preconditioner": [_rational(closed_form[i, i]) for i in range(dim)],
        "loss": _rational(minimum(regression)),
    }


@click.command()
@_prompt
@click.option("--steps", type=ListOf(Rational()), help="a_1,a_2,… of the layers A_l = a_l Σ⁻¹, at most 100.")
@click.option("--step", type=Rational(), help="The step shared by all loops.")
@click.option("--loops", type=Positive(), help="How often the step is applied, at most 100 times.")
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
    prompt's squared error itself. These three are given for up to 16 steps at any sizes and for up to 30
    where the smaller of dim and context is at most 50, steps having 16 digits; where they would take more
    than about 3 s they are null, and a note says so.

    Example: icl-claims loss --dim 5 --context 20 --steps 10/13
    """
    from icl_claims.theory.many_layers.step_sizes import MOST_LAYERS as MOST_STEPS
    from icl_claims.theory.many_layers.step_sizes import loss_of_steps

    if (steps is None) == (step is None and loops is None):
        raise click.UsageError("give either --steps a1,a2,… or --step a with --loops T")
    if steps is None:
        if step is None or loops is None:
            missing, given = ("--step", "--loops") if step is None else ("--loops", "--step")
            raise click.UsageError(f"{given} needs {missing} beside it")
        if loops > MOST_STEPS:
            raise click.BadParameter(
                f"must be an integer from 1 to {MOST_STEPS}, got {loops}", param_hint="'--loops'"
            )
        steps = (step,) * loops
    if len(steps) > MOST_STEPS:
        raise click.BadParameter(
            f"must be at most {MOST_STEPS} numbers, got {len(steps)}", param_hint="'--steps'"
        )
    mean = loss_of_steps(RegressionTask.isotropic(dim, context), steps)
    _write({"loss": _rational(mean), **_sampling(steps, dim, context)}, as_json)


def _sampling(steps: Sequence[fmpq], dim: int, context: int) -> dict[str, Any]:
    """What one prompt's loss varies by; null with a note where that would take more than about 3 s."""
    from icl_claims.theory.many_layers.loss_variance import (
        loss_variance,
        prompts_needed,
        squared_error_variance,
    )

    names = ("per_prompt_std", "squared_error_std", "prompts_for_1_percent")
    # Up to 16 steps the work stops growing with the sizes: integration by parts takes over.
    size = min(dim, context) if len(steps) > 16 else min(dim, context, 64)
    bits = sum(max(step.p.bit_length(), step.q.bit_length()) for step in steps)
    note = (
        f"{', '.join(names)}: exact values would take more than about 3 s for {len(steps)} steps of "
        f"{bits} bits at dim {dim} and context {context}"
    )
    absent: dict[str, Any] = {**dict.fromkeys(names), "note": note}
    if size * (size + 2 * len(steps)) * bits > MOST_WORK:
        return absent
    try:
        variance = loss_variance(RegressionTask.isotropic(dim, context), steps)
    except ValueError:
        return absent
    values = (
        Quantity(square_root(variance)),
        Quantity(square_root(squared_error_variance(RegressionTask.isotropic(dim, context), steps))),
        prompts_needed(RegressionTask.isotropic(dim, context), steps),
    )
    return dict(zip(names, values, strict=True))


@click.command()
@click.argument("powers", metavar="K1,K2,…", type=ListOf(Positive()))
@click.option("--dim", type=Positive(), help="d; with --context, the number as well.")
@click.option("--context", type=Positive(), help="n; with --dim, the number as well.")
@_json
def moment(powers: tuple[int, ...], dim: int | None, context: int | None, as_json: bool) -> None:
    """The joint moment E[∏ tr(W^{K_i})] for W = XXᵀ, X d × n standard normal, as a polynomial in d and n.

    With --dim and --context also its value, an integer. A single power may be up to 150 for the polynomial
    and 2000 for the value; several may sum to 48 for the polynomial and 64 for the value, ones not
    counted. Where only the value is within reach, polynomial is null.

    Example: icl-claims moment 2,1 --dim 3 --context 8
    """
    if (dim is None) != (context is None):
        raise click.UsageError(
            f"{'--context' if dim is None else '--dim'} needs "
            f"{'--dim' if dim is None else '--context'} beside it"
        )
    from icl_claims.theory.wishart import trace_moment

    def at(dim: int | None, context: int | None) -> Any:
        try:
            return trace_moment(powers, dim, context)
        except ValueError as error:
            raise click.BadParameter(str(error), param_hint="'K1,K2,…'") from None

    if dim is None or context is None:
        _write({"powers": list(powers), "polynomial": _polynomial(at(None, None))}, as_json)
        return
    value = at(dim, context)
    digits = sys.get_int_max_str_digits()
    if digits and value >= 10**digits:
        raise click.UsageError(f"K1,K2,… must keep the value below 10^{digits}, got a longer one")
    try:
        polynomial = _polynomial(trace_moment(powers))
    except ValueError:
        polynomial = None
    _write({"powers": list(powers), "polynomial": polynomial, "value": int(value)}, as_json)


@click.command()
@click.argument("weights", type=click.Path(path_type=Path))
@_prompt
@_task
@click.option(
    "--covariance-file",
    type=click.Path(path_type=Path),
    help="Σ, not diagonal: a JSON file with its rows, or the log.json of a run.",
)
@_json
def compare(
    weights: Path,
    dim: int,
    context: int,
    covariance: tuple[fmpq, ...] | None,
    task: str,
    noise: fmpq,
    covariance_file: Path | None,
    as_json: bool,
) -> None:
    """Trained weights against the closed form: exact loss at them, and their distance.

    WEIGHTS is a safetensors file with the tensors P and Q, each layers × (d+1) × (d+1), or a safetensors or torch
    file with one tensor layers × 1 × 2 × d × d: value block, then key-query block, as Ahn et al. publish it.

    One layer: the distance is ‖E‖_F for E = the weights' effective preconditioner minus Γ; distance_bound is
    what the excess loss alone says about it, and entry_bounds what it says about each entry of E: rounded up.

    Several layers, task whitened, P_l = diag(B_l, 1) and Q_l = diag(−A_l, 0): dist is Dist(Σ^{1/2}A_lΣ^{1/2}, I)
    layer by layer, and dist_raw Dist(A_l, I), Dist(M, I) = min_α ‖M − αI‖/‖M‖; steps are the whitened
    matrices' mean eigenvalues, and the distance is that of the whitened matrices from the optimal steps,
    layers matched. minimum is that among A_l = a_l Σ⁻¹ with B_l = 0; no A_l at all lose less than lower_bound. With
    B_l ≠ 0 only projected_loss is known: the loss at the nearest A_l = a_l Σ⁻¹, B_l = b_l I.

    Example: icl-claims compare weights.safetensors --dim 3 --context 16 --covariance 1,1/4,1/16
    """
    _check_matrix_size(dim)
    _check_covariance(dim, covariance)
    _check_noise(noise)
    if covariance is not None and covariance_file is not None:
        raise click.UsageError("give either --covariance or --covariance-file")
    sigma = _covariance(dim, covariance) if covariance_file is None else _covariance_in(covariance_file, dim)
    if task == "whitened":
        regression = RegressionTask.whitened(sigma, context, noise)
    else:
        regression = RegressionTask(sigma, context, noise_variance=noise)
    from icl_claims.models.comparison import compare as measure
    from icl_claims.models.comparison import compare_layers
    from icl_claims.models.files import load
    from icl_claims.models.weights import WeightsError

    try:
        loaded = load(weights)
        if loaded.depth == 1:
            answer = _comparison(measure(regression, loaded))
        elif task == "identity" or noise != 0:
            raise click.UsageError(
                f"several layers need --task whitened and --noise 0, and WEIGHTS has {loaded.depth}"
            )
        else:
            answer = _layers_comparison(compare_layers(regression, loaded))
    except WeightsError as error:
        raise click.BadParameter(str(error), param_hint="'WEIGHTS'") from None
    except OverflowError:
        raise click.BadParameter(_BEYOND_FLOAT, param_hint="'WEIGHTS'") from None
    _write(answer, as_json)


def _layers_comparison(found: LayersComparison) -> dict[str, Any]:
    def roots(values: Iterable[fmpq | None]) -> list[Quantity] | None:
        squares = [x for x in values if x is not None]
        return [Quantity(square_root(x)) for x in squares] if len(squares) == len(found.layers) else None

    loss, excess = found.loss, found.excess
    steps = found.optimum.steps
    return {
        "loss": None if loss is None else _rational(loss),
        "minimum": _rational(found.minimum),
        "excess": None if excess is None else Quantity(number(excess)),
        "relative_excess": None if excess is None else Quantity(number(excess / found.minimum)),
        "lower_bound": _rational(found.lower_bound),
        "projected_loss": Quantity(number(found.projected_loss)),
        "distance": Quantity(square_root(found.squared_distance)),
        "steps": [Quantity(number(layer.step)) for layer in found.layers],
        "dist": roots(layer.distance for layer in found.layers),
        "dist_raw": roots(layer.raw_distance for layer in found.layers),
        "factors": None
        if loss is not None
        else [Quantity(number(layer.factor)) for layer in found.layers[:-1]],
        "dist_factors": None
        if loss is not None
        else [
            Quantity(square_root(fmpq(0) if x is None else x))
            for x in (layer.factor_distance for layer in found.layers[:-1])
        ],
        "closed_form": list(map(Quantity, steps, written(steps))),
    }


def _covariance_in(path: Path, dim: int) -> fmpq_mat:
    """Σ from a JSON file, its numbers read exactly."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"), parse_float=str, parse_constant=str)
        rows = content["task"]["covariance"] if isinstance(content, dict) else content
        sigma: fmpq_mat = exact.semidefinite("Σ", rows, dim)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise click.BadParameter(
            f"{path} must be a file, got: {reason}", param_hint="'--covariance-file'"
        ) from None
    except (KeyError, json.JSONDecodeError, UnicodeDecodeError) as error:
        raise click.BadParameter(
            f"{path} must be JSON: rows of Σ, or a log with them under task, covariance; got {error!r}",
            param_hint="'--covariance-file'",
        ) from None
    except (TypeError, ValueError) as error:
        raise click.BadParameter(f"{path}: {error}", param_hint="'--covariance-file'") from None
    if not exact.is_positive_definite(sigma):
        raise click.BadParameter(
            f"{path}: Σ must be positive definite, got a singular matrix", param_hint="'--covariance-file'"
        )
    return sigma


def _comparison(found: Distance) -> dict[str, Any]:
    return {
        "loss": _rational(found.loss),
        "minimum": _rational(found.minimum),
        "excess": Quantity(number(found.excess)),
        "relative_excess": Quantity(number(found.excess / found.minimum)),
        "distance": Quantity(square_root(found.squared_distance)),
        "distance_bound": None if found.squared_bound is None else _bound(found.squared_bound),
        "preconditioner": [
            [Quantity(number(entry)) for entry in row] for row in found.preconditioner.tolist()
        ],
        "closed_form": [list(map(_rational, row)) for row in found.closed_form.tolist()],
        "entry_bounds": None
        if found.squared_entry_bounds is None
        else [list(map(_bound, row)) for row in found.squared_entry_bounds],
    }


def _rational(value: fmpq) -> Quantity:
    return Quantity(number(value), str(value))


def _bound(squared: fmpq) -> Quantity:
    """The root of an upper bound on a square, rounded upwards."""
    return Quantity(number(exact.rational("bound", root_above(squared))), bound=True)


def _polynomial(polynomial: Any) -> str:
    """As Python and SymPy read it."""
    return str(polynomial).replace("^", "**")


def _covariance(dim: int, covariance: tuple[fmpq, ...] | None) -> fmpq_mat:
    return exact.identity(dim) if covariance is None else exact.diagonal(covariance)


def _check_covariance(dim: int, covariance: tuple[fmpq, ...] | None) -> None:
    if covariance is None:
        return
    if len(covariance) != dim:
        raise click.BadParameter(
            f"must hold one eigenvalue for each of the {dim} dimensions of --dim, got {len(covariance)}",
            param_hint="'--covariance'",
        )
    for value in covariance:
        if value <= 0:
            raise click.BadParameter(f"must hold numbers > 0, got {value}", param_hint="'--covariance'")


def _check_matrix_size(dim: int) -> None:
    if dim > LARGEST_DIM:
        raise click.BadParameter(
            f"must be at most {LARGEST_DIM} where d × d matrices are needed, got {dim}", param_hint="'--dim'"
        )


def _check_noise(noise: fmpq) -> None:
    if noise < 0:
        raise click.BadParameter(f"must be ≥ 0, got {noise}", param_hint="'--noise'")


_BEYOND_FLOAT = "numbers must keep the answer within the range of float64, got one above 1.7e308"


def _write(answer: dict[str, Any], as_json: bool) -> None:
    """JSON, or lines of name, decimals, and the exact number where it is short."""
    if as_json:
        click.echo(json.dumps(_in_json(answer), ensure_ascii=False, indent=1))
        return
    width = max(map(len, answer))
    for key, value in answer.items():
        for i, line in enumerate(_lines(value)):
            click.echo(f"{'' if i else key:<{width}}  {line}")


def _in_json(answer: dict[str, Any]) -> dict[str, Any]:
    """Each quantity as its nearest float64; beside it under ``<key>_exact`` how it is written exactly."""
    found: dict[str, Any] = {}
    for key, value in answer.items():
        found[key] = _each(_float, value)
        if any(quantity.exactly is not None for quantity in _quantities(value)):
            found[f"{key}_exact"] = _each(lambda quantity: quantity.exactly, value)
    return found


def _each(function: Callable[[Quantity], Any], value: Any) -> Any:
    """The value with each quantity replaced."""
    if isinstance(value, Quantity):
        return function(value)
    return [_each(function, item) for item in value] if isinstance(value, list) else value


def _quantities(value: Any) -> Iterable[Quantity]:
    if isinstance(value, Quantity):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _quantities(item)


def _float(quantity: Quantity) -> float:
    try:
        return nearest_real(quantity.value)
    except OverflowError:
        raise click.UsageError(_BEYOND_FLOAT) from None


def _lines(value: Any) -> list[str]:
    """A matrix row by row, a list of quantities one by one, anything else on one line; nothing for None."""
    if value is None:
        return []
    if isinstance(value, Quantity):
        value = [value]
    if not isinstance(value, list) or not value or isinstance(value[0], int):
        return [", ".join(map(str, value)) if isinstance(value, list) else str(value)]
    if isinstance(value[0], list):
        return _aligned([[_decimal(quantity, MATRIX_DIGITS) for quantity in row] for row in value])
    decimals = [_decimal(quantity) for quantity in value]
    width = max(map(len, decimals))
    return [
        text if beside is None or beside == text or len(beside) > SHORT else f"{text:<{width}}  = {beside}"
        for text, beside in ((text, quantity.exactly) for text, quantity in zip(decimals, value, strict=True))
    ]


def _decimal(quantity: Quantity, digits: int = DIGITS) -> str:
    return decimal(quantity.value, digits, up=quantity.bound)


def _aligned(rows: list[list[str]]) -> list[str]:
    """Columns with their decimal points below one another."""
    columns = []
    for column in zip(*rows, strict=True):
        before = [len(entry.partition(".")[0]) for entry in column]
        padded = [" " * (max(before) - size) + entry for size, entry in zip(before, column, strict=True)]
        width = max(map(len, padded))
        columns.append([entry.ljust(width) for entry in padded])
    return ["  ".join(row).rstrip() for row in zip(*columns, strict=True)]
