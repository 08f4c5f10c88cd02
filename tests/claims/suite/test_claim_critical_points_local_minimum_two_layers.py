"""Two layers: both minimizers on 𝒮 are strict local minima over all pairs of matrices, for every d and n."""

from collections.abc import Callable
from typing import Any

import pytest
from flint import fmpq
from sympy import QQ
from sympy.polys.fields import FracElement, field
from sympy.polys.rings import ring

from icl_claims.claims.evidence import Evidence
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.minors import is_positive
from icl_claims.theory.many_layers.critical_points import (
    DIRECTIONS,
    Directions,
    curvature,
    curvature_block,
    invariant_weight,
)
from icl_claims.theory.many_layers.matrix_layers import layered_hessian
from icl_claims.theory.task import isotropic
from icl_claims.theory.wishart import trace_moment
from icl_claims.theory.wishart.sizes import in_ring

FIELD, n, d = field("n,d", QQ)
RING, a, b = ring("a,b", FIELD)


def joint_moment(*powers: int) -> FracElement:
    """E ∏ tr S^{k_i} in ℚ(n, d)."""
    return in_ring(trace_moment(powers), d, n) / n ** sum(powers)


Block = Callable[[int], list[list[Any]]]
"""sign ↦ the 2 × 2 block at steps (a, b), over ℚ(n, d)[a, b]."""


def stated(sign: int) -> list[list[Any]]:
    """The theory's block at (A_0, A_1) = (a I, b I)."""

    def weight(i: int, j: int) -> Any:
        return RING(invariant_weight(joint_moment(i, j), joint_moment(i + j), d, sign))

    return curvature_block([a, b], sign, weight, RING(1))


def check_definite(block: Block) -> None:
    """The determinant is positive at both orders of the optimal steps, for all d ≥ 2, n ≥ 1.

    a and b are the roots of z² − e z + p with e, p in ℚ(n, d), so the determinants at (a, b) and (b, a) are the two
    values of a linear function of the root: their sum and product are in ℚ(n, d), and have, as polynomials in
    d − 2 and n − 1, positive coefficients only. A diagonal entry is 2 E‖U_l R S V_l‖² > 0, so each block is
    positive definite. At the rational point of a test the block is that of the theory, number for number.
    """
    m = [joint_moment(k) for k in range(5)]
    minor = m[2] * m[4] - m[3] ** 2
    e, p = (m[1] * m[4] - m[2] * m[3]) / minor, (m[1] * m[3] - m[2] ** 2) / minor
    for sign, directions in zip((1, -1), DIRECTIONS, strict=True):
        rows = block(sign)
        exact_rows = curvature(isotropic(3, 2), [fmpq(1, 2), fmpq(1, 3)], directions)
        for i in range(2):
            for j in range(2):
                if value_at(rows[i][j]) != exact_rows[i][j]:
                    raise Refuted(f"entry ({i}, {j}) of the {directions} block is another one")
        determinant = rows[0][0] * rows[1][1] - rows[0][1] * rows[1][0]
        in_a = sum((RING(c) * a**i * (RING(e) - a) ** j for (i, j), c in determinant.terms()), RING(0))
        linear = in_a.rem([a**2 - a * e + RING(p)])
        constant, slope = linear.coeff(1), linear.coeff(a)
        for name, value in (
            ("sum", 2 * constant + slope * e),
            ("product", constant**2 + constant * slope * e + slope**2 * p),
        ):
            if not is_positive(value, {"d": 2, "n": 1}):
                raise Refuted(f"{directions}: the {name} of the two determinants is not shown to be positive")


def value_at(entry: Any) -> fmpq:
    """An entry at a = 1/2, b = 1/3, d = 3, n = 2."""
    number = entry.evaluate([(a, QQ(1, 2)), (b, QQ(1, 3))]).as_expr().subs({"d": 3, "n": 2})
    return fmpq(int(number.p), int(number.q))


@pytest.mark.claim(
    slug="critical_points_local_minimum_two_layers",
    grade="proof",
    range="all d, n ≥ 1, Σ ≻ 0",
)
def test_claim_critical_points_local_minimum_two_layers(evidence: Evidence) -> None:
    """By invariance the Hessian splits into three 2 × 2 blocks: on multiples of I diagonal and positive, on
    traceless symmetric and on antisymmetric directions with determinants whose sum and product over both orders
    are ratios of polynomials in d − 2 and n − 1 with positive coefficients. For d = 1 there is only the first."""
    mutants: dict[str, Block] = {
        "the sign of the symmetric block in both": lambda sign: stated(1),
        "the sign of the antisymmetric block in both": lambda sign: stated(-1),
        "first term only": lambda sign: [
            [x if i == j else x * 0 for j, x in enumerate(r)] for i, r in enumerate(stated(sign))
        ],
        "mixed entry doubled": lambda sign: [
            [x if i == j else x * 2 for j, x in enumerate(r)] for i, r in enumerate(stated(sign))
        ],
    }
    evidence.check(check_definite, stated, mutants)


@pytest.mark.claim(
    slug="critical_points_local_minimum_two_layers",
    grade="exact",
    range="d ≤ 3, n ≤ 3, rational steps: the blocks against derivatives in every entry",
    parts=(),
)
@pytest.mark.claim(
    slug="critical_points_local_minimum",
    grade="exact",
    range="d ≤ 3, n ≤ 3, L ≤ 3, rational steps: the blocks against derivatives in every entry",
    parts=(),
)
def test_claim_critical_points_local_minimum_two_layers_blocks() -> None:
    """The Hessian in all L d² entries, from the general loss by another route, at multiples of I: on R_l = r_l R it
    is the block of the kind of R, and different kinds do not mix."""
    for dim, size, steps in (
        (2, 1, [fmpq(1, 2), fmpq(1, 3)]),
        (2, 3, [fmpq(1, 2), fmpq(-1, 3), fmpq(1, 5)]),
        (3, 2, [fmpq(1, 3), fmpq(1, 2)]),
    ):
        kinds: dict[Directions, list[list[int]]] = {
            "symmetric": [direction(dim, (0, 0, 1), (1, 1, -1)), direction(dim, (0, 1, 1), (1, 0, 1))],
            "antisymmetric": [direction(dim, (0, 1, 1), (1, 0, -1))],
        }
        identity = [[[x if i == j else 0 for j in range(dim)] for i in range(dim)] for x in steps]
        full = layered_hessian(isotropic(dim, size), identity)
        width = dim * dim

        def form(
            left: list[int], right: list[int], i: int, j: int, full: Any = full, width: int = width
        ) -> fmpq:
            return sum(
                (
                    x * full[i * width + s, j * width + t] * y
                    for s, x in enumerate(left)
                    for t, y in enumerate(right)
                ),
                fmpq(0),
            )

        layers = range(len(steps))
        for kind, directions in kinds.items():
            block = curvature(isotropic(dim, size), steps, kind)
            for R in directions:
                assert [[form(R, R, i, j) / 2 for j in layers] for i in layers] == block
                for other in (x for name, found in kinds.items() for x in found if name != kind):
                    assert not any(form(R, other, i, j) for i in layers for j in layers)


def direction(dim: int, *entries: tuple[int, int, int]) -> list[int]:
    """A d × d direction, flat, with these entries (i, j, value)."""
    flat = [0] * (dim * dim)
    for i, j, value in entries:
        flat[i * dim + j] = value
    return flat
