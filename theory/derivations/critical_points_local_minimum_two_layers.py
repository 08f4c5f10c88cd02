r"""Two layers: why both minimizers on 𝒮 are strict local minima over all pairs of matrices.

The Hessian at (aI, bI) is three 2 × 2 blocks, read off the loss polynomial. The optimal a and b are the two roots of a
quadratic polynomial over the field of rational functions of d and n, so the sign of a minor is decided there.
"""

from __future__ import annotations

from icl_claims.theory.derivation import Derivation, Lemma
from icl_claims.theory.many_layers.averaging import prove_traces_alone
from icl_claims.theory.many_layers.two_layer_curvature import (
    blocks,
    prove_change_of_basis,
    prove_definite_at_both,
)
from icl_claims.theory.many_layers.two_steps import (
    BEST,
    TwoSteps,
    of_sizes,
    prove_critical,
    prove_distinct,
)
from icl_claims.theory.many_layers.two_symmetric_layers import A, B, loss_polynomial
from icl_claims.theory.transformer.parametrizations import sparse
from icl_claims.theory.transformer.query_label import prove_slot_adds_its_square

STATED = TwoSteps(BEST.e, BEST.p)
"""The sum and the product of the two steps of the minimizers on 𝒮."""


def whitened() -> None:
    """The change of basis that makes Σ the identity."""
    prove_change_of_basis()


def real_steps(steps: TwoSteps) -> None:
    """The steps are real and different."""
    prove_distinct(steps)


def critical(steps: TwoSteps) -> None:
    """The gradient vanishes at both orders of the steps."""
    prove_critical(steps)
    prove_traces_alone(loss_polynomial())


def on_multiples(steps: TwoSteps) -> None:
    """The block of multiples of I is positive definite."""
    prove_definite_at_both(blocks().multiples, *of_sizes(steps), {"d": 1, "n": 1})


def on_symmetric(steps: TwoSteps) -> None:
    """The block of traceless symmetric directions is positive definite."""
    prove_definite_at_both(blocks().symmetric, *of_sizes(steps), {"d": 2, "n": 1})


def on_antisymmetric(steps: TwoSteps) -> None:
    """The block of antisymmetric directions is positive definite."""
    prove_definite_at_both(blocks().antisymmetric, *of_sizes(steps), {"d": 2, "n": 1})


def filled_slot() -> None:
    """A value c in the slot shifts the error by c, whose mean over the query is 0: the loss grows by the constant c²
    and has the same Hessian."""
    prove_slot_adds_its_square([sparse(A), sparse(B)])


DERIVATION = Derivation(
    (
        Lemma(
            r"With $B_l=\Sigma^{1/2}A_l\Sigma^{1/2}$ the loss at $\Sigma$ and $\Omega=\Sigma^{-1}$ is that at "
            r"$\Sigma=\Omega=I$ and $(B_0,B_1)$. So let $\Sigma=I$.",
            r"The map $A_l\mapsto B_l$ is linear and invertible and takes $a_l\Sigma^{-1}$ to $a_lI$, so it takes "
            r"strict local minima with a definite Hessian to such.",
            whitened,
            "all d, n, Σ, two layers, every prompt",
        ),
        Lemma(
            "The steps $a$ and $b$, the roots of $z^2-ez+p$, are real, different and positive.",
            "$e^2-4p$, $e$ and $p$ are ratios of polynomials in $d-1$ and $n-1$ with positive coefficients.",
            real_steps,
            "all d, n",
        ),
        Lemma(
            r"The gradient of $f$ in all entries vanishes at $(aI,bI)$ and at $(bI,aI)$, which are the minimizers on "
            r"$\mathcal S$.",
            r"On multiples of $I$ it does, since $\mathbb E\operatorname{tr}Sq(S)=\mathbb "
            r"E\operatorname{tr}S^2q(S)=0$ for $q(s)=1-es+ps^2$, and this is the least square over $e$ and $p$. In "
            r"the other directions it does, since $f$ is a polynomial in traces of words in the two matrices: its "
            r"derivative at multiples of $I$ is a multiple of the trace of the direction.",
            critical,
            "all d, n",
        ),
        Lemma(
            r"At $(aI,bI)$ the second-order part of $f$ in $(R_0,R_1)$ is a combination of "
            r"$\operatorname{tr}R_iR_j$, $\operatorname{tr}R_iR_j^\top$ and "
            r"$\operatorname{tr}R_i\operatorname{tr}R_j$. It is positive definite on pairs "
            "of multiples of $I$, at both orders of the steps.",
            "A minor of the block is a polynomial in $a$ and $b$. Its values at $(a,b)$ and $(b,a)$ have a sum and "
            "a product that are ratios of polynomials in $d-1$ and $n-1$ with positive coefficients, so both are "
            "positive.",
            on_multiples,
            "all d, n",
        ),
        Lemma(
            r"It is positive definite on pairs of traceless symmetric matrices, for $d\ge2$.",
            r"There $\operatorname{tr}R_iR_j^\top=\operatorname{tr}R_iR_j$ and $\operatorname{tr}R_i=0$; the minors "
            r"as before, in $d-2$ and $n-1$.",
            on_symmetric,
            "all d ≥ 2, n",
        ),
        Lemma(
            r"It is positive definite on pairs of antisymmetric matrices, for $d\ge2$. The three kinds of pairs do "
            r"not mix and span all pairs, so the Hessian is positive definite.",
            r"There $\operatorname{tr}R_iR_j^\top=-\operatorname{tr}R_iR_j$ and $\operatorname{tr}R_i=0$; the minors "
            r"as before. Each of the three forms vanishes on two matrices of different kinds.",
            on_antisymmetric,
            "all d ≥ 2, n",
        ),
    )
)
