r"""What a file of training holds: runs by seed, a history of snapshots, a state dict in a checkpoint.

The notebooks of Ahn et al. [1] write three kinds of files by ``torch.save``:

    {"hist_dict": {(seed,): [allparam, …]}, "U_dict": {(seed,): U}, "D_dict": {(seed,): D}},
    {"hist": [allparam, …], "U": U, "D": D},        {"hist_list": [allparam, …]}.

There x = U D g with g ~ N(0, I), and w ~ N(0, Σ⁻¹): the covariance is Σ = (U D)(U D)ᵀ, which is U D² Uᵀ for diagonal
D. It is taken as this product of the stored matrices: symmetric in exact arithmetic, though U is orthogonal up to
rounding only.

[1] Ahn, Cheng, Daneshmand, Sra, PyTorch code: github.com/chengxiang/LinearTransformer, its notebooks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from flint import fmpq_mat
from torch import Tensor

from icl_claims.models.layouts import has_weights
from icl_claims.models.weights import WeightsError, floats, sizes
from icl_claims.theory.algebra import validation

_HISTORIES = ("hist", "hist_list")
_WRAPPERS = ("state_dict", "model_state_dict", "model", "params", "weights", "net", "network")
_DEEPEST = 5


class Chosen(NamedTuple):
    """The tensors of one model.

    Attributes:
        tensors: one tensor, or tensors by name.
        covariance: Σ as the file has it; None where it has none.
        notes: sentences on what was chosen.
    """

    tensors: Tensor | Mapping[Any, Any]
    covariance: fmpq_mat | None
    notes: tuple[str, ...]


def chosen(content: Any, seed: str | None = None, snapshot: int | None = None) -> Chosen:
    """The model in what a file holds.

    Args:
        content: a tensor, a list of snapshots, or a dictionary.
        seed: which run of a ``hist_dict``, as :func:`label` writes its key; None is the only one.
        snapshot: which entry of the history, counted from 0; None is the last.

    Raises:
        WeightsError: there is no such run or entry, or nothing that could be a model.

    >>> import torch
    >>> runs = {"hist_dict": {(0,): [torch.zeros(1)], (7,): [torch.zeros(2), torch.ones(2)]}}
    >>> chosen(runs, seed="7").tensors
    tensor([1., 1.])
    """
    notes: list[str] = []
    if isinstance(content, Mapping) and isinstance(content.get("hist_dict"), Mapping):
        content = _run(content, seed, notes)
    elif seed is not None:
        raise WeightsError(f"seed must be left out where a file holds no hist_dict of runs, got {seed}")
    covariance = _covariance(content)
    if covariance is not None:
        content = {name: value for name, value in content.items() if name not in ("U", "D")}
    history = _history(content)
    if history:
        content = _entry(history, snapshot, notes)
    elif snapshot is not None:
        raise WeightsError(f"snapshot must be left out where a file holds no history, got {snapshot}")
    return Chosen(_model(content), covariance, tuple(notes))


def label(key: Any) -> str:
    """How a key of a ``hist_dict`` is written.

    >>> label((0,)), label((1, 20)), label(3)
    ('0', '1,20', '3')
    """
    return ",".join(map(str, key)) if isinstance(key, tuple) else str(key)


def _run(content: Mapping[Any, Any], seed: str | None, notes: list[str]) -> dict[str, Any]:
    keys = {label(key): key for key in content["hist_dict"]}
    if seed is None and len(keys) == 1:
        (seed,) = keys
    if seed is None or seed not in keys:
        got = "none: choose one by --seed" if seed is None else seed
        raise WeightsError(f"seed must be one of {', '.join(keys) or 'none'}, got {got}")
    notes.append(f"Of the runs by seed ({', '.join(keys)}), number {seed} was read.")
    found = {"hist": content["hist_dict"][keys[seed]]}
    for name in ("U", "D"):
        matrices = content.get(f"{name}_dict")
        if isinstance(matrices, Mapping) and keys[seed] in matrices:
            found[name] = matrices[keys[seed]]
    return found


def _history(content: Any) -> list[Any]:
    """The snapshots; none where there is no history."""
    places = [content.get(name) for name in _HISTORIES] if isinstance(content, Mapping) else [content]
    return next((place for place in places if isinstance(place, list) and place), [])


def _entry(history: list[Any], snapshot: int | None, notes: list[str]) -> Any:
    count = len(history)
    index = count - 1 if snapshot is None else snapshot
    if not 0 <= index < count:
        raise WeightsError(f"snapshot must be from 0 to {count - 1}, got {snapshot}")
    last = ", the last," if index == count - 1 else ""
    notes.append(f"Of the {count} entries of the history, number {index}{last} was read.")
    return history[index]


def _model(content: Any) -> Tensor | Mapping[Any, Any]:
    """The tensor, or the innermost dictionary with the tensors of a model."""
    for _ in range(_DEEPEST):
        if isinstance(content, Tensor):
            return content
        if not isinstance(content, Mapping):
            break
        inner = next(
            (content[name] for name in _WRAPPERS if isinstance(content.get(name), Mapping | Tensor)), None
        )
        if has_weights(content) or inner is None:
            return content
        content = inner
    raise WeightsError(
        f"content must be a tensor or hold tensors by name, or such as hist or hist_dict, got {type(content).__name__}"
    )


def _covariance(content: Any) -> fmpq_mat | None:
    """Σ = (U D)(U D)ᵀ; None where there is no U or no D."""
    if not isinstance(content, Mapping):
        return None
    U, D = (content.get(name) for name in ("U", "D"))
    if not isinstance(U, Tensor) or not isinstance(D, Tensor):
        return None
    if U.ndim != 2 or U.shape[0] != U.shape[1] or D.shape != U.shape or 0 in U.shape:
        raise WeightsError(f"U and D must both be d × d, got {sizes(U)} and {sizes(D)}")
    product = validation.matrix("U", floats("U", U)) * validation.matrix("D", floats("D", D))
    return product * product.transpose()
