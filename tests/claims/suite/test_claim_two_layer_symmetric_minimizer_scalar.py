"""Two layers with symmetric matrices: the global minimizers are two pairs of multiples of I, for all d and n."""

from __future__ import annotations

import pytest
import sympy
from flint import fmpq, fmpq_mat
from hypothesis import given
from hypothesis import strategies as st

from icl_claims.claims.edits import changed, inside, substituted, times
from icl_claims.claims.evidence import Evidence
from icl_claims.claims.results import Chart, Series
from icl_claims.claims.statement import Statement
from icl_claims.numerics.rounding import nearest
from icl_claims.theory.algebra import exact, validation
from icl_claims.theory.algebra.rational_functions import value_at
from icl_claims.theory.derivations.two_layer_symmetric_minimizer_scalar import (
    DERIVATION,
    STATED,
    filled_slot,
)
from icl_claims.theory.many_layers.matrix_layers import layered_loss
from icl_claims.theory.many_layers.step_sizes import optimal_steps
from icl_claims.theory.many_layers.two_steps import E, M, P, ScalarPair, of_sizes
from icl_claims.theory.task import RegressionTask, isotropic
from tests.shared.settings import Setting, conditions
from tests.shared.strategies import matrices
from tests.shared.two_layers import Pair, loss_of_multiples, moments_of, pairs

SLUG = "two_layer_symmetric_minimizer_scalar"


def steps(pair: ScalarPair, at: Pair) -> tuple[fmpq, fmpq, fmpq]:
    """e, p and the minimum, from the moments of S multiplied out in coordinates."""
    values = dict(zip(M, moments_of(at.setting), strict=True))
    e, p = (value_at(x, values, fmpq(1)) for x in (pair.e, pair.p))
    return e, p, value_at(pair.minimum, {**values, E: e, P: p}, fmpq(1))


def minimum(pair: ScalarPair, at: Pair) -> fmpq:
    """By how much the pair's loss exceeds the minimum; or minus the squared defect of the minimum at (aI, bI)."""
    e, p, value = steps(pair, at)
    return min(at.loss() - value, -((loss_of_multiples(at.setting, e, p) - value) ** 2))


def uniqueness(pair: ScalarPair, at: Pair) -> fmpq:
    """By how much a pair loses more than (aI, bI) does; −1 where another pair does as well."""
    e, p, _ = steps(pair, at)
    more = at.loss() - loss_of_multiples(at.setting, e, p)
    one = exact.identity(at.setting.task.dim)
    same = at.first + at.second == one * e and at.first * at.second == one * p and exact.is_diagonal(at.first)
    return fmpq(-1) if more == 0 and not same else more


STATEMENT = Statement(
    slug=SLUG,
    stated=STATED,
    margins={"minimum": minimum, "uniqueness": uniqueness},
    conditions=conditions(SLUG, symmetric_preconditioners=lambda at: at.is_symmetric),
    instances=lambda corner: pairs(SLUG, corner),
    without=lambda key: pairs(SLUG, without=key),
    excluded={"L = 1": "the statement is about two layers"},
)


def at(setting: Setting, first: str, second: str) -> Pair:
    """Two diagonal matrices."""
    return Pair(setting, *(exact.diagonal(entries.split()) for entries in (first, second)))


NEAR = at(Setting(isotropic(2, 2)), "1/4 1/4", "2/3 2/3")


@pytest.mark.claim(slug="two_layer_symmetric_minimizer_scalar", grade="proof", range="all d, n ≥ 1")
def test_claim_two_layer_symmetric_minimizer_scalar(evidence: Evidence) -> None:
    """The loss is at least its minimum on multiples of I plus two quadratic forms, positive definite for d ≥ 2 and
    n ≥ 2, in what separates a pair from the stated ones; n = 1 and d = 1 by themselves."""
    other = "Lemma 1: the loss at the stated steps is another one"
    values = [
        inside(STATED, "minimum", substituted(STATED.minimum, M[2], M[1], other)),
        inside(STATED, "minimum", substituted(STATED.minimum, E, 2 * E, other)),
        changed(STATED, other, minimum=M[0] - M[1] ** 2 / M[2]),
    ]
    evidence.prove(DERIVATION, STATEMENT, values, part="minimum", at=NEAR)
    pair = [
        inside(STATED, "p", times(STATED.p, -1, "Lemma 1: the integral of s q is not 0")),
        inside(STATED, "e", substituted(STATED.e, M[4], M[3], "Lemma 1: the integral of s q is not 0")),
        changed(STATED, "Lemma 1: the integral of s q is not 0", e=M[1] / M[2]),
    ]
    evidence.mutants(DERIVATION, STATEMENT, pair, part="uniqueness", at=NEAR)
    for name, value in zip(("e = a + b", "p = ab"), of_sizes(STATED), strict=True):
        evidence.figure(name, f"${sympy.latex(sympy.factor(value.as_expr()))}$")
    for size in ((2, 1), (2, 5), (3, 2), (5, 20)):
        evidence.figure(f"minimum at d = {size[0]}, n = {size[1]}", optimal_steps(isotropic(*size), 2).loss)


@pytest.mark.claim(
    slug="two_layer_symmetric_minimizer_scalar",
    grade="exact",
    range="d ≤ 3, n ≤ 20, random pairs with a symmetric matrix",
    parts=(),
)
def test_claim_two_layer_symmetric_minimizer_scalar_no_pair_does_better(evidence: Evidence) -> None:
    """Random pairs, commuting or not, with one or two symmetric matrices lose more than the minimum, by the loss of
    general layers, a second route."""

    @given(st.integers(2, 3), st.sampled_from([1, 2, 5, 20]), st.booleans(), st.data())
    def above(dim: int, size: int, both: bool, data: st.DataObject) -> None:
        first, second = (data.draw(matrices(dim, dim)) / 8 for _ in range(2))
        pair = [first + first.transpose(), second + second.transpose() if both else second]
        for ordered in (pair, pair[::-1]):
            assert layered_loss(isotropic(dim, size), ordered) > optimal_steps(isotropic(dim, size), 2).loss

    above()
    evidence.chart(exchange_chart())


@pytest.mark.claim(
    slug="two_layer_symmetric_minimizer_scalar", grade="exact", range="one instance each, d, n ≤ 2", parts=()
)
def test_claim_two_layer_symmetric_minimizer_scalar_necessity(evidence: Evidence) -> None:
    """Each assumption dropped by itself: an exact instance in which another pair does better than the stated ones, or
    as well; and the query's slot, which does not matter."""
    one = isotropic(1, 1)
    instances = {
        "isotropic_covariates": at(
            Setting(RegressionTask(exact.diagonal([1, 4]), 2)), "39/100 19/100", "3/20 1/20"
        ),
        "identity_task": at(
            Setting(RegressionTask(exact.identity(2), 2, exact.diagonal(["1", "1/100"]))),
            "79/100 3/100",
            "21/100 1/50",
        ),
        "gaussian_covariates": Pair(
            Setting(isotropic(2, 2), covariates="signs"),
            fmpq_mat([[fmpq(3, 4), fmpq(1, 4)], [fmpq(1, 4), fmpq(3, 4)]]),
            fmpq_mat([[fmpq(3, 4), fmpq(-1, 4)], [fmpq(-1, 4), fmpq(3, 4)]]),
        ),
        "independent_task": at(Setting(one, weights="first_example"), "3/10", "1/10"),
        "noiseless_labels": at(Setting(isotropic(1, 1, noise_variance=8)), "1/20", "1/20"),
        "masked_query": at(Setting(one, masked=False), "7/100", "3/5"),
    }
    for key, instance in instances.items():
        evidence.necessary(STATEMENT, key, instance, part="uniqueness")
    evidence.dispensable("zero_query_label", filled_slot)


def exchange_chart() -> Chart:
    """The loss between the two minimizers when the steps of one coordinate are exchanged, and those of both."""
    dim, size = 2, 5
    best = optimal_steps(isotropic(dim, size), 2)
    low, high = (validation.rational("step", nearest(step.lower)) for step in best.steps)
    task = isotropic(dim, size)
    places = [fmpq(i, 20) for i in range(21)]

    def loss(t: fmpq, u: fmpq) -> float:
        first = exact.diagonal([low + (high - low) * t, low + (high - low) * u])
        second = exact.diagonal([high - (high - low) * t, high - (high - low) * u])
        return nearest(layered_loss(task, [first, second]))

    x = tuple(float(int(t.p)) / float(int(t.q)) for t in places)
    return Chart(
        title="Exchanging two layers' steps, coordinate by coordinate",
        caption="d = 2, n = 5. From the minimizer (aI, bI) the steps of one coordinate, or of both, are moved "
        "linearly into the other order. Both together reach the other minimizer; one alone ends at a diagonal pair "
        "that loses more: the coordinates do not choose their order independently.",
        x_label="how far the steps are exchanged",
        y_label="loss",
        series=(
            Series(label="both coordinates", x=x, y=tuple(loss(t, t) for t in places)),
            Series(label="one coordinate", x=x, y=tuple(loss(t, fmpq(0)) for t in places)),
            Series(label="minimum", x=(0.0, 1.0), y=(nearest(best.loss),) * 2, style="dashed"),
        ),
    )
