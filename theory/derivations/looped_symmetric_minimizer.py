r"""Looped layers: the best symmetric matrix is the best multiple of Σ⁻¹, for all sizes; with one example of all A."""

from __future__ import annotations

from typing import NamedTuple

from flint import fmpq

from icl_claims.theory.derivation import Derivation, Lemma
from icl_claims.theory.derivations.global_minimizer_looped import LOSS, SCHUR
from icl_claims.theory.loops.symmetric_minimum import prove_mean_is_better, prove_one_example, prove_schur

LOOPS = (1, 2, 3, 4)
CONTEXTS = (1, 2, 3, 10)


class Mean(NamedTuple):
    """f(A) ≥ f(``scale`` (tr ΣA/d) Σ⁻¹) for symmetric A; for n = 1 the same with ``scale_of_one``, for all A."""

    scale: fmpq
    scale_of_one: fmpq


STATED = Mean(fmpq(1), fmpq(1))


def schur() -> None:
    """The norm of the power against the trace of its square."""
    for L in LOOPS:
        prove_schur(L)


def mean(stated: Mean) -> None:
    """The loss at sample matrices against the multiple with the same trace."""
    for L in LOOPS:
        for n in CONTEXTS:
            prove_mean_is_better(stated.scale, L, n)


def one_example(stated: Mean) -> None:
    """The power in words, and the loss at sample matrices of any kind."""
    for L in LOOPS:
        prove_one_example(L)
        prove_mean_is_better(stated.scale_of_one, L, 1, symmetric=False)


DERIVATION = Derivation(
    (
        LOSS,
        Lemma(
            r"For symmetric $A$: $f(A)\ge g(A)=\mathbb E\operatorname{tr}(I-S^{1/2}AS^{1/2})^{2L}$, with "
            "equality at multiples of $I$.",
            "$SA=S^{1/2}(S^{1/2}A)$ has the eigenvalues of $S^{1/2}AS^{1/2}$, which are real. The cited "
            r"inequality for $(I-SA)^L$ bounds its norm by their sum $\sum(1-\lambda_i)^{2L}$. For $A=aI$ "
            "the matrices are symmetric.",
            schur,
            "nine matrices A, four S, L ≤ 4",
            step="citation",
            cites=(SCHUR,),
        ),
        Lemma(
            r"$f(A)\ge f\bigl(\frac{\operatorname{tr}A}dI\bigr)$ for symmetric $A$, with equality for "
            "multiples of $I$ only.",
            r"$M\mapsto\operatorname{tr}M^{2L}$ is strictly convex on symmetric matrices, and $A\mapsto "
            r"I-S^{1/2}AS^{1/2}$ affine; so $g$ is convex, and strictly: for $A\ne A'$ some $x$ has "
            r"$x^\top(A-A')x\ne0$, so that $S^{1/2}AS^{1/2}\ne S^{1/2}A'S^{1/2}$ with positive "
            r"probability. The law of $S$ is invariant under rotations: $g(UAU^\top)=g(A)$, and the mean "
            r"of $UAU^\top$ over all $U$ is $\frac{\operatorname{tr}A}dI$. So $g(A)$ is at least $g$ "
            r"there, which is $f$; with equality only where $UAU^\top=A$ for all $U$.",
            mean,
            "nine matrices, indefinite ones among them, L ≤ 4, n = 1, 2, 3, 10",
            step="convexity",
        ),
        Lemma(
            r"For $n=1$ the same holds for all $A$.",
            r"$S=xx^\top$. With $t=x^\top Ax$ and $r=\sum_{k<L}(1-t)^k$, $(I-SA)^L=I-r\,xx^\top A$, whose "
            r"squared norm is $d-2rt+r^2|x|^2|A^\top x|^2\ge d-2rt+r^2t^2=d-1+(1-t)^{2L}$. Only the "
            "symmetric part of $A$ meets $t$; the right side is convex in it and invariant under "
            r"rotations, as in Lemma 3. Equality needs $A^\top x$ parallel to $x$ wherever $r\ne0$, so for "
            "almost all $x$: $A$ is a multiple of $I$.",
            one_example,
            "the power: L ≤ 4, all d, x, A; thirteen matrices",
            step="convexity",
        ),
        Lemma(
            r"$f(A)\ge f(a^\star I)$ in Lemmas 3 and 4, with equality at $a^\star I$ only.",
            r"$f(aI)$ is strictly convex in $a$, with the one minimizer $a^\star$.",
            step="claim",
            claim="optimal_looped_step_unique",
        ),
    )
)
"""A proposition of the suite, beside Theorem 3.2 of Gatmiry et al. (2024)."""
