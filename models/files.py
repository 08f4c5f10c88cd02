r"""Weights on disk.

What is written is safetensors with the tensors P and Q, each layers × (d+1) × (d+1), float64; its metadata is free.
What is read is much more: :mod:`icl_claims.models.tensor_files` says which files,
:mod:`icl_claims.models.histories` how a model is found in them, :mod:`icl_claims.models.layouts` how its tensors are
read.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from flint import fmpq_mat
from safetensors.torch import save_file

from icl_claims.files import replacing
from icl_claims.models.histories import chosen
from icl_claims.models.layouts import from_tensors
from icl_claims.models.tensor_files import content
from icl_claims.models.weights import ExactWeights, Weights, WeightsError


@dataclass(frozen=True)
class Found:
    """What a file says.

    Attributes:
        weights: P_l and Q_l of all layers.
        covariance: Σ, where the file has the U and D that it is made of; else None.
        notes: sentences on how it was read, where that is not beyond doubt.
    """

    weights: Weights | ExactWeights
    covariance: fmpq_mat | None
    notes: tuple[str, ...]


def read(path: Path, seed: str | None = None, snapshot: int | None = None) -> Found:
    """The weights in a file, in any layout and format that is known.

    Args:
        path: of a torch, safetensors or NumPy file.
        seed: which run, where the file holds a ``hist_dict`` of several: "0" is that of the key (0,).
        snapshot: which entry of a training history, counted from 0; None is the last.

    Raises:
        WeightsError: there are no weights in it, or not those asked for; the message begins with the file's name.
    """
    try:
        held, metadata = content(path)
        model = chosen(held, seed, snapshot)
        laid = from_tensors(model.tensors, metadata)
    except WeightsError as error:
        raise WeightsError(f"{path}: {error}") from None
    return Found(laid.weights, model.covariance, model.notes + laid.notes)


def load(path: Path) -> Weights:
    """The weights in a file, as tensors in float64: :func:`read`, where that needs no rounding.

    Raises:
        WeightsError: as for :func:`read`; or P or Q is a product, which is no float64 matrix.
    """
    weights = read(path).weights
    if isinstance(weights, ExactWeights):
        raise WeightsError(
            f"{path}: must hold P and Q themselves to be tensors, got factors of them: read() has the exact products"
        )
    return weights


def save(path: Path, weights: Weights) -> None:
    """Write the weights, atomically."""
    with replacing(path) as temporary:
        save_file({"P": weights.P, "Q": weights.Q}, temporary, metadata=dict(weights.metadata))
