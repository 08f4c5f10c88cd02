"""Files of weights: every bit is kept, and what holds none is refused in one line that begins with the path."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy
import pytest
import torch
from safetensors.torch import save_file

from icl_claims.models import files
from icl_claims.models.files import Found, load, read, save
from icl_claims.models.weights import Weights, WeightsError
from icl_claims.theory.algebra import exact, validation


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
DTYPES = "must be of dtype float64, float32, bfloat16 or float16, got "
BAD: dict[str, tuple[dict[str, torch.Tensor], str]] = {
    "no Q": ({"P": good}, "tensors must be P and Q, or W_V, W_K and W_Q, or A, or A and B, or allparam, got P"),
    "integers": ({"P": good, "Q": good.to(torch.int64)}, f"Q {DTYPES}int64"),
    "NaN": ({"P": good, "Q": spoiled[math.nan]}, "Q must be finite, got nan at [0, 1, 2]"),
    "infinity": ({"P": spoiled[math.inf], "Q": good}, "P must be finite, got inf at [0, 1, 2]"),
    "heads": ({"P": good.repeat(1, 2, 1, 1), "Q": good}, "P must have one head, layers × (d+1) × (d+1)"),
    "one axis": ({"P": good[0, 0], "Q": good}, SHAPE + "3"),
    "five axes": ({"P": good[None, None], "Q": good}, SHAPE + "1 × 1 × 1 × 3 × 3"),
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
    for reader in (load, read):
        with pytest.raises(WeightsError, match=re.escape(f"{path}: {message}")):
            reader(path)


@pytest.mark.parametrize("name", ["w.safetensors", "w.pt", "w.npz"])
def test_the_formats_agree(name: str, tmp_path: Path) -> None:
    """In each the same tensors give the same weights, Σ and notes."""
    P, Q = torch.randn(2, 2, 3, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    tensors = {"P": P, "Q": Q, "U": torch.eye(2), "D": 2 * torch.eye(2), "mask": torch.ones(3)}
    path = tmp_path / name
    if name == "w.npz":
        numpy.savez(path, **{key: tensor.numpy() for key, tensor in tensors.items()})
    else:
        torch.save(tensors, path) if name == "w.pt" else save_file(tensors, path)
    found = read(path)
    assert found.weights.exact() == Weights(P, Q).exact()
    assert found.covariance == exact.identity(2) * 4
    assert found.notes == ("Not read: mask.",)


def test_a_run_of_a_history_is_read(tmp_path: Path) -> None:
    path, tensor = tmp_path / "w.pth", torch.ones(1, 1, 2, 2, 2)
    torch.save({"hist_dict": {(0,): [tensor], (3,): [2 * tensor, 3 * tensor]}}, path)
    assert torch.equal(load_of(read(path, "3", 0)), 2 * tensor[0, :, 1])
    assert read(path, "3").notes == (
        "Of the runs by seed (0, 3), number 3 was read.",
        "Of the 2 entries of the history, number 1, the last, was read.",
    )
    with pytest.raises(
        WeightsError, match=re.escape(f"{path}: seed must be one of 0, 3, got none: choose one")
    ):
        load(path)


def load_of(found: Found) -> torch.Tensor:
    """The block of Q of published weights."""
    assert isinstance(found.weights, Weights)
    return found.weights.Q[:, :-1, :-1]


def test_products_are_no_tensors(tmp_path: Path) -> None:
    """0.1² is no float64 number."""
    path = tmp_path / "w.pt"
    torch.save({"P": good, "W_K": 0.1 * good, "W_Q": 0.1 * good}, path)
    (_, Q), *_ = read(path).weights.exact().layers
    assert exact.identity(3) * validation.rational("x", 0.1) ** 2 == Q
    with pytest.raises(WeightsError, match=re.escape(f"{path}: must hold P and Q themselves to be tensors")):
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


def test_no_file(tmp_path: Path) -> None:
    for path, reason in ((tmp_path / "none", "no such file"), (tmp_path, "is a folder, not a file")):
        with pytest.raises(WeightsError, match=re.escape(f"{path}: {reason}")):
            load(path)
