"""Critical points on 𝒮 and the curvature there: by the loss of matrices, by counting, and what is refused."""

from __future__ import annotations

from collections import Counter
from itertools import product
from math import factorial
from typing import Any

import pytest
from flint import arb, ctx, fmpq, fmpq_mat

from icl_claims.theory.algebra import exact
from icl_claims.theory.loops.step import optimal_looped_step
from icl_claims.theory.many_layers.critical_points import (
    DIRECTIONS,
    MOST_CURVED_LAYERS,
    Directions,
    assignments,
    critical_points_by_index,
    curvature,
    enclosed_curvature,
    enclosed_optimal_steps,
    enclosure,
    invariant_weight,
    is_certified_positive_definite,
    single_block_critical_points,
    two_sided_weights,
)
from icl_claims.theory.many_layers.matrix_layers import layered_hessian
from icl_claims.theory.many_layers.step_sizes import optimal_steps
from icl_claims.theory.task import RegressionTask, isotropic
from tests.shared.wishart_of_the_plane import Plane

R = {"symmetric": fmpq_mat([[1, 2], [2, -1]]), "antisymmetric": fmpq_mat([[0, 1], [-1, 0]])}


@pytest.mark.parametrize("layers", range(1, 6))
def test_points_by_index_count_surjections(layers: int) -> None:
    """Ordered partitions, counted by listing every assignment of layers to values."""
    onto = Counter(len(set(values)) for values in product(range(layers), repeat=layers))
    # each set of k values is met C(L, k) times
    expected = {layers - k: onto[k] * factorial(k) * factorial(layers - k) // factorial(layers) for k in onto}
    assert critical_points_by_index(layers) == expected
    assert sum(critical_points_by_index(layers).values()) == [1, 3, 13, 75, 541][layers - 1]


def test_assignments_count_places() -> None:
    for sizes in ((1,), (2, 1), (2, 2), (3, 1, 1)):
        labels = [i for i, size in enumerate(sizes) for _ in range(size)]
        met = {
            values for values in product(range(len(sizes)), repeat=len(labels)) if sorted(values) == labels
        }
        assert assignments(sizes) == len(met)


@pytest.mark.parametrize("directions", DIRECTIONS)
@pytest.mark.parametrize(("layers", "n"), [(1, 3), (2, 1), (3, 2)])
def test_curvature_is_the_hessian_of_the_loss_of_matrices(
    layers: int, n: int, directions: Directions
) -> None:
    """At d = 2, Σ = I, steps of either sign, per unit ‖R‖²."""
    task, steps = isotropic(2, n), [fmpq(1, 2), fmpq(-1, 3), fmpq(2)][:layers]
    hessian = layered_hessian(task, [exact.identity(2) * a for a in steps])
    r = R[directions].entries()
    found = curvature(task, steps, directions)
    for i, j in product(range(layers), repeat=2):
        value = sum(
            (r[p] * hessian[4 * i + p, 4 * j + q] * r[q] for p in range(4) for q in range(4)), fmpq(0)
        )
        assert found[i][j] * exact.inner(R[directions], R[directions]) == value


@pytest.mark.parametrize("n", [1, 3])
def test_weights_to_the_most_layers(n: int) -> None:
    """(x ± y) tr R² = E tr(S^i R S^j R), by tr W and det W alone, for i + j ≤ 2L; and x + 2y times d for R = I."""
    plane, order = Plane(exact.identity(2), n), 2 * MOST_CURVED_LAYERS
    for directions, sign in (("symmetric", 1), ("antisymmetric", -1)):
        r = R[directions]
        weights = two_sided_weights(order, 2, n, sign)
        assert set(weights) == {(i, j) for i in range(order + 1) for j in range(order + 1) if i + j <= order}
        for (i, j), weight in weights.items():
            moment = exact.trace(plane.two_sided(i, j, r) * r) / fmpq(n) ** (i + j)
            assert weight * exact.trace(r * r) == moment


def test_invariant_weights_solve_their_equations() -> None:
    for d in (2, 3, 7):
        plus, minus = (invariant_weight(fmpq(11), fmpq(5), fmpq(d), sign) for sign in (1, -1))
        x, y = (plus + minus) / 2, (plus - minus) / 2
        assert (x * d**2 + 2 * y * d, x * d + y * (d**2 + d)) == (11, 5)


@pytest.mark.parametrize("layers", [2, 3])
def test_the_looped_point_is_a_common_root(layers: int) -> None:
    """H has the sign change of the looped optimum, and K = 1 with no simple step."""
    task = isotropic(3, 2)
    H, K = single_block_critical_points(task, layers, 0)
    step = optimal_looped_step(task, layers).step
    assert K == 1
    assert H(step.lower) * H(step.upper) < 0


def test_one_simple_step_beside_one_is_the_optimum_of_two_layers() -> None:
    """Either optimal step may be the one of the block: H changes its sign there."""
    task = isotropic(3, 2)
    H, _ = single_block_critical_points(task, 1, 1)
    for step in optimal_steps(task, 2).refined(64).steps:
        assert H(step.lower) * H(step.upper) < 0


def test_enclosures_hold_their_roots() -> None:
    task = isotropic(3, 2)
    for ball, root in zip(
        enclosed_optimal_steps(task, 3), optimal_steps(task, 3).refined(400).steps, strict=True
    ):
        with ctx.workprec(1024):
            assert ball.contains(arb(root.lower))
            assert ball.contains(arb(root.upper))
        assert 0 < ball.rad() < arb(2) ** -200 * ball.mid()
    wide = optimal_looped_step(task, 2).step
    with ctx.workprec(1024):
        assert enclosure(wide).contains(arb(wide.lower))
        assert enclosure(wide).contains(arb(wide.upper))


@pytest.mark.parametrize("directions", DIRECTIONS)
def test_enclosed_curvature_holds_the_exact_one(directions: Directions) -> None:
    task, steps = isotropic(3, 2), [fmpq(1, 3), fmpq(4, 3), fmpq(2, 7)]
    with ctx.workprec(320):
        balls = [arb(a) + arb(0, "1e-40") for a in steps]
    found = enclosed_curvature(task, balls, directions)
    with ctx.workprec(2048):
        for row, expected in zip(found, curvature(task, steps, directions), strict=True):
            assert all(x.contains(arb(y)) for x, y in zip(row, expected, strict=True))


@pytest.mark.parametrize(
    ("block", "definite"),
    [
        ([[2, 1], [1, 1]], True),
        ([[1, 2], [2, 1]], False),  # negative determinant
        ([[-1, 0], [0, -1]], False),  # positive determinant
        ([[1, 1], [1, 1]], False),  # singular
        ([[0, 0], [0, 1]], False),
    ],
)
def test_certified_definiteness(block: list[list[int]], definite: bool) -> None:
    """Over ℚ, and in balls that are points; wide balls around a definite block decide nothing."""
    rational = [[fmpq(x) for x in row] for row in block]
    assert is_certified_positive_definite(rational) is definite
    assert is_certified_positive_definite([[arb(x) for x in row] for row in block]) is definite
    mixed: list[list[Any]] = [[arb(x) if i == 0 else fmpq(x) for x in row] for i, row in enumerate(block)]
    assert is_certified_positive_definite(mixed) is definite
    assert not is_certified_positive_definite([[arb(x, 3) for x in row] for row in block])


STEP = [fmpq(1, 2)]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: curvature(isotropic(1, 3), STEP, "symmetric"), ValueError, "dim must be an integer ≥ 2, got 1"),
        (lambda: curvature(isotropic(2, 3), STEP, "diagonal"), ValueError, "directions must be 'symmetric' or"),  # type: ignore[arg-type]
        (lambda: curvature(isotropic(2, 3), [], "symmetric"), ValueError, "steps must hold 1 to 8 numbers, got 0"),
        (lambda: curvature(isotropic(2, 3), STEP * 9, "symmetric"), ValueError, "1 to 8 numbers, got 9"),
        (lambda: curvature(RegressionTask([[2]], 3), STEP, "symmetric"), ValueError, "task must be whitened"),
        (lambda: critical_points_by_index(0), ValueError, "layers must be an integer ≥ 1, got 0"),
        (lambda: single_block_critical_points(isotropic(2, 3), 0, 1), ValueError, "multiplicity must be"),
        (lambda: single_block_critical_points(isotropic(2, 3, 1), 2, 1), ValueError, "without label noise"),
    ],
)  # fmt: skip
def test_errors(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


def test_the_most_layers_are_curved() -> None:
    assert len(curvature(isotropic(2, 3), STEP * MOST_CURVED_LAYERS, "symmetric")) == MOST_CURVED_LAYERS
