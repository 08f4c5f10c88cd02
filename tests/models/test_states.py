"""Kept states: any change of a bit, name, type, shape or order is another digest, and files keep every bit."""

from __future__ import annotations

import math
import struct
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from icl_claims.models import states
from icl_claims.models.states import chain, digest, identical


def state(step: int = 3) -> dict[str, Tensor]:
    return {
        "step": torch.tensor(step),
        "P": torch.tensor([[0.0, 1.5], [-2.0, math.nan]], dtype=torch.float64),
        "none": torch.zeros((0, 2), dtype=torch.float64),
    }


def with_bits(tensor: Tensor, place: int, bits: int) -> Tensor:
    """A copy in which these bits of an entry are flipped."""
    changed = tensor.clone()
    changed.view(torch.int64).view(-1)[place] ^= bits
    return changed


OTHERS: dict[str, dict[str, Tensor]] = {
    "step": state(4),
    "zero of the other sign": {**state(), "P": with_bits(state()["P"], 0, -(2**63))},
    "another NaN": {**state(), "P": with_bits(state()["P"], 3, 1)},
    "last bit": {**state(), "P": with_bits(state()["P"], 1, 1)},
    "another name": {("R" if name == "P" else name): x for name, x in state().items()},
    "names exchanged": {**state(), "P": state()["none"], "none": state()["P"]},
    "one more": {**state(), "Q": state()["P"]},
    "one less": {name: x for name, x in state().items() if name != "none"},
    "another type": {**state(), "step": torch.tensor(3, dtype=torch.int32)},
    "the same bytes as integers": {**state(), "P": state()["P"].view(torch.int64)},
    "the same bytes in another shape": {**state(), "P": state()["P"].reshape(4)},
    "another empty shape": {**state(), "none": torch.zeros((0, 3), dtype=torch.float64)},
    "transposed": {**state(), "P": state()["P"].mT},
}


@pytest.mark.parametrize("other", list(OTHERS))
def test_what_differs_is_told_apart(other: str) -> None:
    assert not identical(state(), OTHERS[other])
    assert not identical(OTHERS[other], state())
    assert digest(state()) != digest(OTHERS[other])
    assert chain([state(), state()])[1] != chain([OTHERS[other], state()])[1]


def test_what_is_the_same_is_the_same() -> None:
    """A copy, another order of names, another layout in memory; NaNs of the same bits are the same."""
    copy = {name: x.clone() for name, x in reversed(state().items())}
    turned = {**copy, "P": copy["P"].mT.contiguous().mT}
    for other in (copy, turned):
        assert identical(state(), other)
        assert digest(state()) == digest(other)


@given(st.integers(0, 3), st.integers(0, 63))
def test_any_bit_counts(place: int, bit: int) -> None:
    changed = {
        **state(),
        "P": with_bits(state()["P"], place, struct.unpack("<q", struct.pack("<Q", 1 << bit))[0]),
    }
    assert not identical(state(), changed)
    assert digest(state()) != digest(changed)


def test_the_chain_covers_what_was_before() -> None:
    one, two, three = state(1), state(2), state(3)
    links = chain([one, two, three])
    assert [step for step, _ in links] == [1, 2, 3]
    assert links[0][1] == digest(one)
    assert links[2][1] == digest(three, digest(two, digest(one)))
    assert (
        len({link[1] for link in [*links, *chain([two, three]), *chain([one, three]), *chain([two, one])]})
        == 7
    )
    assert chain([]) == []


@pytest.mark.parametrize("count", [0, 1, 12])
def test_files_keep_every_bit_and_the_order(tmp_path: Path, count: int) -> None:
    kept = [{**state(k), "P": state()["P"] * k} for k in range(count)]
    losses = torch.tensor([0.5, -0.0, math.inf], dtype=torch.float64)
    states.save(tmp_path / "new" / "s.safetensors", kept, losses, {"run": "text"})
    back, loss, metadata = states.load(tmp_path / "new" / "s.safetensors")
    assert len(back) == count
    assert all(map(identical, kept, back))
    assert identical({"": loss}, {"": losses})
    assert dict(metadata) == {"run": "text"}
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["s.safetensors"]


def test_no_metadata(tmp_path: Path) -> None:
    states.save(tmp_path / "s", [state()], torch.zeros(1), {})
    assert dict(states.load(tmp_path / "s")[2]) == {}


def test_a_failure_while_writing_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(tensors: object, file: Path, **_: Any) -> None:
        file.write_bytes(b"half")
        raise KeyboardInterrupt

    path = tmp_path / "s.safetensors"
    states.save(path, [state()], torch.zeros(1), {})
    before = path.read_bytes()
    monkeypatch.setattr(states, "save_file", fail)
    with pytest.raises(KeyboardInterrupt):
        states.save(path, [state(4)], torch.zeros(1), {})
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
