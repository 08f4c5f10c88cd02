r"""One step size for all layers on 𝒮: the loss is strictly convex, and its one critical point is positive."""

from __future__ import annotations

import sympy

from icl_claims.theory.derivation import Derivation, Lemma
from icl_claims.theory.derivations.optimal_steps_global_minimum import (
    ERROR_IS_A_LABEL,
    INFINITE_SUPPORT,
    LOSS_IS_AN_INTEGRAL,
)
from icl_claims.theory.loops.convexity import LoopedLoss, prove_critical_points_at, prove_second_derivative
from icl_claims.theory.many_layers.step_certificate import LAYERS

SIZES = [(d, n, L) for d in (1, 2, 5) for n in (1, 3, 20) for L in (1, 2, 3, 6)]
"""(d, n, L); d = 1, n = 1 and n < d are among them."""

STATED = LoopedLoss(
    2 * LAYERS * (2 * LAYERS - 1), sympy.Integer(2), 2 * LAYERS - 2, critical_points=1, sign=1
)
"""f″(a) = 2L(2L − 1) ∫ s² (1 − as)^{2L−2} dμ; one critical point, positive."""


def second_derivative(stated: LoopedLoss) -> None:
    """The stated integrand is the second derivative of (1 − as)^{2L}."""
    prove_second_derivative(stated.factor, stated.s_power, stated.exponent)


def critical_points(stated: LoopedLoss) -> None:
    """At given sizes: as many critical points as stated, of the stated sign."""
    prove_critical_points_at(SIZES, stated.critical_points, stated.sign)


DERIVATION = Derivation(
    (
        ERROR_IS_A_LABEL,
        LOSS_IS_AN_INTEGRAL,
        INFINITE_SUPPORT,
        Lemma(
            r"For equal steps $f(a)=\int(1-as)^{2L}\,d\mu$, so that $f''(a)=2L(2L-1)\int s^2(1-as)^{2L-2}\,d\mu$.",
            "Lemma 2 with $a_l=a$. The integral of a polynomial against moments is differentiated term by term; the "
            "integrands are compared as rational functions.",
            second_derivative,
            "all L, a, s",
        ),
        Lemma(
            r"$f''(a)>0$ for every $a$: $f$ is strictly convex.",
            r"The integrand is the square of $s(1-as)^{L-1}$, which is not the zero polynomial in $s$: Lemma 3.",
            step="convexity",
        ),
        Lemma(
            "$f$ has exactly one critical point; it is positive and the global minimizer.",
            r"$f$ is a polynomial of degree $2L$ with leading coefficient $\int s^{2L}d\mu>0$, so it attains a "
            r"minimum; $f'$ is strictly increasing by Lemma 5, so it vanishes only there. $f'(0)=-2L\int "
            r"s\,d\mu=-2Ld<0$ puts the zero to the right of 0. At 36 sizes the real roots of $f'$ are counted by "
            "Sturm's theorem.",
            critical_points,
            "36 sizes with d ≤ 5, n ≤ 20, L ≤ 6, n = 1 and n < d among them",
            step="convexity",
        ),
    )
)
"""A proposition of the suite, beside Theorem 3.2 of Gatmiry et al. (2024)."""
