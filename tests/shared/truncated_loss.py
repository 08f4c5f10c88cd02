"""Bounds from below on population losses that rare prompts rule, by importance sampling of a truncated loss."""

from __future__ import annotations

from functools import cache
from math import log
from typing import NamedTuple

import torch
from flint import fmpq

from icl_claims.models.attention import LinearTransformer
from icl_claims.models.parametrizations import relaxed
from icl_claims.models.weights import Weights
from icl_claims.numerics.rounding import nearest
from tests.shared.experiment import D
from tests.shared.relaxed_points import Point

ERROR_PROBABILITY = 1e-8
"""Of one bound."""


class Tilt(NamedTuple):
    """How the loss is bounded from below: contexts of standard deviation ``spread``, summands cut at ``cap``."""

    n: int
    spread: float = 1.8
    cap: float = 1000.0
    samples: int = 20_000


def residual_norms(weights: Weights, X: torch.Tensor) -> torch.Tensor:
    """E[(TF − ⟨w, x_q⟩)² | X] over w and x_q for Σ = I: the sum over unit tasks and unit queries, by linearity in both.

    In the relaxed parametrization the prediction is linear in w (P and Q never mix labels into covariates).
    """
    model = LinearTransformer.from_matrices(weights.P, weights.Q)
    batch, d, _ = X.shape
    total = torch.zeros(batch, dtype=torch.float64)
    queries = torch.eye(d, dtype=torch.float64).expand(batch, d, d)
    for i in range(d):
        labels = torch.cat([X[:, i : i + 1], torch.zeros((batch, 1, d), dtype=torch.float64)], dim=2)
        Z0 = torch.cat([torch.cat([X, queries], dim=2), labels], dim=1)
        target = torch.eye(d, dtype=torch.float64)[i]
        total += (model.predict(Z0, d) - target).square().sum(dim=1)
    return total


@cache
def lower_bound(weights: Weights, tilt: Tilt) -> float:
    """A number below the population loss at Σ = I, with error probability at most :data:`ERROR_PROBABILITY`.

    For X drawn with standard deviation τ, Y = min(v · ρ, K) with ρ the ratio of the densities, v ≥ 0 the loss given X:
    0 ≤ Y ≤ K and E Y ≤ E_1 v = f. Hoeffding: mean − K (ln(1/δ)/(2m))^{1/2} ≤ E Y except with probability δ.
    """
    generator = torch.Generator().manual_seed(tilt.n)
    total, size = 0.0, 10_000
    with torch.no_grad():
        for _ in range(tilt.samples // size):
            X = tilt.spread * torch.randn((size, D, tilt.n), generator=generator, dtype=torch.float64)
            squares = X.square().sum(dim=(1, 2))
            ratio = D * tilt.n * log(tilt.spread) - squares * (1 - tilt.spread**-2) / 2
            total += (residual_norms(weights, X) * ratio.exp()).clamp(max=tilt.cap).sum().item()
    return total / tilt.samples - tilt.cap * (log(1 / ERROR_PROBABILITY) / (2 * tilt.samples)) ** 0.5


def equal_layers(steps: list[fmpq]) -> Weights:
    """Sparse layers A_l = a_l I."""
    A = torch.stack([nearest(a) * torch.eye(D, dtype=torch.float64) for a in steps])
    return Weights(*LinearTransformer.from_preconditioners(A).weights())


def on_scaled_set(point: Point) -> Weights:
    """Relaxed layers A_l = a_l I, B_l = b_l I, each with its own sign."""
    identity = torch.eye(D, dtype=torch.float64)
    A, B = (torch.stack([float(x) * identity for x in part]) for part in (point.a, point.b))
    return Weights(*relaxed(A, B))
