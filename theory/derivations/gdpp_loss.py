r"""The exact loss of relaxed layers on 𝒮′ = {A_l = a_l Σ⁻¹, B_l = b_l I}: a recursion in one polynomial variable."""

from __future__ import annotations

from typing import NamedTuple

import sympy

from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.derivation import Derivation, Lemma
from icl_claims.theory.derivations.gdpp_infimum_attained import CHANGE_OF_BASIS
from icl_claims.theory.transformer.recursion import recursion
from icl_claims.theory.transformer.relaxed_layers import (
    RESIDUAL,
    a,
    b,
    p,
    prove_expected_square,
    prove_scalar_layer,
    prove_scalar_start,
    s,
)

LAYERS = sympy.Symbol("L")


class Recursion(NamedTuple):
    """r ← r (1 + label), p ← p (1 + move), polynomials in a, b, s, p; the degree of r_L² in s as a function of L."""

    label: sympy.Expr
    move: sympy.Expr
    degree: sympy.Expr


STATED = Recursion(a * s * p**2, a * b * s * p**2, 3**LAYERS - 1)


def start() -> None:
    """The prompt is the state of p = r = 1."""
    prove_scalar_start()


def one_layer(stated: Recursion) -> None:
    """A layer takes (p, r) to the stated pair."""
    prove_scalar_layer(stated.label, stated.move)


def expected_square() -> None:
    """E (wᵀ r x_q)² = tr r²."""
    prove_expected_square((RESIDUAL @ RESIDUAL).trace())


def degree(stated: Recursion) -> None:
    """The degree for L ≤ 4 with all a_l = b_l = 1.

    Raises:
        Refuted: it is another.
    """
    for layers in range(1, 5):
        _, r = recursion([1] * layers, [1] * (layers - 1), sympy.Poly(s), sympy.Poly(1, s))
        if 2 * r.degree() != stated.degree.subs(LAYERS, layers):
            raise Refuted(f"the degree for {layers} layers is {2 * r.degree()}")


DERIVATION = Derivation(
    (
        CHANGE_OF_BASIS,
        Lemma(
            "The prompt has covariates $pX$, $px_q$, labels $w^\\top rX$ and $w^\\top(r-I)x_q$ in the "
            "query's slot, with "
            "$p=r=I$.",
            "Compared block by block.",
            start,
            "all d, n, w, every prompt",
        ),
        Lemma(
            r"A layer $(aI,bI)$ takes such a state, $p$ and $r$ symmetric, to the one of $p+ab\,pSpp$ and "
            r"$r+a\,rSpp$. So if "
            r"$p=p_l(S)$, $r=r_l(S)$, the next ones are $p_{l+1}(S)$, $r_{l+1}(S)$ by the stated recursion, "
            r"and the error "
            r"after $L$ layers is $w^\top r_L(S)x_q$.",
            "The layer is multiplied out in blocks. Polynomials in $S$ commute with $S$, which gives the "
            "recursion. The error "
            r"is the query's label plus $\langle w,x_q\rangle$.",
            one_layer,
            "one layer; all d, n, a, b, p, r, w, every prompt",
            "induction",
        ),
        Lemma(
            r"$\mathbb E(w^\top rx_q)^2=\operatorname{tr}r^2$ over $w,x_q\sim\mathcal N(0,I)$ for symmetric "
            r"$r$. So "
            r"$f=\mathbb E\operatorname{tr}r_L(S)^2=\int r_L^2\,d\mu$.",
            "Integration by parts; then the trace of a polynomial in $S$ is the sum over the eigenvalues, "
            "whose expectation "
            r"is the integral against $\mu$.",
            expected_square,
            "all d, r",
        ),
        Lemma(
            r"$\deg r_L^2=3^L-1$ where the leading coefficients do not vanish.",
            r"If $\deg p_l=\deg r_l=\delta$, then $\deg p_{l+1}=\deg r_{l+1}=3\delta+1$, and the leading "
            r"coefficients are "
            r"multiplied by $a_lb_l$ or $a_l$ times a square that is not 0. From $\delta=0$ on that gives "
            r"$(3^L-1)/2$.",
            degree,
            "L ≤ 4",
            "induction",
        ),
    )
)
