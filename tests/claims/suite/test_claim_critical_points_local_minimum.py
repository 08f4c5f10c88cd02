"""Is each minimizer on 𝒮 a local minimum over all matrices? Certified for a grid of sizes and depths."""

from collections.abc import Callable
from itertools import permutations

import pytest
from flint import arb

from icl_claims.claims.evidence import Evidence
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.loops.step import optimal_looped_step
from icl_claims.theory.many_layers.critical_points import (
    DIRECTIONS,
    enclosed_curvature,
    enclosed_optimal_steps,
    enclosure,
    is_certified_positive_definite,
)
from icl_claims.theory.task import isotropic

GRID = [(d, n, L) for d in (2, 3, 5, 10) for n in (1, 2, 3, 5, 20, 100) for L in (1, 2, 3, 4)]
"""n < d, n = d and n > d are among them."""

Steps = Callable[[int, int, int], list[arb]]
"""(d, n, L) ↦ the steps at which both blocks are claimed to be positive definite, in any order."""


def check_definite(steps: Steps) -> None:
    """Both blocks have positive leading minors, in ball arithmetic around the exact steps, in every order."""
    for d, n, L in GRID:
        for order in permutations(steps(d, n, L)):
            for directions in DIRECTIONS:
                block = enclosed_curvature(isotropic(d, n), order, directions)
                if not is_certified_positive_definite(block):
                    raise Refuted(
                        f"{directions} directions, d = {d}, n = {n}, L = {L}: a minor is not positive"
                    )


@pytest.mark.claim(
    slug="critical_points_local_minimum",
    grade="certified",
    range="d ∈ {2, 3, 5, 10}, n ∈ {1, 2, 3, 5, 20, 100}, L ≤ 4, every order of the steps",
    complete=False,
)
def test_claim_critical_points_local_minimum(evidence: Evidence) -> None:
    """At 96 sizes and in all 33 orders of the steps both matrix blocks have certainly positive minors, and the block
    on multiples of I is diagonal and positive: no direction of f is flat or falling, symmetric or not."""

    def looped(d: int, n: int, L: int) -> list[arb]:
        return [enclosure(optimal_looped_step(isotropic(d, n), L).refined(200).step)] * L

    def optimal(d: int, n: int, L: int) -> list[arb]:
        return enclosed_optimal_steps(isotropic(d, n), L)

    def stretched(factor: int) -> Steps:
        return lambda d, n, L: [step * factor for step in optimal(d, n, L)]

    mutants: dict[str, Steps] = {
        "the looped saddle": looped,
        "no steps at all, A_l = 0": lambda d, n, L: [arb(0)] * L,
        "steps of the other sign": stretched(-1),
    }
    evidence.check(check_definite, optimal, mutants)


@pytest.mark.claim(
    slug="critical_points_local_minimum",
    grade="certified",
    range="d ∈ {2, 3, 5, 10}, n ∈ {1, 2, 5, 20}, L ∈ {5, 6}, steps rising and falling",
    complete=False,
    level="full",
)
def test_claim_critical_points_local_minimum_deeper() -> None:
    """The same for five and six layers, in the two monotone orders."""
    for d in (2, 3, 5, 10):
        for n in (1, 2, 5, 20):
            for L in (5, 6):
                steps = enclosed_optimal_steps(isotropic(d, n), L)
                for order in (steps, steps[::-1]):
                    for directions in DIRECTIONS:
                        block = enclosed_curvature(isotropic(d, n), order, directions)
                        if not is_certified_positive_definite(block):
                            raise Refuted(f"{directions}: d = {d}, n = {n}, L = {L}")
