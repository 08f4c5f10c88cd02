"""Ahn et al. (2023), Eq. (7) and Lemma 2: the minimizer for Σ = I, coordinate by coordinate."""

import pytest
import sympy
from flint import fmpq, fmpq_mat

from icl_claims.claims.edits import Edit, substituted, times
from icl_claims.claims.evidence import Evidence
from icl_claims.claims.statement import Statement
from icl_claims.theory.algebra import exact
from icl_claims.theory.algebra.validation import rational
from icl_claims.theory.derivations.global_minimizer_isotropic import DERIVATION, DIM, STATED
from icl_claims.theory.one_layer.large_context import CONTEXT
from icl_claims.theory.task import RegressionTask, isotropic
from tests.shared.components import excess_of_components
from tests.shared.one_layer import Weights, predictor, weights
from tests.shared.settings import Setting, conditions
from tests.shared.theorem_one import WITHOUT, at_minimum, mask_is_dispensable

SLUG = "global_minimizer_isotropic"


def preconditioner(scalar: sympy.Expr, task: RegressionTask) -> fmpq_mat:
    """The scalar at d and n, times I."""
    value = rational("scalar", sympy.cancel(scalar.subs({CONTEXT: task.context_length, DIM: task.dim})))
    return exact.identity(task.dim) * value


def minimizer_margin(scalar: sympy.Expr, at: Weights) -> fmpq:
    """By how much the weights lose more than the stated ones; each loss multiplied out in coordinates."""
    stated = Weights(at.setting, *predictor(preconditioner(scalar, at.setting.task)))
    return at.loss() - stated.loss()


def components_margin(scalar: sympy.Expr, at: Weights) -> fmpq:
    """The least of f_j(X) − f_j(X_j), X a matrix of the entries of A and b, averaged monomial by monomial."""
    return excess_of_components(at, preconditioner(scalar, at.setting.task))


STATEMENT = Statement(
    slug=SLUG,
    stated=STATED,
    margins={"minimizer": minimizer_margin, "components": components_margin},
    conditions=conditions(SLUG),
    instances=lambda corner: weights(SLUG, corner),
    without=lambda key: weights(SLUG, without=key),
    excluded={"L = 1": "the statement is about one layer"},
)

POINT = at_minimum(Setting(isotropic(2, 2)))


def mutants() -> list[Edit[sympy.Expr]]:
    reason = "Lemma 3: Ω − ΓN is not 0"
    return [
        substituted(STATED, DIM + 2, DIM + 1, reason),
        substituted(STATED, CONTEXT - 1, CONTEXT, reason),
        substituted(STATED, (DIM + 2) / CONTEXT, sympy.Integer(0), reason),
        times(STATED, -1, reason),
    ]


@pytest.mark.claim(
    slug="global_minimizer_isotropic",
    grade="proof",
    range="all d, n ≥ 1, Σ = I, all P, Q",
    parts=("minimizer",),
)
def test_claim_global_minimizer_isotropic(evidence: Evidence) -> None:
    """The derivative of each f_j at X_j vanishes in every direction, and the excess over it is an expected square; the
    loss is the sum of the f_j, and the X_j are the products of the stated weights."""
    evidence.prove(DERIVATION, STATEMENT, mutants(), part="minimizer", at=POINT)
    evidence.figure("scalar", f"${sympy.latex(sympy.cancel(STATED))}$")


@pytest.mark.claim(
    slug="global_minimizer_isotropic",
    grade="proof",
    range="all d, n ≥ 1, Σ = I, all X",
    parts=("components",),
)
def test_claim_global_minimizer_isotropic_components(evidence: Evidence) -> None:
    """The same false scalars fail each f_j by itself."""
    evidence.prove(DERIVATION, STATEMENT, mutants(), part="components", at=POINT)


@pytest.mark.claim(
    slug="global_minimizer_isotropic", grade="exact", range="one instance per assumption", parts=()
)
def test_claim_global_minimizer_isotropic_necessity(evidence: Evidence) -> None:
    """Each assumption dropped by itself: an exact instance where other weights win, or a proof."""
    skew = at_minimum(Setting(RegressionTask(exact.diagonal([1, 4]), 2)))
    for key, instance in {**WITHOUT, "isotropic_covariates": skew}.items():
        evidence.necessary(STATEMENT, key, instance, part="minimizer")
    evidence.dispensable("masked_query", mask_is_dispensable)
