r"""All critical points of the loss on 𝒮 = {A_l = a_l Σ⁻¹}, and the curvature of f in every matrix direction there.

On 𝒮, f(a) = ∫ q_a² dμ with q_a(s) = ∏_l (1 − a_l s) (:mod:`icl_claims.theory.many_layers.step_sizes`).

For all d, n, L ≥ 1 the critical points of f on 𝒮 are one for each ordered partition of the layers into blocks of equal
steps, the value of a step rising from block to block: k! S(L, k) of index L − k, the ordered Bell number in all. All
steps are positive. Lemma by lemma: :mod:`icl_claims.theory.derivations.critical_points_attained`. (In the theory of
Gauss–Turán quadrature: one σ-orthogonal polynomial for each order of the multiplicities.)

**All matrix directions.** For Σ = I (whitened) and A_l = a_l I + ε R_l the gradient is in the multiples of I, and
the second derivative is O(d)-invariant, so splits into L × L blocks on multiples of I, traceless symmetric and
antisymmetric directions (no others, by Schur's lemma; the same R_l = r_l R for one R of norm 1 spans each).
With P_l = I − a_l S, U_l = ∏_{m>l} P_m, V_l = ∏_{m<l} P_m, M_{lm} the product strictly between, l < m:

    ∂²f(R_l, R_m) = 2 E tr(S² V_l V_m · R_lᵀ · U_l U_m · R_m) + 2 E tr(S q V_l U_m · R_m · S M_{lm} · R_l),

the first term alone for l = m. For i, j ≥ 0 the average of S^i ⊗ S^j is invariant,

    E (S^i)_{ab} (S^j)_{ce} = x δ_{ab}δ_{ce} + y (δ_{ac}δ_{be} + δ_{ae}δ_{bc}),
    x d² + 2y d = E tr S^i tr S^j,     x d + y (d² + d) = E tr S^{i+j},

so that E tr(S^i R S^j R) = (x + y) tr R² for traceless symmetric R, (x − y) tr R² for antisymmetric R.

Derived here. Ahn et al. (2023), Theorem 3, prove that the infimum of the gradient on 𝒮 is 0. On σ-orthogonality:
A. Ghizzetti, A. Ossicini (1975), Rend. Sem. Mat. Univ. Padova 53.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, reduce
from math import comb, factorial
from operator import mul
from typing import Any, Literal, get_args

from flint import arb, arb_mat, ctx, fmpq, fmpq_mat, fmpq_poly

from icl_claims.theory.algebra import polynomials
from icl_claims.theory.algebra.definiteness import certain_definiteness, is_positive_definite
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.minors import determinant
from icl_claims.theory.algebra.real_roots import RealRoot
from icl_claims.theory.algebra.validation import positive_integer
from icl_claims.theory.many_layers.step_sizes import optimal_steps
from icl_claims.theory.task import RegressionTask, whitened_sizes
from icl_claims.theory.wishart import spectral_moments, trace_moment_list

Directions = Literal["symmetric", "antisymmetric"]
"""Traceless symmetric, or antisymmetric, R in A_l = a_l I + ε r_l R."""

DIRECTIONS: tuple[Directions, ...] = get_args(Directions)

MOST_CURVED_LAYERS = 8
"""The largest L of :func:`curvature`."""

_PRECISION = 256
"""Bits of the enclosures of algebraic steps; blocks are then decided far above their rounding."""


def critical_points_by_index(layers: int) -> dict[int, int]:
    """{index: how many critical points of f on 𝒮 have it}: k! S(L, k) of index L − k.

    Raises:
        TypeError, ValueError: ``layers`` is no integer ≥ 1.

    >>> critical_points_by_index(3)
    {0: 6, 1: 6, 2: 1}
    """
    size = positive_integer("layers", layers)

    def onto(k: int) -> int:
        return sum((-1) ** j * comb(k, j) * (k - j) ** size for j in range(k))

    return {size - k: onto(k) for k in range(size, 0, -1)}


def ordered_partitions(layers: int, blocks: int) -> int:
    """k! S(L, k), in how many ways L layers fall into k blocks in a row.

    >>> [ordered_partitions(3, k) for k in (1, 2, 3)]
    [1, 6, 6]
    """
    return critical_points_by_index(layers)[layers - blocks]


def single_block_critical_points(
    task: RegressionTask, multiplicity: int, simple: int
) -> tuple[fmpq_poly, fmpq_poly]:
    r"""Polynomials in c whose common real structure lists the critical points with one multiple step.

    With the step c taken ``multiplicity`` = M times and r = ``simple`` others once, the others' factor
    p = ∏ (1 − b_j s) is, for given c, the polynomial with p(0) = 1 of degree r orthogonal to lower degrees for
    s (1 − c s)^{2M} dμ: p = g_c/Δ(c), Δ > 0 a Hankel determinant, polynomial in c. What is left is

        H(c) = ∫ s g_c² (1 − c s)^{2M−1} dμ = 0,       and       K(c) = c^r g_c(1/c) ≠ 0:

    where K = 0 one of the b_j is c, and the point has a block of M + 1 instead.

    Returns:
        (H, K), polynomials over ℚ.

    >>> H, K = single_block_critical_points(RegressionTask.isotropic(1, 1), 2, 0)
    >>> H
    (-105)*x^3 + 45*x^2 + (-9)*x + 1
    """
    M, r = positive_integer("multiplicity", multiplicity), simple
    m = spectral_moments(2 * M + 2 * r + 1, *whitened_sizes(task))
    one, minus_c = fmpq_poly([1]), fmpq_poly([0, -1])

    def weighted(power: int, start: int) -> fmpq_poly:
        """∫ s^start (1 − c s)^power dμ, a polynomial in c."""
        terms = (minus_c**k * (comb(power, k) * m[start + k]) for k in range(power + 1))
        return sum(terms, fmpq_poly([]))

    hankel = [[weighted(2 * M, i + j + 1) for j in range(r + 1)] for i in range(r)]
    g = [(-1) ** j * determinant([row[:j] + row[j + 1 :] for row in hankel], one) for j in range(r + 1)]
    H = fmpq_poly([])
    for i, a in enumerate(g):
        for j, b in enumerate(g):
            H += a * b * weighted(2 * M - 1, i + j + 1)
    K = sum((a * fmpq_poly([0] * (r - j) + [1]) for j, a in enumerate(g)), fmpq_poly([]))
    return H, K


def curvature(task: RegressionTask, steps: Sequence[Any], directions: Directions) -> list[list[Any]]:
    """The L × L block of the Hessian of f at A_l = a_l I (Σ = I), per unit ‖R‖_F, exactly or enclosed.

    Args:
        task: whitened, Ω = Σ⁻¹ and σ² = 0, with d ≥ 2, for d = 1 has no such directions; n < d is allowed.
        steps: a_0, …, a_{L−1} in the order of the layers, all rational or all balls (``arb``), L from 1 to
            :data:`MOST_CURVED_LAYERS`.
        directions: ``symmetric`` for traceless symmetric R, or ``antisymmetric``.

    Raises:
        TypeError, ValueError: an argument is not of its type or range.

    >>> task = RegressionTask.isotropic(2, 5)
    >>> curvature(task, [fmpq(5, 8)], "symmetric"), curvature(task, [fmpq(5, 8)], "antisymmetric")
    ([[16/5]], [[16/5]])
    """
    d, n = whitened_sizes(task)
    if d < 2:
        raise ValueError(f"dim must be an integer ≥ 2, got {d}")
    if directions not in DIRECTIONS:
        raise ValueError(f"directions must be 'symmetric' or 'antisymmetric', got {directions!r}")
    L = len(steps)
    if not 1 <= L <= MOST_CURVED_LAYERS:
        raise ValueError(f"steps must hold 1 to {MOST_CURVED_LAYERS} numbers, got {L}")
    sign = 1 if directions == "symmetric" else -1
    weights = two_sided_weights(2 * L, d, n, sign)
    return curvature_block(steps, sign, lambda i, j: weights[i, j], fmpq(1))


def curvature_block(
    steps: Sequence[Any], sign: int, weight: Callable[[int, int], Any], one: Any
) -> list[list[Any]]:
    """The block from its formula in the module docstring, in any commutative ring.

    Args:
        steps: elements of the ring.
        sign: 1 for traceless symmetric, −1 for antisymmetric directions.
        weight: (i, j) ↦ x + y or x − y.
        one: the 1 of the ring.
    """
    P: list[list[Any]] = [[one, -a] for a in steps]
    L = len(P)

    def product(factors: Sequence[list[Any]]) -> list[Any]:
        return reduce(polynomials.product, factors, [one])

    def mean(f: list[Any], g: list[Any]) -> Any:
        return reduce(
            lambda total, term: total + term,
            (a * b * weight(i, j) for i, a in enumerate(f) for j, b in enumerate(g)),
        )

    after, before = [product(P[i + 1 :]) for i in range(L)], [product(P[:i]) for i in range(L)]
    shift, shift2, q = [0 * one, one], [0 * one, 0 * one, one], product(P)
    block: list[list[Any]] = [[None] * L for _ in range(L)]
    for i in range(L):
        for j in range(i, L):
            value = mean(product([shift2, before[i], before[j]]), polynomials.product(after[i], after[j])) * 2
            if i < j:
                around = product([shift, q, before[i], after[j]])
                value = value + mean(around, product([shift, *P[i + 1 : j]])) * (2 * sign)
            block[i][j] = block[j][i] = value
    return block


@cache
def two_sided_weights(order: int, dim: int, context_length: int, sign: int) -> dict[tuple[int, int], fmpq]:
    """x + sign · y of S^i ⊗ S^j for i + j ≤ order, from the joint moments E tr S^i tr S^j, exactly."""
    d, n = dim, context_length
    keys = [(i, j) for i in range(order + 1) for j in range(order + 1 - i)]
    apart = trace_moment_list(keys, d, n)
    joined = trace_moment_list([(i + j,) for i, j in keys], d, n)
    weights = {}
    for (i, j), separate, together in zip(keys, apart, joined, strict=True):
        p, q = fmpq(int(separate), n ** (i + j)), fmpq(int(together), n ** (i + j))
        weights[i, j] = invariant_weight(p, q, d, sign)
    return weights


def invariant_weight(separate: Any, together: Any, d: Any, sign: int) -> Any:
    """x + sign · y that solve x d² + 2y d = ``separate``, x d + y (d² + d) = ``together``, for d ≥ 2."""
    determinant = d * (d - 1) * (d + 2)
    x = (separate * (d + 1) - together * 2) / determinant
    y = (together * d - separate) / determinant
    return x + y * sign


def enclosed_optimal_steps(task: RegressionTask, layers: int) -> list[arb]:
    """The optimal steps, ascending, as balls that contain them."""
    return [enclosure(step) for step in optimal_steps(task, layers).refined(_PRECISION).steps]


def enclosure(root: RealRoot) -> arb:
    """A ball that contains the root."""
    with ctx.workprec(_PRECISION + 64):
        return arb(root.lower).union(arb(root.upper))


def is_certified_positive_definite(block: Sequence[Sequence[Any]]) -> bool:
    """Whether a block of :func:`curvature` is certainly positive definite. False may also mean undecided."""
    if all(isinstance(x, fmpq) for row in block for x in row):
        return is_positive_definite(fmpq_mat([list(row) for row in block]))
    with ctx.workprec(_PRECISION + 64):
        return certain_definiteness(arb_mat([list(row) for row in block])) is True


def enclosed_curvature(task: RegressionTask, steps: Sequence[arb], directions: Directions) -> list[list[arb]]:
    """:func:`curvature` in balls, with the precision that the enclosures of the steps have."""
    with ctx.workprec(_PRECISION + 64):
        return curvature(task, steps, directions)


def prove_definite_in_all_directions(task: RegressionTask, steps: Sequence[arb]) -> None:
    """At A_l = a_l I the gradient may vanish, and the Hessian is certainly positive definite, in all L d² entries.

    On multiples of I by the second derivatives of ∫ q_a² dμ; on the other directions by :func:`curvature`.

    Args:
        task: whitened; for d = 1 there are multiples of I only.
        steps: a_0, …, a_{L−1} in the order of the layers, enclosed.

    Raises:
        Refuted: the gradient is certainly not 0, or a block is not shown to be positive definite.
    """
    d, n = whitened_sizes(task)
    where = f"d = {d}, n = {n}, L = {len(steps)}"
    slopes, block = enclosed_derivatives(task, steps)
    if not all(slope.contains(0) for slope in slopes):
        raise Refuted(f"{where}: the gradient does not vanish")
    blocks: dict[str, list[list[Any]]] = {"multiples": block}
    if d > 1:
        blocks |= {kind: enclosed_curvature(task, steps, kind) for kind in DIRECTIONS}
    for kind, rows in blocks.items():
        if not is_certified_positive_definite(rows):
            raise Refuted(f"{kind} directions, {where}: the block is not shown to be positive definite")


def enclosed_derivatives(task: RegressionTask, steps: Sequence[arb]) -> tuple[list[arb], list[list[arb]]]:
    """Gradient and Hessian of ∫ q_a² dμ in the steps, in balls.

    ∂f/∂a_l = −2 ∫ s q q_l dμ,   ∂²f/∂a_l∂a_m = 2 ∫ s² (q_l q_m + q q_{lm}) dμ for l ≠ m,   ∂²f/∂a_l² = 2 ∫ s² q_l² dμ,
    q_l and q_{lm} the product q without the factors of these layers.
    """
    L = len(steps)
    with ctx.workprec(_PRECISION + 64):
        moments = [arb(m) for m in spectral_moments(2 * L, *whitened_sizes(task))]
        one = [arb(1)]

        def without(*layers: int) -> list[arb]:
            factors = [[arb(1), -a] for index, a in enumerate(steps) if index not in layers]
            return reduce(polynomials.product, factors, one)

        def integral(power: int, f: list[arb], g: list[arb]) -> arb:
            product = polynomials.product(f, g)
            return sum((c * moments[power + k] for k, c in enumerate(product)), arb(0))

        gradient = [-2 * integral(1, without(), without(i)) for i in range(L)]
        hessian = [[2 * integral(2, without(i), without(j)) for j in range(L)] for i in range(L)]
        for i in range(L):
            for j in range(L):
                if i != j:
                    hessian[i][j] += 2 * integral(2, without(), without(i, j))
    return gradient, hessian


def assignments(sizes: Sequence[int]) -> int:
    """How many ways layers fall into blocks of these sizes: L!/∏ M_j!."""
    return factorial(sum(sizes)) // reduce(mul, map(factorial, sizes), 1)
