"""The ReLU and other activations, as SymPy evaluates them on a symbol whose sign it knows."""

from __future__ import annotations

from collections.abc import Callable

import sympy

Activation = Callable[[sympy.Expr], sympy.Expr]
"""σ."""


def relu(s: sympy.Expr) -> sympy.Expr:
    """max(s, 0)."""
    return sympy.Max(s, 0)


OTHERS: dict[str, Activation] = {
    "leaky ReLU": lambda s: sympy.Max(s, s / 10),
    "negative part": lambda s: sympy.Max(-s, 0),
    "absolute value": sympy.Abs,
    "identity": lambda s: s,
}
