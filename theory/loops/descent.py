r"""Gradient descent with a fixed preconditioner, A_l = ηC for all l: its loss as a polynomial in the step η.

Without a preconditioner C = I. On the task Ω = Σ⁻¹, σ² = 0 that is, S of covariance Σ,

    f(η) = E tr Σ (I − ηS)^L Σ⁻¹ (I − ηS)^L,

of degree 2L in η; it is interpolated exactly from 2L + 1 values
(:func:`icl_claims.theory.loops.matrix.symmetric_looped_loss`). A rotation of Σ does not change it,
for ηI commutes with rotations. C = Σ⁻¹ gives :func:`icl_claims.theory.loops.step.looped_step_loss`, by
another route.

That f(η) > c for all real η is decided exactly: f has even degree and positive leading coefficient, so
it is so if and only if f − c has no real root (Sturm's theorem).

Source: Ahn et al. (2023), Appendix D, where GD is the baseline.
"""

from __future__ import annotations

from typing import Any

from flint import fmpq, fmpq_mat, fmpq_poly

from icl_claims.theory.algebra import exact, validation
from icl_claims.theory.algebra.real_roots import count_real_roots
from icl_claims.theory.loops.matrix import symmetric_looped_loss
from icl_claims.theory.task import RegressionTask

MOST_LOOPS = 6
"""The largest L: the values take seconds beyond."""


def descent_loss(task: RegressionTask, loops: int, preconditioner: Any = None) -> fmpq_poly:
    """f(η), a polynomial of degree at most 2L over ℚ.

    Args:
        task: the distribution of prompts, any Σ, Ω and σ².
        loops: L, from 1 to :data:`MOST_LOOPS`.
        preconditioner: C, d × d, symmetric; None is I.

    Raises:
        TypeError, ValueError: ``loops`` is no integer in the range, or C no symmetric d × d matrix.

    >>> descent_loss(RegressionTask.isotropic(dim=2, context_length=5), 1)
    16/5*x^2 + (-4)*x + 2
    """
    count = validation.bounded_integer("loops", loops, MOST_LOOPS)
    direction = exact.identity(task.dim) if preconditioner is None else preconditioner
    matrix = validation.matrix("preconditioner", direction, (task.dim, task.dim))
    points = range(2 * count + 1)
    values = [symmetric_looped_loss(task, matrix * eta, count) for eta in points]
    vandermonde = fmpq_mat([[fmpq(eta) ** k for k in points] for eta in points])
    coefficients: Any = vandermonde.solve(fmpq_mat([[value] for value in values]))
    return fmpq_poly([coefficients[k, 0] for k in points])


def is_above(polynomial: fmpq_poly, bound: fmpq) -> bool:
    """Whether p(η) > c for all real η, decided exactly: p(0) > c and p − c has no real root.

    >>> is_above(fmpq_poly([2, -2, 1]), fmpq(9, 10)), is_above(fmpq_poly([2, -2, 1]), fmpq(1))
    (True, False)
    """
    difference = polynomial - bound
    return bool(difference[0] > 0) and count_real_roots(difference) == 0
