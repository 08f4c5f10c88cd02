"""Gatmiry et al. (2024), §3: one looped block with u = 0 is gradient descent on the context, preconditioned by Aᵀ.

The minus sign is the paper's loop's. The layers multiplied out carry it in Q.
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
from icl_claims.theory.algebra.words import eye, n
from icl_claims.theory.derivations.loop_is_preconditioned_gd import DERIVATION, ON_COLUMNS, STATED
from icl_claims.theory.transformer.preconditioned_gd import A
from icl_claims.theory.transformer.prompts import S
from tests.shared.forward import Prompt
from tests.shared.gradient_passes import one_example
from tests.shared.integer_tensors import draw_integers
from tests.shared.loops import Looped, descent_margin, looped, residual_margin

STATEMENT = Statement(
    slug="loop_is_preconditioned_gd",
    stated=STATED,
    margins={"descent": descent_margin, "residual": residual_margin},
    conditions={
        "noiseless_labels": lambda at: at.noiseless,
        "masked_query": lambda at: at.masked,
        "zero_query_label": lambda at: at.prompt.slot == 0,
        "tied_layers": lambda at: at.tied,
        "zero_value_row": lambda at: not any(at.u.entries()),
    },
    instances=looped,
    without=lambda key: looped(without=key),
    excluded=dict.fromkeys(("Σ = cI", "repeated eigenvalues"), "the statement is about every prompt: no Σ"),
)

UNIT, NOTHING = fmpq_mat([[1]]), fmpq_mat([[0]])
SHEAR = Looped(one_example([[0, 1], [0, 0]]), (fmpq_mat([[0, 1], [0, 0]]),), fmpq_mat(2, 1))
"""A = e_1 e_2ᵀ, x_1 = w = e_1, x_q = e_2, one loop."""
TWO = Prompt(fmpq_mat([[1, 2]]), UNIT, UNIT, fmpq_mat([[0, 0]]), fmpq(0))
TWO_EXAMPLES = Looped(TWO, (UNIT, UNIT), NOTHING)
"""d = 1, n = 2, two loops."""
ALONG = Prompt(fmpq_mat([[1], [1]]), fmpq_mat([[1], [0]]), fmpq_mat([[1], [0]]), NOTHING, fmpq(0))
SYMMETRIC = Looped(ALONG, (fmpq_mat([[1, 0], [0, 2]]),), fmpq_mat(2, 1))
"""A = diag(1, 2), x_1 = (1, 1), w = x_q = e_1, one loop: A is symmetric and does not commute with S."""


@pytest.mark.claim(
    slug="loop_is_preconditioned_gd",
    grade="argument",
    range="all d, n ≥ 1, L, every prompt, all A",
    parts=("descent", "residual"),
)
def test_claim_loop_is_preconditioned_gd(evidence: Evidence) -> None:
    """Two inductions on t, their starts and steps decided in symbolic blocks: one loop takes the state of any v to that
    of v − Aᵀ∇R(v), for any labels; without noise w − v becomes (I − AᵀS)(w − v)."""
    step, slope, entry = "Lemma 4: one loop", "Lemma 3: the slope", "Lemma 2: the query entry"
    mutants = [
        changed(STATED, step, preconditioner=A),
        inside(STATED, "preconditioner", times(A.T, -1, step)),
        inside(STATED, "preconditioner", times(A.T, 2, step)),
        inside(STATED, "slope", times(STATED.slope, n, slope)),
        inside(STATED, "entry", times(STATED.entry, -1, entry)),
    ]
    evidence.prove(DERIVATION, STATEMENT, mutants, part="descent", at=[SHEAR, TWO_EXAMPLES])
    multiple, transposed = "Lemma 6: a step does not take", "Lemma 7: the factor"
    residuals = [
        changed(STATED, multiple, contraction=eye("d") - S @ A),
        changed(STATED, multiple, contraction=eye("d") - S @ A.T),
        changed(STATED, multiple, contraction=eye("d") - A @ S),
        changed(STATED, multiple, contraction=eye("d") + A.T @ S),
        changed(STATED, transposed, factor=eye("d") - A @ S),
        changed(STATED, transposed, factor=eye("d") - S @ A.T),
    ]
    evidence.mutants(DERIVATION, STATEMENT, residuals, part="residual", at=[SHEAR, SYMMETRIC, TWO_EXAMPLES])


@pytest.mark.claim(
    slug="loop_is_preconditioned_gd", grade="exact", range="one instance each, d = 1", parts=()
)
def test_claim_loop_is_preconditioned_gd_necessity(evidence: Evidence) -> None:
    """Noise breaks the residual and not the descent, which is for any labels. Without the mask the query attends to
    itself, from the second loop on; a number in the label slot is where the entry starts; loops with other
    matrices, and a value row u, give other iterates."""
    one = one_example([[1]])
    noisy = Prompt(UNIT, UNIT, UNIT, UNIT, fmpq(0))
    evidence.necessary(STATEMENT, "noiseless_labels", Looped(noisy, (UNIT,), NOTHING), part="residual")
    assert descent_margin(STATED, Looped(noisy, (UNIT,), NOTHING)) == 0
    for key, instance in {
        "masked_query": Looped(one, (UNIT, UNIT), NOTHING, masked=False),
        "zero_query_label": Looped(one_example([[1]], slot=1), (UNIT,), NOTHING),
        "tied_layers": Looped(TWO, (UNIT, UNIT * 2), NOTHING),
        "zero_value_row": Looped(one, (UNIT,), UNIT),
    }.items():
        evidence.necessary(STATEMENT, key, instance, part="descent")


@pytest.mark.claim(
    slug="loop_is_preconditioned_gd",
    grade="exact",
    range="d = 2, n = 1, L = 1, a symmetric A and one that is not",
    reading="on_columns",
)
def test_claim_loop_is_preconditioned_gd_on_columns(evidence: Evidence) -> None:
    """The column (I − SA)w is another one than w − w_1: at A = e_1 e_2ᵀ, and at A = diag(1, 2), x_1 = (1, 1)."""
    for instance in (SHEAR, SYMMETRIC):
        assert STATEMENT.violated(instance) == ()
        assert residual_margin(ON_COLUMNS, instance) < residual_margin(STATED, instance) == 0
    evidence.figure("margin at A = diag(1, 2)", residual_margin(ON_COLUMNS, SYMMETRIC))


@pytest.mark.claim(
    slug="loop_is_preconditioned_gd",
    grade="exact",
    range="d ≤ 3, n ∈ {1, 2, 4}, L ≤ 3, integer values",
    parts=(),
)
def test_claim_loop_is_preconditioned_gd_torch() -> None:
    """The torch model with one matrix in all layers against the residual, for random shapes and integer values: every
    label is equal, not close. All numbers are multiples of 2⁻⁶ below 2³¹, which float64 holds exactly."""

    @given(st.data())
    def equal(data: st.DataObject) -> None:
        d, size, loops = (
            data.draw(st.integers(1, 3)),
            data.draw(st.sampled_from([1, 2, 4])),
            data.draw(st.integers(1, 3)),
        )
        shapes = (d, d), (d, size), (d, 1), (d, 1)
        matrix, context, query, task = (draw_integers(data, shape, 3) for shape in shapes)
        corner = torch.zeros((1, 1), dtype=torch.float64)
        Z0 = torch.cat([torch.cat([context, query], 1), torch.cat([task.T @ context, corner], 1)])
        states = LinearTransformer.from_preconditioners(matrix.expand(loops, d, d)).states(Z0)
        residual, empirical = task, context @ context.T / size
        for Z in states:
            assert torch.equal(Z[d:, :size], residual.T @ context)
            assert -Z[d, size] == ((task - residual).T @ query).item()
            residual = residual - matrix.T @ (empirical @ residual)

    equal()
