"""E ∏ tr W^{k_i} for any powers k_i, by integration by parts on partitions.

W = XXᵀ with X d × n of independent standard normal entries. Stein's identity E[x f(x)] = E[f′(x)], used
on one X of tr W^k and with R = ∏ tr W^{r_i} beside it, gives

    E tr W^k R = (d + n + k − 1) E tr W^{k−1} R + Σ_{j=1}^{k−2} E tr W^j tr W^{k−1−j} R
                 + Σ_i 2 r_i E tr W^{k+r_i−1} R/tr W^{r_i}                               (k ≥ 2),
    E tr W R   = (dn + 2 Σ_i r_i) E R.

The total degree falls by one, so the states are partitions, worked through degree by degree from the
bottom: no recursion, and only the last four degrees are held. Two things keep their number small.
Factors tr W are taken out in closed form, so that states are partitions without ones; and the identity
is used on the *smallest* power, which leaves it as few terms and few states as can be: 488 for tr W^30, where
the largest power would need 2277, and there are 5604 partitions of 30. One pass serves many products.

References:
    [1] C. Stein (1981), Estimation of the mean of a multivariate normal distribution, Ann. Statist. 9.
    [2] G. Letac, H. Massam (2004), All invariant moments of the Wishart distribution, Scand. J. Statist. 31,
        295–318: the same moments by other means.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from math import prod
from typing import Any

from icl_claims.theory.algebra.validation import natural_powers
from icl_claims.theory.wishart.recurrence import LARGEST_ORDER, largest_order, single_trace_moment
from icl_claims.theory.wishart.sizes import integer, sizes, sum_and_product

LARGEST_DEGREE = 64
"""The largest Σ k_i over powers k_i ≥ 2, where there are several, at given sizes: about 1 s and 40 MB."""

LARGEST_SYMBOLIC_DEGREE = 48
"""The same with a symbolic size: about 2 s and 130 MB."""

State = tuple[int, ...]
"""Powers ≥ 2 in ascending order: a product of traces, factors tr W apart."""


def trace_moment(powers: Sequence[int], dim: int | None = None, context_length: int | None = None) -> Any:
    """E ∏_i tr(W^{k_i}), W = XXᵀ, X of d × n independent standard normal entries.

    Args:
        powers: k_1, k_2, … ≥ 0 in any order. tr W^0 = d; the empty product is 1. Several powers ≥ 2 may
            sum to :data:`LARGEST_DEGREE`, or :data:`LARGEST_SYMBOLIC_DEGREE` if a size is None; one power and any
            number of ones to :data:`~icl_claims.theory.wishart.recurrence.LARGEST_ORDER` or ``LARGEST_SYMBOLIC_ORDER``.
        dim: d ≥ 1, or None for a symbol.
        context_length: n ≥ 1, or None for a symbol; n < d is allowed.

    Returns:
        An ``fmpz``; where a size is None, a polynomial of :data:`~icl_claims.theory.wishart.RING` = ℤ[d, n].

    Source: integration by parts, as in the module's docstring; a single power ≥ 2 by the recurrence of
    :mod:`icl_claims.theory.wishart.recurrence`. Nothing is kept between calls.

    Raises:
        TypeError: ``powers`` is no sequence of integers, or a size is no integer.
        ValueError: a power is negative, a size below 1, or the degree too large.

    >>> trace_moment([2, 1], dim=2, context_length=3)
    360
    >>> trace_moment([2, 1])
    d^3*n^2 + d^2*n^3 + d^2*n^2 + 4*d^2*n + 4*d*n^2 + 4*d*n
    >>> trace_moment([2, 0], context_length=1)
    d^3 + 2*d^2
    """
    return _moments([natural_powers("powers", powers, LARGEST_ORDER)], dim, context_length)[0]


def trace_moment_list(
    products: Iterable[Sequence[int]], dim: int | None = None, context_length: int | None = None
) -> list[Any]:
    """:func:`trace_moment` of several products; those with several powers ≥ 2 share one pass.

    >>> trace_moment_list([[2, 2], [3], []], dim=1, context_length=1)
    [105, 15, 1]
    """
    asked = [natural_powers(f"products[{i}]", ks, LARGEST_ORDER) for i, ks in enumerate(products)]
    return _moments(asked, dim, context_length)


def _moments(asked: list[tuple[int, ...]], dim: int | None, context_length: int | None) -> list[Any]:
    d, n = sizes(dim, context_length)
    cores = [_core(ks) for ks in asked]
    symbolic = dim is None or context_length is None
    for ks, core in zip(asked, cores, strict=True):
        _check_degree(ks, largest_order(dim, context_length), symbolic)
        if len(core) > 1:
            _check_degree(core, LARGEST_SYMBOLIC_DEGREE if symbolic else LARGEST_DEGREE, symbolic)
    s, p, back = sum_and_product(d, n)
    one = 1 if isinstance(s, int) else s**0
    passed = by_parts({core for core in cores if len(core) > 1}, s, p, one)
    results = []
    for ks, core in zip(asked, cores, strict=True):
        if len(core) == 1:
            moment = single_trace_moment(core[0], dim, context_length)
        else:
            moment = back(passed[core] if core else one)
        ones = prod((d * n + 2 * (sum(core) + i) for i in range(ks.count(1))), start=moment)
        results.append(integer(ones * d ** ks.count(0)))
    return results


def by_parts(products: Iterable[State], s: Any, p: Any, one: Any) -> dict[State, Any]:
    """The moments of products of traces, by the two identities above alone.

    Args:
        products: states, hence without powers 0 and 1.
        s: d + n, a number or an element of a ring.
        p: dn, likewise.
        one: the 1 to start from, likewise.
    """
    wanted = set(products)
    degrees = _needed(wanted)
    factors = [p + 2 * m for m in range(len(degrees))]
    held: list[dict[State, Any]] = [{(): one}]
    found = {state: one for state in wanted if not state}
    for states in degrees[1:]:
        values = {}
        for state in states:
            total = 0
            for coefficient, core, ones in _terms(state, s):
                degree = sum(core)
                value = held[degree][core]
                for m in range(degree, degree + ones):
                    value = value * factors[m]
                total += value * coefficient
            values[state] = total
        held.append(values)
        if len(held) > 3:
            # A state leads to degrees one, two and three below, by at most two factors tr W.
            held[-4] = {}
        found.update((state, values[state]) for state in wanted & values.keys())
    return found


def _needed(wanted: Iterable[State]) -> list[set[State]]:
    """All states on the way down, by degree."""
    top = max(map(sum, wanted), default=0)
    degrees: list[set[State]] = [set() for _ in range(top + 1)]
    for state in wanted:
        degrees[sum(state)].add(state)
    for states in reversed(degrees[1:]):
        for state in states:
            for _, core, _ in _terms(state, 0):
                degrees[sum(core)].add(core)
    return degrees


def _terms(state: State, s: Any) -> Iterator[tuple[Any, State, int]]:
    """What E of a state of degree ≥ 2 is: the sum of coefficient · E[core · (tr W)^ones]."""
    k, others = state[0], state[1:]
    yield s + (k - 1), *_stripped((k - 1, *others))
    for j in range(1, (k - 1) // 2 + 1):
        if k - 1 - j >= j:
            yield 2 - (2 * j == k - 1), *_stripped((j, k - 1 - j, *others))
    at = 0
    for r, equal in groupby(others):
        count = len(list(equal))
        yield 2 * r * count, *_stripped((*others[:at], *others[at + 1 :], k + r - 1))
        at += count


def _stripped(ks: State) -> tuple[State, int]:
    core = _core(ks)
    return core, len(ks) - len(core)


def _core(ks: Iterable[int]) -> State:
    return tuple(sorted(k for k in ks if k > 1))


def _check_degree(ks: tuple[int, ...], most: int, symbolic: bool) -> None:
    if sum(ks) > most:
        where = " where a size is a symbol" if symbolic else ""
        if len(_core(ks)) > 1:
            where = f" over several powers ≥ 2{where}"
        shown = str(ks) if len(ks) <= 20 else f"{len(ks)} powers"
        raise ValueError(f"powers must sum to at most {most}{where}, got {shown} of sum {sum(ks)}")
