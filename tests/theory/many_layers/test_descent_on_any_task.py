"""The loss of steps by power sums, against the loss of layers of any matrices, averaged word by word."""

from __future__ import annotations

from typing import Any

import pytest
from flint import fmpq, fmpq_mat
from hypothesis import given, settings
from hypothesis import strategies as st

from icl_claims.claims.calculators import step_loss
from icl_claims.claims.calculators.step_loss import plain_loss, power_sums, preconditioned_loss
from icl_claims.claims.calculators.tasks import Covariance, Task
from icl_claims.theory.algebra import exact
from icl_claims.theory.many_layers.descent_loss import descent_loss
from icl_claims.theory.many_layers.looped_loss import layered_loss, symmetric_looped_loss
from icl_claims.theory.many_layers.step_sizes import loss_of_steps
from icl_claims.theory.task import isotropic

numbers = st.fractions(-2, 2, max_denominator=6).map(lambda x: fmpq(x.numerator, x.denominator))
positive = st.fractions(0, 3, max_denominator=6).map(lambda x: fmpq(x.numerator, x.denominator))


@st.composite
def covariances(draw: Any, size: int) -> Covariance:
    """The identity, a diagonal or a Gram matrix, singular ones among them."""
    kind = draw(st.sampled_from(["identity", "diagonal", "dense"]))
    if kind == "identity":
        return None
    if kind == "diagonal":
        return tuple(draw(positive) for _ in range(size))
    m = fmpq_mat([[draw(numbers) for _ in range(size)] for _ in range(size)])
    return m * m.transpose()


@st.composite
def tasks(draw: Any) -> Task:
    size = draw(st.integers(1, 3))
    sigma, omega = draw(covariances(size)), draw(covariances(size))
    return Task(size, draw(st.integers(1, 6)), sigma, omega, whitened=False, noise=draw(positive))


@settings(max_examples=60)
@given(tasks(), st.lists(numbers, max_size=3))
def test_plain_descent_on_any_task(task: Task, steps: list[fmpq]) -> None:
    layers = [exact.identity(task.dim) * step for step in steps]
    assert plain_loss(task, steps) == layered_loss(task.regression(), layers)


@settings(max_examples=60)
@given(tasks(), st.lists(numbers, max_size=3))
def test_preconditioned_descent_on_any_task(task: Task, steps: list[fmpq]) -> None:
    sigma, _ = task.matrices()
    if sigma.det() != 0:
        layers = [sigma.inv() * step for step in steps]
        assert preconditioned_loss(task, steps) == layered_loss(task.regression(), layers)


@pytest.mark.parametrize("loops", [1, 4, 7])
def test_many_loops(loops: int) -> None:
    """Against two-sided moments of matrices, and the polynomial in the step."""
    sigma = fmpq_mat([[2, 1], [1, 3]])
    task = Task(2, 3, sigma, fmpq_mat([[1, -1], [-1, 2]]), whitened=False, noise=fmpq(1, 3))
    step = fmpq(1, 9)
    steps, regression = [step] * loops, task.regression()
    assert plain_loss(task, steps) == symmetric_looped_loss(regression, exact.identity(2) * step, loops)
    assert preconditioned_loss(task, steps) == symmetric_looped_loss(regression, sigma.inv() * step, loops)
    if loops <= 6:
        assert plain_loss(task, steps) == descent_loss(regression, loops)(step)


def test_the_whitened_task_without_noise_is_that_of_the_steps() -> None:
    task = Task(10**17, 10**18 - 1, None, None, whitened=True, noise=fmpq(0))
    steps = [fmpq(k, 40) for k in range(100)]
    assert preconditioned_loss(task, steps) == loss_of_steps(isotropic(task.dim, task.context_length), steps)


def test_order_has_no_effect_and_zero_steps_are_none() -> None:
    task = Task(2, 3, (fmpq(1), fmpq(2)), (fmpq(3), fmpq(1)), whitened=False, noise=fmpq(1))
    loss = plain_loss(task, [fmpq(1, 2), fmpq(1, 5), fmpq(0)])
    assert loss == plain_loss(task, [fmpq(0), fmpq(1, 5), fmpq(1, 2)])
    assert loss == plain_loss(task, [fmpq(1, 5), fmpq(1, 2)])
    assert plain_loss(task, [fmpq(0)] * 2) == task.signal


@given(tasks(), st.integers(1, 5))
def test_power_sums(task: Task, top: int) -> None:
    found = power_sums(task, top)
    sigma, omega = task.matrices()
    power = exact.identity(task.dim)
    for r in range(top + 1):
        assert fmpq(found.p[r], found.unit**r) == exact.trace(power)
        assert fmpq(found.tau[r], found.omega_unit * found.unit**r) == exact.trace(omega * power)
        power = power * sigma


def test_what_would_take_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    task = Task(2, 3, (fmpq(1), fmpq(2)), None, whitened=False, noise=fmpq(0))
    with pytest.raises(ValueError, match="steps must be at most 12 numbers where A_l = a_l I"):
        plain_loss(task, [fmpq(1)] * 13)
    monkeypatch.setattr(step_loss, "MOST_WORK", 16)
    assert plain_loss(task, [fmpq(1)])
    with pytest.raises(ValueError, match="2 allow tr Σ and tr ΣΩ 1 bits over common denominators, got 2"):
        plain_loss(task, [fmpq(1)] * 2)
