r"""What a value in the query's label slot does to a linear transformer: it stays where it is.

Split a state into its context columns C and its query column q. With the mask, one layer is

    C ↦ C + P C (Cᵀ Q C)/n,     q ↦ q + P C Cᵀ Q q/n :

the context never sees the query, and q moves by a *linear* map. A value c in the label slot adds c e_{d+1} to
q, which the layer maps to c e_{d+1} + P C Cᵀ (Q e_{d+1}) c/n. So if the last column of Q_l is zero, for
every l, then Z_l with the slot at c is Z_l with the slot at 0, and c added in the last entry: whatever P_l is,
and whatever the rest of Q_l. The sparse parametrization, P_l = diag(0, 1), Q_l = −diag(A_l, 0), and the relaxed
one, P_l = diag(B_l, 1), Q_l = diag(A_l, 0), are of this kind.

The statement about the loss: :mod:`icl_claims.theory.derivations.query_label_shift`.

All is symbolic: any d, n, any state, any weights of the shapes named. Source: Ahn et al. (2023), App. C.2,
Lemmas 5 and 6, for the sparse and the relaxed parametrization; for free P_l derived here.
"""

from __future__ import annotations

from icl_claims.theory.algebra.blocks import Blocks
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.gaussian import expectation
from icl_claims.theory.algebra.words import Words, eye, letter, zero
from icl_claims.theory.transformer.attention import MASK, X_QUERY, W, X, layer, prompt
from icl_claims.theory.transformer.prompts import LABELS

FILLING = letter("c", "1", "1")
"""c, what the query's label slot holds more."""

A, B = letter("A", "d", "d"), letter("B", "d", "d")

STATE = Blocks([[X, X_QUERY], [letter("Y", "1", "n"), letter("y", "1", "1")]])
"""Any state (X_l, Y_l) of a transformer, four blocks of letters."""


def free_value_matrix() -> Blocks:
    """P with all entries free."""
    return Blocks([[B, letter("p", "d", "1")], [letter("u", "d", "1").T, letter("beta", "1", "1")]])


def key_query_matrix(last_column: bool = False) -> Blocks:
    """Q = [[A, q], [aᵀ, q_0]] with free entries; q = 0 and q_0 = 0 unless ``last_column``."""
    column = (
        (letter("q", "d", "1"), letter("q_0", "1", "1")) if last_column else (zero("d", "1"), zero("1", "1"))
    )
    return Blocks([[A, column[0]], [letter("a", "d", "1").T, column[1]]])


def in_the_slot(value: Words) -> Blocks:
    """A state that is zero but for the query's label."""
    return Blocks([[zero("d", "n"), zero("d", "1")], [zero("1", "n"), value]])


def effect_after_layer(P: Blocks, Q: Blocks, mask: Blocks = MASK) -> Blocks:
    """What c in the slot of a state changes in the state one layer later, block by block."""
    return layer(P, Q, STATE + in_the_slot(FILLING), mask) - layer(P, Q, STATE, mask)


def query_label(layers: list[tuple[Blocks, Blocks]], filling: Words, mask: Blocks = MASK) -> Words:
    """[Z_L]_{d+1,n+1} from the prompt with the labels wᵀX + εᵀ and ``filling`` in the query's slot."""
    Z = prompt(LABELS, filling)
    for P, Q in layers:
        Z = layer(P, Q, Z, mask)
    return Z[1, 1]


def target() -> Words:
    """⟨w, x_q⟩."""
    return W.T @ X_QUERY


def prove_prompt_differs_in_the_slot(filled: Blocks | None = None) -> None:
    """Z_0 with c in the slot is Z_0 with 0 there, and c in the last entry.

    Args:
        filled: another state in the place of the first, to see it refused.

    Raises:
        Refuted: it is not.

    >>> prove_prompt_differs_in_the_slot()
    """
    if (filled or prompt(LABELS, FILLING)) - prompt(LABELS) != in_the_slot(FILLING):
        raise Refuted("the prompt changes beside the slot")


def prove_layer_keeps(P: Blocks, Q: Blocks, effect: Words, mask: Blocks = MASK) -> None:
    """c in the slot of any state leaves ``effect`` in the slot one layer later, and changes nothing elsewhere.

    Raises:
        Refuted: it leaves something else.

    >>> prove_layer_keeps(free_value_matrix(), key_query_matrix(), FILLING)
    """
    if effect_after_layer(P, Q, mask) != in_the_slot(effect):
        raise Refuted("one layer does not take c in the slot to the stated effect in the slot alone")


def prove_error_is_minus_the_entry(start: Words) -> None:
    """TF_L − ⟨w, x_q⟩ = −[Z̄_L] for Z̄ with ``start`` in the slot, where the slot only shifts the entry by ``start``.

    With TF_L = −[Z_L] and [Z̄_L] = [Z_L] + start.

    Raises:
        Refuted: it is not.

    >>> prove_error_is_minus_the_entry(target())
    """
    entry = letter("y_L", "1", "1")
    if -entry - target() != -(entry + start):
        raise Refuted("the error of the prediction is not minus the entry that starts with the stated number")


def prove_slot_only_shifts(layers: list[tuple[Blocks, Blocks]]) -> None:
    """c in the query's slot adds c to the query's label after these layers, and no more.

    The error is shifted by c, for any labels wᵀX + εᵀ.

    Args:
        layers: (P_l, Q_l), block by block.

    Raises:
        Refuted: the label changes otherwise.

    >>> from icl_claims.theory.transformer.parametrizations import relaxed
    >>> prove_slot_only_shifts([relaxed(A, B), relaxed(A, B)])
    """
    if query_label(layers, FILLING) - query_label(layers, zero("1", "1")) != FILLING:
        raise Refuted("the slot does more than shift the query's label by what it holds")


def prove_slot_adds_its_square(layers: list[tuple[Blocks, Blocks]]) -> None:
    """c in the query's slot adds the constant c² to the expected squared error, and changes no derivative of it.

    The error is shifted by c, and its mean over x_q, given everything else, is 0.

    Raises:
        Refuted: the slot does something else, or the error has a mean.

    >>> from icl_claims.theory.transformer.parametrizations import relaxed
    >>> prove_slot_adds_its_square([relaxed(A, B)])
    """
    prove_slot_only_shifts(layers)
    if expectation(query_label(layers, zero("1", "1")) + target(), X_QUERY, eye("d")):
        raise Refuted("the mean of the error over the query is not 0")
