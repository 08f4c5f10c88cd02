r"""One layer of linear attention, App. A.1 of Ahn et al.: its loss depends on b and A, and how."""

from __future__ import annotations

from typing import NamedTuple

from sympy.polys.fields import FracElement

from icl_claims.theory.algebra.words import n
from icl_claims.theory.derivation import Derivation, Lemma
from icl_claims.theory.one_layer.dependence import Block, prove_dependence, prove_entry, prove_loss


class Formula(NamedTuple):
    """f = E‖(bᵀGA ± wᵀ)x_q‖² in the blocks of P = [[P_x, p], [uᵀ, β]] and Q = [[A_x, q], [aᵀ, q_0]].

    Attributes:
        of_P, of_Q: the blocks on which f depends, each by its row and its column.
        scale: of G, the sum of z zᵀ over tokens.
        query_tokens: how many tokens of G are the query's.
        task_sign: the sign before wᵀ.
    """

    of_P: tuple[Block, ...]
    of_Q: tuple[Block, ...]
    scale: FracElement
    query_tokens: int
    task_sign: int


STATED = Formula(((1, 0), (1, 1)), ((0, 0), (1, 0)), 1 / n, 0, 1)


def dependence(stated: Formula) -> None:
    """The query entry holds no letter of any other block."""
    prove_dependence(stated.of_P, stated.of_Q)


def entry(stated: Formula) -> None:
    """The query entry is bᵀGA x_q."""
    prove_entry(stated.scale, stated.query_tokens)


def loss(stated: Formula) -> None:
    """The loss is the stated expectation."""
    prove_loss(stated.scale, stated.query_tokens, stated.task_sign)


DERIVATION = Derivation(
    (
        Lemma(
            r"The query entry $[Z_1]_{d+1,n+1}$ depends on $P$ through its last row alone and on $Q$ through its first "
            r"$d$ columns alone, for every prompt. So does $f$, which is the mean of a function of this "
            "entry and of the prompt.",
            "The layer is multiplied out in blocks with all of $P$ and $Q$ free; the entry holds no letter of the "
            "other blocks.",
            dependence,
            "all d, n, P, Q, every prompt",
        ),
        Lemma(
            r"The query entry is $b^\top GAx_q$.",
            r"Both are polynomials in the prompt and in the entries of $P$ and $Q$, and they are the same.",
            entry,
            "all d, n, P, Q, every prompt",
        ),
        Lemma(
            r"$f(b,A)=\mathbb E\lVert(b^\top GA+w^\top)x_q\rVert^2$.",
            r"The prediction is minus the query entry, and the target is $w^\top x_q$; both sides, averaged over "
            "prompts, are the same polynomial.",
            loss,
            "all d, n, Σ, Ω, σ², P, Q",
        ),
    )
)
