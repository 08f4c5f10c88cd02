"""REPLACE: what is derived here, in formulas, with its reference.

The error after one gradient step of size a from w on R(w) = (s/2)(w − t)² is w − aR'(w) − t.
"""

from __future__ import annotations

from typing import NamedTuple

import sympy

from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.derivation import Derivation, Lemma

STEP, CURVATURE, TARGET = sympy.symbols("a s t")


class Step(NamedTuple):
    """The object of the statement: the error that it states, an expression in a, s and t."""

    error: sympy.Expr


STATED = Step((STEP * CURVATURE - 1) * TARGET)
"""The error as the proposition states it, for the start w = 0: (as − 1)t."""


def error(start: sympy.Expr | int = 0, power: int = 2) -> sympy.Expr:
    """The error after one step, derived: the loss is (s/power)(w − t)^power, the step starts at w = start.

    >>> error()
    a*s*t - t
    """
    w = sympy.Symbol("w")
    slope = sympy.diff(CURVATURE * (w - TARGET) ** power / power, w)
    return sympy.expand((w - STEP * slope - TARGET).subs(w, start))


def prove_error(stated: Step) -> None:
    """Compare a stated error with the derived one, as polynomials over the rationals.

    Raises:
        Refuted: they differ.
    """
    difference = sympy.Poly(stated.error - error(), STEP, CURVATURE, TARGET)
    if not difference.is_zero:
        raise Refuted(f"stated minus derived error must be 0, got {difference.as_expr()}")


DERIVATION = Derivation(
    (
        Lemma(
            "REPLACE: $w-aR'(w)-t=(as-1)t$ at $w=0$.",
            "The loss is differentiated, and the two sides are compared as polynomials.",
            prove_error,
            "all a, s, t",
        ),
    )
)
