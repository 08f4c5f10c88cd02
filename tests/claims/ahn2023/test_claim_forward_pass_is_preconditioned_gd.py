"""Ahn et al. (2023), Lemma 1: which preconditioner the forward pass of the sparse parametrization runs.

The lemma writes A_l; the layer runs A_lᵀ. The convention is not ours to choose: in Attn = P Z M (Zᵀ Q Z) the
mask fixes that the left index of Zᵀ Q Z is the key, so the query enters as −x_iᵀ A_l x_q.
"""

import pytest
import torch
from flint import fmpq, fmpq_mat
from hypothesis import given
from hypothesis import strategies as st

from icl_claims.claims.edits import changed, inside, times
from icl_claims.claims.evidence import Evidence
from icl_claims.claims.statement import Statement
from icl_claims.models.attention import LinearTransformer
from icl_claims.theory.algebra.words import n
from icl_claims.theory.derivations.forward_pass_is_preconditioned_gd_transposed import (
    AS_WRITTEN,
    DERIVATION,
    STATED,
)
from icl_claims.theory.transformer.preconditioned_gd import A
from tests.shared.forward import Prompt
from tests.shared.gradient_passes import Pass, margin, one_example, passes
from tests.shared.integer_tensors import draw_integers

CONDITIONS = {
    "noiseless_labels": lambda at: not any(at.prompt.noise.entries()),
    "masked_query": lambda at: at.masked,
    "zero_query_label": lambda at: at.prompt.slot == 0,
}
NO_COVARIANCE = dict.fromkeys(("Σ = cI", "repeated eigenvalues"), "the statement is about every prompt: no Σ")
WRITTEN = Statement(
    slug="forward_pass_is_preconditioned_gd",
    stated=AS_WRITTEN,
    margins={"statement": margin},
    conditions=CONDITIONS,
    instances=lambda corner: passes(corner, noisy=False),
    without=lambda key: passes(without=key, noisy=False),
    excluded=NO_COVARIANCE,
)
TRANSPOSED = Statement(
    slug="forward_pass_is_preconditioned_gd_transposed",
    stated=STATED,
    margins={"statement": margin},
    conditions={key: CONDITIONS[key] for key in ("masked_query", "zero_query_label")},
    instances=passes,
    without=lambda key: passes(without=key),
    excluded=NO_COVARIANCE,
)


SHEAR = Pass(one_example([[0, 1], [0, 0]]), (fmpq_mat([[0, 1], [0, 0]]),))
"""A_0 = e_1 e_2ᵀ, x_1 = w = e_1, x_q = e_2."""


@pytest.mark.claim(
    slug="forward_pass_is_preconditioned_gd",
    grade="exact",
    range="d = 2, n = 1, L = 1, one A_0 that is not symmetric",
    parts=("statement",),
    complete=True,
    refutes=True,
)
def test_claim_forward_pass_is_preconditioned_gd_counterexample(evidence: Evidence) -> None:
    """x_1 = e_1, x_q = e_2, w = e_1, A_0 = e_1 e_2ᵀ: the layer's query entry is −1, the lemma's −⟨x_q, w_1⟩
    is 0, for w_1 = A_0 S w = 0. With A_0ᵀ in its place both are −1."""
    evidence.refute(WRITTEN, "statement", SHEAR)
    evidence.figure("query entry of the layer", SHEAR.entries()[1])
    evidence.figure("by the lemma as written", SHEAR.stated_entries(AS_WRITTEN)[1])
    evidence.figure("with the transpose", SHEAR.stated_entries(STATED)[1])


@pytest.mark.claim(
    slug="forward_pass_is_preconditioned_gd",
    grade="exact",
    range="d, n ≤ 3, L ≤ 3, symmetric A_l",
    parts=(),
)
def test_claim_forward_pass_is_preconditioned_gd_symmetric() -> None:
    """Where every A_l is symmetric the lemma as written says the same as the corrected one, which is proved."""

    @given(passes())
    def holds(at: Pass) -> None:
        symmetric = tuple(a + a.transpose() for a in at.matrices)
        assert margin(AS_WRITTEN, Pass(at.prompt, symmetric)) == 0

    holds()


@pytest.mark.claim(
    slug="forward_pass_is_preconditioned_gd",
    grade="exact",
    range="d, n ≤ 3, L ≤ 3, any A_l",
    reading="tokens_as_rows",
)
def test_claim_forward_pass_is_preconditioned_gd_tokens_as_rows() -> None:
    """With A_lᵀ in Q_l the layers run the recursion that the lemma writes."""

    @given(passes())
    def holds(at: Pass) -> None:
        turned = Pass(at.prompt, tuple(a.transpose() for a in at.matrices))
        assert turned.entries() == at.stated_entries(AS_WRITTEN)

    holds()


@pytest.mark.claim(
    slug="forward_pass_is_preconditioned_gd_transposed",
    grade="argument",
    range="all d, n ≥ 1, L, every prompt, all A_l, all labels",
)
def test_claim_forward_pass_is_preconditioned_gd_transposed(evidence: Evidence) -> None:
    """Induction on l, its start and its step decided in symbolic blocks: one layer with any A takes the state of any
    w to that of w − Aᵀ∇R(w), for any labels."""
    step, slope, entry = "Lemma 4: one layer", "Lemma 3: the slope", "Lemma 2: the query entry"
    mutants = [
        changed(STATED, step, preconditioner=A),
        inside(STATED, "preconditioner", times(A.T, -1, step)),
        inside(STATED, "preconditioner", times(A.T, 2, step)),
        inside(STATED, "slope", times(STATED.slope, n, slope)),
        inside(STATED, "slope", times(STATED.slope, 2, slope)),
        inside(STATED, "entry", times(STATED.entry, -1, entry)),
    ]
    two = Prompt(fmpq_mat([[1, 2]]), fmpq_mat([[1]]), fmpq_mat([[1]]), fmpq_mat([[0, 1]]), fmpq(0))
    evidence.prove(DERIVATION, TRANSPOSED, mutants, at=[SHEAR, Pass(two, (fmpq_mat([[1]]),))])


@pytest.mark.claim(
    slug="forward_pass_is_preconditioned_gd_transposed", grade="exact", range="one instance each", parts=()
)
def test_claim_forward_pass_is_preconditioned_gd_transposed_necessity(evidence: Evidence) -> None:
    """Without the mask a layer adds ⟨w_l, x_q⟩ x_qᵀA_l x_q/n to the query entry, from the second layer on; a number in
    the label slot is where the entry starts."""
    unit = fmpq_mat([[1]])
    evidence.necessary(TRANSPOSED, "masked_query", Pass(one_example([[1]]), (unit, unit), masked=False))
    evidence.necessary(TRANSPOSED, "zero_query_label", Pass(one_example([[1]], slot=1), (unit,)))


@pytest.mark.claim(
    slug="forward_pass_is_preconditioned_gd_transposed",
    grade="exact",
    range="d ≤ 4, n ∈ {1, 2, 4}, L ≤ 3, integer values",
)
def test_claim_forward_pass_is_preconditioned_gd_transposed_torch() -> None:
    """The torch model against the recursion, for random shapes and integer values: every layer's query entry
    is equal, not close. All numbers are multiples of 2⁻⁶ below 2³¹, which float64 holds exactly."""

    @given(st.data())
    def equal(data: st.DataObject) -> None:
        d, size, layers = (
            data.draw(st.integers(1, 4)),
            data.draw(st.sampled_from([1, 2, 4])),
            data.draw(st.integers(1, 3)),
        )
        shapes = (layers, d, d), (d, size), (d, 1), (1, size)
        matrices, context, query, labels = (draw_integers(data, shape, 3) for shape in shapes)
        corner = torch.zeros((1, 1), dtype=torch.float64)
        Z0 = torch.cat([torch.cat([context, query], 1), torch.cat([labels, corner], 1)])
        states = LinearTransformer.from_preconditioners(matrices).states(Z0)
        w = torch.zeros((d, 1), dtype=torch.float64)
        for layer, Z in enumerate(states):
            assert Z[d, size] == -(query.T @ w).item()
            assert torch.equal(Z[:d], Z0[:d])
            assert torch.equal(Z[d:, :size], labels - w.T @ context)
            if layer < layers:
                w = w - matrices[layer].T @ (context @ (context.T @ w - labels.T) / size)

    equal()
