"""Condition numbers of the Gram matrices of sampled prompts, layer by layer, d = 5 in whitened coordinates."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from math import exp
from typing import NamedTuple

import numpy as np

from icl_claims.theory.transformer import recursion as forward

DIM = 5


class Counts(NamedTuple):
    """On how many prompts a layer's covariate update lowers the condition number, or raises it."""

    lowered: int
    raised: int


@cache
def counts(
    a: tuple[float, ...],
    b: tuple[float, ...],
    context_length: int,
    prompts: int,
    seed: int,
    signs: bool = False,
) -> tuple[Counts, ...]:
    """For each layer with an update. A change by less than 1e-9 of it counts for neither side.

    Eigenvalues in float64 are off by less than 1e-13 times the largest, so that what is counted did change.
    """
    rng = np.random.default_rng(seed)
    size = (prompts, DIM, context_length)
    X = rng.choice([-1.0, 1.0], size=size) if signs else rng.standard_normal(size)
    s = np.linalg.eigvalsh(X @ X.swapaxes(1, 2) / context_length)
    p = forward.recursion(list(a), list(b), s, np.ones_like(s))[0]
    with np.errstate(divide="ignore"):
        numbers = [np.max(s * q**2, axis=1) / np.min(s * q**2, axis=1) for q in p]
    return tuple(
        Counts(int((after < before * (1 - 1e-9)).sum()), int((after > before * (1 + 1e-9)).sum()))
        for before, after in pairwise(numbers)
    )


def chance(hits: int, prompts: int, share: float) -> float:
    """Hoeffding's bound of the chance of so many hits among independent prompts, were the share at most this."""
    excess = hits / prompts - share
    return exp(-2 * prompts * excess**2) if excess > 0 else 1.0


def numbers(texts: Sequence[str]) -> tuple[float, ...]:
    """Decimals as float64."""
    return tuple(map(float, texts))
