"""The forward pass of the sparse parametrization: why it is gradient descent preconditioned by the transposes A_lᵀ."""

from __future__ import annotations

from typing import NamedTuple

from icl_claims.theory.algebra.words import Words
from icl_claims.theory.derivation import Derivation, Lemma
from icl_claims.theory.transformer.attention import X_QUERY
from icl_claims.theory.transformer.preconditioned_gd import (
    ITERATE,
    A,
    gradient,
    prove_entry,
    prove_slope,
    prove_start,
    prove_step,
)


class Descent(NamedTuple):
    """w_{l+1} = w_l − ``preconditioner`` ``slope``, and the query entry is ``entry``, in A, X, y, x_q and w_l."""

    preconditioner: Words
    slope: Words
    entry: Words


STATED = Descent(preconditioner=A.T, slope=gradient(ITERATE), entry=-(ITERATE.T @ X_QUERY))
AS_WRITTEN = STATED._replace(preconditioner=A)
"""Lemma 1 of Ahn et al. (2023)."""


def start() -> None:
    """Z_0 is the state of 0."""
    prove_start()


def entry(descent: Descent) -> None:
    """The query entry of the state of w."""
    prove_entry(descent.entry)


def slope(descent: Descent) -> None:
    """The gradient of R."""
    prove_slope(descent.slope)


def step(descent: Descent) -> None:
    """One layer takes the state of w to that of the next iterate."""
    prove_step(descent.preconditioner)


DERIVATION = Derivation(
    (
        Lemma(
            r"Call $\begin{pmatrix}X&x_q\\y-w^\top X&-w^\top x_q\end{pmatrix}$ the state of $w$. Then $Z_0$ is the "
            "state of $w_0=0$.",
            "The label slot of the query holds 0.",
            start,
            "all d, n, every prompt",
        ),
        Lemma(
            r"The query entry of the state of $w$ is $-\langle x_q,w\rangle$.",
            "It is the last entry of the state.",
            entry,
            "all d, n, w, every prompt",
        ),
        Lemma(
            r"$\nabla R(w)=\frac1nX(X^\top w-y^\top)$.",
            r"$R(w+v)-R(w)$ is the scalar product of $v$ with it, plus $\frac1{2n}\lVert X^\top v\rVert^2$.",
            slope,
            "all d, n, w, v, every prompt",
        ),
        Lemma(
            r"One layer with the matrix $A$ takes the state of $w$ to the state of $w-A^\top\nabla R(w)$.",
            r"The layer adds $-\frac1n(y-w^\top X)X^\top A\,(X,x_q)$ to the last row and nothing to the others. The "
            r"mask makes the left index of $Z^\top QZ$ the key, so that $A$ acts on the query: in $w$ it is "
            r"$A^\top$.",
            step,
            "all d, n, w, A, every prompt",
        ),
        Lemma(
            "For every $l$ the state after $l$ layers is that of $w_l$.",
            "By induction on $l$: Lemma 1 is the start and Lemma 4 the step. With Lemma 2 this is the statement.",
            step="induction",
        ),
    )
)
