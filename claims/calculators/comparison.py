"""What ``compare`` answers: trained weights beside the closed form."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from flint import fmpq

from icl_claims.claims.calculators.quantity import Quantity, measured, rational, root, upper_bound
from icl_claims.models.comparison import compare, compare_layers
from icl_claims.models.files import load
from icl_claims.models.weights import WeightsError
from icl_claims.numerics.rounding import root_above
from icl_claims.theory.algebra.algebraic import written
from icl_claims.theory.many_layers.distance import LayersComparison
from icl_claims.theory.one_layer.distance import Distance
from icl_claims.theory.task import RegressionTask


def comparison(path: Path, task: RegressionTask) -> dict[str, Any]:
    """The answer for the weights in a file.

    Raises:
        WeightsError: the file holds no weights of a linear transformer, they do not fit the task, or they have
            several layers and the task is not Ω = Σ⁻¹ without noise.
        OverflowError: a number is beyond the range of float64.
    """
    weights = load(path)
    if weights.depth == 1:
        return _one_layer(compare(task, weights))
    if not task.is_whitened:
        raise WeightsError(
            f"several layers need the whitened task and --noise 0, and {path} has {weights.depth} layers"
        )
    return _several_layers(compare_layers(task, weights))


def _one_layer(found: Distance) -> dict[str, Any]:
    return {
        "loss": rational(found.loss),
        "minimum": rational(found.minimum),
        "excess": measured(found.excess),
        "relative_excess": None if found.minimum == 0 else measured(found.excess / found.minimum),
        "distance": root(found.squared_distance),
        "distance_bound": None if found.squared_bound is None else _root_bound(found.squared_bound),
        "preconditioner": [list(map(measured, row)) for row in found.preconditioner.tolist()],
        "closed_form": [list(map(rational, row)) for row in found.closed_form.tolist()],
        "entry_bounds": None
        if found.squared_entry_bounds is None
        else [list(map(_root_bound, row)) for row in found.squared_entry_bounds],
    }


def _root_bound(squared: fmpq) -> Quantity:
    """The root of an upper bound on a square, rounded upwards."""
    return upper_bound(root_above(squared))


def _several_layers(found: LayersComparison) -> dict[str, Any]:
    loss, excess = found.loss, found.excess
    steps = found.optimum.steps
    before_last = found.layers[:-1]
    # A factor 0 is a multiple of I.
    from_factors = [x if x is not None else fmpq(0) for x in (layer.factor_distance for layer in before_last)]
    return {
        "loss": None if loss is None else rational(loss),
        "minimum": rational(found.minimum),
        "excess": None if excess is None else measured(excess),
        "relative_excess": None if excess is None else measured(excess / found.minimum),
        "lower_bound": rational(found.lower_bound),
        "projected_loss": measured(found.projected_loss),
        "distance": root(found.squared_distance),
        "steps": [measured(layer.step) for layer in found.layers],
        "dist": _all_roots(layer.distance for layer in found.layers),
        "dist_raw": _all_roots(layer.raw_distance for layer in found.layers),
        "factors": None if loss is not None else [measured(layer.factor) for layer in before_last],
        "dist_factors": None if loss is not None else list(map(root, from_factors)),
        "closed_form": list(map(Quantity, steps, written(steps))),
    }


def _all_roots(squares: Iterable[fmpq | None]) -> list[Quantity] | None:
    """The roots of all, or None where one is unknown."""
    known = list(squares)
    return None if None in known else [root(x) for x in known if x is not None]
