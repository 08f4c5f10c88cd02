"""Gradient descent in context on the whitened task: its loss, and the variance of sampled losses.

On the task Ω = Σ⁻¹, σ² = 0, layers with A_l = a_l Σ⁻¹ leave the error e = wᵀ R x_q in whitened
coordinates (w, x_q and the columns of X standard normal), with

    R = ∏_l (I − a_l S),   S = XXᵀ/n,   loss f = E e² = E tr R².

Two unbiased estimators of f from one prompt: e² itself, and tr R² = E[e² | X], which leaves out the
randomness of w and x_q. Both are heavy-tailed, so their variance is taken from exact moments.
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

from theory.attention import X_QUERY, W, X
from theory.gaussian import expectation
from theory.words import FIELD, Word, Words, eye, letter

RESIDUAL = letter("R", "d", "d", symmetric=True)
"""R, the residual operator of a context."""


@cache
def trace_moment(powers: tuple[int, ...]) -> FracElement:
    """E ∏_i tr(W^{k_i}) for W = XXᵀ, X d × n standard normal: a polynomial in d and n.

    Raises:
        ValueError: a power is negative.

    >>> trace_moment((2,)).as_expr()
    d**2*n + d*n**2 + d*n
    """
    if any(k < 0 for k in powers):
        raise ValueError(f"powers must be integers ≥ 0, got {powers}")
    wishart = X @ X.T
    traces = [reduce(Words.__matmul__, [wishart] * k, eye("d")).trace() for k in powers]
    mean = expectation(reduce(mul, traces), X, eye("d"))
    return mean.terms.get(((), ()), FIELD.zero)


def at_sizes(value: FracElement, dim: int, context_length: int) -> fmpq:
    """An element of ℚ(n, d) at given sizes.

    >>> at_sizes(trace_moment((2,)), dim=2, context_length=3)
    36
    """
    sizes = {"n": context_length, "d": dim}
    point = [sizes.get(str(x), 0) for x in FIELD.gens]
    ratio = value.numer(*point) / value.denom(*point)
    return fmpq(int(ratio.numerator), int(ratio.denominator))


@cache
def error_moment(order: int) -> Words:
    """E[eᵒʳᵈᵉʳ | X] over w and x_q, for e = wᵀ R x_q: a polynomial in traces of powers of R.

    >>> error_moment(2)
    (1) tr(R R)
    """
    error = W.T @ RESIDUAL @ X_QUERY
    power = reduce(mul, [error] * order)
    return expectation(expectation(power, X_QUERY, eye("d")), W, eye("d"))


def loss(steps: Sequence[fmpq], dim: int, context_length: int) -> fmpq:
    """f = E e², exactly.

    >>> loss([fmpq(5, 8)], dim=2, context_length=5)
    3/4
    """
    return _over_contexts(error_moment(2), steps, dim, context_length)


def context_variance(steps: Sequence[fmpq], dim: int, context_length: int) -> fmpq:
    """Var E[e² | X], exactly: of the loss of one context with w and x_q averaged out.

    >>> context_variance([fmpq(5, 8)], dim=2, context_length=5)
    25/128
    """
    given_context = error_moment(2)
    second = _over_contexts(given_context * given_context, steps, dim, context_length)
    return second - loss(steps, dim, context_length) ** 2


def squared_error_variance(steps: Sequence[fmpq], dim: int, context_length: int) -> fmpq:
    """Var e², exactly: of the squared error of one prompt, over all its randomness.

    >>> squared_error_variance([fmpq(0)], dim=1, context_length=3)
    8
    """
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
