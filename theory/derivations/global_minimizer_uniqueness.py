r"""Which weights minimize the loss of one layer: strict convexity in the products, and their factors.

⟨·, ·⟩ is the Frobenius product; b = (u; β) is the last row of P, a_j = (v_j; α_j) are the first d columns of Q, γ_j
those of Γ, and G = (1/n) Σ_i z_i z_iᵀ is the mean over the context tokens z_i = (x_i, y_i).
"""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from icl_claims.theory.algebra.words import Words, zero
from icl_claims.theory.derivation import Derivation, Lemma
from icl_claims.theory.derivations.components import SUM
from icl_claims.theory.one_layer.convexity import squares
from icl_claims.theory.one_layer.factors import (
    ALPHA,
    V,
    prove_blocks,
    prove_hessian,
    prove_orbits,
    prove_product_square,
    prove_squares,
)
from icl_claims.theory.one_layer.linear_attention import query_entry
from icl_claims.theory.one_layer.products import prove_scaled
from icl_claims.theory.one_layer.single_layer import BETA, U


class Factors(NamedTuple):
    """How often each of the squares stands in E⟨G, Δ⟩²; they are named as in the theory of convexity."""

    mean: Fraction
    shifted: Fraction
    label: Fraction
    label_variance: Fraction
    cross: Fraction

    def form(self) -> Words:
        """The sum of the squares, each times its factor."""
        parts = squares()
        return sum((parts[name] * factor for name, factor in self._asdict().items()), zero("1", "1"))


class Minimizers(NamedTuple):
    """E⟨G, Δ⟩² in a symmetric direction Δ; orbits of b ← γb, A ← γ^{A_power} A by the rank of Ω."""

    hessian: Factors
    A_power: int
    orbits_at_rank_one: int
    orbits_above: int


STATED = Minimizers(Factors(*[Fraction(1)] * 5), -1, 2, 1)


def hessian(stated: Minimizers) -> None:
    """The form of second order in one direction."""
    prove_hessian(stated.hessian.form())


def definite() -> None:
    """Its terms are squares that vanish together at Δ = 0 only."""
    prove_squares(squares())


def factored() -> None:
    """The blocks of a symmetric product, and when the first of them vanishes."""
    prove_blocks(U @ V.T + V @ U.T, U @ ALPHA + V @ BETA, ALPHA @ BETA * 2)
    prove_product_square((U.T @ V) * (U.T @ V) * 2 + (U.T @ U) * (V.T @ V) * 2)


def rescaling(stated: Minimizers) -> None:
    """The layer does not change along an orbit."""
    prove_scaled(query_entry(), 1, stated.A_power)


def orbits(stated: Minimizers) -> None:
    """How many orbits there are."""
    prove_orbits(stated.orbits_at_rank_one, stated.orbits_above)


DERIVATION = Derivation(
    (
        Lemma(
            r"For symmetric $\Delta$ with the blocks $D$, $m$, $\delta$ and "
            r"$t=\operatorname{tr}\Sigma\Omega+\sigma^2$: "
            r"$\mathbb E\langle G,\Delta\rangle^2=(\operatorname{tr}\Sigma D+\delta t)^2+\frac2n\operatorname{tr}("
            r"\Sigma(D+\delta\Omega))^2+2\frac{n+1}n\delta^2\operatorname{tr}(\Sigma\Omega)^2+\frac2n\delta^2t^2+4m^\top"
            r"\mathbb E[gg^\top]m$.",
            "Integration by parts over the prompt, compared as polynomials.",
            hessian,
            "all d, n, Σ, Ω, σ², Δ",
        ),
        Lemma(
            r"Where $\Sigma\succ0$ and $t>0$ this is positive unless $\Delta=0$.",
            r"With symmetric roots of $\Sigma$ and $\Omega$ each of the five terms is a sum of squares. Where all "
            r"vanish, "
            r"$\delta t=0$ by the fourth, so $\delta=0$; then $\Sigma^{1/2}D\Sigma^{1/2}=0$ by the second, so "
            r"$D=0$; and "
            r"$\frac{4t}n\lVert\Sigma^{1/2}m\rVert^2$, a part of the last, gives $m=0$.",
            definite,
            "all d, n, Σ, Ω, σ², Δ",
        ),
        SUM,
        Lemma(
            r"$f$ is strictly convex in the symmetric parts of the products $ba_j^\top$, $j\le d$.",
            r"$G$ is symmetric, so by Lemma 3 $f$ is a quadratic function of these parts. Its terms of second "
            r"order in "
            r"directions $\Delta_1,\dots,\Delta_d$ are the sum over $k$ of $\mathbb E\langle "
            r"G,\sum_j(\Sigma^{1/2})_{kj}"
            r"\Delta_j\rangle^2$. By Lemma 2 they vanish only if $\sum_j(\Sigma^{1/2})_{kj}\Delta_j=0$ for all "
            r"$k$, and "
            r"$\Sigma^{1/2}$ is invertible.",
            definite,
            "all d, n, Σ, Ω, σ², Δ",
        ),
        Lemma(
            r"The weights $b=e_{d+1}$, $A=(-\Gamma;0)$ minimize $f$, and so do exactly those with the same symmetric "
            r"products: $ba_j^\top+a_jb^\top=-(e_{d+1}\gamma_j^\top+\gamma_je_{d+1}^\top)$ for all $j$, $\gamma_j$ "
            r"lengthened by 0.",
            r"The excess over these weights is $\mathbb E(\ell-\ell^\star)^2$, as shown for the claim: the terms "
            r"of second "
            r"order in the differences of the symmetric parts, which vanish only with all of them, by Lemma 4.",
            step="claim",
            claim="global_minimizer_general_task",
        ),
        Lemma(
            r"Let $\Omega\ne0$. Then at every minimizer either $u=0$, all $\alpha_j=0$ and $\beta v_j=-\gamma_j$ with "
            r"$\beta\ne0$, or $\beta=0$, all $v_j=0$ and $\alpha_ju=-\gamma_j$ with $u\ne0$.",
            r"The blocks of the symmetric product say $uv_j^\top+v_ju^\top=0$, $\alpha_ju+\beta v_j=-\gamma_j$ and "
            r"$2\alpha_j\beta=0$. As $\operatorname{tr}(uv^\top+vu^\top)^2=2(u^\top v)^2+2\lVert u\rVert^2\lVert "
            r"v\rVert"
            r"^2$, the first says $u=0$ or $v_j=0$. Some $\gamma_j\ne0$, for $\Gamma=\Omega N^{-1}\ne0$. If "
            r"$u=0$, that "
            r"$j$ has $\beta v_j\ne0$, so $\beta\ne0$ and all $\alpha_j=0$. If $u\ne0$, all $v_j=0$; that $j$ has "
            r"$\alpha_j\ne0$, so $\beta=0$.",
            factored,
            "all d",
        ),
        Lemma(
            r"Under $(b,A)\leftarrow(\gamma b,A/\gamma)$ the layer does not change.",
            "The query entry scales by the product of the two factors.",
            rescaling,
            "all d, n, γ ≠ 0, P, Q, every prompt",
        ),
        Lemma(
            r"The minimizing $(b,A)$ are one orbit if $\operatorname{rank}\Omega\ge2$, and two if "
            r"$\operatorname{rank}\Omega=1$: in the second $b$ and the column of $A$ change roles. All other "
            r"entries of "
            r"$P$ and $Q$ are free.",
            r"In the first case of Lemma 6, $\beta$ fixes all else: the orbit of $(e_{d+1},(-\Gamma;0))$. In the "
            r"second, "
            r"$\Gamma=-u\alpha^\top$ has rank 1, and so has $\Omega=\Gamma N$; then $u$ is a multiple of the one "
            r"direction in the range of $\Gamma$, and this multiple fixes all $\alpha_j$: one more orbit. It is "
            r"attained: for "
            r"$\Gamma=\kappa pp^\top$ the layer of $b=(p;0)$, $A=(0;-\kappa p^\top)$ is that of the stated weights.",
            orbits,
            "all d, n, Γ of rank 1; every minor of size 2",
        ),
    )
)
