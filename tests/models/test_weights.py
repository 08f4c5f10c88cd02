"""Weights: files, validation, gauge; and the exact comparison with the closed form."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from flint import fmpq, fmpq_mat
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file

from icl_claims.models.attention import LinearTransformer
from icl_claims.models.weights import (
    Weights,
    WeightsError,
    compare,
    least_eigenvalue,
    load,
    reduce_gauge,
    save,
)
from icl_claims.theory.algebra import exact, validation
from icl_claims.theory.algebra.evaluation import at_task
from icl_claims.theory.one_layer import single_layer
from icl_claims.theory.task import RegressionTask, isotropic
from tests.shared.strategies import definite_matrices, tasks

TASK = isotropic(dim=2, context_length=5)
"""Its minimiser, Γ = 5/8 I, is a float64 matrix; the minimum is 3/4."""


def at_optimum(beta: float = 1.0) -> Weights:
    model = LinearTransformer.from_preconditioners(torch.eye(2, dtype=torch.float64)[None] * 0.625)
    P, Q = model.weights()
    return Weights(P * beta, Q / beta)


def one_layer(P: list[list[float]], Q: list[list[float]]) -> Weights:
    return Weights(torch.tensor([P], dtype=torch.float64), torch.tensor([Q], dtype=torch.float64))


def squared(x: float) -> fmpq:
    return validation.rational("x", x) ** 2


def test_a_file_keeps_every_bit(tmp_path: Path) -> None:
    P, Q = torch.randn(2, 3, 4, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    save(tmp_path / "new" / "w.safetensors", Weights(P.mT, Q, {"origin": "test"}))
    back = load(tmp_path / "new" / "w.safetensors")
    assert torch.equal(back.P, P.mT)
    assert torch.equal(back.Q, Q)
    assert dict(back.metadata) == {"origin": "test"}
    assert (back.depth, back.dim) == (3, 3)
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["w.safetensors"]


def test_float32_is_read_exactly(tmp_path: Path) -> None:
    P = torch.randn(1, 3, 3, generator=torch.Generator().manual_seed(0))
    save_file({"P": P, "Q": 2 * P}, tmp_path / "w.safetensors")
    back = load(tmp_path / "w.safetensors")
    assert back.P.dtype == torch.float64
    assert torch.equal(back.P.float(), P)


good = torch.eye(3, dtype=torch.float64)[None]
spoiled = {value: good.clone() for value in (math.nan, math.inf)}
for value, tensor in spoiled.items():
    tensor[0, 1, 2] = value

SHAPE = "P must be layers × (d+1) × (d+1) with d ≥ 1, got "
BAD: dict[str, tuple[dict[str, torch.Tensor], str]] = {
    "no Q": ({"P": good}, "tensors must include P and Q, got P: Q missing"),
    "neither": ({"A": good}, "tensors must include P and Q, got A: P and Q missing"),
    "integers": ({"P": good, "Q": good.to(torch.int64)}, "Q must be of dtype float64 or float32, got int64"),
    "half": ({"P": good.half(), "Q": good}, "P must be of dtype float64 or float32, got float16"),
    "NaN": ({"P": good, "Q": spoiled[math.nan]}, "Q must be finite, got nan at [0, 1, 2]"),
    "infinity": ({"P": spoiled[math.inf], "Q": good}, "P must be finite, got inf at [0, 1, 2]"),
    "heads": ({"P": good.repeat(1, 2, 1, 1), "Q": good}, "P must have one head, layers × (d+1) × (d+1)"),
    "no layer axis": ({"P": good[0], "Q": good}, SHAPE + "3 × 3"),
    "not square": ({"P": good[:, :2], "Q": good}, SHAPE + "1 × 2 × 3"),
    "d = 0": ({"P": good[:, :1, :1], "Q": good}, SHAPE + "1 × 1 × 1"),
    "no layers": ({"P": good[:0], "Q": good}, SHAPE + "0 × 3 × 3"),
    "differ": ({"P": good, "Q": good.repeat(2, 1, 1)}, "P and Q must have one shape, got P (1, 3, 3)"),
}  # fmt: skip


@pytest.mark.parametrize("case", list(BAD))
def test_bad_files(case: str, tmp_path: Path) -> None:
    tensors, message = BAD[case]
    path = tmp_path / "w.safetensors"
    save_file({name: tensor.clone() for name, tensor in tensors.items()}, path)
    with pytest.raises(WeightsError, match=re.escape(f"{path}: {message}")):
        load(path)


@pytest.mark.parametrize("content", [b"", b"PK not a safetensors file", b"\xff" * 100])
def test_other_files(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    path.write_bytes(content)
    with pytest.raises(
        WeightsError, match=r"w\.safetensors must be a safetensors file, got one that does not"
    ):
        load(path)


def test_no_file(tmp_path: Path) -> None:
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(WeightsError, match="must be a safetensors file, got no such file"):
            load(path)


def test_weights_are_tensors() -> None:
    with pytest.raises(WeightsError, match="P must be a tensor, got list"):
        Weights([[1.0]], good)  # type: ignore[arg-type]


def test_the_gauge_reduces_each_layer() -> None:
    """Exact, as the β are powers of two."""
    P, Q = torch.ones(2, 3, 3, dtype=torch.float64), torch.ones(2, 3, 3, dtype=torch.float64)
    P[0] *= 4
    P[1] *= -0.5
    reduced = reduce_gauge(Weights(P, Q, {"origin": "test"}))
    assert torch.equal(reduced.P, torch.ones_like(P))
    assert [q.unique().item() for q in reduced.Q] == [4, -0.5]
    assert reduced.metadata == {"origin": "test"}
    P[1, 2, 2] = 0
    with pytest.raises(
        WeightsError, match=r"P\[l\]\[d\]\[d\] must not be 0 to fix the gauge, got 0 for l = 1"
    ):
        reduce_gauge(Weights(P, Q))


@pytest.mark.parametrize("beta", [1.0, -8.0])
def test_the_optimum_has_no_excess(beta: float) -> None:
    found = compare(TASK, at_optimum(beta))
    assert found.loss == found.minimum == fmpq(3, 4)
    assert found.excess == 0
    assert found.preconditioner == found.closed_form == exact.diagonal(["5/8", "5/8"])
    assert (found.distance, found.distance_bound, found.entry_bounds) == (0.0, 0.0, ((0.0,) * 2,) * 2)


def test_a_known_distance() -> None:
    """A = 5/8 I + [[0, 3], [−4, 0]]: E = [[0, −4], [3, 0]], the transpose of what was added, ‖E‖_F = 5."""
    A = torch.tensor([[[0.625, 3.0], [-4.0, 0.625]]], dtype=torch.float64)
    found = compare(TASK, Weights(*LinearTransformer.from_preconditioners(A).weights()))
    assert found.preconditioner - found.closed_form == fmpq_mat([[0, -4], [3, 0]])
    assert found.distance == 5.0
    assert found.loss == single_layer.loss(TASK, [0, 0, 1], [["-5/8", -3], [4, "-5/8"], [0, 0]])
    # Only E deviates, and Σ and 𝒢 are multiples of I: the bound is attained, up to its rounding upwards.
    assert found.distance_bound == math.nextafter(5.0, math.inf)


def test_the_label_row_counts_towards_the_preconditioner() -> None:
    """In one dimension u a x_q S w alone is the same predictor as β A_x; no gauge makes β = 0 into 1."""
    task = isotropic(dim=1, context_length=2)
    assert single_layer.minimizer(task) == fmpq_mat([[fmpq(1, 2)]])
    weights = one_layer([[0, 0], [-0.5, 0]], [[0, 0], [1, 0]])
    found = compare(task, weights)
    assert found.excess == 0
    assert found.distance == 0
    with pytest.raises(WeightsError, match="must not be 0"):
        reduce_gauge(weights)


def test_unused_weights_do_not_count() -> None:
    """P's other rows and Q's last column: any values, the same comparison."""
    weights = at_optimum()
    P, Q = weights.P.clone(), weights.Q.clone()
    P[0, :2], Q[0, :, 2] = 7, -3
    assert compare(TASK, Weights(P, Q)) == compare(TASK, weights)


entries = st.integers(-16, 16).map(lambda k: k / 8)


@given(st.data(), st.sampled_from([(), ("diagonal_covariance", "identity_task")]))
def test_the_bounds_hold(data: st.DataObject, assumptions: tuple[str, ...]) -> None:
    """‖E‖_F and |E_ij| against their bounds, squared and over ℚ, at any weights, for any task."""
    task = data.draw(tasks(assumptions))
    size = task.dim + 1
    rows = st.lists(st.lists(entries, min_size=size, max_size=size), min_size=size, max_size=size)
    P, Q = data.draw(rows), data.draw(rows)
    found = compare(task, one_layer(P, Q))
    error = found.preconditioner - found.closed_form
    moment = at_task(single_layer.cross_second_moment(), task, {})
    explained = exact.trace(task.covariance * error * moment * error.transpose())
    assert explained == single_layer.preconditioner_excess(task, P[-1], [row[:-1] for row in Q])
    assert 0 <= explained <= found.excess
    if found.distance_bound is not None:
        assert exact.trace(error * error.transpose()) <= squared(found.distance_bound)
    if assumptions:
        assert found.entry_bounds is not None
        for i in range(task.dim):
            for j in range(task.dim):
                assert error[i, j] ** 2 <= squared(found.entry_bounds[i][j])


@pytest.mark.parametrize(("i", "j"), [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_each_entry_has_its_own_bound(i: int, j: int) -> None:
    """Where E_ij = 1 is all of E, the excess is Σ_ii 𝒢_jj: that entry's bound is 1, rounded upwards."""
    task = RegressionTask(exact.diagonal([1, 3]), 3)
    A = torch.diag(torch.tensor([0.375, 0.1875], dtype=torch.float64))
    A[j, i] += 1
    found = compare(task, Weights(*LinearTransformer.from_preconditioners(A[None]).weights()))
    error = found.preconditioner - found.closed_form
    assert error == fmpq_mat([[int((row, column) == (i, j)) for column in range(2)] for row in range(2)])
    assert found.entry_bounds is not None
    assert found.entry_bounds[i][j] == math.nextafter(1, math.inf)
    moment = at_task(single_layer.cross_second_moment(), task, {})
    assert found.excess == task.covariance[i, i] * moment[j, j]


def test_no_bound_where_sigma_is_singular() -> None:
    task = RegressionTask([[1, 0], [0, 0]], 5)
    found = compare(task, at_optimum())
    assert found.distance_bound is None
    assert found.entry_bounds is None


@given(definite_matrices(3))
def test_least_eigenvalues_are_certified_from_below(matrix: fmpq_mat) -> None:
    """M − m I ⪰ 0, and not so for m one part in 2¹⁹ larger."""
    least = least_eigenvalue(matrix)
    assert least > 0
    validation.semidefinite("shifted", matrix - exact.identity(3) * least)
    with pytest.raises(ValueError, match="positive semidefinite"):
        validation.semidefinite("shifted", matrix - exact.identity(3) * (least * fmpq(2**19 + 1, 2**19)))


def test_least_eigenvalue_of_a_singular_matrix() -> None:
    assert least_eigenvalue(fmpq_mat([[1, 1], [1, 1]])) == 0
    assert least_eigenvalue(exact.diagonal([3, "1/3"])) == fmpq(1, 3)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (lambda: Weights(good.repeat(2, 1, 1), good.repeat(2, 1, 1)), "weights must be of one layer .*, got 2 layers"),
        (lambda: one_layer([[1, 0], [0, 1]], [[1, 0], [0, 1]]), "weights must be of dimension 2, .* got 1"),
    ],
)  # fmt: skip
def test_weights_that_do_not_compare(weights: Callable[[], Weights], message: str) -> None:
    with pytest.raises(WeightsError, match=message):
        compare(TASK, weights())
