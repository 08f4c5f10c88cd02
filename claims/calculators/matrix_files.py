"""Covariances in files, every number read exactly.

| ending | content | a number is |
|---|---|---|
| ``.npy`` | a d × d array of floats or integers, as ``numpy.save`` writes it | the dyadic rational that it is |
| ``.csv`` | a row of numbers on each line, separated by commas; ``#`` begins a comment | the decimal or fraction |
| other | JSON: a list of rows, or the log of a training run with the matrix under ``task`` | the decimal or fraction |
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from flint import fmpq, fmpq_mat

from icl_claims.claims.calculators.parameters import number, shortened
from icl_claims.theory.algebra import validation
from icl_claims.theory.algebra.semidefinite import SemidefiniteMatrix

LARGEST_DIM = 200
"""The largest matrix read from a file: a second or two with the proof that it is positive semidefinite."""

_NEARLY = fmpq(1, 10**10)
"""An asymmetry below this share of the entry is called rounding; such a matrix is refused all the same."""


def read(path: Path, key: str, dim: int) -> SemidefiniteMatrix:
    """The symmetric positive semidefinite matrix in a file.

    Args:
        path: of the file; its ending says how it is read.
        key: what a log calls the matrix: ``covariance`` or ``task_covariance``.
        dim: d, its rows and columns, at most :data:`LARGEST_DIM`.

    Raises:
        ValueError: the file does not parse, the matrix is of another shape, not symmetric or not positive
            semidefinite, or a number is not finite; the message begins with the path.
        OSError: the file cannot be read.
    """
    try:
        rows = _READERS.get(path.suffix.lower(), _json_rows)(path, key, dim)
        return _semidefinite(_matrix(rows, dim))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: {_sentence(error)}") from None


def _npy_rows(path: Path, key: str, dim: int) -> list[list[fmpq]]:
    import numpy as np

    try:
        # Mapped, so that no file makes this allocate what its header claims.
        array: Any = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise ValueError(f"must be an array as numpy.save writes it, got {_sentence(error)}") from None
    if not isinstance(array, np.ndarray) or array.ndim != 2:
        shape = getattr(array, "shape", "several arrays")
        raise ValueError(f"must be an array of two axes, got {shape}")
    if array.dtype.kind not in "iuf" or array.dtype.itemsize > 8:
        raise ValueError(f"must hold integers or floats of at most 64 bits, got {array.dtype}")
    _check_shape(array.shape[0], [array.shape[1]], dim)
    return [[validation.rational("entry", x) for x in row] for row in array.tolist()]


def _csv_rows(path: Path, key: str, dim: int) -> list[list[fmpq]]:
    lines = (line.partition("#")[0].strip() for line in path.read_text(encoding="utf-8-sig").splitlines())
    return [[number(cell) for cell in line.split(",")] for line in lines if line]


def _json_rows(path: Path, key: str, dim: int) -> list[list[fmpq]]:
    wanted = f"must be JSON, rows of numbers or a log with them under task, {key}"
    try:
        text = path.read_text(encoding="utf-8")
        content = json.loads(text, parse_float=str, parse_int=str, parse_constant=str)
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{wanted}; got {_sentence(error)}") from None
    if isinstance(content, dict):
        task = content.get("task")
        content = task.get(key) if isinstance(task, dict) else None
    if not isinstance(content, list) or not all(isinstance(row, list) for row in content):
        raise ValueError(f"{wanted}; got neither")
    return [[_json_number(x) for x in row] for row in content]


def _json_number(value: Any) -> fmpq:
    if not isinstance(value, str):
        raise ValueError(f"must hold numbers, got {shortened(json.dumps(value))}")
    return number(value)


_READERS = {".npy": _npy_rows, ".csv": _csv_rows}


def _matrix(rows: list[list[fmpq]], dim: int) -> fmpq_mat:
    _check_shape(len(rows), sorted({len(row) for row in rows}), dim)
    return fmpq_mat(rows)


def _check_shape(rows: int, lengths: list[int], dim: int) -> None:
    if rows != dim or lengths != [dim]:
        columns = " or ".join(map(str, lengths)) or "0"
        raise ValueError(f"must be {dim} × {dim}, as --dim says, got {rows} × {columns}")


def _semidefinite(m: fmpq_mat) -> SemidefiniteMatrix:
    for i in range(m.nrows()):
        for j in range(i):
            if m[i, j] != m[j, i]:
                difference = abs(m[i, j] - m[j, i])
                close = difference <= _NEARLY * max(abs(m[i, j]), abs(m[j, i]))
                hint = ", which looks like rounding: store (M + Mᵀ)/2" if close else ""
                raise ValueError(
                    f"must be symmetric, got entries [{i}][{j}] and [{j}][{i}] that differ{hint}"
                )
    try:
        return SemidefiniteMatrix.of("matrix", m)
    except ValueError:
        raise ValueError("must be positive semidefinite, got a matrix with a negative eigenvalue") from None


def _sentence(error: BaseException) -> str:
    """The first line of a message, without its full stop."""
    return (str(error) or type(error).__name__).partition("\n")[0].rstrip(".")
