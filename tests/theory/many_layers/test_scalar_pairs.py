"""The least loss of two layers aI and bI: against the optimal steps, and with each condition broken by itself."""

from __future__ import annotations

import pytest
from flint import fmpq

from icl_claims.theory.algebra import exact
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.many_layers import scalar_pairs
from icl_claims.theory.many_layers.matrix_layers import layered_loss
from icl_claims.theory.many_layers.scalar_pairs import scalar_pair_minimum
from icl_claims.theory.many_layers.step_sizes import optimal_steps
from icl_claims.theory.task import RegressionTask, isotropic


@pytest.mark.parametrize(("d", "n"), [(1, 1), (2, 1), (2, 5), (3, 2)])
def test_whitened_it_is_the_optimum_on_the_set(d: int, n: int) -> None:
    best, found = optimal_steps(isotropic(d, n), 2), scalar_pair_minimum(isotropic(d, n))
    assert found.loss == best.loss
    assert (-found.e, found.p) == (best.residual[1], best.residual[2])
    assert found.discriminant > 0


def test_no_pair_loses_less_with_noise_and_another_covariance() -> None:
    task = RegressionTask(exact.diagonal([1, 4]), 2, [[2, 1], [1, 1]], 3)
    found, identity = scalar_pair_minimum(task), exact.identity(2)
    for a in range(-2, 3):
        for b in range(-2, 3):
            assert layered_loss(task, [identity * fmpq(a, 8), identity * fmpq(b, 8)]) > found.loss


def test_much_noise_leaves_no_two_real_steps() -> None:
    assert scalar_pair_minimum(isotropic(1, 1, noise_variance=8)).discriminant < 0


def test_a_loss_that_is_not_quadratic_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scalar_pairs, "_loss", lambda task, a, b: fmpq((a + b) ** 2 + (a * b) ** 4))
    with pytest.raises(Refuted, match="no quadratic polynomial"):
        scalar_pair_minimum(isotropic(1, 1))


@pytest.mark.parametrize("signs", [(1, -1), (-1, 1), (-1, -1), (1, 0)])
def test_a_loss_that_is_not_convex_is_refused(
    monkeypatch: pytest.MonkeyPatch, signs: tuple[int, int]
) -> None:
    """−I_2 too, whose determinant is positive."""
    x, y = signs
    monkeypatch.setattr(scalar_pairs, "_loss", lambda task, a, b: fmpq(x * (a + b) ** 2 + y * (a * b) ** 2))
    with pytest.raises(Refuted, match="not strictly convex"):
        scalar_pair_minimum(isotropic(1, 1))
