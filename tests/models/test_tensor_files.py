"""Files of tensors: each format is read bit by bit, and what is none is refused in one sentence, never executed."""

from __future__ import annotations

import argparse
import os
import pickle
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import Tensor

from icl_claims.models.tensor_files import content
from icl_claims.models.weights import WeightsError, floats

M = torch.randn((2, 3, 3), generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.mark.parametrize("name", ["w.pt", "w.PTH", "w.ckpt", "w"])
@pytest.mark.parametrize("archive", [True, False])
def test_torch_files(name: str, archive: bool, tmp_path: Path) -> None:
    """In an archive, and as torch saved before."""
    path = tmp_path / name
    torch.save({(0,): [M], "epoch": 3}, path, _use_new_zipfile_serialization=archive)
    found, metadata = content(path)
    assert (list(found), metadata) == ([(0,), "epoch"], {})
    assert torch.equal(found[(0,)][0], M)


@pytest.mark.parametrize("name", ["w.safetensors", "w.SAFETENSORS", "w", "w.bin"])
def test_safetensors_files(name: str, tmp_path: Path) -> None:
    save_file({"b": M, "a": 2 * M}, tmp_path / name, metadata={"origin": "test"})
    found, metadata = content(tmp_path / name)
    assert (list(found), metadata) == (["a", "b"], {"origin": "test"})
    assert torch.equal(found["a"], 2 * M)


@pytest.mark.parametrize("kind", ["float64", "float32", "float16", ">f8", "<f2", "int64", "complex64"])
def test_numpy_files(kind: str, tmp_path: Path) -> None:
    """Whatever the order of bytes, and in Fortran's order of axes too."""
    for order in ("C", "F"):
        array = np.array(M.numpy(), kind, order=order)  # type: ignore[call-overload]
        np.save(tmp_path / "w.npy", array)
        np.savez(tmp_path / "w.npz", x=array, text=np.array("text"), long=np.longdouble(1))
        (tmp_path / "w.npy").replace(tmp_path / "w")
        alone, several = content(tmp_path / "w")[0], content(tmp_path / "w.npz")[0]
        assert list(several) == ["x", "text", "long"]
        assert not any(isinstance(several[name], Tensor) for name in ("text", "long"))
        for found in (alone, several["x"]):
            assert found.tolist() == array.tolist()
            assert found.dtype == torch.from_numpy(array.astype(array.dtype.newbyteorder("="))).dtype


@given(st.lists(st.floats(width=16, allow_nan=False, allow_infinity=False), min_size=1, max_size=5))
def test_half_precision_is_read_exactly(numbers: list[float]) -> None:
    assert floats("x", torch.tensor(numbers, dtype=torch.float16)).tolist() == numbers


@given(
    st.lists(st.integers(0, 2**16 - 1).filter(lambda bits: bits & 0x7F80 != 0x7F80), min_size=1, max_size=5)
)
def test_bfloat16_is_read_exactly(bits: list[int]) -> None:
    """bfloat16 is the upper half of float32: any bits but those of NaN and infinity."""
    numbers = np.array([b << 16 for b in bits], np.uint32).view(np.float32)
    short = torch.tensor([b - 2**16 * (b >= 2**15) for b in bits], dtype=torch.int16).view(torch.bfloat16)
    assert floats("x", short).tolist() == numbers.tolist()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_short_floats_survive_every_format(dtype: torch.dtype, tmp_path: Path) -> None:
    short = M.to(dtype)
    torch.save(short, tmp_path / "w.pt")
    save_file({"x": short}, tmp_path / "w.safetensors")
    for found in (content(tmp_path / "w.pt")[0], content(tmp_path / "w.safetensors")[0]["x"]):
        assert found.dtype == dtype
        assert floats("x", found).tolist() == short.double().tolist()


def refused(path: Path) -> str:
    with warnings.catch_warnings(record=True) as warned, pytest.raises(WeightsError) as caught:
        content(path)
    assert warned == []
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_no_file(tmp_path: Path) -> None:
    assert refused(tmp_path / "none.pt") == "no such file"
    assert refused(tmp_path) == "is a folder, not a file"


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "w.pt").write_bytes(b"x")

    def fail(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", fail)
    assert refused(tmp_path / "w.pt") == "cannot be read: Permission denied"


WRITERS: dict[str, tuple[str, Callable[[Path], Any]]] = {
    "w.pt": ("torch file, as torch.save", lambda path: torch.save({"x": M}, path)),
    "w.pth": (
        "torch file, as torch.save",
        lambda path: torch.save({"x": M}, path, _use_new_zipfile_serialization=False),
    ),
    "w.safetensors": (
        "safetensors file, as safetensors.torch.save_file",
        lambda path: save_file({"x": M}, path),
    ),
    "w.npy": ("NumPy file, as numpy.save", lambda path: np.save(path, M.numpy())),
    "w.npz": ("NumPy file, as numpy.savez", lambda path: np.savez(path, x=M.numpy())),
}


@pytest.mark.parametrize("name", list(WRITERS))
def test_what_is_cut_short_is_refused(name: str, tmp_path: Path) -> None:
    """At a hundred places, the last byte among them."""
    path, (kind, write) = tmp_path / name, WRITERS[name]
    write(path)
    assert content(path)
    whole = path.read_bytes()
    for size in (*range(16, len(whole), max(1, len(whole) // 100)), len(whole) - 1):
        path.write_bytes(whole[:size])
        assert refused(path) == f"must be a {kind} writes it, got one that is cut short or damaged"
    path.write_bytes(b"")
    assert refused(path) == "is empty"


@pytest.mark.parametrize("name", list(WRITERS))
def test_text_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("P = [[1, 0], [0, 1]]", encoding="utf-8")
    begins = "that is cut short or damaged" if name == "w.safetensors" else "that begins otherwise"
    assert refused(tmp_path / name) == f"must be a {WRITERS[name][0]} writes it, got one {begins}"


@pytest.mark.parametrize(
    "start", [b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9", b"PK\x03\x04half a zip"]
)
def test_what_only_begins_as_torch_does_is_refused(start: bytes, tmp_path: Path) -> None:
    (tmp_path / "w.pt").write_bytes(start)
    assert refused(tmp_path / "w.pt").endswith("got one that is cut short or damaged")


class Touch:
    """Unpickled, it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


ADVICE = "which is code and is not loaded: write the tensors alone, by torch.save(model.state_dict(), PATH)"


@pytest.mark.parametrize("archive", [True, False])
def test_no_code_is_unpickled(archive: bool, tmp_path: Path) -> None:
    """A module as a whole, settings beside tensors, and a call: named, and not made."""
    trace = tmp_path / "trace"
    for held, name in (
        (torch.nn.Linear(2, 2), "torch.nn.modules.linear.Linear"),
        ({"x": M, "args": argparse.Namespace(seed=1)}, "argparse.Namespace"),
        (Touch(trace), f"{os.name}.mkdir"),
    ):
        torch.save(held, tmp_path / "w.pt", _use_new_zipfile_serialization=archive)
        assert refused(tmp_path / "w.pt") == f"holds a pickled {name}, {ADVICE}"
    assert not trace.exists()


def test_pickles_that_name_nothing_are_refused_too(tmp_path: Path) -> None:
    torch.save({"x": M}, tmp_path / "w.pt", pickle_protocol=4)
    assert refused(tmp_path / "w.pt") == f"holds pickled objects, {ADVICE}"


def test_a_compiled_module_is_refused(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.trace(torch.nn.Linear(2, 2), torch.ones(1, 2)), str(tmp_path / "w.pt"))
    assert refused(tmp_path / "w.pt") == f"holds a compiled TorchScript module, {ADVICE}"


def test_no_array_of_objects_is_unpickled(tmp_path: Path) -> None:
    """Nor a pickle that goes by the name of an array."""
    trace = tmp_path / "trace"
    objects = np.array([Touch(trace), None])
    np.save(tmp_path / "w.npy", objects, allow_pickle=True)
    np.savez(tmp_path / "w.npz", P=M.numpy(), Q=objects)
    for name in ("w.npy", "w.npz"):
        assert refused(tmp_path / name) == (
            "holds an array of Python objects, which is a pickle and is not loaded: write arrays of floats"
        )
    (tmp_path / "w.npy").write_bytes(pickle.dumps(Touch(trace)))
    assert refused(tmp_path / "w.npy").endswith("got one that begins otherwise")
    assert not trace.exists()


def test_long_headers_of_arrays_are_read(tmp_path: Path) -> None:
    """Version 2 of NumPy's format."""
    with (tmp_path / "w.npy").open("wb") as file:
        np.lib.format.write_array(file, M.numpy(), version=(2, 0))
    assert torch.equal(content(tmp_path / "w.npy")[0], M)


def test_an_array_of_text_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "w.npy", np.array(["P", "Q"]))
    assert refused(tmp_path / "w.npy") == "must hold floating-point numbers, got <U1"
