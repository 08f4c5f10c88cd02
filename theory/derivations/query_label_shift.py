"""A value in the query's label slot: why every layer keeps it and moves nothing else, and what the loss is by it.

With the mask the context never sees the query, and the query column moves by a linear map. The last column of Q_l is
zero, so that the layer does not read the slot.
"""

from __future__ import annotations

from typing import NamedTuple

from icl_claims.theory.algebra.words import Words
from icl_claims.theory.derivation import Derivation, Lemma
from icl_claims.theory.transformer.parametrizations import relaxed, sparse
from icl_claims.theory.transformer.query_label import (
    FILLING,
    A,
    B,
    free_value_matrix,
    key_query_matrix,
    prove_error_is_minus_the_entry,
    prove_layer_keeps,
    prove_prompt_differs_in_the_slot,
    target,
)


class Shift(NamedTuple):
    """c in the slot adds ``effect`` to the query's label after every layer; Z̄ starts with ``start`` in the slot."""

    effect: Words
    start: Words


STATED = Shift(effect=FILLING, start=target())


def prompt_differs() -> None:
    """The prompt changes in the slot alone."""
    prove_prompt_differs_in_the_slot()


def layer_keeps(shift: Shift) -> None:
    """One layer of either parametrization, and of any P with a Q whose last column is zero."""
    for P, Q in (sparse(A), relaxed(A, B), (free_value_matrix(), key_query_matrix())):
        prove_layer_keeps(P, Q, shift.effect)


def error(shift: Shift) -> None:
    """The error of the prediction is minus an entry."""
    prove_error_is_minus_the_entry(shift.start)


DERIVATION = Derivation(
    (
        Lemma(
            "$Z_0$ with $c$ in the query's label slot is $Z_0$ with $0$ there, and $c$ added to its last entry.",
            "By the definition of the prompt.",
            prompt_differs,
            "all d, n, c, every prompt",
        ),
        Lemma(
            "If two states differ by $c$ in the slot alone, so do the states one layer later. More than is stated: "
            "$P$ may be any matrix, and of $Q$ only the last column need be zero.",
            "With $C$ the context columns and $q$ the query column of a state, one layer maps $C$ to "
            r"$C+\frac1nPC(C^\top QC)$ and $q$ to $q+\frac1nPCC^\top Qq$. So $ce_{d+1}$ in $q$ becomes "
            r"$ce_{d+1}+\frac cnPCC^\top Qe_{d+1}$, and $Qe_{d+1}=0$.",
            layer_keeps,
            "all d, n, c, every state, all A, B; all P, and all Q with last column zero",
        ),
        Lemma(
            "After every layer the two states differ by $c$ in the slot alone.",
            "By induction on the layers: Lemma 1 is the start and Lemma 2 the step.",
            step="induction",
        ),
        Lemma(
            r"$\operatorname{TF}_L-\langle w,x_q\rangle=-[\bar Z_L]_{d+1,n+1}$, with $\bar Z$ the states that start "
            r"with $c=\langle w,x_q\rangle$ in the slot. So $f=\mathbb E([\bar Y_L]_{n+1})^2$, whatever the law of "
            "the prompt.",
            r"$\operatorname{TF}_L=-[Z_L]_{d+1,n+1}$, and the entry of $\bar Z_L$ is that of $Z_L$ plus $c$, by "
            "Lemma 3. The two squares agree prompt by prompt, so their means agree.",
            error,
            "all d, n, w, x_q, every entry",
        ),
    )
)
