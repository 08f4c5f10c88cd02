r"""The loss of T loops in one dimension, A = aΣ⁻¹ with 1 ≤ a < 2, by a recurrence; the best T in any dimension.

For d = 1 the loss is F(T) = E(1 − as)^{2T}, n s of law χ²_n. With q_j = (−1)^j E(1 − as)^j and b_j = 2aj/n

    q_0 = 1,  q_1 = a − 1,  q_{j+1} = (a − 1 + b_j) q_j + b_j q_{j−1},     F(T) = q_{2T},

by integration by parts. All q_j are ≥ 0 for a ≥ 1, and r_j = q_{j+1}/q_j has, with c_j = a − 1 + b_j,

    r_j = c_j + b_j/r_{j−1},     F(T + 1)/F(T) = c_{2T+1} r_{2T} + b_{2T+1}.

From c_{2T} ≤ r_{2T} ≤ c_{2T} + b_{2T}/c_{2T−1} follow explicit T where F rises and where it falls. Where j/n is held
fixed and n grows, r_j tends to the positive root g of g² = (a − 1 + b) g + b, which is 1 at b = 1 − a/2, that is at
T/n = (2 − a)/(8a).

So log F(T)/n tends to ψ(τ) = (1/2a) ∫_0^{4aτ} log g(b) db where T/n → τ: ψ is least at τ = (2 − a)/(8a), and there it
is −(2/a − 1 − log(2/a))/2. In d dimensions F is larger by a factor that is polynomial in n
(:mod:`icl_claims.theory.derivations.looped_best_test_time`). A step a on prompts of covariance κΣ is a step κa.

Source: derived here, for the experiments of Gatmiry et al. (2024).
"""

from __future__ import annotations

from itertools import pairwise

import sympy
from flint import arb, fmpq

from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.validation import bounded_integer, rational

INDEX, CONTEXT, LOOPS, STEP = sympy.symbols("j n T a", positive=True)
DEVIATION = sympy.Symbol("v")
"""v = 1 − as."""

MOST_ORDER = 10**4
"""The largest j."""


def central_moments(context_length: int, order: int, step: fmpq | int = 1) -> list[fmpq]:
    """q_0, …, q_order, q_j = (−1)^j E(1 − as)^j, exactly, for any step a.

    >>> central_moments(2, 4)
    [1, 0, 1, 2, 9]
    """
    n = bounded_integer("context_length", context_length, 10**9)
    a = rational("step", step)
    found = [fmpq(1), a - 1]
    for j in range(1, bounded_integer("order", order, MOST_ORDER)):
        b = a * fmpq(2 * j, n)
        found.append((a - 1 + b) * found[j] + b * found[j - 1])
    return found


def best_loops(context_length: int, step: fmpq | int = 1) -> int:
    """The first T with F(T + 1) ≥ F(T): the number of loops that loses least, for 1 ≤ a.

    >>> [best_loops(n) for n in (1, 20, 400, 800)], best_loops(400, fmpq(3, 2))
    ([0, 3, 50, 100], 17)
    """
    losses = central_moments(context_length, context_length + 8, step)[::2]
    return next(T for T, (here, after) in enumerate(pairwise(losses)) if after >= here)


def break_even(bits: int = 30) -> tuple[fmpq, fmpq]:
    """The limit of T/n from which on F(T) exceeds the loss of predicting 0, a = 1: the positive zero of ψ, enclosed.

    With τ = g²/(4(g + 1)), 2ψ = g² log g/(g + 1) − g + log(1 + g), whose derivative in g has the sign of log g: one
    zero beyond g = 1, between 1 and 4.

    >>> lower, upper = break_even()
    >>> fmpq(3249, 10**4) < lower < upper < fmpq(325, 10**3)
    True
    """

    def doubled(g: fmpq) -> arb:
        return arb(g * g / (g + 1)) * arb(g).log() - g + arb(1 + g).log()

    low, high = fmpq(1), fmpq(4)
    for _ in range(bits):
        middle = (low + high) / 2
        low, high = (middle, high) if doubled(middle) < 0 else (low, middle)
    if not (doubled(low) < 0 < doubled(high)):
        raise ArithmeticError(f"bits must be so few that the precision decides the signs, got {bits}")
    return low * low / (4 * (low + 1)), high * high / (4 * (high + 1))


def prove_recurrence(own: sympy.Expr, before: sympy.Expr) -> None:
    """q_{j+1} = ``own`` q_j + ``before`` q_{j−1}: what s v^j and the density of s give by integration by parts.

    The derivative of s v^j p(s), p(s) ∝ s^{n/2−1} e^{−ns/2}, is p(s) times a polynomial, whose mean is 0. Divided by
    v^{j−1} it is compared with the stated relation.

    Raises:
        Refuted: it gives another relation.

    >>> prove_recurrence(STEP - 1 + 2 * STEP * INDEX / CONTEXT, 2 * STEP * INDEX / CONTEXT)
    """
    s, j, n, a, v = sympy.Symbol("s"), INDEX, CONTEXT, STEP, DEVIATION
    growth = s * (sympy.diff((n / 2 - 1) * sympy.log(s) - n * s / 2, s)) + 1
    total = (growth * v - j * a * s).subs(s, (1 - v) / a)
    # E v^{j+1} = −own E v^j + before E v^{j−1}, as q_j carries the sign (−1)^j.
    relation = v**2 + own * v - before
    if sympy.cancel(total * a - n / 2 * relation) != 0:
        raise Refuted("integration by parts gives another recurrence")


def prove_bounds(own: sympy.Expr, before: sympy.Expr, rises: sympy.Expr, falls: sympy.Expr) -> None:
    """``rises`` and ``falls`` are c_{2T+1} r + b_{2T+1} at the least and at the largest r that the step before allows.

    Raises:
        Refuted: they are other expressions.
    """
    T = LOOPS

    def c(index: sympy.Expr) -> sympy.Expr:
        return own.subs(INDEX, index)

    def b(index: sympy.Expr) -> sympy.Expr:
        return before.subs(INDEX, index)

    if sympy.cancel(rises - (c(2 * T + 1) * c(2 * T) + b(2 * T + 1))) != 0:
        raise Refuted("the lower bound of F(T + 1)/F(T) is another one")
    largest = c(2 * T) + b(2 * T) / c(2 * T - 1)
    if sympy.cancel(falls - (c(2 * T + 1) * largest + b(2 * T + 1))) != 0:
        raise Refuted("the upper bound of F(T + 1)/F(T) is another one")


def prove_limit(own: sympy.Expr, before: sympy.Expr, limit: sympy.Expr) -> None:
    """At j = 2 ``limit`` n the fixed point of r ↦ c + b/r is 1, and two steps contract towards it from any r > 0.

    Two steps have the derivative (b/(cr + b))² < 1 for b, c > 0.

    Raises:
        Refuted: the fixed point is another one, or two steps have another derivative.

    >>> b = 2 * STEP * INDEX / CONTEXT
    >>> prove_limit(STEP - 1 + b, b, (2 - STEP) / (8 * STEP))
    """
    place = {INDEX: 2 * limit * CONTEXT}
    if sympy.cancel(own.subs(place) + before.subs(place) - 1) != 0:
        raise Refuted("the ratio of neighbours is not 1 at the stated limit")
    b, c, r = sympy.symbols("b c r", positive=True)
    if sympy.cancel(sympy.diff(c + b / (c + b / r), r) - (b / (c * r + b)) ** 2) != 0:
        raise Refuted("two steps of the ratio are another map")


def prove_rate(rate: sympy.Expr) -> None:
    """(1/2a) ∫ log g(b) db from b = 0 to 1 − a/2 is ``rate``: with b = g − ag/(g + 1) one over g from a − 1 to 1.

    log g b′(g) is compared with the derivative of an antiderivative, which is taken at the two ends.

    Raises:
        Refuted: it is another expression.

    >>> prove_rate((1 - 2 / STEP + sympy.log(2 / STEP)) / 2)
    """
    g, a, log = sympy.Symbol("g", positive=True), STEP, sympy.Symbol("log")
    b = g - a * g / (g + 1)
    fixed = g**2 - (a - 1 + b) * g - b
    antiderivative = g * sympy.log(g) - g - a * (g * sympy.log(g) / (g + 1) - sympy.log(1 + g))
    difference = sympy.diff(antiderivative, g) - sympy.log(g) * sympy.diff(b, g)
    if sympy.cancel(fixed) != 0 or sympy.cancel(difference.subs(sympy.log(g), log)) != 0:
        raise Refuted("the substitution or the antiderivative is another one")
    # At g = a − 1 the terms with log g cancel, for a = 1 in the limit; at 1 log g is 0.
    ends = [antiderivative.subs({sympy.log(g): log}).subs(g, end) for end in (1, a - 1)]
    value = (ends[0].subs(log, 0) - ends[1]) / (2 * a)
    if sympy.cancel(sympy.expand(sympy.expand_log(value - rate, force=True))) != 0:
        raise Refuted("the integral of log g is another expression")
