"""The exact loss of relaxed layers on 𝒮′: an integral of the square of a polynomial."""

from __future__ import annotations

from dataclasses import replace
from math import prod

import pytest
import sympy
from flint import fmpq, fmpq_poly

from icl_claims.claims.edits import inside, plus, substituted, times
from icl_claims.claims.evidence import Evidence
from icl_claims.claims.statement import Statement
from icl_claims.theory.derivations.gdpp_loss import DERIVATION, LAYERS, STATED, Recursion
from icl_claims.theory.task import RegressionTask
from icl_claims.theory.transformer.recursion import recursion
from icl_claims.theory.transformer.relaxed_layers import a, b, p, s
from icl_claims.theory.wishart import spectral_moments
from tests.shared.relaxed import Relaxed, plain, relaxed
from tests.shared.settings import Setting, conditions

SLUG = "gdpp_loss"


def residual(stated: Recursion, at: Relaxed) -> fmpq_poly:
    """r_L by the stated recursion, at numbers a_l and b_l."""
    unit, variable = fmpq_poly([1]), fmpq_poly([0, 1])
    covariate, left = unit, unit

    def at_numbers(polynomial: sympy.Expr, step: fmpq, share: fmpq) -> fmpq_poly:
        terms = sympy.Poly(polynomial, a, b, s, p).terms()
        return sum(
            (
                fmpq(int(c.p), int(c.q)) * step**i * share**j * variable**k * covariate**m
                for (i, j, k, m), c in terms
            ),
            fmpq_poly([0]),
        )

    for step, share in zip(at.a, at.b, strict=True):
        left = left * (unit + at_numbers(stated.label, step, share))
        covariate = covariate * (unit + at_numbers(stated.move, step, share))
    return left


def loss_margin(stated: Recursion, at: Relaxed) -> fmpq:
    """Minus the squared distance of ∫ r² dμ from the loss of the layers, averaged over prompts in coordinates.

    For d = 1, S is χ²/n with n degrees of freedom, of moments ∏ (n + 2i)/n.
    """
    r = residual(stated, at)
    square, d, n = (r * r).coeffs(), at.setting.task.dim, at.setting.task.context_length
    if d == 1:
        moments = [fmpq(prod(n + 2 * i for i in range(k)), n**k) for k in range(len(square))]
    else:
        moments = spectral_moments(len(square) - 1, d, n)
    integral = sum((c * m for c, m in zip(square, moments, strict=True)), fmpq(0))
    return -((integral - at.loss_of_scaled()) ** 2)


def degree_margin(stated: Recursion, at: Relaxed) -> fmpq:
    """Minus the squared distance of the stated degree from that of r² at the a_l, b_l of the instance."""
    return -(fmpq(int(stated.degree.subs(LAYERS, at.layers)) - 2 * residual(STATED, at).degree()) ** 2)


STATEMENT = Statement(
    slug=SLUG,
    stated=STATED,
    margins={"loss": loss_margin, "degree": degree_margin},
    conditions=conditions(SLUG),
    instances=lambda corner: relaxed(SLUG, corner),
    without=lambda key: relaxed(SLUG, without=key),
    undefined_without={"positive_definite_covariance": "for singular Σ there is no Σ⁻¹, so no set 𝒮′"},
)


@pytest.mark.claim(slug="gdpp_loss", grade="argument", range="all d, n, L ≥ 1, a, b, Σ ≻ 0")
def test_claim_gdpp_loss(evidence: Evidence) -> None:
    """In symbolic blocks a layer takes the state of (p, r) to that of the next pair."""
    of_p, of_r = "Lemma 3: the covariates after", "Lemma 3: the residuals after"
    mutants = [
        inside(STATED, "move", substituted(STATED.move, b, sympy.Integer(1), of_p)),
        inside(STATED, "move", times(STATED.move, -1, of_p)),
        inside(STATED, "move", substituted(STATED.move, p**2, p, of_p)),
        inside(STATED, "label", substituted(STATED.label, p**2, sympy.Integer(1), of_r)),
        inside(STATED, "label", times(STATED.label, -1, of_r)),
    ]
    deep = plain(1, 1, 3, a=(fmpq(-1, 2), fmpq(-1), fmpq(2)), b=(fmpq(1, 2), fmpq(2), fmpq(1)))
    evidence.prove(DERIVATION, STATEMENT, mutants, part="loss", at=[plain(1, 1, 2), deep])
    degrees = [
        inside(
            STATED, "degree", substituted(STATED.degree, 3**LAYERS, 2**LAYERS, "Lemma 5: the degree for 1")
        ),
        inside(STATED, "degree", plus(STATED.degree, 1, "Lemma 5: the degree for 1")),
        inside(
            STATED,
            "degree",
            substituted(STATED.degree, 3**LAYERS, 2 * LAYERS + 1, "Lemma 5: the degree for 2"),
        ),
    ]
    evidence.mutants(DERIVATION, STATEMENT, degrees, part="degree", at=plain(1, 1, 2))
    evidence.figure("degree of the loss in $s$ for $L=1,2,3,4$", "2, 8, 26, 80")


@pytest.mark.claim(slug="gdpp_loss", grade="exact", range="L = 2, a and b symbols", parts=())
def test_claim_gdpp_loss_program() -> None:
    """The recursion that all other exact losses are computed by is the stated one."""
    x, unit = sympy.Symbol("s"), sympy.Integer(1)
    a0, a1, b0 = sympy.symbols("a0 a1 b0")
    moved = 1 + STATED.move.subs({a: a0, b: b0, p: 1, s: x})
    by_hand = (1 + STATED.label.subs({a: a0, p: 1, s: x})) * (1 + STATED.label.subs({a: a1, p: moved, s: x}))
    assert sympy.expand(by_hand - recursion([a0, a1], [b0], x, unit)[1]) == 0


@pytest.mark.claim(slug="gdpp_loss", grade="exact", range="one instance per assumption", parts=())
def test_claim_gdpp_loss_necessity(evidence: Evidence) -> None:
    """Each assumption dropped by itself: exact losses that differ."""
    one, two = plain(1, 1), plain(1, 1, 2)
    instances = {
        "gaussian_covariates": replace(one, setting=replace(one.setting, covariates="signs")),
        "independent_task": replace(one, setting=replace(one.setting, weights="first_example")),
        "whitened_task": replace(one, setting=Setting(RegressionTask([[1]], 1, [[2]]))),
        "noiseless_labels": replace(one, setting=Setting(RegressionTask([[1]], 1, [[1]], 1))),
        "masked_query": replace(two, setting=replace(two.setting, masked=False)),
        "zero_query_label": replace(one, setting=replace(one.setting, slot=fmpq(1))),
    }
    for key, instance in instances.items():
        evidence.necessary(STATEMENT, key, instance, part="loss")
