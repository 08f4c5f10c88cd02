"""The loss on 𝒮′ attains its minimum: for two layers at all sizes, for three at seven."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import sympy
from flint import fmpq, fmpq_poly
from hypothesis import strategies as st

from icl_claims.claims.edits import changed, inside, keyed
from icl_claims.claims.evidence import Evidence
from icl_claims.claims.statement import Corner, Statement
from icl_claims.theory.derivations.gdpp_minimum_attained import DERIVATION, STATED, Attained
from icl_claims.theory.many_layers import gdpp
from icl_claims.theory.many_layers.gdpp_minimum import s
from icl_claims.theory.many_layers.spectral_loss import integral
from icl_claims.theory.task import RegressionTask, isotropic
from tests.shared.spans import least_coefficients, least_loss
from tests.shared.strategies import rationals

SLUG = "gdpp_minimum_attained"


@dataclass(frozen=True)
class Candidates:
    """Sizes; a point (a_0, a_1, b_0) for two layers; for three a limit (1 + a s)(1 + q_1 s³ + … + q_4 s¹²)."""

    task: RegressionTask
    point: tuple[fmpq, fmpq, fmpq]
    limit: tuple[fmpq, ...]

    def __str__(self) -> str:
        point, limit = (", ".join(map(str, x)) for x in (self.point, self.limit))
        return f"d = {self.task.dim}, n = {self.task.context_length}; (a_0, a_1, b_0) = ({point}); (a, q) = ({limit})"


def two_layers_margin(stated: Attained, at: Candidates) -> fmpq:
    """By how much the point loses more than any combination of the monomials that the stated residuals hold."""
    first, moved = sympy.Poly(stated.first, s), sympy.Poly(stated.moved, s)
    step = sympy.Poly(1 + sympy.Symbol("a1") * s * moved.as_expr() ** 2, s)
    powers = [power for (power,) in (first * step).monoms() if power]
    *a, b = at.point
    return gdpp.loss(at.task, a, [b]) - least_loss(powers, at.task.dim, at.task.context_length)


def three_layers_margin(stated: Attained, at: Candidates) -> fmpq:
    """By how much the limit loses more than the point that is stated for these sizes; 0 where none is."""
    sizes = at.task.dim, at.task.context_length
    if sizes not in stated.witnesses:
        return fmpq(0)
    a, *q = at.limit
    cubes = fmpq_poly([1])
    for k, x in enumerate(q, 1):
        cubes += x * fmpq_poly([0, 0, 0, 1]) ** k
    r = fmpq_poly([1, a]) * cubes
    return integral(r * r, *sizes) - gdpp.loss(at.task, *stated.witnesses[sizes])


@st.composite
def candidates(draw: st.DrawFn, corner: Corner) -> Candidates:
    """Small sizes, those of the statement among them."""
    least = 2 if corner.covariance == "repeated" or corner.context_length == "below_dim" else 1
    dim = corner.dim or draw(st.integers(least, 5))
    context = {"dim": dim, "below_dim": dim - 1, None: draw(st.sampled_from([1, 2, 3, 5, 10, 20]))}.get(
        corner.context_length, corner.context_length
    )
    numbers = draw(st.lists(rationals, min_size=8, max_size=8))
    return Candidates(isotropic(dim, int(context)), tuple(numbers[:3]), tuple(numbers[3:]))


STATEMENT = Statement(
    slug=SLUG,
    stated=STATED,
    margins={"two_layers": two_layers_margin, "three_layers": three_layers_margin},
    conditions={},
    instances=candidates,
    without=lambda key: st.nothing(),
    excluded={"L = 1": "the statement is about two and three layers"},
)


def best_limit(dim: int, context_length: int) -> Candidates:
    """Near the minimizer for two layers at d = 5, n = 20, and the best limit without a factor 1 + as."""
    task = isotropic(dim, context_length)
    point = (fmpq(-517, 1000), fmpq(-3475, 1000), fmpq(868, 1000))
    return Candidates(task, point, (fmpq(0), *least_coefficients((3, 6, 9, 12), dim, context_length)))


@pytest.mark.claim(
    slug="gdpp_minimum_attained",
    grade="argument",
    range="L = 2: all d, n ≥ 1; L = 3: the seven sizes that the claim names",
)
def test_claim_gdpp_minimum_attained(evidence: Evidence) -> None:
    """With infinite covariate updates admitted the minimum is attained; at one no step is 0 and no update infinite."""
    reason = "Lemma 1: the residual of two layers is another"
    families = [
        changed(STATED, reason, moved=sympy.Integer(1)),
        changed(STATED, reason, moved=s),
        changed(STATED, reason, first=sympy.Integer(1)),
    ]
    evidence.prove(DERIVATION, STATEMENT, families, part="two_layers", at=best_limit(5, 20))
    for sizes in ((1, 1), (2, 5), (5, 20)):
        point = ("0", "0", "0"), ("0", "0")
        nothing = keyed(STATED.witnesses, sizes, point, "Lemma 5: a bound of", at=best_limit(*sizes))
        evidence.mutants(DERIVATION, STATEMENT, [inside(STATED, "witnesses", nothing)], part="three_layers")
