r"""Two-sided moments E[W^i C W^j] for any matrix C, W = XXᵀ, X d × n with i.i.d. N(0, Σ) columns.

By the operator T of :mod:`icl_claims.theory.wishart.covariance`, E[W G] = T E[G]. On Σ^i p_ν it acts as in (1)
there; with τ_r = tr CΣ^r,

    T(Σ^a C Σ^b) = (n+a) Σ^{a+1} C Σ^b + Σ_{m=1..a} p_m Σ^{a+1−m} C Σ^b
                   + Σ_{q<b} ( Σ^{q+1} Cᵀ Σ^{a+b−q} + τ_{a+q+1} Σ^{b−q} ),                            (2)
    T τ_r : each τ_r gives Σ_{q<r} ( Σ^{r−q} C Σ^{q+1} + Σ^{q+1} Cᵀ Σ^{r−q} ) in front of what stands there.

All coefficients are positive, polynomials in n.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from flint import Ordering, fmpq_mat, fmpz, fmpz_mat, fmpz_mpoly_ctx

from icl_claims.theory.algebra import validation
from icl_claims.theory.algebra.exact import integer_trace
from icl_claims.theory.algebra.validation import natural
from icl_claims.theory.wishart.covariance import integral_powers, on_left_power, one_sided_step

LARGEST_TWO_SIDED_ORDER = 12
"""The largest i and j in E[W^i C W^j]: the table to 12 has about 600 000 terms, 60 MB."""


@dataclass(frozen=True)
class TwoSided:
    """E[W^i C W^j] = Σ direct[a,b] Σ^a C Σ^b + Σ crossed[a,b] Σ^a Cᵀ Σ^b + Σ scalar[b] Σ^b.

    Polynomials in p_1, …, τ_1, … (τ_r = tr CΣ^r), linear in τ in ``scalar`` and free of it elsewhere. For
    symmetric C what would be in ``crossed`` is in ``direct``.
    """

    direct: dict[tuple[int, int], Any]
    crossed: dict[tuple[int, int], Any]
    scalar: dict[int, Any]

    def at(
        self,
        traces: Sequence[fmpz],
        left: Sequence[fmpz_mat],
        right: Sequence[fmpz_mat],
        right_crossed: Sequence[fmpz_mat],
        plain: Sequence[fmpz_mat],
    ) -> fmpz_mat:
        """The value at p, τ = ``traces``, Σ^a = left[a], CΣ^b = right[b], CᵀΣ^b, and Σ^b = plain[b] alone."""
        size = left[0].nrows()
        total = fmpz_mat(size, size)
        inner: dict[int, fmpz_mat] = {}
        for terms, factors in ((self.direct, right), (self.crossed, right_crossed)):
            for (a, b), c in terms.items():
                term = factors[b] * c(*traces)
                inner[a] = inner[a] + term if a in inner else term
        for a, m in inner.items():
            total += left[a] * m
        for b, c in self.scalar.items():
            total += plain[b] * c(*traces)
        return total


def two_sided_moment(i: int, j: int, middle: Any, covariance: Any, context_length: Any) -> fmpq_mat:
    """E[W^i C W^j], d × d, exactly. Arguments as for :func:`two_sided_moments`.

    >>> two_sided_moment(1, 1, [[0, 1], [0, 0]], [[1, 0], [0, 1]], context_length=3).tolist()
    [[0, 9], [3, 0]]
    """
    i, j = natural("i", i, LARGEST_TWO_SIDED_ORDER), natural("j", j, LARGEST_TWO_SIDED_ORDER)
    return _two_sided_at(max(i, j), middle, covariance, context_length)(i, j)


def two_sided_moments(order: int, middle: Any, covariance: Any, context_length: Any) -> list[list[fmpq_mat]]:
    """E[W^i C W^j] at [i][j] for all i, j ≤ order, each d × d, exactly.

    Args:
        order: from 0 to :data:`LARGEST_TWO_SIDED_ORDER`.
        middle: C, any d × d matrix.
        covariance: Σ, d × d, symmetric positive semidefinite.
        context_length: n ≥ 1, the columns of X.

    Raises:
        TypeError, ValueError: an argument is of the wrong type, shape or range.

    >>> table = two_sided_moments(1, [[5]], [[1]], context_length=2)
    >>> [[int(m[0, 0]) for m in row] for row in table]
    [[5, 10], [10, 40]]
    """
    top = natural("order", order, LARGEST_TWO_SIDED_ORDER)
    at = _two_sided_at(top, middle, covariance, context_length)
    return [[at(i, j) for j in range(top + 1)] for i in range(top + 1)]


def _two_sided_at(
    order: int, middle: Any, covariance: Any, context_length: Any
) -> Callable[[int, int], fmpq_mat]:
    n = validation.positive_integer("context_length", context_length)
    sigma = validation.semidefinite("covariance", covariance)
    size = sigma.nrows()
    c, denominator = validation.matrix("middle", middle, (size, size)).numer_denom()
    table = two_sided_table(order, n, c == c.transpose())
    sums, unit, powers = integral_powers(max(2 * order, 1), sigma)
    right, right_crossed = [c * m for m in powers], [c.transpose() * m for m in powers]
    traces = [*sums, *(integer_trace(m) for m in right[1:])]

    def at(i: int, j: int) -> fmpq_mat:
        if i <= j:
            value = table[i, j].at(traces, powers, right, right_crossed, powers)
        else:  # E[W^i C W^j] = (E[W^j Cᵀ W^i])ᵀ
            value = table[j, i].at(traces, powers, right_crossed, right, powers).transpose()
        return fmpq_mat(value) / (denominator * unit ** (i + j))

    return at


@lru_cache(maxsize=8)
def two_sided_table(order: int, n: int, symmetric: bool) -> Mapping[tuple[int, int], TwoSided]:
    """The coefficients of E[W^i C W^j] for i ≤ j ≤ order at n: E[C W^j] by (1) there, then (2) i times.

    They depend on neither Σ nor C; the last eight tables are kept. Order 8 has 20 000 terms for
    symmetric C, 30 000 for others, of about 100 bytes each; order 12 twenty times as many.
    """
    top = max(2 * order, 1)
    names = (*(f"p{r}" for r in range(1, top + 1)), *(f"tau{r}" for r in range(1, top + 1)))
    ring = fmpz_mpoly_ctx.get(names, Ordering.lex)
    p = [ring.constant(0), *ring.gens()[:top]]
    tau = [ring.constant(0), *ring.gens()[top:]]
    table, one_sided = {}, [ring.constant(1)]
    for j in range(order + 1):
        state = TwoSided({(0, b): c for b, c in enumerate(one_sided) if c}, {}, {})
        table[0, j] = state
        for i in range(1, j + 1):
            state = table[i, j] = _two_sided_step(state, n, p, tau, i + j - 1, symmetric)
        one_sided = one_sided_step(one_sided, n, p, j)
    return MappingProxyType(table)


def _two_sided_step(
    state: TwoSided, n: int, p: Sequence[Any], tau: Sequence[Any], degree: int, symmetric: bool
) -> TwoSided:
    """T of E[W^i C W^j], by (2), of total degree ``degree`` = i + j before the step."""
    zero = p[0]
    direct: defaultdict[tuple[int, int], Any] = defaultdict(lambda: zero)
    crossed = direct if symmetric else defaultdict(lambda: zero)
    scalar: defaultdict[int, Any] = defaultdict(lambda: zero)
    for terms, same, other in ((state.direct, direct, crossed), (state.crossed, crossed, direct)):
        for (a, b), c in terms.items():
            for power, term in on_left_power(a, c, n, p, degree - a - b):
                same[power, b] += term
            for q in range(b):
                other[q + 1, a + b - q] += c
                scalar[b - q] += tau[a + q + 1] * c
    for b, c in state.scalar.items():
        for power, term in on_left_power(b, c, n, p, degree - b):
            scalar[power] += term
        for r in range(1, degree - b + 1):
            if derivative := c.derivative(len(p) - 2 + r):
                for q in range(r):
                    direct[r - q, q + 1 + b] += derivative
                    crossed[q + 1, r - q + b] += derivative
    return TwoSided(dict(direct), {} if symmetric else dict(crossed), dict(scalar))
