"""Weights far from the minimum: the reading under which they are near is found, with its exact losses, and no other."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from flint import fmpq, fmpq_mat
from hypothesis import given, settings
from hypothesis import strategies as st

from icl_claims.models import other_readings as module
from icl_claims.models.comparison import compare, compare_layers
from icl_claims.models.other_readings import FAR, NEAR, Tried, is_far, other_readings
from icl_claims.models.parametrizations import relaxed, sparse
from icl_claims.models.weights import ExactWeights, Weights
from icl_claims.numerics.rounding import nearest
from icl_claims.theory.algebra import exact
from icl_claims.theory.many_layers import gdpp
from icl_claims.theory.many_layers.step_sizes import optimal_steps
from icl_claims.theory.one_layer import single_layer
from icl_claims.theory.task import RegressionTask, isotropic
from tests.shared.strategies import semidefinite_matrices

SIGMA = fmpq_mat([[2, 1], [1, 1]]) / 8
"""Far from I, and not diagonal."""
FLIPPED, EXCHANGED = "−Q_l in the place of Q_l", "Q_lᵀ in the place of Q_l"
TRANSPOSED = "P_lᵀ and Q_lᵀ in the place of P_l and Q_l"


def tensor(m: fmpq_mat) -> torch.Tensor:
    return torch.tensor([[nearest(x) for x in row] for row in m.tolist()], dtype=torch.float64)


def optimum(sigma: fmpq_mat, layers: int, n: int = 5) -> Weights:
    """The optimal A_l = a_l Σ⁻¹ in float64."""
    steps = optimal_steps(isotropic(sigma.nrows(), n), layers).refined(60).steps
    return Weights(*sparse(torch.stack([tensor(sigma.inv() * step.lower) for step in steps])))


def flipped(weights: Weights) -> Weights:
    return Weights(weights.P, -weights.Q)


def flipped_exact(weights: ExactWeights) -> ExactWeights:
    return ExactWeights(tuple((P, -Q) for P, Q in weights.layers))


def words(found: Tried) -> list[str]:
    return [other.what for other in found.near]


def test_far_and_near() -> None:
    assert (1, fmpq(1, 10)) == (FAR, NEAR)
    assert [is_far(fmpq(x), fmpq(1)) for x in (0, 1, 2, fmpq(2001, 1000))] == [False, False, False, True]
    assert not is_far(fmpq(1), fmpq(0))


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_a_sign_is_found_with_its_losses(layers: int) -> None:
    task = RegressionTask.whitened(SIGMA, 5)
    weights = optimum(SIGMA, layers)
    (other,) = other_readings(task, flipped(weights).exact()).near
    found: Any = compare(task, weights) if layers == 1 else compare_layers(task, weights)
    assert (other.what, other.loss, other.minimum, other.eigenvalues) == (
        FLIPPED,
        found.loss,
        found.minimum,
        (),
    )


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_a_covariance_is_found_from_the_weights(layers: int) -> None:
    """Σ left out: Σ̂ has the eigenvalues of Σ, and the loss at it is that of the whitened task."""
    found = other_readings(isotropic(2, 5), optimum(SIGMA, layers).exact())
    other = found.near[0]
    assert other.what == "Σ̂ and Ω = Σ̂⁻¹"
    assert other.minimum == optimal_steps(isotropic(2, 5), layers).loss
    # Σ̂ is rounded to 30 bits of its largest entry, and the loss is stationary.
    assert 0 <= other.loss - other.minimum < fmpq(1, 2**40)
    trace, product = sum(other.eigenvalues), other.eigenvalues[0] * other.eigenvalues[1]
    assert abs(trace - 3 / 8) < 2**-26
    assert abs(product - 1 / 64) < 2**-26
    assert sorted(other.eigenvalues) == list(other.eigenvalues)


def test_a_covariance_is_found_where_labels_are_noisy() -> None:
    task, noise = RegressionTask.whitened(SIGMA, 5, "1/3"), fmpq(1, 3)
    weights = Weights(*sparse(tensor(single_layer.minimizer(task))[None]))
    found = {other.what: other for other in other_readings(isotropic(2, 5, noise), weights.exact()).near}
    other = found["Σ̂ and Ω = Σ̂⁻¹"]
    assert other.minimum == single_layer.minimum(task)
    assert 0 <= other.loss - other.minimum < fmpq(1, 2**40)


@pytest.mark.parametrize("noise", ["0", "1/3"])
def test_a_covariance_is_found_where_the_task_vector_has_the_covariance_one(noise: str) -> None:
    """Ω = I: Γ determines Σ, which is found again."""
    trained = RegressionTask(SIGMA, 5, None, noise)
    weights = Weights(*sparse(tensor(single_layer.minimizer(trained))[None])).exact()
    found = {other.what: other for other in other_readings(isotropic(2, 5, noise), weights).near}
    other = found["Σ̂ and Ω = I"]
    assert abs(sum(other.eigenvalues) - 3 / 8) < 2**-26
    assert abs(other.loss - single_layer.minimum(trained)) < fmpq(1, 2**26)
    # With another Σ for which Ω is I, whitening is not proposed.
    other_task = RegressionTask(exact.diagonal([64, 64]), 5, None, noise)
    assert "Σ̂ and Ω = Σ̂⁻¹" not in other_readings(other_task, weights).words
    assert "Σ̂ and Ω = I" in words(other_readings(other_task, weights))


def test_no_covariance_is_found() -> None:
    at_one = Weights(*sparse(tensor(single_layer.minimizer(isotropic(2, 5)))[None])).exact()
    for task in (RegressionTask(exact.diagonal([64, 1]), 5), RegressionTask.whitened([64, 1], 5)):
        other = next(other for other in other_readings(task, at_one).near if other.what == "Σ = I")
        assert other.loss == other.minimum == fmpq(3, 4)


def test_another_task_vector_is_found() -> None:
    """Eleven directions of little variance: Ω = Σ⁻¹ makes much of them, Ω = I nothing."""
    sigma = exact.diagonal([1, *[fmpq(1, 2**14)] * 11])
    identity, whitened = RegressionTask(sigma, 100), RegressionTask.whitened(sigma, 100)
    for stated, meant, what in ((identity, whitened, "Ω = Σ⁻¹"), (whitened, identity, "Ω = I")):
        weights = Weights(*sparse(tensor(single_layer.minimizer(meant))[None]))
        at_stated = compare(stated, weights)
        assert is_far(at_stated.loss, at_stated.minimum)
        other = next(other for other in other_readings(stated, weights.exact()).near if other.what == what)
        assert other.loss == compare(meant, weights).loss
        assert other.minimum == single_layer.minimum(meant)
        assert what not in other_readings(meant, weights.exact()).words


def test_a_singular_covariance_is_not_inverted() -> None:
    task = RegressionTask(exact.diagonal([1, 0]), 5)
    found = other_readings(task, flipped(optimum(exact.identity(2), 1)).exact())
    assert not any("Σ⁻¹" in what for what in found.words)
    assert words(found) == [FLIPPED]


def test_another_covariance_of_the_task_vector_is_kept() -> None:
    """Σ = I is tried with Ω as it is given; from such an Ω no Σ̂ is derived."""
    task = RegressionTask(exact.diagonal([64, 64]), 5, exact.diagonal([3, 1]))
    meant = RegressionTask(exact.identity(2), 5, exact.diagonal([3, 1]))
    weights = Weights(*sparse(tensor(single_layer.minimizer(meant))[None])).exact()
    found = other_readings(task, weights)
    assert not any(what.startswith("Σ̂") for what in found.words)
    other = next(other for other in found.near if other.what == "Σ = I")
    assert other.minimum == single_layer.minimum(meant)


def rotated(m: float) -> torch.Tensor:
    return torch.tensor([[1.0, m], [0.0, 1.0]], dtype=torch.float64)


def test_transpositions_are_found() -> None:
    """P's last row (0, 1) and its last column (3, 1); and Q with an entry beside the block that its transpose lacks."""
    P, Q = torch.zeros((2, 1, 3, 3), dtype=torch.float64)
    P[0, 2, 2], Q[0, :2, :2] = 1, -0.625 * torch.eye(2)
    task = isotropic(2, 5)
    Q[0, 2, :2] = 40
    assert EXCHANGED in words(other_readings(task, Weights(P, Q).exact()))
    assert TRANSPOSED not in other_readings(task, Weights(P, Q).exact()).words
    P[0, 2, 0] = 30
    both = other_readings(task, Weights(P, Q).exact())
    assert words(both) == [TRANSPOSED]
    assert both.near[0].loss == both.near[0].minimum == fmpq(3, 4)
    # Only where it is a change: here neither is.
    symmetric = other_readings(task, flipped(optimum(SIGMA, 2)).exact())
    assert EXCHANGED not in symmetric.words
    assert TRANSPOSED not in symmetric.words


def test_two_changes_are_tried_where_no_single_one_is_near() -> None:
    """A sign and Σ̂; a sign and exchanged keys."""
    weights = flipped(optimum(SIGMA, 2))
    found = other_readings(isotropic(2, 5), weights.exact())
    assert words(found) == [f"{FLIPPED} and Σ̂ and Ω = Σ̂⁻¹"]
    P, Q = torch.zeros((2, 1, 3, 3), dtype=torch.float64)
    P[0, 2, 2], Q[0, :2, :2], Q[0, 2, :2] = 1, 0.625 * torch.eye(2), 40
    assert f"−Q_l, with {EXCHANGED}" in words(other_readings(isotropic(2, 5), Weights(P, Q).exact()))


def test_what_is_near_in_no_reading_is_said_to_be_so() -> None:
    """A_1 of another shape: no one Σ fits both layers. All that was tried is named."""
    A = torch.stack([rotated(0.0) * 0.5, torch.diag(torch.tensor([100.0, 0.5], dtype=torch.float64))])
    task = RegressionTask.whitened(SIGMA, 5)
    found = other_readings(task, Weights(*sparse(A)).exact())
    assert found.near == ()
    assert found.words == (
        FLIPPED, "Σ = I", "Σ̂ and Ω = Σ̂⁻¹", f"{FLIPPED} and Σ = I",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("beta", "A"),
    [
        (1.0, [[0.0, 0.0], [0.0, 0.0]]),
        (1.0, [[1.0, 1.0], [1.0, 1.0]]),
        (1.0, [[1e-320, 0.0], [0.0, 1e-320]]),
        (1e200, [[1e200, 0.0], [0.0, 1e200]]),
    ],
    ids=["zero", "singular", "underflow", "overflow"],
)
def test_weights_without_an_inverse_suggest_no_covariance(beta: float, A: list[list[float]]) -> None:
    P, Q = sparse(torch.tensor([A], dtype=torch.float64))
    found = other_readings(RegressionTask.whitened(SIGMA, 5), Weights(beta * P, Q).exact())
    assert FLIPPED in found.words
    assert not any("Σ̂" in what for what in found.words)


def with_updates(A: list[fmpq_mat], B: list[float]) -> ExactWeights:
    return Weights(
        *relaxed(-torch.stack(list(map(tensor, A))), torch.stack([b * torch.eye(2).double() for b in B]))
    ).exact()


def test_with_covariate_updates_the_projected_loss_decides() -> None:
    """A_l = a_l Σ⁻¹ and B_l = b_l I, of the opposite sign: what is near is near by the loss of gdpp."""
    task, steps, b = RegressionTask.whitened(SIGMA, 5), [fmpq(1, 2), fmpq(1)], 0.125
    weights = with_updates([SIGMA.inv() * step for step in steps], [b])
    wanted = gdpp.loss(isotropic(2, 5), [-step for step in steps], [b])
    best = optimal_steps(isotropic(2, 5), 2).loss
    assert wanted < best * fmpq(11, 10)
    (other,) = other_readings(task, flipped_exact(weights)).near
    assert (other.what, other.loss, other.minimum) == (FLIPPED, wanted, best)


@pytest.mark.parametrize("where", ["A", "B"])
def test_with_covariate_updates_weights_far_from_multiples_are_not_near(where: str) -> None:
    """The projection forgets what is no multiple: so Dist above 1/10 does not count as near, and below it does."""
    task, steps = isotropic(2, 5), [fmpq(1, 2), fmpq(1)]
    for off, is_near in ((0.05, True), (0.25, False)):
        A = [exact.identity(2) * step for step in steps]
        weights = with_updates(A, [0.125])
        (P, Q), last = weights.layers
        P, Q = fmpq_mat(P), fmpq_mat(Q)
        m = P if where == "B" else Q
        m[0, 1] += m[0, 0] * fmpq(round(off * 100), 100)
        changed = flipped_exact(ExactWeights(((P, Q), last)))
        assert (FLIPPED in words(other_readings(task, changed))) == is_near


def test_a_transposition_that_compares_with_nothing_is_passed_over() -> None:
    """In the last layer P's column has no effect, and its row would have one."""
    weights = flipped(optimum(SIGMA, 2))
    P = weights.P.clone()
    P[1, 0, 2] = 1
    found = other_readings(RegressionTask.whitened(SIGMA, 5), Weights(P, weights.Q).exact())
    assert TRANSPOSED in found.words
    assert words(found) == [FLIPPED]


def test_near_is_below_a_tenth(monkeypatch: pytest.MonkeyPatch) -> None:
    """A loss of exactly 11/10 of the minimum is not near."""
    weights, task = optimum(SIGMA, 2).exact(), RegressionTask.whitened(SIGMA, 5)
    for loss, is_near in ((fmpq(11), False), (fmpq(1099, 100), True)):
        monkeypatch.setattr(module, "_losses", lambda *_, loss=loss: (loss, fmpq(10)))
        assert bool(other_readings(task, weights).near) == is_near


@settings(max_examples=25)
@given(semidefinite_matrices(2), st.integers(-60, 60))
def test_a_suggested_covariance_is_rounded_to_nearest(m: fmpq_mat, power: int) -> None:
    """To multiples of a unit between 2⁻³¹ and 2⁻²⁹ of the largest entry, each by at most half of it."""
    scaled = m * fmpq(2) ** power / 3
    largest = max(map(abs, scaled.entries()))
    rounded = module._rounded(scaled)
    error = max(map(abs, (rounded - scaled).entries()))
    assert error <= largest / 2**30
    units = {fmpq(2) ** k for k in range(-160, 160) if largest / 2**31 < fmpq(2) ** k < largest / 2**29}
    assert any(all((x / unit).q == 1 for x in rounded.entries()) and 2 * error <= unit for unit in units)
