"""Files of training: the run, the entry and the state dict that are meant, and Σ as the authors' files have it."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
import torch
from flint import fmpq_mat
from hypothesis import given
from hypothesis import strategies as st

from icl_claims.models.histories import chosen
from icl_claims.models.weights import WeightsError
from icl_claims.theory.algebra import exact, validation

ONE, TWO, THREE = (torch.full((1, 1, 2, 2, 2), float(k)) for k in (1, 2, 3))
STATE = {"layers.0.P": torch.eye(3)}


@pytest.mark.parametrize(
    "content",
    [
        ONE,
        [TWO, ONE],
        {"hist": [TWO, ONE]},
        {"hist_list": [TWO, ONE]},
        {"hist": [], "hist_list": [ONE]},
        {"hist_dict": {(0,): [TWO, ONE]}},
        {"hist_dict": {7: [ONE]}},
        {"hist": [TWO, {"model": ONE}]},
        {"hist": [], "model": ONE},
        {"hist": TWO, "state_dict": ONE},
    ],
)
def test_the_last_entry_counts(content: Any) -> None:
    assert chosen(content).tensors is ONE


@pytest.mark.parametrize(
    "name", ["state_dict", "model_state_dict", "model", "params", "weights", "net", "network"]
)
def test_a_state_dict_is_found_in_a_checkpoint(name: str) -> None:
    """Beside what is none, and deeper too; but a dictionary of weights is taken itself."""
    for content in (
        {"epoch": 3, "loss": ONE, "optimizer": {"P": ONE}, name: STATE},
        {name: {"model": STATE}},
        {"hist": [{name: STATE}]},
    ):
        assert chosen(content).tensors is STATE
    itself = {"P": ONE, name: STATE}
    assert chosen(itself).tensors is itself


def test_the_deepest_state_dict() -> None:
    content: Any = STATE
    for _ in range(4):
        content = {"model": content}
    assert chosen(content).tensors is STATE
    endless: dict[str, Any] = {}
    endless["model"] = endless
    with pytest.raises(WeightsError, match="content must be a tensor or hold tensors by name"):
        chosen(endless)


RUNS = {"hist_dict": {(0,): [ONE], (1,): [ONE, TWO, THREE], (1, 20): [TWO]}}


def test_a_run_and_an_entry_are_chosen() -> None:
    assert chosen(RUNS, seed="0").tensors is ONE
    assert chosen(RUNS, seed="1,20").tensors is TWO
    assert [chosen(RUNS, "1", k).tensors for k in range(3)] == [ONE, TWO, THREE]
    assert chosen([ONE, TWO], snapshot=0).tensors is ONE


def test_the_choice_is_noted() -> None:
    runs = "Of the runs by seed (0, 1, 1,20), number 1 was read."
    assert chosen(RUNS, "1").notes == (runs, "Of the 3 entries of the history, number 2, the last, was read.")
    assert chosen(RUNS, "1", 1).notes == (runs, "Of the 3 entries of the history, number 1 was read.")
    assert chosen(STATE).notes == ()


NO_MODEL = "content must be a tensor or hold tensors by name, or such as hist or hist_dict, got "


@pytest.mark.parametrize(
    ("content", "seed", "snapshot", "message"),
    [
        (RUNS, None, None, "seed must be one of 0, 1, 1,20, got none: choose one by --seed"),
        (RUNS, "2", None, "seed must be one of 0, 1, 1,20, got 2"),
        ({"hist_dict": {}}, None, None, "seed must be one of none, got none: choose one by --seed"),
        ({"hist": [ONE]}, "0", None, "seed must be left out where a file holds no hist_dict of runs, got 0"),
        (ONE, "0", None, "seed must be left out where a file holds no hist_dict of runs, got 0"),
        (RUNS, "1", 3, "snapshot must be from 0 to 2, got 3"),
        (RUNS, "1", -1, "snapshot must be from 0 to 2, got -1"),
        (STATE, None, 0, "snapshot must be left out where a file holds no history, got 0"),
        (ONE, None, 0, "snapshot must be left out where a file holds no history, got 0"),
        ([1.0], None, None, f"{NO_MODEL}float"),
        ([], None, None, f"{NO_MODEL}list"),
        ("text", None, None, f"{NO_MODEL}str"),
    ],
)  # fmt: skip
def test_what_cannot_be_chosen(content: Any, seed: str | None, snapshot: int | None, message: str) -> None:
    with pytest.raises(WeightsError) as refused:
        chosen(content, seed, snapshot)
    assert str(refused.value) == message


short = st.floats(-4, 4, width=32)


@given(st.data(), st.integers(1, 3))
def test_the_covariance_is_the_exact_product(data: st.DataObject, d: int) -> None:
    """U D² Uᵀ of float32 entries, U orthogonal or not: symmetric, without rounding."""
    U = [[data.draw(short) for _ in range(d)] for _ in range(d)]
    D = [data.draw(short) for _ in range(d)]
    tensors = torch.tensor(U), torch.diag(torch.tensor(D))
    wanted = validation.matrix("U", U) * exact.diagonal([Fraction(x) ** 2 for x in D])
    wanted *= validation.matrix("U", U).transpose()
    by_seed = {"hist_dict": {(0,): [ONE]}, "U_dict": {(0,): tensors[0]}, "D_dict": {(0,): tensors[1]}}
    for content in (
        by_seed,
        {"hist": [ONE], "U": tensors[0], "D": tensors[1]},
        {"P": ONE, "U": tensors[0], "D": tensors[1]},
    ):
        assert chosen(content).covariance == wanted


def test_the_covariance_is_that_of_the_seed() -> None:
    eye = torch.eye(2)
    runs = {(k,): [ONE] for k in range(3)}
    content = {
        "hist_dict": runs,
        "U_dict": {(0,): eye, (1,): eye},
        "D_dict": {(k,): (k + 1) * eye for k in range(3)},
    }
    assert chosen(content, "1").covariance == exact.identity(2) * 4
    assert chosen(content, "2").covariance is None
    assert chosen({"hist_dict": {0: [ONE]}, "U_dict": eye, "D_dict": eye}).covariance is None


def test_both_factors_are_needed_and_neither_is_a_weight() -> None:
    eye = torch.eye(2)
    for content in (
        {"hist": [ONE], "U": eye},
        {"hist": [ONE], "D": eye},
        {"hist": [ONE], "U": eye, "D": 1.0},
        [ONE],
    ):
        assert chosen(content).covariance is None
    assert chosen({"P": ONE, "U": eye, "D": eye}).tensors == {"P": ONE}


@pytest.mark.parametrize(
    ("U", "D", "message"),
    [
        (torch.eye(2), torch.ones(2), "U and D must both be d × d, got 2 × 2 and 2"),
        (torch.eye(2), torch.eye(3), "U and D must both be d × d, got 2 × 2 and 3 × 3"),
        (torch.ones(2, 3), torch.ones(2, 3), "U and D must both be d × d, got 2 × 3 and 2 × 3"),
        (torch.ones(0, 0), torch.ones(0, 0), "U and D must both be d × d, got 0 × 0 and 0 × 0"),
        (torch.ones(2), torch.ones(2), "U and D must both be d × d, got 2 and 2"),
        (torch.eye(2).long(), torch.eye(2), "U must be of dtype float64, float32, bfloat16 or float16, got int64"),
        (torch.eye(2), torch.eye(2) / 0, "D must be finite, got "),
    ],
)  # fmt: skip
def test_factors_of_other_shapes(U: torch.Tensor, D: torch.Tensor, message: str) -> None:
    with pytest.raises(WeightsError) as refused:
        chosen({"hist": [ONE], "U": U, "D": D})
    assert str(refused.value).startswith(message)


def test_a_factor_that_is_not_diagonal_counts_as_it_is() -> None:
    """x = U D g has the covariance U D Dᵀ Uᵀ."""
    content = {"hist": [ONE], "U": torch.eye(2), "D": torch.tensor([[1.0, 1.0], [0.0, 1.0]])}
    assert chosen(content).covariance == fmpq_mat([[2, 1], [1, 1]])
