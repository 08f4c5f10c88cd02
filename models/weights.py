r"""Weights of linear transformers: file layout, validation, gauge, and their distance from theory.

Layout of a file: safetensors with the tensors P and Q, each layers × (d+1) × (d+1), float64 or float32;
the metadata is free. The authors' published layout [2] is read too, see :func:`from_published`. A loss
depends on (P_l, Q_l) through products alone: P_l ← γ P_l, Q_l ← Q_l/γ is a gauge that changes nothing
[1, Theorem 1].

[1] Ahn, Cheng, Daneshmand, Sra, arXiv:2306.00297v2.
[2] The same, PyTorch code: github.com/chengxiang/LinearTransformer, linear_transformer.py.
"""
# ruff: noqa: F722 (the strings inside jaxtyping's annotations are shapes, not types; rows = d+1)

from __future__ import annotations

import contextlib
import math
import os
import pickle
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from flint import fmpq, fmpq_mat
from jaxtyping import Float
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from icl_claims.models.prompts import to_tensor
from icl_claims.numerics.rounding import nearest_root
from icl_claims.theory.algebra import exact, validation
from icl_claims.theory.algebra.evaluation import at_task
from icl_claims.theory.one_layer import single_layer
from icl_claims.theory.task import RegressionTask


class WeightsError(ValueError):
    """The weights are not what a linear transformer's have to be; the message says which and why."""


@dataclass(frozen=True, eq=False)
class Weights:
    """The matrices of L layers, one head each: copies, in float64.

    Args:
        P: value matrices, L × (d+1) × (d+1).
        Q: merged key-query matrices, of the same shape.
        metadata: free text about their origin.

    Raises:
        WeightsError: a tensor has the wrong type or shape, or an entry is NaN or infinite.
    """

    P: Float[Tensor, "layers rows rows"]
    Q: Float[Tensor, "layers rows rows"]
    metadata: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("P", "Q"):
            object.__setattr__(self, name, _validated(name, getattr(self, name)))
        if self.P.shape != self.Q.shape:
            raise WeightsError(
                f"P and Q must have one shape, got P {tuple(self.P.shape)} and Q {tuple(self.Q.shape)}"
            )

    @property
    def dim(self) -> int:
        """d."""
        return int(self.P.shape[1]) - 1

    @property
    def depth(self) -> int:
        """L."""
        return int(self.P.shape[0])


def load(path: Path) -> Weights:
    """The weights in a file, by its tensors.

    A safetensors file holds P and Q, or one tensor of the published layout, see :func:`from_published`, under
    any name. A file that ends in ``.pt`` or ``.pth`` holds such a tensor, or a dictionary with one under
    ``allparam`` or a list of them, of which the last counts, under ``hist``: what torch.save makes of the
    authors' model and of their training histories.

    Raises:
        WeightsError: it is no such file, lacks these tensors, or see :class:`Weights`; the message begins with
            the file's name.
    """
    torch_file = path.suffix in (".pt", ".pth")
    kind = "torch" if torch_file else "safetensors"
    if not path.is_file():
        raise WeightsError(f"{path} must be a {kind} file, got no such file")
    try:
        return _load_torch(path) if torch_file else _load_safetensors(path)
    except WeightsError as error:
        raise WeightsError(f"{path}: {error}") from None
    except (SafetensorError, pickle.UnpicklingError, EOFError, RuntimeError, ValueError, KeyError) as error:
        reason = str(error).partition("\n")[0]
        raise WeightsError(f"{path} must be a {kind} file, got one that does not parse: {reason}") from None


def _load_safetensors(path: Path) -> Weights:
    with safe_open(path, framework="pt") as file:
        names, metadata = sorted(file.keys()), file.metadata() or {}
        if {"P", "Q"} <= set(names):
            return Weights(file.get_tensor("P"), file.get_tensor("Q"), metadata)
        if len(names) == 1 and names[0] not in ("P", "Q"):
            tensor = file.get_tensor(names[0])
            if tensor.ndim == 5:
                return from_published(tensor, metadata)
        missing = [name for name in ("P", "Q") if name not in names]
        raise WeightsError(
            f"tensors must include P and Q, got {', '.join(names) or 'none'}: {' and '.join(missing)} missing"
        )


def _load_torch(path: Path) -> Weights:
    content = torch.load(path, map_location="cpu", weights_only=True)
    if isinstance(content, Mapping):
        history = content.get("hist")
        content = history[-1] if isinstance(history, list) and history else content.get("allparam")
    if not isinstance(content, Tensor):
        raise WeightsError(
            f"content must be a tensor, or hold one as allparam or hist, got {type(content).__name__}"
        )
    return from_published(content)


def from_published(tensor: Tensor, metadata: Mapping[str, str] | None = None) -> Weights:
    """Weights in the authors' layout [2], one head: P_l = diag(V_l, 1), Q_l = diag(K_lᵀ, 0).

    There the tokens are rows and attention is (Z K Zᵀ) over (query, key); here they are columns and attention is
    Zᵀ Q Z over (key, query). So the key-query block is the transpose of theirs.

    Args:
        tensor: layers × heads × 2 × d × d; V_l at [l, 0, 0] and K_l at [l, 0, 1].
        metadata: free text.

    Raises:
        WeightsError: it is of another shape, has several heads, or see :class:`Weights`.
    """
    wanted = "tensor must be layers × heads × 2 × d × d"
    if tensor.ndim != 5 or tensor.shape[2] != 2 or tensor.shape[3] != tensor.shape[4] or 0 in tensor.shape:
        raise WeightsError(f"{wanted}, got {' × '.join(map(str, tensor.shape)) or 'a scalar'}")
    if tensor.shape[1] != 1:
        raise WeightsError(f"{wanted} with one head, got {tensor.shape[1]} heads: several heads")
    layers, _, _, d, _ = tensor.shape
    P = torch.zeros((layers, d + 1, d + 1), dtype=tensor.dtype)
    Q = torch.zeros_like(P)
    P[:, :d, :d], P[:, d, d], Q[:, :d, :d] = tensor[:, 0, 0], 1, tensor[:, 0, 1].mT
    return Weights(P, Q, metadata or {})


def save(path: Path, weights: Weights) -> None:
    """Write the weights, atomically."""
    with replacing(path) as temporary:
        save_file({"P": weights.P, "Q": weights.Q}, temporary, metadata=dict(weights.metadata))


def save_trajectory(path: Path, snapshots: Sequence[tuple[int, Weights]]) -> None:
    """Write weights at several steps, atomically: ``steps`` (K), ``P`` and ``Q`` (each K × layers × …)."""
    steps = torch.tensor([step for step, _ in snapshots], dtype=torch.int64)
    stacks = {name: torch.stack([getattr(weights, name) for _, weights in snapshots]) for name in ("P", "Q")}
    with replacing(path) as temporary:
        save_file({"steps": steps, **stacks}, temporary)


def load_trajectory(path: Path) -> list[tuple[int, Weights]]:
    """What :func:`save_trajectory` wrote."""
    with safe_open(path, framework="pt") as file:
        steps, P, Q = (file.get_tensor(name) for name in ("steps", "P", "Q"))
    return [(int(step), Weights(p, q)) for step, p, q in zip(steps, P, Q, strict=True)]


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path beside ``path``, renamed to it on success and removed on failure.

    Readers see the old file or the new one, never a part; an interrupt leaves the old one.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(descriptor)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o644)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def reduce_gauge(weights: Weights) -> Weights:
    """The equivalent weights with β_l = [P_l]_{d+1,d+1} = 1: P_l / β_l and β_l Q_l.

    Attn_{P,Q} is bilinear in P and Q, so the exact result makes the same predictions; here each entry
    is rounded once.

    Raises:
        WeightsError: some β_l is 0, so that no gauge makes it 1.
    """
    beta = weights.P[:, -1:, -1:]
    zero = (beta == 0).flatten().nonzero().flatten().tolist()
    if zero:
        raise WeightsError(f"P[l][d][d] must not be 0 to fix the gauge, got 0 for l = {zero[0]}")
    return replace(weights, P=weights.P / beta, Q=weights.Q * beta)


@dataclass(frozen=True)
class Comparison:
    r"""One trained layer beside the closed form. Every rational is exact for the weights as stored.

    The effective preconditioner −(β A_x + u aᵀ)ᵀ is that of the blocks b = (u, β) of P's last row and
    (A_x; aᵀ) of Q's first d columns: to first order in the labels the layer predicts x_qᵀ (·) g. No gauge
    changes it. E is its difference from Γ.

    **Bound.** With 𝒢 = E[g gᵀ], tr(Σ E 𝒢 Eᵀ) ≤ f − min f
    (:func:`icl_claims.theory.one_layer.single_layer.preconditioner_excess`).
    As tr(Σ E 𝒢 Eᵀ) ≥ λ_min(Σ) tr(E 𝒢 Eᵀ) ≥ λ_min(Σ) λ_min(𝒢) ‖E‖_F² for Σ, 𝒢 ⪰ 0,

        ‖E‖_F ≤ ( (f − min f) / (λ_min(Σ) λ_min(𝒢)) )^{1/2}.

    Where Σ and 𝒢 are diagonal, the trace is Σ_ij Σ_ii 𝒢_jj E_ij², so that each entry has its own bound
    |E_ij| ≤ ((f − min f) / (Σ_ii 𝒢_jj))^{1/2}. Both say how far weights of that loss can be at all.

    Attributes:
        loss, minimum: f at the weights and min f.
        preconditioner, closed_form: −(β A_x + u aᵀ)ᵀ and Γ, d × d.
        distance_bound: the bound on it, rounded up; None where Σ or 𝒢 is singular.
        entry_bounds: the bounds on |E_ij|, rounded up; None where Σ or 𝒢 is not diagonal or singular.
    """

    loss: fmpq
    minimum: fmpq
    preconditioner: fmpq_mat
    closed_form: fmpq_mat
    distance_bound: float | None
    entry_bounds: tuple[tuple[float, ...], ...] | None

    @property
    def excess(self) -> fmpq:
        """f − min f ≥ 0."""
        return self.loss - self.minimum

    @property
    def squared_distance(self) -> fmpq:
        """‖E‖_F²."""
        error = self.preconditioner - self.closed_form
        return exact.inner(error, error)

    @property
    def distance(self) -> float:
        """‖E‖_F, rounded to nearest."""
        return nearest_root(self.squared_distance)


def compare(task: RegressionTask, weights: Weights) -> Comparison:
    """Where one layer's weights sit: exact loss, excess, distance from the closed form.

    Raises:
        WeightsError: there are several layers (:mod:`icl_claims.models.multi_layer`), or d differs from the task's.
        ValueError: every label of the task is 0.
    """
    if weights.depth != 1:
        raise WeightsError(
            f"weights must be of one layer to compare P and Q in full, got {weights.depth} layers"
        )
    d = task.dim
    if weights.dim != d:
        raise WeightsError(f"weights must be of dimension {d}, that of the task, got {weights.dim}")
    b = validation.matrix("P", weights.P[0, -1:])
    A = validation.matrix("Q", weights.Q[0, :, :d])
    preconditioner = fmpq_mat(
        [[-(b[0, d] * A[j, i] + b[0, j] * A[d, i]) for j in range(d)] for i in range(d)]
    )
    closed_form = single_layer.minimizer(task)
    loss, minimum = single_layer.loss(task, weights.P[0, -1], weights.Q[0, :, :d]), single_layer.minimum(task)
    moment = at_task(single_layer.cross_second_moment(), task, {})
    least = least_eigenvalue(task.covariance) * least_eigenvalue(moment)
    excess = loss - minimum
    entries = None
    if _is_diagonal(task.covariance) and _is_diagonal(moment) and least > 0:
        entries = tuple(
            tuple(_root_above(excess / (task.covariance[i, i] * moment[j, j])) for j in range(d))
            for i in range(d)
        )
    return Comparison(
        loss=loss,
        minimum=minimum,
        preconditioner=preconditioner,
        closed_form=closed_form,
        distance_bound=_root_above(excess / least) if least > 0 else None,
        entry_bounds=entries,
    )


def least_eigenvalue(matrix: fmpq_mat) -> fmpq:
    """A rational lower bound on λ_min of a positive semidefinite matrix, at most one part in 2²⁰ below it.

    A float64 eigenvalue proposes it; an exact test (:func:`icl_claims.theory.algebra.validation.semidefinite`)
    proves it, so rounding cannot make it too large. The bound is 0 where λ_min is too close to 0 for float64.
    """
    if _is_diagonal(matrix):
        return min(matrix[i, i] for i in range(matrix.nrows()))
    proposed = validation.rational("eigenvalue", float(torch.linalg.eigvalsh(to_tensor(matrix))[0])) * fmpq(
        2**20 - 1, 2**20
    )
    if proposed <= 0:
        return fmpq(0)
    try:
        validation.semidefinite("shifted", matrix - exact.identity(matrix.nrows()) * proposed)
    except ValueError:
        return fmpq(0)
    return proposed


def _root_above(value: fmpq) -> float:
    """A float64 ≥ √value: the one after the nearest, and 0 for 0."""
    return math.nextafter(nearest_root(value), math.inf) if value > 0 else 0.0


def _is_diagonal(matrix: fmpq_mat) -> bool:
    return all(matrix[i, j] == 0 for i in range(matrix.nrows()) for j in range(matrix.ncols()) if i != j)


def _validated(name: str, value: Any) -> Tensor:
    if not isinstance(value, Tensor):
        raise WeightsError(f"{name} must be a tensor, got {type(value).__name__}")
    if value.dtype not in (torch.float64, torch.float32):
        raise WeightsError(
            f"{name} must be of dtype float64 or float32, got {str(value.dtype).removeprefix('torch.')}"
        )
    shape = " × ".join(map(str, value.shape)) or "a scalar"
    if value.ndim == 4:
        raise WeightsError(f"{name} must have one head, layers × (d+1) × (d+1), got {shape}: several heads")
    if value.ndim != 3 or value.shape[0] < 1 or value.shape[1] != value.shape[2] or value.shape[1] < 2:
        raise WeightsError(f"{name} must be layers × (d+1) × (d+1) with d ≥ 1, got {shape}")
    if not torch.isfinite(value).all():
        where = (~torch.isfinite(value)).nonzero()[0].tolist()
        raise WeightsError(f"{name} must be finite, got {value[tuple(where)].item()} at {where}")
    return value.detach().to(torch.float64, copy=True, memory_format=torch.contiguous_format)
