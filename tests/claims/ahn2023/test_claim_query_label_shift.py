"""Ahn et al. (2023), App. C.2, Lemmas 5 and 6: a value in the query's label slot stays, and moves nothing else."""

from dataclasses import dataclass

import pytest
from flint import fmpq, fmpq_mat
from hypothesis import given
from hypothesis import strategies as st

from icl_claims.claims.edits import inside, plus, times
from icl_claims.claims.evidence import Evidence
from icl_claims.claims.statement import ANYWHERE, Corner, Statement
from icl_claims.models.attention import LinearTransformer
from icl_claims.theory.algebra.words import Words
from icl_claims.theory.derivations.query_label_shift import DERIVATION, STATED, Shift
from icl_claims.theory.evaluation import at_task
from icl_claims.theory.task import isotropic
from icl_claims.theory.transformer.query_label import FILLING, target
from tests.shared.forward import Pair, Prompt, block_diagonal, states
from tests.shared.integer_tensors import draw_integers
from tests.shared.sizes import sizes
from tests.shared.strategies import matrices, positive_rationals

SLUG = "query_label_shift"


@dataclass(frozen=True)
class Filled:
    """A prompt, c, the pairs (P_l, Q_l), and whether there is a mask."""

    prompt: Prompt
    c: fmpq
    layers: tuple[Pair, ...]
    masked: bool = True

    def __str__(self) -> str:
        weights = "; ".join(
            f"P_{i} = {P.tolist()}, Q_{i} = {Q.tolist()}" for i, (P, Q) in enumerate(self.layers)
        )
        return f"{self.prompt}, c = {self.c}; {weights}" + ("" if self.masked else "; no mask")

    @property
    def sparse_or_relaxed(self) -> bool:
        """Whether P_l = diag(B_l, 1) and Q_l = diag(±A_l, 0) for all l."""
        d = self.prompt.X.nrows()
        return all(
            block_diagonal(corner(P), 1) == P and block_diagonal(corner(Q), 0) == Q and P[d, d] == 1
            for P, Q in self.layers
        )

    def states(self, slot: fmpq) -> list[fmpq_mat]:
        return states(self.prompt.state(slot), self.layers, self.masked)

    def value(self, words: Words, **letters: fmpq) -> fmpq:
        """A number in w, x_q and c."""
        values = {name: fmpq_mat([[x]]) for name, x in letters.items()}
        size = isotropic(self.prompt.X.nrows(), self.prompt.X.ncols())
        return at_task(words, size, {"w": self.prompt.task, "x_q": self.prompt.query, **values})[0, 0]


def corner(m: fmpq_mat) -> fmpq_mat:
    """All but the last row and column."""
    return fmpq_mat([row[:-1] for row in m.tolist()[:-1]])


def shift_margin(shift: Shift, at: Filled) -> fmpq:
    """Minus the squared distance, over all layers and entries, from the stated effect in the slot alone."""
    d, n = at.prompt.X.nrows(), at.prompt.X.ncols()
    effect = at.value(shift.effect, c=at.c)
    wanted = fmpq_mat([[effect * int((i, j) == (d, n)) for j in range(n + 1)] for i in range(d + 1)])
    pairs = zip(at.states(at.c), at.states(fmpq(0)), strict=True)
    # The start has c in the slot by definition, whatever the layers make of it.
    defects = [filled - empty - wanted for filled, empty in list(pairs)[1:]]
    return -sum((x * x for defect in defects for x in defect.entries()), fmpq(0))


def loss_margin(shift: Shift, at: Filled) -> fmpq:
    """Minus the square of f − E[Z̄_L]², the means taken over a law of one prompt, which the statement allows."""
    d, n = at.prompt.X.nrows(), at.prompt.X.ncols()
    prediction = -at.states(fmpq(0))[-1][d, n]
    entry = at.states(at.value(shift.start))[-1][d, n]
    return -(((prediction - at.prompt.target) ** 2 - entry**2) ** 2)


@st.composite
def filled(draw: st.DrawFn, corner: Corner = ANYWHERE, without: str | None = None) -> Filled:
    d, n = draw(sizes(corner, max_dim=2))
    noise = draw(matrices(1, n))
    prompt = Prompt(draw(matrices(d, n)), draw(matrices(d, 1)), draw(matrices(d, 1)), noise, fmpq(0))
    layers = []
    for _ in range(draw(st.integers(1, corner.layers or 3))):
        B = draw(matrices(d, d) | st.just(fmpq_mat(d, d)))
        Q = block_diagonal(draw(matrices(d, d)), int(without == "sparse_or_relaxed"))
        layers.append((block_diagonal(B, 1), Q))
    return Filled(prompt, draw(positive_rationals), tuple(layers), masked=without != "masked_query")


STATEMENT = Statement(
    slug=SLUG,
    stated=STATED,
    margins={"shift": shift_margin, "loss": loss_margin},
    conditions={
        "sparse_or_relaxed": lambda at: at.sparse_or_relaxed,
        "masked_query": lambda at: at.masked,
    },
    instances=filled,
    without=lambda key: filled(without=key),
    excluded=dict.fromkeys(("Σ = cI", "repeated eigenvalues"), "the statement is about every prompt: no Σ"),
)


def at_one(P: list[list[int]], Q: list[list[int]], masked: bool = True) -> Filled:
    """d = n = 1, x_1 = x_q = w = 1, c = 1, one layer."""
    unit = fmpq_mat([[1]])
    prompt = Prompt(unit, unit, unit, fmpq_mat(1, 1), fmpq(0))
    return Filled(prompt, fmpq(1), ((fmpq_mat(P), fmpq_mat(Q)),), masked)


STEP = at_one([[0, 0], [0, 1]], [[-2, 0], [0, 0]])


@pytest.mark.claim(
    slug="query_label_shift",
    grade="argument",
    range="all d, n ≥ 1, L, every prompt, labels with noise too, all A_l, B_l",
)
def test_claim_query_label_shift(evidence: Evidence) -> None:
    """Induction on l, its start and its step decided in symbolic blocks: whatever the state, one layer takes c in the
    slot to c in the slot, and moves nothing else. So the error of the prediction is minus the label that starts at
    ⟨w, x_q⟩."""
    layer, error = "Lemma 2: one layer", "Lemma 4: the error"
    shifts = [inside(STATED, "effect", times(FILLING, x, layer)) for x in (2, -1, 0)]
    shifts.append(inside(STATED, "effect", plus(FILLING, target(), layer)))
    evidence.prove(DERIVATION, STATEMENT, shifts, part="shift", at=STEP)
    starts = [inside(STATED, "start", times(STATED.start, x, error)) for x in (2, -1, 0)]
    evidence.mutants(DERIVATION, STATEMENT, starts, part="loss", at=STEP)


@pytest.mark.claim(slug="query_label_shift", grade="exact", range="one instance each, d = n = 1", parts=())
def test_claim_query_label_shift_necessity(evidence: Evidence) -> None:
    """A last column of Q reads the slot; what is needed is that it be zero, P may be any matrix. Without the mask the
    query passes its own label on to itself."""
    evidence.necessary(
        STATEMENT, "sparse_or_relaxed", at_one([[0, 0], [0, 1]], [[0, 0], [0, 1]]), part="shift"
    )
    unmasked = at_one([[0, 0], [0, 1]], [[-1, 0], [0, 0]], masked=False)
    evidence.necessary(STATEMENT, "masked_query", unmasked, part="shift")


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
