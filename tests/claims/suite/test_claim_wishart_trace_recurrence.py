"""The five-term recurrence for the moments of a real Wishart matrix, proved from its eigenvalue density."""

from collections.abc import Callable
from typing import Any

import pytest
from flint import fmpz

from icl_claims.claims.evidence import Evidence
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.wishart import trace_moment, trace_moments
from icl_claims.theory.wishart.density import ALGEBRA, prove_recurrence, trace_moment_density
from icl_claims.theory.wishart.recurrence import recurrence
from icl_claims.theory.wishart.zonal import trace_moment_zonal

Coefficients = Callable[[Any], tuple[Any, ...]]

_d, _n = ALGEBRA.gens()[:2]
STATED = recurrence(_d + _n, _d * _n)


def changed(index: int, change: Callable[[Any, Any], Any]) -> Coefficients:
    """The recurrence with its coefficient of m_{k−index} changed."""

    def coefficients(k: Any) -> tuple[Any, ...]:
        stated = list(STATED(k))
        stated[index] = change(stated[index], k)
        return tuple(stated)

    return coefficients


@pytest.mark.claim(slug="wishart_trace_recurrence", grade="proof", range="all d, n ≥ 1, k ≥ 4")
def test_claim_wishart_trace_recurrence(evidence: Evidence) -> None:
    """The eigenvalue density satisfies a differential equation, an identity of polynomials in d, n, x and five
    functions, checked term by term; integrated against powers of x it is the recurrence for even d and
    n > d, and both sides are polynomials in d and n. Cited: the joint density of the eigenvalues, de
    Bruijn's Pfaffian, classical facts about Laguerre polynomials."""
    mutants = {
        "k + 1 → k": changed(0, lambda c, k: c - 1),
        "4k − 1 → 4k + 1": changed(1, lambda c, k: c - 2 * (_d + _n - 1)),
        "12 − 8k → 12 − 7k at p": changed(2, lambda c, k: c + k * _d * _n),
        "−107 → −106": changed(3, lambda c, k: c + _d + _n - 1),
        "k − 4 → k − 3": changed(4, lambda c, k: c * 2),
        "last term dropped": changed(4, lambda c, k: 0 * c),
    }
    evidence.check(prove_recurrence, STATED, mutants)
    evidence.figure("cited", "joint eigenvalue density; de Bruijn 1955; Szegő, Laguerre polynomials")


@pytest.mark.claim(slug="wishart_trace_recurrence", grade="exact", range="k ≤ 60, coefficients in d and n")
def test_claim_wishart_trace_recurrence_against_the_zonal_sum(evidence: Evidence) -> None:
    """The moments that the recurrence gives equal the zonal sum of Hanlon, Stanley and Stembridge, coefficient
    by coefficient in d and n, integration by parts for k ≤ 16, and the density for even d < n."""
    moments = trace_moments(60)
    for k in range(1, 61):
        if moments[k] != trace_moment_zonal(k):
            raise Refuted(f"recurrence and zonal sum differ at k = {k}")
    for k in range(1, 17):
        if moments[k] != trace_moment([k]):
            raise Refuted(f"recurrence and integration by parts differ at k = {k}")
    for d, n in ((2, 3), (2, 9), (4, 7), (6, 11)):
        at_sizes = trace_moments(12, d, n)
        if any(at_sizes[k] != trace_moment_density(k, d, n) for k in range(13)):
            raise Refuted(f"recurrence and density differ at d = {d}, n = {n}")
    evidence.figure("routes that agree", "recurrence, zonal sum (k ≤ 60), parts (k ≤ 16), density")


def defect(moments: list[int], k: int) -> fmpz:
    """Σ_j c_j m_{k−j} at d = n = 1."""
    coefficients = recurrence(fmpz(2), fmpz(1))(fmpz(k))
    return sum((c * moments[k - j] for j, c in enumerate(coefficients)), fmpz(0))


@pytest.mark.claim(slug="wishart_trace_recurrence", grade="exact", range="one instance each", parts=())
def test_claim_wishart_trace_recurrence_necessity(evidence: Evidence) -> None:
    """At d = n = 1, where W is the square of one entry: other laws of that entry break the recurrence."""
    chi_squared, signs, complex_normal = [1], [1], [1]
    for k in range(1, 6):
        chi_squared.append(chi_squared[-1] * (2 * k - 1))
        signs.append(1)
        complex_normal.append(complex_normal[-1] * k)
    if defect(chi_squared, 4) or defect(chi_squared, 5):
        raise Refuted("the real normal law does not satisfy the recurrence at d = n = 1")
    for key, moments, law in (
        ("gaussian_entries", signs, "entries ±1, W = 1"),
        ("real_entries", complex_normal, "a complex normal entry, W exponential"),
    ):
        if not defect(moments, 4):
            raise Refuted(f"{law}: the recurrence still holds")
        evidence.necessary(key, f"d = n = 1, k = 4, {law}: the left side is {defect(moments, 4)}, not 0.")
