"""Ahn et al. (2023), App. B.4, Lemma 4: the order of the layers does not matter on 𝒮, and only there."""

from dataclasses import dataclass

import pytest
import sympy
import torch
from flint import fmpq, fmpq_mat
from hypothesis import given
from hypothesis import strategies as st

from icl_claims.claims.edits import changed, inside, item
from icl_claims.claims.evidence import Evidence
from icl_claims.claims.statement import ANYWHERE, Corner, Statement
from icl_claims.models.attention import LinearTransformer
from icl_claims.theory.algebra import exact
from icl_claims.theory.algebra.words import letter
from icl_claims.theory.derivations.permutation_symmetry import DERIVATION, STATED, Exchange
from icl_claims.theory.evaluation import at_task
from icl_claims.theory.many_layers.matrix_layers import layered_loss
from icl_claims.theory.many_layers.step_certificate import LAYERS
from icl_claims.theory.many_layers.step_sizes import loss_of_steps
from icl_claims.theory.task import RegressionTask, isotropic
from icl_claims.theory.transformer.parametrizations import sparse
from icl_claims.theory.transformer.query_label import prove_slot_adds_its_square
from icl_claims.theory.transformer.symmetries import MATRICES
from tests.shared.integer_tensors import draw_integers
from tests.shared.scaled_set import NO_INVERSE, OnScaledSet, critical_points, loss, unit
from tests.shared.settings import Setting, conditions, keys_of, settings, shown
from tests.shared.strategies import rationals, tasks_of

SLUG = "permutation_symmetry"


@dataclass(frozen=True)
class Layers:
    """A setting, and the matrices of its layers: two where they are to be exchanged."""

    setting: Setting
    matrices: tuple[fmpq_mat, ...]

    def __str__(self) -> str:
        return f"{self.setting}; A_l = {', '.join(map(shown, self.matrices))}"


def on_scaled_set(at: Layers) -> bool:
    products = [at.setting.task.covariance * A for A in at.matrices]
    return all(m == exact.identity(m.nrows()) * m[0, 0] for m in products)


def exchange_margin(stated: Exchange, at: Layers) -> fmpq:
    """Minus the squared difference of the losses; 0 where there are no two layers."""
    if len(at.matrices) < 2:
        return fmpq(0)
    values = dict(zip(("A_0", "A_1"), at.matrices, strict=True))
    exchanged = [at_task(A, at.setting.task, values) for A in stated.exchanged]
    return -((loss(at.setting, at.matrices) - loss(at.setting, exchanged)) ** 2)


def several_margin(stated: Exchange, at: Layers) -> fmpq:
    """How many more critical points of f lie on 𝒮 than stated, and than 2: from the values of the loss there."""
    layers = len(at.matrices)
    found = sum(critical_points(OnScaledSet(at.setting, layers)).values())
    return fmpq(found - max(2, int(stated.critical_points.subs(LAYERS, layers))))


@st.composite
def drawn(draw: st.DrawFn, corner: Corner = ANYWHERE, without: str | None = None) -> Layers:
    off = without == "scaled_set"
    setting = draw(settings(keys_of(SLUG), corner, without=without, min_dim=1 + off))
    points = [setting.task.covariance.inv() * draw(rationals) for _ in range(2)]
    if off:
        points[0] += exact.identity(setting.task.dim) + unit(setting.task.dim, 0, 1)
    return Layers(setting, tuple(points[: 1 if without == "several_layers" else 2]))


STATEMENT = Statement(
    slug=SLUG,
    stated=STATED,
    margins={"exchange": exchange_margin, "several": several_margin},
    conditions=conditions(SLUG, scaled_set=on_scaled_set, several_layers=lambda at: len(at.matrices) >= 2),
    instances=drawn,
    without=lambda key: drawn(without=key),
    excluded={"L = 1": "two layers are there to be exchanged"},
    undefined_without={"positive_definite_covariance": NO_INVERSE},
)

INVERSE = fmpq_mat([[1, -1], [-1, 2]])
PAIR = Layers(Setting(RegressionTask.whitened([[2, 1], [1, 1]], 3)), (INVERSE * fmpq(1, 2), INVERSE * 2))


@pytest.mark.claim(slug="permutation_symmetry", grade="argument", range="all d, n, L ≥ 2, Σ ≻ 0, all steps")
def test_claim_permutation_symmetry(evidence: Evidence) -> None:
    """Layers with matrices aC and bC take every state to the same state in both orders, and the minimizer on 𝒮 has L
    different steps, which exchange brings into L! orders."""
    first, second = MATRICES
    differ, orders = "Lemma 1: the label rows differ", "Lemma 4: L = 2: different steps"

    def edited(place: int, new: object):
        return inside(STATED, "exchanged", item(STATED.exchanged, place, new, differ))

    mutants = [edited(1, -first), edited(1, second), edited(0, first), edited(1, first @ first)]
    evidence.prove(DERIVATION, STATEMENT, mutants, part="exchange", at=PAIR)
    counts = [
        changed(STATED, orders, critical_points=sympy.factorial(LAYERS + 1)),
        changed(STATED, orders, critical_points=sympy.factorial(LAYERS) + 2),
        changed(STATED, orders, critical_points=LAYERS**2),
    ]
    evidence.mutants(DERIVATION, STATEMENT, counts, part="several", at=PAIR)
    evidence.figure("critical points found", "$L!$")


@pytest.mark.claim(
    slug="permutation_symmetry",
    grade="exact",
    range="d ≤ 3, n ≤ 5, L ≤ 3, random rational steps and Σ",
    parts=(),
)
def test_claim_permutation_symmetry_exact() -> None:
    """The loss of general layers at a_lΣ⁻¹, averaged by a route that knows no symmetry, in every order of the
    steps the integral of ∏ (1 − a_l s)²."""

    @given(st.data())
    def unchanged(data: st.DataObject) -> None:
        task = data.draw(tasks_of(SLUG, max_context=5))
        steps = data.draw(st.lists(rationals, min_size=1, max_size=3))
        order = data.draw(st.permutations(steps))
        value = layered_loss(task, [task.covariance.inv() * a for a in order])
        assert value == loss_of_steps(task, steps)

    unchanged()


@pytest.mark.claim(
    slug="permutation_symmetry", grade="exact", range="d ≤ 3, n ∈ {1, 2, 4}, L ≤ 3, integer values", parts=()
)
def test_claim_permutation_symmetry_torch() -> None:
    """The torch model with A_l = a_l C: its predictions in both orders are equal, not close. Quotients of integers
    below 2⁵³ by 4³."""

    @given(st.data())
    def unchanged(data: st.DataObject) -> None:
        d, n = data.draw(st.integers(1, 3)), data.draw(st.sampled_from([1, 2, 4]))
        steps = data.draw(st.lists(st.integers(-2, 2), min_size=1, max_size=3))
        order = data.draw(st.permutations(steps))
        common, Z0 = (draw_integers(data, shape, 2) for shape in ((d, d), (d + 1, n + 1)))

        def prediction(of: list[int]) -> float:
            return LinearTransformer.from_preconditioners(torch.stack([a * common for a in of]))(Z0).item()

        assert prediction(order) == prediction(steps)

    unchanged()


def slot_is_dispensable() -> None:
    """A number c in the slot adds the constant c² to f, and changes no derivative."""
    prove_slot_adds_its_square([sparse(letter(name, "d", "d")) for name in "AB"])


@pytest.mark.claim(slug="permutation_symmetry", grade="exact", range="one instance per assumption", parts=())
def test_claim_permutation_symmetry_necessity(evidence: Evidence) -> None:
    """Off 𝒮 the order matters even for diagonal matrices. With one layer, or with much noise, there is a single
    critical
    point on 𝒮; where the law is not invariant there is none."""
    plain, one = isotropic(2, 1), exact.identity(2)
    line = RegressionTask(one, 1, exact.diagonal([1, 4]))
    instances = {
        ("scaled_set", "exchange"): Layers(Setting(plain), (unit(2, 0, 0), one)),
        ("several_layers", "several"): Layers(Setting(plain), (one,)),
        ("gaussian_covariates", "several"): Layers(Setting(plain, covariates="half_signs"), (one, one * 2)),
        ("independent_task", "several"): Layers(Setting(plain, weights="first_coordinate"), (one, one * 2)),
        ("whitened_task", "several"): Layers(Setting(line), (one, one * 2)),
        ("noiseless_labels", "several"): Layers(
            Setting(isotropic(1, 1, noise_variance=2)), (fmpq_mat([[1]]), fmpq_mat([[2]]))
        ),
    }
    for (key, part), instance in instances.items():
        evidence.necessary(STATEMENT, key, instance, part=part)
    evidence.dispensable("zero_query_label", slot_is_dispensable)
    for d, n in ((1, 1), (1, 2), (1, 3), (2, 1)):
        unmasked = OnScaledSet(Setting(isotropic(d, n), masked=False), 2)
        assert sum(critical_points(unmasked).values()) == 3
