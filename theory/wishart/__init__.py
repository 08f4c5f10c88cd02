"""Exact moments of real Wishart matrices: W = XXᵀ, X d × n Gaussian, and S = W/n.

Every function takes integers d and n, or None for a symbol, and gives exact numbers or polynomials.

| quantity | function | route | other routes |
|---|---|---|---|
| E ∏ tr W^{k_i} | :func:`trace_moment` | parts | pairings, words |
| E tr W^k, k = 0, 1, … | :func:`trace_moments` | recurrence (proved) | zonal, parts, density |
| E tr S^k, k = 0, 1, … | :func:`spectral_moments` | recurrence (proved) | the same, divided by n^k |
"""

from theory.wishart.partitions import trace_moment, trace_moment_list
from theory.wishart.recurrence import spectral_moments, trace_moments
from theory.wishart.sizes import RING, SCALED_RING

__all__ = [
    "RING",
    "SCALED_RING",
    "spectral_moments",
    "trace_moment",
    "trace_moment_list",
    "trace_moments",
]
