r"""The single-layer minimizer for long contexts: exact expansions in 1/n, and what tr(Σ)/n does (Ω = I, σ² = 0).

In an eigenbasis of Σ, with λ an eigenvalue and T = tr Σ, the minimizer's eigenvalue is
γ(λ) = 1/((n+1)/n λ + T/n), taken from :func:`icl_claims.theory.one_layer.single_layer.normal_matrix`, and

    γ(λ) = 1/λ − (λ + T)/(n λ²) + (λ + T)²/(n λ² (nλ + λ + T)),
    min f = (1/n) Σ_i (λ_i + T) − (1/n) Σ_i (λ_i + T)²/(nλ_i + λ_i + T).

Source: Ahn et al. (2023), remarks after Theorem 1; the expansions are derived here.
"""

from __future__ import annotations

from functools import cache

import sympy

from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.evaluation import in_eigenbasis, vanishes
from icl_claims.theory.one_layer.single_layer import normal_matrix

EIGENVALUE, TRACE, CONTEXT = sympy.symbols("lambda T n", positive=True)
"""λ, T = tr Σ and n."""

GAP = sympy.Symbol("h", positive=True)
"""The difference of two eigenvalues of Σ."""


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


def first_order_loss() -> sympy.Expr:
    """What an eigendirection of Σ adds to min f, λ − λ²γ(λ), times n, as n → ∞.

    >>> first_order_loss()
    T + lambda
    """
    lost = EIGENVALUE - EIGENVALUE**2 * preconditioner_eigenvalue()
    return sympy.cancel(sympy.limit(sympy.cancel(CONTEXT * lost), CONTEXT, sympy.oo))


def is_positive(expression: sympy.Expr) -> bool:
    """Whether numerator and denominator have positive coefficients only: then it is positive at positive λ, T, n, h.

    A sufficient condition: a positive expression may fail it.

    >>> is_positive(EIGENVALUE / (CONTEXT + 1)), is_positive(EIGENVALUE - CONTEXT)
    (True, False)
    """
    fraction = sympy.fraction(sympy.cancel(sympy.together(expression)))
    polynomials = [sympy.Poly(part, CONTEXT, EIGENVALUE, TRACE, GAP) for part in fraction]
    return {sympy.sign(c) for p in polynomials for c in p.coeffs()} == {1}


def prove_limit(limit: sympy.Expr) -> None:
    """0 < limit − γ(λ) < (λ + T)/(nλ²) for all λ, T, n > 0: γ(λ) tends to the limit from below.

    Args:
        limit: in λ and T.

    Raises:
        Refuted: one of the two is not a ratio of polynomials with positive coefficients.

    >>> prove_limit(1 / EIGENVALUE)
    """
    missing = limit - preconditioner_eigenvalue()
    if not is_positive(missing):
        raise Refuted("γ(λ) does not lie below the limit")
    if not is_positive((EIGENVALUE + TRACE) / (CONTEXT * EIGENVALUE**2) - missing):
        raise Refuted("γ(λ) is not within (λ + T)/(nλ²) of the limit")


def prove_added(term: sympy.Expr) -> None:
    """1/γ(λ) = ((n+1)/n) λ + term: the same is added to every eigenvalue before inversion.

    Args:
        term: in T and n.

    Raises:
        Refuted: the term depends on λ, or the identity of rational functions fails.

    >>> prove_added(TRACE / CONTEXT)
    """
    if EIGENVALUE in term.free_symbols:
        raise Refuted("what is added depends on the eigenvalue")
    if not vanishes(1 / preconditioner_eigenvalue() - (CONTEXT + 1) / CONTEXT * EIGENVALUE - term):
        raise Refuted("1/γ(λ) is not ((n+1)/n)λ plus the term")


def prove_growth(term: sympy.Expr) -> None:
    """The term grows with T and shrinks with n.

    Raises:
        Refuted: its derivative by T, or minus that by n, is no ratio of polynomials with positive coefficients.

    >>> prove_growth(TRACE / CONTEXT)
    """
    if not is_positive(sympy.diff(term, TRACE)):
        raise Refuted("the term does not grow with the variance")
    if not is_positive(-sympy.diff(term, CONTEXT)):
        raise Refuted("the term does not shrink with n")


def prove_conditioning(eigenvalue: sympy.Expr) -> None:
    """0 < γ(λ) − γ(λ + h) and γ(λ)/γ(λ + h) < (λ + h)/λ for all λ, h, T, n > 0.

    So the largest eigenvalue of γ(Σ) belongs to the least one of Σ, and its condition number is below that of Σ⁻¹
    unless all eigenvalues of Σ are equal.

    Args:
        eigenvalue: γ(λ).

    Raises:
        Refuted: one of the two is no ratio of polynomials with positive coefficients.

    >>> prove_conditioning(preconditioner_eigenvalue())
    """
    other = eigenvalue.subs(EIGENVALUE, EIGENVALUE + GAP)
    if not is_positive(eigenvalue - other):
        raise Refuted("γ(λ) does not fall as λ grows")
    if not is_positive((EIGENVALUE + GAP) / EIGENVALUE - eigenvalue / other):
        raise Refuted("the minimizer is not better conditioned than Σ⁻¹")
