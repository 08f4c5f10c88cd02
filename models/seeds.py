"""Seeds that follow from others by name, so that every batch of a run can be drawn without those before it."""

from __future__ import annotations

import hashlib

import torch


def generator(seed: int, name: str) -> torch.Generator:
    """A source of randomness for one purpose of a run: its start, or one of its batches.

    It is seeded with the first 32 bits, big-endian, of the SHA-256 of the ASCII text ``<seed> <name>``: as much as
    torch's Mersenne twister takes of a seed.

    >>> generator(1, "start").initial_seed() == generator(1, "start").initial_seed()
    True
    >>> generator(1, "start").initial_seed() == generator(1, "batch 0").initial_seed()
    False
    """
    digest = hashlib.sha256(f"{seed} {name}".encode("ascii")).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:4], "big"))
