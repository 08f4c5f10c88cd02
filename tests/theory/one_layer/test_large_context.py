"""Long contexts: each check accepts the minimizer's own eigenvalue, and refuses what violates one of its conditions."""

from __future__ import annotations

import pytest
import sympy

from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.evaluation import vanishes
from icl_claims.theory.one_layer.large_context import (
    CONTEXT,
    EIGENVALUE,
    TRACE,
    expansion,
    first_order_loss,
    is_positive,
    preconditioner_eigenvalue,
    prove_added,
    prove_conditioning,
    prove_growth,
    prove_limit,
)
from icl_claims.theory.one_layer.single_layer import minimum
from icl_claims.theory.task import isotropic

lam, T, n = EIGENVALUE, TRACE, CONTEXT


@pytest.mark.parametrize("order", [0, 1, 2, 3])
def test_expansion_with_its_remainder(order: int) -> None:
    """Of the geometric series γ(λ) = (1/λ) Σ_k (−(λ + T)/(nλ))ᵏ."""
    remainder = (-(lam + T) / (n * lam)) ** (order + 1) * preconditioner_eigenvalue()
    assert vanishes(preconditioner_eigenvalue() - expansion(order) - remainder)


def test_the_minimal_loss_of_a_long_context() -> None:
    """(d + 1) tr(Σ)/n at Σ = I to first order; min f = d(d + 1)/(n + d + 1)."""
    least = sympy.Rational(str(minimum(isotropic(3, 10**9)))) * 10**9
    assert 0 < 3 * first_order_loss().subs({lam: 1, T: 3}) - least < sympy.Rational(1, 10**6)


def test_the_minimizer_is_homogeneous() -> None:
    c = sympy.Symbol("c", positive=True)
    scaled = preconditioner_eigenvalue().subs({lam: c * lam, T: c * T}, simultaneous=True)
    assert vanishes(scaled - preconditioner_eigenvalue() / c)


@pytest.mark.parametrize("expression", [lam - T, -lam, 1 / (lam - T), -1 / lam, sympy.Integer(0) * lam])
def test_not_every_coefficient_is_positive(expression: sympy.Expr) -> None:
    assert not is_positive(expression)


def test_the_limit() -> None:
    prove_limit(1 / lam)
    for limit in (lam, 1 / (2 * lam), -1 / lam):
        with pytest.raises(Refuted, match="below the limit"):
            prove_limit(limit)
    with pytest.raises(Refuted, match="not within"):
        prove_limit(2 / lam)


def test_what_is_added() -> None:
    prove_added(T / n)
    with pytest.raises(Refuted, match="depends on the eigenvalue"):
        prove_added(T / n + lam)
    with pytest.raises(Refuted, match="plus the term"):
        prove_added(T / (n + 1))


def test_growth() -> None:
    prove_growth(T / n)
    for term in (-T * n, 1 / n):
        with pytest.raises(Refuted, match="grow with the variance"):
            prove_growth(term)
    with pytest.raises(Refuted, match="shrink with n"):
        prove_growth(T * n)


def test_conditioning() -> None:
    prove_conditioning(preconditioner_eigenvalue())
    with pytest.raises(Refuted, match="fall as"):
        prove_conditioning(lam)
    with pytest.raises(Refuted, match="better conditioned"):
        prove_conditioning(1 / lam)
