"""The states of a run that are kept: everything that decides how it goes on, and the chain of their digests.

A state is a mapping from names to tensors: the weights, the optimizer's moments, the mean of the iterates, and the
number of steps done. The digest of a state covers that of the one before it, so that the last digest stands for all.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from icl_claims.files import replacing

State = Mapping[str, Tensor]
"""Tensors by name; ``step``, an integer, is among them."""

_LOSSES = "losses"


def step_of(state: State) -> int:
    """The number of steps done."""
    return int(state["step"])


def identical(one: State, other: State) -> bool:
    """Whether two states have the same names, types, shapes and bits (so that 0 and −0 differ)."""
    return set(one) == set(other) and all(_bytes(one[name]) == _bytes(other[name]) for name in one)


def digest(state: State, previous: str = "") -> str:
    """SHA-256 of the digest of the state before it and of each tensor's name, type, shape and bytes, by name."""
    found = hashlib.sha256(previous.encode("ascii"))
    for name in sorted(state):
        found.update(name.encode("ascii") + b"\n" + _bytes(state[name]))
    return found.hexdigest()


def chain(states: Sequence[State]) -> list[tuple[int, str]]:
    """(steps done, digest) of each state, every digest covering the one before it.

    >>> import torch
    >>> one = {"step": torch.tensor(0)}
    >>> chain([one, one])[0][1] == chain([one])[0][1], chain([one, one])[1][1] == chain([one])[0][1]
    (True, False)
    """
    found: list[tuple[int, str]] = []
    for state in states:
        found.append((step_of(state), digest(state, found[-1][1] if found else "")))
    return found


def save(path: Path, states: Sequence[State], losses: Tensor, metadata: Mapping[str, str]) -> None:
    """Write states and the loss of every step so far, atomically."""
    tensors = {f"{index:03d} {name}": state[name] for index, state in enumerate(states) for name in state}
    with replacing(path) as temporary:
        save_file({**tensors, _LOSSES: losses}, temporary, metadata=dict(metadata))


def load(path: Path) -> tuple[list[State], Tensor, Mapping[str, str]]:
    """What :func:`save` wrote."""
    found: dict[str, dict[str, Tensor]] = {}
    with safe_open(path, framework="pt") as file:
        for key in file.keys():  # noqa: SIM118 (the file is no mapping)
            if key != _LOSSES:
                index, name = key.split(" ", 1)
                found.setdefault(index, {})[name] = file.get_tensor(key)
        return [found[index] for index in sorted(found)], file.get_tensor(_LOSSES), file.metadata() or {}


def _bytes(tensor: Tensor) -> bytes:
    array = tensor.detach().contiguous().numpy()
    return f"{tensor.dtype} {tuple(tensor.shape)} ".encode("ascii") + array.tobytes()
