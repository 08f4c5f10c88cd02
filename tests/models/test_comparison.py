"""Weights of several layers: the comparison with the optimum, the authors' layout, and the command line."""

from __future__ import annotations

import json
import shlex
from itertools import permutations, product
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner
from flint import fmpq, fmpq_mat
from hypothesis import given, settings
from hypothesis import strategies as st

from icl_claims.claims import cli
from icl_claims.models import comparison
from icl_claims.models.attention import LinearTransformer
from icl_claims.models.comparison import compare_layers
from icl_claims.models.files import save
from icl_claims.models.parametrizations import relaxed
from icl_claims.models.weights import Weights, WeightsError
from icl_claims.numerics.rounding import nearest, nearest_root
from icl_claims.theory.algebra import exact, validation
from icl_claims.theory.many_layers import gdpp
from icl_claims.theory.many_layers.distance import squared_dist
from icl_claims.theory.many_layers.equivariant_bound import equivariant_minimum
from icl_claims.theory.many_layers.step_sizes import loss_of_steps, optimal_steps
from icl_claims.theory.task import RegressionTask, isotropic
from tests.shared.strategies import definite_matrices, matrices

entries = st.integers(-16, 16).map(lambda k: k / 8)


def sparse(A: list[list[list[float]]]) -> Weights:
    model = LinearTransformer.from_preconditioners(torch.tensor(A, dtype=torch.float64))
    return Weights(*model.weights())


def scaled(d: int, *steps: float) -> Weights:
    """A_l = a_l I."""
    return Weights(
        *LinearTransformer.from_preconditioners(
            torch.stack([a * torch.eye(d, dtype=torch.float64) for a in steps])
        ).weights()
    )


@given(st.lists(entries, min_size=2, max_size=3), st.integers(1, 3), st.integers(1, 6))
def test_on_the_set_all_is_known(steps: list[float], d: int, n: int) -> None:
    found = compare_layers(isotropic(d, n), scaled(d, *steps))
    assert found.loss == found.projected_loss == loss_of_steps(isotropic(d, n), steps)
    assert found.minimum == optimal_steps(isotropic(d, n), len(steps)).loss
    assert found.lower_bound == equivariant_minimum(isotropic(d, n), len(steps))
    assert [layer.step for layer in found.layers] == [validation.rational("a", a) for a in steps]
    assert found.excess is not None
    assert found.excess >= 0
    assert all(layer.distance in (0, None) for layer in found.layers)


@settings(max_examples=30)
@given(st.data())
def test_the_layers_are_matched_best(data: st.DataObject) -> None:
    """The distance against all orders of the layers, for any Σ and any matrices; and Dist against its definition."""
    d, layers = data.draw(st.integers(1, 2)), data.draw(st.integers(2, 3))
    sigma = data.draw(definite_matrices(d))
    A = [[[data.draw(entries) for _ in range(d)] for _ in range(d)] for _ in range(layers)]
    found = compare_layers(RegressionTask.whitened(sigma, 4), sparse(A))
    steps = [step.lower for step in found.optimum.steps]

    def square(m: fmpq_mat) -> fmpq:
        return exact.trace(sigma * m * sigma * m.transpose())

    inverse = sigma.inv()
    assert found.squared_distance == min(
        sum((square(layer.A - inverse * a) for layer, a in zip(found.layers, order, strict=True)), fmpq(0))
        for order in permutations(steps)
    )
    for layer in found.layers:
        if layer.distance is not None:
            nearest = layer.A - inverse * layer.step
            assert layer.distance == square(nearest) / square(layer.A)
            assert square(nearest) <= square(layer.A - inverse * (layer.step + fmpq(1, 100)))


@given(matrices(3, 3))
def test_dist_is_scale_free_and_zero_for_multiples_of_the_identity(m: fmpq_mat) -> None:
    assert squared_dist(m) == squared_dist(m * 7)
    value = squared_dist(m)
    if value is None:
        assert m == m * 0
    else:
        assert 0 <= value <= 1
        assert (value == 0) == (m == exact.identity(3) * m[0, 0])


def test_covariate_updates_leave_the_projected_loss() -> None:
    """B_0 = I/2: no exact loss of the matrices, but that of the nearest a_l I, b_l I; B of the last layer is unused."""
    P = torch.diag_embed(torch.tensor([[0.5, 0.5, 2.0], [7.0, 7.0, 1.0]], dtype=torch.float64))
    Q = -torch.diag_embed(torch.tensor([[0.25, 0.25, 0.0], [1.0, 1.0, 0.0]], dtype=torch.float64))
    found = compare_layers(isotropic(2, 5), Weights(P, Q))
    assert found.loss is None
    assert found.excess is None
    assert [layer.factor for layer in found.layers] == [fmpq(1, 4), 0]
    assert [layer.step for layer in found.layers] == [fmpq(1, 2), 1]
    assert found.projected_loss == gdpp.loss(isotropic(2, 5), ["-1/2", -1], ["1/4"])


@pytest.mark.parametrize("layer", [0, 1])
@pytest.mark.parametrize("i", [0, 1])
def test_any_covariate_update_before_the_last_layer_leaves_no_exact_loss(layer: int, i: int) -> None:
    """One entry of one B_l, with trace 0 or not; of the last layer B has no effect."""
    weights = scaled(2, 0.5, 1.0, 0.25)
    P = weights.P.clone()
    P[2, 0, i] = 0.5
    assert compare_layers(isotropic(2, 5), Weights(P, weights.Q)).loss is not None
    P[layer, 0, i] = 0.5
    found = compare_layers(isotropic(2, 5), Weights(P, weights.Q))
    assert found.loss is found.excess is None
    assert found.layers[layer].factor == fmpq(1 - i, 4)


@pytest.mark.parametrize("layer", [0, 1])
def test_one_entry_more_is_refused_exactly_where_it_has_an_effect(layer: int) -> None:
    """In P: below a block and right of it, the latter only before the last layer. In Q: outside the block."""
    weights, message = (
        scaled(2, 0.5, 1.0),
        f"weights of several layers must be .*, got others in layer {layer}",
    )
    for name, i, j in product("PQ", range(3), range(3)):
        stacks = {"P": weights.P.clone(), "Q": weights.Q.clone()}
        stacks[name][layer, i, j] += 1
        changed = Weights(**stacks)
        in_block, corner = i < 2 and j < 2, name == "P" and i == j == 2
        if in_block or corner or (name == "P" and i < 2 and layer == 1):
            assert len(compare_layers(isotropic(2, 5), changed).layers) == 2
        else:
            with pytest.raises(WeightsError, match=message):
                compare_layers(isotropic(2, 5), changed)


def test_layers_without_beta_are_refused() -> None:
    weights = scaled(2, 0.5, 1.0)
    for layer in range(2):
        without = weights.P.clone()
        without[layer] = 0
        with pytest.raises(WeightsError, match=f"got others in layer {layer}"):
            compare_layers(isotropic(2, 5), Weights(without, weights.Q))


def test_the_blocks_are_those_of_the_gauge_one() -> None:
    """P_l = β_l diag(B_l, 1) and Q_l = diag(−A_l, 0)/β_l, for any A_l, B_l and β_l; the last B_l counts as 0."""
    A = torch.tensor([[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [7.0, 8.0]]], dtype=torch.float64)
    B = torch.tensor([[[0.5, 0.25], [0.0, 2.0]], [[1.0, 3.0], [5.0, 7.0]]], dtype=torch.float64)
    P, Q = relaxed(-A, B)
    beta = torch.tensor([-2.0, 4.0], dtype=torch.float64)[:, None, None]
    layers = compare_layers(isotropic(2, 5), Weights(P * beta, Q / beta)).layers
    assert [layer.A for layer in layers] == [validation.matrix("A", a) for a in A]
    assert [layer.B for layer in layers] == [validation.matrix("B", B[0]), fmpq_mat(2, 2)]


def test_what_does_not_compare() -> None:
    task = isotropic(2, 5)
    with pytest.raises(WeightsError, match="must be of dimension 2, that of the task, got 3"):
        compare_layers(task, scaled(3, 0.5, 1.0))
    with pytest.raises(WeightsError, match="weights must be of at most 5 layers, got 6"):
        compare_layers(task, scaled(2, *[0.5] * 6))
    for other in (RegressionTask([[2]], 3), isotropic(1, 3, noise_variance=1)):
        with pytest.raises(ValueError, match="task must be whitened"):
            compare_layers(other, scaled(1, 0.5, 1.0))


def test_the_most_layers_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit, lowered."""
    monkeypatch.setattr(comparison, "MOST_LAYERS", 2)
    assert len(compare_layers(isotropic(1, 5), scaled(1, 0.5, 0.5)).layers) == 2
    with pytest.raises(WeightsError, match="weights must be of at most 2 layers, got 3"):
        compare_layers(isotropic(1, 5), scaled(1, 0.5, 0.5, 0.5))


def refused(line: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    """One line, status 2."""
    assert cli.run(shlex.split(line)) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert message in captured.err


def answer(line: str) -> Any:
    result = CliRunner().invoke(cli.group, [*shlex.split(line), "--json"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


KEYS = [
    "loss", "loss_exact", "minimum", "minimum_exact", "excess", "relative_excess", "lower_bound", "lower_bound_exact",
    "projected_loss", "distance", "steps", "dist", "dist_raw", "factors", "dist_factors", "closed_form",
    "closed_form_exact", "notes",
]  # fmt: skip


def test_compare_near_the_optimum(tmp_path: Path) -> None:
    """The optimal steps rounded to float64, in another order and for another Σ: nothing is left but rounding."""
    best = optimal_steps(isotropic(2, 5), 2)
    steps = [float(step.lower.p) / float(step.lower.q) for step in best.refined(53).steps]
    path = tmp_path / "w.safetensors"
    save(path, sparse([[[a, 0.0], [0.0, a / 4]] for a in reversed(steps)]))
    found = answer(f"compare {path} --dim 2 --context 5 --covariance 1,4")
    assert list(found) == KEYS
    assert found["minimum_exact"] == str(best.loss)
    assert 0 <= found["relative_excess"] < 1e-28
    assert found["distance"] < 1e-14
    assert found["dist"] == [0, 0]
    # Dist(diag(1, 1/4), I)² = 1 − (5/4)²/(2 · 17/16) = 9/34.
    assert found["dist_raw"] == [nearest_root(fmpq(9, 34))] * 2
    assert found["steps"] == steps[::-1]
    assert found["closed_form"] == pytest.approx(steps, rel=1e-15)
    assert found["factors"] is found["dist_factors"] is None


def test_compare_takes_covariate_updates(tmp_path: Path) -> None:
    path = tmp_path / "w.pt"
    tensor = torch.zeros((2, 1, 2, 2, 2), dtype=torch.float64)
    tensor[:, 0, 0], tensor[:, 0, 1] = torch.eye(2) / 2, -torch.eye(2)
    torch.save(tensor, path)
    found = answer(f"compare {path} --dim 2 --context 5")
    assert [key for key in KEYS if key != "loss_exact"] == list(found)
    assert found["loss"] is found["excess"] is found["relative_excess"] is None
    assert (found["factors"], found["dist_factors"], found["steps"]) == ([0.5], [0], [1, 1])


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_covariance_that_is_not_diagonal(wrapped: bool, tmp_path: Path) -> None:
    rows: Any = [["2", 0.5], [0.5, 1]]
    file, path = tmp_path / "sigma.json", tmp_path / "w.safetensors"
    file.write_text(json.dumps({"task": {"covariance": rows}} if wrapped else rows), encoding="utf-8")
    weights = sparse([[[0.5, 0.25], [0.0, 1.0]], [[1.0, 0.0], [0.0, 0.5]]])
    save(path, weights)
    found = answer(f"compare {path} --dim 2 --context 5 --covariance-file {file}")
    task = RegressionTask.whitened([[2, "1/2"], ["1/2", 1]], 5)
    exactly = compare_layers(task, weights)
    assert exactly.excess is not None
    assert found["loss_exact"] == str(exactly.loss)
    assert found["relative_excess"] == nearest(exactly.excess / exactly.minimum)
