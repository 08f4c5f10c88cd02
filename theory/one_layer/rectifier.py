r"""The ReLU on the score of an example and on that of its negative.

Of a score s and its negative one passes the ReLU and the other becomes 0. So an activation σ acts on the pair of an
example z and −z, value p and score s, through p σ(s) and −p σ(−s); for the ReLU these are p s and 0, in some order.

An activation is an expression in the real symbol :data:`SCORE`. It is looked at for s = m and s = −m, with m any
positive number, and for s = 0: every real number is one of these. Each check raises
:class:`~icl_claims.theory.algebra.exact.Refuted` where the identity fails.

Source: Ahn et al. (2023), App. A.4.
"""

from __future__ import annotations

import sympy

from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.gaussian import expectation
from icl_claims.theory.algebra.words import Words, eye, letter
from icl_claims.theory.one_layer.single_layer import LABEL, TOKEN, TOKEN_NOISE, score, value

SCORE = sympy.Symbol("s", real=True)
"""s."""
RELU = sympy.Max(SCORE, 0)
"""σ(s) = max(s, 0)."""

_SIZE, _VALUE = sympy.Symbol("m", positive=True), sympy.Symbol("p", real=True)
_SCORES = (_SIZE, -_SIZE, sympy.Integer(0))


def at_score(activation: sympy.Expr, s: sympy.Expr) -> sympy.Expr:
    """σ(s).

    >>> at_score(RELU, sympy.Integer(-2)), at_score(RELU, sympy.Integer(3))
    (0, 3)
    """
    return activation.subs(SCORE, s)


def _is_zero(expression: sympy.Expr) -> bool:
    return bool(sympy.Poly(expression, _SIZE, _VALUE).is_zero)


def prove_mean_of_a_pair(activation: sympy.Expr, share: sympy.Expr) -> None:
    """(σ(s) x + σ(−s)(−x))/2 is ``share`` times s x, for every real s.

    Raises:
        Refuted: it is not.

    >>> prove_mean_of_a_pair(RELU, sympy.Rational(1, 2))
    """
    for s in _SCORES:
        if not _is_zero((at_score(activation, s) - at_score(activation, -s)) / 2 - share * s):
            raise Refuted(f"the mean over x and −x is not {share} times s x")


def prove_mean_of_score(covariance: Words | None = None) -> None:
    """E[(xᵀv) x] = v for every v, for x ~ N(0, I); ``covariance`` takes the place of I.

    Raises:
        Refuted: it is not v.

    >>> prove_mean_of_score()
    """
    x, v = letter("x", "d", "1"), letter("v", "d", "1")
    if expectation(x @ x.T @ v, x, eye("d") if covariance is None else covariance) != v:
        raise Refuted("E[(xᵀv) x] is not v")


def prove_squares_of_a_pair(activation: sympy.Expr, factor: sympy.Expr) -> None:
    """σ(α)² + σ(−α)² is ``factor`` times α², for every real α.

    Raises:
        Refuted: it is not.

    >>> prove_squares_of_a_pair(RELU, sympy.Integer(1))
    """
    for s in _SCORES:
        if not _is_zero(at_score(activation, s) ** 2 + at_score(activation, -s) ** 2 - factor * s**2):
            raise Refuted(f"σ(α)² + σ(−α)² is not {factor} α²")


def prove_one_of_a_pair_counts(activation: sympy.Expr, keep: sympy.Expr) -> None:
    """Of p σ(s) and −p σ(−s), what an example and its negative contribute, ``keep`` of the two are p s, the others 0.

    Raises:
        Refuted: a contribution is neither p s nor 0, or another share of the two is p s.

    >>> prove_one_of_a_pair_counts(RELU, sympy.Rational(1, 2))
    """
    for s in _SCORES:
        pair = [_VALUE * at_score(activation, s), -_VALUE * at_score(activation, -s)]
        kept = [_is_zero(part - _VALUE * s) for part in pair]
        dropped = [_is_zero(part) for part in pair]
        if not all(a or b for a, b in zip(kept, dropped, strict=True)):
            raise Refuted(f"a contribution of an example is neither p s nor 0: {pair}")
        if s != 0 and sympy.Rational(sum(kept), 2) != keep:
            raise Refuted(f"of an example and its negative {sum(kept)} of 2 count, not a share of {keep}")


def prove_odd_in_the_example(of_value: Words | None = None, of_score: Words | None = None) -> None:
    """p = bᵀz and s = zᵀQ(x_q; c) change their signs with z = (x, y), whatever c stands in the query's label slot.

    Raises:
        Refuted: one of them does not.

    >>> prove_odd_in_the_example()
    """
    last_column = letter("q", "d", "1"), letter("q_0", "1", "1")
    of_slot = (TOKEN.T @ last_column[0] + LABEL * last_column[1]) * letter("c", "1", "1")
    for name, part in (("value", of_value or value()), ("score", of_score or score() + of_slot)):
        if part.substitute({"x": -TOKEN, "e": -TOKEN_NOISE}) != -part:
            raise Refuted(f"the {name} of an example does not change its sign with the example")
