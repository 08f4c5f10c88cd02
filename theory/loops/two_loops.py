r"""Two loops of any matrix near a multiple of I, in whitened coordinates: f(A) = E‖(I − SA)²‖_F².

At A = aI + K with K antisymmetric, f = f(aI) + q(a)‖K‖_F² + terms of degree 4 in K: q is the curvature across the
symmetric matrices, quadratic in a. For long contexts, with A = I − M/√n,

    n² f(A) → φ(M) = E‖(G − M)²‖_F² = c_2 + (4d + 6)‖D‖² − 2‖K‖² + 2(tr D)² + ‖M²‖²,     M = D + K,

D symmetric, K antisymmetric, G the Gaussian matrix of :mod:`icl_claims.theory.loops.centred_moments`, c_2 = E tr G⁴.
So φ falls from M = 0 in antisymmetric directions; its minimum is c_2 − 2⌊d/2⌋.

Source: derived here.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import sympy
from sympy.polys.fields import FracElement

from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.gaussian import expectation
from icl_claims.theory.algebra.minors import is_positive
from icl_claims.theory.algebra.rational_functions import value_at
from icl_claims.theory.algebra.words import FIELD, Words, d, eye, letter, n
from icl_claims.theory.loops.centred_moments import gaussian_moment
from icl_claims.theory.many_layers.two_symmetric_layers import I, S, mean

DIM, CONTEXT, STEP = sympy.symbols("d n a")

K = letter("K", "d", "d")
_A = letter("a", "1", "1")


class TwoLoops(NamedTuple):
    """q(a) = (quadratic a² + linear a + constant)/n³; q(a*) < 0 for n ≥ least; φ is least at c_2 − gain ⌊d/2⌋.

    All expressions in d and n.
    """

    quadratic: sympy.Expr
    linear: sympy.Expr
    constant: sympy.Expr
    least: sympy.Expr
    gain: sympy.Expr

    def curvature(self) -> sympy.Expr:
        """q(a)."""
        return (self.quadratic * STEP**2 + self.linear * STEP + self.constant) / CONTEXT**3


STATED = TwoLoops(
    quadratic=DIM**3
    + 7 * DIM**2 * CONTEXT
    + 5 * DIM**2
    + 8 * DIM * CONTEXT**2
    + 14 * DIM * CONTEXT
    + 22 * DIM
    + 2 * CONTEXT**3
    + 4 * CONTEXT**2
    + 22 * CONTEXT
    + 20,
    linear=-4 * CONTEXT * (DIM**2 + 3 * DIM * CONTEXT + 3 * DIM + CONTEXT**2 + 3 * CONTEXT + 4),
    constant=2 * CONTEXT**2 * (2 * DIM + CONTEXT + 3),
    least=2 * (DIM + 1) * (DIM + 2),
    gain=sympy.Integer(2),
)

BELOW = CONTEXT / (CONTEXT + DIM + 3)
"""A step below a*, for n ≥ 2(d + 1)(d + 2)."""


@cache
def loss_near_multiples() -> Words:
    """f(aI + K) for any matrix K, a polynomial in traces of words in K and Kᵀ, and in a."""
    R = I - S @ (I * _A + K)
    F = R @ R
    return mean((F.T @ F).trace())


@cache
def antisymmetric_terms() -> dict[tuple[tuple[int, ...], int], FracElement]:
    """{(exponents k of factors tr Kᵏ, power of a): coefficient} of f(aI + K) for Kᵀ = −K.

    Odd exponents vanish; tr K² = −‖K‖_F².
    """
    found: dict[tuple[tuple[int, ...], int], FracElement] = {}
    for (traces, _), c in loss_near_multiples().terms.items():
        powers, steps, sign = [], 0, 1
        for trace in traces:
            if trace[0].name == "a":
                steps += 1
            else:
                powers.append(len(trace))
                sign *= (-1) ** sum(x.transposed for x in trace)
        if not any(k % 2 for k in powers):
            key = (tuple(sorted(powers)), steps)
            found[key] = found.get(key, FIELD.zero) + c * sign
    return {key: c for key, c in found.items() if c}


def loss_at_multiple() -> sympy.Expr:
    """f(aI) as an expression in d, n and a."""
    return sum(
        (c.as_expr() * STEP**steps for (powers, steps), c in antisymmetric_terms().items() if not powers),
        sympy.Integer(0),
    )


def prove_curvature(stated: TwoLoops) -> None:
    """q(a) is the coefficient of ‖K‖_F² = −tr K², for all d, n and a.

    Raises:
        Refuted: it is another one.

    >>> prove_curvature(STATED)
    """
    found = {steps: -c for (powers, steps), c in antisymmetric_terms().items() if powers == (2,)}
    for steps, value in enumerate((stated.constant, stated.linear, stated.quadratic)):
        if _in_field(value / CONTEXT**3) != found.get(steps, FIELD.zero):
            raise Refuted(f"the coefficient of a^{steps} in the curvature is another one")


def prove_saddle(stated: TwoLoops) -> None:
    """q < 0 at 1 and at n/(n + d + 3), and f′ < 0 at the latter and > 0 at 1, for all d ≥ 2 and n ≥ ``least``.

    q is convex in a, as its coefficient of a² is positive; so it is negative at a*, which lies between.

    Raises:
        Refuted: one of the signs is not shown.

    >>> prove_saddle(STATED)
    """
    q, slope = stated.curvature(), sympy.diff(loss_at_multiple(), STEP)
    if not _positive(stated.quadratic, stated.least):
        raise Refuted("the curvature is not shown to be convex in a")
    for name, value in (
        ("the curvature at 1 is not shown to be negative", -q.subs(STEP, 1)),
        ("the curvature below a* is not shown to be negative", -q.subs(STEP, BELOW)),
        ("the step is not shown to lie below a*", -slope.subs(STEP, BELOW)),
        ("a* is not shown to lie below 1", slope.subs(STEP, 1)),
    ):
        if not _positive(value, stated.least):
            raise Refuted(name)


def _positive(value: sympy.Expr, least: sympy.Expr) -> bool:
    """Whether it is shown to be positive for d ≥ 2 and n ≥ ``least``, as a rational function of d − 2 and n − least."""
    moved = sympy.cancel(value.subs(CONTEXT, least + CONTEXT))
    return is_positive(_in_field(moved), {"d": 2, "n": 0})


def _in_field(value: sympy.Expr) -> FracElement:
    return value_at(sympy.cancel(value), {DIM: d, CONTEXT: n}, FIELD.one)


def prove_limit_of_loss() -> None:
    """φ(M) = c_2 + (4d + 6)‖D‖² − 2‖K‖² + 2(tr D)² + ‖M²‖², for all d and M.

    With G = (Y + Yᵀ)/√2, Y of independent standard normal entries, and N = √2 M, 4φ = E‖(Y + Yᵀ − N)²‖_F².

    Raises:
        Refuted: it is another polynomial.

    >>> prove_limit_of_loss()
    """
    Y, N = letter("Y", "d", "d"), letter("N", "d", "d")
    F = (Y + Y.T - N) @ (Y + Y.T - N)
    found = expectation((F.T @ F).trace(), Y, eye("d"))
    squares, traces = (N.T @ N).trace(), (N @ N).trace()
    symmetric, antisymmetric = (squares + traces) / 2, (squares - traces) / 2
    fourth = sum((d**i * int(c) for i, c in enumerate(gaussian_moment(4))), FIELD.zero)
    square = N @ N
    stated = (
        eye("1") * (fourth * 4)
        + (symmetric * (4 * d + 6) - antisymmetric * 2 + N.trace() * N.trace() * 2) * 2
        + (square.T @ square).trace()
    )
    if found != stated:
        raise Refuted("the limit of the loss is another polynomial")


def prove_gain(gain: sympy.Expr) -> None:
    """tr K⁴ − 2‖K‖² of one pair of eigenvalues ±iκ, 2κ⁴ − 4κ², is −gain + 2(κ² − 1)².

    Raises:
        Refuted: it is not.

    >>> prove_gain(sympy.Integer(2))
    """
    x = sympy.Symbol("kappa")
    if sympy.expand(2 * x**4 - 4 * x**2 + gain - 2 * (x**2 - 1) ** 2) != 0:
        raise Refuted("a pair of eigenvalues gains another number")
