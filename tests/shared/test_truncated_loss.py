"""The bound where the loss is known."""

from __future__ import annotations

from icl_claims.numerics.rounding import nearest
from icl_claims.theory.many_layers.step_sizes import optimal_steps
from icl_claims.theory.task import isotropic
from tests.shared.experiment import D
from tests.shared.truncated_loss import Tilt, equal_layers, lower_bound


def test_the_bound_holds_where_the_loss_is_known() -> None:
    """At steps of 𝒮, whose exact loss is known, it is below it, and close to it for a cap that matters little."""
    best = optimal_steps(isotropic(D, 6), 3)
    weights, loss = equal_layers([step.lower for step in best.steps]), nearest(best.loss)
    for spread in (1.0, 1.2):
        bound = lower_bound(weights, Tilt(6, spread=spread, cap=30.0))
        assert loss / 3 < bound < loss
