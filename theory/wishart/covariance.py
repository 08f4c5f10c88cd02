r"""Moments of W = XXᵀ, X d × n with i.i.d. N(0, Σ) columns, for any covariance Σ.

Written in p_r = tr Σ^r. Two routes:

*An operator.* The density of W gives, for every function G of W, matrices held fixed in it included,
E[W G] = T E[G] with T H = nΣH + 2 Σ (∂_Σ Σ) H, the derivative of Σ acting on H ([1], [2]: Stein's
identity). On the functions that occur,

    T(Σ^i p_ν) = (n+i) Σ^{i+1} p_ν + Σ_{m=1..i} p_m Σ^{i+1−m} p_ν + Σ_{r∈ν} 2r Σ^{i+r+1} p_{ν∖r}.       (1)

Two-sided moments E[W^i C W^j]: :mod:`icl_claims.theory.wishart.two_sided`.

Why: :mod:`icl_claims.theory.derivations.wishart_covariance_operator`.

All coefficients are positive, polynomials in n. The formulas hold unchanged for d = 1, n < d and singular Σ.

*Near-hooks* (:mod:`icl_claims.theory.wishart.near_hooks`) give the one-sided moments in O(k²) terms, where (1) has as
many as there are partitions: it is the way taken for one trace and for E W^j.

References:
    [1] C. Stein (1981), Ann. Statist. 9, 1135–1151. [2] L. R. Haff (1979), J. Multivariate Anal. 9, 531–544.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from operator import mul
from types import MappingProxyType
from typing import Any

from flint import Ordering, fmpq, fmpq_mat, fmpq_poly, fmpz, fmpz_mat, fmpz_mpoly_ctx, fmpz_poly

from icl_claims.theory.algebra import exact, validation
from icl_claims.theory.algebra.exact import integer_trace
from icl_claims.theory.algebra.validation import natural
from icl_claims.theory.wishart import near_hooks
from icl_claims.theory.wishart.near_hooks import Partition

LARGEST_ORDER = 200
"""The largest order of a one-sided moment at a given Σ: about a minute, at order 150 ten seconds; 2·200² integers."""

LARGEST_SYMBOLIC_DEGREE = 40
"""The largest degree in power sums: E tr W^40 has p(40) = 37 338 terms, each a polynomial in n (300 MB)."""


def covariance_trace_moment(powers: Sequence[int], covariance: Any = None, context_length: Any = None) -> Any:
    """E ∏_i tr(W^{k_i}) for the powers k_i ≥ 0, in any order.

    Args:
        powers: k_1, …, k_m; none give 1, and a power 0 gives a factor d.
        covariance: Σ, d × d, symmetric positive semidefinite; None leaves the power sums symbols.
        context_length: n ≥ 1, the columns of X; None leaves n a symbol.

    Returns:
        An exact rational where both are given; a polynomial in n (``fmpq_poly``) where Σ is;
        {ν: coefficient of p_ν = ∏ p_{ν_i}} otherwise, the coefficient an integer, or a polynomial in n
        (``fmpz_poly``). Parts 0 of ν stand for powers 0: p_0 = d.

    Raises:
        TypeError, ValueError: an argument is of the wrong type or shape, Σ is not positive semidefinite,
            or the degree Σ k_i exceeds :data:`LARGEST_SYMBOLIC_DEGREE` (:data:`LARGEST_ORDER` for one trace at a
            given Σ and n).

    >>> dict(covariance_trace_moment([2]))
    {(1, 1): x, (2,): x^2 + x}
    >>> covariance_trace_moment([2], [[2, 0], [0, 1]], context_length=3)
    87
    """
    ks = _powers(powers)
    zeros, positive = ks.count(0), tuple(sorted((k for k in ks if k), reverse=True))
    n = None if context_length is None else validation.positive_integer("context_length", context_length)
    sigma = None if covariance is None else validation.semidefinite("covariance", covariance)
    if sigma is not None and n is not None and len(positive) == 1:
        p, unit, _ = integral_powers(positive[0], sigma)
        trace = near_hooks.at_power_sums(positive[0], n, p)[0][-1]
        return trace / unit ** positive[0] * sigma.nrows() ** zeros
    natural("the sum of powers", sum(positive), LARGEST_SYMBOLIC_DEGREE)
    moment = trace_moment_polynomial(positive)
    if sigma is not None:
        return _at_covariance(moment, sigma, n) * sigma.nrows() ** zeros
    values = {
        (*parts, *(0,) * zeros): fmpz_poly(value) if n is None else value(fmpz(n))
        for parts, value in moment.items()
    }
    return MappingProxyType(values)


def power_moment_polynomial(j: int) -> Mapping[tuple[int, Partition], fmpz_poly]:
    """E W^j = Σ c_{i,ν}(n) Σ^i p_ν as {(i, ν): c_{i,ν}}, for j ≤ :data:`LARGEST_SYMBOLIC_DEGREE`.

    From E tr W^j: c_{i,ν} = (i/j) · (multiplicity of i in ν ∪ i) · (coefficient of p_{ν ∪ i}).

    Raises:
        TypeError, ValueError: j is no integer in the range.

    >>> {key: str(value) for key, value in power_moment_polynomial(2).items()}
    {(1, (1,)): 'x', (2, ()): 'x^2 + x'}
    """
    j = natural("j", j, LARGEST_SYMBOLIC_DEGREE)
    if j == 0:
        return MappingProxyType({(0, ()): fmpz_poly([1])})
    found: dict[tuple[int, Partition], fmpz_poly] = {}
    for parts, value in trace_moment_polynomial((j,)).items():
        for i in sorted(set(parts)):
            place = parts.index(i)
            rest = parts[:place] + parts[place + 1 :]
            found[i, rest] = fmpz_poly([c * i * parts.count(i) // j for c in value.coeffs()])
    return MappingProxyType(dict(sorted(found.items())))


def power_moment(j: int, covariance: Any, context_length: Any) -> fmpq_mat:
    """E[W^j], d × d symmetric, exactly, for j ≤ :data:`LARGEST_ORDER`. Arguments as for :func:`power_moments`.

    >>> power_moment(2, [[2, 0], [0, 1]], context_length=3).tolist()
    [[66, 0], [0, 21]]
    """
    return power_moments(j, covariance, context_length, name="j")[-1]


def power_moments(order: int, covariance: Any, context_length: Any, name: str = "order") -> list[fmpq_mat]:
    """E[W^0], E[W^1], …, E[W^order], each d × d symmetric, exactly.

    Args:
        order: from 0 to :data:`LARGEST_ORDER`.
        covariance: Σ, d × d, symmetric positive semidefinite.
        context_length: n ≥ 1, the columns of X.
        name: what error messages call the order.

    Raises:
        TypeError, ValueError: an argument is of the wrong type, shape or range.

    >>> [m.tolist() for m in power_moments(2, [[2]], context_length=3)]
    [[[1]], [[6]], [[60]]]
    """
    top = natural(name, order, LARGEST_ORDER)
    n = validation.positive_integer("context_length", context_length)
    sigma = validation.semidefinite("covariance", covariance)
    size = sigma.nrows()
    p, unit, powers = integral_powers(top, sigma)
    _, rows, denominators = near_hooks.at_power_sums(top, n, p)
    stacked = fmpz_mat([m.entries() for m in powers])
    values = fmpz_mat([row + [fmpz(0)] * (top + 1 - len(row)) for row in rows]) * stacked
    moments = []
    for k, denominator in enumerate(denominators):
        row = [values[k, i] for i in range(size * size)]
        moments.append(fmpq_mat(fmpz_mat(size, size, row)) / (denominator * unit**k))
    return moments


def integral_powers(order: int, sigma: fmpq_mat) -> tuple[list[fmpz], fmpz, list[fmpz_mat]]:
    """With u the common denominator of Σ: tr (uΣ)^r for 1 ≤ r ≤ order; u; (uΣ)^r for r ≤ order."""
    scaled, unit = sigma.numer_denom()
    powers = [exact.identity(sigma.nrows()).numer_denom()[0]]
    for _ in range(order):
        powers.append(powers[-1] * scaled)
    return [integer_trace(m) for m in powers[1:]], unit, powers


def _powers(powers: Any) -> list[int]:
    entries = powers.tolist() if hasattr(powers, "tolist") else powers
    if not isinstance(entries, Sequence) or isinstance(entries, str | bytes):
        raise TypeError(f"powers must be a sequence of integers ≥ 0, got {powers!r}")
    return [natural(f"powers[{i}]", k, LARGEST_ORDER) for i, k in enumerate(entries)]


def _at_covariance(moment: Mapping[Partition, fmpz_poly], sigma: fmpq_mat, n: int | None) -> Any:
    """The value at a given Σ: of type ``fmpq``, or ``fmpq_poly`` where n is a symbol."""
    order = max((parts[0] for parts in moment if parts), default=0)
    sums, unit, _ = integral_powers(order, sigma)
    p = [fmpq(sigma.nrows())] + [fmpq(x, unit**r) for r, x in enumerate(sums, 1)]
    total: Any = fmpq_poly([0]) if n is None else fmpq(0)
    for parts, value in moment.items():
        product = fmpq(1)
        for r in parts:
            product *= p[r]
        total += product * (fmpq_poly(value) if n is None else value(fmpz(n)))
    return total


@lru_cache(maxsize=8)
def trace_moment_polynomial(powers: Partition) -> Mapping[Partition, fmpz_poly]:
    """{ν: coefficient of p_ν, a polynomial in n} of E ∏ tr W^{k_i}, for falling powers k_i ≥ 1.

    One trace by near-hooks, several by :func:`by_operator`.
    """
    if len(powers) == 1:
        return MappingProxyType(near_hooks.in_power_sums(powers[0]))
    return MappingProxyType(by_operator(powers))


def by_operator(powers: Partition) -> dict[Partition, fmpz_poly]:
    """The same by the operator (1) alone: E[tr W^k · p_ρ(W)] = tr T^k E[p_ρ(W)], trace after trace.

    >>> by_operator((2,)) == dict(trace_moment_polynomial((2,)))
    True
    """
    degree = sum(powers)
    ring = fmpz_mpoly_ctx.get((*(f"p{r}" for r in range(1, degree + 1)), "n"), Ordering.lex)
    *sums, n = ring.gens()
    p = [ring.constant(0), *sums]
    moment, reached = ring.constant(1), 0
    for k in sorted(powers):
        state = [moment]
        for _ in range(k):
            state = one_sided_step(state, n, p, reached)
            reached += 1
        moment = sum(map(mul, p, state), ring.constant(0))
    found: defaultdict[Partition, list[int]] = defaultdict(lambda: [0] * (degree + 1))
    for exponents, value in moment.to_dict().items():
        parts = tuple(r for r in range(degree, 0, -1) for _ in range(exponents[r - 1]))
        found[parts][exponents[degree]] = int(value)
    return {parts: fmpz_poly(values) for parts, values in found.items()}


def on_left_power(i: int, c: Any, n: Any, p: Sequence[Any], degree: int) -> Iterator[tuple[int, Any]]:
    """The terms (power, polynomial) of T(Σ^i c …), by (1), c a polynomial in p of degree ≤ ``degree``."""
    yield i + 1, (n + i) * c
    for m in range(1, i + 1):
        yield i + 1 - m, p[m] * c
    for r in range(1, degree + 1):
        if derivative := c.derivative(r - 1):
            yield i + r + 1, 2 * r * derivative


def one_sided_step(state: Sequence[Any], n: Any, p: Sequence[Any], degree: int) -> list[Any]:
    """T of Σ_i Σ^i state[i], by (1), of total degree ``degree`` before the step."""
    image = [p[0]] * (degree + 2)
    for i, c in enumerate(state):
        if c:
            for power, term in on_left_power(i, c, n, p, degree - i):
                image[power] += term
    return image
