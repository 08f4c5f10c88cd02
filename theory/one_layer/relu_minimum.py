r"""The minimum of one layer of attention that keeps each example with probability ρ: the checks of its value.

Each is an identity in symbolic n, d, σ² and matrices, and raises
:class:`~icl_claims.theory.algebra.exact.Refuted` where the identity fails. Derived here.
"""

from __future__ import annotations

from fractions import Fraction

import sympy
from sympy.polys.fields import FracElement

from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.words import Words
from icl_claims.theory.evaluation import vanishes
from icl_claims.theory.one_layer.single_layer import (
    GAMMA,
    LINEAR,
    isotropic_minimum,
    loss_at_preconditioner,
    normal_matrix,
)
from icl_claims.theory.transformer.prompts import OMEGA, SIGMA


def prove_normal_matrix(stated: Words, factor: FracElement, keep: Fraction) -> None:
    """The stated matrix M is ``factor`` N, and Ω M⁻¹ is symmetric, as MᵀΩ = ΩM.

    Args:
        stated: M, d × d, a polynomial in Σ and Ω.
        factor: a number, or an element of ℚ(n, d).
        keep: ρ, on which N depends.

    Raises:
        Refuted: one of the two identities fails.

    >>> from icl_claims.theory.algebra.words import FIELD
    >>> prove_normal_matrix(normal_matrix() * 3, FIELD(3), LINEAR)
    """
    if OMEGA @ stated != stated.T @ OMEGA:
        raise Refuted("ΩM⁻¹ is not symmetric")
    if normal_matrix(keep) * factor != stated:
        raise Refuted("the stated matrix is not that of the gradient, times the factor")


def prove_value(share: FracElement, keep: Fraction) -> None:
    """f_ρ at b = e_{d+1}, A = (−Γ; 0) is tr ΣΩ − ``share`` tr(ΣΓΣΩ), and − ρ tr((Ω − ΓN)ΣΓΣ), which is 0 for ΓN = Ω.

    Raises:
        Refuted: the two sides are different polynomials in Γ.

    >>> from icl_claims.theory.algebra.words import FIELD
    >>> prove_value(FIELD(1), LINEAR)
    """
    residual = OMEGA - GAMMA @ normal_matrix(keep)
    rest = (residual @ SIGMA @ GAMMA @ SIGMA).trace() * keep
    signal = (SIGMA @ OMEGA).trace() - (SIGMA @ GAMMA @ SIGMA @ OMEGA).trace() * share
    if loss_at_preconditioner(keep) != signal - rest:
        raise Refuted("the value at the minimizer is not tr ΣΩ minus the stated share of tr(ΣΓΣΩ)")


def prove_isotropic_minimum(stated: sympy.Expr, examples: sympy.Expr, keep: Fraction) -> None:
    """For Σ = Ω = I and σ² = 0 the minimum is ``stated``, what linear attention loses with ``examples`` n examples.

    Args:
        stated: in the symbols n and d.
        examples: likewise.
        keep: ρ.

    Raises:
        Refuted: one of the two is not so, for some n and d.

    >>> n, d = sympy.symbols("n d")
    >>> prove_isotropic_minimum(d * (d + 1) / (n + d + 1), sympy.Integer(1), LINEAR)
    """
    least = isotropic_minimum(keep).as_expr()
    if not vanishes(least - stated):
        raise Refuted("the isotropic minimum is another one")
    n = sympy.Symbol("n")
    if not vanishes(least - isotropic_minimum(LINEAR).as_expr().subs(n, n * examples)):
        raise Refuted("linear attention with the stated share of the examples loses something else")
