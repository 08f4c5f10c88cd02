"""Moments of symmetric Gaussian matrices, entry by entry."""

from __future__ import annotations

from functools import lru_cache

from flint import fmpq

from tests.shared.coordinates import Variables, gaussian
from tests.shared.settings import scaled


@lru_cache
def moment_of_gaussian(dim: int, power: int, variance: int, common: int) -> fmpq:
    """E tr Gᵏ entry by entry: G = √variance (Z + Zᵀ)/√2 + √common z I, Z and z standard normal."""
    pairs = [(i, j) for i in range(dim) for j in range(i, dim)]
    laws = {f"g{i}_{j}": scaled(gaussian, fmpq(variance * (2 if i == j else 1))) for i, j in pairs}
    v = Variables(**laws, z=scaled(gaussian, fmpq(common)))
    G = [
        [v.of[f"g{min(i, j)}_{max(i, j)}"] + (v.of["z"] if i == j else 0) for j in range(dim)]
        for i in range(dim)
    ]
    product = [[v.ring(int(i == j)) for j in range(dim)] for i in range(dim)]
    for _ in range(power):
        product = [[sum(product[i][k] * G[k][j] for k in range(dim)) for j in range(dim)] for i in range(dim)]
    return v.mean(sum(product[i][i] for i in range(dim)))
