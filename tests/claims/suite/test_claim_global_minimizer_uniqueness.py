"""Which weights minimize the loss of one layer: strict convexity in the products, and their factors."""

from dataclasses import replace
from fractions import Fraction

import pytest
from flint import fmpq, fmpq_mat
from hypothesis import strategies as st

from icl_claims.claims.edits import changed, inside
from icl_claims.claims.evidence import Evidence
from icl_claims.claims.statement import ANYWHERE, Corner, Statement
from icl_claims.theory.algebra import exact
from icl_claims.theory.derivations.global_minimizer_uniqueness import DERIVATION, STATED, Minimizers
from icl_claims.theory.evaluation import at_task
from icl_claims.theory.one_layer.factors import prove_mask_adds_no_context
from icl_claims.theory.one_layer.single_layer import minimizer
from icl_claims.theory.task import RegressionTask, isotropic
from tests.shared.components import any_matrix, mean_squared_pairing
from tests.shared.one_layer import Weights, predictor, weights
from tests.shared.settings import Setting, conditions
from tests.shared.theorem_one import SKEWED_TASK, WITHOUT, mask_is_dispensable

SLUG = "global_minimizer_uniqueness"

Pair = tuple[tuple[fmpq, ...], fmpq_mat]


def strict_convexity_margin(stated: Minimizers, at: Weights) -> fmpq:
    """Minus the square of E⟨G, Δ⟩² in coordinates minus what is stated, for the symmetric part Δ of the matrix of all
    entries of A and b; −1 where it is not positive and Δ is not 0."""
    X = fmpq_mat(any_matrix(at))
    delta, d = (X + X.transpose()) / 2, X.nrows() - 1
    rows = delta.tolist()
    blocks = {
        "D": fmpq_mat([row[:d] for row in rows[:d]]),
        "m": fmpq_mat([row[d:] for row in rows[:d]]),
        "delta": fmpq_mat([rows[d][d:]]),
    }
    value = mean_squared_pairing(at.setting, rows)
    defect = value - at_task(stated.hessian.form(), at.setting.task, blocks)[0, 0]
    return fmpq(-1) if value <= 0 and any(delta.entries()) else -(defect**2)


def exchanged(task: RegressionTask) -> Pair:
    """Weights in which b and a column of A change roles: b = (γ; 0), A = (0; −c), where Γ has the columns c_j γ if its
    rank is 1."""
    gamma, d = minimizer(task), task.dim
    lead = next(j for j in range(d) if gamma[j, j])
    A = fmpq_mat(d + 1, d)
    for j in range(d):
        A[d, j] = -gamma[lead, j] / gamma[lead, lead]
    return (*[gamma[i, lead] for i in range(d)], fmpq(0)), A


def on_orbit(at: Weights, pair: Pair, A_power: int) -> bool:
    """Whether the weights are (γb, γ^{A_power} A) for some γ ≠ 0 and this pair (b, A)."""
    b, A = pair
    lead = next(i for i, x in enumerate(b) if x)
    scale = at.b[lead] / b[lead]
    return bool(scale) and at.b == tuple(scale * x for x in b) and A * scale**A_power == at.A


def orbits_margin(stated: Minimizers, at: Weights) -> fmpq:
    """What the weights lose above the first of the stated ones, by losses multiplied out in coordinates: minus its
    size on a stated orbit, where it must be 0, and −1 where it is 0 elsewhere."""
    task = at.setting.task
    first = predictor(minimizer(task))
    excess = at.loss() - Weights(at.setting, *first).loss()
    count = stated.orbits_above if task.task_covariance.rank() > 1 else stated.orbits_at_rank_one
    pairs = [first, exchanged(task)][:count]
    if any(on_orbit(at, pair, stated.A_power) for pair in pairs):
        return -abs(excess)
    return excess or fmpq(-1)


@st.composite
def points(draw: st.DrawFn, corner: Corner = ANYWHERE, without: str | None = None) -> Weights:
    """Any weights, or some on the orbit of the minimizer or of the exchanged ones, that may be a minimizer too."""

    def labels_vary(at: Weights) -> bool:
        return at.setting.task.signal + at.setting.task.noise_variance > 0

    at = draw(weights(SLUG, corner, without).filter(labels_vary))
    task = at.setting.task
    pair = draw(st.sampled_from([(at.b, at.A), predictor(minimizer(task)), exchanged(task)]))
    return replace(at, b=tuple(x * at.scale for x in pair[0]), A=pair[1] / at.scale)


STATEMENT = Statement(
    slug=SLUG,
    stated=STATED,
    margins={"strict_convexity": strict_convexity_margin, "orbits": orbits_margin},
    conditions=conditions(SLUG),
    instances=points,
    without=lambda key: points(without=key),
    excluded={"L = 1": "the statement is about one layer"},
)

DENSE = Weights(
    Setting(RegressionTask([[2, 1], [1, 3]], 2, [[1, 1], [1, 2]], 1)),
    (fmpq(1), fmpq(2), fmpq(3)),
    fmpq_mat([[1, 2], [3, 4], [5, 6]]),
)
RANK_ONE = Setting(RegressionTask(exact.identity(2), 1, [[1, 2], [2, 4]]))
ABOVE = Setting(isotropic(2, 1))


def twice(setting: Setting, pair: Pair) -> Weights:
    """The pair on its orbit, b doubled and A halved."""
    return Weights(setting, tuple(2 * x for x in pair[0]), pair[1] / 2)


@pytest.mark.claim(
    slug="global_minimizer_uniqueness",
    grade="proof",
    range="all d, n ≥ 1, Σ ≻ 0, Ω ⪰ 0, tr ΣΩ + σ² > 0; orbits for Ω ≠ 0",
    parts=("strict_convexity", "orbits"),
)
def test_claim_global_minimizer_uniqueness(evidence: Evidence) -> None:
    """The form of second order is a sum of squares that vanish together at 0 only, so that the symmetric parts of the
    products are unique; their factors are fixed up to scale and, at rank 1, exchange."""
    reason = "Lemma 1: the Hessian form is not"
    factors = [("mean", 2), ("shifted", Fraction(1, 2)), ("label", 0), ("label_variance", 0), ("cross", 0)]
    forms = [
        inside(STATED, "hessian", changed(STATED.hessian, reason, **{name: Fraction(factor)}))
        for name, factor in factors
    ]
    evidence.prove(DERIVATION, STATEMENT, forms, part="strict_convexity", at=DENSE)
    single = twice(ABOVE, predictor(minimizer(ABOVE.task)))
    orbits = [
        changed(STATED, "Lemma 7: the factors of b and A", A_power=1, at=single),
        changed(
            STATED,
            "at rank 1 there are 2",
            orbits_at_rank_one=1,
            at=twice(RANK_ONE, exchanged(RANK_ONE.task)),
        ),
        changed(STATED, "above rank 1 there are 1", orbits_above=2, at=twice(ABOVE, exchanged(ABOVE.task))),
    ]
    evidence.mutants(DERIVATION, STATEMENT, orbits, part="orbits")
    b, A = exchanged(RegressionTask([[1]], 2))
    evidence.figure("a second minimizer, d = 1, n = 2", f"b = ({b[0]}, {b[1]}), A = ({A[0, 0]}; {A[1, 0]})")


def unmasked_is_unique() -> None:
    """With the query as a key (its label slot 0) the stated weights minimize f still, and the excess is the mean square
    of an entry that gains terms without the context: it vanishes only where the masked one does."""
    mask_is_dispensable()
    prove_mask_adds_no_context()


@pytest.mark.claim(
    slug="global_minimizer_uniqueness", grade="exact", range="one instance per assumption", parts=()
)
def test_claim_global_minimizer_uniqueness_necessity(evidence: Evidence) -> None:
    """Each assumption dropped by itself: an exact instance where other weights win or do as well, or a proof."""
    for key in ("gaussian_covariates", "independent_task", "zero_query_label"):
        evidence.necessary(STATEMENT, key, WITHOUT[key], part="orbits")
    evidence.necessary(STATEMENT, "gaussian_task", SKEWED_TASK, part="orbits")
    singular = Setting(RegressionTask(exact.diagonal([1, 0]), 2))
    b, A = predictor(minimizer(singular.task))
    moved = A + fmpq_mat([[0, 0], [0, 5], [0, 0]])
    evidence.necessary(STATEMENT, "positive_definite_covariance", Weights(singular, b, moved), part="orbits")
    evidence.dispensable("masked_query", unmasked_is_unique)
