r"""The value row u of a looped block: why every global minimizer has u = 0, and that there is one."""

from __future__ import annotations

from typing import NamedTuple

from icl_claims.theory.algebra.words import Words, eye
from icl_claims.theory.derivation import Derivation, Lemma
from icl_claims.theory.loops.value_row import (
    prove_excess,
    prove_first_order,
    prove_row_moves_by,
    prove_row_shifts_the_task,
    prove_slope_at_zero,
    prove_slot_stays,
    prove_visible,
)
from icl_claims.theory.transformer.attention import W
from icl_claims.theory.transformer.looped import VALUE_ROW
from icl_claims.theory.transformer.preconditioned_gd import A
from icl_claims.theory.transformer.prompts import OMEGA, SIGMA, S


class ValueRow(NamedTuple):
    """TF_L = ``task``ᵀ(I − ``factor``^L) x_q without noise; L ``slope`` is the part of the loss that is linear in A."""

    task: Words
    factor: Words
    slope: Words


STATED = ValueRow(W + VALUE_ROW, eye("d") - S @ A, -(SIGMA @ OMEGA @ SIGMA @ A).trace() * 2)


def shift(row: ValueRow) -> None:
    """The loop with u is the loop with u = 0 for another task."""
    prove_row_shifts_the_task(row.task)


def factor(row: ValueRow) -> None:
    """What the loop with u = 0 does to labels, and to the slot."""
    prove_row_moves_by(row.factor)
    prove_slot_stays()


def excess(row: ValueRow) -> None:
    """What u adds to the loss, given the covariates."""
    prove_excess(row.task)


def first_order(row: ValueRow) -> None:
    """The part of lowest degree in X."""
    prove_first_order(row.factor)


def visible() -> None:
    """uᵀSA on one example."""
    prove_visible()


def slope(row: ValueRow) -> None:
    """The derivative of the loss at A = 0."""
    prove_slope_at_zero(row.slope)


DERIVATION = Derivation(
    (
        Lemma(
            r"On any state a loop with $u$ gives what the loop with $u=0$ gives after $u^\top(X,x_q)$ is added to the "
            "labels, less this row again. So $L$ loops do.",
            r"The loop leaves the covariates and maps the labels $\tilde y$, the query's last, to $\tilde y-\frac1n"
            r"(\tilde y+u^\top(X,x_q))M(X,x_q)^\top A(X,x_q)$. From loop to loop the added row stays.",
            shift,
            "all d, n, u, A, every state",
        ),
        Lemma(
            r"A loop with $u=0$ is linear in the labels. It takes $r^\top(X,x_q)$ to $r^\top(I-SA)(X,x_q)$, and a "
            "number in the query's slot alone to itself.",
            "States with and without these labels are compared after a loop.",
            factor,
            "all d, n, r, A, every state",
        ),
        Lemma(
            r"$\operatorname{TF}_L(Z_0)=(w+u)^\top(I-G)x_q-\varepsilon^\top h$ with $G=(I-SA)^L$ and a vector $h$ of "
            "the covariates.",
            r"By Lemma 1 it starts from the labels $(w+u)^\top(X,x_q)+(\varepsilon^\top,-\langle w,x_q\rangle)$, and "
            r"$\langle u,x_q\rangle$ is taken off its last entry. By induction on the loops, Lemma 2 being the step, "
            r"this entry is $(w+u)^\top Gx_q-\langle w,x_q\rangle-\langle u,x_q\rangle+\varepsilon^\top h$.",
            step="induction",
        ),
        Lemma(
            r"$\mathcal L(A,u)=\mathcal L(A,0)+\mathbb E\bigl(u^\top(I-G)x_q\bigr)^2$, whatever $G$, $h$, $\Omega$ and "
            r"$\sigma^2$ are.",
            r"$w$ and $\varepsilon$ have mean 0 given the covariates, so that the mixed term vanishes.",
            excess,
            "all d, n, u, G, h, Ω, σ², every X and x_q",
        ),
        Lemma(
            r"$I-G$ is a polynomial in the entries of $X$ whose part of degree 2 is $L\,SA$; it has none of a lower "
            "degree.",
            "By induction on the loops; the step is decided with the number of loops as a symbol.",
            first_order,
            "the step: all d, n, A, k",
            step="induction",
        ),
        Lemma(
            r"$u^\top SA=\frac1n\langle u,x\rangle x^\top A$ for $X=(x,0,\dots,0)$.",
            "Both sides are compared as words.",
            visible,
            "all d, n, u, A, x",
        ),
        Lemma(
            r"For $u\ne0$ and $A\ne0$: $\mathcal L(A,u)>\mathcal L(A,0)$.",
            r"Else $u^\top(I-G)x_q=0$ almost surely by Lemma 4. A polynomial that vanishes almost everywhere vanishes, "
            "as $X$ and $x_q$ have a density ($\\Sigma\\succ0$), and so does each of its homogeneous parts: "
            r"$u^\top SA=0$ for every $X$ by Lemma 5, and $\langle u,x\rangle x^\top A=0$ for every $x$ by Lemma 6. "
            r"But $\langle u,x\rangle\ne0$ off a hyperplane, and $x^\top A\ne0$ off a subspace.",
            step="compactness",
        ),
        Lemma(
            r"The part of $\mathcal L(A,0)$ that is linear in $A$ is $-2L\operatorname{tr}(\Sigma\Omega\Sigma A)$.",
            r"By Lemma 5 it is $L$ times that of one loop. Integration by parts.",
            slope,
            "all d, n, Σ, Ω, σ², A",
        ),
        Lemma(
            r"No $(0,u)$ is a global minimizer. So every global minimizer has $u=0$.",
            r"$\operatorname{TF}_L=0$ for $A=0$, whatever $u$, so that $\mathcal L(0,u)=\mathcal L(0,0)$; by Lemma 8, "
            r"$\mathcal L(t\Sigma^{-1},0)$ has the derivative $-2L\operatorname{tr}\Sigma\Omega=-2Ld<0$ at $t=0$. For "
            r"$A\ne0$ it is Lemma 7.",
            step="compactness",
        ),
        Lemma(
            "There is a global minimizer.",
            r"$\mathcal L(A,u)\ge\mathcal L(A,0)$ by Lemma 4, and $\mathcal L(A,0)=\mathbb E\operatorname{tr}\Sigma "
            r"G^\top\Omega G$ is the square of a norm of $G$ on the polynomials in $X$ of degree at most $2L$, for "
            r"$\Sigma,\Omega\succ0$. All norms of this space of finite dimension are equivalent. So where "
            r"$\mathcal L(A,0)$ is bounded, the part $L\,SA$ of degree 2 is, and $A$ is, which is linear in it and "
            "zero only with it. A continuous function with bounded sublevel sets attains its minimum.",
            step="compactness",
        ),
    )
)
"""The half of Theorem 3.2 of Gatmiry et al. (2024) about u."""
