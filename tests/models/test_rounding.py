"""The bound on the rounding errors of a prediction: it holds, it is needed in each of its parts, and not far above."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from flint import fmpq, fmpq_mat
from hypothesis import given, settings
from hypothesis import strategies as st

from icl_claims.models.attention import LinearTransformer
from icl_claims.models.prompts import to_tensor
from icl_claims.models.rounding import Computed, prediction, rational_layers
from icl_claims.models.weights import Weights
from icl_claims.theory.algebra import validation
from tests.shared.forward import states

UNIT = fmpq(1, 2**53)
floats = st.floats(-4, 4).map(lambda x: fmpq(*x.as_integer_ratio()))
rationals = st.builds(fmpq, st.integers(-(10**20), 10**20), st.integers(10**19, 10**20))


def matrices(entries: st.SearchStrategy[fmpq], rows: int, columns: int) -> st.SearchStrategy[fmpq_mat]:
    return st.lists(entries, min_size=rows * columns, max_size=rows * columns).map(
        lambda x: fmpq_mat(rows, columns, x)
    )


def computed(layers: list[tuple[fmpq_mat, fmpq_mat]], prompt: fmpq_mat, masked: bool) -> fmpq:
    """By the model, in float64."""
    P, Q = (torch.stack([to_tensor(pair[i]) for pair in layers]) for i in range(2))
    model = LinearTransformer.from_matrices(P, Q, mask=masked)
    return validation.rational("prediction", model(to_tensor(prompt)).item())


@settings(max_examples=40)
@given(st.data(), st.booleans(), st.booleans())
def test_the_computed_prediction_is_within_the_radius(
    data: st.DataObject, rounded: bool, masked: bool
) -> None:
    """Of the exact one, which is the literal formula; for entries down to the least float64 numbers."""
    d, n, depth = (data.draw(st.integers(1, most)) for most in (2, 4, 3))
    entries = rationals if rounded else floats
    square = matrices(entries, d + 1, d + 1)
    layers = data.draw(st.lists(st.tuples(square, square), min_size=depth, max_size=depth))
    prompt = data.draw(matrices(entries, d + 1, n + 1))
    found = prediction(layers, prompt, rounded=rounded, masked=masked)
    assert found.exact == -states(prompt, layers, masked)[-1][d, n]
    assert abs(computed(layers, prompt, masked) - found.exact) <= found.radius


def scalar(x: fmpq | int, radius: fmpq | int = 0) -> Computed:
    return Computed(fmpq_mat([[x]]), fmpq_mat([[radius]]))


def error(exact: fmpq, value: float) -> fmpq:
    return abs(validation.rational("value", value) - exact)


HALF = 1 + UNIT  # Halfway between 1 and the next float64 number.
ODD = 2**27 + 1

ONE_OPERATION: list[tuple[Computed, fmpq, float, fmpq]] = [
    (scalar(1) + scalar(UNIT), HALF, 1.0 + 2.0**-53, fmpq(2)),
    (scalar(ODD) @ scalar(ODD), fmpq(ODD) ** 2, float(ODD) * ODD, fmpq(3)),
    (scalar(1) / 3, fmpq(1, 3), 1 / 3, fmpq(8)),
    (Computed.stored(fmpq_mat([[HALF]]), rounded=True), HALF, 1.0, fmpq(2)),
]
"""One operation, its exact and its computed result, and how many times the error the bound is at most."""


@pytest.mark.parametrize(("bound", "exact", "value", "factor"), ONE_OPERATION)
def test_one_operation_has_an_error_that_needs_its_bound(
    bound: Computed, exact: fmpq, value: float, factor: fmpq
) -> None:
    assert bound.exact[0, 0] == exact
    assert 0 < error(exact, value) <= bound.radius[0, 0] <= factor * error(exact, value)


OFF = fmpq(1, 1024)

ERRORS_BROUGHT: list[tuple[Callable[[Computed], Computed], fmpq]] = [
    (lambda x: x + scalar(1), fmpq(4) + OFF),
    (lambda x: scalar(1) + x, fmpq(4) + OFF),
    (lambda x: x @ scalar(-2), -2 * (3 + OFF)),
    (lambda x: scalar(-2) @ x, -2 * (3 + OFF)),
    (lambda x: x @ x, (3 + OFF) ** 2),
    (lambda x: x / 4, (3 + OFF) / 4),
    (lambda x: x.transpose(), 3 + OFF),
    (lambda x: x.columns(1), 3 + OFF),
]
"""An operation on 3 with an error of up to 1/1024, and its exact result where the error is all of that."""


@pytest.mark.parametrize(("operation", "result"), ERRORS_BROUGHT)
def test_errors_of_arguments_are_carried_on(operation: Callable[[Computed], Computed], result: fmpq) -> None:
    """Not by less than the largest possible error, nor by more than a few units of rounding above it."""
    found = operation(scalar(3, OFF))
    largest = abs(result - found.exact[0, 0])
    assert largest <= found.radius[0, 0] <= largest + 64 * UNIT


def test_a_product_counts_the_terms_of_its_sums() -> None:
    """1 + u + u + …, from the left, stays 1: the error of n such terms is beyond that of one rounding."""
    n = 100
    row, ones = fmpq_mat([[1] + [UNIT] * n]), fmpq_mat([[1]] * (n + 1))
    bound = Computed.stored(row) @ Computed.stored(ones)
    value = 1.0
    for _ in range(n):
        value += 2.0**-53
    assert 2 * UNIT < error(bound.exact[0, 0], value) <= bound.radius[0, 0] <= (n + 2) * UNIT


def test_products_that_underflow_are_within_the_radius() -> None:
    tiny = fmpq(1, 2**600)
    bound = scalar(tiny) @ scalar(tiny)
    assert 2.0**-600 * 2.0**-600 == 0.0
    assert bound.radius[0, 0] >= bound.exact[0, 0]


def test_single_precision_is_outside_the_radius() -> None:
    one, third = fmpq_mat([[1, 0], [0, 1]]), fmpq_mat([[fmpq(1, 3), 1], [1, 0]])
    found = prediction([(one, one)], third, rounded=True)
    single = LinearTransformer.from_matrices(*[to_tensor(one)[None].float()] * 2)(to_tensor(third).float())
    assert error(found.exact, single.item()) > 1000 * found.radius


def test_stored_weights_are_read_exactly() -> None:
    P = torch.tensor([[[0.1, 0.2], [0.3, 0.4]]], dtype=torch.float64)
    ((p, q),) = rational_layers(Weights(P, 2 * P))
    assert p[0, 0] == fmpq(*(0.1).as_integer_ratio())
    assert q == 2 * p
    assert torch.equal(to_tensor(p), P[0])
