"""The curvature at multiples of I: against derivatives in every entry, and what its certificate refuses."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from flint import arb, fmpq, fmpq_mat

from icl_claims.theory.algebra import exact
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.loops.step import optimal_looped_step
from icl_claims.theory.many_layers.critical_points import (
    Directions,
    curvature,
    enclosed_derivatives,
    enclosed_optimal_steps,
    enclosure,
    is_certified_positive_definite,
    prove_definite_in_all_directions,
)
from icl_claims.theory.many_layers.matrix_layers import layered_hessian, layered_loss
from icl_claims.theory.many_layers.step_sizes import gradient, hessian
from icl_claims.theory.task import isotropic

KINDS: dict[Directions, list[list[tuple[int, int, int]]]] = {
    "symmetric": [[(0, 0, 1), (1, 1, -1)], [(0, 1, 1), (1, 0, 1)]],
    "antisymmetric": [[(0, 1, 1), (1, 0, -1)]],
}
"""Directions by their entries (i, j, value)."""


@pytest.mark.parametrize(
    ("dim", "size", "steps"), [(2, 1, ["1/2", "1/3"]), (2, 3, ["1/2", "-1/3", "1/5"]), (3, 2, ["1/3", "1/2"])]
)
def test_blocks_are_the_derivatives_in_every_entry(dim: int, size: int, steps: list[str]) -> None:
    """From the general loss, another route: on R_l = r_l R of norm √2 it is twice the block, and kinds do not mix."""
    a = [fmpq(*map(int, text.split("/"))) for text in steps]
    full = layered_hessian(isotropic(dim, size), [exact.identity(dim) * x for x in a])

    def at(R: list[tuple[int, int, int]], layer: int) -> list[tuple[int, int]]:
        return [(layer * dim * dim + i * dim + j, value) for i, j, value in R]

    def form(left: list[tuple[int, int]], right: list[tuple[int, int]]) -> fmpq:
        return sum((x * y * full[s, t] for (s, x), (t, y) in product(left, right)), fmpq(0))

    layers = range(len(a))
    for kind, directions in KINDS.items():
        block = curvature(isotropic(dim, size), a, kind)
        for R in directions:
            assert [[form(at(R, i), at(R, j)) / 2 for j in layers] for i in layers] == block
            others = [x for name, found in KINDS.items() for x in found if name != kind]
            assert not any(form(at(R, i), at(x, j)) for x in others for i in layers for j in layers)


@pytest.mark.parametrize("kind", KINDS)
def test_five_layers_along_one_direction(kind: Directions) -> None:
    """The loss at A_l = a_l I + t r_l R, of degree 10 in t, against the form of the block in r; R of norm √2."""
    task, a, r = isotropic(2, 1), [fmpq(1, k + 2) for k in range(5)], [1, -2, 3, 1, 2]
    R = fmpq_mat(2, 2)
    for i, j, value in KINDS[kind][0]:
        R[i, j] = value

    def loss(t: int) -> fmpq:
        return layered_loss(task, [exact.identity(2) * x + R * (t * y) for x, y in zip(a, r, strict=True)])

    times, centre = range(1, 6), loss(0)
    even = fmpq_mat([[(loss(t) + loss(-t)) / 2 - centre] for t in times])
    coefficients: Any = fmpq_mat([[fmpq(t) ** (2 * k) for k in times] for t in times]).solve(even)
    block = curvature(task, a, kind)
    form = sum((r[i] * r[j] * block[i][j] for i, j in product(range(5), repeat=2)), fmpq(0))
    assert coefficients[0, 0] == form


def test_a_block_of_undecided_sign_is_not_certified() -> None:
    zero = arb(0, 1)
    assert is_certified_positive_definite([[arb(2), arb(1)], [arb(1), arb(1)]])
    assert not is_certified_positive_definite([[zero]])
    assert not is_certified_positive_definite([[arb(1), arb(1)], [arb(1), arb(1) + zero]])
    assert not is_certified_positive_definite([[fmpq(1), fmpq(1)], [fmpq(1), fmpq(1)]])


def test_enclosed_derivatives_hold_those_at_rational_steps() -> None:
    steps = [fmpq(1, 2), fmpq(-1, 3), fmpq(1, 5)]
    slopes, block = enclosed_derivatives(isotropic(3, 2), [arb(x) for x in steps])
    exact_block = hessian(isotropic(3, 2), steps)
    for slope, x in zip(slopes, gradient(isotropic(3, 2), steps), strict=True):
        assert slope.contains(arb(x))
    for i, j in product(range(3), repeat=2):
        assert block[i][j].contains(arb(exact_block[i, j]))


@pytest.mark.parametrize("dim", [1, 3])
def test_the_minimum_is_certified_and_other_points_are_not(dim: int) -> None:
    task = isotropic(dim, 2)
    steps = enclosed_optimal_steps(task, 2)
    prove_definite_in_all_directions(task, steps)
    with pytest.raises(Refuted, match="gradient does not vanish"):
        prove_definite_in_all_directions(task, [steps[0], steps[1] * 2])
    looped = enclosure(optimal_looped_step(task, 2).refined(200).step)
    with pytest.raises(Refuted, match="multiples directions"):
        prove_definite_in_all_directions(task, [looped, looped])


@pytest.mark.parametrize("kind", ["symmetric", "antisymmetric"])
def test_each_kind_of_directions_is_looked_at(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The block of one kind is replaced by its negative."""
    module = "icl_claims.theory.many_layers.critical_points.enclosed_curvature"

    def negated(task: object, steps: list[arb], directions: Directions) -> list[list[arb]]:
        sign = -1 if directions == kind else 1
        return [[sign * x for x in row] for row in curvature(isotropic(2, 2), steps, directions)]

    steps = enclosed_optimal_steps(isotropic(2, 2), 2)
    monkeypatch.setattr(module, negated)
    with pytest.raises(Refuted, match=f"^{kind} directions"):
        prove_definite_in_all_directions(isotropic(2, 2), steps)
