"""E tr W^k for all k at once, by a five-term recurrence.

W = XXᵀ with X d × n of standard normal entries. With s = d + n and p = dn, the moments m_k = E tr W^k
satisfy, for every k ≥ 4 and all d, n ≥ 1,

    (k + 1) m_k − (4k − 1)(s − 1) m_{k−1}
      + [−5k³ + 16k² − 13k + 1 + (12 − 8k)p + (6k − 9)s² + (12 − 8k)s] m_{k−2}
      + (s − 1)[10k³ − 68k² + 150k − 107 + (16k − 44)p + (11 − 4k)s²] m_{k−3}
      + (k − 4)[(k − 2)² − (d − n)²][(2k − 7)² − (d − n)²] m_{k−4} = 0.

It is derived in :mod:`icl_claims.theory.derivations.wishart_trace_recurrence`, from the density of the
eigenvalues. The start m_1, m_2, m_3 is what integration by parts gives (:mod:`icl_claims.theory.wishart.partitions`);
m_0 = d enters no later moment.

References:
    [1] M. Ledoux (2009), A recursion formula for the moments of the Gaussian orthogonal ensemble,
        Ann. Inst. H. Poincaré Probab. Statist. 45, 754–769: the five-term recurrence of the Gaussian case.
    [2] A. A. Rahman, P. J. Forrester (2021), Linear differential equations for the resolvents of the
        classical matrix ensembles, Random Matrices Theory Appl. 10, 2250003 (arXiv:1908.04963): the
        fifth-order equation of the Laguerre orthogonal ensemble.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from flint import fmpq

from icl_claims.theory.algebra.validation import natural
from icl_claims.theory.wishart.sizes import SCALED_RING, integer, sizes, sum_and_product

LARGEST_ORDER = 2000
"""The largest order at given sizes; the list then takes 14 ms and a few megabytes."""

LARGEST_SYMBOLIC_ORDER = 150
"""The largest order with a symbolic size: half a second, 100 MB, polynomials of up to 11 000 terms."""


def recurrence(s: Any, p: Any, unit: Any = 1) -> Callable[[Any], tuple[Any, Any, Any, Any, Any]]:
    """k ↦ the coefficients (c_0, …, c_4) of Σ_j c_j m_{k−j} = 0.

    They are homogeneous of degree j in (s, √p, unit): with s, √p and 1 all multiplied by t they belong to
    the moments of tW. So s/n, p/n² and ``unit`` = 1/n give the recurrence for S = W/n. The argument k may
    be an element of a ring as well.
    """
    e, u2, s2 = s - unit, unit * unit, s * s
    difference = s2 - 4 * p

    def coefficients(k: Any) -> tuple[Any, Any, Any, Any, Any]:
        return (
            k + 1,
            (1 - 4 * k) * e,
            (((16 - 5 * k) * k - 13) * k + 1) * u2 + (12 - 8 * k) * (p + s * unit) + (6 * k - 9) * s2,
            e * ((((10 * k - 68) * k + 150) * k - 107) * u2 + (16 * k - 44) * p + (11 - 4 * k) * s2),
            (k - 4) * ((k - 2) ** 2 * u2 - difference) * ((2 * k - 7) ** 2 * u2 - difference),
        )

    return coefficients


def start(m1: Any, s: Any, p: Any, unit: Any = 1) -> tuple[Any, Any, Any]:
    """(m_1, m_2, m_3), with s, p and ``unit`` as in :func:`recurrence`."""
    return m1, m1 * (s + unit), m1 * (s * s + p + 3 * s * unit + 4 * unit * unit)


def _solution(m0: Any, m1: Any, s: Any, p: Any, unit: Any = 1) -> Iterator[Any]:
    """m_0, m_1, m_2, … without end; four of them are held at a time."""
    first = (m0, *start(m1, s, p, unit))
    last = deque(first, maxlen=4)
    yield from first
    coefficients = recurrence(s, p, unit)
    k = 4
    while True:
        c0, c1, c2, c3, c4 = coefficients(k)
        lag4, lag3, lag2, lag1 = last
        # Exact: moments are integers, or polynomials with integer coefficients.
        last.append(-(c1 * lag1 + c2 * lag2 + c3 * lag3 + c4 * lag4) // c0)
        yield last[-1]
        k += 1


def trace_moments(order: int, dim: int | None = None, context_length: int | None = None) -> list[Any]:
    """[m_0, …, m_order] with m_k = E tr W^k, W = XXᵀ, X of d × n independent standard normal entries.

    Args:
        order: the largest k, up to :data:`LARGEST_ORDER`, or :data:`LARGEST_SYMBOLIC_ORDER` if a size is None.
        dim: d ≥ 1, or None for a symbol.
        context_length: n ≥ 1, or None for a symbol; n < d is allowed.

    Returns:
        ``fmpz`` numbers; where a size is None, polynomials of :data:`~icl_claims.theory.wishart.RING` = ℤ[d, n].

    The recurrence of :mod:`icl_claims.theory.wishart.recurrence`: O(1) operations for each moment.

    Raises:
        TypeError, ValueError: an argument is no integer of its range.

    >>> trace_moments(4, dim=2, context_length=3)
    [2, 6, 36, 300, 3120]
    >>> trace_moments(2)
    [d, d*n, d^2*n + d*n^2 + d*n]
    """
    d, n = sizes(dim, context_length)
    order = natural("order", order, largest_order(dim, context_length))
    return [integer(m) for m in islice(_solution(d, d * n, d + n, d * n), order + 1)]


def single_trace_moment(k: int, dim: int | None = None, context_length: int | None = None) -> Any:
    """m_k = E tr W^k alone, k ≥ 1; arguments, result and errors as in :func:`trace_moments`."""
    d, n = sizes(dim, context_length)
    k = natural("k", k, largest_order(dim, context_length))
    s, p, back = sum_and_product(d, n)
    if k == 0:
        return integer(d)
    return back(next(islice(_solution(0, p, s, p), k, None)))


def spectral_moments(order: int, dim: int | None = None, context_length: int | None = None) -> list[Any]:
    """[E tr S^0, …, E tr S^order] for S = W/n: the moments of the expected spectral measure of S.

    E tr S^k = n^{−k} E tr W^k; the total mass is d.

    Args:
        order, dim, context_length: as in :func:`trace_moments`, except that d cannot stay a symbol where
            n is a number.

    Returns:
        ``fmpq`` numbers at given sizes; with a symbolic n, polynomials of
        :data:`~icl_claims.theory.wishart.SCALED_RING` = ℤ[d, 1/n], because E tr W^k has degree k in n.

    Raises:
        TypeError, ValueError: an argument is no integer of its range.

    >>> spectral_moments(3, dim=2, context_length=3)
    [2, 2, 4, 100/9]
    >>> spectral_moments(2)
    [d, d, d^2*(1/n) + d*(1/n) + d]
    """
    d, n = sizes(dim, context_length)
    order = natural("order", order, largest_order(dim, context_length))
    if isinstance(n, int):
        if dim is None:
            raise ValueError(f"dim must be an integer where context_length is one, got None beside {n}")
        return [fmpq(m, n**k) for k, m in enumerate(islice(_solution(d, d * n, d + n, d * n), order + 1))]
    symbol, unit = SCALED_RING.gens()
    d = symbol if dim is None else d
    # In S = W/n: E tr S = d, s/n = d/n + 1 and p/n² = d/n.
    return [integer(m) for m in islice(_solution(d, d, d * unit + 1, d * unit, unit), order + 1)]


def largest_order(dim: int | None, context_length: int | None) -> int:
    """:data:`LARGEST_ORDER`, or :data:`LARGEST_SYMBOLIC_ORDER` if a size is a symbol."""
    return LARGEST_SYMBOLIC_ORDER if dim is None or context_length is None else LARGEST_ORDER
