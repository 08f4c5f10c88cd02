r"""The loss on 𝒮′ = {A_l = a_l Σ⁻¹, B_l = b_l I} attains its minimum: two layers at all sizes, three at seven."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import sympy

from icl_claims.theory.derivation import Derivation, Lemma
from icl_claims.theory.many_layers.gdpp_minimum import (
    a0,
    c,
    letters,
    prove_family_of_two_layers,
    prove_infinite_update_is_no_minimum,
    prove_limits_lose_more,
    prove_slope_where_a_step_is_zero,
    s,
)


class Attained(NamedTuple):
    """Among which residuals the minimum is attained.

    For two layers ``first`` · (1 + a_1 s ``moved``²). For three layers, by (d, n), a point of 𝒮′ that loses less than
    every limit with an infinite first covariate update.
    """

    first: sympy.Expr
    moved: sympy.Expr
    witnesses: Mapping[tuple[int, int], tuple[tuple[str, ...], tuple[str, ...]]]


STATED = Attained(
    1 + a0 * s,
    1 + c * s,
    {
        (1, 1): (("-0.623", "-0.214", "-2.975"), ("0.038", "0.981")),
        (2, 1): (("-0.516", "-0.198", "-2.328"), ("0.044", "0.998")),
        (2, 5): (("-0.869", "-0.677", "-8.237"), ("0.113", "1.517")),
        (3, 2): (("-0.406", "-0.296", "-4.379"), ("0.105", "1.631")),
        (5, 3): (("-0.507", "-0.396", "-5.292"), ("0.113", "1.545")),
        (5, 10): (("-0.539", "-1.570", "-11.78"), ("0.297", "0.948")),
        (5, 20): (("-0.338", "-2.091", "-8.568"), ("0.878", "0.578")),
    },
)


def family(stated: Attained) -> None:
    """The residuals of two layers are those of the statement."""
    prove_family_of_two_layers(stated.first, stated.moved)


def no_step_is_zero() -> None:
    """The slope at a_l = 0 is s p² times the residual."""
    of: dict[str, Any] = letters()
    prove_slope_where_a_step_is_zero(of["s"] * of["p"] ** 2)


def last_update_is_finite() -> None:
    """The slope at c = ±∞, and the sign of the product."""
    of: dict[str, Any] = letters()
    t, t0 = of["t"], of["t0"]
    prove_infinite_update_is_no_minimum(2 * of["gamma"] * t**2, t**2 + t * t0 + t0**2)


def first_update_is_finite(stated: Attained) -> None:
    """For three layers the limits lose more than a point of the set."""
    prove_limits_lose_more(stated.witnesses)


DERIVATION = Derivation(
    (
        Lemma(
            r"With $c=a_0b_0$ the residual of two layers is $(1+a_0s)(1+a_1s(1+cs)^2)$. In general "
            r"$p_{l+1}=p_l(1+c_l"
            r"sp_l^2)$ with $c_l=a_lb_l$.",
            "The recursion is multiplied out.",
            family,
            "all a, b, s",
        ),
        Lemma(
            r"Admit $p_{l+1}=p_l(\varepsilon_l+\gamma_lsp_l^2)$ with $(\varepsilon_l,\gamma_l)$ on the unit "
            r"circle, "
            r"$\varepsilon_l=0$ standing for $c_l=\pm\infty$. On the set of all $a\in\mathbb R^L$ and all "
            r"such pairs, $f$ "
            r"attains its minimum.",
            r"A factor of $p_{l+1}$ is absorbed by $a_{l+1}$ and the later $\gamma$, so this set holds "
            r"$\mathcal S'$. Where "
            r"$f\le f(0)$, the coefficients of $r_L$ are bounded, as $\mu$ is not carried by finitely many "
            r"points; so are "
            r"the reciprocals of its roots, as $r_L(0)=1$, and the coefficients of each factor $1+a_lsp_l^2$. The "
            r"polynomials $p_l\ne0$ range over a compact set, so $a_l$ is bounded. A continuous function "
            r"attains its "
            r"minimum on a compact set.",
            step="compactness",
        ),
        Lemma(
            r"At such a minimum no $a_l$ is 0.",
            r"With all $(\varepsilon,\gamma)$ fixed, only the factor $1+a_lsp_l^2$ of $r_L$ holds $a_l$, and "
            r"at $a_l=0$ "
            r"the derivative of $f$ is $2\int sp_l^2r_L^2\,d\mu>0$.",
            no_step_is_zero,
            "all s, p and all other factors",
        ),
        Lemma(
            r"At such a minimum $\varepsilon_{L-2}\ne0$.",
            r"Put $\tau=sp_{L-2}^2\ge0$, let $\nu$ be $\mu$ times the square of the factors before the last "
            r"one, and "
            r"$a=a_{L-1}\gamma^2$, with $\varepsilon=\varepsilon_{L-2}=0$. As $\varepsilon$ may move to "
            r"either side, "
            r"$\partial f/\partial a_{L-1}=\partial f/\partial\varepsilon=0$ say $\int(1+a\tau^3)\tau^3d\nu=0$ and "
            r"$\int(1+a\tau^3)\tau^2d\nu=0$. The first needs $a<0$. With $\tau_0=(-a)^{-1/3}$ their combination is "
            r"$\int(1+a\tau^3)(\tau-\tau_0)\tau^2d\nu=-\tau_0^{-3}\int(\tau-\tau_0)^2(\tau^2+\tau\tau_0+\tau_0^2)"
            r"\tau^2d\nu<0$, a contradiction.",
            last_update_is_finite,
            "all τ, τ_0, ε, γ",
        ),
        Lemma(
            r"For $L=3$ and the seven sizes, $\varepsilon_0\ne0$ at such a minimum. So for $L=2$ and for "
            r"these sizes no "
            r"$a_l$ is 0 and every $c_l$ is finite, and $b_l=c_l/a_l$ gives a minimizer on $\mathcal S'$.",
            r"With $\varepsilon_0=0$ the residual is $(1+a_0s)q(s^3)$ with $q(0)=1$, $\deg q\le4$. The least "
            r"loss of "
            r"those at a given $a_0$ is $\det G/\det G'$, $G$ a Gram matrix, $G'$ that without its first row "
            r"and column. "
            r"At each size a point of $\mathcal S'$ loses some $\hat f$ such that $\det G-\hat f\det G'$, a "
            r"polynomial in "
            r"$a_0$, is positive at 0 and has no real root (Sturm).",
            first_update_is_finite,
            "the seven sizes",
        ),
    )
)
