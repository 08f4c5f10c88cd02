"""The tensors in a file, whatever wrote it: torch, safetensors or NumPy. Nothing in a file is ever executed.

| ending | written by | content |
|---|---|---|
| ``.pt``, ``.pth`` | ``torch.save`` | what was saved: a tensor, or dictionaries and lists of them |
| ``.npy`` | ``numpy.save`` | a tensor |
| ``.npz`` | ``numpy.savez`` | tensors by name |
| ``.safetensors`` | safetensors | tensors by name |
| other | any of these but ``numpy.savez`` | found by the first bytes |

A pickle can run code when it is read. Of torch's files only those parts are read that hold tensors and containers
(``weights_only=True``), of NumPy's none that is pickled.
"""

from __future__ import annotations

import pickle
import pickletools
import re
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import safe_open
from torch import Tensor

from icl_claims.models.weights import WeightsError

_ZIP = b"PK\x03\x04"
_OLD_TORCH = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
"""How torch.save began a file before it wrote archives, and still does on demand."""

_ADVICE = "write the tensors alone, by torch.save(model.state_dict(), PATH)"


def content(path: Path) -> tuple[Any, dict[str, str]]:
    """What a file holds, and its metadata (of a safetensors file; else empty).

    Raises:
        WeightsError: it is no such file, is cut short or damaged, or holds more than tensors; in one sentence.
    """
    if not path.is_file():
        raise WeightsError("is a folder, not a file" if path.is_dir() else "no such file")
    try:
        with path.open("rb") as file:
            start = file.read(len(_OLD_TORCH))
    except OSError as error:
        raise WeightsError(f"cannot be read: {error.strerror}") from None
    if not start:
        raise WeightsError("is empty")
    by_start = next((kind for kind in (_TORCH, _NPY) if start.startswith(kind.starts)), _SAFETENSORS)
    kind = _KINDS.get(path.suffix.lower(), by_start)
    if kind.starts and not start.startswith(kind.starts):
        raise WeightsError(
            f"must be a {kind.name} file, as {kind.writer} writes it, got one that begins otherwise"
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # What matters is said in one sentence.
            return kind.read(path)
    except WeightsError:
        raise
    except Exception as error:
        # No class holds all that is raised on a damaged file: IndexError, struct.error and AssertionError among it.
        raise WeightsError(
            f"must be a {kind.name} file, as {kind.writer} writes it, got one that is cut short or damaged"
        ) from error


def _torch(path: Path) -> tuple[Any, dict[str, str]]:
    try:
        return torch.load(path, map_location="cpu", weights_only=True), {}
    except pickle.UnpicklingError as error:
        _check_end(path)
        found = re.search(r"GLOBAL (\S+)", str(error))
        what = f"a pickled {found[1]}" if found else "pickled objects"
    except RuntimeError as error:
        if "TorchScript" not in str(error):
            raise
        what = "a compiled TorchScript module"
    raise WeightsError(f"holds {what}, which is code and is not loaded: {_ADVICE}")


def _check_end(path: Path) -> None:
    """Refuse an old file that ends within its pickles, where a name in the last one may be cut.

    They are a mark, a version, the machine and the object: parsed here, and not followed.

    Raises:
        ValueError: the file ends before them.
    """
    with path.open("rb") as file:
        if file.read(len(_OLD_TORCH)) == _OLD_TORCH:
            for _ in range(3):
                for _ in pickletools.genops(file):
                    pass


def _safetensors(path: Path) -> tuple[Any, dict[str, str]]:
    with safe_open(path, framework="pt") as file:
        return {name: file.get_tensor(name) for name in sorted(file.keys())}, file.metadata() or {}


def _npy(path: Path) -> tuple[Any, dict[str, str]]:
    import numpy as np

    with path.open("rb") as file:
        _check_header(file)
    # Mapped, so that no file makes this allocate what its header claims.
    array = np.load(path, mmap_mode="r", allow_pickle=False)
    found = _tensor(array)
    if not isinstance(found, Tensor):
        raise WeightsError(f"must hold floating-point numbers, got {array.dtype}")
    return found, {}


def _npz(path: Path) -> tuple[Any, dict[str, str]]:
    import numpy as np

    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            with archive.open(name) as member:
                _check_header(member)
    with np.load(path, allow_pickle=False) as arrays:
        return {name: _tensor(array) for name, array in arrays.items()}, {}


def _check_header(file: Any) -> None:
    """Refuse an array of objects by what it is: NumPy's own message says how to execute it."""
    from numpy.lib import format as npy

    version = npy.read_magic(file)
    _, _, dtype = npy.read_array_header_1_0(file) if version == (1, 0) else npy.read_array_header_2_0(file)
    if dtype.hasobject:
        raise WeightsError(
            "holds an array of Python objects, which is a pickle and is not loaded: write arrays of floats"
        )


def _tensor(array: Any) -> Any:
    """As a tensor, every number kept; an array of what torch has no type for (text, long double) is left as it is."""
    try:
        return torch.from_numpy(array.astype(array.dtype.newbyteorder("=")))
    except TypeError:
        return array


class _Kind(NamedTuple):
    name: str
    writer: str
    starts: tuple[bytes, ...]
    read: Callable[[Path], tuple[Any, dict[str, str]]]


_TORCH = _Kind("torch", "torch.save", (_ZIP, _OLD_TORCH), _torch)
_NPY = _Kind("NumPy", "numpy.save", (b"\x93NUMPY",), _npy)
_SAFETENSORS = _Kind("safetensors", "safetensors.torch.save_file", (), _safetensors)
_KINDS = {
    ".pt": _TORCH,
    ".pth": _TORCH,
    ".npy": _NPY,
    ".npz": _Kind("NumPy", "numpy.savez", (_ZIP,), _npz),
    ".safetensors": _SAFETENSORS,
}
