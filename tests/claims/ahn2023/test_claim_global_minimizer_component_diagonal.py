"""Ahn et al. (2023), Lemma 3: Σ = diag(λ), each f_j by itself, and the loss as their weighted sum."""

import pytest
import sympy
from flint import fmpq, fmpq_mat

from icl_claims.claims.edits import inside, substituted
from icl_claims.claims.evidence import Evidence
from icl_claims.claims.statement import Statement
from icl_claims.theory.algebra import exact
from icl_claims.theory.algebra.validation import rational
from icl_claims.theory.derivations.global_minimizer_component_diagonal import DERIVATION, STATED, Components
from icl_claims.theory.one_layer.large_context import CONTEXT, EIGENVALUE, TRACE
from icl_claims.theory.task import RegressionTask, isotropic
from tests.shared.components import components, excess_of_components, products
from tests.shared.one_layer import Weights, weights
from tests.shared.settings import Setting, conditions
from tests.shared.theorem_one import WITHOUT, at_minimum, false_eigenvalues

SLUG = "global_minimizer_component_diagonal"


def at_diagonal(formula: sympy.Expr, task: RegressionTask) -> list[fmpq]:
    """A formula in λ, T and n at λ_j for each j, which is read as Σ_jj also where Σ is not diagonal."""
    total = sympy.Rational(str(exact.trace(task.covariance)))
    values = {TRACE: total, CONTEXT: task.context_length}
    return [
        rational("value", sympy.cancel(formula.subs({**values, EIGENVALUE: sympy.Rational(str(x))})))
        for x in (task.covariance[j, j] for j in range(task.dim))
    ]


def components_margin(stated: Components, at: Weights) -> fmpq:
    """The least of f_j(X) − f_j(X_j), X a matrix of the entries of A and b, averaged monomial by monomial."""
    return excess_of_components(at, exact.diagonal(at_diagonal(stated.eigenvalue, at.setting.task)))


def decomposition_margin(stated: Components, at: Weights) -> fmpq:
    """Minus the square of loss minus weighted sum of f_j(b a_jᵀ), multiplied out in coordinates."""
    values = components(at.setting, products(at))
    parts = [x * y for x, y in zip(at_diagonal(stated.weight, at.setting.task), values, strict=True)]
    return -((at.loss() - exact.total(parts)) ** 2)


STATEMENT = Statement(
    slug=SLUG,
    stated=STATED,
    margins={"components": components_margin, "decomposition": decomposition_margin},
    conditions=conditions(SLUG),
    instances=lambda corner: weights(SLUG, corner),
    without=lambda key: weights(SLUG, without=key),
    excluded={"L = 1": "the statement is about one layer"},
)

POINT = at_minimum(Setting(RegressionTask(exact.diagonal([1, 4]), 2)))
REASON = "Lemma 3: Ω − ΓN is not 0"


@pytest.mark.claim(
    slug="global_minimizer_component_diagonal",
    grade="proof",
    range="all d, n ≥ 1, λ ≥ 0, all X",
    parts=("components", "decomposition"),
)
def test_claim_global_minimizer_component_diagonal(evidence: Evidence) -> None:
    """The derivative of each f_j at X_j vanishes in every direction, and the excess over it is an expected square; the
    loss of the layer is the sum of the λ_j f_j as a polynomial in b and A."""

    wrong = false_eigenvalues(STATED, REASON)
    evidence.prove(DERIVATION, STATEMENT, wrong, part="components", at=POINT)
    reason = "Lemma 4: the loss is not this weighted sum"
    weighted = [
        inside(STATED, "weight", substituted(STATED.weight, EIGENVALUE, new, reason))
        for new in (sympy.Integer(1), EIGENVALUE**2, 2 * EIGENVALUE)
    ]
    evidence.mutants(DERIVATION, STATEMENT, weighted, part="decomposition", at=POINT)


@pytest.mark.claim(
    slug="global_minimizer_component_diagonal", grade="exact", range="one instance per assumption", parts=()
)
def test_claim_global_minimizer_component_diagonal_necessity(evidence: Evidence) -> None:
    """Each assumption dropped by itself: an exact instance where another X has a smaller f_j, or where the loss is not
    the weighted sum."""
    for key, instance in WITHOUT.items():
        part = "decomposition" if key == "zero_query_label" else "components"
        evidence.necessary(STATEMENT, key, instance, part=part)
    full = {"b": (fmpq(1), fmpq(1)), "A": fmpq_mat([[1], [1]])}
    unmasked = Weights(Setting(isotropic(1, 1), masked=False), **full)
    evidence.necessary(STATEMENT, "masked_query", unmasked, part="decomposition")
    dense = at_minimum(Setting(RegressionTask([[2, 1], [1, 2]], 2)))
    evidence.necessary(STATEMENT, "diagonal_covariance", dense, part="decomposition")
