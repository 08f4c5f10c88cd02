r"""Two layers with symmetric matrices, Σ = Ω = I: why the minimizers are two pairs of multiples of the identity.

The residual F = (I − A_1S)(I − A_0S) has a part that transforms under rotations as a multiple of I and a part that
transforms as a traceless symmetric matrix. The loss is at least the sum of their mean squares, and this sum is a
quadratic form in what separates the pair from the stated ones. The letters are those of
:mod:`icl_claims.theory.many_layers.two_layer_certificate`.
"""

from __future__ import annotations

from icl_claims.theory.derivation import Derivation, Lemma
from icl_claims.theory.many_layers.averaging import DIRECTION, prove_traces_alone
from icl_claims.theory.many_layers.two_layer_certificate import (
    C,
    certificate,
    covariant_functions,
    covariant_gram,
    parts,
    prove_certificate_of,
    prove_forms_positive,
    prove_one_example,
    prove_orthogonal,
    prove_slope_vanishes,
)
from icl_claims.theory.many_layers.two_steps import BEST, ScalarPair, of_sizes, prove_distinct, prove_minimum
from icl_claims.theory.many_layers.two_symmetric_layers import (
    A,
    B,
    curvature_in_first,
    curvature_in_second,
    loss_polynomial,
    prove_loss,
    prove_second_difference,
)
from icl_claims.theory.transformer.parametrizations import sparse
from icl_claims.theory.transformer.query_label import prove_slot_adds_its_square

STATED = BEST
"""e, p and the minimum as the claim prints them."""


def on_multiples(pair: ScalarPair) -> None:
    """The minimum on pairs of multiples of I, by the moments of S."""
    prove_minimum(pair)


def distinct(pair: ScalarPair) -> None:
    """e² > 4p, e > 0 and p > 0."""
    prove_distinct(pair)


def orthogonal() -> None:
    """F_0, F_1 and F_2 are orthogonal, for d = 2 and for d ≥ 3."""
    for two_dimensional in (True, False):
        prove_orthogonal(parts(two_dimensional), two_dimensional)


def expansion(pair: ScalarPair) -> None:
    """The stated e, p are the critical point of E‖F_0‖² at w = 0."""
    for two_dimensional in (True, False):
        prove_certificate_of(certificate(two_dimensional), *of_sizes(pair))


def forms() -> None:
    """With ℓw moved into them the forms are positive definite for n ≥ 2."""
    for two_dimensional in (True, False):
        prove_forms_positive(certificate(two_dimensional), two_dimensional)


def one_example() -> None:
    """For n = 1 the slope ℓ vanishes, and F_1 = 0 only where its three matrices vanish."""
    for two_dimensional in (True, False):
        prove_slope_vanishes(certificate(two_dimensional).slope, {"n": 1})
    gram = [row[:3] for row in covariant_gram(two_dimensional=False)[:3]]
    prove_one_example(covariant_functions([C] * 4, two_dimensional=False)[3], gram)


def one_symmetric() -> None:
    """The loss is a polynomial in traces of words in the matrices, and convex in each, by a mean of squares."""
    f = loss_polynomial()
    prove_loss(f)
    prove_traces_alone(f)
    prove_second_difference(f, "B", curvature_in_second(DIRECTION))
    prove_second_difference(f, "A", curvature_in_first(DIRECTION))


def filled_slot() -> None:
    """A value c in the slot shifts the error by c, whose mean over the query is 0: the loss grows by the constant
    c²."""
    prove_slot_adds_its_square([sparse(A), sparse(B)])


DERIVATION = Derivation(
    (
        Lemma(
            r"On pairs $(aI,bI)$ the loss is $m_0-2em_1+(e^2+2p)m_2-2epm_3+p^2m_4$ with $e=a+b$ and $p=ab$. It is "
            r"least at the stated $e$ and $p$ and there only, and is then the stated minimum.",
            r"$q(s)=1-es+ps^2$ and $m_k=\mathbb E\operatorname{tr}S^k$. At the stated numbers $\mathbb "
            r"E\operatorname{tr}Sq(S)=\mathbb E\operatorname{tr}S^2q(S)=0$, and the Hessian in $(e,p)$ is positive "
            r"definite, since $m_2$ and $m_2m_4-m_3^2$ are ratios of polynomials in $d-1$ and $n-1$ with positive "
            r"coefficients.",
            on_multiples,
            "all d, n",
        ),
        Lemma(
            "$e^2>4p$, $e>0$ and $p>0$: the two steps $a$ and $b$ are real, different and positive. For $d=1$, where "
            "every matrix is a multiple of $I$, the statement follows with Lemma 1.",
            "Each is a ratio of polynomials in $d-1$ and $n-1$ with positive coefficients.",
            distinct,
            "all d, n",
        ),
        Lemma(
            r"For $d\ge2$, $F_0$, $F_1$ and $F_2$ are orthogonal in the inner product $\mathbb "
            r"E\operatorname{tr}F^\top G$, so $f\ge\mathbb E\lVert F_0\rVert^2+\mathbb E\lVert F_1\rVert^2$.",
            "The inner products are polynomials in traces of words in $D$ and $E$, and vanish with the traces of "
            "$D$ and of $E$. For $d=2$ the trace of a product of three of these matrices vanishes too.",
            orthogonal,
            "all d ≥ 2, n, D, E, m, k",
        ),
        Lemma(
            r"$\mathbb E\lVert F_0\rVert^2=f^\star+Q(e-e^\star,p-p^\star,w)+\ell w$, where $Q$ is a quadratic form "
            r"and $\ell$ the slope in $w$ at the point of Lemma 1; and $\mathbb E\lVert F_1\rVert^2\ge\sum_{ij}R_{ij}"
            r"\operatorname{tr}V_iV_j$ with $V=(D+E,mE,kD)$.",
            r"$F_0$ is linear in $(e,p,w)$, so its mean square is a quadratic polynomial, and its derivatives in $e$ "
            r"and $p$ vanish at $(e^\star,p^\star,0)$. $F_1$ is linear in $(V,Z)$; $R$ is what is left when its mean "
            r"square is minimized over all $Z$ (for $d=2$ there is no $Z$).",
            expansion,
            "all d ≥ 2, n",
        ),
        Lemma(
            r"For $n\ge2$ and $d\ge2$: $f>f^\star$ unless $D=E=0$, $e=e^\star$ and $p=p^\star$.",
            r"As $pw=\operatorname{tr}(mE\cdot kD)$, $\ell w=\frac{\ell}{p^\star}\operatorname{tr}(mE\cdot "
            r"kD)-\frac{\ell}{p^\star}(p-p^\star)w$. With these two terms added $R$ and $Q$ are positive definite: "
            r"their leading minors are ratios of polynomials in $d-3$ (or $d=2$) and $n-2$ with positive "
            r"coefficients. Where both forms vanish, $w=0$ and $D+E=0$, so $0=w=-\operatorname{tr}D^2$.",
            forms,
            "all d ≥ 2, n ≥ 2",
        ),
        Lemma(
            r"For $n=1$ and $d\ge2$: $f>f^\star$ unless $D=E=0$, $e=e^\star$ and $p=p^\star$.",
            r"Here $\ell=0$, and $Q$ and $R$ are not negative, as mean squares. As $S^2=\operatorname{tr}(S)S$, "
            r"$F_1=-(D+E)S+(mE+\zeta)S^2+S(kD+\zeta)S$ with a multiple $\zeta$ of $Z$ (of 0 for $d=2$), which "
            r"vanishes only where its three matrices do: then $E=-D$ and $mE=kD$, so $eD=0$. By Lemma 1, $I$, $S$ "
            r"and $S^2$ give $e=e^\star$ in $F_0$, which is not 0. So $D=E=0$, $w=0$, and $p=p^\star$ by Lemma 1.",
            one_example,
            "n = 1, all d ≥ 2",
        ),
        Lemma(
            "The same holds where only one of the matrices is symmetric and the other is any matrix.",
            r"For fixed $A_0$ the loss is a quadratic polynomial in $A_1$, and its second-order part $\mathbb "
            r"E\lVert R^\top S(I-A_0^\top S)\rVert_F^2$ is positive for $R\ne0$, since the part $R^\top S$ of lowest "
            r"degree is not 0. So there is one best $A_1$. Let $A_0$ be symmetric: the sign changes in an eigenbasis "
            r"leave $A_0$ and the loss as they are, so the best $A_1$ commutes with all of them and is symmetric. "
            r"The other matrix is treated in the same way.",
            one_symmetric,
            "all d, n, any matrices",
        ),
    )
)
