r"""Directional derivatives of the loss at points of 𝒮 = {A_l = a_l Σ⁻¹}: only a multiple of Σ⁻¹ counts.

Df(R_0, …, R_{L−1}) = Df(r_0 Σ⁻¹, …, r_{L−1} Σ⁻¹) with r_l = tr(Σ^{1/2}R_lΣ^{1/2})/d = tr(ΣR_l)/d. The derivation is
:mod:`icl_claims.theory.derivations.invariant_direction_reduction`; its checks are here. As f is Gaussian only by its
invariance, the same holds for every law of Σ^{-1/2}x and Σ^{1/2}w that signed permutations of the axes leave alone.

Source: Ahn et al. (2023), App. B.2, Eqs. (27)–(30), which average over random orthogonal U.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flint import fmpq, fmpq_mat

from icl_claims.theory.algebra import exact, validation
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.gaussian import expectation
from icl_claims.theory.algebra.words import Words, eye, letter, one
from icl_claims.theory.evaluation import at_task
from icl_claims.theory.many_layers.matrix_layers import layered_gradient
from icl_claims.theory.many_layers.step_sizes import gradient, optimal_steps
from icl_claims.theory.task import RegressionTask
from icl_claims.theory.transformer.attention import MASK, NO_MASK, NOISE, W, X, layer, prompt
from icl_claims.theory.transformer.parametrizations import sparse
from icl_claims.theory.transformer.rotations import inverse_pairs, without_inverse_pairs
from icl_claims.theory.transformer.symmetries import (
    C,
    after_layers,
    derivative,
    of_degree,
    signed_permutation_mean,
    step,
)

DIRECTION = letter("R", "d", "d")
"""R, the direction of a derivative: any d × d matrix."""

INVERSE = letter("Sigma_inverse", "d", "d", symmetric=True)
"""Σ⁻¹."""


def reduced_direction(task: RegressionTask, R: Any) -> fmpq_mat:
    """R̃ = r Σ⁻¹ with r = tr(Σ^{1/2}RΣ^{1/2})/d = tr(ΣR)/d, exactly.

    Args:
        task: Σ must be positive definite.
        R: any d × d matrix.

    Raises:
        TypeError, ValueError: R is no d × d matrix, or Σ is singular.

    >>> task = RegressionTask([[2, 0], [0, 1]], context_length=3)
    >>> reduced_direction(task, [[1, 7], [0, 0]]).tolist()
    [[1/2, 0], [0, 1]]
    """
    direction = validation.matrix("R", R, (task.dim, task.dim))
    if not task.has_definite_covariance:
        raise ValueError(f"task must have a positive definite Σ, got {task.covariance.tolist()}")
    return task.covariance.inv() * (exact.trace(task.covariance * direction) / task.dim)


def directional_derivatives(
    task: RegressionTask, matrices: Sequence[Any], directions: Sequence[fmpq_mat]
) -> list[fmpq]:
    """⟨∇_{A_l} f, R_l⟩ at A_0, …, A_{L−1}, layer by layer, exactly; matrices as for ``layered_gradient``."""
    gradients = layered_gradient(task, matrices)
    return [exact.trace(g.transpose() * R) for g, R in zip(gradients, directions, strict=True)]


def prove_change_of_basis(matrix: Words) -> None:
    """Covariates CX and the matrix A give the labels that X and ``matrix`` give, from any state, masked or not.

    Args:
        matrix: in the letters A and C; CᵀAC where it is true.

    Raises:
        Refuted: the label rows differ.
    """
    for mask in (MASK, NO_MASK):
        if after_layers([letter("A", "d", "d")], mask, C) != after_layers([matrix], mask):
            raise Refuted("the label row after the change of basis is another one")


def prove_mean_over_signed_permutations(largest: int) -> None:
    """The mean of UᵀRU over signed permutations is (tr R/d) I, for all unit matrices R of at most this size.

    Raises:
        Refuted: it is not.
    """
    for d in range(1, largest + 1):
        for place in range(d * d):
            unit = fmpq_mat(d, d, [int(k == place) for k in range(d * d)])
            if signed_permutation_mean(unit) != exact.identity(d) * (exact.trace(unit) / d):
                raise Refuted(f"d = {d}: the mean over signed permutations is not the trace over d times I")


def prove_reduction_whitens(direction: Words) -> None:
    """Σ^{1/2}R̃Σ^{1/2} is R̃ for Σ = I at Σ^{1/2}RΣ^{1/2}, for R̃ in the letters Σ, Σ⁻¹ and R.

    Raises:
        Refuted: it is not.
    """
    root, inverse = (letter(name, "d", "d", symmetric=True) for name in ("C", "K"))
    pairs = inverse_pairs("C", "K") | {(x, y) for x in root.letters() for y in inverse.letters()}
    pairs |= {(y, x) for x, y in pairs}
    with_roots = direction.substitute({"Sigma": root @ root, "Sigma_inverse": inverse @ inverse})
    plain = _at_identity(direction).substitute({"R": root @ DIRECTION @ root})
    if without_inverse_pairs(root @ with_roots @ root, pairs) != without_inverse_pairs(plain, pairs):
        raise Refuted("the direction is not the one for Σ = I in whitened coordinates")


def prove_reduced_derivative(direction: Words, layers: int) -> None:
    """For Σ = Ω = I, up to so many layers and symbolic d, n, σ² and steps: the derivative in R is that in R̃.

    Raises:
        Refuted: it is not, or both are 0, so that nothing was compared.
    """
    for count in range(1, layers + 1):
        for index in range(count):
            change = derivative(count, index)
            if not change:
                raise Refuted(f"L = {count}, l = {index}: there is no derivative to compare")
            if change != change.substitute({"R": _at_identity(direction)}):
                raise Refuted(f"L = {count}, l = {index}: the derivatives in R and R̃ differ")


def prove_slot_keeps_derivatives(layers: int) -> None:
    """A number c in the slot changes no derivative at A_l = a_l I: the change of the label is odd in (w, ε).

    Raises:
        Refuted: the change of the query's label has a mean over w and ε.
    """
    Z = prompt(W.T @ X + NOISE.T, letter("c", "1", "1"))
    for index in range(layers):
        Z = layer(*sparse(eye("d") * step(index) + DIRECTION), Z)
    change = of_degree(Z[1, 1], "R", 1)
    if expectation(expectation(change, W, eye("d")), NOISE, eye("n") * one()):
        raise Refuted("the mean change of the query's label is not 0")


def _at_identity(direction: Words) -> Words:
    return direction.substitute({"Sigma": eye("d"), "Sigma_inverse": eye("d")})


TASKS = (
    RegressionTask.whitened(exact.diagonal([1, 4]), 2),
    RegressionTask.whitened([[2, 1], [1, 1]], 3),
    RegressionTask.whitened([[2, 1, 0], [1, 3, 1], [0, 1, 1]], 2),
)
STEPS = ((fmpq(2, 5),), (fmpq(1, 2), fmpq(1, 3)), (fmpq(1, 3), fmpq(-1, 2), fmpq(1, 5)))
"""Tasks and steps, n < d among them, at which gradients in all entries are compared."""


def prove_gradient_is_that_of_the_steps(matrix: Words) -> None:
    """∇_{A_l} f = (1/d) ∂f/∂a_l · Σ at A_l = a_l · matrix, from derivatives in all d² entries, at tasks and steps.

    Args:
        matrix: in the letters Σ and Σ⁻¹; Σ⁻¹ where it is true.

    Raises:
        Refuted: a gradient is another one.
    """
    for task in TASKS:
        at = at_task(matrix, task, {"Sigma_inverse": task.covariance.inv()})
        for steps in STEPS:
            slopes = gradient(task, steps)
            for slope, found in zip(slopes, layered_gradient(task, [at * a for a in steps]), strict=True):
                if found != task.covariance * (slope / task.dim):
                    raise Refuted(f"the gradient at {len(steps)} steps is not that of the steps, times Σ/d")


def prove_infimum_of_gradients(value: fmpq, bits: int) -> None:
    """Σ_l ‖∇_{A_l} f‖² is nowhere below ``value``, as far as points of 𝒮 near the best steps, to so many bits, show.

    Raises:
        Refuted: the squared norm of the gradient at some point of 𝒮 is less than the value, or this is negative.
    """
    if value < 0:
        raise Refuted("a sum of squares has no negative infimum")
    for task in TASKS:
        steps = [step.lower for step in optimal_steps(task, 2).refined(bits).steps]
        squares = [
            exact.inner(m, m) for m in layered_gradient(task, [task.covariance.inv() * a for a in steps])
        ]
        if sum(squares, fmpq(0)) < value:
            raise Refuted("a point of the set has a smaller gradient than the stated infimum")


def prove_gradient_along_covariance(task: RegressionTask, layers: Sequence[fmpq_mat]) -> None:
    """∇_{A_l} f is a multiple of Σ for every l, at these matrices.

    Raises:
        Refuted: one of them is not.

    >>> task = RegressionTask.whitened([[2, 1], [1, 1]], 3)
    >>> prove_gradient_along_covariance(task, [task.covariance.inv() * fmpq(1, 2)])
    """
    sigma = task.covariance
    if any(m * sigma[0, 0] != sigma * m[0, 0] for m in layered_gradient(task, layers)):
        raise Refuted("the gradient leaves the multiples of Σ")
