"""The five-term recurrence for the moments of a real Wishart matrix, derived from its eigenvalue density."""

from collections.abc import Callable
from dataclasses import dataclass
from math import factorial
from typing import Any

import pytest
from flint import fmpq
from hypothesis import strategies as st

from icl_claims.claims.edits import inside, plus, times
from icl_claims.claims.evidence import Evidence
from icl_claims.claims.statement import ANYWHERE, Corner, Statement
from icl_claims.theory.derivations.wishart_trace_recurrence import DERIVATION, STATED, Recurrence
from icl_claims.theory.wishart import trace_moment, trace_moments
from icl_claims.theory.wishart.density import ALGEBRA
from icl_claims.theory.wishart.zonal import trace_moment_zonal
from tests.shared.sizes import sizes

SLUG = "wishart_trace_recurrence"

AT_ONE: dict[str, Callable[[int], int]] = {"signs": lambda k: 1, "complex": factorial}
"""E W^k at d = n = 1 where the one entry is ±1, or complex normal with E|x|² = 1."""


@dataclass(frozen=True)
class Order:
    """The sizes d and n, the order k, and the law of the entries of X: ``normal``, ``signs`` or ``complex``."""

    d: int
    n: int
    k: int
    entries: str = "normal"

    def __str__(self) -> str:
        law = {"normal": "", "signs": ", entries ±1", "complex": ", complex normal entries"}[self.entries]
        return f"d = {self.d}, n = {self.n}, k = {self.k}{law}"

    def moment(self, k: int) -> fmpq:
        """E tr W^k, by zonal polynomials for normal entries; other laws at d = n = 1."""
        if self.entries == "normal":
            return fmpq(trace_moment_zonal(k, self.d, self.n))
        if (self.d, self.n) != (1, 1):
            raise ValueError(f"other laws are for d = n = 1, got {self}")
        return fmpq(AT_ONE[self.entries](k))


def margin(recurrence: Recurrence, at: Order) -> fmpq:
    """Minus the squares of the left side at k and of what is missing in the first three moments."""
    point = [at.d, at.n, 0, 0, 0, 0, 0, at.k]
    *coefficients, m1, m2, m3 = (fmpq(c(*point)) for c in recurrence)
    left = sum((c * at.moment(at.k - j) for j, c in enumerate(coefficients)), fmpq(0))
    return -sum((x * x for x in (left, *(m - at.moment(i) for i, m in enumerate((m1, m2, m3), 1)))), fmpq(0))


@st.composite
def orders(draw: st.DrawFn, corner: Corner = ANYWHERE, without: str | None = None) -> Order:
    entries = {"gaussian_entries": "signs", "real_entries": "complex"}.get(without or "", "normal")
    d, n = (1, 1) if without else draw(sizes(corner, max_dim=6, max_context=6))
    return Order(d, n, draw(st.integers(4, 9)), entries)


STATEMENT = Statement(
    slug=SLUG,
    stated=STATED,
    margins={"statement": margin},
    conditions={
        "gaussian_entries": lambda at: at.entries != "signs",
        "real_entries": lambda at: at.entries != "complex",
    },
    instances=orders,
    without=lambda key: orders(without=key),
    excluded={"L = 1": "the statement is about moments: there are no layers"},
)

_d, _n, *_, _k = ALGEBRA.gens()


@pytest.mark.claim(slug="wishart_trace_recurrence", grade="argument", range="all d, n ≥ 1, k ≥ 4")
def test_claim_wishart_trace_recurrence(evidence: Evidence) -> None:
    """The eigenvalue density for even d, which is derived and checked at four sizes, satisfies a differential equation,
    an identity of polynomials that is checked term by term; integrated against powers of x it is the recurrence, whose
    two sides are polynomials in d and n."""
    equation, start = "Lemma 6: the density does not satisfy", "Lemma 7: the recurrence starts"

    def added(name: str, term: Any, reason: str = equation):
        return inside(STATED, name, plus(getattr(STATED, name), term, reason))

    mutants = [
        added("c0", ALGEBRA.constant(-1)),
        added("c1", -2 * (_d + _n - 1)),
        added("c2", _k * _d * _n),
        added("c3", _d + _n - 1),
        added("c4", (_k - 4) * (_d - _n) ** 2),
        inside(STATED, "c4", times(STATED.c4, 0, equation)),
        added("m2", _d, start),
        added("m3", _d * _n, start),
    ]
    evidence.prove(DERIVATION, STATEMENT, mutants, at=Order(2, 3, 5))


@pytest.mark.claim(
    slug="wishart_trace_recurrence",
    grade="exact",
    range="k ≤ 24 and k = 40, coefficients in d and n",
    parts=(),
)
def test_claim_wishart_trace_recurrence_against_the_zonal_sum(evidence: Evidence) -> None:
    """The moments that the recurrence gives equal the zonal sum of Hanlon, Stanley and Stembridge, coefficient
    by coefficient in d and n; at d = 1 integration by parts of tr W⁸ tr W⁸ gives the 16th as well."""
    moments = trace_moments(40)
    for k in (*range(1, 25), 40):
        assert moments[k] == trace_moment_zonal(k), k
    for d, n in ((1, 1), (3, 2), (4, 7)):
        # With one row or column, tr W^k tr W^k is tr W^2k: a route by parts alone.
        assert trace_moment([8, 8], 1, n) == trace_moments(16, 1, n)[16], n
        assert trace_moments(12, d, n) == [trace_moment_zonal(k, d, n) for k in range(13)], (d, n)
    evidence.figure("routes that agree", "recurrence, zonal sum, density, integration by parts")


@pytest.mark.claim(slug="wishart_trace_recurrence", grade="exact", range="one instance each", parts=())
def test_claim_wishart_trace_recurrence_necessity(evidence: Evidence) -> None:
    """At d = n = 1, where W is the square of one entry: other laws of this entry break the recurrence."""
    evidence.necessary(STATEMENT, "gaussian_entries", Order(1, 1, 4, "signs"))
    evidence.necessary(STATEMENT, "real_entries", Order(1, 1, 4, "complex"))
