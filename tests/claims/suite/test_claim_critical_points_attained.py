"""All critical points on 𝒮: the infimum of Theorem 3 is attained, at one point per ordered partition of layers."""

from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

import pytest
from flint import arb, fmpq
from sympy import QQ
from sympy.polys.rings import ring

from icl_claims.claims.evidence import Evidence
from icl_claims.numerics.rounding import nearest
from icl_claims.theory.algebra import exact
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.partitions import compositions
from icl_claims.theory.algebra.words import letter
from icl_claims.theory.loops.step import optimal_looped_step
from icl_claims.theory.many_layers.critical_points import (
    assignments,
    critical_points_by_index,
    enclosed_optimal_steps,
)
from icl_claims.theory.many_layers.elimination import index_of, multiple_points
from icl_claims.theory.many_layers.scalar_pairs import scalar_pair_minimum
from icl_claims.theory.many_layers.step_sizes import gradient, hessian, loss_of_steps, optimal_steps
from icl_claims.theory.task import RegressionTask, isotropic
from icl_claims.theory.transformer.parametrizations import sparse
from icl_claims.theory.transformer.query_label import prove_slot_only_shifts
from tests.shared import scaled_set

SIZES = [(1, 1), (2, 1), (1, 4), (3, 2), (5, 20)]
"""(d, n) of the exact counts; n < d and d = 1 are among them."""


class Identity(NamedTuple):
    """(a_l − a_m) f_lm = between (f_l − f_m); f_lm = within · f_ll where a_l = a_m."""

    between: int = -2
    within: int = 2


def check_identity(claimed: Identity) -> None:
    """Both identities with the moments m_k and the steps as symbols, for L ≤ 4; and in the theory's gradient
    and Hessian at rational points, for L ≤ 5."""
    for L in (2, 3, 4):
        _, *symbols = ring([f"m{k}" for k in range(2 * L + 1)] + [f"a{i}" for i in range(L)], QQ)
        m, a = symbols[: 2 * L + 1], symbols[2 * L + 1 :]
        e = [a[0].ring.one, *[a[0].ring.zero] * L]
        for x in a:
            e = [e[0], *(e[i] + x * e[i - 1] for i in range(1, L + 1))]
        f = sum((-1) ** (i + j) * m[i + j] * e[i] * e[j] for i in range(L + 1) for j in range(L + 1))
        mixed = f.diff(a[0]).diff(a[1])
        if (a[0] - a[1]) * mixed != claimed.between * (f.diff(a[0]) - f.diff(a[1])):
            raise Refuted(f"L = {L}: the mixed derivative is not that of the gradient's difference")
        if (mixed - claimed.within * f.diff(a[0]).diff(a[0])).compose(a[1], a[0]) != 0:
            raise Refuted(f"L = {L}: the mixed derivative at equal steps has another factor")
    for steps in ([fmpq(1, 2), fmpq(-1, 3), fmpq(1, 2)], [fmpq(k, 7) for k in (1, 3, 4, 4, 9)]):
        slopes, curved = (
            gradient(isotropic(3, 2), steps),
            hessian(isotropic(3, 2), steps),
        )
        for i in range(len(steps)):
            for j in range(i):
                gap = steps[i] - steps[j]
                if gap and gap * curved[i, j] != claimed.between * (slopes[i] - slopes[j]):
                    raise Refuted("the theory's gradient and Hessian break the identity")
                if not gap and curved[i, j] != claimed.within * curved[i, i]:
                    raise Refuted("the theory's Hessian has another factor at equal steps")


@pytest.mark.claim(
    slug="critical_points_attained",
    grade="proof",
    range="all d, n, L ≥ 1, Σ ≻ 0 by the argument; its identities with symbolic moments for L ≤ 4",
)
def test_claim_critical_points_attained(evidence: Evidence) -> None:
    """f is coercive and, at a critical point, its Hessian vanishes between different steps and is D(2J − I) on
    equal ones: nondegenerate of index L − k. The gradient flow keeps the order of the block values, walls only
    attract along themselves, so each chamber is the basin of exactly one critical point; no step is ≤ 0."""
    mutants = {
        "−1 between steps": Identity(between=-1),
        "+2 between steps": Identity(between=2),
        "1 at equal steps": Identity(within=1),
        "0 at equal steps": Identity(within=0),
    }
    evidence.check(check_identity, Identity(), mutants)
    for L in (1, 2, 3, 4, 5):
        by_type = sum(map(assignments, compositions(L)))
        if by_type != sum(critical_points_by_index(L).values()):
            raise Refuted("the ordered partitions are miscounted")
        if sum((-1) ** index * count for index, count in critical_points_by_index(L).items()) != 1:
            raise Refuted("the indices break the Morse relation of a coercive function")
        counts = ", ".join(
            f"{count} of index {index}" for index, count in critical_points_by_index(L).items()
        )
        evidence.figure(f"critical points, L = {L}", f"{by_type}: {counts}")


Counts = Callable[[int], dict[int, int]]
"""L ↦ {index: number of critical points}."""


def check_counts(claimed: Counts) -> None:
    """All critical points for L ≤ 3, and for L = 4 those with one multiple step at most, found by elimination.

    With c the multiple step the others are eliminated exactly; Sturm's theorem counts the real c, balls place
    them among the other steps, and certified pivots of the Hessian on 𝒮 give the index.
    """
    for d, n in SIZES:
        for L in (1, 2, 3, 4):
            found: Counter[int] = Counter()
            for M in range(1, L + 1):
                points = (
                    [enclosed_optimal_steps(isotropic(d, n), L)]
                    if M == 1
                    else multiple_points(isotropic(d, n), M, L - M)
                )
                for steps in points:
                    found[index_of(isotropic(d, n), steps)] += assignments([M, *[1] * (L - M)])
            stated = dict(claimed(L))
            if L == 4:
                stated[2] = stated.get(2, 0) - assignments([2, 2])
            if dict(found) != {index: count for index, count in stated.items() if count}:
                raise Refuted(f"d = {d}, n = {n}, L = {L}: {dict(found)} by elimination, {stated} claimed")


@pytest.mark.claim(
    slug="critical_points_attained",
    grade="exact",
    range="five sizes (d, n) with n < d among them, L ≤ 3, and L = 4 without pairs of double steps",
    complete=False,
    parts=("count", "index"),
)
def test_claim_critical_points_attained_by_elimination(evidence: Evidence) -> None:
    """Steps eliminated down to one polynomial in one step; its real roots counted by Sturm's theorem, each placed
    and given its index by certified pivots: the counts of the theorem, index by index."""
    mutants: dict[str, Counts] = {
        "minimizers only": lambda L: {0: critical_points_by_index(L)[0]},
        "no looped point": lambda L: {
            i: c for i, c in critical_points_by_index(L).items() if i != L - 1 or L == 1
        },
        "order of blocks ignored": lambda L: dict.fromkeys(critical_points_by_index(L), 1),
        "index one more": lambda L: {i + 1: c for i, c in critical_points_by_index(L).items()},
    }
    evidence.check(check_counts, critical_points_by_index, mutants)
    d, n = 5, 20
    for steps in multiple_points(isotropic(d, n), 2, 1):
        shown = ", ".join(f"{float(a.mid()):.4f}" for a in sorted(steps, key=lambda a: float(a.mid())))
        evidence.figure(
            f"saddle at d = 5, n = 20, L = 3: steps {shown}", f"{saddle_loss(steps):.6f}", exact=False
        )
    best, looped = (
        optimal_steps(isotropic(d, n), 3),
        optimal_looped_step(isotropic(d, n), 3),
    )
    evidence.figure("minimum at d = 5, n = 20, L = 3", best.loss)
    evidence.figure("looped saddle there", f"{nearest(looped.loss.upper):.6f}", exact=False)


def saddle_loss(steps: list[arb]) -> float:
    """The loss at the nearest floats."""
    return nearest(loss_of_steps(isotropic(5, 20), [float(a.mid()) for a in steps]))


@pytest.mark.claim(slug="critical_points_attained", grade="exact", range="one instance each", parts=())
def test_claim_critical_points_attained_necessity(evidence: Evidence) -> None:
    """Each assumption dropped by itself, or why the conclusion does not need it."""
    scaled_set.record_necessity(evidence)
    with pytest.raises(ValueError, match="covariance must be positive definite"):
        RegressionTask.whitened(exact.diagonal([1, 0]), 2)
    evidence.necessary("positive_definite_covariance", "For singular Σ neither Σ⁻¹ nor the set 𝒮 exists.")
    clean, discriminant = (
        scalar_pair_minimum(isotropic(1, 1, noise_variance=noise)).discriminant for noise in (0, 8)
    )
    if not clean > 0 > discriminant:
        raise Refuted("noise of this variance leaves two different steps")
    evidence.necessary(
        "noiseless_labels",
        "σ² = 8, d = n = 1, L = 2: with e = a_0 + a_1 and p = a_0 a_1 the loss is a convex quadratic in (e, p), and "
        f"its only critical point has e² − 4p = {discriminant} < 0. So no critical point has two different "
        "steps: there is one on 𝒮, with equal steps, not three.",
    )
    prove_slot_only_shifts([sparse(letter(name, "d", "d")) for name in "AB"])
    evidence.dispensable(
        "zero_query_label",
        "A value c in the slot shifts the error by c at every layer; the error is odd in w, so f "
        "grows by the constant c².",
    )
