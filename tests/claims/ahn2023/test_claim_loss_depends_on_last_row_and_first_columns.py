"""Ahn et al. (2023), App. A.1: the loss of one layer depends on the last row of P and d columns of Q."""

from dataclasses import dataclass, replace

import pytest
from flint import fmpq, fmpq_mat
from hypothesis import given
from hypothesis import strategies as st

from icl_claims.claims.edits import changed
from icl_claims.claims.evidence import Evidence
from icl_claims.claims.statement import ANYWHERE, Corner, Statement
from icl_claims.theory.algebra.words import FIELD, n
from icl_claims.theory.derivations.loss_depends_on_last_row_and_first_columns import (
    DERIVATION,
    STATED,
    Formula,
)
from icl_claims.theory.evaluation import rational_value
from icl_claims.theory.one_layer import single_layer
from icl_claims.theory.task import RegressionTask
from tests.shared.coordinates import inner, rational_rows
from tests.shared.settings import Setting, conditions, keys_of, loss, settings
from tests.shared.strategies import matrices

SLUG = "loss_depends_on_last_row_and_first_columns"


@dataclass(frozen=True)
class Layers:
    """A setting, a layer P, Q, and another one from which entries are taken that should not matter."""

    setting: Setting
    P: fmpq_mat
    Q: fmpq_mat
    other_P: fmpq_mat
    other_Q: fmpq_mat

    def __str__(self) -> str:
        names = ("P", "Q", "other_P", "other_Q")
        return f"{self.setting}; " + ", ".join(f"{x} = {getattr(self, x).tolist()}" for x in names)

    def loss(self) -> fmpq:
        """Of the layer P, Q."""
        return loss(self.setting, (self.P.tolist(), self.Q.tolist()))


def dependence_margin(formula: Formula, at: Layers) -> fmpq:
    """Minus the square of what the loss changes by when all blocks but the stated ones come from the other layer."""

    def mixed(matrix: fmpq_mat, other: fmpq_mat, blocks: tuple[tuple[int, int], ...]) -> fmpq_mat:
        d = matrix.nrows() - 1
        rows = range(d + 1)
        return fmpq_mat(
            [[(matrix if (int(i == d), int(j == d)) in blocks else other)[i, j] for j in rows] for i in rows]
        )

    P, Q = mixed(at.P, at.other_P, formula.of_P), mixed(at.Q, at.other_Q, formula.of_Q)
    return -((replace(at, P=P, Q=Q).loss() - at.loss()) ** 2)


def formula_margin(formula: Formula, at: Layers) -> fmpq:
    """Minus the square of loss minus E((bᵀGA ± wᵀ)x_q)², both multiplied out in coordinates."""
    v, prompt = at.setting.prompt()
    d = len(prompt.X)
    rows = [*prompt.X, prompt.y]
    if formula.query_tokens:
        rows = [[*row, x] for row, x in zip(rows, [*prompt.x_query, prompt.slot], strict=True)]
    (b,) = rational_rows([at.P.tolist()[d]])
    Ax = [inner(row[:d], prompt.x_query) for row in rational_rows(at.Q.tolist())]
    entry = sum(inner(b, column) * inner(column, Ax) for column in zip(*rows, strict=True))
    ((scale,),) = rational_rows([[rational_value(formula.scale, at.setting.task)]])
    stated = v.mean((entry * scale + prompt.target * formula.task_sign) ** 2)
    return -((at.loss() - stated) ** 2)


@st.composite
def layers(draw: st.DrawFn, corner: Corner = ANYWHERE, without: str | None = None) -> Layers:
    setting = draw(settings(keys_of(SLUG), corner, max_context=2, without=without))
    size = setting.task.dim + 1
    return Layers(setting, *(draw(matrices(size, size)) for _ in range(4)))


STATEMENT = Statement(
    slug=SLUG,
    stated=STATED,
    margins={"dependence": dependence_margin, "formula": formula_margin},
    conditions=conditions(SLUG),
    instances=layers,
    without=lambda key: layers(without=key),
    excluded={"L = 1": "the statement is about one layer"},
)

POINT = Layers(
    Setting(RegressionTask([[2, 1], [1, 3]], 2)),
    fmpq_mat([[1, 2, 0], [0, 1, 1], [1, 0, 2]]),
    fmpq_mat([[1, 0, 1], [2, 1, 0], [1, 1, 3]]),
    fmpq_mat([[0, 1, 1], [2, 1, 0], [3, 1, 1]]),
    fmpq_mat([[2, 1, 0], [1, 3, 1], [0, 2, 1]]),
)


@pytest.mark.claim(
    slug="loss_depends_on_last_row_and_first_columns",
    grade="proof",
    range="all d, n ≥ 1, every prompt, all P, Q; loss for all Σ, Ω, σ²",
    parts=("dependence", "formula"),
)
def test_claim_loss_depends_on_last_row_and_first_columns(evidence: Evidence) -> None:
    """The layer multiplied out in symbolic blocks: the query entry is bᵀGA x_q as an identity in the
    prompt and in all entries of P and Q, and holds none of the entries outside b and A."""
    blocks = [
        changed(STATED, "Lemma 1: the query entry depends on the block (1, 1) of P", of_P=((1, 0),)),
        changed(STATED, "Lemma 1: the query entry depends on the block (1, 0) of P", of_P=((0, 1), (1, 1))),
        changed(STATED, "Lemma 1: the query entry depends on the block (1, 0) of Q", of_Q=((0, 0),)),
        changed(STATED, "Lemma 1: the query entry depends on the block (1, 0) of Q", of_Q=((0, 0), (0, 1))),
    ]
    evidence.prove(DERIVATION, STATEMENT, blocks, part="dependence", at=POINT)
    entry, sign = "Lemma 2: the query entry of the layer is not", "Lemma 3: the loss is not"
    formulas = [
        changed(STATED, entry, scale=1 / (n + 1)),
        changed(STATED, entry, scale=FIELD.one),
        changed(STATED, entry, query_tokens=1),
        changed(STATED, sign, task_sign=-1),
    ]
    evidence.mutants(DERIVATION, STATEMENT, formulas, part="formula", at=POINT)
    evidence.figure("free entries of P and Q", "d(d+1) of P and d+1 of Q")
    evidence.figure("terms of f(b, A) in closed form", len(single_layer.loss_polynomial().terms))


@pytest.mark.claim(
    slug="loss_depends_on_last_row_and_first_columns",
    grade="exact",
    range="d ≤ 2, n ≤ 2, random P, Q and tasks",
    parts=(),
)
def test_claim_loss_depends_on_last_row_and_first_columns_in_coordinates(evidence: Evidence) -> None:
    """A second route: the layer multiplied out in coordinates with all of P and Q loses what the closed form in b and A
    says."""

    @given(layers())
    def agree(at: Layers) -> None:
        d = at.setting.task.dim
        columns = [row[:d] for row in at.Q.tolist()]
        assert at.loss() == single_layer.loss(at.setting.task, at.P.tolist()[d], columns)

    agree()
    evidence.figure("loss at an instance", f"{POINT}: {POINT.loss()}")


@pytest.mark.claim(
    slug="loss_depends_on_last_row_and_first_columns",
    grade="exact",
    range="one instance per assumption",
    parts=(),
)
def test_claim_loss_depends_on_last_row_and_first_columns_necessity(evidence: Evidence) -> None:
    """Each assumption dropped: the query as a key adds a token to G, a filled label slot brings in the last column of
    Q."""
    unmasked = replace(POINT, setting=replace(POINT.setting, masked=False))
    evidence.necessary(STATEMENT, "masked_query", unmasked, part="formula")
    filled = replace(POINT, setting=replace(POINT.setting, slot=fmpq(1)))
    evidence.necessary(STATEMENT, "zero_query_label", filled, part="dependence")
