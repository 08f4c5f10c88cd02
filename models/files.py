r"""Weights on disk.

A weights file is safetensors with the tensors P and Q, each layers × (d+1) × (d+1), float64 or float32; its
metadata is free. The authors' published layout [1] is read too, see :func:`from_published`.

[1] Ahn, Cheng, Daneshmand, Sra, PyTorch code: github.com/chengxiang/LinearTransformer, linear_transformer.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from icl_claims.files import replacing
from icl_claims.models.parametrizations import relaxed
from icl_claims.models.weights import Weights, WeightsError


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
        raise WeightsError(f"{path}: is a folder, not a file" if path.is_dir() else f"{path}: no such file")
    try:
        return _load_torch(path) if torch_file else _load_safetensors(path)
    except WeightsError as error:
        raise WeightsError(f"{path}: {error}") from None
    except Exception as error:
        # No class holds all that torch raises on a damaged file: IndexError, struct.error and AssertionError among it.
        reason = str(error).partition("\n")[0] or type(error).__name__
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
        raise WeightsError(f"{wanted}, got {' × '.join(map(str, tensor.shape)) or 'a scalar'}")
    if tensor.shape[1] != 1:
        raise WeightsError(f"{wanted} with one head, got {tensor.shape[1]} heads: several heads")
    P, Q = relaxed(tensor[:, 0, 1].mT, tensor[:, 0, 0])
    return Weights(P, Q, metadata or {})


def save(path: Path, weights: Weights) -> None:
    """Write the weights, atomically."""
    with replacing(path) as temporary:
        save_file({"P": weights.P, "Q": weights.Q}, temporary, metadata=dict(weights.metadata))
