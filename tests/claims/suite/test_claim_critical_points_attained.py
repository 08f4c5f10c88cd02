"""All critical points on 𝒮: the infimum of Theorem 3 is attained, at one point per ordered partition of layers."""

from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

import pytest
import sympy
from flint import arb, ctx, fmpq, fmpq_poly
from sympy import QQ
from sympy.polys.rings import ring

from icl_claims.claims.evidence import Evidence
from icl_claims.numerics.rounding import nearest
from icl_claims.theory.algebra import exact
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.real_roots import primitive
from icl_claims.theory.loops.step import optimal_looped_step
from icl_claims.theory.many_layers.critical_points import (
    assignments,
    critical_points_by_index,
    enclosed_optimal_steps,
    set_partitions_in_order,
    single_block_critical_points,
)
from icl_claims.theory.many_layers.matrix_layers import layered_loss
from icl_claims.theory.many_layers.step_sizes import gradient, hessian, loss_of_steps, optimal_steps
from icl_claims.theory.task import RegressionTask, isotropic
from icl_claims.theory.wishart import spectral_moments
from tests.claims.ahn2023.test_claim_critical_points_scaled_inverse_covariance import (
    check_slot_only_shifts,
    differing,
    one_step,
)
from tests.shared.coordinates import Variables, gaussian, rademacher

SIZES = [(1, 1), (2, 1), (1, 4), (3, 2), (5, 20)]
"""(d, n) of the exact counts; n < d and d = 1 are among them."""

BITS = 512


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
        by_type = sum(map(assignments, set_partitions_in_order(L)))
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
                    else multiple_points(M, L - M, d, n)
                )
                for steps in points:
                    found[index_at(steps, d, n)] += assignments([M, *[1] * (L - M)])
            stated = dict(claimed(L))
            if L == 4:
                stated[2] = stated.get(2, 0) - assignments([2, 2])
            if dict(found) != {index: count for index, count in stated.items() if count}:
                raise Refuted(f"d = {d}, n = {n}, L = {L}: {dict(found)} by elimination, {stated} claimed")


def multiple_points(M: int, r: int, d: int, n: int) -> list[list[arb]]:
    """The critical points with one step M times and r other ones once, one for each multiset of steps."""
    H, K = single_block_critical_points(isotropic(d, n), M, r)
    proper = H
    while (common := proper.gcd(K)).degree() > 0:
        proper = proper // common
    with ctx.workprec(BITS):
        roots = [root.real for root, _ in primitive(proper).complex_roots() if root.imag == 0]
    c = sympy.Symbol("c")
    as_sympy = sympy.Poly([sympy.Rational(int(x.p), int(x.q)) for x in proper.coeffs()[::-1]], c)
    if as_sympy.count_roots() != len(roots) or primitive(proper).gcd(primitive(proper).derivative()).degree():
        raise Refuted(f"M = {M}, r = {r}: Sturm's theorem counts other real roots, or there are double ones")
    return [[root] * M + others(root, M, r, d, n) for root in roots]


def others(c: arb, M: int, r: int, d: int, n: int) -> list[arb]:
    """The steps beside c: reciprocals of the roots of the polynomial orthogonal for s (1 − cs)^{2M} dμ."""
    with ctx.workprec(BITS):
        m = [arb(x) for x in spectral_moments(2 * M + 2 * r + 1, d, n)]
        binomials = fmpq_poly([1, 1]) ** (2 * M)
        weighted = [
            sum((arb(b) * (-c) ** k * m[k + j + 1] for k, b in enumerate(binomials.coeffs())), arb(0))
            for j in range(2 * r)
        ]
        if r == 0:
            return []
        if r == 1:
            return [weighted[0] / weighted[1]]
        if r > 2:
            raise ValueError(f"r must be at most 2, got {r}")
        minor = weighted[1] * weighted[3] - weighted[2] ** 2
        total = (weighted[0] * weighted[3] - weighted[1] * weighted[2]) / minor
        product = (weighted[0] * weighted[2] - weighted[1] ** 2) / minor
        root = (total**2 - 4 * product).sqrt()
        return [(total - root) / 2, (total + root) / 2]


def index_at(steps: list[arb], d: int, n: int) -> int:
    """The number of negative pivots of the Hessian on 𝒮, certified; the gradient encloses 0, the steps are > 0."""
    with ctx.workprec(BITS):
        L, m = len(steps), [arb(x) for x in spectral_moments(2 * len(steps) + 2, d, n)]

        def mean(skipped: list[int], start: int) -> arb:
            """∫ s^start ∏ (1 − a_l s) dμ over l in two copies of the layers, the listed places left out."""
            q = [arb(1)]
            for at, a in enumerate([*steps, *steps]):
                if at not in skipped:
                    q = [x - a * y for x, y in zip([*q, arb(0)], [arb(0), *q], strict=True)]
            return sum((x * m[start + k] for k, x in enumerate(q)), arb(0))

        if not all(step > 0 for step in steps):
            raise Refuted("a step is not certainly positive")
        if not all(mean([i], 1).contains(0) for i in range(L)):
            raise Refuted("the gradient does not vanish")
        rows = [
            [2 * mean([i, L + i], 2) if i == j else 4 * mean([i, j], 2) for j in range(L)] for i in range(L)
        ]
        negative = 0
        for i in range(L):
            pivot = rows[i][i]
            if not (pivot > 0 or pivot < 0):
                raise Refuted("the sign of a pivot is undecided: the point may be degenerate")
            negative += bool(pivot < 0)
            for j in range(i + 1, L):
                factor = rows[j][i] / pivot
                rows[j] = [x - factor * y for x, y in zip(rows[j], rows[i], strict=True)]
        return negative


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
        "minimisers only": lambda L: {0: critical_points_by_index(L)[0]},
        "no looped point": lambda L: {
            i: c for i, c in critical_points_by_index(L).items() if i != L - 1 or L == 1
        },
        "order of blocks ignored": lambda L: dict.fromkeys(critical_points_by_index(L), 1),
        "index one more": lambda L: {i + 1: c for i, c in critical_points_by_index(L).items()},
    }
    evidence.check(check_counts, critical_points_by_index, mutants)
    d, n = 5, 20
    for steps in multiple_points(2, 1, d, n):
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
    v = Variables(x0=gaussian, x1=rademacher, w0=gaussian, w1=gaussian)
    numbers = one_step(v, [v.of["x0"], v.of["x1"]], [v.of["w0"], v.of["w1"]])
    evidence.necessary("gaussian_covariates", differing("x = (normal, ±1), d = 2, n = 1", *numbers))
    v = Variables(x0=gaussian, x1=gaussian, w0=gaussian, w1=gaussian)
    x = [v.of["x0"], v.of["x1"]]
    evidence.necessary(
        "independent_task",
        differing(
            "w = (first entry of x_1, normal), d = 2, n = 1", *one_step(v, x, [v.of["x0"], v.of["w1"]])
        ),
    )
    weighted = one_step(v, x, [v.of["w0"], 2 * v.of["w1"]])
    evidence.necessary("whitened_task", differing("Σ = I, Ω = diag(1, 4), d = 2, n = 1", *weighted))
    with pytest.raises(ValueError, match="covariance must be positive definite"):
        RegressionTask.whitened(exact.diagonal([1, 0]), 2)
    evidence.necessary("positive_definite_covariance", "For singular Σ neither Σ⁻¹ nor the set 𝒮 exists.")
    discriminant = noisy_discriminant(fmpq(8))
    if not noisy_discriminant(fmpq(0)) > 0 > discriminant:
        raise Refuted("noise of this variance leaves two different steps")
    evidence.necessary(
        "noiseless_labels",
        "σ² = 8, d = n = 1, L = 2: with e = a_0 + a_1 and p = a_0 a_1 the loss is a convex quadratic in (e, p), and "
        f"its only critical point has e² − 4p = {discriminant} < 0. So no critical point has two different "
        "steps: there is one on 𝒮, with equal steps, not three.",
    )
    check_slot_only_shifts()
    evidence.dispensable(
        "zero_query_label",
        "A value c in the slot shifts the error by c at every layer; the error is odd in w, so f "
        "grows by the constant c².",
    )


def noisy_discriminant(noise: fmpq) -> fmpq:
    """e² − 4p at the only critical point of the loss as a function of (e, p), d = n = 1, L = 2.

    The loss is a quadratic polynomial in (e, p), found exactly from six values and checked at a seventh.
    """
    task = isotropic(1, 1, noise_variance=noise)
    places = [(0, 0), (1, 0), (2, 0), (1, 1), (1, -1), (2, 2), (3, -2)]

    def row(a: int, b: int) -> list[int]:
        e, p = a + b, a * b
        return [1, e, p, e * e, e * p, p * p]

    values = [layered_loss(task, [[[a]], [[b]]]) for a, b in places]
    system = exact.matrix("system", [row(*place) for place in places[:6]])
    c = system.solve(exact.matrix("values", [[x] for x in values[:6]])).entries()
    if sum(x * y for x, y in zip(c, row(*places[6]), strict=True)) != values[6]:
        raise Refuted("the loss is no quadratic polynomial in (e, p)")
    if not (c[3] > 0 and 4 * c[3] * c[5] - c[4] ** 2 > 0):
        raise Refuted("the quadratic is not convex")
    curved = exact.matrix("curved", [[2 * c[3], c[4]], [c[4], 2 * c[5]]])
    e, p = curved.solve(exact.matrix("slopes", [[-c[1]], [-c[2]]])).entries()
    return e * e - 4 * p
