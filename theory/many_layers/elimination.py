r"""The critical points on 𝒮 with one multiple step, found one by one: a route that does not use the theorem on them.

Let the step c occur M times, and r ≤ 2 other steps once each. For given c the other steps are the reciprocals of the
roots of the polynomial of degree r orthogonal for s (1 − cs)^{2M} dμ; what is left is one polynomial equation for c
(:func:`icl_claims.theory.many_layers.critical_points.single_block_critical_points`). Its real roots are isolated in
balls, and counted by Sturm's theorem. At each point the gradient must enclose 0, every step must be certainly
positive, and certified pivots of the Hessian on 𝒮 give the index: the number of negative ones.

What :mod:`icl_claims.theory.many_layers.critical_points` proves for all d, n and L is so found again at given sizes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from flint import arb, ctx, fmpq_poly

from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.polynomials import inner_product, product
from icl_claims.theory.algebra.real_roots import count_real_roots, primitive
from icl_claims.theory.many_layers.critical_points import (
    assignments,
    enclosed_optimal_steps,
    single_block_critical_points,
)
from icl_claims.theory.task import RegressionTask, isotropic, whitened_sizes
from icl_claims.theory.wishart import spectral_moments

MOST_SIMPLE = 2
"""The largest r: the other steps are given by radicals."""

_PRECISION = 512
"""Bits: far more than separate the roots or decide the pivots at the sizes in use."""


def multiple_points(task: RegressionTask, multiplicity: int, simple: int) -> list[list[arb]]:
    """The critical points with one step M times and r others once, one for each multiset of steps.

    Args:
        task: whitened, Ω = Σ⁻¹ and σ² = 0.
        multiplicity: M ≥ 2.
        simple: r, from 0 to :data:`MOST_SIMPLE`.

    Returns:
        The steps of each point in balls, the multiple one first.

    Raises:
        Refuted: Sturm's theorem counts other real roots than the balls isolate, or a root is double.
        ValueError: r is out of range.

    >>> [[float(a.mid()) for a in steps] for steps in multiple_points(RegressionTask.isotropic(1, 1), 2, 0)]
    [[0.2364087692750691, 0.2364087692750691]]
    """
    if not 0 <= simple <= MOST_SIMPLE:
        raise ValueError(f"simple must be an integer from 0 to {MOST_SIMPLE}, got {simple}")
    H, K = single_block_critical_points(task, multiplicity, simple)
    # Where K vanishes too, one of the other steps is c: those points belong to M + 1.
    while (common := H.gcd(K)).degree() > 0:
        H = H // common
    return [[root] * multiplicity + _other_steps(task, root, multiplicity, simple) for root in _real_roots(H)]


def prove_counts(claimed: Callable[[int], dict[int, int]], sizes: Sequence[tuple[int, int, int]]) -> None:
    """At sizes (d, n, L) so many critical points of each index on 𝒮: all of them for L ≤ 3.

    For L = 4 those with two double steps are not found by elimination, and are taken off the claimed numbers.

    Args:
        claimed: L ↦ {index: how many}.
        sizes: with L from 1 to 4.

    Raises:
        Refuted: other numbers are found, or a point is not one (:func:`index_of`).
    """
    for d, n, L in sizes:
        task, found = isotropic(d, n), Counter[int]()
        for M in range(1, L + 1):
            points = multiple_points(task, M, L - M) if M > 1 else [enclosed_optimal_steps(task, L)]
            for steps in points:
                found[index_of(task, steps)] += assignments([M] + [1] * (L - M))
        stated = dict(claimed(L))
        if L == 4:
            stated[2] = stated.get(2, 0) - assignments([2, 2])
        if dict(found) != {index: count for index, count in stated.items() if count}:
            raise Refuted(f"d = {d}, n = {n}, L = {L}: {dict(found)} by elimination, {stated} claimed")


def index_of(task: RegressionTask, steps: Sequence[arb]) -> int:
    """The number of negative pivots of the Hessian on 𝒮 at a critical point, certified.

    Args:
        task: whitened.
        steps: balls that contain the steps.

    Raises:
        Refuted: a step is not certainly positive, the gradient is certainly not 0, or the sign of a pivot is
            undecided, so that the point may be degenerate.
    """
    with ctx.workprec(_PRECISION):
        if not all(step > 0 for step in steps):
            raise Refuted("a step is not certainly positive")
        L, m = len(steps), [arb(x) for x in spectral_moments(2 * len(steps), *whitened_sizes(task))]
        if not all(_mean(steps, m, [i], 1).contains(0) for i in range(L)):
            raise Refuted("the gradient does not vanish")
        rows = [
            [
                2 * _mean(steps, m, [i, L + i], 2) if i == j else 4 * _mean(steps, m, [i, j], 2)
                for j in range(L)
            ]
            for i in range(L)
        ]
        return negative_pivots(rows)


def negative_pivots(rows: list[list[arb]]) -> int:
    """How many pivots of a symmetric matrix are negative: its negative eigenvalues, by Sylvester's law of inertia.

    Raises:
        Refuted: the sign of a pivot is undecided.

    >>> negative_pivots([[arb(1), arb(2)], [arb(2), arb(1)]])
    1
    """
    rows = [list(row) for row in rows]
    negative = 0
    for i, row in enumerate(rows):
        pivot = row[i]
        if not (pivot > 0 or pivot < 0):
            raise Refuted("the sign of a pivot is undecided: the point may be degenerate")
        negative += bool(pivot < 0)
        for j in range(i + 1, len(rows)):
            factor = rows[j][i] / pivot
            rows[j] = [x - factor * y for x, y in zip(rows[j], row, strict=True)]
    return negative


def _real_roots(polynomial: fmpq_poly) -> list[arb]:
    """Its real roots in balls, all simple, as many as Sturm's theorem counts."""
    integral = primitive(polynomial)
    with ctx.workprec(_PRECISION):
        found: list[Any] = integral.complex_roots()
        roots = [root.real for root, _ in found if root.imag == 0]
    if count_real_roots(polynomial) != len(roots):
        raise Refuted(f"Sturm's theorem does not count {len(roots)} real roots")
    if integral.gcd(integral.derivative()).degree() > 0:
        raise Refuted("a critical point is a double root")
    return roots


def _other_steps(task: RegressionTask, c: arb, multiplicity: int, simple: int) -> list[arb]:
    """The steps beside c: reciprocals of the roots of the polynomial orthogonal for s (1 − cs)^{2M} dμ."""
    if simple == 0:
        return []
    with ctx.workprec(_PRECISION):
        sizes = whitened_sizes(task)
        m = [arb(x) for x in spectral_moments(2 * multiplicity + 2 * simple, *sizes)]
        binomials = (fmpq_poly([1, 1]) ** (2 * multiplicity)).coeffs()
        weighted = [
            sum((arb(b) * (-c) ** k * m[k + j + 1] for k, b in enumerate(binomials)), arb(0))
            for j in range(2 * simple)
        ]
        if simple == 1:
            return [weighted[0] / weighted[1]]
        minor = weighted[1] * weighted[3] - weighted[2] ** 2
        total = (weighted[0] * weighted[3] - weighted[1] * weighted[2]) / minor
        multiplied = (weighted[0] * weighted[2] - weighted[1] ** 2) / minor
        root = (total**2 - 4 * multiplied).sqrt()
        return [(total - root) / 2, (total + root) / 2]


def _mean(steps: Sequence[arb], moments: Sequence[arb], skipped: Sequence[int], start: int) -> arb:
    """∫ s^start ∏ (1 − a_l s) dμ over l in two copies of the layers, the listed places left out."""
    q = [arb(1)]
    for at, a in enumerate([*steps, *steps]):
        if at not in skipped:
            q = product(q, [arb(1), -a])
    return inner_product(q, moments[start:], arb(0))
