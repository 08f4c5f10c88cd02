"""What every family of weights must satisfy, and that the checks refuse families that do not.

A new family joins by one line in ``MEMBERS``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from inspect import signature
from itertools import pairwise
from typing import Any

import pytest
from flint import fmpq, fmpq_mat
from hypothesis import given, settings
from hypothesis import strategies as st

from icl_claims.theory.algebra import exact
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.families import Layers, LoopedMatrix, LoopedStep, OneLayer, Relaxed, Steps
from icl_claims.theory.losses import Loss, Minimum, NoMinimum
from icl_claims.theory.one_layer.single_layer import RELU
from icl_claims.theory.task import RegressionTask, isotropic
from tests.shared.lines import slope_at_zero
from tests.shared.strategies import matrices, rationals, tasks

WITH_MINIMUM: list[Loss] = [
    OneLayer(), OneLayer(RELU), Layers(1), LoopedMatrix(1), LoopedMatrix(1, symmetric=True), Relaxed(1),
    Steps(1), Steps(3), LoopedStep(1), LoopedStep(3),
]  # fmt: skip
"""The families whose minimum the theory has."""

MEMBERS: list[Loss] = [
    *WITH_MINIMUM, Layers(2), LoopedMatrix(2), LoopedMatrix(2, symmetric=True), Relaxed(2), Relaxed(3),
]  # fmt: skip

members = pytest.mark.parametrize("family", MEMBERS, ids=repr)

CORNERS = [
    isotropic(1, 1),
    isotropic(3, 1),
    RegressionTask.whitened([[2, 1], [1, 1]], 2),
    RegressionTask.whitened([["1/16", 0], [0, 1]], 5),
]
"""Tasks that every family accepts: d = 1, n < d, a Σ that is not diagonal, an ill-conditioned one."""

BITS = 200


@members
def test_the_precision_left_out_is_that_of_every_family(family: Loss) -> None:
    left_out = [signature(method).parameters["bits"].default for method in (family.minimum, Loss.minimum)]
    assert left_out == [64, 64]


def tasks_of(family: Loss) -> st.SearchStrategy[RegressionTask]:
    """Tasks that the family accepts, n < d, d = 1 and singular matrices among them where it does."""
    if family.whitened:
        return tasks(("whitened_task", "noiseless_labels"), max_dim=3, max_context=5)
    return tasks(max_dim=2, max_context=3)


def points_of(family: Loss, task: RegressionTask) -> st.SearchStrategy[list[fmpq]]:
    size = family.size(task)
    return st.lists(rationals, min_size=size, max_size=size)


# The checks


def moved(point: Sequence[fmpq], direction: Sequence[fmpq], t: int) -> list[fmpq]:
    return [x + t * v for x, v in zip(point, direction, strict=True)]


def inner(x: Sequence[fmpq], y: Sequence[fmpq]) -> fmpq:
    return sum((a * b for a, b in zip(x, y, strict=True)), fmpq(0))


def check_gradient(
    family: Loss, task: RegressionTask, point: Sequence[fmpq], direction: Sequence[fmpq]
) -> None:
    """The gradient along a direction is the slope of the value along it."""
    slope = slope_at_zero(lambda t: family.value(task, moved(point, direction, t)), family.degree)
    if inner(family.gradient(task, point), direction) != slope:
        raise Refuted(f"{family}: the gradient is not the slope of the value")


def check_hessian(
    family: Loss, task: RegressionTask, point: Sequence[fmpq], direction: Sequence[fmpq]
) -> None:
    """The Hessian is symmetric, and along a direction it is the slope of the gradient along it."""
    found = family.hessian(task, point)
    if found != found.transpose():
        raise Refuted(f"{family}: the Hessian is not symmetric")
    gradients = {
        t: family.gradient(task, moved(point, direction, t))
        for t in range(-((family.degree + 1) // 2), (family.degree + 1) // 2 + 1)
    }
    along = found * fmpq_mat([[x] for x in direction])
    for i in range(len(point)):
        if along[i, 0] != slope_at_zero(lambda t, i=i: gradients[t][i], family.degree):  # type: ignore[misc]
            raise Refuted(f"{family}: the Hessian is not the slope of the gradient")


def check_change_of_variables(
    family: Loss, task: RegressionTask, point: Sequence[fmpq], transform: fmpq_mat
) -> None:
    """The prompts seen through x ↦ T x and the point moved accordingly have the same loss."""
    seen = family.transformed(task, point, transform)
    if family.value(task.change_of_variables(transform), seen) != family.value(task, point):
        raise Refuted(f"{family}: the loss depends on the variables")


def check_minimum(family: Loss, task: RegressionTask, others: Sequence[Sequence[fmpq]]) -> None:
    """The value at the minimizer is the minimum, the gradient there vanishes, and no other point is below.

    Where the minimizer is enclosed, its lower ends miss it by at most the widths w of the intervals. There the
    gradient is Hw and the excess wᵀHw/2 up to a share of order w, which is far below the factor 2 that is left to it.
    """
    least = family.minimum(task, BITS)
    point = [lower for lower, _ in least.minimizer]
    widths = [upper - lower for lower, upper in least.minimizer]
    if any(w < 0 or w * 2 ** (BITS - 1) > abs(x) for x, w in zip(point, widths, strict=True)):
        raise Refuted(f"{family}: the minimizer is not enclosed to {BITS} bits")
    curved = [[abs(x) for x in row] for row in family.hessian(task, point).tolist()]
    changes = [2 * inner(row, widths) for row in curved]
    if any(abs(x) > bound for x, bound in zip(family.gradient(task, point), changes, strict=True)):
        raise Refuted(f"{family}: the gradient at the minimizer does not vanish")
    if not least.lower <= family.value(task, point) <= least.upper + inner(changes, widths):
        raise Refuted(f"{family}: the value at the minimizer is not the minimum")
    if any(family.value(task, other) < least.lower for other in others):
        raise Refuted(f"{family}: a point is below the minimum")


# The members


@members
def test_derivatives(family: Loss) -> None:
    @settings(max_examples=6)
    @given(st.data())
    def check(data: st.DataObject) -> None:
        task = data.draw(tasks_of(family))
        point, direction = data.draw(points_of(family, task)), data.draw(points_of(family, task))
        check_gradient(family, task, point, direction)
        check_hessian(family, task, point, direction)

    check()


@members
@pytest.mark.parametrize("task", CORNERS, ids=repr)
def test_derivatives_at_the_corners(family: Loss, task: RegressionTask) -> None:
    size = family.size(task)
    point, direction = [fmpq(k - 2, k + 2) for k in range(size)], [fmpq(1, k + 1) for k in range(size)]
    check_gradient(family, task, point, direction)
    if size <= 9:
        check_hessian(family, task, point, direction)


@members
def test_a_change_of_variables_keeps_the_loss(family: Loss) -> None:
    @settings(max_examples=20)
    @given(st.data())
    def check(data: st.DataObject) -> None:
        task = data.draw(tasks_of(family))
        transform = data.draw(matrices(task.dim, task.dim).filter(lambda m: m.det() != 0))
        check_change_of_variables(family, task, data.draw(points_of(family, task)), transform)

    check()


@pytest.mark.parametrize("family", WITH_MINIMUM, ids=repr)
def test_minimum(family: Loss) -> None:
    @settings(max_examples=6)
    @given(st.data())
    def check(data: st.DataObject) -> None:
        task = data.draw(tasks_of(family).filter(lambda task: task.signal + task.noise_variance > 0))
        check_minimum(family, task, [data.draw(points_of(family, task)) for _ in range(3)])

    check()


@pytest.mark.parametrize("family", [x for x in MEMBERS if x not in WITH_MINIMUM], ids=repr)
def test_no_minimum_is_claimed_where_none_is_known(family: Loss) -> None:
    reason = "has no closed form" if isinstance(family, Relaxed) else "over all matrices is not known"
    for task in CORNERS:
        with pytest.raises(NoMinimum, match=reason):
            family.minimum(task)


# Restrictions of one family to another


@settings(max_examples=15)
@given(st.data(), st.integers(1, 3))
def test_steps_are_restrictions(data: st.DataObject, layers: int) -> None:
    """Of the relaxed set to b = 0, and of matrices to a_l Σ⁻¹; value, gradient and Hessian."""
    task = data.draw(tasks_of(Steps(1)).filter(lambda task: task.dim <= 2))
    steps = data.draw(points_of(Steps(layers), task))
    inverse = task.covariance.inv()
    relaxed, general = Relaxed(layers), Layers(layers)
    weights = relaxed.point(task, [-x for x in steps], [0] * (layers - 1))
    spread = general.point(task, [inverse * x for x in steps])
    value, slopes = Steps(layers).value(task, steps), Steps(layers).gradient(task, steps)
    assert relaxed.value(task, weights) == general.value(task, spread) == value
    assert [-x for x in relaxed.gradient(task, weights)[:layers]] == slopes
    (matrices_of_slopes,) = general.split(task, general.gradient(task, spread))
    assert [exact.trace(m.transpose() * inverse) for m in matrices_of_slopes] == slopes
    curved, wider = Steps(layers).hessian(task, steps), relaxed.hessian(task, weights)
    assert all(curved[i, j] == wider[i, j] for i in range(layers) for j in range(layers))


@settings(max_examples=15)
@given(st.data(), st.integers(1, 2), rationals)
def test_loops_are_restrictions(data: st.DataObject, loops: int, step: fmpq) -> None:
    """Equal steps, equal matrices, symmetric matrices."""
    task = data.draw(tasks_of(Steps(1)).filter(lambda task: task.dim <= 2))
    a = task.covariance.inv() * step
    value = LoopedStep(loops).value(task, [step])
    assert value == Steps(loops).value(task, [step] * loops)
    assert LoopedStep(loops).gradient(task, [step]) == [
        sum(Steps(loops).gradient(task, [step] * loops), fmpq(0))
    ]
    general, symmetric = LoopedMatrix(loops), LoopedMatrix(loops, symmetric=True)
    assert general.value(task, general.point(task, a)) == value
    assert symmetric.value(task, symmetric.point(task, a)) == value
    skew = data.draw(matrices(task.dim, task.dim))
    equal = Layers(loops).point(task, [skew] * loops)
    assert general.value(task, general.point(task, skew)) == Layers(loops).value(task, equal)


@settings(max_examples=15)
@given(st.data())
def test_one_layer_is_one_layer(data: st.DataObject) -> None:
    """The sparse layer is the layer with b = e_{d+1}, A = (−A; 0), at any task."""
    task = data.draw(tasks_of(OneLayer()))
    a = data.draw(matrices(task.dim, task.dim))
    free = OneLayer().point(task, [0] * task.dim + [1], [*(-a).tolist(), [0] * task.dim])
    assert OneLayer().value(task, free) == Layers(1).value(task, Layers(1).point(task, [a]))


# What is refused


@members
def test_other_tasks_and_points_are_refused(family: Loss) -> None:
    for call in (family.value, family.gradient, family.hessian):
        with pytest.raises(TypeError, match="task must be a RegressionTask"):
            call((2, 5), [])  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="point must hold"):
            call(isotropic(2, 5), [1] * 50)
        with pytest.raises(TypeError, match="point must be a sequence"):
            call(isotropic(2, 5), 3)  # type: ignore[arg-type]
    for task in (RegressionTask([[2]], 3), isotropic(1, 3, noise_variance=1)):
        if family.whitened:
            with pytest.raises(ValueError, match="task must be whitened"):
                family.minimum(task)
            with pytest.raises(ValueError, match="task must be whitened"):
                family.value(task, [1])
        else:
            assert family.value(task, [fmpq(1, 2)] * family.size(task)) >= 0


@members
def test_points_keep_their_parts(family: Loss) -> None:
    """Flat and natural shapes are two ways to write one thing."""
    task = isotropic(2, 3)
    flat = [fmpq(k, 3) for k in range(family.size(task))]
    if isinstance(family, LoopedMatrix) and family.symmetric:
        assert family.point(task, [[0, "1/3"], ["1/3", "2/3"]]) == flat
        with pytest.raises(ValueError, match="A must be symmetric"):
            family.point(task, [[0, 1], [2, 3]])
    else:
        assert family.point(task, *family.split(task, flat)) == flat
        with pytest.raises(TypeError, match="weights must be"):
            family.point(task, *family.split(task, flat), 1)


@pytest.mark.parametrize(
    "given", [3, [], [[[1, 0], [0, 1]]], [[[1, 0], [0, 1]]] * 3], ids=["number", "none", "one", "three"]
)
def test_as_many_matrices_as_layers(given: Any) -> None:
    with pytest.raises(ValueError, match="A must be a sequence of 2 matrices, got"):
        Layers(2).point(isotropic(2, 3), given)


# The checks refuse what is false


class TwiceTheGradient(Steps):
    def gradient(self, task: RegressionTask, point: Sequence[Any]) -> list[fmpq]:
        return [2 * x for x in super().gradient(task, point)]


class AsymmetricHessian(Steps):
    def hessian(self, task: RegressionTask, point: Sequence[Any]) -> fmpq_mat:
        found = super().hessian(task, point)
        found[0, 1] += 1
        return found


class GramHessian(Relaxed):
    """Without the second derivatives of the residual."""

    def hessian(self, task: RegressionTask, point: Sequence[Any]) -> fmpq_mat:
        found = super().hessian(task, point)
        found[0, 1] -= 1
        found[1, 0] -= 1
        return found


class TransposedChange(Layers):
    def transformed(self, task: RegressionTask, point: Sequence[Any], transform: Any) -> list[fmpq]:
        return super().transformed(task, point, transform.transpose())


class LowMinimum(OneLayer):
    def minimum(self, task: RegressionTask, bits: int = 64) -> Minimum:
        least = super().minimum(task, bits)
        return replace(least, lower=least.lower - fmpq(1, 10**9), upper=least.upper - fmpq(1, 10**9))


class HighMinimum(LoopedStep):
    def minimum(self, task: RegressionTask, bits: int = 64) -> Minimum:
        least = super().minimum(task, bits)
        return replace(least, lower=least.upper + fmpq(1, 10**9), upper=least.upper + fmpq(1, 10**9))


class AnotherMinimizer(Layers):
    """The loss there is stated rightly, but it is no minimum."""

    def minimum(self, task: RegressionTask, bits: int = 64) -> Minimum:
        point = [x + fmpq(1, 10**9) for x, _ in super().minimum(task, bits).minimizer]
        return Minimum.exactly(self.value(task, point), point)


class Saddle(Steps):
    """Equal steps: a critical point, with its own loss, above the minimum."""

    def minimum(self, task: RegressionTask, bits: int = 64) -> Minimum:
        least = LoopedStep(self.layers).minimum(task, bits)
        return Minimum(least.lower, least.upper, least.minimizer * self.layers)


class WideMinimizer(Steps):
    def minimum(self, task: RegressionTask, bits: int = 64) -> Minimum:
        return super().minimum(task, 20)


TASK = RegressionTask.whitened([[2, 1], [1, 1]], 5)
POINT, DIRECTION = [fmpq(1, 2), fmpq(1, 3)], [fmpq(1), fmpq(2)]


@pytest.mark.parametrize(
    ("check", "reason"),
    [
        (lambda: check_gradient(TwiceTheGradient(2), TASK, POINT, DIRECTION), "gradient is not the slope"),
        (lambda: check_hessian(TwiceTheGradient(2), TASK, POINT, DIRECTION), "Hessian is not the slope"),
        (lambda: check_hessian(AsymmetricHessian(2), TASK, POINT, DIRECTION), "Hessian is not symmetric"),
        (
            lambda: check_hessian(GramHessian(2), TASK, [*POINT, fmpq(1)], [*DIRECTION, fmpq(3)]),
            "Hessian is not the slope",
        ),
        (
            lambda: check_change_of_variables(
                TransposedChange(1), TASK, [fmpq(k) for k in range(4)], fmpq_mat([[1, 2], [3, 5]])
            ),
            "depends on the variables",
        ),
        (lambda: check_minimum(LowMinimum(), TASK, []), "value at the minimizer"),
        (lambda: check_minimum(HighMinimum(3), TASK, []), "value at the minimizer"),
        (lambda: check_minimum(AnotherMinimizer(1), TASK, []), "does not vanish"),
        (
            lambda: check_minimum(
                Saddle(2), TASK, [[lower for lower, _ in Steps(2).minimum(TASK).minimizer]]
            ),
            "below the minimum",
        ),
        (lambda: check_minimum(WideMinimizer(2), TASK, []), "not enclosed"),
    ],
)
def test_the_checks_refuse(check: Callable[[], None], reason: str) -> None:
    with pytest.raises(Refuted, match=reason):
        check()


@members
def test_the_degree_along_a_line_is_the_one_that_is_stated(family: Loss) -> None:
    """Differences of order degree + 1 vanish; those of order degree are not 0 along a line of distinct numbers."""
    task = isotropic(2, 3)
    size, order = family.size(task), family.degree
    point, direction = ([fmpq(k + shift, 7) for k in range(size)] for shift in (1, 2))
    values = [family.value(task, moved(point, direction, t)) for t in range(order + 2)]
    for _ in range(order):
        values = [after - before for before, after in pairwise(values)]
    assert values[0] == values[1] != 0
