"""What ``compare`` answers: trained weights beside the closed form."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flint import fmpq, fmpq_mat

from icl_claims.claims.calculators.answers import NOTES
from icl_claims.claims.calculators.quantity import Quantity, measured, rational, root, upper_bound
from icl_claims.models.comparison import compare, compare_layers
from icl_claims.models.files import Found
from icl_claims.models.other_readings import LARGEST_DIMS, Other, is_far, other_readings
from icl_claims.models.weights import WeightsError
from icl_claims.numerics.decimals import decimal
from icl_claims.numerics.rounding import root_above
from icl_claims.theory.algebra.algebraic import number, written
from icl_claims.theory.many_layers.distance import LayersComparison
from icl_claims.theory.one_layer.distance import Distance
from icl_claims.theory.task import RegressionTask


def own_covariance(held: Found, dim: int, given: bool) -> tuple[fmpq_mat | None, tuple[str, ...]]:
    """Σ = U D² Uᵀ of the file where it counts, and a note on whether it does.

    Args:
        held: the weights and what else the file has.
        dim: d of the task.
        given: whether Σ is given otherwise, so that the file's does not count.

    Raises:
        WeightsError: it would count, and is of another size or singular.
    """
    sigma = held.covariance
    if sigma is None:
        return None, ()
    if given:
        return None, ("The file's own Σ = U D² Uᵀ was not used, as Σ is given.",)
    if sigma.nrows() != dim:
        raise WeightsError(f"U and D must be of dimension {dim}, that of the task, got {sigma.nrows()}")
    if sigma.det() == 0:
        raise WeightsError("U and D must be invertible where no option gives Σ, got a singular one")
    return sigma, ("Σ = U D² Uᵀ, of the U and D in the file.",)


def comparison(held: Found, task: RegressionTask) -> dict[str, Any]:
    """The answer for the weights in a file.

    Raises:
        WeightsError: the weights do not fit the task, or they have several layers and the task is not Ω = Σ⁻¹ without
            noise.
        OverflowError: a number is beyond the range of float64.
    """
    weights = held.weights
    if weights.depth > 1 and not task.is_whitened:
        raise WeightsError(
            f"several layers need the whitened task and --noise 0, and the file has {weights.depth} layers"
        )
    if weights.depth == 1:
        one = compare(task, weights)
        return {**_one_layer(one), NOTES: [*held.notes, *_others(held, task, "loss", one.loss, one.minimum)]}
    found = compare_layers(task, weights)
    loss, which = found.loss, "loss"
    if loss is None:
        loss, which = found.projected_loss, "loss at the nearest A_l = a_l Σ⁻¹, B_l = b_l I"
    return {**_several_layers(found), NOTES: [*held.notes, *_others(held, task, which, loss, found.minimum)]}


def _others(held: Found, task: RegressionTask, which: str, loss: fmpq, minimum: fmpq) -> list[str]:
    """What is to be said of weights that are far from the minimum."""
    if not is_far(loss, minimum):
        return []
    far = f"The {which} is {_short(loss)}, more than twice the minimum {_short(minimum)}."
    most = LARGEST_DIMS[held.weights.depth - 1]
    if task.dim > most:
        return [f"{far} Other readings are tried up to dimension {most} only."]
    tried = other_readings(task, held.weights.exact())
    if not tried.near:
        return [f"{far} It is not near the minimum either with {'; '.join(tried.words)}."]
    return [far, *(_near(which, other, held.weights.depth) for other in tried.near)]


def _near(which: str, other: Other, depth: int) -> str:
    said = f"With {other.what} the {which} would be {_short(other.loss)}, the minimum being {_short(other.minimum)}."
    if not other.eigenvalues:
        return said
    eigenvalues = ", ".join(f"{x:.3g}" for x in other.eigenvalues)
    of_one = " Any positive definite preconditioner of one layer is optimal for some Σ." if depth == 1 else ""
    return f"{said} Σ̂ is what the weights suggest for Σ; its eigenvalues are about {eigenvalues}.{of_one}"


def _short(value: fmpq) -> str:
    return decimal(number(value), 6)


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
