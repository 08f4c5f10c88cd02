"""An independent route: the loss of given steps and its variances, multiplied out in words of matrices.

With e = wᵀ R x_q, R = ∏_l (I − a_l W/n) and W = XXᵀ, the moments E eᵏ are averaged over x_q, w and X one
after the other by :mod:`icl_claims.theory.algebra.gaussian`: no recurrence, no orthogonal polynomial, no
Pfaffian, and no formula for E[e⁴ | X] typed by hand. Good for a few steps.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import cache, reduce
from itertools import product
from math import prod
from operator import mul

from flint import fmpq, fmpq_poly
from sympy.polys.fields import FracElement

from icl_claims.theory.algebra.gaussian import expectation
from icl_claims.theory.algebra.words import FIELD, Word, Words, eye, letter
from icl_claims.theory.transformer.attention import X_QUERY, W, X

RESIDUAL = letter("R", "d", "d", symmetric=True)


@cache
def trace_moment(powers: tuple[int, ...]) -> FracElement:
    """E ∏_i tr(W^{k_i}), a polynomial in d and n."""
    wishart = X @ X.T
    traces = [reduce(Words.__matmul__, [wishart] * k, eye("d")).trace() for k in powers]
    mean = expectation(reduce(mul, traces), X, eye("d"))
    return mean.terms.get(((), ()), FIELD.zero)


def at_sizes(value: FracElement, dim: int, context_length: int) -> fmpq:
    """An element of ℚ(n, d) at given sizes."""
    sizes = {"n": context_length, "d": dim}
    point = [sizes.get(str(x), 0) for x in FIELD.gens]
    ratio = value.numer(*point) / value.denom(*point)
    return fmpq(int(ratio.numerator), int(ratio.denominator))


@cache
def error_moment(order: int) -> Words:
    """E[eᵒʳᵈᵉʳ | X], a polynomial in traces of powers of R."""
    error = W.T @ RESIDUAL @ X_QUERY
    power = reduce(mul, [error] * order)
    return expectation(expectation(power, X_QUERY, eye("d")), W, eye("d"))


def loss(steps: Sequence[fmpq], dim: int, context_length: int) -> fmpq:
    """E e²."""
    return _over_contexts(error_moment(2), steps, dim, context_length)


def context_variance(steps: Sequence[fmpq], dim: int, context_length: int) -> fmpq:
    """Var E[e² | X]."""
    given_context = error_moment(2)
    second = _over_contexts(given_context * given_context, steps, dim, context_length)
    return second - loss(steps, dim, context_length) ** 2


def squared_error_variance(steps: Sequence[fmpq], dim: int, context_length: int) -> fmpq:
    """Var e²."""
    fourth = _over_contexts(error_moment(4), steps, dim, context_length)
    return fourth - loss(steps, dim, context_length) ** 2


def _over_contexts(polynomial: Words, steps: Sequence[fmpq], dim: int, context_length: int) -> fmpq:
    """E over X of a polynomial in traces of powers of R = ∏ (I − a_l S)."""
    residual = prod((fmpq_poly([1, -step / context_length]) for step in steps), start=fmpq_poly([1]))

    def mean(traces: Sequence[Word]) -> fmpq:
        """E ∏ tr(R^k), each R^k expanded in powers of W."""
        expanded = [list(enumerate((residual ** len(word)).coeffs())) for word in traces]
        moments: defaultdict[tuple[int, ...], fmpq] = defaultdict(fmpq)
        for choice in product(*expanded):
            moments[tuple(sorted(k for k, _ in choice))] += prod((c for _, c in choice), start=fmpq(1))
        return sum((c * at_sizes(trace_moment(k), dim, context_length) for k, c in moments.items()), fmpq(0))

    return sum(
        (at_sizes(c, dim, context_length) * mean(traces) for (traces, _), c in polynomial.terms.items()),
        fmpq(0),
    )
