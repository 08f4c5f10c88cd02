"""The speed of optimal step sizes and their loss, against the best Monte Carlo for the same number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from flint import fmpq, fmpq_poly

from icl_claims.numerics.gauss_nodes import GaussRule, spectral_rules
from icl_claims.numerics.monte_carlo import sample_mean
from icl_claims.numerics.step_sizes import gradient as gradient_on_nodes
from icl_claims.numerics.step_sizes import loss as loss_on_nodes
from icl_claims.theory.loops.step import optimal_looped_step
from icl_claims.theory.many_layers.loss_variance import (
    loss_variance,
    mean_and_variance_by_pfaffians,
    prompts_needed,
    variance_by_parts,
)
from icl_claims.theory.many_layers.step_sizes import gradient, hessian, loss_of_steps, optimal_steps
from icl_claims.theory.task import isotropic

DIM, CONTEXT = 5, 20


@pytest.mark.parametrize(("layers", "at_most"), [(10, 0.003), (30, 0.030)])
def test_minimum_and_certified_steps(gate: Callable[..., Any], layers: int, at_most: float) -> None:
    best = gate(lambda: optimal_steps(isotropic(DIM, CONTEXT), layers), at_most=at_most)
    assert len(best.steps) == layers


@pytest.mark.parametrize(("layers", "at_most"), [(10, 0.003), (30, 0.030)])
def test_certified_looped_step(gate: Callable[..., Any], layers: int, at_most: float) -> None:
    best = gate(lambda: optimal_looped_step(isotropic(DIM, CONTEXT), layers), at_most=at_most)
    assert best.loss.lower > 0


def monte_carlo(steps: list[fmpq], prompts: int) -> float:
    """The loss of given steps as the mean of v over this many prompts: the best sampling that we know of.

    w and x_q are integrated out, which leaves the least variance per prompt; of X only the law of the
    eigenvalues is drawn, 2d − 1 random numbers in place of dn; batches stay in the cache. (Control variates
    tr S^k with their exact means, the one thing that would do better, are the exact formula itself.)
    """
    return sample_mean(isotropic(DIM, CONTEXT), steps, prompts, np.random.default_rng(1))


def test_minimum_at_3_layers_against_monte_carlo_to_1e_3(gate: Callable[..., Any]) -> None:
    """A relative standard error of 1e-3. Sampling is given the minimizer, and need not search for it."""
    steps = [step.lower for step in optimal_steps(isotropic(DIM, CONTEXT), 3).steps]
    prompts = prompts_needed(isotropic(DIM, CONTEXT), steps, "1/1000")
    best = gate(
        lambda: optimal_steps(isotropic(DIM, CONTEXT), 3),
        baseline=lambda: monte_carlo(steps, prompts),
        at_least=2000,
    )
    assert best.loss > 0


def test_gradient_at_10_layers(gate: Callable[..., Any]) -> None:
    steps = [step.lower for step in optimal_steps(isotropic(DIM, CONTEXT), 10).steps]
    assert len(gate(lambda: gradient(isotropic(DIM, CONTEXT), steps), at_most=0.010)) == 10


def test_hessian_at_30_layers(gate: Callable[..., Any]) -> None:
    steps = [step.lower for step in optimal_steps(isotropic(DIM, CONTEXT), 30).steps]
    assert gate(lambda: hessian(isotropic(DIM, CONTEXT), steps), at_most=0.5).nrows() == 30


@pytest.mark.parametrize("layers", [3, 10, 30])
def test_variance_of_the_sampled_loss(gate: Callable[..., Any], layers: int) -> None:
    steps = [step.lower for step in optimal_steps(isotropic(DIM, CONTEXT), layers).steps]
    assert gate(lambda: loss_variance(isotropic(DIM, CONTEXT), steps), at_most=0.1) > 0


def test_variance_by_pfaffians_against_parts(gate: Callable[..., Any]) -> None:
    """L = 10: Pfaffians of size 6, against joint moments E tr Wⁱ tr Wʲ of degree up to 40."""
    g = fmpq_poly([1, fmpq(-1, 2 * CONTEXT)]) ** 20
    found = gate(
        lambda: mean_and_variance_by_pfaffians(g, DIM, CONTEXT)[1],
        baseline=lambda: variance_by_parts(g, DIM, CONTEXT),
        at_least=3,
    )
    assert found == variance_by_parts(g, DIM, CONTEXT)


def test_thousand_losses_on_gauss_nodes(gate: Callable[..., Any]) -> None:
    """Losses and gradients, with bounds, at L = 10 for 1000 problems at once; rules at hand, as in a search."""
    sizes = [(d, n) for d in range(1, 26) for n in range(1, 41)]
    rules: GaussRule = spectral_rules(sizes, 11)
    steps = np.linspace(0.1, 0.5, 10)

    def work() -> Any:
        return loss_on_nodes(rules, steps), gradient_on_nodes(rules, steps)

    losses, _ = gate(
        work,
        baseline=lambda: [loss_of_steps(isotropic(*size), steps) for size in sizes],
        at_least=10,
    )
    assert losses.value.shape == (1000,)
