r"""Two layers with symmetric matrices, Theorem 2 of Ahn et al.: why some pair of diagonal matrices is a minimizer.

The loss does not change when both matrices are rotated, so the first may be taken diagonal. Then the diagonal part of
the second loses no more than the second itself.
"""

from __future__ import annotations

from icl_claims.theory.derivation import Derivation, Lemma
from icl_claims.theory.many_layers.averaging import (
    DIRECTION,
    FREE_A,
    FREE_B,
    DiagonalPairs,
    prove_every_diagonal_pair,
    prove_quadratic,
    prove_square_beyond_the_diagonal,
    prove_traces_alone,
)
from icl_claims.theory.many_layers.two_symmetric_layers import (
    A,
    B,
    curvature_in_first,
    curvature_in_second,
    loss_polynomial,
    noise_curvature_in_second,
    noisy_loss_polynomial,
    prove_loss,
    unmasked_error,
    unmasked_loss_polynomial,
)
from icl_claims.theory.transformer.parametrizations import sparse
from icl_claims.theory.transformer.query_label import prove_slot_adds_its_square

STATED = DiagonalPairs(FREE_A, FREE_B)
"""All pairs of diagonal matrices."""


def rotations() -> None:
    """The loss is E‖(I − BᵀS)(I − AᵀS)‖², and a polynomial in traces of words in A and B."""
    f = loss_polynomial()
    prove_loss(f)
    prove_traces_alone(f)


def diagonal_part() -> None:
    """Beyond the diagonal of either matrix the loss grows by the mean of a square."""
    f = loss_polynomial()
    prove_square_beyond_the_diagonal(f, "B", curvature_in_second(DIRECTION))
    prove_square_beyond_the_diagonal(f, "A", curvature_in_first(DIRECTION))


def noise() -> None:
    """With noise the loss is a polynomial in traces of A_0 and A_1 that grows by the mean of a square beyond the
    diagonal of A_1; and it is at least the loss without noise, which tends to infinity with the pair, so that a
    minimizer exists."""
    f = noisy_loss_polynomial()
    prove_traces_alone(f)
    square = curvature_in_second(DIRECTION) + noise_curvature_in_second(DIRECTION)
    prove_square_beyond_the_diagonal(f, "B", square)


def query_as_key() -> None:
    """Without the mask the loss is a polynomial in traces of A_0 and A_1, and the error is affine in A_1: the loss is
    convex in it, and the sign changes that fix a diagonal A_0 average A_1 to its diagonal part. A minimizer exists,
    since where the loss is bounded so are A_0 + A_1 and the products of an entry of A_0 with one of A_1."""
    prove_traces_alone(unmasked_loss_polynomial())
    prove_quadratic(unmasked_error(), "B")


def filled_slot() -> None:
    """A value c in the slot shifts the error by c, whose mean over the query is 0: the loss grows by the constant
    c²."""
    prove_slot_adds_its_square([sparse(A), sparse(B)])


DERIVATION = Derivation(
    (
        Lemma(
            r"$f(A_0,A_1)=\mathbb E\lVert(I-A_1^\top S)(I-A_0^\top S)\rVert_F^2$ is a polynomial in traces of words "
            r"in $A_0$ and $A_1$. So $f(UA_0U^\top,UA_1U^\top)=f(A_0,A_1)$ for every orthogonal $U$, and a symmetric "
            r"$A_0$ may be taken to be diagonal.",
            "Two layers are multiplied out on the prompt and averaged over it; no letter but the two matrices is "
            "left. A trace does not change when all its factors are rotated.",
            rotations,
            "all d, n, any two matrices",
        ),
        Lemma(
            r"For all $A_0,A_1,R$: $f(A_0,A_1+R)=f(A_0,A_1)+\mathbb E\lVert R^\top S(I-A_0^\top S)\rVert_F^2$ plus "
            r"terms that each have a factor $\operatorname{tr}(RV)$, $V$ a product of the matrices $A_0,A_1$ and "
            r"their transposes. So for diagonal $A_0$ the diagonal part of $A_1$ loses no more than $A_1$. The same "
            r"holds with the layers exchanged.",
            "The difference is taken of polynomials in words. Let $A_1$ be the diagonal part and $R$ the rest: $V$ "
            "is "
            r"then diagonal and $R$ has the diagonal 0, so $\operatorname{tr}(RV)=0$, and an expected square is not "
            "negative.",
            diagonal_part,
            "all d, n, any matrices",
        ),
        Lemma(
            "$f$ has a global minimizer among the symmetric pairs.",
            "`two_layer_symmetric_minimizer_scalar` names one.",
            step="claim",
            claim="two_layer_symmetric_minimizer_scalar",
        ),
        Lemma(
            "Some pair of diagonal matrices is a global minimizer among the symmetric pairs.",
            "Lemma 1 turns the minimizer of Lemma 3 into one with a diagonal $A_0$, and Lemma 2 puts the diagonal "
            "part of $A_1$ into its place without loss. The pair that results is of the stated form, since every "
            "pair of diagonal matrices is.",
            prove_every_diagonal_pair,
            "all d",
        ),
    )
)
