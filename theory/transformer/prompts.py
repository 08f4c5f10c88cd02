"""The law of a prompt in words: labels, second moments of the context, and the average over all prompts.

The context has covariates X (d × n, columns x_i ~ N(0, Σ)), the labels y = wᵀX + εᵀ with w ~ N(0, Ω) and
ε ~ N(0, σ²I), and the query x_q ~ N(0, Σ). Sizes, Σ, Ω and σ² are symbols.
Source: Ahn et al. (2023), Eq. (1), for Ω = Σ⁻¹ or I and σ² = 0.
"""

from __future__ import annotations

from icl_claims.theory.algebra.gaussian import expectation
from icl_claims.theory.algebra.words import Words, eye, letter, n, sigma2
from icl_claims.theory.transformer.attention import NOISE, X_QUERY, W, X

SIGMA = letter("Sigma", "d", "d", symmetric=True)
"""Σ, the covariance of every covariate."""
OMEGA = letter("Omega", "d", "d", symmetric=True)
"""Ω, the covariance of w."""

LABELS = W.T @ X + NOISE.T
"""y = wᵀX + εᵀ."""
S = X @ X.T / n
CROSS = X @ LABELS.T / n
"""g = X y/n, the vector that one step of gradient descent from 0 moves along."""
LABEL_SQUARE = LABELS @ LABELS.T / n
"""h = y yᵀ/n."""


def over_query_and_task(polynomial: Words) -> Words:
    """E over x_q ~ N(0, Σ) and w ~ N(0, Ω)."""
    return expectation(expectation(polynomial, X_QUERY, SIGMA), W, OMEGA)


def over_prompts(polynomial: Words) -> Words:
    """E over query, context, noise and task: x ~ N(0, Σ), ε ~ N(0, σ² I), w ~ N(0, Ω)."""
    given_query = expectation(polynomial, X_QUERY, SIGMA)
    given_context = expectation(given_query, X, SIGMA)
    given_noise = expectation(given_context, NOISE, eye("n") * sigma2)
    return expectation(given_noise, W, OMEGA)
