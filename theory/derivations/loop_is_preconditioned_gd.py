"""One looped block with u = 0: why L loops are L steps of gradient descent preconditioned by Aᵀ, and its residual."""

from __future__ import annotations

from typing import NamedTuple

from icl_claims.theory.algebra.words import Words, eye
from icl_claims.theory.derivation import Derivation, Lemma
from icl_claims.theory.transformer.attention import X_QUERY
from icl_claims.theory.transformer.looped import (
    prove_contraction,
    prove_loop_step,
    prove_state_of_residual,
    prove_transposed,
)
from icl_claims.theory.transformer.preconditioned_gd import (
    ITERATE,
    A,
    gradient,
    prove_entry,
    prove_slope,
    prove_start,
)
from icl_claims.theory.transformer.prompts import S


class Loops(NamedTuple):
    """w_{t+1} = w_t − ``preconditioner`` ``slope``; the prediction is minus ``entry``.

    Without noise w − w_t = ``contraction``ᵗ w, and the prediction is wᵀ(I − ``factor``ᵗ) x_q.
    """

    preconditioner: Words
    slope: Words
    entry: Words
    contraction: Words
    factor: Words


STATED = Loops(
    preconditioner=A.T,
    slope=gradient(ITERATE),
    entry=-(ITERATE.T @ X_QUERY),
    contraction=eye("d") - A.T @ S,
    factor=eye("d") - S @ A,
)
ON_COLUMNS = STATED._replace(contraction=eye("d") - S @ A)
"""The residual with no transposition: (I − SA)ᵗ times the column w."""


def start() -> None:
    """Z_0 is the state of 0."""
    prove_start()


def entry(loops: Loops) -> None:
    """The query entry of the state of v."""
    prove_entry(loops.entry)


def slope(loops: Loops) -> None:
    """The gradient of R."""
    prove_slope(loops.slope)


def step(loops: Loops) -> None:
    """One loop takes the state of v to that of the next iterate."""
    prove_loop_step(loops.preconditioner)


def contraction(loops: Loops) -> None:
    """One step multiplies w − v."""
    prove_contraction(loops.preconditioner, loops.contraction)


def residual(loops: Loops) -> None:
    """The labels after t loops are those of the residual; (contractionᵗ)ᵀ = factorᵗ."""
    prove_state_of_residual()
    prove_transposed(loops.contraction, loops.factor)


DERIVATION = Derivation(
    (
        Lemma(
            r"Call $\begin{pmatrix}X&x_q\\y-v^\top X&-v^\top x_q\end{pmatrix}$ the state of $v$. Then $Z_0$ is the "
            "state of $w_0=0$.",
            "The label slot of the query holds 0.",
            start,
            "all d, n, every prompt",
        ),
        Lemma(
            r"The query entry of the state of $v$ is $-\langle x_q,v\rangle$.",
            "It is the last entry of the state.",
            entry,
            "all d, n, v, every prompt",
        ),
        Lemma(
            r"$\nabla R(v)=\frac1nX(X^\top v-y^\top)$ for $R(v)=\frac1{2n}\lVert v^\top X-y\rVert^2$.",
            r"$R(v+h)-R(v)$ is the scalar product of $h$ with it, plus $\frac1{2n}\lVert X^\top h\rVert^2$.",
            slope,
            "all d, n, v, h, every prompt",
        ),
        Lemma(
            r"One loop with $u=0$ takes the state of $v$ to the state of $v-A^\top\nabla R(v)$, whatever the labels.",
            r"The loop subtracts $\frac1n(y-v^\top X)X^\top A\,(X,x_q)$ from the last row and nothing from the others. "
            r"The mask makes the left index of $Z^\top QZ$ the key, so that $A$ acts on the query: on $v$ it is "
            r"$A^\top$. The minus sign stands where $Q=-\operatorname{diag}(A,0)$ stands in a layer with a plus.",
            step,
            "all d, n, v, A, every prompt, all labels",
        ),
        Lemma(
            r"For every $t$ the state after $t$ loops is that of $w_t$, with $w_{t+1}=w_t-A^\top\nabla R(w_t)$; so "
            r"$\operatorname{TF}_t=\langle w_t,x_q\rangle$.",
            "By induction on $t$: Lemma 1 is the start and Lemma 4 the step. Lemma 2 gives the prediction.",
            step="induction",
        ),
        Lemma(
            r"Without noise, with $S=\frac1nXX^\top$: $w-(v-A^\top\nabla R(v))=(I-A^\top S)(w-v)$.",
            r"$\nabla R(v)=S(v-w)$ by Lemma 3 with $y=w^\top X$.",
            contraction,
            "all d, n, v, w, A, every X",
        ),
        Lemma(
            "Without noise the state of $v$ has the labels of $w-v$: $(w-v)^\\top X$ in the context, and "
            r"$\langle w-v,x_q\rangle-\langle w,x_q\rangle$ for the query. $(I-A^\top S)^\top=I-SA$.",
            "The blocks are compared. $S$ is symmetric.",
            residual,
            "all d, n, v, w, A, every prompt",
        ),
        Lemma(
            r"For every $t$: $w-w_t=(I-A^\top S)^tw=\bigl((I-SA)^t\bigr)^\top w$ and "
            r"$\operatorname{TF}_t=w^\top(I-(I-SA)^t)x_q$.",
            "By induction on $t$ from $w-w_0=w$: Lemma 6 is the step. Lemmas 5 and 7 give the prediction.",
            step="induction",
        ),
    )
)
"""§3 of Gatmiry et al. (2024), with the transposes written out."""
