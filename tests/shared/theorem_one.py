"""Theorem 1 of Ahn et al. (2023): the eigenvalue of the minimizer as the paper writes it, and false variants of it."""

from __future__ import annotations

from collections.abc import Callable

import sympy

Eigenvalue = Callable[[sympy.Expr, sympy.Expr, sympy.Expr], sympy.Expr]
"""(λ, T = Σ_k λ_k, n) ↦ the eigenvalue of −Q_0's block, where Σ has the eigenvalue λ."""


def stated(lam: sympy.Expr, T: sympy.Expr, n: sympy.Expr) -> sympy.Expr:
    """Eq. (6)."""
    return 1 / ((n + 1) / n * lam + T / n)


MUTANTS: dict[str, Eigenvalue] = {
    "n + 1 → n": lambda lam, T, n: 1 / (lam + T / n),
    "n + 1 → n − 1": lambda lam, T, n: 1 / ((n - 1) / n * lam + T / n),
    "trace term dropped": lambda lam, T, n: 1 / ((n + 1) / n * lam),
    "1/n dropped from the trace term": lambda lam, T, n: 1 / ((n + 1) / n * lam + T),
    "trace term without λ itself": lambda lam, T, n: 1 / ((n + 1) / n * lam + (T - lam) / n),
    "sign": lambda lam, T, n: -stated(lam, T, n),
    "Σ⁻¹ instead": lambda lam, T, n: 1 / lam,
}
