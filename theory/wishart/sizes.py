"""The sizes d and n, as integers or as symbols, and the rings that results live in.

A function of the engine takes ``dim`` = d and ``context_length`` = n. An integer gives numbers, None
leaves the size as a symbol: the same code then computes with a generator of :data:`RING` in place of
the integer, so there is no second formula for the symbolic case.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flint import Ordering, fmpz, fmpz_mpoly_ctx

from icl_claims.theory.algebra.validation import positive_integer

RING = fmpz_mpoly_ctx.get(("d", "n"), Ordering.degrevlex)
"""ℤ[d, n], which the symbolic moments of W belong to."""

SCALED_RING = fmpz_mpoly_ctx.get(("d", "(1/n)"), Ordering.degrevlex)
"""ℤ[d, 1/n], which the symbolic moments of S = W/n belong to."""

_SYMMETRIC_RING = fmpz_mpoly_ctx.get(("s", "p"), Ordering.degrevlex)


def sizes(dim: Any, context_length: Any) -> tuple[Any, Any]:
    """(d, n): each an int, or the generator of :data:`RING` where the argument is None.

    Raises:
        TypeError, ValueError: an argument is neither None nor an integer ≥ 1.
    """
    d, n = RING.gens()
    return (
        d if dim is None else positive_integer("dim", dim),
        n if context_length is None else positive_integer("context_length", context_length),
    )


def sum_and_product(d: Any, n: Any) -> tuple[Any, Any, Callable[[Any], Any]]:
    """s = d + n and p = dn to compute with, and the map that brings results back.

    E ∏ tr W^{k_i} with all k_i ≥ 1 is symmetric in d and n, because XXᵀ and XᵀX have the same traces:
    it is a polynomial in s and p. Where both sizes are symbols, s and p are symbols of their own, which
    halves the number of terms; the map back composes.
    """
    if isinstance(d, int) or isinstance(n, int):
        return d + n, d * n, integer
    s, p = _SYMMETRIC_RING.gens()
    return s, p, lambda polynomial: polynomial.compose(d + n, d * n)


def integer(value: Any) -> Any:
    """An int as ``fmpz``; polynomials as they are."""
    return fmpz(value) if isinstance(value, int) else value


def in_ring(moment: Any, dim: Any, context: Any) -> Any:
    """A symbolic moment at elements of another commutative ring: Σ c d^i x^j, over its terms c d^i x^j.

    Args:
        moment: in :data:`RING`, where x is n, or in :data:`SCALED_RING`, where x is 1/n.
        dim: the element for d.
        context: the element for x, n or 1/n.

    >>> d, n = RING.gens()
    >>> in_ring(d * n**2 - 3 * d, fmpz(2), fmpz(5))
    44
    """
    terms = (int(c) * dim ** int(i) * context ** int(j) for (i, j), c in moment.to_dict().items())
    return sum(terms, start=0 * dim)
