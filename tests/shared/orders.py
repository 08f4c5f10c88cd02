"""The order of the least losses of the experiments, u < p < g, by polynomials in a common step and their real roots.

u is bounded from above by the loss at rational steps; p and g are minima of polynomials of the covariance's words.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from flint import fmpq, fmpq_poly

from icl_claims.theory.algebra import exact, validation
from icl_claims.theory.loops.descent import descent_loss, is_above
from icl_claims.theory.loops.step import optimal_looped_step
from icl_claims.theory.many_layers.step_sizes import loss_of_steps, optimal_steps
from icl_claims.theory.task import RegressionTask, isotropic
from tests.shared.experiment import SIGMA, D, best_descent_step

FALSE = fmpq(-1)
"""The margin of an order that does not hold, where no number says by how much."""


@dataclass(frozen=True)
class Place:
    """A context length and a number of layers at which the least losses are compared, and the law of the prompts.

    ``law`` is "gaussian", or "design" for examples with XXᵀ/n = Σ always; ``task`` is "whitened" or "identity".
    """

    context_length: int
    layers: int
    law: str = "gaussian"
    task: str = "whitened"

    def __str__(self) -> str:
        words = [f"d = {D}, n = {self.context_length}, L = {self.layers}, the experiment's Σ"]
        words += ["examples with S = Σ always"] if self.law == "design" else []
        words += ["Ω = I"] if self.task == "identity" else []
        return ", ".join(words)


CONDITIONS = {
    "gaussian_covariates": lambda at: at.law == "gaussian",
    "whitened_task": lambda at: at.task == "whitened",
}


class Least(NamedTuple):
    """u from above; p's polynomial and its value at a rational step; g's polynomial."""

    u: fmpq
    preconditioned: fmpq_poly
    p: fmpq
    descent: fmpq_poly


@cache
def least(eigenvalues: tuple[fmpq, ...], n: int, layers: int) -> Least:
    """For Σ with these eigenvalues and Ω = Σ⁻¹."""
    sigma = exact.diagonal(eigenvalues)
    task, plain = RegressionTask.whitened(sigma, n), isotropic(len(eigenvalues), n)
    steps = [step.lower for step in optimal_steps(plain, layers).steps]
    looped = descent_loss(task, layers, sigma.inv())
    at = optimal_looped_step(plain, layers).step.lower
    return Least(loss_of_steps(plain, steps), looped, looped(at), descent_loss(task, layers))


def order_margin(eigenvalues: tuple[fmpq, ...], at: Place, equal: bool = False) -> fmpq:
    """p − u, or minus its square where they are stated to be equal; −1 where the order does not hold."""
    if at.law == "design":  # One step of size 1 is exact for both.
        return FALSE
    if at.task == "identity":
        return _without_whitening(at)
    found = least(eigenvalues, at.context_length, at.layers)
    if not is_above(found.descent, found.p):
        return FALSE
    if equal:
        return -((found.p - found.u) ** 2)
    return found.p - found.u if is_above(found.preconditioned, found.u) else FALSE


def _without_whitening(at: Place) -> fmpq:
    """A loss of gradient descent less a number that preconditioned descent exceeds, or −1 where it does not."""
    task = RegressionTask(SIGMA, at.context_length)
    plain = descent_loss(task, at.layers)
    step = validation.rational("step", best_descent_step(at.context_length, at.layers, whitened=False))
    above = plain(step) * fmpq(101, 100)
    return fmpq(1) if not is_above(descent_loss(task, at.layers, SIGMA.inv()), above) else plain(step) - above
