"""Theorem 1 of Ahn et al. (2023) in code, and with one assumption dropped: exact instances where other weights win.

The instances have Σ = I and d ≤ 2, so they are instances for the lemmas about an isotropic and a diagonal Σ, and for
any task, as well.
"""

from __future__ import annotations

from typing import Any

import sympy
from flint import fmpq, fmpq_mat

from icl_claims.claims.edits import Edit, inside, substituted, times
from icl_claims.claims.statement import Statement
from icl_claims.theory.algebra import exact
from icl_claims.theory.derivations.global_minimizer import STATED, Theorem
from icl_claims.theory.one_layer.large_context import CONTEXT, EIGENVALUE, TRACE
from icl_claims.theory.one_layer.products import prove_gradient_with_mask
from icl_claims.theory.one_layer.single_layer import minimizer
from icl_claims.theory.task import RegressionTask, isotropic
from icl_claims.theory.transformer.attention import NO_MASK
from tests.shared.one_layer import Weights, of_covariance, predictor, weights
from tests.shared.settings import Setting, conditions

SLUG = "global_minimizer"


def false_eigenvalues(stated: Any, refused: str) -> list[Edit[Any]]:
    """Six false variants of a statement in the one field ``eigenvalue`` that Theorem 1 prints, each refused so."""

    def edited(old: sympy.Expr, new: sympy.Expr) -> Edit[Any]:
        return inside(stated, "eigenvalue", substituted(stated.eigenvalue, old, new, refused))

    return [
        edited(CONTEXT + 1, CONTEXT),
        edited(CONTEXT + 1, CONTEXT - 1),
        edited(TRACE / CONTEXT, sympy.Integer(0)),
        edited(TRACE / CONTEXT, TRACE),
        edited(TRACE, TRACE - EIGENVALUE),
        inside(stated, "eigenvalue", times(stated.eigenvalue, -1, refused)),
    ]


def minimizer_margin(theorem: Theorem, at: Weights) -> fmpq:
    """By how much the weights lose more than the stated ones; each loss multiplied out in coordinates."""
    stated = Weights(at.setting, *predictor(of_covariance(theorem.eigenvalue, at.setting.task)))
    return at.loss() - stated.loss()


def rescaling_margin(theorem: Theorem, at: Weights) -> fmpq:
    """Minus the square of what rescaling changes in the loss of the weights."""
    scaled = Weights(
        at.setting,
        tuple(x * at.scale**theorem.b_power for x in at.b),
        at.A * at.scale**theorem.A_power,
    )
    return -((scaled.loss() - at.loss()) ** 2)


STATEMENT = Statement(
    slug=SLUG,
    stated=STATED,
    margins={"minimizer": minimizer_margin, "rescaling": rescaling_margin},
    conditions=conditions(SLUG),
    instances=lambda corner: weights(SLUG, corner),
    without=lambda key: weights(SLUG, without=key),
    excluded={"L = 1": "the statement is about one layer"},
)


def at_minimum(setting: Setting, **other: fmpq) -> Weights:
    """The setting with the weights that minimize the loss at its task."""
    return Weights(setting, *predictor(minimizer(setting.task)), **other)


def constant(setting: Setting, step: fmpq | int) -> Weights:
    """The setting with the preconditioner cI."""
    return Weights(setting, *predictor(exact.identity(setting.task.dim) * fmpq(step)))


SKEW = at_minimum(Setting(RegressionTask(exact.diagonal([1, 4]), 2)))

WITHOUT = {
    "gaussian_covariates": constant(Setting(isotropic(1, 2), covariates="signs"), 1),
    "independent_task": constant(Setting(isotropic(1, 1), weights="first_example"), fmpq(1, 5)),
    "identity_task": at_minimum(
        Setting(RegressionTask(exact.identity(2), 1, exact.diagonal([1, 0]))),
    ),
    "noiseless_labels": at_minimum(Setting(isotropic(1, 1, noise_variance=1))),
    "zero_query_label": at_minimum(Setting(isotropic(1, 1), slot=fmpq(1)), corner=fmpq(-1, 9)),
}
"""Weights that lose less than those of Theorem 1, by the one assumption that their setting violates."""

SKEWED_TASK = Weights(
    Setting(isotropic(2, 1), weights="skewed"),
    (fmpq(0), fmpq(0), fmpq(1)),
    fmpq_mat([[fmpq(-1, 4), 0], [0, fmpq(-1, 4)], [fmpq(-1, 100), fmpq(-1, 100)]]),
)
"""Weights whose last row of Q reads the third moment of a skewed w: they lose less than those of Theorem 1."""


def mask_is_dispensable() -> None:
    """With the query as a key (its label slot 0) the loss is still an expected square of an affine map of the
    products, and its derivative at the stated point is the same polynomial."""
    prove_gradient_with_mask(NO_MASK)
