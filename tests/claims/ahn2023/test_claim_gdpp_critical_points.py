"""Ahn et al. (2023), Theorem 4: critical points of the relaxed parametrization, GD++, the free last B."""

from dataclasses import replace

import pytest
from flint import fmpq, fmpq_mat
from hypothesis import given
from hypothesis import strategies as st

from icl_claims.claims.edits import changed, inside, times
from icl_claims.claims.evidence import Evidence
from icl_claims.claims.statement import Statement
from icl_claims.models import parametrizations
from icl_claims.models.attention import LinearTransformer
from icl_claims.theory.algebra import exact
from icl_claims.theory.algebra.words import letter, n
from icl_claims.theory.derivations.gdpp_critical_points import DERIVATION, STATED, Theorem
from icl_claims.theory.evaluation import at_task
from icl_claims.theory.many_layers import gdpp_directions
from icl_claims.theory.task import RegressionTask
from icl_claims.theory.transformer.parametrizations import relaxed as relaxed_weights
from icl_claims.theory.transformer.query_label import prove_slot_adds_its_square
from icl_claims.theory.transformer.relaxed_layers import prove_rotation
from icl_claims.theory.transformer.rotations import U
from tests.shared.integer_tensors import draw_integers
from tests.shared.relaxed import (
    Relaxed,
    forward,
    gradient_on_the_ray,
    least_square,
    plain,
    relaxed,
    squared_gradient_of_two_scalar_layers,
)
from tests.shared.settings import Setting, conditions

SLUG = "gdpp_critical_points"


def infimum_margin(theorem: Theorem, at: Relaxed) -> fmpq:
    """Minus the least squared gradient of one layer on the ray of Σ^k; for two layers, d = 1, minus that at a point."""
    task = at.setting.task
    if at.layers == 1:
        base = task.covariance if theorem.A_power > 0 else task.covariance.inv()
        ray = exact.identity(task.dim)
        for _ in range(abs(theorem.A_power)):
            ray = ray * base
        return -least_square(gradient_on_the_ray(at.setting, ray))
    best = fmpq(-task.context_length, task.context_length + 2)
    return -squared_gradient_of_two_scalar_layers(at, [0, best], [fmpq(-1, 2)])


def step_margin(theorem: Theorem, at: Relaxed) -> fmpq:
    """Minus the squared distance of a layer's output from that of a step of GD++, where Σ = I."""
    d, size = at.setting.task.dim, at.setting.task.context_length
    one = exact.identity(d)
    if at.setting.task.covariance != one:
        return fmpq(0)
    numbers = {"a": fmpq_mat([[at.a[0]]]), "b": fmpq_mat([[at.b[0]]])}
    gamma, step = (at_task(x, at.setting.task, numbers)[0, 0] for x in (theorem.gamma, theorem.step))
    rows = at.state.tolist()
    X, labels = fmpq_mat([row[:size] for row in rows[:d]]), fmpq_mat([rows[d][:size]])
    w = X * labels.transpose() * step / size
    covariates = fmpq_mat(rows[:d])
    after = (one - X * X.transpose() * gamma) * covariates
    expected = [*after.tolist(), (fmpq_mat([rows[d]]) - w.transpose() * covariates).tolist()[0]]
    found = at.forward([one * at.a[0]], [one * at.b[0]])
    return -sum((x**2 for x in (found - fmpq_mat(expected)).entries()), fmpq(0))


def free_margin(theorem: Theorem, at: Relaxed) -> fmpq:
    """Minus the square of what another matrix in the stated place changes in the prediction for the state."""
    d, place = at.setting.task.dim, at.layers - theorem.free.layers_before_the_end
    if place < 0:
        return fmpq(0)
    full = fmpq_mat([[1 + i + 2 * j for j in range(d)] for i in range(d)])
    of = {"A": [full * x for x in at.a], "B": [full * x for x in at.b]}
    before = forward(at.state, of["A"], of["B"], at.setting.masked)[d, at.state.ncols() - 1]
    of[theorem.free.name][place] = full.transpose() + exact.identity(d) * 5
    return -((forward(at.state, of["A"], of["B"], at.setting.masked)[d, at.state.ncols() - 1] - before) ** 2)


STATEMENT = Statement(
    slug=SLUG,
    stated=STATED,
    margins={"infimum": infimum_margin, "gd_plus_plus": step_margin, "last_layer": free_margin},
    conditions=conditions(SLUG),
    instances=lambda corner: relaxed(SLUG, corner),
    without=lambda key: relaxed(SLUG, without=key),
    undefined_without={"positive_definite_covariance": "for singular Σ there is no Σ⁻¹, so no set 𝒮′"},
)


def skew() -> Relaxed:
    """Σ = diag(1, 4), Ω = Σ⁻¹, one example."""
    return plain(2, 1, setting=Setting(RegressionTask.whitened([[1, 0], [0, 4]], 1)))


@pytest.mark.claim(slug="gdpp_critical_points", grade="argument", range="all d, n, L ≥ 1, Σ ≻ 0")
def test_claim_gdpp_critical_points(evidence: Evidence) -> None:
    """Whitening and rotations leave the gradient on 𝒮′ no freedom but that of a and b, where a point is critical."""
    powers = [changed(STATED, f"Lemma 1: A = aΣ^{k} is no multiple", A_power=k) for k in (0, 1, -2)]
    evidence.prove(DERIVATION, STATEMENT, powers, part="infimum", at=skew())
    of_step, of_labels = "Lemma 6: the covariates after", "Lemma 6: the labels after"
    steps = [
        inside(STATED, "gamma", times(STATED.gamma, -1, of_step)),
        inside(STATED, "gamma", times(STATED.gamma, n, of_step)),
        inside(STATED, "gamma", times(STATED.gamma, 2, of_step)),
        inside(STATED, "step", times(STATED.step, -1, of_labels)),
    ]
    evidence.mutants(DERIVATION, STATEMENT, steps, part="gd_plus_plus", at=plain(2, 2))
    free = [
        inside(
            STATED,
            "free",
            changed(STATED.free, "Lemma 7: the prediction depends on B", layers_before_the_end=2),
        ),
        inside(STATED, "free", changed(STATED.free, "Lemma 7: the prediction depends on A", name="A")),
    ]
    evidence.mutants(DERIVATION, STATEMENT, free, part="last_layer", at=plain(2, 2, 2))


@pytest.mark.claim(
    slug="gdpp_critical_points",
    grade="exact",
    range="L = 2, each matrix in any direction; all d, n, a_0, b_0, a_1",
    parts=(),
    level="full",
)
@pytest.mark.parametrize("direction", ["A_0", "A_1", "B_0"])
def test_claim_gdpp_critical_points_directions(direction: str) -> None:
    """A second route: two layers multiplied out and averaged by integration by parts, without any symmetry."""
    gdpp_directions.prove_multiple_of_trace(direction, 2)


@pytest.mark.claim(
    slug="gdpp_critical_points", grade="exact", range="d ≤ 3, n ∈ {1, 2, 4}, L = 2, integers", parts=()
)
def test_claim_gdpp_critical_points_torch() -> None:
    """The torch model against the layer over ℚ: equal, and the same for every B_{L−1}. Entries of at most 1 keep all
    numbers multiples of 2⁻¹² below 2³³, which float64 holds."""

    @given(st.data())
    def equal(data: st.DataObject) -> None:
        d, size = data.draw(st.integers(1, 3)), data.draw(st.sampled_from([1, 2, 4]))
        A, B, Z = (draw_integers(data, shape, 1) for shape in ((2, d, d), (2, d, d), (d + 1, size + 1)))
        exact_Z, exact_A, exact_B = (
            [fmpq_mat([[fmpq(int(x)) for x in row] for row in m]) for m in t.tolist()]
            for t in (Z[None], A, B)
        )
        expected = forward(exact_Z[0], exact_A, exact_B)
        last = LinearTransformer.from_matrices(*parametrizations.relaxed(A, B)).states(Z)[-1]
        assert [[fmpq(*x.as_integer_ratio()) for x in row] for row in last.tolist()] == expected.tolist()
        assert LinearTransformer.from_matrices(*parametrizations.relaxed(A, B[:1]))(Z) == -last[d, size]

    equal()


def noise_is_dispensable() -> None:
    """Turned labels keep their law with noise in them, so the gradient on 𝒮′ is still that of a polynomial f ≥ 0 in
    (a, b), whose infimum is 0 (Ekeland's principle); the layer does not see what the labels are made of."""
    prove_rotation(U @ letter("A", "d", "d") @ U.T, U @ letter("B", "d", "d") @ U.T)


def slot_is_dispensable() -> None:
    """With c in the slot f grows by the constant c², checked for two layers; no derivative changes. Neither
    GD++ nor the free matrix supposes anything of the slot."""
    A, B = letter("A", "d", "d"), letter("B", "d", "d")
    prove_slot_adds_its_square([relaxed_weights(A, B), relaxed_weights(A, B)])


@pytest.mark.claim(slug="gdpp_critical_points", grade="exact", range="one instance per assumption", parts=())
def test_claim_gdpp_critical_points_necessity(evidence: Evidence) -> None:
    """Each assumption dropped by itself: d = 2, n = 1, one layer, the gradient in all matrix directions."""
    usual, flat = plain(2, 1), RegressionTask(exact.identity(2), 1, exact.diagonal([1, 0]))
    for key, setting in {
        "gaussian_covariates": replace(usual.setting, covariates="half_signs"),
        "independent_task": replace(usual.setting, weights="first_coordinate"),
        "whitened_task": Setting(flat),
    }.items():
        evidence.necessary(STATEMENT, key, replace(usual, setting=setting), part="infimum")
    unmasked = replace(usual, setting=replace(usual.setting, masked=False))
    evidence.necessary(STATEMENT, "masked_query", unmasked, part="gd_plus_plus")
    evidence.dispensable("noiseless_labels", noise_is_dispensable)
    evidence.dispensable("zero_query_label", slot_is_dispensable)
