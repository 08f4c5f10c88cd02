"""The loss of one looped matrix: as equal layers, by two-sided moments, in full for d = 1; its derivatives."""

from __future__ import annotations

from math import comb
from typing import Any

import pytest
from flint import fmpq, fmpq_mat, fmpq_poly
from hypothesis import given, settings
from hypothesis import strategies as st

from icl_claims.theory.algebra import exact
from icl_claims.theory.loops.matrix import (
    MOST_LOOPS,
    MOST_SYMMETRIC_LOOPS,
    looped_gradient,
    looped_hessian,
    looped_loss,
    symmetric_looped_loss,
)
from icl_claims.theory.many_layers.matrix_layers import (
    Evaluation,
    layered_gradient,
    layered_hessian,
    layered_loss,
)
from icl_claims.theory.task import RegressionTask
from tests.shared.strategies import matrices, tasks
from tests.shared.wishart_of_the_plane import Plane

ANY = tasks(max_dim=2, max_context=4)
"""Tasks with any Σ (singular ones too), Ω and σ²."""


@settings(max_examples=30)
@given(st.data())
def test_loops_are_equal_layers_and_symmetric_ones_two_sided(data: st.DataObject) -> None:
    """Three ways: one matrix looped, equal layers, two-sided moments; A indefinite and singular too."""
    task, loops = data.draw(ANY), data.draw(st.integers(0, 3))
    a = data.draw(matrices(task.dim, task.dim))
    assert looped_loss(task, a, loops) == layered_loss(task, [a] * loops)
    symmetric = a + a.transpose()
    expected = layered_loss(task, [symmetric] * loops)
    assert symmetric_looped_loss(task, symmetric, loops) == expected
    assert looped_loss(task, symmetric, loops) == expected


@pytest.mark.parametrize("loops", [4, 5])
def test_more_loops_of_a_symmetric_matrix(loops: int) -> None:
    """The words' route and the two-sided one, which share no recursion."""
    task = RegressionTask([[2, 1], [1, 1]], 3, [[1, 0], [0, 2]], noise_variance="1/2")
    a = fmpq_mat([[fmpq(1, 3), fmpq(-1, 4)], [fmpq(-1, 4), fmpq(1, 5)]])
    by_words = Evaluation(task, [a], (0,) * loops).loss()
    assert symmetric_looped_loss(task, a, loops) == by_words


@pytest.mark.parametrize(("loops", "n"), [(1, 1), (4, 1), (4, 3), (MOST_SYMMETRIC_LOOPS, 1)])
def test_every_number_of_loops_in_the_plane(loops: int, n: int) -> None:
    """A = B², Σ and Ω not diagonal, n < d, and noise beyond the signal: (I − AS)^L = B (I − BSB)^L B⁻¹, BSB of
    covariance BΣB."""
    sigma, omega = fmpq_mat([[2, 1], [1, 1]]), fmpq_mat([[1, -1], [-1, 3]])
    root = fmpq_mat([[1, fmpq(1, 2)], [fmpq(1, 2), fmpq(3, 2)]]) / 2
    inner = root.inv()
    plane, scale = Plane(root * sigma * root, n), fmpq(1, n)
    expected = fmpq(0)
    for i in range(loops + 1):
        for j in range(loops + 1):
            moment = plane.two_sided(i, j, inner * omega * inner)
            count = comb(loops, i) * comb(loops, j)
            expected += (-scale) ** (i + j) * count * exact.trace(sigma * root * moment * root)
    gone = 1 - fmpq_poly([1, -1]) ** loops
    for k, c in enumerate((gone * gone).coeffs()[1:]):
        expected += 9 * scale * c * scale**k * exact.trace(sigma * root * plane.power(k) * root)
    task = RegressionTask(sigma, n, omega, noise_variance=9)
    assert symmetric_looped_loss(task, root * root, loops) == expected
    if loops <= 4:
        assert Evaluation(task, [root * root], (0,) * loops).loss() == expected


def test_dimension_one_to_the_last_loop() -> None:
    """E (1 − as)^{2L} at d = 1, n s being χ²: moments n(n + 2)⋯ in full."""
    task, a = RegressionTask([[1]], 3), fmpq(2, 5)
    for loops in (1, MOST_LOOPS, MOST_SYMMETRIC_LOOPS):
        expected, term = fmpq(0), fmpq(1)
        for k in range(2 * loops + 1):
            expected += term
            term *= -a * fmpq(2 * loops - k, k + 1) * fmpq(3 + 2 * k, 3)
        assert looped_loss(task, [[a]], loops) == expected


@settings(max_examples=20)
@given(st.data())
def test_the_looped_gradient_sums_the_layers(data: st.DataObject) -> None:
    task, loops = data.draw(ANY), data.draw(st.integers(0, 3))
    a = data.draw(matrices(task.dim, task.dim))
    nothing = fmpq_mat(task.dim, task.dim)
    assert looped_gradient(task, a, loops) == sum(layered_gradient(task, [a] * loops), nothing)


def test_the_looped_hessian_sums_the_layers_blocks() -> None:
    task = RegressionTask([[2, 1], [1, 1]], 2, [[1, 0], [0, 3]], noise_variance=1)
    a = fmpq_mat([[0, fmpq(1, 3)], [fmpq(1, 7), fmpq(1, 5)]])
    whole, looped = layered_hessian(task, [a, a]), looped_hessian(task, a, 2)
    blocks = [whole[i + 4 * p, j + 4 * q] for i in range(4) for j in range(4) for p in (0, 1) for q in (0, 1)]
    assert looped.entries() == [sum(blocks[4 * k : 4 * k + 4], fmpq(0)) for k in range(16)]


def test_no_loops() -> None:
    task = RegressionTask([[2, 0], [0, 1]], 3)
    assert looped_loss(task, [[1, 2], [0, 1]], 0) == task.signal
    assert symmetric_looped_loss(task, exact.identity(2), 0) == task.signal
    assert looped_hessian(task, exact.identity(2), 0) == fmpq_mat(4, 4)


TASK = RegressionTask([[1, 0], [0, 1]], 3)
SKEW = [[0, 1], [0, 0]]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: looped_loss(TASK, SKEW, -1), ValueError, "loops must be an integer from 0"),
        (lambda: looped_loss(TASK, SKEW, 1.0), TypeError, "loops must be an integer from 0"),
        (lambda: looped_loss(TASK, SKEW, MOST_LOOPS + 1), ValueError, f"to {MOST_LOOPS}"),
        (lambda: looped_loss(TASK, [[1]], 1), ValueError, "matrix must be of shape 2 × 2"),
        (lambda: looped_gradient(TASK, [[1]], 1), ValueError, "matrix must be of shape 2 × 2"),
        (lambda: looped_hessian(TASK, SKEW, True), TypeError, "loops must be an integer"),
        (lambda: symmetric_looped_loss(TASK, SKEW, 1), ValueError, "matrix must be symmetric"),
    ],
)
def test_wrong_arguments_are_refused(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
