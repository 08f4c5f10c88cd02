"""Ahn et al. (2023), Lemma 1: which preconditioner the forward pass of the sparse parametrization runs.

The lemma writes A_l; the layer runs A_lᵀ. The convention is not ours to choose: in Attn = P Z M (Zᵀ Q Z) the
mask fixes that the left index of Zᵀ Q Z is the key, so the query enters as −x_iᵀ A_l x_q.
"""

from dataclasses import dataclass

import pytest
import torch
from flint import fmpq, fmpq_mat
from hypothesis import given
from hypothesis import strategies as st

from icl_claims.claims.edits import changed, inside, times
from icl_claims.claims.evidence import Evidence
from icl_claims.claims.statement import ANYWHERE, Corner, Statement
from icl_claims.models.attention import LinearTransformer
from icl_claims.theory.algebra.words import n
from icl_claims.theory.derivations.forward_pass_is_preconditioned_gd_transposed import (
    AS_WRITTEN,
    DERIVATION,
    STATED,
    Descent,
)
from icl_claims.theory.evaluation import at_task
from icl_claims.theory.task import isotropic
from icl_claims.theory.transformer.preconditioned_gd import A
from tests.shared.forward import Prompt, block_diagonal, states
from tests.shared.integer_tensors import draw_integers
from tests.shared.sizes import sizes
from tests.shared.strategies import matrices, positive_rationals


@dataclass(frozen=True)
class Pass:
    """A prompt, the matrices A_0, A_1, …, and whether there is a mask."""

    prompt: Prompt
    matrices: tuple[fmpq_mat, ...]
    masked: bool = True

    def __str__(self) -> str:
        of_layers = "; ".join(f"A_{i} = {a.tolist()}" for i, a in enumerate(self.matrices))
        return f"{self.prompt}; {of_layers}" + ("" if self.masked else "; no mask")

    def entries(self) -> list[fmpq]:
        """[Z_l]_{d+1,n+1} for l = 0, …, L, the layers multiplied out."""
        d, size = self.prompt.X.nrows(), self.prompt.X.ncols()
        layers = [(block_diagonal(a * 0, 1), -block_diagonal(a, 0)) for a in self.matrices]
        return [Z[d, size] for Z in states(self.prompt.state(self.prompt.slot), layers, self.masked)]

    def stated_entries(self, descent: Descent) -> list[fmpq]:
        """The same by the stated recursion."""
        size = isotropic(self.prompt.X.nrows(), self.prompt.X.ncols())
        values = {"X": self.prompt.X, "x_q": self.prompt.query, "y": self.prompt.labels}
        found, w = [], self.prompt.query * 0
        for A_l in (*self.matrices, None):
            found.append(at_task(descent.entry, size, {**values, "w_l": w})[0, 0])
            if A_l is not None:
                slope = at_task(descent.slope, size, {**values, "w_l": w})
                w -= at_task(descent.preconditioner, size, {"A": A_l}) * slope
        return found


def margin(descent: Descent, at: Pass) -> fmpq:
    """Minus the squared distance of the query entries of all layers from the stated ones."""
    pairs = zip(at.entries(), at.stated_entries(descent), strict=True)
    return -sum(((x - y) ** 2 for x, y in pairs), fmpq(0))


@st.composite
def passes(
    draw: st.DrawFn, corner: Corner = ANYWHERE, without: str | None = None, noisy: bool = True
) -> Pass:
    d, length = draw(sizes(corner))
    noise = draw(matrices(1, length)) if noisy else fmpq_mat(1, length)
    if without == "noiseless_labels":
        noise = fmpq_mat([[1] * length])
    slot = draw(positive_rationals) if without == "zero_query_label" else fmpq(0)
    prompt = Prompt(draw(matrices(d, length)), draw(matrices(d, 1)), draw(matrices(d, 1)), noise, slot)
    layers = draw(st.lists(matrices(d, d), min_size=1, max_size=corner.layers or 3))
    return Pass(prompt, tuple(layers), masked=without != "masked_query")


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


def one_example(A_0: list[list[int]], slot: int = 0) -> Prompt:
    """x_1 = w = e_1, and the last unit vector for the query."""
    first, last = ([[int(i == k)] for i in range(len(A_0))] for k in (0, len(A_0) - 1))
    return Prompt(fmpq_mat(first), fmpq_mat(last), fmpq_mat(first), fmpq_mat(1, 1), fmpq(slot))


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
