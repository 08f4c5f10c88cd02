r"""A loop that runs longer than it was made for, or on prompts of another covariance.

With A = aΣ⁻¹ and S' = Σ^{-1/2} S Σ^{-1/2}, S the second moments of a prompt's context,

    (I − SA)^T = Σ^{1/2} (I − aS')^T Σ^{-1/2}.

So on this prompt the error falls to 0 if and only if all eigenvalues μ of S' have |1 − aμ| < 1, that is 0 < aμ < 2. The
population loss is another matter: contexts of every size of S' have positive probability. On the whitened task

    F(T) = E tr (I − aS')^{2T} = ∫ (1 − as)^{2T} dμ(s)

is strictly log-convex in T, for F(T−1)F(T+1) − F(T)² = ½ ∬ (pr)^{T−1} (p − r)² with p = (1 − as)², r = (1 − at)², and
it grows without bound, as |1 − as| ≥ 2 where |a|s ≥ 3. It falls up to a best T and rises ever after.

Source: derived here, for Theorem 4.5 and the experiments of Gatmiry et al. (2024).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import sympy
from flint import arb, arb_poly, ctx, fmpq, fmpq_poly
from sympy.polys.fields import FracElement

from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.real_roots import RealRoot
from icl_claims.theory.algebra.validation import bounded_integer
from icl_claims.theory.algebra.words import FIELD, Letter, Words, eye, letter
from icl_claims.theory.loops.step import MOST_LOOPS, OptimalLoopedStep, looped_step_loss
from icl_claims.theory.transformer.attention import X_QUERY, W
from icl_claims.theory.transformer.preconditioned_gd import A
from icl_claims.theory.transformer.prompts import OMEGA, SIGMA, S, over_prompts
from icl_claims.theory.transformer.rotations import without_inverse_pairs
from icl_claims.theory.wishart import spectral_moments

STEP_TIMES_EIGENVALUE, LOOPS = sympy.symbols("m T", real=True)
"""m = aμ, and T."""
P, R = sympy.symbols("p r", nonnegative=True)
"""(1 − as)² and (1 − at)² at two eigenvalues."""

ROOT = letter("C", "d", "d", symmetric=True)
"""Σ^{1/2}; its inverse is K."""
INVERSE_ROOT = letter("K", "d", "d", symmetric=True)
STEP = letter("a", "1", "1")

_BITS = 400
_MOST_BITS = 1 << 15


def prove_contracting(threshold: sympy.Expr) -> None:
    """1 − (1 − m)² = m (``threshold`` − m): a number m = aμ has |1 − m| < 1 just where 0 < m < threshold.

    Raises:
        Refuted: the two sides differ.

    >>> prove_contracting(sympy.Integer(2))
    """
    m = STEP_TIMES_EIGENVALUE
    if sympy.expand(1 - (1 - m) ** 2 - m * (threshold - m)) != 0:
        raise Refuted("1 − (1 − m)² is not m times (threshold − m)")


def prove_beyond(beyond: sympy.Expr, base: sympy.Expr) -> None:
    """|1 − m| ≥ ``base`` where |m| ≥ ``beyond``, by |1 − m| ≥ |m| − 1, with equality at m = ``beyond``.

    Raises:
        Refuted: |m| − 1 is another number there.

    >>> prove_beyond(sympy.Integer(3), sympy.Integer(2))
    """
    if sympy.expand(beyond - 1 - base) != 0:
        raise Refuted("|m| − 1 is not the stated number at |m| = beyond")


def prove_log_convex(weight: sympy.Expr, power: sympy.Expr) -> None:
    """(p^{T−1} r^{T+1} + p^{T+1} r^{T−1})/2 − p^T r^T = ``weight`` (pr)^``power``, with T as a symbol.

    Raises:
        Refuted: the two sides, divided by (pr)^{T−1}, differ.

    >>> prove_log_convex((P - R) ** 2 / 2, LOOPS - 1)
    """
    excess = sympy.expand(power - (LOOPS - 1))
    if not (excess.is_Integer and excess >= 0):
        raise Refuted("the power of pr is another one")
    if sympy.expand((P**2 + R**2) / 2 - P * R - weight * (P * R) ** excess) != 0:
        raise Refuted("the excess of log-convexity is another integrand")


def prove_similar(factor: Words, whitened: Words) -> None:
    """``factor`` C = C ``whitened`` for C = Σ^{1/2}: the two matrices are similar, and so are their powers.

    Args:
        factor: in S, C⁻¹ = K and a; I − a S K K where it is true.
        whitened: I − a K S K.

    Raises:
        Refuted: they are not so related.
    """
    root, inverse = (Letter(name, "d", "d", symmetric=True) for name in ("C", "K"))
    pairs = frozenset({(root, inverse), (inverse, root)})
    if without_inverse_pairs(factor @ ROOT - ROOT @ whitened, pairs):
        raise Refuted("the factor of a loop is not similar to the stated matrix")


def prove_rate(exponent: sympy.Expr) -> None:
    """|1 − m|^T is the power ``exponent`` of |1 − m|, T a symbol: the error along one eigenvector falls at this rate.

    Raises:
        Refuted: it is another power.

    >>> prove_rate(LOOPS)
    """
    if sympy.expand(exponent - LOOPS) != 0:
        raise Refuted("the error along an eigenvector is another power")


def prove_limit(exponent: sympy.Expr, loops: Sequence[int] = (1, 2)) -> None:
    """As n → ∞ the loss of T loops tends to tr(Σ Gᵀ Ω G), G = (I − ΣA)^``exponent``, at these T, for every Σ, Ω and A.

    The loss is averaged in words; its coefficients are rational in n, and their limits are taken.

    Raises:
        Refuted: it has another limit.

    >>> prove_limit(LOOPS, (1,))
    """
    for T in loops:
        error = W.T @ power(eye("d") - S @ A, T) @ X_QUERY
        mean = over_prompts(error * error)
        limit = Words("1", "1", {term: at_infinity(c) for term, c in mean.terms.items()})
        G = power(eye("d") - SIGMA @ A, int(exponent.subs(LOOPS, T)))
        if limit != (SIGMA @ G.T @ OMEGA @ G).trace():
            raise Refuted(f"the loss of {T} loops has another limit")


def power(m: Words, exponent: int) -> Words:
    """The product of so many factors m."""
    return reduce(Words.__matmul__, [m] * exponent, eye(m.rows))


def at_infinity(c: FracElement) -> FracElement:
    """The limit of a coefficient as n → ∞, where it is finite.

    >>> from icl_claims.theory.algebra.words import n
    >>> at_infinity((2 * n + 1) / n), at_infinity(1 / n)
    (2, 0)

    Raises:
        ValueError: it is not finite.
    """
    above, below = c.numer.degree(0), c.denom.degree(0)
    if c and above > below:
        raise ValueError(f"a coefficient must have a finite limit, got {c}")
    if not c or above < below:
        return FIELD.zero
    return FIELD(c.numer.coeff_wrt(0, above)) / FIELD(c.denom.coeff_wrt(0, below))


def losses_by_loops(best: OptimalLoopedStep, most: int) -> list[arb]:
    """F(0), …, F(most) at a*, the best step for L loops: enclosures.

    Args:
        best: a* on its task, from :func:`icl_claims.theory.loops.step.optimal_looped_step`.
        most: at most :data:`icl_claims.theory.loops.step.MOST_LOOPS`.

    >>> from icl_claims.theory.loops.step import optimal_looped_step
    >>> from icl_claims.theory.task import isotropic
    >>> [x.str(4) for x in losses_by_loops(optimal_looped_step(isotropic(1, 1), 1), 3)]
    ['1.000', '[0.6667 +/- 3.34e-5]', '[0.7407 +/- 4.08e-5]', '[3.259 +/- 2.60e-4]']
    """
    count = bounded_integer("most", most, MOST_LOOPS)
    polynomials = [fmpq_poly([best.task.dim]), *(looped_step_loss(best.task, T) for T in range(1, count + 1))]
    return [value_at(polynomial, best.step) for polynomial in polynomials]


def best_loops(best: OptimalLoopedStep) -> int:
    """The number T of loops with the least loss F(T) at a*, decided; the first one where there are two.

    F falls as long as F(T + 1) < F(T), and rises ever after, by strict log-convexity.

    Raises:
        ArithmeticError: F falls up to :data:`icl_claims.theory.loops.step.MOST_LOOPS` loops.

    >>> from icl_claims.theory.loops.step import optimal_looped_step
    >>> from icl_claims.theory.task import isotropic
    >>> [best_loops(optimal_looped_step(isotropic(2, n), 2)) for n in (2, 20, 100)]
    [2, 4, 13]
    """
    before = fmpq_poly([best.task.dim])
    for T in range(1, MOST_LOOPS + 1):
        after = looped_step_loss(best.task, T)
        if value_at(after - before, best.step) >= 0:
            return T - 1
        before = after
    raise ArithmeticError(f"the loss must rise within {MOST_LOOPS} loops")


def escape_bound(best: OptimalLoopedStep, order: int = 60) -> fmpq:
    """A bound of the probability that a prompt has an eigenvalue aμ ≥ 2, so that its error grows: Markov's.

    P(aμ_max ≥ 2) ≤ E tr (aS'/2)ᵏ for every k; the least of k ≤ ``order`` is taken, at the upper end of a*.
    """
    half = best.step.upper / 2
    moments = spectral_moments(order, best.task.dim, best.task.context_length)
    return min(m * half**k for k, m in enumerate(moments) if k)


def value_at(polynomial: fmpq_poly, root: RealRoot) -> arb:
    """p at a root of another polynomial, enclosed so well that its sign is certain, unless it is 0 to 10 000 digits.

    >>> from icl_claims.theory.algebra.real_roots import isolate
    >>> value_at(fmpq_poly([-1, 0, 1]), isolate(fmpq_poly([-2, 0, 1]))[1]) > 0
    True
    """
    bits, value = _BITS, arb(0)
    while bits <= _MOST_BITS:
        exact = root.refined(bits)
        with ctx.workprec(2 * bits):
            middle, radius = (exact.lower + exact.upper) / 2, (exact.upper - exact.lower) / 2
            value = arb_poly(polynomial)(arb(middle) + arb(0, radius))
        if value > 0 or value < 0:
            return value
        bits *= 2
    return value
