"""Ahn et al. (2023), App. B.2, Eqs. (27)–(30): on 𝒮 only one direction of each layer matters."""

from dataclasses import dataclass

import pytest
from flint import fmpq, fmpq_mat
from hypothesis import given
from hypothesis import strategies as st

from icl_claims.claims.edits import changed, inside, times
from icl_claims.claims.evidence import Evidence
from icl_claims.claims.statement import ANYWHERE, Corner, Statement
from icl_claims.theory.algebra import exact
from icl_claims.theory.algebra.words import d, eye, letter
from icl_claims.theory.derivations.invariant_direction_reduction import DERIVATION, STATED, Reduction
from icl_claims.theory.evaluation import at_task
from icl_claims.theory.many_layers.directions import (
    DIRECTION,
    INVERSE,
    directional_derivatives,
    prove_change_of_basis,
    prove_reduced_derivative,
    prove_slot_keeps_derivatives,
    reduced_direction,
)
from icl_claims.theory.many_layers.step_sizes import gradient
from icl_claims.theory.task import RegressionTask, isotropic
from icl_claims.theory.transformer.symmetries import C, derivative
from tests.shared.scaled_set import NO_INVERSE, slope, unit
from tests.shared.settings import Setting, conditions, keys_of, settings, shown
from tests.shared.strategies import matrices, rationals, tasks_of

SLUG = "invariant_direction_reduction"


@dataclass(frozen=True)
class Derivative:
    """A setting, the matrices A_l, and one direction that is tried in every layer."""

    setting: Setting
    matrices: tuple[fmpq_mat, ...]
    direction: fmpq_mat

    def __str__(self) -> str:
        layers = ", ".join(map(shown, self.matrices))
        return f"{self.setting}; A_l = {layers}; R = {shown(self.direction)}"


def on_scaled_set(at: Derivative) -> bool:
    products = [at.setting.task.covariance * A for A in at.matrices]
    return all(m == exact.identity(m.nrows()) * m[0, 0] for m in products)


def margin(reduction: Reduction, at: Derivative) -> fmpq:
    """Minus the squared differences of the slopes along R and along R̃, from differences of losses."""
    task = at.setting.task
    values = {"Sigma_inverse": task.covariance.inv(), "R": at.direction}
    reduced = at_task(reduction.direction, task, values)
    pairs = (
        [slope(at.setting, at.matrices, place, R) for R in (at.direction, reduced)]
        for place in range(len(at.matrices))
    )
    return -sum(((x - y) ** 2 for x, y in pairs), fmpq(0))


@st.composite
def drawn(draw: st.DrawFn, corner: Corner = ANYWHERE, without: str | None = None) -> Derivative:
    off = without == "scaled_set"
    setting = draw(settings(keys_of(SLUG), corner, without=without, max_context=2, min_dim=1 + off))
    size = setting.task.dim
    layers = corner.layers or draw(st.integers(1, 2))
    points = [setting.task.covariance.inv() * draw(rationals) for _ in range(layers)]
    if off:
        points[0] += exact.identity(size) + unit(size, 0, 1)
    return Derivative(setting, tuple(points), draw(matrices(size, size)))


STATEMENT = Statement(
    slug=SLUG,
    stated=STATED,
    margins={"statement": margin},
    conditions=conditions(SLUG, scaled_set=on_scaled_set),
    instances=drawn,
    without=lambda key: drawn(without=key),
    undefined_without={"positive_definite_covariance": NO_INVERSE},
)

ONE, FIRST = exact.identity(2), unit(2, 0, 0)


@pytest.mark.claim(
    slug="invariant_direction_reduction",
    grade="argument",
    range="all d, n, L ≥ 1, Σ ≻ 0, all steps and directions",
)
def test_claim_invariant_direction_reduction(evidence: Evidence) -> None:
    """The loss is invariant under orthogonal changes of basis, which leave a point of 𝒮 alone: a direction may be
    replaced by its mean over signed permutations."""
    at = Derivative(
        Setting(RegressionTask.whitened([[2, 1], [1, 1]], 2)),
        (fmpq_mat([[1, -1], [-1, 2]]),),
        fmpq_mat([[1, 2], [0, 0]]),
    )
    basis, derivatives = "Lemma 2: the direction is not the one", "Lemma 5: L = 1, l = 0: the derivatives"
    mutants = [
        changed(STATED, basis, r=DIRECTION.trace() / d),
        changed(STATED, basis, r=(INVERSE @ DIRECTION).trace() / d),
        changed(STATED, basis, matrix=eye("d")),
        inside(STATED, "r", times(STATED.r, d, derivatives)),
        inside(STATED, "r", times(STATED.r, d / (d + 1), derivatives)),
        inside(STATED, "r", times(STATED.r, -1, derivatives)),
    ]
    evidence.prove(DERIVATION, STATEMENT, mutants, at=at)


@pytest.mark.claim(
    slug="invariant_direction_reduction",
    grade="exact",
    range="d ≤ 3, n ≤ 5, L ≤ 3, random rational Σ, steps and directions",
    parts=(),
)
def test_claim_invariant_direction_reduction_exact() -> None:
    """Random Σ, steps and directions: the derivatives agree, and are r_l ∂f/∂a_l, with ∂f/∂a_l from the spectral
    moments, another route."""

    @given(st.data())
    def agree(data: st.DataObject) -> None:
        task = data.draw(tasks_of(SLUG, max_context=5))
        steps = data.draw(st.lists(rationals, min_size=1, max_size=3))
        directions = [data.draw(matrices(task.dim, task.dim)) for _ in steps]
        reduced = [reduced_direction(task, direction) for direction in directions]
        points = [task.covariance.inv() * a for a in steps]
        slopes = directional_derivatives(task, points, directions)
        assert slopes == directional_derivatives(task, points, reduced)
        ratios = [exact.trace(task.covariance * direction) / task.dim for direction in directions]
        assert slopes == [r * x for r, x in zip(ratios, gradient(task, steps), strict=True)]

    agree()


def noise_is_dispensable() -> None:
    """Noise is as invariant as the rest: the derivatives that are reduced for L ≤ 3 hold σ² as a symbol."""
    assert any("sigma2" in repr(c) for c in derivative(2, 0).terms.values())
    prove_reduced_derivative(STATED.direction, 2)


def mask_is_dispensable() -> None:
    """The change of basis, on which the invariance rests, is the same identity without the mask."""
    prove_change_of_basis(C.T @ letter("A", "d", "d") @ C)


def slot_is_dispensable() -> None:
    """A number c in the slot shifts the error by c; the error is odd in (w, ε), so that no derivative changes."""
    prove_slot_keeps_derivatives(2)


@pytest.mark.claim(
    slug="invariant_direction_reduction", grade="exact", range="one instance per assumption", parts=()
)
def test_claim_invariant_direction_reduction_necessity(evidence: Evidence) -> None:
    """What breaks the invariance breaks the reduction, exactly; noise, mask and a number in the slot do not."""
    plain, other = isotropic(2, 1), RegressionTask(ONE, 1, exact.diagonal([4, 1]))
    instances = {
        "gaussian_covariates": Derivative(Setting(plain, covariates="half_signs"), (ONE,), FIRST),
        "independent_task": Derivative(Setting(plain, weights="first_coordinate"), (ONE,), FIRST),
        "whitened_task": Derivative(Setting(other), (ONE,), FIRST),
        "scaled_set": Derivative(Setting(plain), (FIRST,), FIRST),
    }
    for key, instance in instances.items():
        evidence.necessary(STATEMENT, key, instance)
    evidence.dispensable("noiseless_labels", noise_is_dispensable)
    evidence.dispensable("masked_query", mask_is_dispensable)
    evidence.dispensable("zero_query_label", slot_is_dispensable)
