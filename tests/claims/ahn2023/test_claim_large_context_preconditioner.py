"""Ahn et al. (2023), remarks after Theorem 1: long contexts, and (1/n) Σ_k λ_k as a regularizer."""

from dataclasses import replace

import pytest
import sympy
from flint import fmpq, fmpq_mat

from icl_claims.claims.edits import inside, substituted, times
from icl_claims.claims.evidence import Evidence
from icl_claims.claims.statement import Statement
from icl_claims.theory.algebra import exact
from icl_claims.theory.derivations.large_context_preconditioner import DERIVATION, STATED, Remark
from icl_claims.theory.one_layer.large_context import CONTEXT, EIGENVALUE, TRACE, expansion, first_order_loss
from icl_claims.theory.one_layer.single_layer import minimizer
from icl_claims.theory.task import RegressionTask
from tests.shared.one_layer import of_covariance
from tests.shared.settings import Setting, conditions, keys_of, settings

SLUG = "large_context_preconditioner"


def limit_margin(remark: Remark, at: Setting) -> fmpq:
    """By how much the entries of the minimizer's block are within (tr Σ⁻¹ + tr Σ tr Σ⁻²)/n of those of the limit.

    Where Σ is singular the block has no limit at all: minus its growth from n to 2n.
    """
    task, n = at.task, at.task.context_length
    block = minimizer(task)
    if not task.has_definite_covariance:
        longer = RegressionTask(task.covariance, 2 * n, task.task_covariance, task.noise_variance)
        return exact.trace(block) - exact.trace(minimizer(longer))
    inverse = task.covariance.inv()
    rate = exact.trace(inverse) + exact.trace(task.covariance) * exact.trace(inverse * inverse)
    missing = of_covariance(remark.limit, task) - block
    return rate / n - max(abs(x) for x in missing.entries())


def condition(matrix: fmpq_mat) -> fmpq:
    """κ + 2 + 1/κ, which grows with the condition number κ, for a positive definite matrix of size 1 or 2."""
    return exact.trace(matrix) ** 2 / matrix.det() if matrix.nrows() == 2 else fmpq(4)


def regularizer_margin(remark: Remark, at: Setting) -> fmpq:
    """The least of: minus the square of what the inverse of the block is not as stated; how much the term grows when
    the variance doubles, and shrinks from n to n + 1; how much better the block is conditioned than Σ⁻¹."""
    task, n = at.task, at.task.context_length
    block, identity = minimizer(task), exact.identity(task.dim)
    added = of_covariance(remark.term, task)
    rest = block * (task.covariance * fmpq(n + 1, n) + added) - identity
    twice = of_covariance(remark.term, RegressionTask(task.covariance * 2, n))
    later = of_covariance(remark.term, RegressionTask(task.covariance, n + 1))
    return min(
        -exact.inner(rest, rest),
        exact.trace(twice - added),
        exact.trace(added - later),
        condition(task.covariance) - condition(block),
    )


STATEMENT = Statement(
    slug=SLUG,
    stated=STATED,
    margins={"limit": limit_margin, "regularizer": regularizer_margin},
    conditions=conditions(SLUG),
    instances=lambda corner: settings(keys_of(SLUG), corner),
    without=lambda key: settings(keys_of(SLUG), without=key),
    excluded={"L = 1": "the statement is about one layer"},
)

LONG = Setting(RegressionTask(exact.diagonal([1, 4]), 1000))
SHORT = Setting(RegressionTask(exact.diagonal([1, 4]), 2))


@pytest.mark.claim(
    slug="large_context_preconditioner",
    grade="proof",
    range="all d, n ≥ 1, Σ ≻ 0",
    parts=("limit", "regularizer"),
)
def test_claim_large_context_preconditioner(evidence: Evidence) -> None:
    """The eigenvalues of the minimizer as rational functions: their distance from those of Σ⁻¹, what their inverses add
    to those of Σ, and their ratios; signs by polynomials with positive coefficients."""
    below, within = "Lemma 2: γ(λ) does not lie below", "Lemma 2: γ(λ) is not within"

    def limit(new: sympy.Expr, reason: str):
        return inside(STATED, "limit", substituted(STATED.limit, 1 / EIGENVALUE, new, reason))

    limits = [
        limit(EIGENVALUE, below),
        limit(1 / (2 * EIGENVALUE), below),
        limit(2 / EIGENVALUE, within),
        inside(STATED, "limit", times(STATED.limit, -1, below)),
    ]
    evidence.prove(DERIVATION, STATEMENT, limits, part="limit", at=LONG)
    other = "Lemma 3: 1/γ(λ) is not"
    terms = [
        inside(STATED, "term", substituted(STATED.term, 1 / CONTEXT, CONTEXT, other)),
        inside(STATED, "term", substituted(STATED.term, 1 / CONTEXT, 1 / (CONTEXT + 1), other)),
        inside(STATED, "term", substituted(STATED.term, TRACE, sympy.Integer(1), other)),
        inside(STATED, "term", substituted(STATED.term, TRACE, EIGENVALUE, "Lemma 3: what is added depends")),
        inside(STATED, "term", times(STATED.term, -1, other)),
    ]
    evidence.mutants(DERIVATION, STATEMENT, terms, part="regularizer", at=SHORT)
    # Of the condition numbers of Σ⁻¹ and of the block: at least 1 by the last lemma, and attained where Σ = I.
    equal = RegressionTask(exact.identity(2), 1)
    evidence.tightness(condition(equal.covariance) / condition(minimizer(equal)))
    evidence.figure("eigenvalue", f"${sympy.latex(expansion(1))}+O(n^{{-2}})$")
    evidence.figure("minimal loss, first order", rf"$\frac1n\sum_\lambda({sympy.latex(first_order_loss())})$")
    evidence.figure(
        "scale", r"$\Sigma\to c\Sigma$ turns $A$ into $A/c$: relative to $\Sigma$ the term does not grow"
    )


@pytest.mark.claim(
    slug="large_context_preconditioner",
    grade="exact",
    range="Σ = I, d = 2",
    reading="always_better",
    refutes=True,
)
def test_claim_large_context_preconditioner_equality(evidence: Evidence) -> None:
    """Where all eigenvalues of Σ are equal the minimizer is a multiple of the identity, as Σ⁻¹ is: no better."""

    def strictly_better(remark: Remark, at: Setting) -> fmpq:
        gain = condition(at.task.covariance) - condition(minimizer(at.task))
        return gain if gain > 0 else gain - 1

    strict = replace(STATEMENT, margins={**STATEMENT.margins, "regularizer": strictly_better})
    evidence.refute(strict, "regularizer", Setting(RegressionTask(exact.identity(2), 2)))


@pytest.mark.claim(
    slug="large_context_preconditioner", grade="exact", range="one instance per assumption", parts=()
)
def test_claim_large_context_preconditioner_necessity(evidence: Evidence) -> None:
    """A singular Σ leaves no limit; another task or noise adds something else before inversion."""
    singular = Setting(RegressionTask(exact.diagonal([1, 0]), 10))
    evidence.necessary(STATEMENT, "positive_definite_covariance", singular, part="limit")
    whitened = Setting(RegressionTask.whitened(exact.diagonal([1, 4]), 2))
    evidence.necessary(STATEMENT, "identity_task", whitened, part="regularizer")
    noisy = Setting(RegressionTask(exact.diagonal([1, 4]), 2, noise_variance=1))
    evidence.necessary(STATEMENT, "noiseless_labels", noisy, part="regularizer")
