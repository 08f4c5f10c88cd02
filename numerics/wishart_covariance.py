r"""Moments of W = XXᵀ in float64, X d × n with N(0, Σ) columns, each with a bound on its error.

The closed forms of :mod:`icl_claims.theory.wishart` in Σ, in p_r = tr Σ^r and in given matrices, every coefficient
positive. So rounding is governed by one principle: where an expression of sums and products passes at most m
roundings on the way of each of its terms, the computed value differs from the exact one by at most

    γ_m · (the same expression with every input replaced by its absolute value),   γ_m = m u/(1 − m u),

u = 2^{−53} ([1], Lemma 3.1 and §3.5: products of matrices in any order of summation, with or without
fused operations). Where all inputs are ≥ 0 this is a bound on the relative error. It supposes that nothing
overflows or underflows.

References:
    [1] N. J. Higham (2002), Accuracy and Stability of Numerical Algorithms, 2nd ed.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import fsum
from typing import Any, NamedTuple

import numpy as np
from flint import fmpz
from numpy.typing import ArrayLike, NDArray

from icl_claims.numerics.rounding import nearest
from icl_claims.theory.algebra import validation
from icl_claims.theory.algebra.validation import natural
from icl_claims.theory.many_layers import looped_loss as exact_loss
from icl_claims.theory.task import RegressionTask
from icl_claims.theory.wishart import covariance as exact_moments
from icl_claims.theory.wishart import matrix_words, near_hooks

Array = NDArray[np.float64]

UNIT_ROUNDOFF = 2.0**-53


class Bounded(NamedTuple):
    """Computed values and, entry by entry, a bound on their error."""

    value: Array
    error: Array


def gamma(roundings: int) -> float:
    """γ_m = m u/(1 − m u), rounded up: the relative effect of at most m roundings.

    Raises:
        ValueError: m u ≥ 1/2.

    >>> 1e-16 < gamma(1) < 1.2e-16
    True
    """
    if not 0 <= roundings < 2**52:
        raise ValueError(f"roundings must be from 0 to 2^52 − 1, got {roundings}")
    share = roundings * UNIT_ROUNDOFF
    return float(np.nextafter(np.nextafter(share / (1 - share), 1), 1))


def power_moments(order: int, covariance: ArrayLike, context_length: int) -> Bounded:
    """E[W^0], …, E[W^order] in float64.

    E W^k = Σ_r P_k[r] Σ^r, with P_k[r] a polynomial in the power sums with positive coefficients. The power
    sums are computed in float64, the P_k at them exactly (:func:`icl_claims.theory.wishart.near_hooks.at_power_sums`,
    whose terms have both signs) and rounded once, the rest in float64.

    Roundings on the way of a term of E W^k: at most d for each factor Σ, of which it has k, one for each
    p_r, which the d of that factor's first power leave room for, one for P_k[r], k for the sum over r; so

        |error| ≤ γ_m · E W^k at |Σ|,   m = k (d + 1) + 1.

    Args:
        order: from 0 to :data:`icl_claims.theory.wishart.covariance.LARGEST_ORDER`.
        covariance: Σ, d × d, symmetric; or its d eigenvalues, for the moments' eigenvalues (with d = 1 in m).
        context_length: n ≥ 1.

    Returns:
        value and error, each (order + 1) × d × d; or (order + 1) × d for eigenvalues.

    Raises:
        TypeError, ValueError: an argument is of the wrong type or shape, Σ is not symmetric, or not finite.
        OverflowError: a moment exceeds the range of float64.

    >>> power_moments(2, [[2.0]], context_length=3).value.ravel().tolist()
    [1.0, 6.0, 60.0]
    """
    top = natural("order", order, exact_moments.LARGEST_ORDER)
    n = validation.positive_integer("context_length", context_length)
    sigma = _finite("covariance", covariance)
    if sigma.ndim not in (1, 2) or not sigma.size or sigma.shape[0] != sigma.shape[-1]:
        raise ValueError(f"covariance must be d × d, or d eigenvalues, got the shape {sigma.shape}")
    if sigma.ndim == 2 and not np.array_equal(sigma, sigma.T):
        raise ValueError("covariance must be symmetric")
    with np.errstate(over="ignore", invalid="ignore"):
        value = _in_range(_power_moments(top, sigma, n))
        magnitude = value if (sigma >= 0).all() else _in_range(_power_moments(top, np.abs(sigma), n))
    width = 1 if sigma.ndim == 1 else len(sigma)
    factors = np.array([_a_posteriori(k * (width + 1) + 1) for k in range(top + 1)])
    factors[0] = 0
    return Bounded(value, magnitude * factors.reshape(-1, *[1] * sigma.ndim))


def _power_moments(order: int, sigma: Array, n: int) -> Array:
    diagonal = sigma.ndim == 1
    powers = [np.ones_like(sigma) if diagonal else np.eye(len(sigma))]
    for _ in range(order):
        powers.append(powers[-1] * sigma if diagonal else powers[-1] @ sigma)
    sums = [fsum(m if diagonal else np.diagonal(m)) for m in map(_in_range, powers[1:])]
    coefficients = _coefficients(order, n, sums)
    flat = np.stack(powers).reshape(order + 1, -1)
    return (coefficients @ flat).reshape(order + 1, *sigma.shape)


def _coefficients(order: int, n: int, sums: Sequence[float]) -> Array:
    """P_k[r] at floats, each rounded once from its exact value; lower triangular."""
    ratios = [x.as_integer_ratio() for x in sums]
    # the least 2^s with p_r 2^{sr} integral for all r
    shift = max((-(-(q.bit_length() - 1) // r) for r, (_, q) in enumerate(ratios, 1)), default=0)
    scaled = [fmpz((p << shift * r) // q) for r, (p, q) in enumerate(ratios, 1)]
    _, rows, denominators = near_hooks.at_power_sums(order, n, scaled)
    values = np.zeros((order + 1, order + 1))
    for k in range(order + 1):
        denominator = int(denominators[k])
        for r in range(k + 1):
            values[k, r] = int(rows[k][r]) / (denominator << shift * (k - r))
    return values


def two_sided_moments(order: int, middle: ArrayLike, covariance: ArrayLike, context_length: int) -> Array:
    """E[W^i C W^j] at [i, j] for i, j ≤ order, each entry the float64 nearest to its exact value.

    Arguments and errors as :func:`icl_claims.theory.wishart.covariance.two_sided_moments`.

    >>> two_sided_moments(1, [[0.5]], [[1.0]], context_length=2)[1].ravel().tolist()
    [1.0, 4.0]
    """
    table = exact_moments.two_sided_moments(order, middle, covariance, context_length)
    return np.array([[_rounded(m) for m in row] for row in table])


def word_moment(matrices: Sequence[ArrayLike], covariance: ArrayLike, context_length: int) -> Bounded:
    """E[A_0 W A_1 W ⋯ W A_k] in float64.

    The plan of :mod:`icl_claims.theory.wishart.matrix_words`, carried out twice: with the matrices, and with their
    absolute values for the bound. For each W a term passes at most 4d roundings in the products Σ M, (Σ M) V
    and a trace, and at most twice as many as its state has terms, in their counts and their sum; A_0 and
    A_k cost d each.

    Args:
        matrices: A_0, …, A_k; the inner ones d × d, A_0 of any number of rows, A_k of any number of columns.
        covariance: Σ, d × d, symmetric.
        context_length: n ≥ 1.

    Raises:
        TypeError, ValueError: an argument is of the wrong type or shape, Σ is not symmetric, an entry is not
            finite, or the word is too long (:data:`icl_claims.theory.wishart.matrix_words.MOST_STATES`).
        OverflowError: a moment exceeds the range of float64.

    >>> word_moment([[[1.0]], [[2.0]], [[1.0]]], [[1.0]], context_length=2).value.item()
    16.0
    """
    n = validation.positive_integer("context_length", context_length)
    sigma = _finite("covariance", covariance)
    if sigma.ndim != 2 or not np.array_equal(sigma, sigma.T) or not sigma.size:
        raise ValueError(f"covariance must be a symmetric d × d matrix, got the shape {sigma.shape}")
    size = len(sigma)
    given = [_finite(f"matrices[{i}]", m) for i, m in enumerate(matrices)]
    if not given or any(m.ndim != 2 for m in given):
        raise ValueError("matrices must hold at least A_0, and matrices only")
    if len(given) == 1:
        return Bounded(given[0], np.zeros_like(given[0]))
    wanted = [(len(given[0]), size), *[(size, size)] * (len(given) - 2), (size, given[-1].shape[1])]
    for i, (m, shape) in enumerate(zip(given, wanted, strict=True)):
        if m.shape != shape:
            raise ValueError(f"matrices[{i}] must be of shape {shape[0]} × {shape[1]}, got {m.shape}")
    alphabet: dict[bytes, int] = {}
    letters: list[Array] = []
    adjoint: list[int] = []
    word = tuple(_letter(m + 0.0, alphabet, letters, adjoint) for m in given[1:-1])
    plan = matrix_words.plan([(word, ())], tuple(adjoint))
    with np.errstate(over="ignore", invalid="ignore"):
        inner = _carried_out(plan, letters, sigma, n)
        inner_magnitude = _carried_out(plan, [np.abs(m) for m in letters], np.abs(sigma), n)
        value = _in_range(given[0] @ inner @ given[-1])
        magnitude = _in_range(np.abs(given[0]) @ inner_magnitude @ np.abs(given[-1]))
    terms = max(sum(len(part.children) + 1 for part in parts) for parts in plan.contractions)
    roundings = (len(word) + 1) * (4 * size + 2 * terms) + 2 * size
    return Bounded(value, magnitude * _a_posteriori(roundings))


def _letter(m: Array, alphabet: dict[bytes, int], letters: list[Array], adjoint: list[int]) -> int:
    places = []
    for x in (m, m.T):
        key = np.ascontiguousarray(x).tobytes()
        if key not in alphabet:
            alphabet[key] = len(letters)
            adjoint.append(len(letters))
            letters.append(x)
        places.append(alphabet[key])
    adjoint[places[0]], adjoint[places[1]] = places[1], places[0]
    return places[0]


def _carried_out(plan: matrix_words.Plan, letters: Sequence[Array], sigma: Array, n: int) -> Array:
    """The plan's one root in float64."""
    steps = [sigma @ m for m in letters]
    found: list[Array] = []
    for closed, parts in zip(plan.closed, plan.contractions, strict=True):
        if closed and not parts:
            found.append(np.eye(1))
            continue
        total = np.zeros_like(sigma)
        for part in parts:
            combined = np.zeros((1, 1))
            for index, flipped, count, free in part.children:
                value = found[index].T if flipped else found[index]
                combined = combined + (count * n if free else count) * value
            if closed:
                total = np.trace(letters[part.letter] @ combined).reshape(1, 1)
            elif part.letter == matrix_words.NO_LETTER:
                total = total + sigma * combined
            else:
                total = total + steps[part.letter] @ combined
        found.append(total)
    index, flipped = plan.roots[0]
    return found[index].T if flipped else found[index]


def looped_loss(task: RegressionTask, matrix: ArrayLike, loops: int) -> tuple[float, Array]:
    """The loss of a looped layer and its gradient in A, d × d, each the float64 nearest to its exact value.

    Powers of I − AS have terms of both signs, so float64 throughout would lose digits with each loop; this
    is :mod:`icl_claims.theory.many_layers.looped_loss` rounded once. Arguments and errors as there; floats
    count as the dyadic rationals they are.

    >>> looped_loss(RegressionTask([[1]], context_length=2), [[0.5]], loops=1)
    (0.5, array([[0.]]))
    """
    value = exact_loss.looped_loss(task, matrix, loops)
    return nearest(value), _rounded(exact_loss.looped_gradient(task, matrix, loops))


def _rounded(m: Any) -> Array:
    """A rational matrix, each entry to the nearest float64."""
    return np.array([[nearest(x) for x in row] for row in m.tolist()])


def _a_posteriori(roundings: int) -> float:
    """γ_m/(1 − γ_m): for a bound on magnitudes that were themselves computed with m roundings."""
    g = gamma(roundings)
    return float(np.nextafter(np.nextafter(g / (1 - g), 1), 1))


def _in_range(m: Array) -> Array:
    if not np.isfinite(m).all():
        raise OverflowError("a moment exceeds the range of float64")
    return m


def _finite(name: str, value: ArrayLike) -> Array:
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be an array of real numbers, got {value!r}") from None
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite")
    return array
