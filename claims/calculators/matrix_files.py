"""Covariances in files, every number read exactly.

| ending | content | a number is |
|---|---|---|
| ``.npy`` | a d × d array of floats or integers, as ``numpy.save`` writes it | the dyadic rational that it is |
| ``.csv`` | a row of numbers on each line, separated by commas; ``#`` begins a comment | the decimal or fraction |
| other | JSON: a list of rows, or the log of a training run with the matrix under ``task`` | the decimal or fraction |

**Rounding.** A matrix that is symmetric, but for the rounding of the floating-point arithmetic that made it, is taken
as (M + Mᵀ)/2, exactly. How much that may be: let M = fl(fl(Q D) Qᵀ) with any Q and a diagonal D ⪰ 0, as
``Q @ D @ Q.T`` makes it. An entry is a sum of d products of three numbers, and each of the products meets at most
d + 1 roundings: one for Q_ik D_k, one for (·) Q_jk, d − 1 for the sum. With u the unit roundoff, m = (d+1)u and
γ = m/(1 − m), where nothing underflows,

    |M_ij − (QDQᵀ)_ij| ≤ γ Σ_k |Q_ik| D_k |Q_jk| ≤ γ √(Σ_k Q_ik² D_k · Σ_k Q_jk² D_k) ≤ γ max_k (QDQᵀ)_kk

by Cauchy and Schwarz, and (1 − γ)(QDQᵀ)_kk ≤ M_kk. So |M_ij − M_ji| ≤ 2γ/(1 − γ) max_k M_kk = 2m/(1 − 2m) max_k M_kk,
which is at most 4 d u max |M_kl| for 2 ≤ d ≤ 200 and u ≤ 2⁻¹¹: (d+1)/(2d) ≤ 3/4 ≤ 1 − 2m. That is what is accepted,
with u = 2⁻⁵³, and 2⁻²⁴ or 2⁻¹¹ for an array of float32 or float16.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from flint import fmpq, fmpq_mat

from icl_claims.claims.calculators.parameters import number, shortened
from icl_claims.numerics.decimals import decimal
from icl_claims.theory.algebra import validation
from icl_claims.theory.algebra.algebraic import number as exact_number
from icl_claims.theory.algebra.semidefinite import SemidefiniteMatrix

LARGEST_DIM = 200
"""The largest matrix read from a file: a second or two with the proof that it is positive semidefinite."""

_NEARLY = fmpq(1, 10**10)
"""An asymmetry below this share of the entry is called rounding; such a matrix is refused all the same."""

_ROUNDOFF = fmpq(1, 2**53)
"""u of float64."""


class _Rows(NamedTuple):
    """The entries of a matrix, and the unit roundoff of the arithmetic that may have made them."""

    rows: list[list[fmpq]]
    roundoff: fmpq = _ROUNDOFF


class Read(NamedTuple):
    """A covariance, and a sentence on how it differs from what the file holds; None where it does not."""

    covariance: SemidefiniteMatrix
    note: str | None = None


def read(path: Path, key: str, dim: int) -> Read:
    """The symmetric positive semidefinite matrix in a file.

    Args:
        path: of the file; its ending says how it is read.
        key: what a log calls the matrix: ``covariance`` or ``task_covariance``.
        dim: d, its rows and columns, at most :data:`LARGEST_DIM`.

    Raises:
        ValueError: the file does not parse, the matrix is of another shape, not symmetric up to rounding or not
            positive semidefinite, or a number is not finite; the message begins with the path.
        OSError: the file cannot be read.
    """
    try:
        found = _READERS.get(path.suffix.lower(), _json_rows)(path, key, dim)
        symmetric, difference = _symmetric(_matrix(found.rows, dim), found.roundoff)
        note = None
        if difference > 0:
            shown = decimal(exact_number(difference), 2)
            note = (
                f"{path} was made symmetric, (M + Mᵀ)/2: entries across the diagonal differed by up to {shown}, "
                "as rounding makes them."
            )
        return Read(_semidefinite(symmetric), note)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: {_sentence(error)}") from None


def _npy_rows(path: Path, key: str, dim: int) -> _Rows:
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
    rows = [[validation.rational("entry", x) for x in row] for row in array.tolist()]
    if array.dtype.kind != "f":
        return _Rows(rows, fmpq(0))
    # u is half the distance from 1 to the next number.
    return _Rows(rows, validation.rational("roundoff", float(np.finfo(array.dtype).eps)) / 2)


def _csv_rows(path: Path, key: str, dim: int) -> _Rows:
    lines = (line.partition("#")[0].strip() for line in path.read_text(encoding="utf-8-sig").splitlines())
    return _Rows([[number(cell) for cell in line.split(",")] for line in lines if line])


def _json_rows(path: Path, key: str, dim: int) -> _Rows:
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
    return _Rows([[_json_number(x) for x in row] for row in content])


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


def _symmetric(m: fmpq_mat, roundoff: fmpq) -> tuple[fmpq_mat, fmpq]:
    """(M + Mᵀ)/2 and the largest |M_ij − M_ji|, where that is at most 4 d u max |M_ij|; see the module."""
    allowed = 4 * m.nrows() * roundoff * max(map(abs, m.entries()))
    largest = fmpq(0)
    for i in range(m.nrows()):
        for j in range(i):
            difference = abs(m[i, j] - m[j, i])
            if difference > allowed:
                close = difference <= _NEARLY * max(abs(m[i, j]), abs(m[j, i]))
                hint = ", which looks like rounding: store (M + Mᵀ)/2" if close else ""
                raise ValueError(
                    f"must be symmetric, got entries [{i}][{j}] and [{j}][{i}] that differ{hint}"
                )
            largest = max(largest, difference)
    return (m + m.transpose()) / 2 if largest > 0 else m, largest


def _semidefinite(m: fmpq_mat) -> SemidefiniteMatrix:
    try:
        return SemidefiniteMatrix.of("matrix", m)
    except ValueError:
        raise ValueError("must be positive semidefinite, got a matrix with a negative eigenvalue") from None


def _sentence(error: BaseException) -> str:
    """The first line of a message, without its full stop."""
    return (str(error) or type(error).__name__).partition("\n")[0].rstrip(".")
