"""Exact moments of real Wishart matrices: W = XXᵀ, X d × n Gaussian, and S = W/n.

Every function takes integers d and n, or None for a symbol, and gives exact numbers or polynomials.

| quantity | function | route | other routes |
|---|---|---|---|
| E ∏ tr W^{k_i} | :func:`trace_moment` | parts | pairings, words |
| E tr W^k, k = 0, 1, … | :func:`trace_moments` | recurrence (derived) | zonal, parts, density |
| E tr S^k, k = 0, 1, … | :func:`spectral_moments` | recurrence (derived) | the same, divided by n^k |
| E ∏ tr W^{k_i}, any Σ | :func:`covariance_trace_moment` | near-hooks, operator (derived) | words |
| E W^j, any Σ | :func:`power_moment`, :func:`power_moments` | near-hooks | operator, words |
| E[W^i C W^j], any Σ, C | :func:`two_sided_moment`, :func:`two_sided_moments` | operator | words |
| E[A_0 W A_1 W ⋯ A_k] | :func:`word_moment`, :func:`word_trace_moment` | parts on states | words, coordinates |

Words are :mod:`icl_claims.theory.algebra.gaussian`: integration by parts on letters of symbolic size, the definition.
"""

from icl_claims.theory.wishart.covariance import covariance_trace_moment, power_moment, power_moments
from icl_claims.theory.wishart.matrix_words import word_moment, word_trace_moment
from icl_claims.theory.wishart.partitions import trace_moment, trace_moment_list
from icl_claims.theory.wishart.recurrence import spectral_moments, trace_moments
from icl_claims.theory.wishart.sizes import RING, SCALED_RING
from icl_claims.theory.wishart.two_sided import two_sided_moment, two_sided_moments

__all__ = [
    "RING",
    "SCALED_RING",
    "covariance_trace_moment",
    "power_moment",
    "power_moments",
    "spectral_moments",
    "trace_moment",
    "trace_moment_list",
    "trace_moments",
    "two_sided_moment",
    "two_sided_moments",
    "word_moment",
    "word_trace_moment",
]
