"""The one-prompt estimator of the loss on 𝒮 under several laws: its relative variance by routes without Pfaffians."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cache

from flint import fmpq, fmpq_mat, fmpq_poly

from icl_claims.theory.algebra.gaussian import expectation
from icl_claims.theory.algebra.words import eye, letter
from icl_claims.theory.evaluation import at_task
from icl_claims.theory.loops.step import optimal_looped_step
from icl_claims.theory.many_layers.loss_variance import variance_by_parts
from icl_claims.theory.many_layers.step_sizes import loss_of_steps, residual
from icl_claims.theory.task import isotropic
from icl_claims.theory.transformer.prompts import S
from tests.shared import by_words


@dataclass(frozen=True)
class Loops:
    """L, whether the covariates are normal or ±1, and whether the task is whitened or Ω = e_1e_1ᵀ, at Σ = I."""

    loops: int
    normal: bool = True
    whitened: bool = True

    def __str__(self) -> str:
        law = "" if self.normal else ", x = ±1"
        return f"L = {self.loops}{law}" + ("" if self.whitened else ", Σ = I, Ω = diag(1, 0, …, 0)")


def looped_steps(dim: int, context: int, loops: int) -> list[fmpq]:
    """The optimal looped step, as a rational within 2⁻⁶⁴ of it, relatively."""
    return [optimal_looped_step(isotropic(dim, context), loops).step.upper] * loops


def of_signs(d: int, n: int, a: fmpq | None = None) -> tuple[fmpq, fmpq]:
    """E v and Var v for x = ±1 and one step a, by default the best one.

    S has 1 on its diagonal, and the S_ij, i < j, are means of n signs, independent in pairs: v is d(1 − a)² +
    2a² Σ_{i<j} S_ij² with E S_ij² = 1/n and Var S_ij² = 2(n − 1)/n³.
    """
    step = fmpq(n, n + d - 1) if a is None else a
    mean = d * (1 - step) ** 2 + step**2 * fmpq(d * (d - 1), n)
    return mean, 4 * step**4 * fmpq(d * (d - 1), 2) * fmpq(2 * (n - 1), n**3)


@cache
def of_one_direction(d: int, n: int) -> tuple[fmpq, fmpq]:
    """E and Var of e_1ᵀ(I − aS)²e_1, the estimator for Ω = e_1e_1ᵀ, at the best step, in words of matrices.

    Its mean is 1/d of that for Ω = I, so that the best step is the same.
    """
    a = fmpq(n, n + d + 1)
    e, X = letter("e", "d", "1"), letter("X", "d", "n")
    R = eye("d") - S * Fraction(int(a.p), int(a.q))
    v = e.T @ R @ R @ e
    unit = {"e": fmpq_mat([[int(i == 0)] for i in range(d)])}
    mean, second = (at_task(expectation(x, X, eye("d")), isotropic(d, n), unit)[0, 0] for x in (v, v * v))
    return mean, second - mean**2


@cache
def variance_otherwise(dim: int, context: int, at: Loops) -> fmpq:
    """The relative variance by another route than Pfaffians: words at L = 1, joint moments of traces beyond."""
    if not (at.normal and at.whitened):
        if at.loops > 1:
            raise ValueError(f"other laws are for L = 1, got {at}")
        mean, variance = (of_one_direction if at.normal else of_signs)(dim, context)
        return variance / mean**2
    steps = looped_steps(dim, context, at.loops)
    mean = loss_of_steps(isotropic(dim, context), steps)
    if at.loops == 1:
        return by_words.context_variance(steps, dim, context) / mean**2
    square = residual(steps) ** 2
    return variance_by_parts(square(fmpq_poly([0, fmpq(1, context)])), dim, context) / mean**2
