"""Seeds by name: the recipe written out, and other numbers for another seed or name."""

from __future__ import annotations

from hashlib import sha256

import pytest
import torch

from icl_claims.models.seeds import generator


@pytest.mark.parametrize("seed", [0, 2023, -(2**63), 2**64 - 1])
@pytest.mark.parametrize("name", ["start", "batch 0", "batch 12"])
def test_the_recipe(seed: int, name: str) -> None:
    """The first 32 bits of SHA-256 of "<seed> <name>"."""
    wanted = int(sha256(f"{seed} {name}".encode()).hexdigest()[:8], 16)
    assert generator(seed, name).initial_seed() == wanted


def test_a_value() -> None:
    assert generator(2023, "start").initial_seed() == 1522261722


def test_seeds_and_names_decide() -> None:
    """The generators are new ones: the global one is not touched, and one does not advance another."""
    before = torch.get_rng_state()
    drawn = [
        torch.randn(4, generator=generator(seed, name)).tolist() for seed in (1, 2) for name in ("a", "b")
    ]
    assert len({tuple(numbers) for numbers in drawn}) == 4
    assert torch.randn(4, generator=generator(1, "a")).tolist() == drawn[0]
    assert torch.equal(torch.get_rng_state(), before)
