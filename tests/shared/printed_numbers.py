"""The numbers of Ahn et al. (2023), Figs. 3–5, on batches of prompts: whatever values round to them.

In whitened coordinates the loss of a batch at A_l = a_l I, B_l = b_l I is (1/N) Σ r(s)² over the d N eigenvalues s of
the matrices XXᵀ/n, w and x_q averaged out.
"""

from __future__ import annotations

from functools import cache
from math import comb

import numpy as np
from flint import arb

from icl_claims.criteria import Criterion, seed
from icl_claims.theory.transformer.recursion import recursion
from tests.shared.experiment import D
from tests.shared.relaxed_points import PRINTED, Point

LARGEST = 100
"""So many eigenvalues, the largest, are enough for a bound from below."""

EIGENVALUE_ERROR = 2.0**-40
"""LAPACK's symmetric eigenvalues are off by at most a small multiple of d u‖S‖, u = 2⁻⁵³: this is 8192 u ‖S‖."""


@cache
def eigenvalues(criterion: Criterion, context_length: int, index: int) -> np.ndarray:
    """All N d of them on one batch that the criterion seeds, ascending."""
    generator = np.random.default_rng(seed([criterion], f"printed {context_length} {index}"))
    X = generator.standard_normal((criterion.count("prompts"), D, context_length))
    return np.sort(np.linalg.eigvalsh(X @ X.swapaxes(1, 2) / context_length).ravel())


def bound_from_below(criterion: Criterion, context_length: int, index: int, numbers: Point = PRINTED) -> arb:
    """What the batch loses at least, at any values that round to these numbers: the largest eigenvalues alone."""
    a, b = ([arb(x, arb(1) / 200) for x in part] for part in (numbers.a, numbers.b))
    found = arb(0)
    for value in eigenvalues(criterion, context_length, index)[-LARGEST:]:
        s = arb(value, value * EIGENVALUE_ERROR)
        found += recursion(a, b, s, arb(1))[1].abs_lower() ** 2
    return arb((found / criterion.count("prompts")).lower())


def loss(criterion: Criterion, context_length: int, index: int, numbers: Point = PRINTED) -> float:
    """The loss of the batch at the numbers themselves, in float64."""
    s = eigenvalues(criterion, context_length, index)
    a, b = ([float(x) for x in part] for part in (numbers.a, numbers.b))
    residual = recursion(a, b, s, np.ones_like(s))[1]
    return float(residual @ residual) / criterion.count("prompts")


def chance(hits: int, draws: int) -> float:
    """P(at least so many of the draws) for a share of one half, exactly but for rounding: Σ C(N, k) / 2^N."""
    return sum(comb(draws, k) for k in range(hits, draws + 1)) / 2**draws
