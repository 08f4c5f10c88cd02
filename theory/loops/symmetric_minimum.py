r"""Looped layers: among symmetric A the multiples of Σ⁻¹ are best; with one example, among all A.

In whitened coordinates f(A) = E‖(I − SA)^L‖_F². For symmetric A the eigenvalues of SA are those of S^{1/2}AS^{1/2}, so
they are real, and by Schur's inequality

    f(A) ≥ g(A) = E tr(I − S^{1/2}AS^{1/2})^{2L},     with equality at multiples of I.

g is convex and invariant under A ↦ UAUᵀ, hence g(A) ≥ g((tr A/d) I) = f((tr A/d) I).

With one example S = xxᵀ. For any A, with t = xᵀAx and r = Σ_{k<L} (1 − t)ᵏ, (I − SA)^L = I − r xxᵀA. So, by Cauchy's
inequality, ‖(I − SA)^L‖² = d − 2rt + r²|x|²|Aᵀx|² ≥ d − 1 + (1 − t)^{2L}, again convex and invariant in A.

Source: derived here.
"""

from __future__ import annotations

from itertools import product
from typing import Any

from flint import fmpq, fmpq_mat

from icl_claims.theory.algebra import exact
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.words import Words, eye, letter
from icl_claims.theory.loops.matrix import looped_loss
from icl_claims.theory.loops.step import looped_step_loss
from icl_claims.theory.task import isotropic

SYMMETRIC: tuple[list[list[Any]], ...] = (
    [[1, 0], [0, "1/2"]],
    [["1/2", "1/3"], ["1/3", "1/4"]],
    [[1, 0], [0, -1]],
    [[0, 2], [2, "1/5"]],
    [["2/3", 0], [0, "2/3"]],
    [["1/4", 0], [0, "1/4"]],
    [["1/8", 0], [0, "1/8"]],
    [[1, "1/2", 0], ["1/2", 1, 0], [0, 0, -2]],
    [["1/3", 0, 0], [0, "1/3", 0], [0, 0, "1/3"]],
)
"""Symmetric matrices on which the inequalities are tried, indefinite ones among them."""

GENERAL: tuple[list[list[Any]], ...] = (
    *SYMMETRIC,
    [[1, 2], [-2, "1/2"]],
    [["19/20", "1/10"], ["-1/10", "19/20"]],
    [[0, 1], [0, 0]],
    [[1, 1, 0], [0, 1, "1/3"], [-1, 0, 0]],
)
"""Matrices that are not symmetric, too."""


def as_matrix(rows: Any) -> fmpq_mat:
    """Rows of numbers as a matrix."""
    return fmpq_mat([[fmpq(*map(int, str(x).split("/"))) for x in row] for row in rows])


def prove_schur(loops: int) -> None:
    """‖(I − SA)^L‖_F² ≥ tr(I − SA)^{2L} for S = BBᵀ, singular ones too, and symmetric A, at sample matrices.

    Raises:
        Refuted: at one of them it is less.

    >>> prove_schur(2)
    """
    factors: list[list[list[int]]] = [
        [[1, 0], [1, 2]],
        [[1, 0], [2, 0]],
        [[1, 1, 0], [0, 1, 1], [1, 0, 1]],
        [[1, 0, 0], [2, 0, 0], [0, 1, 0]],
    ]
    for B, rows in product(factors, SYMMETRIC):
        if len(B) != len(rows):
            continue
        S, A = as_matrix(B) * as_matrix(B).transpose(), as_matrix(rows)
        power = (exact.identity(len(B)) - S * A) ** loops
        if exact.inner(power, power) < exact.trace(power * power):
            raise Refuted("the norm of the power is below the trace of its square")


def prove_mean_is_better(scale: fmpq, loops: int, context_length: int, symmetric: bool = True) -> None:
    """f(A) ≥ f(scale (tr A/d) I) at sample matrices, symmetric ones, or any.

    Raises:
        Refuted: at one of them f is less.

    >>> prove_mean_is_better(fmpq(1), 2, 3)
    """
    for rows in SYMMETRIC if symmetric else GENERAL:
        A = as_matrix(rows)
        d = A.nrows()
        step = scale * exact.trace(A) / d
        task = isotropic(d, context_length)
        if looped_loss(task, A, loops) < looped_step_loss(task, loops)(step):
            kind = "symmetric" if symmetric else "any"
            raise Refuted(f"the loss at a matrix ({kind}) is below that at the stated multiple")


def prove_one_example(loops: int) -> None:
    """(I − xxᵀA)^L = I − r xxᵀA with r = Σ_{k<L} (1 − xᵀAx)ᵏ, for all d, x and A; and 1 − rt = (1 − t)^L.

    Raises:
        Refuted: one of them fails.

    >>> prove_one_example(3)
    """
    x, A = letter("x", "d", "1"), letter("A", "d", "d")
    step, rest = eye("d") - x @ x.T @ A, eye("1") - x.T @ A @ x
    power, ratio, factor = eye("d"), Words("1", "1", {}), eye("1")
    for _ in range(loops):
        power, ratio, factor = power @ step, ratio + factor, factor @ rest
    if power != eye("d") - (x @ x.T @ A) * ratio:
        raise Refuted("the power of one example is another one")
    if eye("1") - ratio @ (x.T @ A @ x) != factor:
        raise Refuted("1 − rt is not (1 − t)^L")
