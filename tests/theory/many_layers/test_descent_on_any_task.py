"""The loss of steps by power sums, against the loss of layers of any matrices, averaged word by word."""

from __future__ import annotations

from typing import Any

import pytest
from flint import fmpq, fmpq_mat
from hypothesis import given, settings
from hypothesis import strategies as st

from icl_claims.theory.algebra import exact
from icl_claims.theory.algebra.semidefinite import SemidefiniteMatrix
from icl_claims.theory.loops.descent import descent_loss
from icl_claims.theory.loops.matrix import symmetric_looped_loss
from icl_claims.theory.many_layers import descent_on_any_task
from icl_claims.theory.many_layers.descent_on_any_task import (
    MOST_PLAIN_STEPS,
    plain_loss,
    power_sums,
    preconditioned_loss,
)
from icl_claims.theory.many_layers.matrix_layers import layered_loss
from icl_claims.theory.many_layers.step_sizes import loss_of_steps
from icl_claims.theory.task import RegressionTask
from tests.shared.wishart_of_the_plane import loss_of_layers

numbers = st.fractions(-2, 2, max_denominator=6).map(lambda x: fmpq(x.numerator, x.denominator))
positive = st.fractions(0, 3, max_denominator=6).map(lambda x: fmpq(x.numerator, x.denominator))


@st.composite
def covariances(draw: Any, size: int) -> SemidefiniteMatrix:
    """The identity, a diagonal or a Gram matrix, singular ones among them."""
    kind = draw(st.sampled_from(["identity", "diagonal", "dense"]))
    if kind == "identity":
        return SemidefiniteMatrix.identity(size)
    if kind == "diagonal":
        return SemidefiniteMatrix.of_eigenvalues("eigenvalues", [draw(positive) for _ in range(size)])
    m = fmpq_mat([[draw(numbers) for _ in range(size)] for _ in range(size)])
    return SemidefiniteMatrix.of("matrix", m * m.transpose())


@st.composite
def tasks(draw: Any) -> RegressionTask:
    size = draw(st.integers(1, 3))
    sigma, omega = draw(covariances(size)), draw(covariances(size))
    return RegressionTask(sigma, draw(st.integers(1, 6)), omega, draw(positive))


@settings(max_examples=60)
@given(tasks(), st.lists(numbers, max_size=3))
def test_plain_descent_on_any_task(task: RegressionTask, steps: list[fmpq]) -> None:
    layers = [exact.identity(task.dim) * step for step in steps]
    assert plain_loss(task, steps) == layered_loss(task, layers)


@settings(max_examples=60)
@given(tasks(), st.lists(numbers, max_size=3))
def test_preconditioned_descent_on_any_task(task: RegressionTask, steps: list[fmpq]) -> None:
    sigma = task.covariance
    if sigma.det() != 0:
        layers = [sigma.inv() * step for step in steps]
        assert preconditioned_loss(task, steps) == layered_loss(task, layers)
    else:
        with pytest.raises(
            ValueError, match="task must have a positive definite Σ where A_l = a_l Σ⁻¹, got Regr"
        ):
            preconditioned_loss(task, steps)


@pytest.mark.parametrize("loops", [1, 4, 7])
def test_many_loops(loops: int) -> None:
    """Against two-sided moments of matrices, and the polynomial in the step."""
    sigma = fmpq_mat([[2, 1], [1, 3]])
    task = RegressionTask(sigma, 3, [[1, -1], [-1, 2]], "1/3")
    step = fmpq(1, 9)
    steps = [step] * loops
    assert plain_loss(task, steps) == symmetric_looped_loss(task, exact.identity(2) * step, loops)
    assert preconditioned_loss(task, steps) == symmetric_looped_loss(task, sigma.inv() * step, loops)
    if loops <= 6:
        assert plain_loss(task, steps) == descent_loss(task, loops)(step)


@pytest.mark.parametrize(("layers", "n"), [(1, 3), (5, 1), (8, 3), (MOST_PLAIN_STEPS, 3)])
def test_many_different_steps_in_the_plane(layers: int, n: int) -> None:
    """Σ and Ω not diagonal, n < d, noise beyond the signal: by tr W and det W alone, to the most steps."""
    sigma, omega = fmpq_mat([[2, 1], [1, 3]]), fmpq_mat([[1, -1], [-1, 2]])
    steps = [fmpq(k, 7 + k) * (-1) ** (k // 4) for k in range(1, layers + 1)]
    task = RegressionTask(sigma, n, omega, 9)
    assert plain_loss(task, steps) == loss_of_layers(sigma, n, omega, fmpq(9), steps)
    white = task.signal / 2
    whole = loss_of_layers(exact.identity(2), n, exact.identity(2) * white, fmpq(9), steps)
    assert preconditioned_loss(task, steps) == whole


def test_the_whitened_task_without_noise_is_that_of_the_steps() -> None:
    task = RegressionTask.isotropic(10**17, 10**18 - 1)
    steps = [fmpq(k, 40) for k in range(100)]
    assert preconditioned_loss(task, steps) == loss_of_steps(task, steps)


def test_order_has_no_effect_and_zero_steps_are_none() -> None:
    task = RegressionTask.diagonal([1, 2], 3, [3, 1], 1)
    loss = plain_loss(task, [fmpq(1, 2), fmpq(1, 5), fmpq(0)])
    assert loss == plain_loss(task, [fmpq(0), fmpq(1, 5), fmpq(1, 2)])
    assert loss == plain_loss(task, [fmpq(1, 5), fmpq(1, 2)])
    assert plain_loss(task, [fmpq(0)] * 2) == task.signal


@given(tasks(), st.integers(1, 5))
def test_power_sums(task: RegressionTask, top: int) -> None:
    found = power_sums(task, top)
    sigma, omega = task.covariance, task.task_covariance
    power = exact.identity(task.dim)
    for r in range(top + 1):
        assert fmpq(found.p[r], found.unit**r) == exact.trace(power)
        assert fmpq(found.tau[r], found.omega_unit * found.unit**r) == exact.trace(omega * power)
        power = power * sigma


def test_what_would_take_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    task = RegressionTask.diagonal([1, 2], 3)
    with pytest.raises(ValueError, match="steps must be at most 12 numbers where A_l = a_l I"):
        plain_loss(task, [fmpq(1)] * 13)
    monkeypatch.setattr(descent_on_any_task, "LARGEST_WORK", 16)
    assert plain_loss(task, [fmpq(1)])
    with pytest.raises(ValueError, match="2 allow tr Σ and tr ΣΩ 1 bits over common denominators, got 2"):
        plain_loss(task, [fmpq(1)] * 2)


@pytest.mark.parametrize(
    ("task", "bits"),
    [
        (RegressionTask.diagonal([1, 2**40], 3), 41),  # tr Σ
        (RegressionTask.diagonal([1, 2], 3, [2**40, 1]), 41),  # tr ΣΩ alone
        (RegressionTask.diagonal([1, fmpq(1, 2**40)], 3), 41),  # the denominator of Σ
        (RegressionTask.diagonal([1, 2], 3, [1, fmpq(1, 2**50)]), 51),  # and of Ω
    ],
    ids=["sigma", "omega", "unit of sigma", "unit of omega"],
)
def test_each_long_number_counts(monkeypatch: pytest.MonkeyPatch, task: RegressionTask, bits: int) -> None:
    monkeypatch.setattr(descent_on_any_task, "LARGEST_WORK", 40)
    with pytest.raises(ValueError, match=f"40 bits over common denominators, got {bits}"):
        plain_loss(task, [fmpq(1)])
    monkeypatch.setattr(descent_on_any_task, "LARGEST_WORK", 60)
    assert plain_loss(task, [fmpq(1)]) > 0


@pytest.mark.parametrize("loss", [plain_loss, preconditioned_loss])
@pytest.mark.parametrize("task", [RegressionTask.isotropic(2, 3), RegressionTask.diagonal([1, 2], 3)])
def test_refuses_what_are_no_steps(loss: Any, task: RegressionTask) -> None:
    with pytest.raises(TypeError, match="steps must be a sequence of numbers, got 1"):
        loss(task, 1)
    with pytest.raises(ValueError, match=r"steps\[1\] must be a finite number, got nan"):
        loss(task, [1, float("nan")])
