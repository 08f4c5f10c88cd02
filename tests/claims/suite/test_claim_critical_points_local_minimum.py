"""Is each minimizer on 𝒮 a local minimum over all matrices? Certified for a grid of sizes and depths."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations
from typing import NamedTuple

import pytest
from flint import arb

from icl_claims.claims.edits import changed
from icl_claims.claims.evidence import Evidence
from icl_claims.claims.statement import Statement
from icl_claims.theory.derivations.critical_points_local_minimum_two_layers import filled_slot
from icl_claims.theory.loops.step import optimal_looped_step
from icl_claims.theory.many_layers.critical_points import (
    enclosed_optimal_steps,
    enclosure,
    prove_definite_in_all_directions,
)
from icl_claims.theory.task import isotropic
from tests.shared.bends import Bend, bends, not_critical, roots, unit
from tests.shared.settings import Setting, conditions

SLUG = "critical_points_local_minimum"
GRID = [(d, n, L) for d in (1, 2, 3, 5, 10) for n in (1, 2, 3, 5, 20, 100) for L in (1, 2, 3, 4)]
"""n < d, n = d and n > d are among them."""


class Points(NamedTuple):
    """(d, n, L) ↦ the steps at which the Hessian is stated to be positive definite, in any order."""

    steps: Callable[[int, int, int], list[arb]]


def optimal(d: int, n: int, L: int) -> list[arb]:
    return enclosed_optimal_steps(isotropic(d, n), L)


def margin(points: Points, at: Bend) -> arb:
    """How the loss bends along the directions, at all orders of the steps; negative where it falls to some side."""
    task = at.setting.task
    if at.sum_and_product is not None:
        return at.growth(roots(*at.sum_and_product))
    return at.growth(points.steps(task.dim, task.context_length, len(at.directions)))


STATEMENT = Statement(
    slug=SLUG,
    stated=Points(optimal),
    margins={"statement": margin},
    conditions=conditions(SLUG),
    instances=lambda corner: bends(SLUG, None, corner),
    without=lambda key: bends(SLUG, None, without=key),
    undefined_without={"positive_definite_covariance": "without it there is no inverse of Σ, and no set 𝒮"},
)


def check_definite(points: Points) -> None:
    """At the sizes and depths of the grid, in every order of the steps."""
    for d, n, L in GRID:
        for order in permutations(points.steps(d, n, L)):
            prove_definite_in_all_directions(isotropic(d, n), order)


@pytest.mark.claim(
    slug="critical_points_local_minimum",
    grade="certified",
    range="d ∈ {1, 2, 3, 5, 10}, n ∈ {1, 2, 3, 5, 20, 100}, L ≤ 4, every order of the steps",
    complete=False,
)
def test_claim_critical_points_local_minimum(evidence: Evidence) -> None:
    """At 120 sizes and depths and in all orders of the steps the blocks of the Hessian on multiples of I, on
    traceless symmetric and on antisymmetric matrices are certainly positive definite."""

    def looped(d: int, n: int, L: int) -> list[arb]:
        return [enclosure(optimal_looped_step(isotropic(d, n), L).refined(200).step)] * L

    def zero(d: int, n: int, L: int) -> list[arb]:
        return [arb(0)] * L

    def negated(d: int, n: int, L: int) -> list[arb]:
        return [-step for step in optimal(d, n, L)]

    def halved(d: int, n: int, L: int) -> list[arb]:
        return [step / 2 for step in optimal(d, n, L)]

    stated, reason = STATEMENT.stated, "the gradient does not vanish"
    mutants = [
        changed(stated, "multiples directions, d = 1, n = 1, L = 2", steps=looped),
        changed(stated, reason, steps=zero),
        changed(stated, reason, steps=negated),
        changed(stated, reason, steps=halved),
    ]
    across = Bend(Setting(isotropic(2, 2)), (unit(1, 1), unit(-1, -1)))
    together = Bend(Setting(isotropic(2, 2)), (unit(1, 1), unit(1, 1)))
    evidence.check(check_definite, STATEMENT, mutants, at=[across, together])


@pytest.mark.claim(
    slug="critical_points_local_minimum",
    grade="certified",
    range="d ∈ {2, 3, 5, 10}, n ∈ {1, 2, 5, 20}, L ∈ {5, 6}, steps rising and falling",
    parts=(),
    level="full",
)
def test_claim_critical_points_local_minimum_deeper() -> None:
    """The same for five and six layers, in the two monotone orders."""
    for d in (2, 3, 5, 10):
        for n in (1, 2, 5, 20):
            for L in (5, 6):
                steps = optimal(d, n, L)
                for order in (steps, steps[::-1]):
                    prove_definite_in_all_directions(isotropic(d, n), order)


@pytest.mark.claim(
    slug="critical_points_local_minimum", grade="exact", range="one instance each, d = 2", parts=()
)
def test_claim_critical_points_local_minimum_necessity(evidence: Evidence) -> None:
    """Without one of three assumptions the best pair of multiples of I is not even a critical point; the slot does not
    matter, shown for two layers."""
    for key, instance in not_critical().items():
        evidence.necessary(STATEMENT, key, instance)
    evidence.dispensable("zero_query_label", filled_slot)
