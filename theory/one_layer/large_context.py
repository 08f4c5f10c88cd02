r"""The single-layer minimizer for long contexts, as exact expansions in 1/n (Ω = I, σ² = 0).

In an eigenbasis of Σ, with λ an eigenvalue and T = tr Σ, the minimizer's eigenvalue is
γ(λ) = 1/((n+1)/n λ + T/n), taken from :func:`icl_claims.theory.one_layer.single_layer.normal_matrix`, and

    γ(λ) = 1/λ − (λ + T)/(n λ²) + (λ + T)²/(n λ² (nλ + λ + T)),
    min f = (1/n) Σ_i (λ_i + T) − (1/n) Σ_i (λ_i + T)²/(nλ_i + λ_i + T).

Source: Ahn et al. (2023), remarks after Theorem 1; the expansions are derived here.
"""

from __future__ import annotations

from functools import cache

import sympy

from icl_claims.theory.evaluation import in_eigenbasis
from icl_claims.theory.one_layer.single_layer import normal_matrix

EIGENVALUE, TRACE, CONTEXT = sympy.symbols("lambda T n", positive=True)
"""λ, T = tr Σ and n."""


@cache
def preconditioner_eigenvalue() -> sympy.Expr:
    """γ(λ) = 1/((n+1)/n λ + T/n): the minimizer's eigenvalue where Σ has λ, for Ω = I, σ² = 0."""
    normal = in_eigenbasis(normal_matrix(), {"Sigma": EIGENVALUE, "Omega": 1}, {"Omega Sigma": TRACE})
    return 1 / normal.subs({"sigma2": 0, "n": CONTEXT})


def expansion(order: int) -> sympy.Expr:
    """The first ``order`` + 1 terms of γ(λ) in powers of 1/n, by exact differentiation in 1/n at 0.

    >>> expansion(1)
    1/lambda - (T + lambda)/(lambda**2*n)
    """
    small = sympy.Symbol("epsilon", positive=True)
    at_small = sympy.cancel(preconditioner_eigenvalue().subs(CONTEXT, 1 / small))
    return sum(
        sympy.factor(sympy.diff(at_small, small, k).subs(small, 0) / sympy.factorial(k)) / CONTEXT**k
        for k in range(order + 1)
    )
