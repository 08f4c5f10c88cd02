"""The expected spectral density of S in float64, from the exact density of the eigenvalues."""

from __future__ import annotations

from math import lgamma

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import quad
from scipy.special import eval_genlaguerre

from icl_claims.theory.algebra.validation import positive_integer
from icl_claims.theory.wishart.density import ALGEBRA, DENSITY

Floats = NDArray[np.float64]


def spectral_density(points: Floats, dim: int, context_length: int) -> Floats:
    """The density of μ, the expected spectral measure of S = W/n (total mass d), at points s > 0.

    ρ(x) = ((d − 1)!/(n − 2)!) ρ₀(x) is that of W, for even d and n > d; ρ₀ is
    :data:`icl_claims.theory.wishart.density.DENSITY` with w = x^{(n−d−1)/2} e^{−x/2}, P and Q the Laguerre polynomials
    of degrees d − 1 and d − 2 and parameter n − d, and Ψ(x) = ∫ sgn(y − x) Q(y) w(y) dy by adaptive
    quadrature (absolute error below 1e-8 of the scale of Q w, for drawing).

    Raises:
        ValueError: d is odd, n ≤ d, or a point is not positive.
    """
    d, n = positive_integer("dim", dim), positive_integer("context_length", context_length)
    if d % 2 or n <= d:
        raise ValueError(f"dim must be even and below context_length, got dim {d} and context_length {n}")
    if not np.all(points > 0):
        raise ValueError(f"points must be > 0, got {points.min()}")
    # √((d − 1)!/(n − 2)!) goes into w: no factor of the product overflows.
    scale = (lgamma(d) - lgamma(n - 1)) / 2

    def weight(x: Floats) -> Floats:
        return np.exp((n - d - 1) / 2 * np.log(x) - x / 2 + scale)

    def integrand(y: float) -> float:
        return float(eval_genlaguerre(d - 2, n - d, y) * weight(np.array(y)))

    x = n * np.asarray(points, dtype=np.float64)
    far = 4.0 * n + 40.0 * np.sqrt(n)
    psi = [quad(integrand, z, far, limit=200)[0] - quad(integrand, 0, z, limit=200)[0] for z in x]
    values = {
        "d": np.full_like(x, d),
        "n": np.full_like(x, n),
        "x": x,
        "w": weight(x),
        "P": eval_genlaguerre(d - 1, n - d, x),
        "Q": eval_genlaguerre(d - 2, n - d, x),
        "Psi": np.array(psi),
        "k": np.zeros_like(x),
    }
    total = np.zeros_like(x)
    for powers, c in DENSITY.to_dict().items():
        factors = [values[name] ** int(k) for name, k in zip(ALGEBRA.names(), powers, strict=True)]
        total += float(c.p) / float(c.q) * np.prod(factors, axis=0)
    return n * total
