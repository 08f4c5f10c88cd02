r"""Two steps on 𝒮: the best ones, by their sum e and their product p, as rational functions of the moments of S.

With m_k = E tr Sᵏ, f(aI, bI) = E tr(I − eS + pS²)² is a quadratic polynomial in e = a + b and p = ab; its one
critical point is where ∫ s q dμ = ∫ s² q dμ = 0 for q(s) = 1 − es + ps².
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import sympy
from sympy.polys.fields import FracElement

from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.minors import is_positive
from icl_claims.theory.algebra.rational_functions import value_at
from icl_claims.theory.algebra.words import FIELD, d, n
from icl_claims.theory.wishart import trace_moment
from icl_claims.theory.wishart.sizes import in_ring

M = sympy.symbols("m_0:5")
"""m_0, …, m_4."""
E, P = sympy.symbols("e p")
"""e and p where another formula uses them."""

SIZES = {"d": 1, "n": 1}
"""All sizes."""


class TwoSteps(NamedTuple):
    """The sum and the product of two steps, in the letters :data:`M`."""

    e: Any
    p: Any


class ScalarPair(NamedTuple):
    """The sum and the product of two steps and the loss there, in :data:`M`; the loss also in :data:`E`, :data:`P`."""

    e: Any
    p: Any
    minimum: Any


_MINOR = M[2] * M[4] - M[3] ** 2
BEST = ScalarPair(
    e=(M[1] * M[4] - M[2] * M[3]) / _MINOR,
    p=(M[1] * M[3] - M[2] ** 2) / _MINOR,
    minimum=M[0] - E * M[1] + P * M[2],
)
"""The best two steps and their loss."""


@cache
def moments() -> tuple[FracElement, ...]:
    """m_0, …, m_4 for standard normal covariates, in ℚ(n, d)."""
    return tuple(joint_moment(k) for k in range(5))


@cache
def joint_moment(*powers: int) -> FracElement:
    """E ∏ tr S^{k_i} in ℚ(n, d)."""
    return in_ring(trace_moment(powers), d, n) / n ** sum(powers)


def of_sizes(steps: TwoSteps | ScalarPair) -> tuple[FracElement, FracElement]:
    """e and p in ℚ(n, d)."""
    values = dict(zip(M, moments(), strict=True))
    return value_at(steps.e, values, FIELD.one), value_at(steps.p, values, FIELD.one)


def prove_critical(steps: TwoSteps | ScalarPair) -> None:
    """∫ s q dμ = 0 and ∫ s² q dμ = 0, for all d and n.

    Raises:
        Refuted: one of the integrals is not zero.
    """
    (e, p), m = of_sizes(steps), moments()
    for k in (1, 2):
        if m[k] - e * m[k + 1] + p * m[k + 2]:
            raise Refuted(f"the integral of s{'²' * (k - 1)} q is not 0")


def prove_distinct(steps: TwoSteps | ScalarPair) -> None:
    """e² > 4p, e > 0 and p > 0 for all d, n ≥ 1: the steps are real, different and positive.

    Raises:
        Refuted: one of them is not shown to be positive.
    """
    e, p = of_sizes(steps)
    for name, value in (("e² − 4p", e * e - 4 * p), ("e", e), ("p", p)):
        if not is_positive(value, SIZES):
            raise Refuted(f"{name} is not shown to be positive")


def prove_minimum(pair: ScalarPair) -> None:
    """E tr(I − eS + pS²)² is least at the stated e and p, and only there; it is then the stated minimum.

    Its Hessian in (e, p) is 2 (m_2, −m_3; −m_3, m_4), positive definite as m_2 > 0 and m_2m_4 − m_3² > 0.

    Raises:
        Refuted: the point is not critical, the Hessian not shown to be definite, or the loss another one.
    """
    prove_critical(pair)
    m = moments()
    prove_strictly_convex(m[2], m[3], m[4])
    e, p = of_sizes(pair)
    loss = m[0] - 2 * e * m[1] + (e * e + 2 * p) * m[2] - 2 * e * p * m[3] + p * p * m[4]
    values = {**dict(zip(M, m, strict=True)), E: e, P: p}
    if value_at(pair.minimum, values, FIELD.one) != loss:
        raise Refuted("the loss at the stated steps is another one")


def prove_strictly_convex(second: FracElement, third: FracElement, fourth: FracElement) -> None:
    """The matrix (m_2, −m_3; −m_3, m_4) is positive definite for all d, n ≥ 1.

    Raises:
        Refuted: one of its leading minors is not shown to be positive.
    """
    if not is_positive(second, SIZES):
        raise Refuted("m_2 is not shown to be positive")
    if not is_positive(second * fourth - third**2, SIZES):
        raise Refuted("m_2 m_4 − m_3² is not shown to be positive")
