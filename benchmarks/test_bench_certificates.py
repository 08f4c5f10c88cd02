"""The speed of certificates, against the exact routes that they spare."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from flint import fmpz_mat

from icl_claims.theory.algebra import definiteness, hankel, validation
from icl_claims.theory.wishart import trace_moments

Gate = Callable[..., Any]


def test_definiteness_of_an_inverse_covariance(gate: Gate) -> None:
    """Σ⁻¹ for a dense Σ of 30 rows of floats: Schur complements in balls, against the characteristic polynomial."""
    rng = np.random.default_rng(0)
    q, _ = np.linalg.qr(rng.standard_normal((30, 30)))
    product = (q * np.exp(rng.uniform(-1, 1, 30))) @ q.T
    omega = validation.matrix("sigma", (product + product.T) / 2).inv()
    assert gate(lambda: definiteness.definite_by_balls(omega, 128), baseline=omega.charpoly, at_least=20)


def test_hankel_system_of_long_moments(gate: Gate) -> None:
    """L = 40, d = n = 10¹⁷: lifting, against elimination."""
    moments = trace_moments(80, 10**17, 10**17)
    entries, right = moments[2:], moments[1:41]
    gram = fmpz_mat([[entries[i + j] for j in range(40)] for i in range(40)])
    gate(
        lambda: hankel.solution(entries, right),
        baseline=lambda: gram.solve(fmpz_mat([[x] for x in right])),
        at_least=2,
    )
