r"""Ahn et al., App. B.2: at A_l = a_l Σ⁻¹ the derivative of the loss in any direction is that in a multiple of Σ⁻¹.

In whitened coordinates the point is A_l = a_l I, which UᵀA_lU leaves alone for every orthogonal U, while the loss is
invariant under A_l ↦ UᵀA_lU. So a direction may be replaced by its mean over signed permutations U, a multiple of I.
"""

from __future__ import annotations

from typing import NamedTuple

from icl_claims.theory.algebra.words import Words, d, letter
from icl_claims.theory.derivation import Derivation, Lemma
from icl_claims.theory.many_layers.directions import (
    DIRECTION,
    INVERSE,
    prove_change_of_basis,
    prove_mean_over_signed_permutations,
    prove_reduced_derivative,
    prove_reduction_whitens,
)
from icl_claims.theory.transformer.prompts import SIGMA
from icl_claims.theory.transformer.symmetries import C


class Reduction(NamedTuple):
    """R̃ = r · matrix, in the letters Σ, Σ⁻¹ and R."""

    r: Words
    matrix: Words

    @property
    def direction(self) -> Words:
        """R̃."""
        return self.matrix * self.r


STATED = Reduction((SIGMA @ DIRECTION).trace() / d, INVERSE)
"""As Eqs. (27)–(30) write it, for tr(Σ^{1/2}RΣ^{1/2}) = tr(ΣR)."""


def change_of_basis() -> None:
    """Labels with covariates CX and A are those with X and CᵀAC."""
    prove_change_of_basis(C.T @ letter("A", "d", "d") @ C)


def mean_direction() -> None:
    """The mean of UᵀRU over signed permutations is (tr R/d) I."""
    prove_mean_over_signed_permutations(4)


def whitened(reduction: Reduction) -> None:
    """The stated direction, in whitened coordinates, is the one stated for Σ = I."""
    prove_reduction_whitens(reduction.direction)


def derivatives(reduction: Reduction) -> None:
    """For Σ = I the derivatives in R and in the stated direction agree."""
    prove_reduced_derivative(reduction.direction, 3)


DERIVATION = Derivation(
    (
        Lemma(
            r"Layers $A_0,\dots,A_{L-1}$ on covariates $CX,Cx_q$ give the label row that layers $C^\top A_lC$ give "
            r"on $X,x_q$, for every $d\times d$ matrix $C$ and all labels.",
            "One layer from any state is an identity between products of matrices, checked with the mask and "
            "without it. Sparse layers do not change the covariates, so it holds after any number of layers by "
            "induction.",
            change_of_basis,
            "one layer: all d, n, C, A, every state",
            step="induction",
        ),
        Lemma(
            r"With $C=\Sigma^{1/2}$ the loss at $(A_l)$ is the loss for $\Sigma=\Omega=I$ at "
            r"$(\Sigma^{1/2}A_l\Sigma^{1/2})$, and the stated $\tilde R$ becomes $\frac1d\operatorname{tr}(R')\,I$ "
            r"for $R'=\Sigma^{1/2}R\Sigma^{1/2}$. So it is enough to treat $\Sigma=I$.",
            r"$x=\Sigma^{1/2}z$ with $z\sim\mathcal N(0,I)$, and $\langle w,x\rangle=\langle\Sigma^{1/2}w,z\rangle$ "
            r"with $\Sigma^{1/2}w\sim\mathcal N(0,I)$: Lemma 1. That $\Sigma^{1/2}\tilde R\,\Sigma^{1/2}$ is the "
            r"stated direction for $R'$ is checked with letters for $\Sigma^{1/2}$ and its inverse.",
            whitened,
            "all d, Σ, R",
        ),
        Lemma(
            r"For $\Sigma=\Omega=I$ and orthogonal $U$, $f(U^\top A_0U,\dots)=f(A_0,\dots)$. So at $A_l=a_lI$ the "
            r"derivative in the directions $R_l$ is that in the directions $U^\top R_lU$.",
            "Lemma 1 with $C=U$: covariates $UX$, $Ux_q$ with the task $Uw$ have the same labels and the same law, "
            r"the one of independent standard normal numbers. And $U^\top(a_lI)U=a_lI$.",
            step="symmetry",
        ),
        Lemma(
            r"The mean of $U^\top RU$ over the $2^dd!$ signed permutations $U$ is $\frac1d\operatorname{tr}(R)\,I$.",
            "Changing the sign of one axis changes the sign of the entries of its row and its column off the "
            "diagonal, whose mean is therefore 0; permutations make all diagonal entries of the mean equal, and the "
            r"trace stays. Computed one by one for all unit matrices $R$ with $d\le4$.",
            mean_direction,
            "d ≤ 4, all R",
            step="symmetry",
        ),
        Lemma(
            r"At $A_l=a_lI$ the derivative in $R_l$ is that in the stated $\tilde R_l$, for every number of layers.",
            "A derivative is linear in the direction, so by Lemma 3 it may be averaged over $U$; Lemma 4 names the "
            r"mean. For $L\le3$ it is checked once more without any symmetry: both derivatives are averaged over "
            r"prompts with $d$, $n$, $\sigma^2$ and the steps as symbols.",
            derivatives,
            "L ≤ 3, all d, n, σ², steps and R",
            step="symmetry",
        ),
    )
)
"""Ahn et al. (2023), App. B.2, Eqs. (27)–(30)."""
