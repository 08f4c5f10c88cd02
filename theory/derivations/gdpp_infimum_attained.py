r"""A point of 𝒮′ = {A_l = a_l Σ⁻¹, B_l = b_l I} at which the loss is critical in all matrices.

The three lemmas on whitening, rotations and blocks of the gradient serve Theorem 4 of Ahn et al. as well.
"""

from __future__ import annotations

from icl_claims.theory.algebra.words import letter
from icl_claims.theory.derivation import Derivation, Lemma
from icl_claims.theory.many_layers.gdpp_point import (
    EXPLICIT,
    prove_first_layers_change_nothing,
    prove_saddle,
    prove_slopes_vanish,
)
from icl_claims.theory.transformer.relaxed_layers import (
    prove_change_of_basis,
    prove_rotation,
    whitened_pair,
)
from icl_claims.theory.transformer.rotations import U

STATED = EXPLICIT


def change_of_basis() -> None:
    """Kᵀ Ā K and C B̄ K on x = C x̄ do what Ā and B̄ do on x̄."""
    A, B = letter("A", "d", "d"), letter("B", "d", "d")
    prove_change_of_basis(*whitened_pair(A, B), A, B)


def rotation() -> None:
    """U A Uᵀ and U B Uᵀ on U X do what A and B do on X."""
    prove_rotation(U @ letter("A", "d", "d") @ U.T, U @ letter("B", "d", "d") @ U.T)


CHANGE_OF_BASIS = Lemma(
    r"Let $x=C\bar x$, $w=C^{-\top}\bar w$ for invertible $C$. $L$ layers with $A_l=C^{-\top}\bar A_lC^{-1}$, "
    r"$B_l=C\bar B_lC^{-1}$ predict on $x$ what layers with $\bar A_l$, $\bar B_l$ predict on $\bar x$. With "
    r"$C=\Sigma^{1/2}$ this takes the data of the theorem to $\Sigma=I$, $w\sim\mathcal N(0,I)$, and "
    r"$\mathcal S'$ to "
    r"$\bar A_l=a_lI$, $\bar B_l=b_lI$. It is linear and invertible in the matrices, so a critical point "
    r"stays one.",
    "One layer from any state gives $C$ times the covariates and the same labels; the next layer starts from "
    "there.",
    change_of_basis,
    "one layer; all d, n, C, A, B, every state",
    "induction",
)
ROTATION = Lemma(
    r"For $\Sigma=I$, $w\sim\mathcal N(0,I)$ and orthogonal $U$: "
    r"$f(UA_0U^\top,UB_0U^\top,\dots)=f(A_0,B_0,\dots)$.",
    "One layer from any state, its covariates turned by $U$, gives the turned covariates and the same "
    "labels, so $L$ "
    r"layers give the same prediction; and $Ux_i$, $Ux_q$, $Uw$ have the law of $x_i$, $x_q$, $w$.",
    rotation,
    "one layer; all d, n, U, A, B, every state",
    "induction",
)
MULTIPLES = Lemma(
    r"At $A_l=a_lI$, $B_l=b_lI$ each of $\nabla_{A_l}f$, $\nabla_{B_l}f$ is a multiple of $I$, with the trace "
    r"$\partial f/\partial a_l$ or $\partial f/\partial b_l$, $f$ as a function of $a$ and $b$.",
    "The point is fixed under all rotations of the lemma before, so each block of the gradient commutes with every "
    "orthogonal $U$. Commuting with a change of sign of one coordinate makes its entries off the diagonal 0, "
    "commuting "
    "with an exchange of two coordinates makes those on the diagonal equal. The trace is the derivative in the "
    "direction $I$.",
    step="symmetry",
)
SLOPES_OF_TWO = Lemma(
    r"$\partial f/\partial a_l$ for all $l$, and $\partial f/\partial b_l$ for $l<L-1$, vanish at the point.",
    "By the lemma before these are slopes of one or two layers. They are integrals of polynomials against $\\mu$, "
    "whose moments are polynomials in $d$ and $1/n$: rational functions that are 0.",
    prove_slopes_vanish,
    "all d, n",
)

DERIVATION = Derivation(
    (
        CHANGE_OF_BASIS,
        ROTATION,
        MULTIPLES,
        Lemma(
            r"For $\Sigma=I$ on $\mathcal S'$: $f(a,b)=\int r_L(s)^2\,d\mu(s)$.",
            "It is the loss on $\\mathcal S'$.",
            step="claim",
            claim="gdpp_loss",
        ),
        Lemma(
            r"A layer with the stated $a_l$, $l<L-1$, changes neither $p$ nor $r$, whatever $b_l$ is. So $f$ as a "
            r"function of $a_l$, $b_l$ and $a_{L-1}$ alone is the loss of two layers.",
            "Put into the recursion of one layer from any $(p,r)$.",
            prove_first_layers_change_nothing,
            "all p, r, s, b",
        ),
        SLOPES_OF_TWO,
        Lemma(
            r"For $L\ge2$: $\partial^2f/\partial b_0^2=0$ and $\partial^2f/\partial a_0\partial b_0>0$ "
            r"there. The Hessian "
            r"on $\mathcal S'$ is indefinite, and the point is a saddle.",
            "By the lemma on layers that change nothing these are second derivatives of two layers. The second one "
            "is a rational function whose numerator and denominator, as polynomials in $d-1$ and $n-1$, have "
            "positive "
            "coefficients only.",
            prove_saddle,
            "all d, n",
        ),
    )
)
