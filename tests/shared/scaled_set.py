"""One layer on 𝒮, d = 2, n = 1, with one assumption dropped: no step a makes the gradient in all directions 0.

The derivative in the i-th diagonal entry of A at A = aI is 2(a E[g_i²] − E[w_i g_i]) with g = S w. It vanishes at one
a only; where two entries name two different a, the infimum of the gradient over 𝒮 is positive.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flint import fmpq

from icl_claims.claims.evidence import Evidence
from icl_claims.theory.algebra.exact import Refuted
from tests.shared.coordinates import Variables, gaussian, inner, rademacher


def record_necessity(evidence: Evidence) -> None:
    """An instance each for Gaussian covariates, an independent task and the whitened task."""
    evidence.necessary("gaussian_covariates", without_gaussian_covariates())
    evidence.necessary("independent_task", without_independent_task())
    evidence.necessary("whitened_task", without_whitened_task())


def without_gaussian_covariates() -> str:
    v = Variables(x0=gaussian, x1=rademacher, w0=gaussian, w1=gaussian)
    x, w = [v.of["x0"], v.of["x1"]], [v.of["w0"], v.of["w1"]]
    return _different_steps("x = (normal, ±1), d = 2, n = 1", v, x, w)


def without_independent_task() -> str:
    v = Variables(x0=gaussian, x1=gaussian, w1=gaussian)
    x, w = [v.of["x0"], v.of["x1"]], [v.of["x0"], v.of["w1"]]
    return _different_steps("w = (first entry of x_1, normal), d = 2, n = 1", v, x, w)


def without_whitened_task() -> str:
    v = Variables(x0=gaussian, x1=gaussian, w0=gaussian, w1=gaussian)
    x, w = [v.of["x0"], v.of["x1"]], [v.of["w0"], 2 * v.of["w1"]]
    return _different_steps("Σ = I, Ω = diag(1, 4), d = 2, n = 1", v, x, w)


def _different_steps(model: str, v: Variables, x: Sequence[Any], w: Sequence[Any]) -> str:
    """The instance in words, once the two entries name different steps."""
    first, second = _stationary_steps(v, x, w)
    if first == second:
        raise Refuted(f"{model}: the gradient vanishes at a = {first}")
    return (
        f"{model}, L = 1: the derivative in the first diagonal entry of A vanishes at a = {first} only, that in "
        f"the second at a = {second} only: the infimum over 𝒮 is positive."
    )


def _stationary_steps(v: Variables, x: Sequence[Any], w: Sequence[Any]) -> tuple[fmpq, fmpq]:
    """E[w_i g_i]/E[g_i²] for i = 0, 1."""
    y = inner(x, w)
    first, second = (v.mean(w_i * x_i * y) / v.mean((x_i * y) ** 2) for x_i, w_i in zip(x, w, strict=True))
    return first, second
