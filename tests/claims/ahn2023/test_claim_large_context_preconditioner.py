"""Ahn et al. (2023), remarks after Theorem 1: long contexts, and (1/n) Σ_k λ_k as a regularizer."""

from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import pytest
import sympy
from hypothesis import given

from icl_claims.claims.evidence import Evidence
from icl_claims.theory.algebra import exact
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.evaluation import vanishes
from icl_claims.theory.one_layer.large_context import (
    CONTEXT,
    EIGENVALUE,
    TRACE,
    expansion,
    preconditioner_eigenvalue,
)
from icl_claims.theory.one_layer.single_layer import minimizer
from icl_claims.theory.task import RegressionTask
from tests.shared.strategies import tasks_of

lam, T, n = EIGENVALUE, TRACE, CONTEXT
GAP = sympy.Symbol("h", positive=True)
"""The difference of two eigenvalues of Σ."""


class Expansion(NamedTuple):
    """What the minimizer's eigenvalue tends to, and its first correction: limit + correction/n + O(1/n²)."""

    limit: sympy.Expr
    correction: sympy.Expr


STATED = Expansion(1 / lam, -(lam + T) / lam**2)


def check_limit(claimed: Expansion) -> None:
    """γ(λ) = limit + correction/n + (λ + T)²/(n λ² (nλ + λ + T)), an identity of rational functions.

    The remainder is positive and below (λ + T)²/(n² λ³), so this is the limit with its rate, for all n.
    """
    remainder = (lam + T) ** 2 / (n * lam**2 * (n * lam + lam + T))
    if not vanishes(preconditioner_eigenvalue() - claimed.limit - claimed.correction / n - remainder):
        raise Refuted(f"γ(λ) is not {claimed.limit} + ({claimed.correction})/n + the stated remainder")
    if not vanishes(expansion(1) - claimed.limit - claimed.correction / n):
        raise Refuted("the Taylor coefficients in 1/n at 0 are not these")


def positive(expression: sympy.Expr) -> bool:
    """Positivity at positive variables, certified: numerator and denominator have positive coefficients."""
    fraction = sympy.fraction(sympy.cancel(sympy.together(expression)))
    polynomials = [sympy.Poly(part, n, lam, T, GAP) for part in fraction]
    signs = {sympy.sign(c) for p in polynomials for c in p.coeffs()}
    return signs == {1}


def check_regularizer(term: Callable[[sympy.Expr, sympy.Expr], sympy.Expr]) -> None:
    """1/γ(λ) − ((n+1)/n) λ is the same for all λ, equals the term, grows with T, shrinks with n; and it makes
    the condition number of the minimizer smaller than that of Σ⁻¹."""
    added = term(T, n)
    inverse = 1 / preconditioner_eigenvalue()
    if not vanishes(inverse - (n + 1) / n * lam - added):
        raise Refuted(f"1/γ(λ) − (n+1)/n·λ is not {added}")
    if not positive(sympy.diff(added, T)) or not positive(-sympy.diff(added, n)):
        raise Refuted("the term does not grow with the variance and shrink with n")
    conditioning = (lam + GAP) / lam - inverse.subs(lam, lam + GAP) / inverse
    if not positive(conditioning):
        raise Refuted("the minimizer is not better conditioned than Σ⁻¹")


@pytest.mark.claim(
    slug="large_context_preconditioner", grade="proof", range="all d, n ≥ 1, Σ ≻ 0", parts=("limit",)
)
def test_claim_large_context_preconditioner_limit(evidence: Evidence) -> None:
    """The minimizer's eigenvalues expanded exactly in 1/n, with a positive remainder: the limit is Σ⁻¹, from
    below, and the first correction is −(1/n)(Σ⁻¹ + tr(Σ) Σ⁻²)."""
    mutants = {
        "limit Σ instead of Σ⁻¹": STATED._replace(limit=lam),
        "limit Σ⁻¹/2": STATED._replace(limit=1 / (2 * lam)),
        "correction without the trace": STATED._replace(correction=-1 / lam),
        "correction of the other sign": STATED._replace(correction=(lam + T) / lam**2),
        "limit −Σ⁻¹": STATED._replace(limit=-1 / lam),
    }
    evidence.check(check_limit, STATED, mutants)
    evidence.figure("eigenvalue", f"${sympy.latex(expansion(1))}+O(n^{{-2}})$")
    risk = sympy.factor(sympy.limit(n * (lam - lam**2 * preconditioner_eigenvalue()), n, sympy.oo))
    if not vanishes(risk - lam - T):
        raise Refuted("the loss in an eigendirection is not (λ + T)/n to first order")
    evidence.figure("minimal loss, first order", r"$(d+1)\operatorname{tr}(\Sigma)/n$")


@pytest.mark.claim(
    slug="large_context_preconditioner", grade="proof", range="all d, n ≥ 1, Σ ≻ 0", parts=("regularizer",)
)
def test_claim_large_context_preconditioner_regularizer(evidence: Evidence) -> None:
    """(1/n) tr Σ is what the inverse of the minimizer adds to every eigenvalue of ((n+1)/n)Σ; signs and
    conditioning by polynomials with positive coefficients."""
    mutants: dict[str, Callable[[sympy.Expr, sympy.Expr], sympy.Expr]] = {
        "grows with n": lambda T, n: n * T,
        "sign": lambda T, n: -T / n,
        "not of the variance": lambda T, n: 1 / n,
        "1/n → 1/(n+1)": lambda T, n: T / (n + 1),
    }
    evidence.check(check_regularizer, lambda T, n: T / n, mutants)
    c = sympy.Symbol("c", positive=True)
    scaled = preconditioner_eigenvalue().subs({lam: c * lam, T: c * T}, simultaneous=True)
    if not vanishes(scaled - preconditioner_eigenvalue() / c):
        raise Refuted("the minimizer is not homogeneous in Σ")
    evidence.figure(
        "scale", r"$\Sigma\to c\Sigma$ turns $A$ into $A/c$: relative to $\Sigma$ the term does not grow"
    )


@pytest.mark.claim(
    slug="large_context_preconditioner", grade="exact", range="d ≤ 3, n = 10^k ≤ 10^6", parts=("limit",)
)
def test_claim_large_context_preconditioner_in_numbers() -> None:
    """For random Σ ≻ 0 the calculator's minimizer approaches Σ⁻¹ from below, monotonically in n, exactly."""

    @given(tasks_of("large_context_preconditioner", max_context=1))
    def approaches(task: RegressionTask) -> None:
        target = exact.trace(task.covariance.inv())
        gaps = [target - exact.trace(minimizer(RegressionTask(task.covariance, 10**k))) for k in range(7)]
        assert all(0 < later < earlier for earlier, later in pairwise(gaps))
        slope = target + exact.trace(task.covariance) * exact.trace(task.covariance.inv() ** 2)
        assert 10**6 * gaps[-1] < slope

    approaches()


@pytest.mark.claim(
    slug="large_context_preconditioner", grade="exact", range="one instance per assumption", parts=()
)
def test_claim_large_context_preconditioner_necessity(evidence: Evidence) -> None:
    """Singular Σ has no limit; another task covariance can lose the regularizing effect altogether."""
    singular = exact.diagonal([1, 0])
    entries = [minimizer(RegressionTask(singular, k))[1, 1] for k in (10, 1000)]
    if entries != [10, 1000]:
        raise Refuted(f"the entry on the kernel of Σ is not n, but {entries}")
    evidence.necessary(
        "positive_definite_covariance", "Σ = diag(1, 0): the minimizer is diag(n/(n+2), n), without limit."
    )
    whitened = minimizer(RegressionTask.whitened(exact.diagonal([1, 4]), 2))
    if whitened[0, 0] != 4 * whitened[1, 1]:
        raise Refuted("for Ω = Σ⁻¹ the minimizer is not a multiple of Σ⁻¹")
    evidence.necessary(
        "identity_task",
        f"Ω = Σ⁻¹, Σ = diag(1, 4), n = 2: the minimizer is diag({whitened[0, 0]}, {whitened[1, 1]}), a "
        "multiple of Σ⁻¹, exactly as ill-conditioned: the term is (tr ΣΩ/n)Ω⁻¹ and regularizes nothing.",
    )
