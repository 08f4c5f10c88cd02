r"""Weights of linear transformers from tensors by name, in every layout that is read.

Names are those of a state dict. Before the last part may stand anything, ``module.`` and ``_orig_mod.`` too, with
at most one number, which is the layer: ``layers.0.P``. Without a number a tensor holds all layers, or the only one.
``.weight`` at the end is left out. The last part says what a tensor is, for each layer l:

| last part | shape | P_l and Q_l |
|---|---|---|
| ``P``, ``Q`` | (d+1) × (d+1) | as they are |
| ``W_Q``, ``W_K`` in the place of ``Q`` | k × (d+1) | Q_l = W_Kᵀ W_Q, the exact product |
| ``W_V`` in the place of ``P``, or ``W_V`` and ``W_O`` | (d+1) × (d+1), or k × (d+1) and (d+1) × k | W_V, or W_O W_V |
| ``A`` alone | d × d | P_l = diag(0, 1), Q_l = −diag(A_l, 0): descent has A_l ≻ 0 |
| ``A`` and ``B`` | d × d | P_l = diag(B_l, 1), Q_l = diag(A_l, 0): A_l with its own sign; the last B may be missing |
| ``allparam`` | layers × 1 × 2 × d × d | the authors' published layout [1], see :func:`from_published` |

Attention is P Z M (Zᵀ Q Z) with tokens as columns, so that keys W_K Z and queries W_Q Z have the scores
(W_K Z)ᵀ (W_Q Z) = Zᵀ (W_Kᵀ W_Q) Z. ``W_q``, ``Wq`` and ``WQ`` are ``W_Q`` too. A single tensor may have any name: the
published layout by its five axes, else the A_l of sparse layers.

[1] Ahn, Cheng, Daneshmand, Sra, PyTorch code: github.com/chengxiang/LinearTransformer, linear_transformer.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from flint import fmpq_mat
from torch import Tensor

from icl_claims.models.parametrizations import relaxed, sparse
from icl_claims.models.weights import ExactWeights, Weights, WeightsError, floats, sizes
from icl_claims.theory.algebra import validation

_NAME = re.compile(r"(?:(?P<before>.+)\.)?(?P<last>allparam|P|Q|A|B|W_?[QqKkVvOo])(?:\.weight)?")
_WANTED = "tensors must be P and Q, or W_V, W_K and W_Q, or A, or A and B, or allparam"
_MOST_NAMES = 6

Metadata = Mapping[str, str]
"""Free text about the origin of weights."""


class Laid(NamedTuple):
    """Weights as they were found.

    Attributes:
        weights: P_l and Q_l; rational where they are products.
        notes: sentences on how the tensors were read, where that is not beyond doubt.
    """

    weights: Weights | ExactWeights
    notes: tuple[str, ...] = ()


def has_weights(tensors: Mapping[Any, Any]) -> bool:
    """Whether a name says what its tensor is.

    >>> has_weights({"module.layers.0.P": torch.eye(2)}), has_weights({"state_dict": {}})
    (True, False)
    """
    return any(isinstance(tensor, Tensor) and _part(name) for name, tensor in tensors.items())


def from_tensors(tensors: Tensor | Mapping[Any, Any], metadata: Metadata | None = None) -> Laid:
    """Weights from one tensor or from tensors by name. What is no tensor is passed over.

    Raises:
        WeightsError: the names or the shapes are of no layout, or of several; or see :class:`Weights`.

    >>> from_tensors({"A": 2 * torch.eye(1)[None]}).weights.exact().layers
    (([0, 0]
    [0, 1], [-2, 0]
    [ 0, 0]),)
    """
    if isinstance(tensors, Tensor):
        return _one(tensors, metadata)
    named = {str(name): tensor for name, tensor in tensors.items() if isinstance(tensor, Tensor)}
    if len(named) == 1:
        ((name, tensor),) = named.items()
        if _part(name) is None or (tensor.ndim == 5 and name not in ("P", "Q")):
            return _one(tensor, metadata)
    parts, others = _by_part(named)
    found = _laid(parts, list(named), metadata)
    notes = (f"Not read: {_listed(others)}.",) if others else ()
    return Laid(found.weights, found.notes + notes)


def from_published(tensor: Tensor, metadata: Metadata | None = None) -> Weights:
    """Weights in the authors' layout [1], one head: P_l = diag(V_l, 1), Q_l = diag(K_lᵀ, 0).

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
        raise WeightsError(f"{wanted}, got {sizes(tensor)}")
    if tensor.shape[1] != 1:
        raise WeightsError(f"{wanted} with one head, got {tensor.shape[1]} heads: several heads")
    P, Q = relaxed(tensor[:, 0, 1].mT, tensor[:, 0, 0])
    return Weights(P, Q, metadata or {})


def _one(tensor: Tensor, metadata: Metadata | None) -> Laid:
    """A tensor whose name says nothing."""
    if tensor.ndim not in (2, 3):
        return Laid(from_published(tensor, metadata))
    if tensor.ndim == 3 and tensor.shape[0] == 2:
        raise WeightsError(
            f"tensor must have a name where it is 2 × d × d, got {sizes(tensor)}: it may hold two sparse layers, or "
            "value and key-query block of one layer; call it A in an .npz file where it is the former"
        )
    return _without_factors(tensor, metadata)


def _laid(parts: Mapping[str, Tensor], names: Sequence[str], metadata: Metadata | None) -> Laid:
    layouts = ({"allparam"}, {"A", "B"}, {"P", "Q", "W_Q", "W_K", "W_V", "W_O"})
    used = [layout for layout in layouts if layout & parts.keys()]
    if len(used) != 1:
        raise WeightsError(f"{_WANTED}, got {_listed(names)}")
    if "allparam" in parts:
        return Laid(from_published(parts["allparam"], metadata))
    if "A" in parts:
        return (
            _with_factors(parts["A"], parts["B"], metadata)
            if "B" in parts
            else _without_factors(parts["A"], metadata)
        )
    if "B" in parts:
        raise WeightsError(f"{_WANTED}, got {_listed(names)}")
    if parts.keys() == {"P", "Q"}:
        return Laid(Weights(_stack(parts["P"]), _stack(parts["Q"]), metadata or {}))
    return _of_products(parts, names)


def _without_factors(A: Tensor, metadata: Metadata | None) -> Laid:
    note = "The tensor was read as the A_l of sparse layers, P_l = diag(0, 1) and Q_l = −diag(A_l, 0)."
    return Laid(Weights(*sparse(_square("A", A)), metadata or {}), (note,))


def _with_factors(A: Tensor, B: Tensor, metadata: Metadata | None) -> Laid:
    A, B = _square("A", A), _square("B", B)
    try:
        P, Q = relaxed(A, B)
    except ValueError as error:
        raise WeightsError(str(error)) from None
    note = "A and B were read as P_l = diag(B_l, 1) and Q_l = diag(A_l, 0), A_l with its own sign."
    return Laid(Weights(P, Q, metadata or {}), (note,))


def _square(name: str, tensor: Tensor) -> Tensor:
    stack = _stack(tensor)
    if stack.ndim != 3 or stack.shape[1] != stack.shape[2] or 0 in stack.shape:
        raise WeightsError(f"{name} must be layers × d × d, got {sizes(tensor)}")
    return floats(name, stack)


def _stack(tensor: Tensor) -> Tensor:
    """With an axis for the layers, where one matrix is all."""
    return tensor[None] if tensor.ndim == 2 else tensor


def _of_products(parts: Mapping[str, Tensor], names: Sequence[str]) -> Laid:
    """P_l and Q_l of which one is a product at least."""
    of_queries, of_values = parts.keys() & {"Q", "W_Q", "W_K"}, parts.keys() & {"P", "W_V", "W_O"}
    if of_queries not in ({"Q"}, {"W_Q", "W_K"}) or of_values not in ({"P"}, {"W_V"}, {"W_V", "W_O"}):
        raise WeightsError(f"{_WANTED}, got {_listed(names)}")
    factors = {part: _matrices(part, tensor) for part, tensor in parts.items()}
    notes = []
    if of_queries == {"Q"}:
        Q = factors["Q"]
    else:
        Q = _products("W_Kᵀ", [key.transpose() for key in factors["W_K"]], "W_Q", factors["W_Q"])
        notes.append("Q_l = W_Kᵀ W_Q, multiplied exactly.")
    if of_values == {"W_V", "W_O"}:
        P = _products("W_O", factors["W_O"], "W_V", factors["W_V"])
        notes.append("P_l = W_O W_V, multiplied exactly.")
    else:
        (P,) = (factors[part] for part in of_values)
    if len(P) != len(Q):
        raise WeightsError(f"P and Q must have as many layers, got {len(P)} and {len(Q)}")
    return Laid(ExactWeights(tuple(zip(P, Q, strict=True))), tuple(notes))


def _matrices(name: str, tensor: Tensor) -> list[fmpq_mat]:
    stack = _stack(tensor)
    if stack.ndim == 4:
        raise WeightsError(
            f"{name} must have one head, layers × rows × columns, got {sizes(stack)}: several heads"
        )
    if stack.ndim != 3 or 0 in stack.shape:
        raise WeightsError(f"{name} must be layers × rows × columns, got {sizes(stack)}")
    return [validation.matrix(name, matrix) for matrix in floats(name, stack)]


def _products(
    left_name: str, left: Sequence[fmpq_mat], name: str, right: Sequence[fmpq_mat]
) -> list[fmpq_mat]:
    if len(left) != len(right) or left[0].ncols() != right[0].nrows():
        of_left, of_right = (f"{len(m)} × {m[0].nrows()} × {m[0].ncols()}" for m in (left, right))
        raise WeightsError(f"{left_name} and {name} must have a product, got {of_left} and {of_right}")
    return [a * b for a, b in zip(left, right, strict=True)]


def _part(name: Any) -> tuple[str, int | None] | None:
    """What a name says: which part of a layer, and of which; None where it says neither.

    >>> _part("module.layers.12.W_q.weight"), _part("A"), _part("blocks.0.heads.1.P"), _part("P.bias")
    (('W_Q', 12), ('A', None), None, None)
    """
    match = _NAME.fullmatch(name) if isinstance(name, str) else None
    if match is None:
        return None
    numbers = [int(part) for part in (match["before"] or "").split(".") if part.isdecimal()]
    if len(numbers) > 1:
        return None
    last = match["last"]
    return (f"W_{last[-1].upper()}" if last[0] == "W" else last), (numbers[0] if numbers else None)


def _by_part(named: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], list[str]]:
    """The parts, each with all its layers; and the names that say nothing."""
    found: dict[str, dict[int | None, str]] = {}
    others = []
    for name in named:
        part = _part(name)
        if part is None:
            others.append(name)
        elif (first := found.setdefault(part[0], {}).setdefault(part[1], name)) != name:
            raise WeightsError(f"tensors must be one for each part of a layer, got {first} and {name}")
    return {part: _joined(part, names, named) for part, names in found.items()}, others


def _joined(part: str, names: Mapping[int | None, str], named: Mapping[str, Tensor]) -> Tensor:
    if None in names:
        if len(names) > 1:
            raise WeightsError(
                f"{part} must be one tensor or one for each layer, got {_listed(list(names.values()))}"
            )
        return named[names[None]]
    numbers = sorted(number for number in names if number is not None)
    if numbers != list(range(len(numbers))):
        raise WeightsError(f"{part} must be there for the layers 0, 1, …, got {', '.join(map(str, numbers))}")
    tensors = [named[names[number]] for number in numbers]
    if len({(tensor.shape, tensor.dtype) for tensor in tensors}) != 1:
        got = ", ".join(sorted({sizes(tensor) for tensor in tensors}))
        raise WeightsError(f"{part} must be of one shape and type in all layers, got {got}")
    return torch.stack(tensors)


def _listed(names: Sequence[str]) -> str:
    """The names, cut where there are many.

    >>> _listed("abcdefgh"), _listed([])
    ('a, b, c, d, e, f and 2 more', 'none')
    """
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return ", ".join(names[:_MOST_NAMES]) + more or "none"
