"""What ``flow`` answers: how long the gradient flow of a looped layer takes to a loss, and how steep the loss is."""

from __future__ import annotations

from typing import Any

from flint import arb, fmpq

from icl_claims.claims.calculators.quantity import Quantity
from icl_claims.numerics import looped_flow
from icl_claims.numerics.looped_flow import Recomputed
from icl_claims.theory.algebra.real_roots import ConvexMinimum
from icl_claims.theory.loops.step import optimal_looped_step
from icl_claims.theory.task import isotropic

RECORDED = fmpq(1, 16)
"""The constant of gradient dominance that Gatmiry et al. are recorded with."""

MOST_LOOPS_FOR_LEVEL = 3
"""The most loops for which the level of the recorded constant is found, from roots in degree 2L(2L − 1)."""


def flow(dim: int, context_length: int, loops: int, level: fmpq, points: int = 0) -> dict[str, Any]:
    """The answer at Σ = I, from A = 0, to the loss ``level``, 0 < ξ < d; and at so many levels on the way.

    >>> sorted(flow(1, 10, 1, fmpq(1, 2)))[:3]
    ['dominance', 'least_loss', 'limit_time']
    """
    best = optimal_looped_step(isotropic(dim, context_length), loops)
    f = best.loss.polynomial
    reached = best.loss.compare(level) < 0
    answer: dict[str, Any] = {
        "time": Quantity(Recomputed(lambda bits: looped_flow.time_along(f, dim, level, bits)))
        if reached
        else None,
        "limit_time": Quantity(Recomputed(lambda _: looped_flow.limit_time(dim, loops, level))),
        "upper_time": Quantity(
            Recomputed(lambda bits: looped_flow.slowest_time(dim, loops, level, _ball(best.loss, bits)))
        )
        if reached
        else None,
        "recorded_time": Quantity(Recomputed(lambda _: looped_flow.recorded_time(loops, level)))
        if loops > 1
        else None,
        "step": Quantity(looped_flow.point_of_level(f, level)) if reached else None,
        "optimal_step": Quantity(best.step),
        "recorded_radius": Quantity(
            Recomputed(lambda _: looped_flow.recorded_radius(dim, context_length, loops))
        ),
        "least_loss": Quantity(best.loss),
        "dominance": Quantity(Recomputed(lambda _: looped_flow.limit_constant(dim, loops))),
        "recorded_dominance_from": _recorded_from(dim, context_length, loops),
    }
    if not reached:
        answer["note"] = "time: the flow never has this loss, see least_loss"
    elif points:
        levels = [level + (dim - level) * fmpq(points - k, points) ** 4 for k in range(1, points + 1)]
        answer["levels"] = [Quantity(_constant(x)) for x in levels]
        answer["times"] = [Quantity(Recomputed(_time(f, dim, x))) for x in levels]
    return answer


def _time(loss: Any, dim: int, level: fmpq) -> Any:
    return lambda bits: looped_flow.time_along(loss, dim, level, bits)


def _constant(value: fmpq) -> Recomputed:
    return Recomputed(lambda _: arb(value))


def _ball(loss: ConvexMinimum, bits: int) -> arb:
    narrow = loss.refined(bits)
    return arb(narrow.lower).union(arb(narrow.upper))


def _recorded_from(dim: int, context_length: int, loops: int) -> Quantity | None:
    """From which loss on 1/16 is valid on the multiples of I; None where it fails at large losses, or L is large."""
    if loops > MOST_LOOPS_FOR_LEVEL:
        return None
    try:
        looped_flow.dominance_level(dim, context_length, loops, RECORDED)
    except ValueError:
        return None
    return Quantity(Recomputed(lambda _: looped_flow.dominance_level(dim, context_length, loops, RECORDED)))
