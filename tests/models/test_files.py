"""Files of weights: every bit is kept, and what is no such file is refused in one line."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from icl_claims.models import files
from icl_claims.models.files import load, save
from icl_claims.models.weights import Weights, WeightsError


def test_a_file_keeps_every_bit(tmp_path: Path) -> None:
    P, Q = torch.randn(2, 3, 4, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    save(tmp_path / "new" / "w.safetensors", Weights(P.mT, Q, {"origin": "test"}))
    back = load(tmp_path / "new" / "w.safetensors")
    assert torch.equal(back.P, P.mT)
    assert torch.equal(back.Q, Q)
    assert dict(back.metadata) == {"origin": "test"}
    assert (back.depth, back.dim) == (3, 3)
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["w.safetensors"]


def test_a_published_tensor_keeps_its_metadata(tmp_path: Path) -> None:
    save_file({"any": torch.ones(1, 1, 2, 2, 2)}, tmp_path / "w.safetensors", metadata={"origin": "test"})
    assert dict(load(tmp_path / "w.safetensors").metadata) == {"origin": "test"}


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
    "none": ({}, "tensors must include P and Q, got none: P and Q missing"),
    "a published P": ({"P": torch.ones(1, 1, 2, 2, 2)}, "tensors must include P and Q, got P: Q missing"),
    "a published Q": ({"Q": torch.ones(1, 1, 2, 2, 2)}, "tensors must include P and Q, got Q: P missing"),
    "two published": ({"A": torch.ones(1, 1, 2, 2, 2), "B": good}, "tensors must include P and Q, got A, B: P and Q"),
    "neither": ({"A": good}, "tensors must include P and Q, got A: P and Q missing"),
    "integers": ({"P": good, "Q": good.to(torch.int64)}, "Q must be of dtype float64 or float32, got int64"),
    "half": ({"P": good.half(), "Q": good}, "P must be of dtype float64 or float32, got float16"),
    "NaN": ({"P": good, "Q": spoiled[math.nan]}, "Q must be finite, got nan at [0, 1, 2]"),
    "infinity": ({"P": spoiled[math.inf], "Q": good}, "P must be finite, got inf at [0, 1, 2]"),
    "heads": ({"P": good.repeat(1, 2, 1, 1), "Q": good}, "P must have one head, layers × (d+1) × (d+1)"),
    "one axis": ({"P": good[0, 0], "Q": good}, SHAPE + "3"),
    "five axes": ({"P": good[None, None], "Q": good}, SHAPE + "1 × 1 × 1 × 3 × 3"),
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


def test_a_failure_while_writing_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, weights = tmp_path / "w.safetensors", Weights(good, good)

    def fail(tensors: object, file: Path, **_: object) -> None:
        Path(file).write_bytes(b"half")
        raise KeyboardInterrupt

    save(path, weights)
    before = path.read_bytes()
    monkeypatch.setattr(files, "save_file", fail)
    with pytest.raises(KeyboardInterrupt):
        save(path, weights)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_reason_of_several_lines_is_cut(tmp_path: Path) -> None:
    """What torch says of a pickled module tells, over many lines, how to execute it."""
    torch.save(torch.nn.Linear(2, 2), tmp_path / "w.pt")
    with pytest.raises(WeightsError, match="does not parse: Weights only load failed") as refused:
        load(tmp_path / "w.pt")
    assert "\n" not in str(refused.value)


def test_no_file(tmp_path: Path) -> None:
    for path, reason in ((tmp_path / "none", "no such file"), (tmp_path, "is a folder, not a file")):
        with pytest.raises(WeightsError, match=re.escape(f"{path}: {reason}")):
            load(path)
