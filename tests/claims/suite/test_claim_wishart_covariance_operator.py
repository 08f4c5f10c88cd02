"""Moments of W for any covariance by an operator on span{Σ^i p_ν}: one degree at a time."""

from collections.abc import Callable, Iterator, Sequence
from functools import reduce
from itertools import pairwise
from operator import mul

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icl_claims.claims.evidence import Evidence
from icl_claims.theory.algebra import exact
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.words import Words, letter, n, one, zero
from icl_claims.theory.evaluation import at_task
from icl_claims.theory.task import RegressionTask
from icl_claims.theory.wishart.covariance import covariance_trace_moment, power_moments
from tests.shared import coordinates
from tests.shared.by_words import wishart_moment, word_power
from tests.shared.strategies import semidefinite_matrices

X, SIGMA = letter("X", "d", "n"), letter("Sigma", "d", "d", symmetric=True)
W = X @ X.T

Operator = Callable[[int, Sequence[int]], Words]
"""(i, ν) ↦ T(Σ^i p_ν)."""


def basis(i: int, nu: Sequence[int]) -> Words:
    """Σ^i p_ν."""
    return word_power(SIGMA, i) * reduce(mul, [word_power(SIGMA, r).trace() for r in nu], one())


def without(nu: Sequence[int], place: int) -> list[int]:
    return [*nu[:place], *nu[place + 1 :]]


def operator(hook: int = 0, own: int = 1, doubled: int = 2, shift: int = 1) -> Operator:
    """T as the claim writes it; the arguments change a constant each."""

    def of(i: int, nu: Sequence[int]) -> Words:
        image = basis(i + 1, nu) * (n + own * i + hook)
        for m in range(1, i + 1):
            image = image + basis(i + 1 - m, [*nu, m])
        for place, r in enumerate(nu):
            image = image + basis(i + r + shift, without(nu, place)) * (doubled * r)
        return image

    return of


def partitions(total: int, largest: int) -> Iterator[tuple[int, ...]]:
    """All partitions of numbers up to ``total`` into parts of at most ``largest``."""
    yield ()
    for first in range(1, min(total, largest) + 1):
        for rest in partitions(total - first, first):
            yield (first, *rest)


def image(moment: Words, of: Operator) -> Words:
    """T applied to a combination of the Σ^i p_ν."""
    total = zero("d", "d")
    for (traces, word), c in moment.terms.items():
        total = total + of(len(word), [len(t) for t in traces]) * c
    return total


def check_operator(of: Operator) -> None:
    """E[W^{j+1} p_ρ(W)] = T E[W^j p_ρ(W)] in symbolic n, d and Σ, for all j + |ρ| ≤ 4."""
    for rho in partitions(4, 4):
        for j in range(5 - sum(rho)):
            if wishart_moment(j + 1, rho) != image(wishart_moment(j, rho), of):
                raise Refuted(f"T does not give the moment at j = {j}, ρ = {rho}")


@pytest.mark.claim(
    slug="wishart_covariance_operator",
    grade="proof",
    range="all n, d, Σ, j, ρ by the argument; identities checked in symbolic n, d, Σ to degree 5",
)
def test_claim_wishart_covariance_operator(evidence: Evidence) -> None:
    """The derivative of the density of W in Σ, and the product rule; and for every j and ρ of total degree ≤ 4
    integration by parts on words gives the same next moment, identically in n, d and Σ.

    For n ≥ d and Σ ≻ 0 the density is a constant times det(W)^{(n−d−1)/2} det(Σ)^{−n/2} exp(−½ tr Σ⁻¹W), so
    2Σ (∂_Σ E G(W)) Σ = E[(W − nΣ) G(W)] for every polynomial G, with ∂_{ab} Σ_{cd} = ½(δ_ac δ_bd + δ_ad δ_bc).
    Applied to the entries of G = W^j p_ρ(W) that is E[W G] = nΣ E G + 2Σ (∂_Σ Σ) E G, ∂_Σ on E G only. By the
    product rule 2Σ_{xa} Σ_{by} ∂_{ab} (Σ^i)_{yz} = Σ_{m=1..i} (Σ^{i+1} + p_m Σ^{i+1−m})_{xz}, and ∂_Σ p_r = rΣ^{r−1}
    gives 2rΣ^{i+r+1}. Both sides are polynomials in n and Σ, so n < d and singular Σ follow.
    """
    mutants = {
        "n + i → n + i + 1": operator(hook=1),
        "n + i → n": operator(own=0),
        "2r → r": operator(doubled=1),
        "Σ^{i+r+1} → Σ^{i+r}": operator(shift=0),
    }
    evidence.check(check_operator, operator(), mutants)
    evidence.figure("moments compared", sum(5 - sum(rho) for rho in partitions(4, 4)))


@pytest.mark.claim(slug="wishart_covariance_operator", grade="exact", range="d = 2, n ≤ 3, degree ≤ 12")
def test_claim_wishart_covariance_operator_in_numbers() -> None:
    """At random Σ: the calculator's E W^j against the words up to degree 4, its trace against the traces by power
    sums up to degree 12, and the chi-square moments of a one-dimensional marginal scale."""

    @given(semidefinite_matrices(2), st.integers(1, 3))
    def agrees(sigma: object, size: int) -> None:
        moments = power_moments(12, sigma, size)
        task = RegressionTask(sigma, size)  # type: ignore[arg-type]
        for j in range(1, 5):
            assert moments[j] == at_task(wishart_moment(j, ()), task, {})
        for j in range(1, 13):
            assert exact.trace(moments[j]) == covariance_trace_moment([j], sigma, size)

    agrees()
    one_dimensional = [m[0, 0] for m in power_moments(12, [[1]], 3)]
    for k, (earlier, later) in enumerate(pairwise(one_dimensional)):
        assert later == (3 + 2 * k) * earlier


@pytest.mark.claim(slug="wishart_covariance_operator", grade="exact", range="one instance", parts=())
def test_claim_wishart_covariance_operator_necessity(evidence: Evidence) -> None:
    """d = n = 1, x = ±1: W = 1, and the second moment is not what the operator makes of the first."""
    v = coordinates.Variables(x=coordinates.rademacher)
    first, second = (v.mean(v.of["x"] ** k) for k in (2, 4))
    stated = 2 * first + first  # T(Σ) = (n + 1)Σ² + p_1 Σ at n = 1, Σ = 1.
    if stated == second:
        raise Refuted("for x = ±1 the operator still gives the second moment")
    evidence.necessary(
        "gaussian_covariates", f"x = ±1, d = n = 1: E W² = {second}, the operator gives {stated}."
    )
