r"""The zeros of the limit loss: I − AᵀΣ nilpotent. A segment between two of them on which the loss is positive.

g(A) = tr(Σ K^L Σ⁻¹ (K^L)ᵀ) with K = I − AᵀΣ, on the task Ω = Σ⁻¹ (:mod:`icl_claims.theory.loops.limit`), vanishes
exactly where K^L = 0. For L ≥ 2 and d ≥ 2 the two matrices with K = e_1e_2ᵀ and K = e_2e_1ᵀ are zeros, and their middle
has K = (e_1e_2ᵀ + e_2e_1ᵀ)/2, whose square is a multiple of a projection: no power of it vanishes. So g is not convex.

Over symmetric A it is, for Σ = I: g = tr(I − A)^{2L} is a convex function of the eigenvalues.

Source: derived here.
"""

from __future__ import annotations

from typing import NamedTuple

import sympy
from flint import fmpq, fmpq_mat

from icl_claims.theory.algebra import exact
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.loops.dominance import Dominance
from icl_claims.theory.loops.limit import limit_loss
from icl_claims.theory.many_layers.step_certificate import LAYERS
from icl_claims.theory.task import RegressionTask


class Guarantee(NamedTuple):
    """From ‖∇f‖² ≥ c f^exponent: f ≤ ξ after coefficient/c (ξ^{1−exponent} − f(0)^{1−exponent}).

    ``first_loops`` is the least L for which the landscape is said not to be convex.
    """

    exponent: sympy.Expr
    coefficient: sympy.Expr
    first_loops: int


def prove_implied_time(stated: Guarantee, dominance: Dominance) -> None:
    """Along df/dt ≤ −c f^p, coefficient f^{1−p}/c rises at least at the speed coefficient (p − 1) = 1.

    Raises:
        Refuted: p is not the exponent of the dominance, or the speed is not 1.
    """
    if sympy.cancel(stated.exponent - dominance.exponent) != 0:
        raise Refuted("the exponent is not that of the dominance")
    if sympy.cancel(stated.coefficient * (stated.exponent - 1) - 1) != 0:
        raise Refuted("the speed is not 1")
    if sympy.cancel(stated.exponent.subs(LAYERS, 1)) != 1:
        raise Refuted("L = 1 is not the inequality of Polyak and Łojasiewicz")


def segment(covariance: fmpq_mat) -> tuple[fmpq_mat, fmpq_mat, fmpq_mat]:
    """Two matrices A with I − AᵀΣ = e_1e_2ᵀ and e_2e_1ᵀ, and their middle; Σ positive definite, d ≥ 2.

    Raises:
        ValueError: d = 1, where no matrix but 0 is nilpotent.

    >>> segment(exact.identity(2))[2]
    [   1, -1/2]
    [-1/2,    1]
    """
    d, inverse = covariance.nrows(), covariance.inv()
    if d < 2:
        raise ValueError(f"covariance must be 2 × 2 or larger, got {d} × {d}")
    ends = []
    for i, j in ((0, 1), (1, 0)):
        unit = fmpq_mat(d, d, [int((r, c) == (i, j)) for r in range(d) for c in range(d)])
        ends.append(((exact.identity(d) - unit) * inverse).transpose())
    return ends[0], ends[1], (ends[0] + ends[1]) * fmpq(1, 2)


def prove_segment(first_loops: int, most_loops: int, covariance: fmpq_mat) -> None:
    """For L from the first to the last: the limit loss is 0 at both ends of the segment, and positive in the middle.

    Raises:
        Refuted: it is not.
    """
    task = RegressionTask.whitened(covariance, 1)
    left, right, middle = segment(covariance)
    for loops in range(first_loops, most_loops + 1):
        if limit_loss(task, left, loops) != 0 or limit_loss(task, right, loops) != 0:
            raise Refuted(f"the loss is not 0 at the ends for L = {loops}")
        if limit_loss(task, middle, loops) <= 0:
            raise Refuted(f"the loss is not positive in the middle for L = {loops}")
