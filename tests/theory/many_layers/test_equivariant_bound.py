"""The lower bound for all matrices: against exact losses of matrices, and where it is attained."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icl_claims.theory.algebra import exact
from icl_claims.theory.many_layers.equivariant_bound import MOST_LAYERS, equivariant_minimum
from icl_claims.theory.many_layers.matrix_layers import layered_loss
from icl_claims.theory.many_layers.step_sizes import optimal_steps
from icl_claims.theory.task import RegressionTask, isotropic
from tests.shared.strategies import matrices


@settings(max_examples=40)
@given(st.data())
def test_no_matrices_lose_less(data: st.DataObject) -> None:
    """Any matrices, symmetric or not, near the optimal steps or far from them."""
    d, n, layers = data.draw(st.integers(1, 3)), data.draw(st.integers(1, 6)), data.draw(st.integers(1, 3))
    steps = [step.lower for step in optimal_steps(isotropic(d, n), layers).steps]
    scale = data.draw(st.sampled_from([0, 1, 100]))
    A = [
        exact.identity(d) * step + (data.draw(matrices(d, d)) / scale if scale else exact.identity(d) * 0)
        for step in steps
    ]
    assert equivariant_minimum(isotropic(d, n), layers) <= layered_loss(isotropic(d, n), A)


@pytest.mark.parametrize(("d", "n"), [(1, 1), (1, 4), (2, 1), (3, 2), (5, 20)])
def test_one_layer_attains_it(d: int, n: int) -> None:
    assert equivariant_minimum(isotropic(d, n), 1) == optimal_steps(isotropic(d, n), 1).loss


@pytest.mark.parametrize("layers", [2, 3, 4])
def test_in_one_dimension_and_for_one_example_it_is_the_minimum_on_the_set(layers: int) -> None:
    """d = 1, where tr S = S; and n = 1, where S² = S tr S: traces add nothing."""
    assert equivariant_minimum(isotropic(1, 3), layers) == optimal_steps(isotropic(1, 3), layers).loss
    assert equivariant_minimum(isotropic(3, 1), layers) == optimal_steps(isotropic(3, 1), layers).loss


@pytest.mark.parametrize("layers", [2, 3, 4, 5])
def test_traces_add_something_elsewhere(layers: int) -> None:
    assert 0 < equivariant_minimum(isotropic(5, 20), layers) < optimal_steps(isotropic(5, 20), layers).loss


@pytest.mark.parametrize(
    ("task", "layers", "message"),
    [
        (isotropic(2, 3), 0, "layers must be"),
        (RegressionTask([[2]], 3), 1, "task must be whitened"),
        (isotropic(2, 3, 1), 1, "task must be whitened, Ω = Σ⁻¹, and without label noise"),
    ],
)
def test_bad_arguments(task: RegressionTask, layers: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        equivariant_minimum(task, layers)


def test_too_many_layers() -> None:
    with pytest.raises(ValueError, match="layers must be an integer from 1 to 5, got 6"):
        equivariant_minimum(isotropic(2, 3), MOST_LAYERS + 1)
