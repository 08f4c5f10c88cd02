"""The loss of general layers: words against the architecture, coordinates, other formulas; derivatives."""

from __future__ import annotations

from functools import reduce
from math import prod
from typing import Any

import pytest
from flint import Ordering, fmpq, fmpq_mat, fmpq_mpoly_ctx
from hypothesis import given, settings
from hypothesis import strategies as st

from icl_claims.theory.algebra import exact
from icl_claims.theory.algebra.words import letter
from icl_claims.theory.evaluation import at_task
from icl_claims.theory.loops.matrix import symmetric_looped_loss
from icl_claims.theory.many_layers.matrix_layers import (
    MOST_LAYERS,
    layered_gradient,
    layered_hessian,
    layered_loss,
)
from icl_claims.theory.many_layers.step_sizes import loss_of_steps
from icl_claims.theory.one_layer import single_layer
from icl_claims.theory.task import RegressionTask
from icl_claims.theory.transformer.attention import X_QUERY, W, layer, prompt
from icl_claims.theory.transformer.parametrizations import sparse
from icl_claims.theory.transformer.preconditioned_gd import A
from icl_claims.theory.transformer.prompts import LABELS, over_prompts
from tests.shared.coordinates import gaussian
from tests.shared.lines import slope_at_zero
from tests.shared.strategies import matrices, positive_rationals, semidefinite_matrices, tasks
from tests.shared.wishart_coordinates import over_ring, times, wishart_in_coordinates
from tests.shared.wishart_of_the_plane import loss_of_layers

ANY = tasks(max_dim=2, max_context=4)
"""Tasks with any Σ (singular ones too), Ω and σ²."""


def layers(data: st.DataObject, task: RegressionTask, count: int) -> list[fmpq_mat]:
    return [data.draw(matrices(task.dim, task.dim)) for _ in range(count)]


# The loss, by other routes


@pytest.mark.parametrize("depth", [1, 2])
def test_the_loss_is_that_of_the_architecture(depth: int) -> None:
    """Layers of attention on symbolic prompts, squared and averaged: for all sizes, then at drawn matrices."""
    second = letter("A_1", "d", "d")
    state = prompt(LABELS)
    for matrix in (A, second)[:depth]:
        state = layer(*sparse(matrix), state)
    error = state[1, 1] + W.T @ X_QUERY
    loss = over_prompts(error * error)

    @settings(max_examples=25)
    @given(st.data())
    def check(data: st.DataObject) -> None:
        task = data.draw(ANY)
        drawn = layers(data, task, depth)
        values = dict(zip(("A", "A_1"), drawn, strict=False))
        assert layered_loss(task, drawn) == at_task(loss, task, values)[0, 0]

    check()


def test_a_whitened_task_with_long_numerators() -> None:
    """Ω = Σ⁻¹, with and without noise: A_l = a_l Σ⁻¹ is the isotropic case, and two loops are two equal layers."""
    root = fmpq_mat([[fmpq(10**6 + 7 * i * j + i - 3 * j, 1 << 20) for j in range(3)] for i in range(3)])
    sigma = root * root.transpose() + exact.identity(3)
    for noise in (fmpq(0), fmpq(2, 7)):
        task, plain = RegressionTask.whitened(sigma, 5, noise), RegressionTask.isotropic(3, 5, noise)
        steps = [fmpq(1, 3), fmpq(5, 8)]
        scaled = [sigma.inv() * step for step in steps]
        assert layered_loss(task, scaled) == layered_loss(plain, [exact.identity(3) * step for step in steps])
        assert layered_loss(task, [scaled[0]] * 2) == symmetric_looped_loss(task, scaled[0], 2)


@settings(max_examples=5)
@given(st.data())
def test_three_layers_agree_with_coordinates(data: st.DataObject) -> None:
    """E tr(Σ G Ω Gᵀ) with G multiplied out entry by entry, d = n = 2.

    With n = 1, W has rank one and the order of three layers' matrices would not show.
    """
    root, drawn = data.draw(matrices(2, 2)), [data.draw(matrices(2, 2)) for _ in range(3)]
    task = RegressionTask(root * root.transpose(), 2, data.draw(semidefinite_matrices(2)))
    v, w = wishart_in_coordinates(root, 2)
    unit = over_ring(v, exact.identity(2))
    steps = []
    for m in drawn:
        moved = times(over_ring(v, m.transpose() / 2), w)
        steps.append([[unit[i][j] - moved[i][j] for j in range(2)] for i in range(2)])
    g = reduce(times, reversed(steps))
    turned = [list(column) for column in zip(*g, strict=True)]
    spread = reduce(times, [over_ring(v, task.covariance), g, over_ring(v, task.task_covariance), turned])
    assert layered_loss(task, drawn) == v.mean(spread[0][0] + spread[1][1])


@pytest.mark.parametrize("depth", [4, MOST_LAYERS])
def test_the_most_layers_agree_with_coordinates(depth: int) -> None:
    """As many different matrices, none symmetric, d = n = 2, noise beyond the signal, multiplied out entry by entry.

    The error is −wᵀ G x_q − (1/n) εᵀ Xᵀ M x_q with G = ∏_l (I − W A_l/n), M = Σ_l ∏_{m<l} (I − A_m W/n) A_l.
    """
    root = fmpq_mat([[1, 0], [fmpq(1, 2), 1]])
    drawn = [fmpq_mat([[k % 3 - 1, fmpq(1, k + 1)], [fmpq(k, 3), 1 - k % 2]]) / 2 for k in range(depth)]
    sigma, omega = root * root.transpose(), fmpq_mat([[1, -1], [-1, 2]])
    ring = fmpq_mpoly_ctx.get(("z00", "z01", "z10", "z11"), Ordering.degrevlex)

    def constant(m: fmpq_mat) -> Any:
        return [[ring.constant(x) for x in row] for row in m.tolist()]

    def turned(m: Any) -> Any:
        return [list(column) for column in zip(*m, strict=True)]

    def less_half(m: Any, other: Any) -> Any:
        return [[a - b / 2 for a, b in zip(r, c, strict=True)] for r, c in zip(m, other, strict=True)]

    def mean_trace(*factors: Any) -> fmpq:
        m = reduce(times, factors)
        laws = ((c, [gaussian(int(k)) for k in powers]) for powers, c in (m[0][0] + m[1][1]).terms())
        return sum((c * prod(law) for c, law in laws), fmpq(0))

    x = times(constant(root), [ring.gens()[:2], ring.gens()[2:]])
    w = times(x, turned(x))
    seen, before, through = constant(exact.identity(2)), constant(exact.identity(2)), constant(fmpq_mat(2, 2))
    for m in map(constant, drawn):
        through = less_half(through, times(before, [[-2 * y for y in row] for row in m]))
        before, seen = (
            less_half(before, times(times(before, m), w)),
            less_half(seen, times(times(seen, w), m)),
        )
    signal = mean_trace(turned(seen), constant(omega), seen, constant(sigma))
    noise = mean_trace(turned(through), w, through, constant(sigma)) / 4
    assert layered_loss(RegressionTask(sigma, 2, omega, 9), drawn) == signal + 9 * noise


@pytest.mark.parametrize("depth", [4, MOST_LAYERS])
@pytest.mark.parametrize("n", [1, 3])
def test_the_most_layers_in_the_plane(depth: int, n: int) -> None:
    """A_l = a_l I, Σ and Ω not diagonal, n < d, noise beyond the signal."""
    sigma, omega = fmpq_mat([[2, 1], [1, 3]]), fmpq_mat([[1, -1], [-1, 2]])
    steps = [fmpq(k - 2, k + 5) for k in range(depth)]
    drawn = [exact.identity(2) * step for step in steps]
    task = RegressionTask(sigma, n, omega, 9)
    assert layered_loss(task, drawn) == loss_of_layers(sigma, n, omega, fmpq(9), steps)


@given(st.data())
def test_one_layer_agrees_with_its_closed_form(data: st.DataObject) -> None:
    task = data.draw(tasks(max_dim=3))
    a = data.draw(matrices(task.dim, task.dim))
    weights = [[-x for x in row] for row in a.tolist()] + [[0] * task.dim]
    assert layered_loss(task, [a]) == single_layer.loss(task, [0] * task.dim + [1], weights)


@settings(max_examples=10)
@given(st.data())
def test_multiples_of_the_inverse_covariance_whiten(data: st.DataObject) -> None:
    """At A_l = a_l Σ⁻¹ and Ω = Σ⁻¹ the loss is that of the steps a_l, whatever Σ."""
    task = data.draw(tasks(("whitened_task", "noiseless_labels"), max_dim=2, max_context=5))
    steps = data.draw(st.lists(positive_rationals, min_size=1, max_size=3))
    drawn = [task.covariance.inv() * a for a in steps]
    assert layered_loss(task, drawn) == loss_of_steps(task, steps)


@settings(max_examples=20)
@given(st.data())
def test_a_change_of_variables_keeps_the_loss(data: st.DataObject) -> None:
    """x ↦ T x and A ↦ T⁻ᵀ A T⁻¹, for matrices without any symmetry."""
    task = data.draw(ANY)
    transform = data.draw(matrices(task.dim, task.dim).filter(lambda m: m.det() != 0))
    inverse = transform.inv()
    drawn = layers(data, task, 2)
    seen = [inverse.transpose() * m * inverse for m in drawn]
    assert layered_loss(task.change_of_variables(transform), seen) == layered_loss(task, drawn)


def test_the_transpose_matters() -> None:
    """A_l enters by its transpose: B_l = A_l in its place is another loss."""
    task = RegressionTask([[2, 1], [1, 1]], 2, [[1, 0], [0, 3]])
    drawn = [fmpq_mat([[0, fmpq(1, 3)], [0, fmpq(1, 5)]]), fmpq_mat([[fmpq(1, 2), 0], [1, 0]])]
    assert layered_loss(task, drawn) != layered_loss(task, [m.transpose() for m in drawn])
    assert layered_loss(task, drawn) != layered_loss(task, drawn[::-1])


# Derivatives


def pairing(a: list[fmpq_mat], b: list[fmpq_mat]) -> fmpq:
    return sum((exact.trace(x.transpose() * y) for x, y in zip(a, b, strict=True)), fmpq(0))


@settings(max_examples=20)
@given(st.data())
def test_the_gradient_is_the_slope_of_the_loss(data: st.DataObject) -> None:
    """In a drawn direction, all layers at once, against the loss at integer points of the line."""
    task, count = data.draw(ANY), data.draw(st.integers(1, 3))
    at, direction = layers(data, task, count), layers(data, task, count)
    slope = slope_at_zero(
        lambda t: layered_loss(task, [a + e * t for a, e in zip(at, direction, strict=True)]), 2 * count
    )
    assert pairing(layered_gradient(task, at), direction) == slope


@given(tasks(max_dim=3).filter(lambda task: task.signal + task.noise_variance > 0))
def test_the_gradient_vanishes_at_the_minimizer_of_one_layer(task: RegressionTask) -> None:
    """In all d² directions, for any Σ, Ω and σ²."""
    (slope,) = layered_gradient(task, [single_layer.minimizer(task)])
    assert slope == fmpq_mat(task.dim, task.dim)
    assert layered_loss(task, [single_layer.minimizer(task)]) == single_layer.minimum(task)


@settings(max_examples=8)
@given(st.data())
def test_the_hessian_is_the_second_derivative(data: st.DataObject) -> None:
    """Symmetric, and in a drawn direction the slope of the gradient's component."""
    task, count = data.draw(ANY), data.draw(st.integers(1, 2))
    at, direction = layers(data, task, count), layers(data, task, count)
    hessian = layered_hessian(task, at)
    assert hessian == hessian.transpose()
    flat = fmpq_mat([[x] for m in direction for x in m.entries()])

    def slope(t: int) -> fmpq:
        moved = [a + e * t for a, e in zip(at, direction, strict=True)]
        return pairing(layered_gradient(task, moved), direction)

    assert (flat.transpose() * hessian * flat)[0, 0] == slope_at_zero(slope, 2 * count)


# Arguments


def test_no_layers() -> None:
    task = RegressionTask([[2, 0], [0, 1]], 3)
    assert layered_loss(task, []) == task.signal
    assert layered_gradient(task, []) == []


TASK = RegressionTask([[1, 0], [0, 1]], 3)
SKEW = [[0, 1], [0, 0]]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: layered_loss(TASK, 3), TypeError, "matrices must be a sequence of 2 × 2"),
        (lambda: layered_loss(TASK, [[[1]]]), ValueError, r"matrices\[0\] must be of shape 2 × 2"),
        (lambda: layered_loss(TASK, [SKEW] * (MOST_LAYERS + 1)), ValueError, "matrices must be at most"),
    ],
)
def test_wrong_arguments_are_refused(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
