"""Moments of W for any covariance by an operator on span{Σ^i p_ν}: one degree at a time."""

from dataclasses import dataclass
from functools import reduce
from itertools import pairwise

import pytest
from flint import fmpq, fmpq_mat
from hypothesis import given
from hypothesis import strategies as st

from icl_claims.claims.edits import changed
from icl_claims.claims.evidence import Evidence
from icl_claims.claims.statement import ANYWHERE, Corner, Statement
from icl_claims.theory.algebra import exact
from icl_claims.theory.derivations.wishart_covariance_operator import DERIVATION, STATED
from icl_claims.theory.evaluation import at_task
from icl_claims.theory.task import RegressionTask
from icl_claims.theory.wishart.covariance import covariance_trace_moment, power_moments
from icl_claims.theory.wishart.operator_words import Operator, moment
from tests.shared.settings import Setting, conditions, settings_of, shown
from tests.shared.strategies import semidefinite_matrices
from tests.shared.wishart_coordinates import over_ring, times

SLUG = "wishart_covariance_operator"

SMALL = ((0, ()), (1, ()), (0, (1,)), (2, ()), (1, (1,)), (0, (2,)), (0, (1, 1)))
"""(j, ρ) with j + |ρ| ≤ 2."""


@dataclass(frozen=True)
class Order:
    """Σ, n and the law of X, by a setting; j and ρ."""

    setting: Setting
    j: int
    rho: tuple[int, ...]

    def __str__(self) -> str:
        task = self.setting.task
        law = "" if self.setting.covariates == "gaussian" else ", covariates ±1 before Σ"
        sizes = f"d = {task.dim}, n = {task.context_length}, Σ = {shown(task.covariance)}"
        return f"{sizes}, j = {self.j}, ρ = {self.rho}{law}"

    def next_moment(self) -> fmpq_mat:
        """E[W^{j+1} p_ρ(W)], W multiplied out entry by entry and averaged monomial by monomial."""
        v, prompt = self.setting.prompt()
        X = [[v.ring(x) for x in row] for row in prompt.X]
        W = times(X, [list(column) for column in zip(*X, strict=True)])
        unit = over_ring(v, exact.identity(len(X)))
        factor = v.ring(1)
        for r in self.rho:
            of_r = reduce(times, [W] * r, unit)
            factor *= sum(of_r[a][a] for a in range(len(X)))
        value = reduce(times, [W] * (self.j + 1), unit)
        return fmpq_mat([[v.mean(x * factor) for x in row] for row in value])


def margin(operator: Operator, at: Order) -> fmpq:
    """Minus the squared distance of the next moment from T of this one.

    E[W^j p_ρ(W)] is taken as a combination of the Σ^i p_ν. For j ≤ 1 and no ρ it is I or nΣ, whatever the law.
    """
    defect = at.next_moment() - at_task(operator.image(moment(at.j, at.rho)), at.setting.task, {})
    return -sum((x * x for x in defect.entries()), fmpq(0))


@st.composite
def orders(draw: st.DrawFn, corner: Corner = ANYWHERE, without: str | None = None) -> Order:
    setting = draw(settings_of(SLUG, corner, without=without, max_context=2))
    task = RegressionTask(setting.task.covariance, setting.task.context_length)
    j, rho = (1, ()) if without else draw(st.sampled_from(SMALL))
    return Order(Setting(task, covariates=setting.covariates), j, rho)


STATEMENT = Statement(
    slug=SLUG,
    stated=STATED,
    margins={"statement": margin},
    conditions=conditions(SLUG),
    instances=orders,
    without=lambda key: orders(without=key),
    excluded={"L = 1": "the statement is about moments: there are no layers"},
)

SKEW = Setting(RegressionTask([[2, 1], [1, 1]], 2))


@pytest.mark.claim(
    slug="wishart_covariance_operator",
    grade="argument",
    range="all n, d, Σ, j, ρ by the argument; identities checked in symbolic n, d, Σ to degree 5",
)
def test_claim_wishart_covariance_operator(evidence: Evidence) -> None:
    """The derivative of the density of W in Σ, and the product rule; and for every j and ρ of total degree ≤ 4
    integration by parts on words gives the same next moment, identically in n, d and Σ."""
    refused = "Lemma 2: T is not"
    mutants = [
        changed(STATED, refused, more=1),
        changed(STATED, refused, own=0),
        changed(STATED, refused, split=2),
        changed(STATED, refused, joined=1),
        changed(STATED, refused, shift=0),
    ]
    evidence.prove(DERIVATION, STATEMENT, mutants, at=[Order(SKEW, 1, ()), Order(SKEW, 0, (1,))])


@pytest.mark.claim(
    slug="wishart_covariance_operator", grade="exact", range="d = 2, n ≤ 3, degree ≤ 12", parts=()
)
def test_claim_wishart_covariance_operator_in_numbers() -> None:
    """At random Σ: the calculator's E W^j against the words up to degree 4, its trace against the traces by power
    sums up to degree 12, and the chi-square moments of a one-dimensional marginal scale."""

    @given(semidefinite_matrices(2), st.integers(1, 3))
    def agrees(sigma: fmpq_mat, size: int) -> None:
        moments = power_moments(12, sigma, size)
        task = RegressionTask(sigma, size)
        for j in range(1, 5):
            assert moments[j] == at_task(moment(j, ()), task, {})
        for j in range(1, 13):
            assert exact.trace(moments[j]) == covariance_trace_moment([j], sigma, size)

    agrees()
    one_dimensional = [m[0, 0] for m in power_moments(12, [[1]], 3)]
    for k, (earlier, later) in enumerate(pairwise(one_dimensional)):
        assert later == (3 + 2 * k) * earlier


@pytest.mark.claim(slug="wishart_covariance_operator", grade="exact", range="one instance", parts=())
def test_claim_wishart_covariance_operator_necessity(evidence: Evidence) -> None:
    """For x = ±1 at d = n = 1 W is 1, and the second moment is not what the operator makes of the first."""
    signs = Setting(RegressionTask([[1]], 1), covariates="signs")
    evidence.necessary(STATEMENT, "gaussian_covariates", Order(signs, 1, ()))
