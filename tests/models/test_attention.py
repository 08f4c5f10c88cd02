"""Linear attention and the linear transformer against their formulas, in exact arithmetic.

Integers of magnitude below 2⁵³ and their quotients by powers of two are float64 numbers, and sums and
products of such stay exact while they stay in that range: so float64 results are compared with ``==``.
"""

from __future__ import annotations

import importlib
import sys

import pytest
import torch
from flint import fmpq, fmpq_mat
from hypothesis import given
from hypothesis import strategies as st
from jaxtyping import TypeCheckError, install_import_hook

from icl_claims.models.attention import LinearAttention, LinearTransformer
from icl_claims.theory.algebra import validation


def integers(draw: st.DrawFn, largest: int, *shape: int) -> torch.Tensor:
    count = int(torch.tensor(shape).prod())
    values = draw(st.lists(st.integers(-largest, largest), min_size=count, max_size=count))
    return torch.tensor(values, dtype=torch.float64).reshape(shape)


def rational(tensor: torch.Tensor) -> fmpq_mat:
    return validation.matrix("tensor", tensor)


@given(st.data(), st.booleans())
def test_attention_is_the_literal_formula(data: st.DataObject, mask: bool) -> None:
    d, n = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 6))
    P, Q, Z = (integers(data.draw, 9, *shape) for shape in ((d + 1, d + 1), (d + 1, d + 1), (d + 1, n + 1)))
    M = torch.diag(torch.tensor([1.0] * n + [0.0 if mask else 1.0], dtype=torch.float64))
    literal = P @ Z @ M @ (Z.T @ Q @ Z)
    assert torch.equal(LinearAttention(P, Q, mask=mask)(Z), literal)


@given(st.data(), st.booleans())
def test_relu_attention_is_the_literal_formula(data: st.DataObject, mask: bool) -> None:
    d, n = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 6))
    P, Q, Z = (integers(data.draw, 9, *shape) for shape in ((d + 1, d + 1), (d + 1, d + 1), (d + 1, n + 1)))
    M = torch.diag(torch.tensor([1.0] * n + [0.0 if mask else 1.0], dtype=torch.float64))
    literal = P @ Z @ M @ (Z.T @ Q @ Z).clamp(min=0)
    layer = LinearAttention(P, Q, mask=mask, activation="relu")
    assert torch.equal(layer(Z), literal)
    assert torch.equal(layer.attend(Z, Z[:, -1:]), literal[:, -1:])
    model = LinearTransformer.from_matrices(P[None], Q[None], mask=mask, activation="relu")
    with_n_a_power_of_two = torch.cat([Z[:, :1], Z[:, -1:]], 1)
    one = LinearAttention(P, Q, mask=mask, activation="relu")(with_n_a_power_of_two)
    assert model(with_n_a_power_of_two).item() == -(with_n_a_power_of_two + one)[d, 1].item()


def test_the_activation_matters() -> None:
    Z = torch.tensor([[1.0, -2.0], [3.0, 0.0]], dtype=torch.float64)
    P, Q = torch.eye(2, dtype=torch.float64), torch.eye(2, dtype=torch.float64)
    assert not torch.equal(LinearAttention(P, Q)(Z), LinearAttention(P, Q, activation="relu")(Z))


def test_the_mask_matters() -> None:
    Z = torch.tensor([[1.0, 2.0], [3.0, 0.0]], dtype=torch.float64)
    P, Q = torch.eye(2, dtype=torch.float64), torch.eye(2, dtype=torch.float64)
    assert not torch.equal(LinearAttention(P, Q)(Z), LinearAttention(P, Q, mask=False)(Z))


def descent(X: fmpq_mat, y: fmpq_mat, A: list[fmpq_mat], transposed: bool = True) -> list[fmpq_mat]:
    """w_0 = 0, w_{l+1} = w_l − A_lᵀ ∇R(w_l) with ∇R(w) = X(Xᵀw − y)/n: the iterates, over ℚ."""
    n = X.ncols()
    iterates = [fmpq_mat(X.nrows(), 1)]
    for a in A:
        w = iterates[-1]
        gradient = X * (X.transpose() * w - y.transpose()) * fmpq(1, n)
        iterates.append(w - (a.transpose() if transposed else a) * gradient)
    return iterates


@given(st.data())
def test_layers_are_gradient_descent(data: st.DataObject) -> None:
    """[Z_l]_{d+1,i} = y_i − ⟨w_l, x_i⟩, the query's −⟨w_l, x_q⟩, the covariates unchanged, for every l.

    Exact: |x|, |y| ≤ 2, |A| ≤ 1, d ≤ 3 and n ≤ 4 a power of two give ‖A Xᵀ..‖ ≤ 36 a layer, so that after
    3 layers every number is a multiple of 4⁻³ below 2³¹, and so are the sums that make the next.
    """
    d, n = data.draw(st.integers(1, 3)), data.draw(st.sampled_from([1, 2, 4]))
    depth = data.draw(st.integers(1, 3))
    Z0, A = integers(data.draw, 2, d + 1, n + 1), integers(data.draw, 1, depth, d, d)
    Z0[d, n] = 0
    model = LinearTransformer.from_preconditioners(A)
    states = model.states(Z0)
    X, x_query, y = rational(Z0[:d, :n]), rational(Z0[:d, n:]), rational(Z0[d:, :n])
    iterates = descent(X, y, [rational(a) for a in A])
    assert len(states) == len(iterates) == depth + 1 == model.depth + 1
    for Z, w in zip(states, iterates, strict=True):
        assert torch.equal(Z[:d], Z0[:d])
        assert rational(Z[d:, :n]) == y - w.transpose() * X
        assert rational(Z[d:, n:]) == -w.transpose() * x_query
    assert validation.rational("prediction", model(Z0).item()) == (iterates[-1].transpose() * x_query)[0, 0]


def test_the_transpose_matters() -> None:
    """A mutant of the recursion, with A in the place of Aᵀ, is told apart."""
    X, y = fmpq_mat([[1, 2], [0, 1]]), fmpq_mat([[1, 1]])
    A = [fmpq_mat([[0, 1], [0, 0]])]
    assert descent(X, y, A)[-1] != descent(X, y, A, transposed=False)[-1]


@given(st.data())
def test_a_loop_is_equal_layers(data: st.DataObject) -> None:
    d, n, loops = data.draw(st.integers(1, 3)), data.draw(st.integers(1, 4)), data.draw(st.integers(1, 3))
    P, Q = integers(data.draw, 2, 1, d + 1, d + 1), integers(data.draw, 2, 1, d + 1, d + 1)
    Z0 = integers(data.draw, 2, 5, d + 1, n + 1)
    looped = LinearTransformer.from_matrices(P, Q, loops=loops)
    written_out = LinearTransformer.from_matrices(P.repeat(loops, 1, 1), Q.repeat(loops, 1, 1))
    for a, b in zip(looped.states(Z0), written_out.states(Z0), strict=True):
        assert torch.equal(a, b)
    assert looped.depth == written_out.depth == loops
    assert sum(p.numel() for p in looped.parameters()) == P.numel() + Q.numel()
    for a, b in zip(looped.weights(), written_out.weights(), strict=True):
        assert torch.equal(a, b)


@given(st.data(), st.booleans())
def test_prediction_is_the_last_state(data: st.DataObject, mask: bool) -> None:
    """TF_L = −[Z_L]_{d+1,n+1} for free P and Q; exact, as two layers keep integers/n² below 2⁵³."""
    d, n = data.draw(st.integers(1, 2)), data.draw(st.sampled_from([1, 2, 4]))
    P, Q = integers(data.draw, 1, 2, d + 1, d + 1), integers(data.draw, 1, 2, d + 1, d + 1)
    Z0 = integers(data.draw, 2, 3, d + 1, n + 1)
    model = LinearTransformer.from_matrices(P, Q, mask=mask)
    assert torch.equal(model(Z0), -model.states(Z0)[-1][:, d, n])
    one_by_one = torch.stack([model(z) for z in Z0])
    assert torch.equal(model(Z0), one_by_one)


@given(st.data())
def test_queries_of_one_context_do_not_see_each_other(data: st.DataObject) -> None:
    """Each prediction is that of a prompt with this query alone; exact, as two layers keep integers/n²."""
    d, n, queries = data.draw(st.integers(1, 2)), data.draw(st.sampled_from([1, 2, 4])), 3
    P, Q = integers(data.draw, 1, 2, d + 1, d + 1), integers(data.draw, 1, 2, d + 1, d + 1)
    Z0 = integers(data.draw, 2, 4, d + 1, n + queries)
    model = LinearTransformer.from_matrices(P, Q)
    together = model.predict(Z0, queries)
    for j in range(queries):
        alone = torch.cat([Z0[..., :n], Z0[..., n + j : n + j + 1]], dim=-1)
        assert torch.equal(together[..., j], model(alone))


def test_the_sparse_parametrization() -> None:
    A = torch.tensor([[[1.0, 2.0], [3.0, 4.0]]], dtype=torch.float64)
    P, Q = LinearTransformer.from_preconditioners(A).weights()
    assert P.tolist() == [[[0, 0, 0], [0, 0, 0], [0, 0, 1]]]
    assert Q.tolist() == [[[-1, -2, 0], [-3, -4, 0], [0, 0, 0]]]


square, wide = torch.zeros(2, 2), torch.zeros(2, 3)


def one_layer() -> LinearTransformer:
    return LinearTransformer.from_preconditioners(torch.ones(1, 1, 1))


def partly_masked(*masks: bool) -> LinearTransformer:
    return LinearTransformer([LinearAttention(square, square, mask=mask) for mask in masks])


def test_parameters_are_copies() -> None:
    P = torch.eye(2)
    layer = LinearAttention(P, P)
    P[:] = 7
    assert torch.equal(layer.P, torch.eye(2))
    assert not any(m.requires_grad for m in LinearTransformer([layer]).weights())


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: LinearAttention(wide, square), r"P must be \(d\+1\) × \(d\+1\) .*, got shape \(2, 3\)"),
        (lambda: LinearAttention(square, wide), r"Q must be .*, got shape \(2, 3\)"),
        (lambda: LinearAttention(torch.zeros(1, 1), torch.zeros(1, 1)), "P must be .* d ≥ 1"),
        (lambda: LinearAttention(square, torch.zeros(3, 3)), "P and Q must have one shape"),
        (
            lambda: LinearAttention(square, square, activation="softmax"),  # type: ignore[arg-type]
            "activation must be one of linear, relu, got 'softmax'",
        ),
        (lambda: LinearTransformer([]), "layers must hold at least one layer, got none"),
        (
            lambda: LinearTransformer([LinearAttention(m, m) for m in (square, torch.zeros(3, 3))]),
            "layers must be of one size",
        ),
        (lambda: LinearTransformer([LinearAttention(square, square)], loops=0), "loops must be .*, got 0"),
        (lambda: LinearTransformer.from_matrices(square, square), "P and Q must be stacks of one shape"),
        (
            lambda: LinearTransformer.from_matrices(square[None], square.repeat(2, 1, 1)),
            r"P and Q must be stacks of one shape, .*, got P \(1, 2, 2\) and Q \(2, 2, 2\)",
        ),
        (lambda: LinearAttention(square[None], square[None]), r"P must be .*, got shape \(1, 2, 2\)"),
        (lambda: LinearAttention(square[0], square), r"P must be .*, got shape \(2,\)"),
        (lambda: one_layer()(torch.zeros(2)), r"Z0 must be .* got shape \(2,\)"),
        (lambda: one_layer().predict(torch.zeros(2, 3), 0), "queries must be from 1 to 2 of .*, got 0"),
        (lambda: one_layer().predict(torch.zeros(2, 1)), r"Z0 must be .* got shape \(2, 1\)"),
        (lambda: partly_masked(True, False).predict(torch.zeros(2, 3), 2), "queries must be 1 where no mask"),
        (lambda: partly_masked(False, True).predict(torch.zeros(2, 3), 2), "queries must be 1 where no mask"),
        (lambda: LinearTransformer.from_preconditioners(wide[None]), "A must be a stack of square matrices"),
        (
            lambda: LinearTransformer.from_preconditioners(torch.ones(1, 1, 1))(torch.zeros(3, 2)),
            r"Z0 must be … × 2 × \(n\+1\) with n ≥ 1, got shape \(3, 2\)",
        ),
        (
            lambda: LinearTransformer.from_preconditioners(torch.ones(1, 1, 1)).states(torch.zeros(2, 1)),
            r"Z0 must be .* got shape \(2, 1\)",
        ),
        (
            lambda: LinearTransformer.from_preconditioners(torch.ones(1, 1, 1)).predict(torch.zeros(2, 3), 3),
            "queries must be from 1 to 2 of Z0's columns, got 3",
        ),
        (
            lambda: LinearTransformer.from_preconditioners(torch.ones(1, 1, 1), mask=False).predict(
                torch.zeros(2, 3), 2
            ),
            "queries must be 1 where no mask hides them from one another, got 2",
        ),
    ],
)  # fmt: skip
def test_bad_arguments(build: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build()  # type: ignore[operator]


def test_the_annotated_shapes_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    """The modules, imported anew with jaxtyping's hook and beartype, run; a wrong shape is refused there."""
    names = ["icl_claims.models.attention", "icl_claims.models.prompts", "icl_claims.models.weights"]
    for name in names:
        monkeypatch.delitem(sys.modules, name, raising=False)
    from icl_claims.theory.task import RegressionTask

    with install_import_hook(names, "beartype.beartype"):
        attention, prompts, weights = map(importlib.import_module, names)

    task = RegressionTask.isotropic(2, 3, noise_variance=1)
    generator = torch.Generator().manual_seed(0)
    model = attention.LinearTransformer.from_preconditioners(
        torch.ones(2, 2, 2, dtype=torch.float64), loops=2
    )
    Z0, target = prompts.sample_prompts(task, 5, generator)
    assert model(Z0).shape == target.shape
    assert len(model.states(Z0)) == 5
    Z0, targets = prompts.sample_axis_prompts(task, 5, generator)
    assert model.predict(Z0, 2).shape == targets.shape
    assert weights.Weights(*model.weights()).depth == 4
    layer = attention.LinearAttention(torch.eye(3), torch.eye(3))
    with pytest.raises(TypeCheckError):
        layer.attend(torch.zeros(3, 4), torch.zeros(2, 1))
