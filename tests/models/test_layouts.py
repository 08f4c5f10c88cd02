"""Layouts: each gives the weights that its definition says, and what is of none, or of several, is refused."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from flint import fmpq_mat
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from icl_claims.models.attention import LinearAttention, LinearTransformer
from icl_claims.models.layouts import from_published, from_tensors
from icl_claims.models.parametrizations import relaxed, sparse
from icl_claims.models.weights import Weights, WeightsError
from icl_claims.theory.algebra import validation

generator = torch.Generator().manual_seed(0)
P, Q = torch.randn((2, 2, 4, 4), generator=generator, dtype=torch.float64)
A, B = torch.randn((2, 2, 3, 3), generator=generator, dtype=torch.float64)
FREE = Weights(P, Q)
PUBLISHED = torch.randn((2, 1, 2, 3, 3), generator=generator)


def same(found: Any, wanted: Weights) -> bool:
    return bool(found.weights.exact() == wanted.exact())


LAYERS = {f"layers.{k}.{name}": stack[k] for k in (1, 0) for name, stack in (("P", P), ("Q", Q))}
READ: dict[str, tuple[Any, Weights]] = {
    "stacks": ({"P": P, "Q": Q}, FREE),
    "layer by layer": (LAYERS, FREE),
    "our model": (LinearTransformer.from_matrices(P, Q).state_dict(), FREE),
    "DataParallel": ({f"module.{name}": tensor for name, tensor in LAYERS.items()}, FREE),
    "compiled": ({f"_orig_mod.module.{name}": tensor for name, tensor in LAYERS.items()}, FREE),
    "linear maps": ({"layers.0.P.weight": P[0], "layers.0.Q.weight": Q[0]}, Weights(P[:1], Q[:1])),
    "our layer": (LinearAttention(P[0], Q[0]).state_dict(), Weights(P[:1], Q[:1])),
    "sparse": ({"A": A}, Weights(*sparse(A))),
    "one sparse": ({"blocks.0.A": A[1]}, Weights(*sparse(A[1:]))),
    "relaxed": ({"A": A, "B": B}, Weights(*relaxed(A, B))),
    "relaxed but for the last": ({"A": A, "B": B[:1]}, Weights(*relaxed(A, B[:1]))),
    "relaxed by layers": ({"0.A": A[0], "1.A": A[1], "0.B": B[0]}, Weights(*relaxed(A, B[:1]))),
    "published": (PUBLISHED, from_published(PUBLISHED)),
    "published by name": ({"module.allparam": PUBLISHED}, from_published(PUBLISHED)),
    "published by any name": ({"any": PUBLISHED}, from_published(PUBLISHED)),
    "published as A": ({"A": PUBLISHED}, from_published(PUBLISHED)),
    "a matrix": (A[0], Weights(*sparse(A[:1]))),
    "three matrices": (A[[0, 1, 0]], Weights(*sparse(A[[0, 1, 0]]))),
    "a matrix by any name": ({"arr_0": A[0]}, Weights(*sparse(A[:1]))),
    "values": ({"W_V": P, "Q": Q}, FREE),
    "what is no tensor": ({"P": P, "Q": Q, "epoch": 3, 4: "text"}, FREE),
}  # fmt: skip


@pytest.mark.parametrize("case", list(READ))
def test_what_is_read(case: str) -> None:
    tensors, wanted = READ[case]
    assert same(from_tensors(tensors), wanted)


@pytest.mark.parametrize("case", list(READ))
def test_metadata_is_kept_by_weights_that_are_no_products(case: str) -> None:
    for metadata in ({"origin": "test"}, {}):
        weights = from_tensors(READ[case][0], metadata).weights
        assert isinstance(weights, Weights) == (case != "values")
        assert not isinstance(weights, Weights) or weights.metadata == metadata


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_shorter_numbers_are_read_exactly(dtype: torch.dtype) -> None:
    for tensors in (
        {"P": P, "Q": Q},
        {"A": A},
        {"A": A, "B": B},
        {"any": PUBLISHED},
        {"W_V": P, "W_K": P, "W_Q": Q},
    ):
        short = {name: tensor.to(dtype) for name, tensor in tensors.items()}
        long = {name: tensor.double() for name, tensor in short.items()}
        assert from_tensors(short).weights.exact() == from_tensors(long).weights.exact()
        assert (
            from_tensors(short).weights.exact() != from_tensors(tensors).weights.exact()
            or dtype == PUBLISHED.dtype
        )


def test_layers_are_put_in_order_of_their_numbers() -> None:
    """Ten and more, where the order of texts is another."""
    named = {f"layers.{k}.{name}": k * torch.eye(2) for k in range(12) for name in ("P", "Q")}
    diagonals = from_tensors(dict(sorted(named.items()))).weights.exact().layers
    assert [layer[0][0, 0] for layer in diagonals] == list(range(12))


@given(st.data(), st.sampled_from([torch.float64, torch.float32, torch.bfloat16, torch.float16]))
def test_products_are_exact(data: st.DataObject, dtype: torch.dtype) -> None:
    """Q_l = W_Kᵀ W_Q and P_l = W_O W_V over the rationals, for any floats, number of layers and width of a head."""
    layers, width, rows = (
        data.draw(st.integers(1, 2)),
        data.draw(st.integers(1, 3)),
        data.draw(st.integers(2, 3)),
    )
    floats = st.floats(-1e4, 1e4, width=16 if dtype in (torch.float16, torch.bfloat16) else 32)

    def draw(*shape: int) -> Tensor:
        count = int(torch.tensor(shape).prod())
        numbers = data.draw(st.lists(floats, min_size=count, max_size=count))
        # A third that the type rounds: products of its numbers are none of them.
        return (torch.tensor(numbers, dtype=torch.float64) + 1 / 3).reshape(shape).to(dtype)

    key, query, value = (draw(layers, width, rows) for _ in range(3))
    out = draw(layers, rows, width)

    def exactly(tensor: Tensor) -> list[fmpq_mat]:
        return [validation.matrix("m", matrix.double()) for matrix in tensor]

    found = from_tensors({"W_K": key, "Wq": query, "layers.W_v": value, "WO.weight": out})
    wanted = zip(exactly(key), exactly(query), exactly(value), exactly(out), strict=True)
    assert found.weights.exact().layers == tuple((o * v, k.transpose() * q) for k, q, v, o in wanted)
    assert found.notes == ("Q_l = W_Kᵀ W_Q, multiplied exactly.", "P_l = W_O W_V, multiplied exactly.")


def test_keys_and_queries_have_the_scores_of_their_product() -> None:
    """(W_K Z)ᵀ (W_Q Z) = Zᵀ Q Z in integers, and not with keys and queries exchanged."""
    key, query, Z = torch.randint(-3, 4, (3, 3, 3), generator=generator).double()
    laid = from_tensors({"P": torch.eye(3), "W_K": key, "W_Q": query})
    (_, found), *_ = laid.weights.exact().layers
    assert laid.notes == ("Q_l = W_Kᵀ W_Q, multiplied exactly.",)
    product = torch.tensor([[float(x) for x in row] for row in found.tolist()], dtype=torch.float64)
    scores = (key @ Z).T @ (query @ Z)
    assert torch.equal(Z.T @ product @ Z, scores)
    assert not torch.equal(Z.T @ product.T @ Z, scores)


def test_notes_say_how_tensors_are_read_and_which_are_not() -> None:
    assert from_tensors({"P": P, "Q": Q}).notes == from_tensors(PUBLISHED).notes == ()
    sparse_note = "The tensor was read as the A_l of sparse layers, P_l = diag(0, 1) and Q_l = −diag(A_l, 0)."
    assert from_tensors(A[0]).notes == from_tensors({"A": A}).notes == (sparse_note,)
    relaxed_note = "A and B were read as P_l = diag(B_l, 1) and Q_l = diag(A_l, 0), A_l with its own sign."
    assert from_tensors({"A": A, "B": B}).notes == (relaxed_note,)
    more = {"mask": A, "layers.0.Q.bias": A, "heads.0.layers.1.P": P}
    not_read = "Not read: mask, layers.0.Q.bias, heads.0.layers.1.P."
    assert from_tensors({"P": P, "Q": Q, **more}).notes == (not_read,)
    assert from_tensors({"A": A, "mask": A}).notes == (sparse_note, "Not read: mask.")


WANTED = "tensors must be P and Q, or W_V, W_K and W_Q, or A, or A and B, or allparam, got "
ROWS = "must be layers × rows × columns, got "
REFUSED: dict[str, tuple[Any, str]] = {
    "none": ({}, WANTED + "none"),
    "other names": ({"x": P, "y": Q}, WANTED + "x, y"),
    "many other names": (
        {f"x{k}": A for k in range(9)}, WANTED + "x0, x1, x2, x3, x4, x5 and 3 more"
    ),
    "P alone": ({"P": P}, WANTED + "P"),
    "Q alone": ({"Q": Q}, WANTED + "Q"),
    "a published P": ({"P": PUBLISHED}, WANTED + "P"),
    "a published Q": ({"Q": PUBLISHED}, WANTED + "Q"),
    "B alone": ({"B": B, "x": B}, WANTED + "B, x"),
    "no value": ({"W_Q": Q, "W_K": Q}, WANTED + "W_Q, W_K"),
    "no key": ({"P": P, "W_Q": Q}, WANTED + "P, W_Q"),
    "no query": ({"P": P, "W_K": Q}, WANTED + "P, W_K"),
    "Q twice over": ({"P": P, "Q": Q, "W_Q": Q, "W_K": Q}, WANTED + "P, Q, W_Q, W_K"),
    "P twice over": ({"P": P, "W_V": P, "Q": Q}, WANTED + "P, W_V, Q"),
    "an output alone": ({"W_O": P, "Q": Q}, WANTED + "W_O, Q"),
    "two layouts": ({"A": A, "P": P, "Q": Q}, WANTED + "A, P, Q"),
    "two others": ({"A": A, "allparam": PUBLISHED}, WANTED + "A, allparam"),
    "one name twice": (
        {"P": P, "module.P": P, "Q": Q}, "tensors must be one for each part of a layer, got P and module.P"
    ),
    "a stack beside a layer": (
        {"P": P, "0.P": P[0], "Q": Q}, "P must be one tensor or one for each layer, got P, 0.P"
    ),
    "a layer missing": ({"0.P": P[0], "2.P": P[1], "Q": Q}, "P must be there for the layers 0, 1, …, got 0, 2"),
    "no first layer": ({"1.P": P[0], "Q": Q}, "P must be there for the layers 0, 1, …, got 1"),
    "two shapes": (
        {"0.P": P[0], "1.P": A[0], "Q": Q}, "P must be of one shape and type in all layers, got 3 × 3, 4 × 4"
    ),
    "two types": (
        {"0.P": P[0], "1.P": P[0].float(), "Q": Q}, "P must be of one shape and type in all layers, got 4 × 4"
    ),
    "other numbers of layers": ({"W_V": P, "Q": Q[:1]}, "P and Q must have as many layers, got 2 and 1"),
    "factors of other sizes": (
        {"P": P, "W_K": Q[:, :2], "W_Q": Q}, "W_Kᵀ and W_Q must have a product, got 2 × 4 × 2 and 2 × 4 × 4"
    ),
    "factors of other numbers": (
        {"P": P, "W_K": Q[:1], "W_Q": Q}, "W_Kᵀ and W_Q must have a product, got 1 × 4 × 4 and 2 × 4 × 4"
    ),
    "an output of another size": (
        {"W_O": P[:, :, :2], "W_V": P, "Q": Q}, "W_O and W_V must have a product, got 2 × 4 × 2 and 2 × 4 × 4"
    ),
    "a product of another size": (
        {"P": P, "W_K": Q, "W_Q": Q[:, :, :2]}, "P and Q must all be (d+1) × (d+1) with one d ≥ 1, got 4 × 2, 4 × 4"
    ),
    "heads": ({"P": P, "W_K": Q[None], "W_Q": Q}, "W_K must have one head, layers × rows × columns, got 1 × 2 × 4 × 4"),
    "one axis": ({"P": P, "W_K": Q, "W_Q": Q[0, 0]}, f"W_Q {ROWS}4"),
    "an empty factor": ({"P": P, "W_K": Q, "W_Q": Q[:0]}, f"W_Q {ROWS}0 × 4 × 4"),
    "integer factors": (
        {"P": P, "W_K": Q.long(), "W_Q": Q}, "W_K must be of dtype float64, float32, bfloat16 or float16, got int64"
    ),
    "no number": ({"P": P, "W_K": Q / 0, "W_Q": Q}, "W_K must be finite, got "),
    "integers": ({"A": A.long()}, "A must be of dtype float64, float32, bfloat16 or float16, got int64"),
    "A not square": ({"A": A[:, :2]}, "A must be layers × d × d, got 2 × 2 × 3"),
    "A without layers": ({"A": A[:0]}, "A must be layers × d × d, got 0 × 3 × 3"),
    "a row": ({"A": A[0, 0]}, "A must be layers × d × d, got 3"),
    "B of another size": ({"A": A, "B": P}, "B must be 0, 1 or 2 matrices of 3 × 3, as A has 2, got (2, 4, 4)"),
    "B not square": ({"A": A, "B": B[:, :2]}, "B must be layers × d × d, got 2 × 2 × 3"),
    "two matrices": (A, "tensor must have a name where it is 2 × d × d, got 2 × 3 × 3: it may hold two sparse layers"),
    "two by any name": ({"x": A}, "tensor must have a name where it is 2 × d × d, got 2 × 3 × 3: it may hold two"),
    "four axes": (P[None], "tensor must be layers × heads × 2 × d × d, got 1 × 2 × 4 × 4"),
    "a scalar": ({"x": A[0, 0, 0]}, "tensor must be layers × heads × 2 × d × d, got a scalar"),
}  # fmt: skip


@pytest.mark.parametrize("case", list(REFUSED))
def test_what_is_refused(case: str) -> None:
    tensors, message = REFUSED[case]
    with pytest.raises(WeightsError) as refused:
        from_tensors(tensors)
    assert str(refused.value).startswith(message)


def published_prediction(tensor: torch.Tensor, Z: torch.Tensor) -> float:
    """−[Z_L]_{n+1,d+1} with tokens as rows, by the authors' definition: Z ← Z + (Z K Zᵀ) M Z Vᵀ/n."""
    n = Z.shape[0] - 1
    M = torch.diag(torch.tensor([1.0] * n + [0.0], dtype=torch.float64))
    for layer in tensor:
        V, K = (
            torch.block_diag(block, torch.tensor([[x]]))
            for block, x in zip(layer[0], (1.0, 0.0), strict=True)
        )
        Z = Z + (Z @ K.double() @ Z.T) @ M @ (Z @ V.double().T) / n
    return -Z[n, -1].item()


@given(st.data())
def test_the_published_layout_makes_the_same_predictions(data: st.DataObject) -> None:
    """Small integers and n a power of two, so that float64 is exact: equal, with the key-query block transposed."""
    d, n, layers = (
        data.draw(st.integers(1, 2)),
        data.draw(st.sampled_from([1, 2, 4])),
        data.draw(st.integers(1, 2)),
    )
    values = st.integers(-2, 2)

    def draw(*shape: int) -> torch.Tensor:
        count = int(torch.tensor(shape).prod())
        return torch.tensor(
            data.draw(st.lists(values, min_size=count, max_size=count)), dtype=torch.float64
        ).reshape(shape)

    tensor, Z = draw(layers, 1, 2, d, d), draw(n + 1, d + 1)
    Z[n, d] = 0
    weights = from_published(tensor)
    model = LinearTransformer.from_matrices(weights.P, weights.Q)
    assert model(Z.T).item() == published_prediction(tensor, Z)


def test_published_weights_carry_the_metadata_that_they_are_given() -> None:
    assert from_published(PUBLISHED).metadata == {}
    assert from_published(PUBLISHED, {"by": "them"}).metadata == {"by": "them"}


def test_the_transpose_of_the_published_block_matters() -> None:
    tensor = torch.zeros((1, 1, 2, 2, 2), dtype=torch.float64)
    tensor[0, 0, 1, 0, 1] = 1
    assert from_published(tensor).Q[0].tolist() == [[0, 0, 0], [1, 0, 0], [0, 0, 0]]


PUBLISHED_SHAPE = "tensor must be layers × heads × 2 × d × d"
BAD_PUBLISHED: dict[str, tuple[torch.Tensor, str]] = {
    "several heads": (torch.ones((3, 2, 2, 4, 4)), f"{PUBLISHED_SHAPE} with one head, got 2 heads: several heads"),
    "a scalar": (torch.tensor(1.0), f"{PUBLISHED_SHAPE}, got a scalar"),
    "no heads": (torch.ones((3, 2, 4, 4)), f"{PUBLISHED_SHAPE}, got 3 × 2 × 4 × 4"),
    "an axis more": (torch.ones((3, 1, 2, 4, 4, 1)), f"{PUBLISHED_SHAPE}, got 3 × 1 × 2 × 4 × 4 × 1"),
    "three blocks": (torch.ones((3, 1, 3, 4, 4)), f"{PUBLISHED_SHAPE}, got 3 × 1 × 3 × 4 × 4"),
    "one block": (torch.ones((3, 1, 1, 4, 4)), f"{PUBLISHED_SHAPE}, got 3 × 1 × 1 × 4 × 4"),
    "not square": (torch.ones((3, 1, 2, 4, 3)), f"{PUBLISHED_SHAPE}, got 3 × 1 × 2 × 4 × 3"),
    "no layers": (torch.ones((0, 1, 2, 4, 4)), f"{PUBLISHED_SHAPE}, got 0 × 1 × 2 × 4 × 4"),
    "NaN": (torch.full((1, 1, 2, 2, 2), torch.nan), "P must be finite, got nan at [0, 0, 0]"),
    "integers": (
        torch.ones((1, 1, 2, 2, 2), dtype=torch.int64),
        "P must be of dtype float64, float32, bfloat16 or float16, got int64",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", list(BAD_PUBLISHED))
def test_bad_published_tensors(case: str) -> None:
    tensor, message = BAD_PUBLISHED[case]
    with pytest.raises(WeightsError) as caught:
        from_published(tensor)
    assert str(caught.value) == message
