"""Ahn et al. (2023), App. C.2, Lemmas 5 and 6: a value in the query's label slot stays, and moves nothing else."""

from typing import NamedTuple

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from icl_claims.claims.evidence import Evidence
from icl_claims.models.attention import LinearTransformer
from icl_claims.theory.algebra.blocks import Blocks
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.words import Words, letter, zero
from icl_claims.theory.transformer.attention import MASK, NO_MASK, prompt
from icl_claims.theory.transformer.parametrizations import relaxed, sparse
from icl_claims.theory.transformer.prompts import LABELS
from icl_claims.theory.transformer.query_label import (
    FILLING,
    A,
    B,
    effect_after_layer,
    effect_of_last_column,
    free_value_matrix,
    in_the_slot,
    key_query_matrix,
    query_label,
    target,
)
from tests.shared.integer_tensors import draw_integers


class Shift(NamedTuple):
    """A claim: with these weights, c in the slot leaves ``effect`` in the slot one layer later, nothing elsewhere."""

    weights: tuple[Blocks, Blocks]
    effect: Words = FILLING
    mask: Blocks = MASK


PARAMETRizATIONS = {
    "sparse": sparse(A),
    "relaxed": relaxed(A, B),
    "free P, Q with last column zero": (free_value_matrix(), key_query_matrix()),
}


def check_shift(claimed: Shift) -> None:
    """Base case and induction step: c is all that the slot adds to Z_0, and to the next state of any state."""
    if prompt(LABELS, FILLING) - prompt(LABELS) != in_the_slot(FILLING):
        raise Refuted("the prompt changes elsewhere")
    if effect_after_layer(*claimed.weights, claimed.mask) != in_the_slot(claimed.effect):
        raise Refuted("one layer does not keep the shift, or moves something else")


@pytest.mark.claim(
    slug="query_label_shift",
    grade="proof",
    range="all d, n ≥ 1, L, every prompt, all A_l, B_l; all P_l, and all Q_l with last column zero",
    parts=("shift",),
)
def test_claim_query_label_shift(evidence: Evidence) -> None:
    """Induction on l in symbolic blocks: whatever the state, one layer takes c in the slot to c in the slot. More
    than stated: P may be any matrix, and of Q only the last column need be zero."""
    for weights in PARAMETRizATIONS.values():
        check_shift(Shift(weights))
    mutants = {
        "shift by 2c": Shift(relaxed(A, B), FILLING * 2),
        "shift by −c": Shift(relaxed(A, B), -FILLING),
        "no shift": Shift(relaxed(A, B), zero("1", "1")),
        "without the mask": Shift(relaxed(A, B), mask=NO_MASK),
        "free Q": Shift((free_value_matrix(), key_query_matrix(last_column=True))),
        "sparse P, free Q": Shift((sparse(A)[0], key_query_matrix(last_column=True))),
    }
    evidence.mutants(check_shift, mutants)


def check_error(filling: Words) -> None:
    """TF_L − ⟨w, x_q⟩ = −[Z̄_L] with ``filling`` at the start: by the shift, for any L; multiplied out for L ≤ 2."""
    second = (
        Blocks([[letter("B_1", "d", "d"), zero("d", "1")], [zero("1", "d"), letter("beta_1", "1", "1")]]),
        Blocks([[letter("A_1", "d", "d"), zero("d", "1")], [zero("1", "d"), zero("1", "1")]]),
    )
    for layers in ([], [relaxed(A, B)], [relaxed(A, B), second]):
        prediction = -query_label(layers, zero("1", "1"))
        if prediction - target() != -query_label(layers, filling):
            raise Refuted("the error of the prediction is not the negative label")


@pytest.mark.claim(
    slug="query_label_shift",
    grade="proof",
    range="all d, n ≥ 1, L, every prompt, labels with noise too",
    parts=("loss",),
)
def test_claim_query_label_shift_loss(evidence: Evidence) -> None:
    """The sign comes out right: TF_L = −[Z_L], so TF_L − ⟨w, x_q⟩ = −([Z_L] + ⟨w, x_q⟩), and by the shift the bracket
    is the label that starts at +⟨w, x_q⟩. The squares agree prompt by prompt, hence so do their means."""
    evidence.check(
        check_error,
        target(),
        {
            "slot −⟨w, x_q⟩": -target(),
            "slot 0": zero("1", "1"),
            "slot 2⟨w, x_q⟩": target() * 2,
        },
    )


@pytest.mark.claim(slug="query_label_shift", grade="exact", range="one instance each, d = n = 1", parts=())
def test_claim_query_label_shift_necessity(evidence: Evidence) -> None:
    """A last column of Q reads the slot: the query label moves by P C Cᵀ Q e_{d+1} c/n more. Without the mask the slot
    is a value. Both are identities in symbols, and numbers at d = n = 1."""
    weights = free_value_matrix(), key_query_matrix(last_column=True)
    if effect_after_layer(*weights) != effect_of_last_column(*weights):
        raise Refuted("the effect of c is not c e + P C Cᵀ Q e c/n")

    def entries(Q: list[list[float]], mask: bool) -> list[float]:
        """[Z_1]_{2,2} for x_1 = x_q = w = 1, P = diag(0, 1), and the slot at 0 and 1."""
        P = torch.tensor([[[0.0, 0.0], [0.0, 1.0]]], dtype=torch.float64)
        model = LinearTransformer.from_matrices(P, torch.tensor([Q], dtype=torch.float64), mask=mask)
        slots = (torch.tensor([[1.0, 1.0], [1.0, c]], dtype=torch.float64) for c in (0.0, 1.0))
        return [-model(Z).item() for Z in slots]

    reading, unmasked = entries([[0, 0], [0, 1]], True), entries([[-1, 0], [0, 0]], False)
    if reading != [0, 2] or unmasked != [-1, -1]:
        raise Refuted(f"the entries are {reading} and {unmasked}")
    evidence.necessary(
        "sparse_or_relaxed",
        "d = n = 1, x_1 = x_q = w = 1, P = Q = diag(0, 1): with 1 in the slot the query's label after one layer is 2 "
        "instead of 0. What is needed is that Q's last column be zero; P may be any matrix.",
    )
    evidence.necessary(
        "masked_query",
        "d = n = 1, x_1 = x_q = w = 1, A_0 = 1, no mask: with 1 in the slot as with 0 the query's label is −1 after "
        "one layer, for the query passes its own label on to itself.",
    )


@pytest.mark.claim(
    slug="query_label_shift",
    grade="exact",
    range="d ≤ 3, n ∈ {1, 2}, L ≤ 2, integer values",
    parts=("shift", "loss"),
)
def test_claim_query_label_shift_torch() -> None:
    """The torch model with free P and the last column of Q zero: every state, entry by entry. Equal, not close:
    dyadic numbers, with numerators below 2⁵³ in two layers of entries up to 2."""

    @given(st.data())
    def shifts(data: st.DataObject) -> None:
        d, n, depth = (
            data.draw(st.integers(1, 3)),
            data.draw(st.sampled_from([1, 2])),
            data.draw(st.integers(1, 2)),
        )

        shapes = (depth, d + 1, d + 1), (depth, d + 1, d + 1), (d + 1, n + 1), (d,)
        P, Q, Z0, w = (draw_integers(data, shape, 2) for shape in shapes)
        Q[:, :, d] = 0
        Z0[d] = w @ Z0[:d]
        wanted = Z0[d, n].item()
        empty = Z0.clone()
        empty[d, n] = 0
        model = LinearTransformer.from_matrices(P, Q)
        for filled_state, state in zip(model.states(Z0), model.states(empty), strict=True):
            shift = filled_state - state
            assert shift[d, n].item() == wanted
            shift[d, n] = 0
            assert not shift.any()
        assert model(empty).item() - wanted == model(Z0).item()

    shifts()
