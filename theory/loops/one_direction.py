r"""The loss of T loops in one dimension with A = Σ⁻¹, by a recurrence, and the best T in any dimension: about n/8.

For d = 1 and a = 1 the loss is F(T) = E(1 − s)^{2T}, n s of law χ²_n. With q_j = (−1)^j E(1 − s)^j

    q_0 = 1,  q_1 = 0,  q_{j+1} = (2j/n)(q_j + q_{j−1}),     F(T) = q_{2T},

by integration by parts. So all q_j are ≥ 0, and with r_j = q_{j+1}/q_j, b_j = 2j/n:

    r_j = b_j (1 + 1/r_{j−1}),     F(T + 1)/F(T) = b_{2T+1} (1 + r_{2T}).

From r_{2T} ≥ b_{2T} and r_{2T} ≤ b_{2T}(1 + 1/b_{2T−1}) follow explicit T where F rises and where it falls. Where
j/n is held fixed and n grows, r_j tends to the positive root of r² = b(r + 1), which is 1 at b = 1/2: at j = n/4,
T = n/8.

So log F(T)/n tends to ψ(τ) = ½ ∫_0^{4τ} log g(b) db where T/n → τ, g(b) this root: ψ is least at τ = 1/8, and there
it is −(1 − log 2)/2. In d dimensions F is larger by a factor that is polynomial in n
(:mod:`icl_claims.theory.derivations.looped_best_test_time`).

Source: derived here, for the experiments of Gatmiry et al. (2024).
"""

from __future__ import annotations

from itertools import pairwise

import sympy
from flint import fmpq

from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.validation import bounded_integer

INDEX, CONTEXT, LOOPS = sympy.symbols("j n T", positive=True)
DEVIATION = sympy.Symbol("v")
"""v = 1 − s."""

MOST_ORDER = 10**4
"""The largest j."""


def central_moments(context_length: int, order: int) -> list[fmpq]:
    """q_0, …, q_order, q_j = (−1)^j E(1 − s)^j, exactly.

    >>> central_moments(2, 4)
    [1, 0, 1, 2, 9]
    """
    n = bounded_integer("context_length", context_length, 10**9)
    found = [fmpq(1), fmpq(0)]
    for j in range(1, bounded_integer("order", order, MOST_ORDER)):
        found.append(fmpq(2 * j, n) * (found[j] + found[j - 1]))
    return found


def best_loops(context_length: int) -> int:
    """The first T with F(T + 1) ≥ F(T): the number of loops that loses least.

    >>> [best_loops(n) for n in (1, 20, 400, 800)]
    [0, 3, 50, 100]
    """
    losses = central_moments(context_length, context_length + 8)[::2]
    return next(T for T, (here, after) in enumerate(pairwise(losses)) if after >= here)


def prove_recurrence(weight: sympy.Expr) -> None:
    """q_{j+1} = ``weight`` (q_j + q_{j−1}): what s v^j and the density of s give by integration by parts.

    The derivative of s v^j p(s), p(s) ∝ s^{n/2−1} e^{−ns/2}, is p(s) times a polynomial, whose mean is 0. Divided by
    v^{j−1} it is compared with the stated relation.

    Raises:
        Refuted: it gives another relation.

    >>> prove_recurrence(2 * INDEX / CONTEXT)
    """
    s, j, n, v = sympy.Symbol("s"), INDEX, CONTEXT, DEVIATION
    growth = s * (sympy.diff((n / 2 - 1) * sympy.log(s) - n * s / 2, s)) + 1
    total = sympy.expand((growth * v - j * s).subs(s, 1 - v))
    # E v^{j+1} = weight (E v^{j−1} − E v^j), as q_j carries the sign (−1)^j.
    relation = v**2 - weight * (1 - v)
    if sympy.cancel(total - n / 2 * relation) != 0:
        raise Refuted("integration by parts gives another recurrence")


def prove_bounds(weight: sympy.Expr, rises: sympy.Expr, falls: sympy.Expr) -> None:
    """``rises`` and ``falls`` are b_{2T+1}(1 + r) at the least and at the largest r that the step before allows.

    Raises:
        Refuted: they are other expressions.
    """

    def b(index: sympy.Expr) -> sympy.Expr:
        return weight.subs(INDEX, index)

    T = LOOPS
    if sympy.cancel(rises - b(2 * T + 1) * (1 + b(2 * T))) != 0:
        raise Refuted("the lower bound of F(T + 1)/F(T) is another one")
    if sympy.cancel(falls - b(2 * T + 1) * (1 + b(2 * T) * (1 + 1 / b(2 * T - 1)))) != 0:
        raise Refuted("the upper bound of F(T + 1)/F(T) is another one")


def prove_limit(weight: sympy.Expr, limit: sympy.Expr) -> None:
    """At j = 2 ``limit`` n the fixed point of r ↦ b(1 + 1/r) is 1, and two steps contract towards it from any r > 0.

    Two steps are r ↦ b + b r/(b (r + 1)) = b + r/(r + 1), with the derivative 1/(r + 1)² < 1.

    Raises:
        Refuted: the fixed point is another one, or two steps are another map.

    >>> prove_limit(2 * INDEX / CONTEXT, sympy.Rational(1, 8))
    """
    b, r = weight.subs(INDEX, 2 * limit * CONTEXT), sympy.Symbol("r", positive=True)
    if sympy.cancel(2 * b - 1) != 0:
        raise Refuted("the ratio of neighbours is not 1 at the stated limit")
    c = sympy.Symbol("b", positive=True)
    twice = c * (1 + 1 / (c * (1 + 1 / r)))
    if (
        sympy.cancel(twice - c - r / (r + 1)) != 0
        or sympy.cancel(sympy.diff(twice, r) - 1 / (r + 1) ** 2) != 0
    ):
        raise Refuted("two steps of the ratio are another map")


def prove_rate(rate: sympy.Expr) -> None:
    """½ ∫_0^{1/2} log g(b) db = ``rate``, for g² = b (g + 1): with b = g²/(g + 1) an integral over g from 0 to 1.

    ½ log g b′(g) is compared with the derivative of an antiderivative, which is taken at 1 and, in the limit, 0.

    Raises:
        Refuted: it is another number.

    >>> prove_rate((sympy.log(2) - 1) / 2)
    """
    g = sympy.Symbol("g", positive=True)
    slope = sympy.diff(g**2 / (g + 1), g)
    antiderivative = (g * sympy.log(g) - g - sympy.log(g) * g / (g + 1) + sympy.log(1 + g)) / 2
    difference = sympy.diff(antiderivative, g) - sympy.log(g) * slope / 2
    log = sympy.Symbol("log")
    value = antiderivative.subs(g, 1) - sympy.limit(antiderivative, g, 0, "+")
    if sympy.cancel(difference.subs(sympy.log(g), log)) != 0 or sympy.expand(value - rate) != 0:
        raise Refuted("the integral of log g is another number")
